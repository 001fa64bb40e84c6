/** ReplicationControllers, by the same engine as ReplicaSets (RS-14). */
import { type CacheReader, type Context, Controller, Expectations, Index, Watches } from 'gyre';
import { Pod, ReplicationController } from 'gyre/kinds';
import { syncReplicas } from './engine.js';
import { ownerOfReplicationController } from './replicas.js';
import {
  orphanIndex,
  orphanKeys,
  ownersOf,
  replicationControllerSelector,
  selectorIndex,
} from './selection.js';

@Controller(ReplicationController, { name: 'replication-controller', maxConcurrent: 5 })
@Index(ReplicationController, selectorIndex, replicationControllerSelector)
@Watches(Pod, {
  map: (pod: Pod, cache: CacheReader) =>
    ownersOf(
      pod,
      'ReplicationController',
      (key) => cache.by(ReplicationController, selectorIndex, key),
      ownerOfReplicationController,
    ),
  indexes: { [orphanIndex]: orphanKeys },
})
export class ReplicationControllerController {
  readonly #expectations = new Expectations(Pod);

  reconcile(controller: ReplicationController, ctx: Context<ReplicationController>) {
    return syncReplicas(
      ownerOfReplicationController(controller),
      ctx as Context<unknown>,
      this.#expectations,
    );
  }
}
