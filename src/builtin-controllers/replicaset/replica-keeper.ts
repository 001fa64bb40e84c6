/**
 * Keeps a number of pods of one template running: the part that ReplicaSets and ReplicationControllers
 * have in common (RS-1 to RS-14).
 *
 * One sync gathers the pods from indexes and claims them, decides in a pure function how many to create or
 * which to delete, acts, and reports in the status. Guarantees:
 *
 * - It creates and deletes only when its cache shows all it wrote before (`Expectations`), so a cache that
 *   lags leads to no surplus pods.
 * - The status is brought up to date in every sync. `status.observedGeneration` moves only in a sync that was
 *   free to act: once it has, and `status.replicas` is not above the wanted number, there are not more pods than
 *   that. A Deployment that rolls relies on it.
 * - A pod that is being deleted counts as gone: its replacement does not wait for the node (RS-6).
 */
import {
  type CompiledSelector,
  type Context,
  controllerOf,
  controllerReference,
  done,
  Expectations,
  isApiError,
  isConflict,
  isNotFound,
  type KindOf,
  ownerIndex,
  requeueAfter,
  type Result,
  timestamp,
} from 'gyre';
import { Pod } from 'gyre/kinds';
import type { ReplicaSetStatus } from 'gyre/kinds/apps/v1';
import type { PodTemplateSpec } from 'gyre/kinds/core/v1';
import type { ObjectMeta } from 'gyre/kinds/meta/v1';
import { isNamespaceTerminating } from '../namespace/terminating.js';
import { claim } from '../ownership/claim.js';
import { orphanIndex } from '../ownership/orphans.js';
import { decide, nothing, type Step } from './decide.js';
import { isActive } from './pod-state.js';
import { slowStart } from './slow-start.js';
import { count, countsOf, type Failure, withFailure } from './status.js';

/** What the keeper needs to know of its owner, whatever its kind. */
export interface ReplicaSpec {
  readonly replicas: number;
  readonly minReadySeconds: number;
  readonly selector: CompiledSelector;
  /** Where orphans that the selector may match are found. */
  readonly selectorTerm: string;
  readonly template: PodTemplateSpec;
}

interface ReplicaOwner {
  readonly metadata: ObjectMeta;
  readonly status?: ReplicaSetStatus;
}

export interface ReplicaKind<T> {
  readonly kind: KindOf<T, 'Namespaced'>;
  readonly specOf: (owner: T) => ReplicaSpec;
  /** UIDs of the owners whose pods are spread over the nodes together with those of this one, its own included. */
  readonly relatives: (owner: T, ctx: Context<T>) => readonly string[];
}

/** Events wake it as soon as the cache shows what was written; this is in case none comes. */
const expectationPoll = '30s';

export class ReplicaKeeper<T extends ReplicaOwner> {
  #expectations: Expectations | undefined;

  constructor(private readonly kind: ReplicaKind<T>) {}

  async reconcile(owner: T, ctx: Context<T>): Promise<Result> {
    const spec = this.kind.specOf(owner);
    this.#expectations ??= new Expectations({ clock: ctx.clock });
    const expectations = this.#expectations;
    const pods = await this.#gather(owner, spec, ctx);
    const caughtUp = expectations.satisfied(owner, ctx.cache);
    const free = caughtUp && owner.metadata.deletionTimestamp === undefined;
    const step = free
      ? decide({ wanted: spec.replicas, pods, ranking: () => this.#ranking(owner, ctx) })
      : nothing;
    const failure = await this.#act(step, owner, spec, expectations, ctx);
    const nextAvailableAt = this.#report({ pods, caughtUp, free, failure }, owner, spec, ctx);
    if (failure) throw failure.error;
    if (nextAvailableAt !== undefined) return requeueAfter(nextAvailableAt - ctx.clock.now());
    return caughtUp ? done : requeueAfter(expectationPoll);
  }

  /** The active pods of the owner, after adopting and releasing (RS-8). */
  #gather(owner: T, spec: ReplicaSpec, { cache, client }: Context<T>): Promise<readonly Pod[]> {
    return claim(
      {
        owner,
        ownerKind: this.kind.kind,
        childKind: Pod,
        selector: spec.selector,
        controlled: cache.by(Pod, ownerIndex, owner.metadata.uid).filter(isActive),
        orphans: cache.by(Pod, orphanIndex, spec.selectorTerm).filter(isActive),
      },
      client,
    );
  }

  #ranking(owner: T, ctx: Context<T>) {
    const relatedOnNode = new Map<string, number>();
    for (const uid of this.kind.relatives(owner, ctx)) {
      for (const pod of ctx.cache.by(Pod, ownerIndex, uid)) {
        if (!isActive(pod)) continue;
        const node = pod.spec?.nodeName ?? '';
        relatedOnNode.set(node, (relatedOnNode.get(node) ?? 0) + 1);
      }
    }
    return { now: ctx.clock.now(), relatedOnNode };
  }

  async #act(
    step: Step,
    owner: T,
    spec: ReplicaSpec,
    expectations: Expectations,
    ctx: Context<T>,
  ): Promise<Failure | undefined> {
    try {
      await this.#create(step.create, owner, spec, expectations, ctx);
    } catch (error) {
      return { reason: 'FailedCreate', error };
    }
    try {
      await this.#delete(step.delete, owner, expectations, ctx);
    } catch (error) {
      return { reason: 'FailedDelete', error };
    }
    return undefined;
  }

  async #create(
    missing: number,
    owner: T,
    spec: ReplicaSpec,
    expectations: Expectations,
    ctx: Context<T>,
  ): Promise<void> {
    const template = podFor(owner, this.kind.kind, spec.template);
    let uncertain = false;
    try {
      await slowStart(missing, async () => {
        try {
          const pod = await ctx.client.create(Pod, template);
          expectations.wrote(owner, Pod, pod);
          ctx.event('Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata.name}`);
        } catch (error) {
          // The namespace goes, and this owner with it: nothing to retry, nobody to tell (RS-4).
          if (isNamespaceTerminating(error)) return;
          uncertain ||= !isRefusal(error);
          ctx.event('Warning', 'FailedCreate', `Error creating: ${messageOf(error)}`);
          throw error;
        }
      });
    } finally {
      if (uncertain) await this.#look(owner, spec, expectations, ctx);
    }
  }

  /** A create whose answer is lost has left a pod of unknown name, or none: what is there now, the cache has to show. */
  async #look(
    owner: T,
    spec: ReplicaSpec,
    expectations: Expectations,
    { client }: Context<T>,
  ): Promise<void> {
    const { namespace = '', uid } = owner.metadata;
    for await (const pod of client.list(Pod, { namespace, labelSelector: spec.selector.toString() })) {
      if (controllerOf(pod)?.uid === uid) expectations.wrote(owner, Pod, pod);
    }
  }

  /** All at once; one that is gone already is as good as deleted (RS-5). */
  async #delete(pods: readonly Pod[], owner: T, expectations: Expectations, ctx: Context<T>): Promise<void> {
    const results = await Promise.allSettled(
      pods.map(async (pod) => {
        const { namespace = '', name, uid } = pod.metadata;
        try {
          await ctx.client.delete(Pod, { namespace, name }, { preconditions: { uid } });
          ctx.event('Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
        } catch (error) {
          // A conflict: another pod of that name has taken its place.
          if (!isNotFound(error) && !isConflict(error)) {
            ctx.event('Warning', 'FailedDelete', `Error deleting: ${messageOf(error)}`);
            throw error;
          }
        }
        expectations.deleted(owner, Pod, pod);
      }),
    );
    const failure = results.find((result) => result.status === 'rejected');
    if (failure) throw failure.reason;
  }

  /** Says when the next ready pod becomes available, if one will. */
  #report(
    sync: {
      readonly pods: readonly Pod[];
      readonly caughtUp: boolean;
      /** It was allowed to create and delete: only then it knows whether that fails. */
      readonly free: boolean;
      readonly failure: Failure | undefined;
    },
    owner: T,
    spec: ReplicaSpec,
    ctx: Context<T>,
  ): number | undefined {
    const counted = count(sync.pods, {
      templateLabels: spec.template.metadata?.labels ?? {},
      minReadySeconds: spec.minReadySeconds,
      now: ctx.clock.now(),
    });
    const status = ctx.status as { -readonly [F in keyof ReplicaSetStatus]: ReplicaSetStatus[F] };
    Object.assign(status, countsOf(counted));
    if (sync.caughtUp) status.observedGeneration = owner.metadata.generation;
    if (sync.free) status.conditions = withFailure(status.conditions, sync.failure, timestamp(ctx.clock));
    return counted.nextAvailableAt;
  }
}

/** The pod of a template, owned and named after its owner (RS-14). */
function podFor<T extends ReplicaOwner>(owner: T, kind: KindOf<T>, template: PodTemplateSpec) {
  const { name, namespace } = owner.metadata;
  const { labels, annotations, finalizers } = template.metadata ?? {};
  return {
    metadata: {
      generateName: `${name}-`,
      namespace,
      labels,
      annotations,
      finalizers,
      ownerReferences: [controllerReference(owner, kind)],
    },
    spec: template.spec ?? { containers: [] },
  };
}

/** True when the server said that it did not do it; anything else may have happened all the same. */
function isRefusal(error: unknown): boolean {
  return isApiError(error) && error.code < 500;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
