/** Roles and their bindings. */
import {
  deepEqualJson,
  FieldPath,
  fieldError,
  GoSyntax,
  goStrings,
  pathSegmentName,
  type StatusCause,
} from '../../../api/index.js';
import type {
  ClusterRole,
  PolicyRule,
  Role,
  RoleBinding,
  RoleRef,
  Subject,
} from '../../../api/kinds/rbac/v1.js';
import { required } from '../checks.js';
import { fillable, type Given, given } from '../given.js';
import { labelSelector } from '../label-selector.js';
import type { KindStrategy } from '../strategy.js';

const group = 'rbac.authorization.k8s.io';

/** Role names may hold colons: `system:node`. */
const common = { group, nameRule: pathSegmentName, allowCreateOnUpdate: true } as const;

function validateRule(path: FieldPath, rule: Given<PolicyRule>, namespaced: boolean): StatusCause[] {
  const causes: StatusCause[] = [];
  if (!rule.verbs?.length)
    causes.push(fieldError.required(path.child('verbs'), 'verbs must contain at least one value'));
  const { nonResourceURLs: urls = [], apiGroups = [], resources = [], resourceNames = [] } = rule;
  if (urls.length > 0) {
    const at = path.child('nonResourceURLs');
    if (namespaced) {
      causes.push(
        fieldError.invalid(at, goStrings(urls), 'namespaced rules cannot apply to non-resource URLs'),
      );
    }
    if (apiGroups.length > 0 || resources.length > 0 || resourceNames.length > 0) {
      causes.push(
        fieldError.invalid(
          at,
          goStrings(urls),
          'rules cannot apply to both regular resources and non-resource URLs',
        ),
      );
    }
    return causes;
  }
  if (apiGroups.length === 0) {
    causes.push(
      fieldError.required(path.child('apiGroups'), 'resource rules must supply at least one api group'),
    );
  }
  if (resources.length === 0) {
    causes.push(
      fieldError.required(path.child('resources'), 'resource rules must supply at least one resource'),
    );
  }
  return causes;
}

function validateRules(rules: readonly Given<PolicyRule>[] = [], namespaced: boolean): StatusCause[] {
  return rules.flatMap((rule, i) => validateRule(FieldPath.of('rules').index(i), rule, namespaced));
}

export const roleStrategy: KindStrategy = {
  ...common,
  kind: 'Role',
  validate: (object) => validateRules(given<Role>(object).rules, true),
};

export const clusterRoleStrategy: KindStrategy = {
  ...common,
  kind: 'ClusterRole',
  validate(object) {
    const { rules, aggregationRule } = given<ClusterRole>(object);
    const causes = validateRules(rules, false);
    if (!aggregationRule) return causes;
    const at = FieldPath.of('aggregationRule', 'clusterRoleSelectors');
    const selectors = aggregationRule.clusterRoleSelectors ?? [];
    if (selectors.length === 0) {
      causes.push(
        fieldError.required(at, 'at least one clusterRoleSelector required if aggregationRule is non-nil'),
      );
    }
    return [...causes, ...selectors.flatMap((selector, i) => labelSelector(at.index(i), selector))];
  },
};

function validateSubject(path: FieldPath, subject: Given<Subject>, namespaced: boolean): StatusCause[] {
  const causes = required(path.child('name'), subject.name);
  const { apiGroup = '', kind = '', namespace } = subject;
  switch (kind) {
    case 'ServiceAccount':
      if (apiGroup !== '') causes.push(fieldError.notSupported(path.child('apiGroup'), apiGroup, ['']));
      if (!namespaced) causes.push(...required(path.child('namespace'), namespace));
      return causes;
    case 'User':
    case 'Group':
      if (apiGroup !== group) causes.push(fieldError.notSupported(path.child('apiGroup'), apiGroup, [group]));
      return causes;
    default:
      return [
        ...causes,
        fieldError.notSupported(path.child('kind'), kind, ['ServiceAccount', 'User', 'Group']),
      ];
  }
}

function goRoleRef(ref: Given<RoleRef> = {}): GoSyntax {
  const { apiGroup = '', kind = '', name = '' } = ref;
  const [g, k, n] = [apiGroup, kind, name].map((text) => JSON.stringify(text));
  return new GoSyntax(`rbac.RoleRef{APIGroup:${g}, Kind:${k}, Name:${n}}`);
}

function bindingStrategy(kind: 'RoleBinding' | 'ClusterRoleBinding'): KindStrategy {
  const namespaced = kind === 'RoleBinding';
  const path = FieldPath.of('roleRef');
  return {
    ...common,
    kind,
    applyDefaults(object) {
      const binding = fillable<RoleBinding>(object);
      if (binding.roleRef) binding.roleRef.apiGroup ||= group;
      for (const subject of binding.subjects ?? []) {
        if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ||= group;
      }
    },
    validate(object) {
      const { roleRef = {}, subjects = [] } = given<RoleBinding>(object);
      const causes: StatusCause[] = [];
      if (roleRef.apiGroup !== group) {
        causes.push(fieldError.notSupported(path.child('apiGroup'), roleRef.apiGroup ?? '', [group]));
      }
      const kinds = namespaced ? ['Role', 'ClusterRole'] : ['ClusterRole'];
      if (!kinds.includes(roleRef.kind ?? '')) {
        causes.push(fieldError.notSupported(path.child('kind'), roleRef.kind ?? '', kinds));
      }
      if (!roleRef.name) causes.push(fieldError.required(path.child('name')));
      else
        for (const why of pathSegmentName(roleRef.name))
          causes.push(fieldError.invalid(path.child('name'), roleRef.name, why));
      const at = FieldPath.of('subjects');
      return [
        ...causes,
        ...subjects.flatMap((subject, i) => validateSubject(at.index(i), subject, namespaced)),
      ];
    },
    validateUpdate(object, old) {
      const ref = given<RoleBinding>(object).roleRef;
      return deepEqualJson(ref, given<RoleBinding>(old).roleRef)
        ? []
        : [fieldError.invalid(path, goRoleRef(ref), 'cannot change roleRef')];
    },
  };
}

export const roleBindingStrategy = bindingStrategy('RoleBinding');
export const clusterRoleBindingStrategy = bindingStrategy('ClusterRoleBinding');
