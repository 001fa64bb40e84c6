/** From Endpoints that somebody wrote to the slices that say the same (EP-8). Pure. */
import { controllerReference, deepEqualJson, type Input } from 'gyre';
import { Endpoints, type EndpointSlice } from 'gyre/kinds';
import type { EndpointSubset } from 'gyre/kinds/core/v1';
import type { Endpoint, EndpointPort } from 'gyre/kinds/discovery/v1';
import { endpointKey, managedByLabel, portsKey, serviceNameLabel } from '../endpointslice/desired.js';
import type { IpFamily } from '../endpointslice/pod-facts.js';
import { place } from '../endpointslice/placement.js';
import { triggerTimeAnnotation } from '../endpointslice/trigger-time.js';

export const mirroredBy = 'endpointslicemirroring-controller.k8s.io';
const maxEndpointsPerSlice = 1000;
/** Addresses of a subset beyond these are not mirrored. */
const maxAddressesPerSubset = 1000;
/** What kubectl applied is the Endpoints', and a slice is not what was applied. */
const notMirrored = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  triggerTimeAnnotation,
  'endpoints.kubernetes.io/over-capacity',
]);

export interface MirrorChanges {
  readonly create: readonly Input<EndpointSlice>[];
  readonly update: readonly EndpointSlice[];
  readonly remove: readonly EndpointSlice[];
}

interface Group {
  readonly family: IpFamily;
  readonly ports: readonly EndpointPort[];
  readonly endpoints: Map<string, Endpoint>;
}

/** @param slices those that mirror these Endpoints already */
export function decide(endpoints: Endpoints, slices: readonly EndpointSlice[]): MirrorChanges {
  const groups = groupsOf(endpoints.subsets ?? []);
  const present = new Map<string, EndpointSlice[]>();
  for (const slice of slices) {
    const key = groupKey(slice.addressType as IpFamily, slice.ports);
    present.set(key, [...(present.get(key) ?? []), slice]);
  }
  const changes = {
    create: [] as Input<EndpointSlice>[],
    update: [] as EndpointSlice[],
    remove: [] as EndpointSlice[],
  };
  const metadata = sliceMetadata(endpoints);
  const { labels, annotations } = metadata;
  for (const [key, { family, ports, endpoints: desired }] of groups) {
    const group = (present.get(key) ?? []).map((slice) => ({
      slice,
      endpoints: slice.endpoints ?? [],
      outdated:
        !deepEqualJson(slice.metadata.labels ?? {}, labels) ||
        !deepEqualJson(slice.metadata.annotations ?? {}, annotations),
    }));
    present.delete(key);
    const placed = place(desired, group, {
      keyOf: endpointKey,
      equal: deepEqualJson as (a: Endpoint, b: Endpoint) => boolean,
      max: maxEndpointsPerSlice,
    });
    for (const content of placed.create)
      changes.create.push({ metadata, addressType: family, endpoints: content, ports });
    for (const [{ slice }, content] of placed.update)
      changes.update.push({
        ...slice,
        metadata: { ...slice.metadata, labels, annotations },
        endpoints: content,
      });
    changes.remove.push(...placed.remove.map(({ slice }) => slice));
  }
  changes.remove.push(...[...present.values()].flat());
  return changes;
}

function groupKey(family: IpFamily, ports: readonly EndpointPort[] = []): string {
  return `${family} ${portsKey(ports)}`;
}

function groupsOf(subsets: readonly EndpointSubset[]): ReadonlyMap<string, Group> {
  const groups = new Map<string, Group>();
  for (const { addresses = [], notReadyAddresses = [], ports: given = [] } of subsets) {
    const ports = given.map(({ name = '', port, protocol = 'TCP', appProtocol }) => ({
      name,
      port,
      protocol,
      ...(appProtocol === undefined ? {} : { appProtocol }),
    }));
    const all = [
      ...addresses.map((address) => ({ address, ready: true })),
      ...notReadyAddresses.map((address) => ({ address, ready: false })),
    ];
    for (const { address, ready } of all.slice(0, maxAddressesPerSubset)) {
      const family: IpFamily = address.ip.includes(':') ? 'IPv6' : 'IPv4';
      const key = groupKey(family, ports);
      const group = groups.get(key) ?? { family, ports, endpoints: new Map<string, Endpoint>() };
      groups.set(key, group);
      const endpoint: Endpoint = {
        addresses: [address.ip],
        conditions: { ready },
        ...(address.hostname === undefined ? {} : { hostname: address.hostname }),
        ...(address.nodeName === undefined ? {} : { nodeName: address.nodeName }),
        ...(address.targetRef === undefined ? {} : { targetRef: address.targetRef }),
      };
      group.endpoints.set(endpointKey(endpoint), endpoint);
    }
  }
  return groups;
}

function sliceMetadata(endpoints: Endpoints) {
  const { name, namespace = '', labels = {}, annotations = {} } = endpoints.metadata;
  return {
    generateName: `${name}-`,
    namespace,
    labels: { ...labels, [serviceNameLabel]: name, [managedByLabel]: mirroredBy },
    annotations: Object.fromEntries(Object.entries(annotations).filter(([key]) => !notMirrored.has(key))),
    ownerReferences: [controllerReference(endpoints, Endpoints)],
  };
}
