/** From a Service, its pods and its Endpoints to the one write that makes them agree, if any. Pure. */
import { deepEqualJson, type Input } from 'gyre';
import type { Endpoints, Pod, Service } from 'gyre/kinds';
import type { EndpointSubset } from 'gyre/kinds/core/v1';
import { inheritedLabels } from '../endpointslice/desired.js';
import { triggerTime, withTriggerTime } from '../endpointslice/trigger-time.js';
import { desiredSubsets, truncated } from './subsets.js';

export const overCapacityAnnotation = 'endpoints.kubernetes.io/over-capacity';

export type EndpointsChange =
  | { readonly do: 'nothing' }
  | { readonly do: 'create'; readonly object: Input<Endpoints> }
  | { readonly do: 'update'; readonly object: Endpoints };

export interface Observed {
  readonly service: Service;
  readonly pods: readonly Pod[];
  readonly endpoints: Endpoints | undefined;
}

export function decide({ service, pods, endpoints }: Observed): EndpointsChange {
  const all = desiredSubsets(service, pods);
  const cut = truncated(all);
  const subsets = cut ?? all;
  const labels = inheritedLabels(service);
  const before = endpoints?.metadata.annotations ?? {};
  const isMarked = before[overCapacityAnnotation] === 'truncated';
  if (
    endpoints &&
    deepEqualJson(endpoints.subsets ?? [], subsets) &&
    deepEqualJson(endpoints.metadata.labels ?? {}, labels) &&
    isMarked === (cut !== undefined)
  )
    return { do: 'nothing' };
  const { [overCapacityAnnotation]: _, ...others } = before;
  const time = triggerTime(service, !endpoints, pods, changedPods(endpoints?.subsets ?? [], subsets));
  const annotations = {
    ...withTriggerTime(others, time),
    ...(cut ? { [overCapacityAnnotation]: 'truncated' } : {}),
  };
  if (endpoints)
    return {
      do: 'update',
      object: { ...endpoints, metadata: { ...endpoints.metadata, labels, annotations }, subsets },
    };
  const { name, namespace = '' } = service.metadata;
  return { do: 'create', object: { metadata: { name, namespace, labels, annotations }, subsets } };
}

/** UIDs of the pods whose address is new, changed sides, or offers other ports. */
function changedPods(
  before: readonly EndpointSubset[],
  after: readonly EndpointSubset[],
): ReadonlySet<string | undefined> {
  const known = new Set(before.flatMap(entries).map(([entry]) => entry));
  return new Set(after.flatMap(entries).flatMap(([entry, uid]) => (known.has(entry) ? [] : [uid])));
}

function entries({ addresses = [], notReadyAddresses = [], ports = [] }: EndpointSubset) {
  const entry = (ready: boolean) => (address: (typeof addresses)[number]) =>
    [JSON.stringify([ready, ports, address]), address.targetRef?.uid] as const;
  return [...addresses.map(entry(true)), ...notReadyAddresses.map(entry(false))];
}
