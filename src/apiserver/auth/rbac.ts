/**
 * Role-based access control over the Roles and bindings in the cluster: everything is denied until a rule
 * allows it. Members of `system:masters` may do everything, whatever the rules say.
 */
import type { UserInfo } from '../../api/index.js';
import { storagePrefix, type WatchCache } from '../cache/watch-cache.js';
import { type Binding, BindingIndex, type Bound } from './binding-index.js';
import type {
  AuthorizationAttributes,
  Authorizer,
  Decision,
  NonResourceAttributes,
  PolicyRule,
} from './authorizer.js';

export const mastersGroup = 'system:masters';

const group = 'rbac.authorization.k8s.io';
const prefixes = {
  roles: storagePrefix({ group, plural: 'roles' }),
  clusterRoles: storagePrefix({ group, plural: 'clusterroles' }),
  roleBindings: storagePrefix({ group, plural: 'rolebindings' }),
  clusterRoleBindings: storagePrefix({ group, plural: 'clusterrolebindings' }),
};

interface Role {
  readonly rules?: readonly PolicyRule[];
}

export class RbacAuthorizer implements Authorizer {
  readonly #clusterBindings: BindingIndex;
  readonly #bindings: BindingIndex;

  constructor(private readonly cache: WatchCache) {
    this.#clusterBindings = new BindingIndex(cache.resource(prefixes.clusterRoleBindings));
    this.#bindings = new BindingIndex(cache.resource(prefixes.roleBindings));
  }

  authorize(attributes: AuthorizationAttributes): Decision {
    return this.#decide(attributes.user, attributes.namespace, (rule) => allowsResource(rule, attributes));
  }

  authorizeNonResource({ user, verb, path }: NonResourceAttributes): Decision {
    return this.#decide(
      user,
      '',
      ({ verbs, nonResourceURLs = [] }) =>
        matches(verbs, verb) && nonResourceURLs.some((pattern) => coversPath(pattern, path)),
    );
  }

  rulesFor(user: UserInfo, namespace: string): readonly PolicyRule[] {
    const everything: PolicyRule[] = user.groups?.includes(mastersGroup)
      ? [
          { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
          { verbs: ['*'], nonResourceURLs: ['*'] },
        ]
      : [];
    const of = (bindings: BindingIndex, where: string): PolicyRule[] =>
      bindings.of(user, where).flatMap(({ binding }) => this.#role(binding, where)?.rules ?? []);
    return [
      ...everything,
      ...of(this.#clusterBindings, ''),
      ...(namespace === '' ? [] : of(this.#bindings, namespace)),
    ];
  }

  #decide(user: UserInfo, namespace: string, allows: (rule: PolicyRule) => boolean): Decision {
    if (user.groups?.includes(mastersGroup)) return { allowed: true };
    const missing: string[] = [];
    return (
      this.#granted(this.#clusterBindings.of(user, ''), '', allows, missing) ??
      (namespace === ''
        ? undefined
        : this.#granted(this.#bindings.of(user, namespace), namespace, allows, missing)) ??
      denied(missing)
    );
  }

  /** @param missing takes what is said of roles that are not there */
  #granted(
    bindings: readonly Bound[],
    namespace: string,
    allows: (rule: PolicyRule) => boolean,
    missing: string[],
  ): Decision | undefined {
    for (const bound of bindings) {
      const role = this.#role(bound.binding, namespace);
      if (!role) missing.push(notFoundText(bound));
      else if (role.rules?.some(allows)) return allowedBy(bound, namespace);
    }
    return undefined;
  }

  #role({ roleRef }: Binding, namespace: string): Role | undefined {
    const key =
      roleRef?.kind === 'Role' && namespace !== ''
        ? ([prefixes.roles, `${prefixes.roles}${namespace}/${roleRef.name}`] as const)
        : ([prefixes.clusterRoles, `${prefixes.clusterRoles}${roleRef?.name}`] as const);
    return this.cache.resource(key[0]).get(key[1])?.object as unknown as Role | undefined;
  }
}

/** Why is said when somebody asks: most never do. */
function allowedBy({ binding, subject }: Bound, namespace: string): Decision {
  return {
    allowed: true,
    get reason() {
      const { kind, name } = binding.roleRef ?? {};
      const own = binding.metadata.name;
      const by =
        namespace === ''
          ? `ClusterRoleBinding ${JSON.stringify(own)}`
          : `RoleBinding ${JSON.stringify(`${own}/${namespace}`)}`;
      const to =
        subject.kind === 'ServiceAccount'
          ? `${subject.name}/${subject.namespace ?? namespace}`
          : (subject.name ?? '');
      return `RBAC: allowed by ${by} of ${kind} ${JSON.stringify(name ?? '')} to ${subject.kind} ${JSON.stringify(to)}`;
    },
  };
}

function denied(missing: readonly string[]): Decision {
  if (missing.length === 0) return { allowed: false };
  const unique = [...new Set(missing)];
  return { allowed: false, reason: `RBAC: ${unique.length === 1 ? unique[0] : `[${unique.join(', ')}]`}` };
}

function notFoundText({ binding: { roleRef } }: Bound): string {
  return `${roleRef?.kind?.toLowerCase() ?? ''}.${group} ${JSON.stringify(roleRef?.name ?? '')} not found`;
}

/** `*` stands for all. */
export function matches(allowed: readonly string[] | undefined, value: string): boolean {
  return allowed !== undefined && (allowed.includes('*') || allowed.includes(value));
}

/** Whether one of the rules allows it. */
export function rulesAllow(rules: readonly PolicyRule[], asked: AuthorizationAttributes): boolean {
  return rules.some((rule) => allowsResource(rule, asked));
}

function allowsResource(rule: PolicyRule, a: AuthorizationAttributes): boolean {
  if (!matches(rule.verbs, a.verb) || !matches(rule.apiGroups, a.group)) return false;
  const full = a.subresource === '' ? a.resource : `${a.resource}/${a.subresource}`;
  const resources = rule.resources ?? [];
  if (
    !resources.includes('*') &&
    !resources.includes(full) &&
    !(a.subresource !== '' && resources.includes(`*/${a.subresource}`))
  ) {
    return false;
  }
  return !rule.resourceNames || rule.resourceNames.length === 0 || rule.resourceNames.includes(a.name);
}

/** Of paths, and of patterns that end in `*`. */
export function coversPath(pattern: string, path: string): boolean {
  if (pattern === '*' || pattern === path) return true;
  return pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1));
}
