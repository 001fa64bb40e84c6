/**
 * Deployments: one ReplicaSet per template, and the way from one to the next (D-1 to D-15).
 *
 * It decides only on ReplicaSets that show all it wrote to them before (`Expectations`), and writes them under
 * the version it decided on: a cache that lags delays a step, it never repeats one.
 */
import {
  type CacheReader,
  compileLabelSelector,
  type Context,
  Controller,
  controllerOf,
  controllerReference,
  done,
  Expectations,
  isAlreadyExists,
  isNotFound,
  Owns,
  ownerIndex,
  Index,
  requeueAfter,
  resourceVersionChanged,
  type Result,
  timestamp,
  Watches,
} from 'gyre';
import { Deployment, Pod, ReplicaSet } from 'gyre/kinds';
import type { DeploymentStatus } from 'gyre/kinds/apps/v1';
import { claim } from '../ownership/claim.js';
import { isNamespaceTerminating } from '../namespace/terminating.js';
import {
  orphanChanged,
  orphanIndex,
  orphanTerms,
  ownersWanting,
  selectorIndex,
  selectorTerm,
} from '../ownership/orphans.js';
import { revisionAnnotation } from './annotations.js';
import { type Change, type Creation, decide, type Plan } from './decide.js';
import { type ReplicaSets, replicaSetsOf, sizeOf } from './replica-sets.js';
import { type RollingUpdate, rollingUpdate } from './rolling-update.js';
import {
  type Conditions,
  countsOf,
  deadlineOf,
  findCondition,
  hasDeadline,
  withAvailability,
  withCondition,
  withPause,
  withProgress,
  withReplicaFailure,
} from './status.js';
import { hashLabel, sameTemplate, templateHash } from './template-hash.js';

/** Events wake it as soon as the cache shows what was written; this is in case none comes. */
const expectationPoll = '30s';

type Status = { -readonly [F in keyof DeploymentStatus]: DeploymentStatus[F] };

@Controller(Deployment, {
  name: 'deployment-controller',
  maxConcurrent: 5,
  predicate: resourceVersionChanged,
})
@Index(Deployment, selectorIndex, ({ metadata, spec }) => [selectorTerm(metadata.namespace, spec.selector)])
@Owns(ReplicaSet)
@Watches(ReplicaSet, {
  map: (set: ReplicaSet, cache: CacheReader) =>
    ownersWanting(set, Deployment, ({ spec }) => spec.selector, cache),
  predicate: orphanChanged,
  indexes: { [orphanIndex]: orphanTerms },
})
@Watches(Pod, {
  map: recreatingDeployment,
  predicate: ({ object, previous, deleted }) =>
    deleted || (hasFinished(object) && previous !== undefined && !hasFinished(previous)),
  indexes: {
    [ownerIndex]: (pod) => {
      const uid = controllerOf(pod)?.uid;
      return uid === undefined ? [] : [uid];
    },
  },
})
export class DeploymentController {
  /** What moves a rolling update. */
  protected readonly step: RollingUpdate = rollingUpdate;
  #expectations: Expectations | undefined;

  async reconcile(deployment: Deployment, ctx: Context<Deployment>): Promise<Result> {
    const status = ctx.status as Status;
    if (selectsEverything(deployment)) {
      ctx.event(
        'Warning',
        'SelectingAll',
        'This deployment is selecting all pods. A non-empty selector is required.',
      );
      status.observedGeneration = deployment.metadata.generation;
      return done;
    }
    this.#expectations ??= new Expectations({ clock: ctx.clock });
    if (!this.#expectations.satisfied(deployment, ctx.cache)) return requeueAfter(expectationPoll);
    const sets = replicaSetsOf(deployment, await this.#claim(deployment, ctx));
    let rolling = false;
    if (deployment.metadata.deletionTimestamp === undefined) {
      this.#note(ctx, (conditions, now) => withPause(conditions, deployment, now));
      const oldPodsRun = (): boolean => sets.old.some((set) => hasRunningPods(set, ctx.cache));
      const plan = decide({ deployment, sets, oldPodsRun }, this.step);
      rolling = plan.rolling;
      await this.#act(plan, deployment, sets, this.#expectations, ctx);
    }
    return this.#report(deployment, sets, rolling, ctx);
  }

  #claim(deployment: Deployment, { cache, client }: Context<Deployment>): Promise<readonly ReplicaSet[]> {
    const { metadata, spec } = deployment;
    return claim(
      {
        owner: deployment,
        ownerKind: Deployment,
        childKind: ReplicaSet,
        selector: compileLabelSelector(spec.selector),
        controlled: cache.by(ReplicaSet, ownerIndex, metadata.uid),
        orphans: cache.by(ReplicaSet, orphanIndex, selectorTerm(metadata.namespace, spec.selector)),
      },
      client,
    );
  }

  async #act(
    plan: Plan,
    deployment: Deployment,
    sets: ReplicaSets,
    expectations: Expectations,
    ctx: Context<Deployment>,
  ): Promise<void> {
    const { namespace = '', name } = deployment.metadata;
    for (const change of plan.change) {
      expectations.wrote(deployment, ReplicaSet, await this.#resize(change, ctx));
    }
    if (plan.create) {
      const created = await this.#create(plan.create, deployment, ctx);
      if (!created) return;
      expectations.wrote(deployment, ReplicaSet, created);
    } else if (sets.current && plan.rolling && hasDeadline(deployment)) this.#noteFound(sets.current, ctx);
    if (plan.revision !== undefined) {
      const patch = { metadata: { annotations: { [revisionAnnotation]: plan.revision } } };
      await ctx.client.patchRaw(Deployment, { namespace, name }, { type: 'merge', patch });
    }
    for (const set of plan.remove) {
      const { uid, resourceVersion } = set.metadata;
      const preconditions = { uid, resourceVersion };
      await ctx.client
        .delete(ReplicaSet, { namespace, name: set.metadata.name }, { preconditions })
        .catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
      expectations.deleted(deployment, ReplicaSet, set);
    }
  }

  async #resize(change: Change, ctx: Context<Deployment>): Promise<ReplicaSet> {
    const { set, replicas, minReadySeconds, annotations } = change;
    const changed = await ctx.client.patch(ReplicaSet, set, (draft) => {
      draft.metadata.annotations = { ...annotations };
      if (replicas !== sizeOf(set)) draft.spec.replicas = replicas;
      if (minReadySeconds !== (set.spec.minReadySeconds ?? 0)) draft.spec.minReadySeconds = minReadySeconds;
    });
    if (replicas !== sizeOf(set)) this.#tellScaling(set.metadata.name, sizeOf(set), replicas, ctx);
    return changed;
  }

  /** Undefined when the namespace is ending (D-3). @throws what the server said */
  async #create(
    creation: Creation,
    deployment: Deployment,
    ctx: Context<Deployment>,
  ): Promise<ReplicaSet | undefined> {
    const wanted = newReplicaSet(deployment, creation);
    const { name } = wanted.metadata;
    try {
      const created = await ctx.client.create(ReplicaSet, wanted);
      if (hasDeadline(deployment)) {
        this.#progress(
          ctx,
          'True',
          'NewReplicaSetCreated',
          `Created new replica set ${JSON.stringify(name)}`,
        );
      }
      if (creation.replicas > 0) this.#tellScaling(name, 0, creation.replicas, ctx);
      return created;
    } catch (error) {
      if (isAlreadyExists(error)) {
        const existing = await this.#ours(deployment, name, ctx);
        if (existing) return existing;
        // Another template, or another owner, has that hash: the next attempt has another one.
        const status = ctx.status as Status;
        status.collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
        throw error;
      }
      if (isNamespaceTerminating(error)) return undefined;
      const message = `Failed to create new replica set ${JSON.stringify(name)}: ${(error as Error).message}`;
      if (hasDeadline(deployment)) this.#progress(ctx, 'False', 'ReplicaSetCreateError', message);
      ctx.event('Warning', 'ReplicaSetCreateError', message);
      throw error;
    }
  }

  /** The ReplicaSet of that name, if it is this Deployment's own of this very template. */
  async #ours(
    deployment: Deployment,
    name: string,
    { client }: Context<Deployment>,
  ): Promise<ReplicaSet | undefined> {
    const { namespace = '', uid } = deployment.metadata;
    const existing = await client.find(ReplicaSet, { namespace, name });
    const ours =
      existing &&
      controllerOf(existing)?.uid === uid &&
      sameTemplate(existing.spec.template, deployment.spec.template);
    return ours ? existing : undefined;
  }

  #report(deployment: Deployment, sets: ReplicaSets, rolling: boolean, ctx: Context<Deployment>): Result {
    const status = ctx.status as Status;
    Object.assign(status, countsOf(sets), { observedGeneration: deployment.metadata.generation });
    const nowMs = ctx.clock.now();
    this.#note(ctx, (conditions, now) =>
      withAvailability(conditions, deployment, status.availableReplicas ?? 0, now),
    );
    if (!rolling) return done;
    const progress = { deployment, current: sets.current, before: deployment.status ?? {}, after: status };
    this.#note(ctx, (conditions, now) => withProgress(conditions, { ...progress, nowMs, now }));
    this.#note(ctx, (conditions) => withReplicaFailure(conditions, sets));
    const due = deadlineOf(deployment, findCondition(status.conditions, 'Progressing'));
    // A second more: the times of conditions have no fractions.
    return due === undefined ? done : requeueAfter(Math.max(0, due - nowMs) + 1000);
  }

  #noteFound({ metadata }: ReplicaSet, ctx: Context<Deployment>): void {
    if (findCondition((ctx.status as Status).conditions, 'Progressing')) return;
    this.#progress(
      ctx,
      'True',
      'FoundNewReplicaSet',
      `Found new replica set ${JSON.stringify(metadata.name)}`,
    );
  }

  #progress(ctx: Context<Deployment>, status: string, reason: string, message: string): void {
    this.#note(ctx, (conditions, now) =>
      withCondition(conditions, { type: 'Progressing', status, reason, message }, now),
    );
  }

  #note(ctx: Context<Deployment>, change: (conditions: Conditions, now: string) => Conditions): void {
    const status = ctx.status as Status;
    const before = status.conditions ?? [];
    const after = change(before, timestamp(ctx.clock));
    if (after !== before) status.conditions = after.length > 0 ? [...after] : undefined;
  }

  #tellScaling(name: string, from: number, to: number, ctx: Context<Deployment>): void {
    const direction = to > from ? 'up' : 'down';
    ctx.event('Normal', 'ScalingReplicaSet', `Scaled ${direction} replica set ${name} from ${from} to ${to}`);
  }
}

export interface DeploymentControllerOptions {
  /** What moves a rolling update. Default: `rollingUpdate`. */
  readonly rollingUpdate?: RollingUpdate;
}

/** The controller, to be registered; with another step for a rolling update if one is given. */
export function deploymentController(options: DeploymentControllerOptions = {}): typeof DeploymentController {
  const { rollingUpdate: step = rollingUpdate } = options;
  return class extends DeploymentController {
    protected override readonly step: RollingUpdate = step;
  };
}

function selectsEverything({ spec }: Deployment): boolean {
  const { matchLabels = {}, matchExpressions = [] } = spec.selector;
  return Object.keys(matchLabels).length === 0 && matchExpressions.length === 0;
}

/** The ReplicaSet of the Deployment's template (D-2). */
function newReplicaSet(deployment: Deployment, { replicas, annotations }: Creation) {
  const { metadata, spec, status } = deployment;
  const hash = templateHash(spec.template, status?.collisionCount);
  const labels = { ...spec.template.metadata?.labels, [hashLabel]: hash };
  return {
    metadata: {
      name: `${metadata.name}-${hash}`,
      namespace: metadata.namespace,
      labels,
      annotations,
      ownerReferences: [controllerReference(deployment, Deployment)],
    },
    spec: {
      replicas,
      minReadySeconds: spec.minReadySeconds,
      selector: {
        ...spec.selector,
        matchLabels: { ...spec.selector.matchLabels, [hashLabel]: hash },
      },
      template: { ...spec.template, metadata: { ...spec.template.metadata, labels } },
    },
  };
}

/** Pods that run or are still ending; those that have finished do not count (D-8). */
function hasRunningPods({ metadata }: ReplicaSet, cache: CacheReader): boolean {
  return cache.by(Pod, ownerIndex, metadata.uid).some((pod) => !hasFinished(pod));
}

function hasFinished({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

/** The Deployment that waits for this pod to have ended: one with the strategy Recreate. */
function recreatingDeployment(pod: Pod, cache: CacheReader): { namespace: string; name: string }[] {
  const { namespace = '' } = pod.metadata;
  const setName = controllerOf(pod)?.name;
  const set = setName === undefined ? undefined : cache.get(ReplicaSet, { namespace, name: setName });
  const name = set && controllerOf(set)?.name;
  if (name === undefined) return [];
  const deployment = cache.get(Deployment, { namespace, name });
  return deployment?.spec.strategy?.type === 'Recreate' ? [{ namespace, name }] : [];
}
