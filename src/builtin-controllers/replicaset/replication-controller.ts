/** ReplicationControllers, the forerunners of ReplicaSets, by the same code (RS-14). */
import {
  type CacheReader,
  compileLabelSelector,
  type Context,
  Controller,
  Index,
  Owns,
  resourceVersionChanged,
  type Result,
  Watches,
} from 'gyre';
import { Pod, ReplicationController } from 'gyre/kinds';
import type { LabelSelector } from 'gyre/kinds/meta/v1';
import {
  orphanChanged,
  orphanIndex,
  orphanTerms,
  ownersWanting,
  selectorIndex,
  selectorTerm,
} from '../ownership/orphans.js';
import { ReplicaKeeper } from './replica-keeper.js';

/** Its selector is a plain map; what has none wants the labels of its template. */
const selectorOf = ({ spec }: ReplicationController): LabelSelector => ({
  matchLabels: spec?.selector ?? spec?.template?.metadata?.labels ?? {},
});

@Controller(ReplicationController, {
  name: 'replication-controller',
  maxConcurrent: 5,
  predicate: resourceVersionChanged,
})
@Index(ReplicationController, selectorIndex, (owner) => [
  selectorTerm(owner.metadata.namespace, selectorOf(owner)),
])
@Owns(Pod)
@Watches(Pod, {
  map: (pod: Pod, cache: CacheReader) => ownersWanting(pod, ReplicationController, selectorOf, cache),
  predicate: orphanChanged,
  indexes: { [orphanIndex]: orphanTerms },
})
export class ReplicationControllerController {
  readonly #keeper = new ReplicaKeeper<ReplicationController>({
    kind: ReplicationController,
    specOf: (owner) => ({
      replicas: owner.spec?.replicas ?? 1,
      minReadySeconds: owner.spec?.minReadySeconds ?? 0,
      selector: compileLabelSelector(selectorOf(owner)),
      selectorTerm: selectorTerm(owner.metadata.namespace, selectorOf(owner)),
      template: owner.spec?.template ?? {},
    }),
    relatives: ({ metadata }) => [metadata.uid],
  });

  reconcile(owner: ReplicationController, ctx: Context<ReplicationController>): Promise<Result> {
    return this.#keeper.reconcile(owner, ctx);
  }
}
