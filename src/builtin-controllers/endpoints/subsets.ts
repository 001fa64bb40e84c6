/**
 * What the Endpoints of a Service should say, from its pods (EP-1, EP-4, EP-7). Pure.
 *
 * Addresses with the same ports stand together in one subset, whichever Service ports gave them; their
 * order is fixed, so that equal input gives equal output.
 */
import type { Pod, Service } from 'gyre/kinds';
import type { EndpointAddress, EndpointPort, EndpointSubset } from 'gyre/kinds/core/v1';
import { familiesOf, portsKey } from '../endpointslice/desired.js';
import {
  addressesOf,
  counts,
  hostnameOf,
  isReady,
  isTerminating,
  portOn,
} from '../endpointslice/pod-facts.js';

interface Group {
  readonly ports: readonly EndpointPort[];
  readonly ready: EndpointAddress[];
  readonly notReady: EndpointAddress[];
}

export function desiredSubsets(service: Service, pods: readonly Pod[]): EndpointSubset[] {
  const publish = service.spec?.publishNotReadyAddresses ?? false;
  const groups = new Map<string, Group>();
  for (const pod of pods) {
    if (!counts(pod) || (isTerminating(pod) && !publish)) continue;
    const address = addressOf(pod, service);
    if (!address) continue;
    const ports = portsOn(pod, service);
    if (ports.length === 0 && (service.spec?.ports?.length ?? 0) > 0) continue;
    const key = portsKey(ports);
    const group = groups.get(key) ?? { ports, ready: [], notReady: [] };
    groups.set(key, group);
    (publish || isReady(pod) ? group.ready : group.notReady).push(address);
  }
  return [...groups.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { ports, ready, notReady }]) => subset(ports, inOrder(ready), inOrder(notReady)));
}

/** As many addresses as an Endpoints object may have. */
export const maxAddresses = 1000;

/**
 * EP-7: cuts what is too much, unready addresses first, and of the kind that is cut the same share in every
 * subset. Undefined when nothing has to be cut.
 */
export function truncated(
  subsets: readonly EndpointSubset[],
  max: number = maxAddresses,
): EndpointSubset[] | undefined {
  const ready = total(subsets.map(({ addresses = [] }) => addresses));
  const notReady = total(subsets.map(({ notReadyAddresses = [] }) => notReadyAddresses));
  if (ready + notReady <= max) return undefined;
  const cutsReady = ready > max;
  const [budget, of] = cutsReady ? [max, ready] : [max - ready, notReady];
  let left = budget;
  const share = (addresses: readonly EndpointAddress[]): readonly EndpointAddress[] => {
    // Rounded up: the last subsets get what is left.
    const count = Math.min(left, Math.ceil((addresses.length / of) * budget));
    left -= count;
    return addresses.slice(0, count);
  };
  return subsets
    .map(({ ports = [], addresses = [], notReadyAddresses = [] }) =>
      cutsReady ? subset(ports, share(addresses), []) : subset(ports, addresses, share(notReadyAddresses)),
    )
    .filter(({ addresses, notReadyAddresses }) => addresses !== undefined || notReadyAddresses !== undefined);
}

function total(lists: readonly (readonly unknown[])[]): number {
  return lists.reduce((sum, { length }) => sum + length, 0);
}

function subset(
  ports: readonly EndpointPort[],
  addresses: readonly EndpointAddress[],
  notReadyAddresses: readonly EndpointAddress[],
): EndpointSubset {
  return {
    ...(addresses.length > 0 ? { addresses } : {}),
    ...(notReadyAddresses.length > 0 ? { notReadyAddresses } : {}),
    ...(ports.length > 0 ? { ports } : {}),
  };
}

function inOrder(addresses: EndpointAddress[]): EndpointAddress[] {
  const keyed = addresses.map(
    (address) => [`${address.ip} ${address.targetRef?.uid ?? ''}`, address] as const,
  );
  return keyed.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, address]) => address);
}

function addressOf(pod: Pod, service: Service): EndpointAddress | undefined {
  const [family = 'IPv4'] = familiesOf(service);
  const [ip] = addressesOf(pod, family);
  if (ip === undefined) return undefined;
  const { name, namespace = '', uid } = pod.metadata;
  const hostname = hostnameOf(pod, service);
  return {
    ip,
    ...(hostname === undefined ? {} : { hostname }),
    ...(pod.spec?.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
    targetRef: { kind: 'Pod', namespace, name, uid },
  };
}

function portsOn(pod: Pod, { spec }: Service): EndpointPort[] {
  return (spec?.ports ?? []).flatMap((servicePort): EndpointPort[] => {
    const port = portOn(pod, servicePort);
    if (port === undefined) return [];
    const { name, protocol = 'TCP', appProtocol } = servicePort;
    return [
      {
        ...(name ? { name } : {}),
        port,
        protocol,
        ...(appProtocol === undefined ? {} : { appProtocol }),
      },
    ];
  });
}
