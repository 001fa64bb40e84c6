/**
 * Keeps the status of PodDisruptionBudgets: how many of their pods may go right now
 * (https://kubernetes.io/docs/tasks/run-application/configure-pdb/). Evictions take from it; without it none is granted.
 */
import {
  type CacheReader,
  compileLabelSelector,
  type Context,
  Controller,
  controllerOf,
  deepEqualJson,
  done,
  isNotFound,
  type JsonValue,
  requeueAfter,
  type Result,
  setCondition,
  timestamp,
  Watches,
} from 'gyre';
import {
  Deployment,
  Pod,
  PodDisruptionBudget,
  ReplicaSet,
  ReplicationController,
  StatefulSet,
} from 'gyre/kinds';
import { allowance, needsScale } from './allowance.js';

interface Namespaced {
  readonly metadata: { readonly namespace?: string; readonly labels?: Readonly<Record<string, string>> };
}
interface Scaled {
  readonly spec?: { readonly replicas?: number };
}

/** Without a selector it covers no pod, with an empty one every pod of its namespace. */
function covers({ spec }: PodDisruptionBudget, { metadata }: Namespaced): boolean {
  return (
    spec?.selector !== undefined &&
    compileLabelSelector(spec.selector as never).matches(metadata.labels ?? {})
  );
}

const keyOf = ({ metadata }: PodDisruptionBudget) => ({
  namespace: metadata.namespace ?? '',
  name: metadata.name,
});

const budgetsOfPod = (pod: Pod, cache: CacheReader) =>
  cache
    .list(PodDisruptionBudget, { namespace: pod.metadata.namespace ?? '' })
    .filter((budget) => covers(budget, pod))
    .map(keyOf);

/** Of any that it may be of: whose pods they are is known by the pods. */
const budgetsOfOwner = ({ metadata }: Namespaced, cache: CacheReader) =>
  cache
    .list(PodDisruptionBudget, { namespace: metadata.namespace ?? '' })
    .filter(needsScale)
    .map(keyOf);

const scaling = {
  map: budgetsOfOwner,
  predicate: ({
    object,
    previous,
    deleted,
  }: {
    readonly object: Scaled;
    readonly previous?: Scaled | undefined;
    readonly deleted: boolean;
  }) => deleted || object.spec?.replicas !== previous?.spec?.replicas,
};

const disruptedIn = (budget: PodDisruptionBudget | undefined): JsonValue =>
  (budget?.status?.disruptedPods ?? {}) as JsonValue;

/** Why it cannot be said how many pods there ought to be. */
class NoScale extends Error {
  override readonly name = 'NoScale';
}

@Controller(PodDisruptionBudget, {
  name: 'disruption',
  // An eviction that was granted is written in the status.
  predicate: ({ object, previous }) =>
    object.metadata.generation !== previous?.metadata.generation ||
    !deepEqualJson(disruptedIn(object), disruptedIn(previous)),
})
@Watches(Pod, { map: budgetsOfPod })
@Watches(ReplicaSet, scaling)
@Watches(Deployment, scaling)
@Watches(ReplicationController, scaling)
@Watches(StatefulSet, scaling)
export class DisruptionController {
  async reconcile(budget: PodDisruptionBudget, ctx: Context<PodDisruptionBudget>): Promise<Result> {
    const { cache, clock } = ctx;
    const pods = cache
      .list(Pod, { namespace: budget.metadata.namespace ?? '' })
      .filter((pod) => covers(budget, pod));
    let expected = pods.length;
    try {
      if (needsScale(budget)) expected = await this.#expected(pods, ctx);
    } catch (error) {
      if (!(error instanceof NoScale)) throw error;
      ctx.event(
        'Warning',
        'CalculateExpectedPodCountFailed',
        `Failed to calculate the number of expected pods: ${error.message}`,
      );
      // Nothing is known: nothing may go.
      await this.#report(budget, { disruptionsAllowed: 0 }, 'SyncFailed', error.message, ctx);
      return done;
    }
    const { recheckAt, ...found } = allowance(budget, pods, expected, clock.now());
    const reason = found.disruptionsAllowed > 0 ? 'SufficientPods' : 'InsufficientPods';
    await this.#report(budget, found, reason, '', ctx);
    return recheckAt === undefined ? done : requeueAfter(Math.max(0, recheckAt - clock.now()));
  }

  /** With its version: an eviction that was granted meanwhile is not forgotten. */
  async #report(
    budget: PodDisruptionBudget,
    found: object,
    reason: string,
    message: string,
    { client, clock }: Context<PodDisruptionBudget>,
  ): Promise<void> {
    const { generation = 0 } = budget.metadata;
    const conditions = setCondition(
      budget.status?.conditions ?? [],
      {
        type: 'DisruptionAllowed',
        status: reason === 'SufficientPods' ? 'True' : 'False',
        reason,
        message,
        observedGeneration: generation,
      },
      timestamp(clock),
    );
    const status = { ...budget.status, ...found, observedGeneration: generation, conditions };
    if (deepEqualJson((budget.status ?? {}) as JsonValue, status as unknown as JsonValue)) return;
    try {
      await client.update(PodDisruptionBudget, { ...budget, status } as PodDisruptionBudget, {
        subresource: 'status',
      });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }

  /** What the owners of the pods want together. @throws NoScale for a pod without an owner that can be scaled */
  async #expected(pods: readonly Pod[], ctx: Context<PodDisruptionBudget>): Promise<number> {
    const wanted = new Map<string, number>();
    for (const pod of pods) {
      const owner = controllerOf(pod as never);
      if (!owner) throw new NoScale(`found no controllers for pod ${JSON.stringify(pod.metadata.name)}`);
      if (!wanted.has(owner.uid)) wanted.set(owner.uid, await this.#replicas(pod, owner, ctx));
    }
    return [...wanted.values()].reduce((sum, n) => sum + n, 0);
  }

  async #replicas(
    { metadata: { namespace = '' } }: Pod,
    owner: { readonly apiVersion: string; readonly kind: string; readonly name: string },
    { cache, client }: Context<PodDisruptionBudget>,
  ): Promise<number> {
    const key = { namespace, name: owner.name };
    switch (`${owner.apiVersion} ${owner.kind}`) {
      case 'apps/v1 ReplicaSet': {
        const set = cache.get(ReplicaSet, key);
        const above = set && controllerOf(set as never);
        // While it rolls out, several sets are those of one Deployment.
        if (above?.kind === 'Deployment')
          return cache.get(Deployment, { namespace, name: above.name })?.spec.replicas ?? 0;
        return set?.spec?.replicas ?? 0;
      }
      case 'v1 ReplicationController':
        return cache.get(ReplicationController, key)?.spec?.replicas ?? 0;
      case 'apps/v1 StatefulSet':
        return cache.get(StatefulSet, key)?.spec?.replicas ?? 0;
      default:
        try {
          const kind = await client.kindFor(owner.apiVersion, owner.kind);
          return (await client.getScale(kind as never, key as never)).spec?.replicas ?? 0;
        } catch (error) {
          if (!isNotFound(error)) throw error;
          throw new NoScale(`${owner.kind} does not implement the scale subresource`);
        }
    }
  }
}
