/**
 * Keeps as many pods as a ReplicaSet asks for (RS-1 to RS-15).
 *
 * What it has written and does not see yet is remembered (Expectations), so that a slow cache never leads to a
 * pod too many.
 */
import { type CacheReader, type Context, Controller, controllerOf, Expectations, Index, Watches } from 'gyre';
import { Pod, ReplicaSet } from 'gyre/kinds';
import { syncReplicas } from './engine.js';
import { ownerOfReplicaSet } from './replicas.js';
import { orphanIndex, orphanKeys, ownersOf, replicaSetSelector, selectorIndex } from './selection.js';

const controllerUid = (set: ReplicaSet): string[] => {
  const uid = controllerOf(set)?.uid;
  return uid === undefined ? [] : [uid];
};

@Controller(ReplicaSet, { name: 'replicaset-controller', maxConcurrent: 5 })
@Index(ReplicaSet, selectorIndex, replicaSetSelector)
@Index(ReplicaSet, 'controller', controllerUid)
@Watches(Pod, {
  map: (pod: Pod, cache: CacheReader) =>
    ownersOf(pod, 'ReplicaSet', (key) => cache.by(ReplicaSet, selectorIndex, key), ownerOfReplicaSet),
  indexes: { [orphanIndex]: orphanKeys },
})
export class ReplicaSetController {
  readonly #expectations = new Expectations(Pod);

  reconcile(set: ReplicaSet, ctx: Context<ReplicaSet>) {
    return syncReplicas(ownerOfReplicaSet(set), ctx as Context<unknown>, this.#expectations);
  }
}
