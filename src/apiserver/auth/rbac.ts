/**
 * Role-based access control over the Roles and bindings in the cluster: everything is denied until a rule
 * allows it. Members of `system:masters` may do everything, whatever the rules say.
 */
import type { UserInfo } from '../../api/index.js';
import { storagePrefix, type WatchCache } from '../cache/watch-cache.js';
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

interface Binding {
  readonly subjects?: readonly {
    readonly kind?: string;
    readonly name?: string;
    readonly namespace?: string;
  }[];
  readonly roleRef?: { readonly kind?: string; readonly name?: string };
}
interface Role {
  readonly rules?: readonly PolicyRule[];
}

export class RbacAuthorizer implements Authorizer {
  constructor(private readonly cache: WatchCache) {}

  authorize(attributes: AuthorizationAttributes): Decision {
    if (attributes.user.groups?.includes(mastersGroup)) return { allowed: true };
    for (const rule of this.#rules(attributes.user, attributes.namespace)) {
      if (allowsResource(rule, attributes)) return { allowed: true };
    }
    return { allowed: false };
  }

  authorizeNonResource(attributes: NonResourceAttributes): Decision {
    if (attributes.user.groups?.includes(mastersGroup)) return { allowed: true };
    for (const rule of this.#rules(attributes.user, '')) {
      if (
        matches(rule.verbs, attributes.verb) &&
        (rule.nonResourceURLs ?? []).some((p) => coversPath(p, attributes.path))
      ) {
        return { allowed: true };
      }
    }
    return { allowed: false };
  }

  rulesFor(user: UserInfo, namespace: string): readonly PolicyRule[] {
    const everything: PolicyRule[] = user.groups?.includes(mastersGroup)
      ? [
          { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
          { verbs: ['*'], nonResourceURLs: ['*'] },
        ]
      : [];
    return [...everything, ...this.#rules(user, namespace)];
  }

  *#rules(user: UserInfo, namespace: string): Iterable<PolicyRule> {
    for (const { object } of this.cache.resource(prefixes.clusterRoleBindings).scan()) {
      const binding = object as unknown as Binding;
      if (bindsUser(binding, user, '')) yield* this.#rulesOfRef(binding, '');
    }
    if (namespace === '') return;
    for (const { object } of this.cache
      .resource(prefixes.roleBindings)
      .scan(`${prefixes.roleBindings}${namespace}/`)) {
      const binding = object as unknown as Binding;
      if (bindsUser(binding, user, namespace)) yield* this.#rulesOfRef(binding, namespace);
    }
  }

  #rulesOfRef({ roleRef }: Binding, namespace: string): readonly PolicyRule[] {
    const key =
      roleRef?.kind === 'Role' && namespace !== ''
        ? ([prefixes.roles, `${prefixes.roles}${namespace}/${roleRef.name}`] as const)
        : ([prefixes.clusterRoles, `${prefixes.clusterRoles}${roleRef?.name}`] as const);
    const role = this.cache.resource(key[0]).get(key[1])?.object as unknown as Role | undefined;
    return role?.rules ?? [];
  }
}

function bindsUser(binding: Binding, user: UserInfo, namespace: string): boolean {
  return (binding.subjects ?? []).some((subject) => {
    switch (subject.kind) {
      case 'User':
        return subject.name === user.username;
      case 'Group':
        return user.groups?.includes(subject.name ?? '') ?? false;
      case 'ServiceAccount':
        return user.username === `system:serviceaccount:${subject.namespace ?? namespace}:${subject.name}`;
      default:
        return false;
    }
  });
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
