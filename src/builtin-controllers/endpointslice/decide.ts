/** From a Service, its pods and its slices to the writes that make them agree (EP-1 to EP-6). Pure. */
import { controllerOf, controllerReference, deepEqualJson, type Input } from 'gyre';
import { type EndpointSlice, type Node, type Pod, Service } from 'gyre/kinds';
import type { Endpoint, EndpointPort } from 'gyre/kinds/discovery/v1';
import {
  type Desired,
  desiredEndpoints,
  endpointKey,
  familiesOf,
  inheritedLabels,
  managedByLabel,
  portsKey,
  serviceNameLabel,
} from './desired.js';
import { place } from './placement.js';
import type { IpFamily } from './pod-facts.js';
import { triggerTime, withTriggerTime } from './trigger-time.js';

export const managedBy = 'endpointslice-controller.k8s.io';
const maxEndpointsPerSlice = 100;

export interface Observed {
  readonly service: Service;
  /** Those the Service selects. */
  readonly pods: readonly Pod[];
  readonly nodeOf: (name: string) => Node | undefined;
  /** Those that are labelled as this Service's and managed by this controller. */
  readonly slices: readonly EndpointSlice[];
}

export interface SliceChanges {
  readonly create: readonly Input<EndpointSlice>[];
  readonly update: readonly EndpointSlice[];
  readonly remove: readonly EndpointSlice[];
  /** Pods that were left out because their node is not known. */
  readonly skipped: readonly string[];
}

export function decide(observed: Observed): SliceChanges {
  const { service, pods, nodeOf } = observed;
  // What is being deleted is as good as gone.
  const slices = observed.slices.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const families = familiesOf(service);
  const changes: Changes = {
    create: [],
    update: [],
    remove: slices.filter(({ addressType }) => !families.includes(addressType as IpFamily)),
  };
  const skipped = new Set<string>();
  for (const family of families) {
    const desired = desiredEndpoints({ service, family, pods, nodeOf });
    for (const pod of desired.skipped) skipped.add(pod);
    decideFamily(service, family, desired, slices, changes);
  }
  reuseRemoved(service, changes);
  const stamp = stampOf(observed, changes);
  return {
    // The garbage collector is about to take the slices: a new one would only get in its way.
    create: service.metadata.deletionTimestamp === undefined ? changes.create.map(stamp) : [],
    update: changes.update.map(stamp),
    remove: changes.remove,
    skipped: [...skipped],
  };
}

interface Changes {
  create: Input<EndpointSlice>[];
  readonly update: EndpointSlice[];
  remove: EndpointSlice[];
}

function decideFamily(
  service: Service,
  family: IpFamily,
  { groups }: Desired,
  slices: readonly EndpointSlice[],
  changes: Changes,
): void {
  const labels = sliceLabels(service);
  const present = new Map<string, EndpointSlice[]>();
  for (const slice of slices) {
    if (slice.addressType !== family) continue;
    if (!belongsTo(slice, service)) changes.remove.push(slice);
    else present.set(portsKey(slice.ports), [...(present.get(portsKey(slice.ports)) ?? []), slice]);
  }
  let kept = 0;
  for (const [key, { ports, endpoints }] of groups) {
    const group = (present.get(key) ?? []).map((slice) => ({
      slice,
      endpoints: slice.endpoints ?? [],
      outdated: !deepEqualJson(slice.metadata.labels, labels),
    }));
    present.delete(key);
    const placed = place(endpoints, group, {
      keyOf: endpointKey,
      equal: deepEqualJson as (a: Endpoint, b: Endpoint) => boolean,
      max: maxEndpointsPerSlice,
    });
    for (const content of placed.create) changes.create.push(newSlice(service, family, ports, content));
    for (const [{ slice }, content] of placed.update)
      changes.update.push({ ...slice, metadata: { ...slice.metadata, labels }, endpoints: content });
    changes.remove.push(...placed.remove.map(({ slice }) => slice));
    kept += group.length - placed.remove.length + placed.create.length;
  }
  const leftover = [...present.values()].flat();
  if (kept > 0) {
    changes.remove.push(...leftover);
    return;
  }
  // Without any endpoint one empty slice stays, to say that there are none.
  const isPlaceholder = (slice: EndpointSlice): boolean =>
    (slice.endpoints ?? []).length === 0 && (slice.ports ?? []).length === 0;
  const placeholder = leftover.find(isPlaceholder);
  changes.remove.push(...leftover.filter((slice) => slice !== placeholder));
  if (!placeholder) changes.create.push(newSlice(service, family, [], []));
  else if (!deepEqualJson(placeholder.metadata.labels, labels))
    changes.update.push({ ...placeholder, metadata: { ...placeholder.metadata, labels } });
}

function belongsTo(slice: EndpointSlice, service: Service): boolean {
  return controllerOf(slice)?.uid === service.metadata.uid;
}

function sliceLabels(service: Service): Record<string, string> {
  return {
    ...inheritedLabels(service),
    [serviceNameLabel]: service.metadata.name,
    [managedByLabel]: managedBy,
  };
}

function newSlice(
  service: Service,
  family: IpFamily,
  ports: readonly EndpointPort[],
  endpoints: readonly Endpoint[],
): Input<EndpointSlice> {
  const { name, namespace = '' } = service.metadata;
  return {
    metadata: {
      generateName: `${name}-`,
      namespace,
      labels: sliceLabels(service),
      ownerReferences: [controllerReference(service, Service)],
    },
    addressType: family,
    endpoints,
    ports,
  };
}

/** A slice that is to go becomes one that is to come: one write instead of two, and no gap between them. */
function reuseRemoved(service: Service, changes: Changes): void {
  const create: Input<EndpointSlice>[] = [];
  for (const wanted of changes.create) {
    const reused = changes.remove.find(
      (slice) => slice.addressType === wanted.addressType && belongsTo(slice, service),
    );
    if (!reused) {
      create.push(wanted);
      continue;
    }
    changes.remove = changes.remove.filter((slice) => slice !== reused);
    const { labels = {} } = wanted.metadata;
    changes.update.push({
      ...reused,
      metadata: { ...reused.metadata, labels },
      endpoints: wanted.endpoints,
      ports: wanted.ports ?? [],
    });
  }
  changes.create = create;
}

/** Gives the slices that are written the time of what they answer to. */
function stampOf({ service, pods, slices }: Observed, changes: Changes) {
  const before = new Map(
    slices.flatMap(({ endpoints = [] }) => endpoints.map((e) => [endpointKey(e), e] as const)),
  );
  const changed = new Set(
    [...changes.create, ...changes.update]
      .flatMap(({ endpoints }) => (endpoints ?? []) as readonly Endpoint[])
      .filter((endpoint) => !deepEqualJson(before.get(endpointKey(endpoint)), endpoint))
      .map(({ targetRef }) => targetRef?.uid),
  );
  const time = triggerTime(service, slices.length === 0, pods, changed);
  return <T extends { readonly metadata: EndpointSlice['metadata'] | Input<EndpointSlice>['metadata'] }>(
    slice: T,
  ): T => ({
    ...slice,
    metadata: { ...slice.metadata, annotations: withTriggerTime(slice.metadata.annotations, time) },
  });
}
