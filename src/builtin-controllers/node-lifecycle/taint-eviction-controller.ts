/**
 * Deletes pods from nodes whose taints they do not tolerate (OC-15): at once, or after the time they
 * tolerate them for. A taint that goes before that spares them.
 */
import {
  type CacheReader,
  type Condition,
  type Context,
  Controller,
  deepEqualJson,
  done,
  type Draft,
  Index,
  isNotFound,
  requeueAfter,
  type Result,
  setCondition,
  timestamp,
  Watches,
} from 'gyre';
import { Node, Pod } from 'gyre/kinds';
import type { PodCondition, Taint } from 'gyre/kinds/core/v1';
import { nodeNameIndex, podNodeName } from '../endpointslice/selection.js';
import { evictionTime } from './eviction.js';

const evicting = ({ spec }: Node): readonly Taint[] =>
  (spec?.taints ?? []).filter(({ effect }) => effect === 'NoExecute');

@Controller(Pod, {
  name: 'taint-eviction-controller',
  predicate: ({ object, previous }) =>
    object.spec?.nodeName !== previous?.spec?.nodeName ||
    !deepEqualJson(object.spec?.tolerations ?? [], previous?.spec?.tolerations ?? []),
})
@Index(Pod, nodeNameIndex, podNodeName)
@Watches(Node, {
  map: ({ metadata }: Node, cache: CacheReader) =>
    cache.by(Pod, nodeNameIndex, metadata.name).map((pod) => ({
      namespace: pod.metadata.namespace ?? '',
      name: pod.metadata.name,
    })),
  predicate: ({ object, previous, deleted }) =>
    !deleted && !deepEqualJson(evicting(object), previous ? evicting(previous) : []),
})
export class TaintEvictionController {
  /** When a taint that does not say so itself was first seen, by node. */
  readonly #seen = new Map<string, ReadonlyMap<string, number>>();

  async reconcile(pod: Pod, ctx: Context<Pod>): Promise<Result> {
    const { nodeName, tolerations = [] } = pod.spec ?? {};
    const node = nodeName ? ctx.cache.get(Node, nodeName) : undefined;
    if (!node || pod.metadata.deletionTimestamp !== undefined) return done;
    const now = ctx.clock.now();
    const at = evictionTime(evicting(node), tolerations, this.#since(node, now));
    if (at === undefined) return done;
    if (at > now) return requeueAfter(at - now);
    await this.#evict(pod, ctx);
    return done;
  }

  #since(node: Node, now: number): (taint: Taint) => number {
    const before = this.#seen.get(node.metadata.name);
    const idOf = ({ key, value = '' }: Taint): string => `${node.metadata.uid} ${key}=${value}`;
    const seen = new Map(evicting(node).map((taint) => [idOf(taint), before?.get(idOf(taint)) ?? now]));
    if (seen.size > 0) this.#seen.set(node.metadata.name, seen);
    else this.#seen.delete(node.metadata.name);
    return (taint) => (taint.timeAdded ? Date.parse(taint.timeAdded) : (seen.get(idOf(taint)) ?? now));
  }

  async #evict(pod: Pod, ctx: Context<Pod>): Promise<void> {
    const { namespace = '', name, uid } = pod.metadata;
    ctx.event('Normal', 'TaintManagerEviction', `Marking for deletion Pod ${namespace}/${name}`);
    ctx.status.conditions = setCondition(
      (pod.status?.conditions ?? []) as Condition[],
      {
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'DeletionByTaintManager',
        message: 'Taint manager: deleting due to NoExecute taint',
      },
      timestamp(ctx.clock),
    ) as Draft<PodCondition>[];
    await ctx.flush();
    try {
      await ctx.client.delete(Pod, { namespace, name }, { preconditions: { uid } });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
