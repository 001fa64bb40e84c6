/** What the endpoints of a Service should be, from its pods (EP-1 to EP-4). */
import type { Node, Pod, Service } from 'gyre/kinds';
import type { Endpoint, EndpointPort } from 'gyre/kinds/discovery/v1';
import {
  addressesOf,
  counts,
  hostnameOf,
  type IpFamily,
  isHeadless,
  isReady,
  isTerminating,
  portOn,
} from './pod-facts.js';

/** The endpoints that share a list of ports: one set of slices. */
export interface PortGroup {
  readonly ports: readonly EndpointPort[];
  /** By `endpointKey`. */
  readonly endpoints: ReadonlyMap<string, Endpoint>;
}

export interface Desired {
  /** By `portsKey`. */
  readonly groups: ReadonlyMap<string, PortGroup>;
  /** Pods that were left out because their node is not known (EP-3). */
  readonly skipped: readonly string[];
}

export interface DesiredInput {
  readonly service: Service;
  readonly family: IpFamily;
  readonly pods: readonly Pod[];
  readonly nodeOf: (name: string) => Node | undefined;
}

const zoneLabel = 'topology.kubernetes.io/zone';

export function desiredEndpoints({ service, family, pods, nodeOf }: DesiredInput): Desired {
  const groups = new Map<string, { ports: EndpointPort[]; endpoints: Map<string, Endpoint> }>();
  const skipped: string[] = [];
  for (const pod of pods) {
    if (!counts(pod)) continue;
    const addresses = addressesOf(pod, family);
    if (addresses.length === 0) continue;
    const nodeName = pod.spec?.nodeName;
    const node = nodeName === undefined ? undefined : nodeOf(nodeName);
    if (!node && nodeName !== undefined && !service.spec?.publishNotReadyAddresses) {
      skipped.push(pod.metadata.name);
      continue;
    }
    const ports = portsOn(pod, service);
    // Of a Service with ports, a pod that offers none of them is no endpoint.
    if (ports.length === 0 && (service.spec?.ports?.length ?? 0) > 0) continue;
    const key = portsKey(ports);
    const group = groups.get(key) ?? { ports, endpoints: new Map<string, Endpoint>() };
    const endpoint = endpointOf(pod, service, addresses, node);
    group.endpoints.set(endpointKey(endpoint), endpoint);
    groups.set(key, group);
  }
  return { groups, skipped };
}

/** The address types a Service wants slices of. */
export function familiesOf({ spec }: Service): readonly IpFamily[] {
  if (spec?.ipFamilies?.length) return spec.ipFamilies;
  const addresses = (spec?.clusterIPs ?? [spec?.clusterIP]).filter((ip) => ip && ip !== 'None') as string[];
  return addresses.length === 0
    ? ['IPv4']
    : [...new Set(addresses.map((ip): IpFamily => (ip.includes(':') ? 'IPv6' : 'IPv4')))];
}

/** Tells an endpoint from all others, however its conditions change. */
export function endpointKey({ addresses, targetRef }: Endpoint): string {
  return `${targetRef?.uid ?? targetRef?.name ?? ''} ${addresses.join(' ')}`;
}

/** The same for lists of the same ports, whatever their order. */
export function portsKey(ports: readonly EndpointPort[] = []): string {
  const texts = ports.map(({ name, protocol, port, appProtocol }) =>
    JSON.stringify([name ?? '', protocol ?? 'TCP', port ?? null, appProtocol ?? null]),
  );
  return texts.sort().join();
}

function portsOn(pod: Pod, { spec }: Service): EndpointPort[] {
  return (spec?.ports ?? []).flatMap((servicePort): EndpointPort[] => {
    const port = portOn(pod, servicePort);
    if (port === undefined) return [];
    const { name = '', protocol = 'TCP', appProtocol } = servicePort;
    return [{ name, port, protocol, ...(appProtocol === undefined ? {} : { appProtocol }) }];
  });
}

function endpointOf(
  pod: Pod,
  service: Service,
  addresses: readonly string[],
  node: Node | undefined,
): Endpoint {
  const { name, namespace = '', uid } = pod.metadata;
  const [serving, terminating] = [isReady(pod), isTerminating(pod)];
  const ready = Boolean(service.spec?.publishNotReadyAddresses) || (serving && !terminating);
  const hostname = hostnameOf(pod, service);
  const zone = node?.metadata.labels?.[zoneLabel];
  return {
    addresses,
    conditions: { ready, serving, terminating },
    ...(hostname === undefined ? {} : { hostname }),
    ...(pod.spec?.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
    targetRef: { kind: 'Pod', namespace, name, uid },
    ...(zone ? { zone } : {}),
  };
}

/** The labels a Service hands to its slices and its Endpoints, those with a meaning of their own aside. */
export function inheritedLabels(service: Service): Record<string, string> {
  const labels = Object.entries(service.metadata.labels ?? {}).filter(([key]) => !ownLabels.has(key));
  return { ...Object.fromEntries(labels), ...(isHeadless(service) ? { [headlessLabel]: '' } : {}) };
}

export const serviceNameLabel = 'kubernetes.io/service-name';
export const managedByLabel = 'endpointslice.kubernetes.io/managed-by';
const headlessLabel = 'service.kubernetes.io/headless';
const ownLabels = new Set([serviceNameLabel, managedByLabel, headlessLabel]);
