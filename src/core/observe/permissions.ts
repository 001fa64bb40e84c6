/**
 * RBAC from observation: what a program asks of an API server, as the least role that allows it. Run it through the
 * tests of an operator, and the role it needs falls out; or hold what it did against what it declares.
 *
 * It sits on the Transport, so that it sees everything: informers, events, leases, what a client of the author's
 * own does.
 */
import type { ApiRequest, Transport } from '../../api/index.js';
import { homeOf } from '../controller/cluster-links.js';
import type { AnyControllerDefinition } from '../controller/definition.js';
import { type ControllerClass, planOf } from '../controller/definition-of.js';
import { factsOfLineage } from '../registration/metadata.js';
import type { RequestAttributes } from '../../client/index.js';

/** A rule of a Role or ClusterRole. */
export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** What one request needs. */
export type Permission = Pick<
  RequestAttributes,
  'verb' | 'group' | 'resource' | 'subresource' | 'namespace' | 'name'
>;

export class PermissionRecorder {
  readonly #seen = new Map<string, Permission>();

  /** The Transport, observed. */
  transport(inner: Transport): Transport {
    return {
      ...inner,
      request: (request) => {
        this.#note(request);
        return inner.request(request);
      },
      watch: (request) => {
        this.#note(request);
        return inner.watch(request);
      },
      close: () => inner.close(),
    };
  }

  /** What was asked for, each once, sorted. */
  get permissions(): readonly Permission[] {
    return [...this.#seen.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, permission]) => permission);
  }

  /** The least rules that allow all that was asked for, in `namespace` or everywhere. Names are not narrowed. */
  rules(namespace?: string): readonly PolicyRule[] {
    return rulesFor(this.permissions.filter((p) => namespace === undefined || p.namespace === namespace));
  }

  /** The least ClusterRole, as an object to be applied or written to a file. */
  clusterRole(name: string) {
    return {
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRole',
      metadata: { name },
      rules: this.rules(),
    } as const;
  }

  /** What was asked for and none of the rules allows. */
  beyond(declared: readonly PolicyRule[]): readonly Permission[] {
    return this.permissions.filter((permission) => !declared.some((rule) => allows(rule, permission)));
  }

  /** @throws Error naming each permission that was used and is not declared, with the decorator to add */
  assertWithin(declared: readonly PolicyRule[]): void {
    const beyond = this.beyond(declared);
    if (beyond.length === 0) return;
    const lines = rulesFor(beyond).map(
      ({ apiGroups, resources, verbs }) => `  @Rbac(${JSON.stringify({ apiGroups, resources, verbs })})`,
    );
    throw new Error(`permissions were used that are not declared:\n${lines.join('\n')}`);
  }

  #note(request: ApiRequest): void {
    const permission = permissionOf(request);
    if (!permission) return;
    const { group, resource, subresource = '', verb, namespace = '', name = '' } = permission;
    // Names of what is created and patched are many and seldom part of a rule.
    this.#seen.set([group, resource, subresource, verb, namespace].join(' '), {
      ...permission,
      ...(name ? { name } : {}),
    });
  }
}

const pathPattern =
  /^\/(?:api\/(?<core>[^/]+)|apis\/(?<group>[^/]+)\/(?<version>[^/]+))(?:\/namespaces\/(?<namespace>[^/]+))?\/(?<resource>[^/]+)(?:\/(?<name>[^/]+))?(?:\/(?<subresource>.+))?$/;

/** What RBAC would be asked for this request; undefined for discovery, versions and health. */
export function permissionOf({ method, path, query }: ApiRequest): Permission | undefined {
  const whole = pathPattern.exec(path)?.groups ?? pathPattern.exec(`${path}/`)?.groups;
  if (!whole?.resource) {
    // The namespaces themselves look like a namespace without a resource.
    const own = /^\/api\/v1\/namespaces\/(?<name>[^/]+)$/.exec(path)?.groups;
    return own?.name
      ? { ...verbOf(method, query, true), group: '', resource: 'namespaces', name: own.name }
      : undefined;
  }
  const { group = '', namespace, resource, name, subresource } = whole;
  if (namespace && (resource === 'status' || resource === 'finalize') && !name)
    return {
      ...verbOf(method, query, true),
      group: '',
      resource: 'namespaces',
      subresource: resource,
      name: namespace,
    };
  return {
    ...verbOf(method, query, name !== undefined),
    group,
    resource,
    ...(subresource ? { subresource } : {}),
    ...(namespace ? { namespace } : {}),
    ...(name ? { name } : {}),
  };
}

function verbOf(
  method: ApiRequest['method'],
  query: ApiRequest['query'],
  named: boolean,
): { readonly verb: string } {
  if (method === 'GET') return { verb: query?.watch === 'true' ? 'watch' : named ? 'get' : 'list' };
  if (method === 'DELETE') return { verb: named ? 'delete' : 'deletecollection' };
  return { verb: ({ POST: 'create', PUT: 'update', PATCH: 'patch' } as const)[method] };
}

function rulesFor(permissions: readonly Permission[]): PolicyRule[] {
  const byResource = new Map<string, Set<string>>();
  for (const { group, resource, subresource, verb } of permissions) {
    const id = `${group} ${subresource ? `${resource}/${subresource}` : resource}`;
    byResource.set(id, (byResource.get(id) ?? new Set()).add(verb));
  }
  // Resources of one group with the same verbs share a rule.
  const rules = new Map<string, { group: string; resources: string[]; verbs: string[] }>();
  for (const [id, verbs] of [...byResource].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [group = '', resource = ''] = id.split(' ');
    const sorted = [...verbs].sort();
    const at = `${group} ${sorted.join()}`;
    const rule = rules.get(at) ?? { group, resources: [], verbs: sorted };
    rule.resources.push(resource);
    rules.set(at, rule);
  }
  return [...rules.values()].map(({ group, resources, verbs }) => ({ apiGroups: [group], resources, verbs }));
}

function allows(rule: PolicyRule, { group, resource, subresource, verb, name }: Permission): boolean {
  const whole = subresource ? `${resource}/${subresource}` : resource;
  const has = (list: readonly string[], value: string): boolean => list.includes('*') || list.includes(value);
  return (
    has(rule.apiGroups, group) &&
    (has(rule.resources, whole) ||
      (subresource !== undefined && rule.resources.includes(`*/${subresource}`))) &&
    has(rule.verbs, verb) &&
    (rule.resourceNames === undefined ||
      rule.resourceNames.length === 0 ||
      rule.resourceNames.includes(name ?? ''))
  );
}

/**
 * What a controller says it needs in a cluster: what it watches, its finalizers and status, its events, children it
 * owns, and what `@Rbac` adds. Writes to other kinds cannot be known beforehand: those are for `@Rbac`.
 *
 * @param cluster default: the one the controller is in
 */
export function declaredRules(
  controller: AnyControllerDefinition | ControllerClass,
  cluster?: string,
): readonly PolicyRule[] {
  const plan = typeof controller === 'function' ? planOf(controller) : controller;
  const home = homeOf(plan);
  const there = cluster ?? home;
  const watches = plan.watches.filter((watch) => (watch.cluster ?? home) === there);
  const rbac = (plan.rbac ?? []).filter((rule) => (rule.cluster ?? home) === there);
  return [
    ...(there === home ? primaryRules(controller) : []),
    ...watches.map(({ kind, relation }) => ({
      apiGroups: [kind.group],
      resources: [kind.plural],
      verbs: relation === 'owns' ? written : read,
    })),
    ...rbac.map(({ apiGroups = [''], resources, verbs, resourceNames }) => ({
      apiGroups,
      resources,
      verbs,
      ...(resourceNames ? { resourceNames } : {}),
    })),
  ];
}

const read = ['get', 'list', 'watch'];
const written = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];

/** Its own objects, their status, and events about them. */
function primaryRules(controller: AnyControllerDefinition | ControllerClass): readonly PolicyRule[] {
  const { kind } = typeof controller === 'function' ? planOf(controller) : controller;
  const finalizes =
    typeof controller === 'function'
      ? factsOfLineage(controller).some(({ finalizers }) => finalizers.length > 0)
      : controller.cleanups.length > 0;
  return [
    {
      apiGroups: [kind.group],
      resources: [kind.plural],
      verbs: finalizes ? [...read, 'patch'] : read,
    },
    { apiGroups: [kind.group], resources: [`${kind.plural}/status`], verbs: ['patch'] },
    { apiGroups: [''], resources: ['events'], verbs: ['create', 'patch'] },
  ];
}
