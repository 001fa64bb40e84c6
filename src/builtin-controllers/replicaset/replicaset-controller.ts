/**
 * ReplicaSets: so many pods of one template (RS-1 to RS-15).
 *
 * It wakes for the pods it owns, for orphans it may want, and for every change of the ReplicaSet itself, its
 * own status writes included: a status that was computed on an old version is then put right.
 */
import {
  type CacheReader,
  compileLabelSelector,
  type Context,
  Controller,
  controllerOf,
  Index,
  Owns,
  ownerIndex,
  resourceVersionChanged,
  type Result,
  Watches,
} from 'gyre';
import { Pod, ReplicaSet } from 'gyre/kinds';
import {
  orphanChanged,
  orphanIndex,
  orphanTerms,
  ownersWanting,
  selectorIndex,
  selectorTerm,
} from '../ownership/orphans.js';
import { ReplicaKeeper } from './replica-keeper.js';

const controllerUid = (object: ReplicaSet): string[] => {
  const uid = controllerOf(object)?.uid;
  return uid === undefined ? [] : [uid];
};

@Controller(ReplicaSet, {
  name: 'replicaset-controller',
  maxConcurrent: 5,
  predicate: resourceVersionChanged,
})
@Index(ReplicaSet, ownerIndex, controllerUid)
@Index(ReplicaSet, selectorIndex, ({ metadata, spec }) => [selectorTerm(metadata.namespace, spec.selector)])
@Owns(Pod)
@Watches(Pod, {
  map: (pod: Pod, cache: CacheReader) => ownersWanting(pod, ReplicaSet, ({ spec }) => spec.selector, cache),
  predicate: orphanChanged,
  indexes: { [orphanIndex]: orphanTerms },
})
export class ReplicaSetController {
  readonly #keeper = new ReplicaKeeper<ReplicaSet>({
    kind: ReplicaSet,
    specOf: ({ metadata, spec }) => ({
      replicas: spec.replicas ?? 1,
      minReadySeconds: spec.minReadySeconds ?? 0,
      selector: compileLabelSelector(spec.selector),
      selectorTerm: selectorTerm(metadata.namespace, spec.selector),
      template: spec.template ?? {},
    }),
    // The ReplicaSets of one Deployment spread their pods together (RS-10).
    relatives: (replicaSet, { cache }) => {
      const deployment = controllerOf(replicaSet)?.uid;
      if (deployment === undefined) return [replicaSet.metadata.uid];
      return cache.by(ReplicaSet, ownerIndex, deployment).map(({ metadata }) => metadata.uid);
    },
  });

  reconcile(replicaSet: ReplicaSet, ctx: Context<ReplicaSet>): Promise<Result> {
    return this.#keeper.reconcile(replicaSet, ctx);
  }
}
