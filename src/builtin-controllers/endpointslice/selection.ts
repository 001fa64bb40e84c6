/**
 * Which pods a Service selects, and which Services select a pod, both found through an index: a pod under
 * each of its labels, a Service under one pair of its selector. What is found is then matched in full, so
 * a change of one pod costs as much as it has labels, not as its namespace has Services.
 */
import type { CacheReader } from 'gyre';
import { Pod, Service } from 'gyre/kinds';

/** Index of Pods: `namespace/key=value` for every label. */
export const labelIndex = 'namespaceLabel';
/** Index of Services: `namespace/key=value` of the first pair of the selector. */
export const selectorIndex = 'selectorPair';
/** Index of Pods: the node they are bound to. */
export const nodeNameIndex = 'nodeName';

/**
 * True for a Service whose endpoints follow from its pods. Those of a Service without a selector are
 * somebody else's to write, and an ExternalName is an alias in DNS.
 */
export function selectsPods({ spec }: Service): boolean {
  return (
    spec?.type !== 'ExternalName' && spec?.selector !== undefined && firstPair(spec.selector) !== undefined
  );
}

export const podLabels = ({ metadata }: Pod): string[] =>
  Object.entries(metadata.labels ?? {}).map(([key, value]) => `${metadata.namespace}/${key}=${value}`);

export const serviceSelectorPair = (service: Service): string[] => {
  const pair = selectsPods(service) ? firstPair(service.spec?.selector ?? {}) : undefined;
  return pair === undefined ? [] : [`${service.metadata.namespace}/${pair}`];
};

export const podNodeName = ({ spec }: Pod): string[] => (spec?.nodeName ? [spec.nodeName] : []);

/** The first by key: any would do, as long as it is always the same. */
function firstPair(selector: Readonly<Record<string, string>>): string | undefined {
  const [first] = Object.keys(selector).sort();
  return first === undefined ? undefined : `${first}=${selector[first]}`;
}

function matches({ spec }: Service, { metadata }: Pod): boolean {
  const labels = metadata.labels ?? {};
  return Object.entries(spec?.selector ?? {}).every(
    ([key, value]) => Object.hasOwn(labels, key) && labels[key] === value,
  );
}

/** The pods a Service selects, by name. */
export function podsOf(service: Service, cache: CacheReader): Pod[] {
  return serviceSelectorPair(service)
    .flatMap((pair) => cache.by(Pod, labelIndex, pair))
    .filter((pod) => matches(service, pod))
    .sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

/** The keys of the Services that select a pod. */
export function servicesOfPod(pod: Pod, cache: CacheReader): { namespace: string; name: string }[] {
  const services = podLabels(pod).flatMap((label) => cache.by(Service, selectorIndex, label));
  return services.filter((service) => matches(service, pod)).map(identityOf);
}

/** The keys of the Services that have pods on a node. */
export function servicesOnNode(name: string, cache: CacheReader): { namespace: string; name: string }[] {
  return cache.by(Pod, nodeNameIndex, name).flatMap((pod) => servicesOfPod(pod, cache));
}

function identityOf({ metadata: { namespace = '', name } }: Service): { namespace: string; name: string } {
  return { namespace, name };
}
