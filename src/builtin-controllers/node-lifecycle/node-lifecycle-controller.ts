/**
 * Says of nodes that are not heard of that nothing is known of them, and keeps pods away from nodes that are
 * not well (KL-17).
 *
 * A node lives as long as its Lease in `kube-node-lease` is renewed, or its status posted; after 40 s of
 * silence its conditions become Unknown and its pods unready, so that Services send nothing there. Taints
 * follow the conditions both ways: they go when the node comes back.
 */
import {
  type Context,
  Controller,
  deepEqualJson,
  done,
  type Draft,
  Index,
  isNotFound,
  requeueAfter,
  resourceVersionChanged,
  type Result,
  timestamp,
  Watches,
} from 'gyre';
import { Lease, Node, Pod } from 'gyre/kinds';
import type { NodeCondition, PodCondition, Taint } from 'gyre/kinds/core/v1';
import { isReady } from '../endpointslice/pod-facts.js';
import { nodeNameIndex, podNodeName } from '../endpointslice/selection.js';
import { readiness, unheard } from './conditions.js';
import { Heartbeats } from './heartbeats.js';
import { desiredTaints } from './taints.js';

const leaseNamespace = 'kube-node-lease';

@Controller(Node, { name: 'node-lifecycle-controller', predicate: resourceVersionChanged })
@Watches(Lease, {
  map: ({ metadata: { name } }: Lease) => [name],
  predicate: ({ object }) => object.metadata.namespace === leaseNamespace,
})
// Only to find the pods of a node: no change of a pod is news about it.
@Watches(Pod, { map: podNodeName, predicate: () => false })
@Index(Pod, nodeNameIndex, podNodeName)
export class NodeLifecycleController {
  readonly #heartbeats = new Heartbeats();

  async reconcile(node: Node, ctx: Context<Node>): Promise<Result> {
    const { name } = node.metadata;
    const lease = ctx.cache.get(Lease, { namespace: leaseNamespace, name });
    const remaining = this.#heartbeats.remaining(node, lease, ctx.clock.monotonic());
    const now = timestamp(ctx.clock);
    const conditions = remaining > 0 ? node.status?.conditions : unheard(node, now);
    const judged: Node = { ...node, status: { ...node.status, ...(conditions ? { conditions } : {}) } };
    if (readiness(node) === 'True' && readiness(judged) !== 'True')
      ctx.event('Normal', 'NodeNotReady', `Node ${name} status is now: NodeNotReady`);
    if (conditions && conditions !== node.status?.conditions) {
      ctx.status.conditions = conditions as Draft<NodeCondition>[];
      await ctx.flush();
    }
    await this.#taint(judged, now, ctx);
    if (readiness(judged) !== undefined && readiness(judged) !== 'True')
      await markPodsNotReady(name, now, ctx);
    return remaining > 0 ? requeueAfter(remaining) : done;
  }

  async #taint(node: Node, now: string, { client }: Context<Node>): Promise<void> {
    if (deepEqualJson(desiredTaints(node, now), node.spec?.taints ?? [])) return;
    await client.patch(Node, node.metadata.name, (draft) => {
      const { spec } = draft;
      const latest = { ...node, spec: { ...node.spec, taints: spec?.taints ?? [] } } as Node;
      draft.spec = { ...spec, taints: desiredTaints(latest, now) as Draft<Taint>[] };
    });
  }
}

/** What runs there may run still, but nobody can say so. */
async function markPodsNotReady(node: string, now: string, { cache, client }: Context<Node>): Promise<void> {
  for (const pod of cache.by(Pod, nodeNameIndex, node)) {
    if (!isReady(pod)) continue;
    try {
      await client.patch(
        Pod,
        pod,
        (draft) => {
          const ready = draft.status?.conditions?.find(({ type }: PodCondition) => type === 'Ready');
          if (ready) Object.assign(ready, { status: 'False', lastTransitionTime: now });
        },
        { subresource: 'status' },
      );
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
