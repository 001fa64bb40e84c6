/**
 * What objects count for against a ResourceQuota (OC-11): the same for who admits them and for who recounts them.
 * Pure. https://kubernetes.io/docs/concepts/policy/resource-quotas/
 */
import type { Container, PersistentVolumeClaim, Pod, ResourceQuota, Service } from './kinds/core/v1.js';
import { canonicalQuantity, compareQuantity, formatQuantity, parseQuantity } from './quantity.js';

/** Amounts by the names that quotas use: `pods`, `requests.cpu`, `count/deployments.apps`. */
export type Usage = ReadonlyMap<string, string>;

interface Counted {
  readonly group: string;
  readonly plural: string;
}

/** Kinds that quotas name without `count/` as well. */
const plain = new Set([
  'configmaps',
  'persistentvolumeclaims',
  'pods',
  'replicationcontrollers',
  'resourcequotas',
  'secrets',
  'services',
]);

/** What one object uses. */
export function quotaUsage({ group, plural }: Counted, object: object): Usage {
  const usage = new Map([[`count/${group === '' ? plural : `${plural}.${group}`}`, '1']]);
  if (group !== '') return usage;
  if (plural === 'pods') addPod(usage, object as Pod);
  else if (plain.has(plural)) usage.set(plural, '1');
  if (plural === 'services') addService(usage, object as Service);
  if (plural === 'persistentvolumeclaims') addClaim(usage, object as PersistentVolumeClaim);
  return usage;
}

function addService(usage: Map<string, string>, { spec }: Service): void {
  const { type, ports = [], allocateLoadBalancerNodePorts = true } = spec ?? {};
  const balances = type === 'LoadBalancer';
  usage.set('services.loadbalancers', balances ? '1' : '0');
  const nodePorts = type === 'NodePort' || (balances && allocateLoadBalancerNodePorts);
  usage.set('services.nodeports', nodePorts ? String(ports.length) : '0');
}

function addClaim(usage: Map<string, string>, { spec }: PersistentVolumeClaim): void {
  const storage = spec?.resources?.requests?.storage ?? '0';
  usage.set('requests.storage', String(storage));
  const { storageClassName } = spec ?? {};
  if (!storageClassName) return;
  const prefix = `${storageClassName}.storageclass.storage.k8s.io/`;
  usage.set(`${prefix}requests.storage`, String(storage));
  usage.set(`${prefix}persistentvolumeclaims`, '1');
}

/** A pod that has ended uses nothing but its place in the list. */
function addPod(usage: Map<string, string>, { spec, status }: Pod): void {
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return;
  usage.set('pods', '1');
  for (const [name, amount] of podTotal(spec, 'requests')) {
    usage.set(`requests.${name}`, amount);
    if (!name.includes('/')) usage.set(name, amount);
  }
  for (const [name, amount] of podTotal(spec, 'limits')) usage.set(`limits.${name}`, amount);
}

/**
 * What a pod asks for at most at one time: its containers and sidecars together, or the neediest of its init containers,
 * and the overhead of its runtime class.
 */
export function podTotal(spec: Pod['spec'], field: 'requests' | 'limits'): Usage {
  const total = new Map<string, string>();
  const of = ({ resources }: Container): [string, string][] =>
    Object.entries(resources?.[field] ?? {}).map(([name, amount]) => [name, String(amount)]);
  for (const container of spec?.containers ?? []) addUsage(total, of(container));
  const sidecars = new Map<string, string>();
  const neediest = new Map<string, string>();
  for (const container of spec?.initContainers ?? []) {
    if (container.restartPolicy === 'Always') {
      addUsage(total, of(container));
      addUsage(sidecars, of(container));
      continue;
    }
    const own = new Map(sidecars);
    addUsage(own, of(container));
    for (const [name, amount] of own) raise(neediest, name, amount);
  }
  for (const [name, amount] of neediest) raise(total, name, amount);
  for (const [name, amount] of Object.entries(spec?.overhead ?? {}))
    if (field === 'requests' || total.has(name)) addUsage(total, [[name, String(amount)]]);
  return total;
}

function raise(amounts: Map<string, string>, name: string, amount: string): void {
  const have = amounts.get(name);
  if (have === undefined || compareQuantity(amount, have) > 0) amounts.set(name, amount);
}

/** Adds in place, each amount in the form of the first. */
export function addUsage(total: Map<string, string>, more: Iterable<readonly [string, string]>): void {
  for (const [name, amount] of more) {
    const have = total.get(name);
    if (have === undefined) {
      total.set(name, canonicalQuantity(amount));
      continue;
    }
    const form = [have, amount].some((text) => text.endsWith('i')) ? 'binary' : 'decimal';
    total.set(name, formatQuantity(parseQuantity(have) + parseQuantity(amount), form));
  }
}

/** `after - before`, of what grew; nothing else is charged. */
export function growth(after: Usage, before: Usage): Usage {
  const grown = new Map<string, string>();
  for (const [name, amount] of after) {
    const more = parseQuantity(amount) - parseQuantity(before.get(name) ?? '0');
    if (more > 0n) grown.set(name, formatQuantity(more, amount.endsWith('i') ? 'binary' : 'decimal'));
  }
  return grown;
}

interface Requirement {
  readonly scopeName: string;
  readonly operator: string;
  readonly values?: readonly string[];
}

/** Whether a quota is about an object: its scopes are about pods alone. */
export function inQuotaScope(
  spec: ResourceQuota['spec'],
  { group, plural }: Counted,
  object: object,
): boolean {
  const scopes: Requirement[] = [
    ...(spec?.scopes ?? []).map((scopeName) => ({ scopeName, operator: 'Exists' })),
    ...((spec?.scopeSelector?.matchExpressions ?? []) as readonly Requirement[]),
  ];
  if (scopes.length === 0) return true;
  if (group !== '' || plural !== 'pods') return false;
  return scopes.every((scope) => podInScope(scope, object as Pod));
}

function podInScope({ scopeName, operator, values = [] }: Requirement, { spec }: Pod): boolean {
  switch (scopeName) {
    case 'Terminating':
      return spec?.activeDeadlineSeconds !== undefined;
    case 'NotTerminating':
      return spec?.activeDeadlineSeconds === undefined;
    case 'BestEffort':
      return isBestEffort(spec);
    case 'NotBestEffort':
      return !isBestEffort(spec);
    case 'CrossNamespacePodAffinity':
      return crossesNamespaces(spec);
    case 'PriorityClass': {
      const name = spec?.priorityClassName ?? '';
      if (operator === 'Exists') return name !== '';
      if (operator === 'DoesNotExist') return name === '';
      return values.includes(name) === (operator === 'In');
    }
    default:
      return false;
  }
}

function isBestEffort(spec: Pod['spec']): boolean {
  return [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].every(({ resources }) =>
    [resources?.requests, resources?.limits].every((amounts) =>
      Object.entries(amounts ?? {}).every(
        ([name, amount]) => !['cpu', 'memory'].includes(name) || parseQuantity(amount) === 0n,
      ),
    ),
  );
}

function crossesNamespaces(spec: Pod['spec']): boolean {
  const { podAffinity, podAntiAffinity } = spec?.affinity ?? {};
  return [podAffinity, podAntiAffinity].some((affinity) =>
    [
      ...(affinity?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
      ...(affinity?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map((p) => p.podAffinityTerm),
    ].some((term) => (term.namespaces?.length ?? 0) > 0 || term.namespaceSelector !== undefined),
  );
}

const needed = ['cpu', 'memory', 'requests.cpu', 'requests.memory', 'limits.cpu', 'limits.memory'];

/**
 * What every container of a pod has to say where a quota counts it: `cpu for: c1; limits.memory for: c1,c2`; undefined
 * when all is said.
 */
export function unspecified(hard: Iterable<string>, { spec }: Pod): string | undefined {
  const counted = new Set(hard);
  const missing = needed.flatMap((name) => {
    if (!counted.has(name)) return [];
    const [field, resource] = name.startsWith('limits.')
      ? (['limits', name.slice('limits.'.length)] as const)
      : (['requests', name.replace('requests.', '')] as const);
    const silent = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])]
      .filter(({ resources }) => !Object.hasOwn(resources?.[field] ?? {}, resource))
      .map((container) => container.name);
    return silent.length === 0 ? [] : [`${name} for: ${silent.sort().join(',')}`];
  });
  return missing.length === 0 ? undefined : missing.sort().join('; ');
}
