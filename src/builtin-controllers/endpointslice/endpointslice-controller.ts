/**
 * Keeps the EndpointSlices of every Service that selects pods (EP-1 to EP-6): where its pods can be
 * reached, and in which state they are. Service proxies follow these.
 *
 * A Service without a selector and an ExternalName are left alone.
 */
import {
  type CacheReader,
  type Context,
  Controller,
  done,
  Index,
  isConflict,
  isNotFound,
  requeueAfter,
  type Result,
  Watches,
} from 'gyre';
import { EndpointSlice, Node, Pod, Service } from 'gyre/kinds';
import { isNamespaceTerminating } from '../namespace/terminating.js';
import { decide, managedBy, type SliceChanges } from './decide.js';
import { managedByLabel, serviceNameLabel } from './desired.js';
import { endpointsChange } from './pod-facts.js';
import {
  labelIndex,
  nodeNameIndex,
  podLabels,
  podNodeName,
  podsOf,
  selectorIndex,
  selectsPods,
  serviceSelectorPair,
  servicesOfPod,
  servicesOnNode,
} from './selection.js';
import { SliceTracker } from './slice-tracker.js';

/** Index of EndpointSlices: the Service they are of, for those that this controller manages. */
const serviceIndex = 'managedForService';
const zoneLabel = 'topology.kubernetes.io/zone';

const serviceOfSlice = ({ metadata: { labels = {}, namespace } }: EndpointSlice): string[] =>
  labels[managedByLabel] === managedBy && labels[serviceNameLabel]
    ? [`${namespace}/${labels[serviceNameLabel]}`]
    : [];

@Controller(Service, { name: 'endpointslice-controller', maxConcurrent: 5 })
@Index(Service, selectorIndex, serviceSelectorPair)
@Watches(Pod, {
  map: servicesOfPod,
  predicate: endpointsChange,
  indexes: { [labelIndex]: podLabels, [nodeNameIndex]: podNodeName },
})
@Watches(Node, {
  map: (node: Node, cache: CacheReader) => servicesOnNode(node.metadata.name, cache),
  predicate: ({ object, previous, deleted }) =>
    deleted || object.metadata.labels?.[zoneLabel] !== previous?.metadata.labels?.[zoneLabel] || !previous,
})
@Watches(EndpointSlice, { map: serviceOfSlice, indexes: { [serviceIndex]: serviceOfSlice } })
export class EndpointSliceController {
  readonly #written = new SliceTracker();

  async reconcile(service: Service, ctx: Context<Service>): Promise<Result> {
    if (!selectsPods(service)) return done;
    const changes = decide({
      service,
      pods: podsOf(service, ctx.cache),
      nodeOf: (name) => ctx.cache.get(Node, name),
      slices: await this.#slicesOf(service, ctx),
    });
    try {
      await this.#act(service, changes, ctx);
    } catch (error) {
      if (isNamespaceTerminating(error)) return done;
      if (!isConflict(error)) {
        const { namespace, name } = service.metadata;
        ctx.event(
          'Warning',
          'FailedToUpdateEndpointSlices',
          `Error updating Endpoint Slices for Service ${namespace}/${name}: ${(error as Error).message}`,
        );
      }
      throw error;
    }
    // EP-3: its node wakes the Service when it comes; this is in case it never does.
    return changes.skipped.length > 0 ? requeueAfter('30s') : done;
  }

  async #slicesOf(service: Service, ctx: Context<Service>): Promise<readonly EndpointSlice[]> {
    const { namespace = '', name } = service.metadata;
    const cached = ctx.cache.by(EndpointSlice, serviceIndex, `${namespace}/${name}`);
    if (!this.#written.isAheadOf(service, cached)) return cached;
    const live: EndpointSlice[] = [];
    const labelSelector = `${serviceNameLabel}=${name},${managedByLabel}=${managedBy}`;
    for await (const slice of ctx.client.list(EndpointSlice, { namespace, labelSelector })) live.push(slice);
    this.#written.learned(service, live);
    return live;
  }

  /** Creates before it removes: no endpoint is missing in between. */
  async #act(service: Service, changes: SliceChanges, { client }: Context<Service>): Promise<void> {
    for (const slice of changes.create)
      this.#written.wrote(service, await client.create(EndpointSlice, slice));
    for (const slice of changes.update)
      this.#written.wrote(service, await client.update(EndpointSlice, slice));
    for (const slice of changes.remove) {
      const { namespace = '', name, uid } = slice.metadata;
      try {
        await client.delete(EndpointSlice, { namespace, name }, { preconditions: { uid } });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
      this.#written.removed(service, slice);
    }
  }
}
