/**
 * Rolls Deployments out (D-1 to D-15): gathers its ReplicaSets from indexes, decides the next step in a pure
 * function, takes it, and reports. One step per sync; what it led to wakes the next one.
 *
 * ReplicaSets are written with the version they were read at, and new ones have a name that follows from their
 * template: a stale cache leads to a conflict and another look, never to a step taken twice.
 */
import {
  type CacheReader,
  compileLabelSelector,
  type Context,
  type ControllerDefinition,
  controllerFor,
  controllerOf,
  controllerReference,
  done,
  type Input,
  isAlreadyExists,
  isApiError,
  isInvalid,
  isNotFound,
  type Key,
  keyOf,
  type NamespacedName,
  requeueAfter,
  type Result,
} from 'gyre';
import { Deployment, Pod, ReplicaSet } from 'gyre/kinds';
import {
  isScalingEvent,
  newSetAnnotations,
  nextRevision,
  revisionAnnotation,
  revisionOf,
  sizeAnnotations,
} from './annotations.js';
import { setsToRemove } from './cleanup.js';
import { newSetSize, recreate, rollingUpdate, type RolloutStep, type Scaling, sizeOf } from './decide.js';
import { scaled } from './scale.js';
import { deadlineIn, deadlineOf, findCondition, type ProgressNews, statusOf } from './status.js';
import { hashLabel, newReplicaSetOf, sameTemplate, templateHash } from './template.js';

export interface DeploymentControllerOptions {
  /** How a rolling update goes on. Default: as Kubernetes does it. */
  readonly rollingUpdate?: RolloutStep;
}

/** Index of ReplicaSets: those nobody owns, by namespace. */
const orphanIndex = 'orphan';
/** Index of Deployments: all of a namespace, for a ReplicaSet that nobody owns. */
const namespaceIndex = 'namespace';

export function deploymentController(
  options: DeploymentControllerOptions = {},
): ControllerDefinition<Deployment> {
  const step = options.rollingUpdate ?? rollingUpdate;
  return controllerFor(Deployment)
    .named('deployment-controller')
    .with({ maxConcurrent: 5 })
    .index(Deployment, namespaceIndex, ({ metadata }) => [metadata.namespace ?? ''])
    .watches(ReplicaSet, { map: deploymentsOfSet, indexes: { [orphanIndex]: orphanKeys } })
    .watches(Pod, { map: deploymentOfPod, predicate: podEnded })
    .reconcile((deployment, ctx) => new Sync(deployment, ctx, step).run());
}

const orphanKeys = (set: ReplicaSet): string[] => (controllerOf(set) ? [] : [set.metadata.namespace ?? '']);

function deploymentsOfSet(set: ReplicaSet, cache: CacheReader): NamespacedName[] {
  const { namespace = '', labels = {} } = set.metadata;
  const owner = controllerOf(set);
  if (owner) return owner.kind === 'Deployment' ? [{ namespace, name: owner.name }] : [];
  return cache
    .by(Deployment, namespaceIndex, namespace)
    .filter((deployment) => compileLabelSelector(deployment.spec.selector).matches(labels))
    .map(({ metadata }) => ({ namespace, name: metadata.name }));
}

/** Recreate waits for the last of the old pods (D-8). */
function podEnded({
  object,
  previous,
  deleted,
}: {
  readonly object: Pod;
  readonly previous: Pod | undefined;
  readonly deleted: boolean;
}): boolean {
  return deleted || (previous !== undefined && isOver(object) && !isOver(previous));
}

function isOver({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}

function deploymentOfPod(pod: Pod, cache: CacheReader): NamespacedName[] {
  const { namespace = '' } = pod.metadata;
  const owner = controllerOf(pod);
  if (owner?.kind !== 'ReplicaSet') return [];
  const set = cache.get(ReplicaSet, { namespace, name: owner.name });
  const deployment = set && set.metadata.uid === owner.uid ? controllerOf(set) : undefined;
  return deployment?.kind === 'Deployment' ? [{ namespace, name: deployment.name }] : [];
}

interface Sets {
  newSet: ReplicaSet | undefined;
  readonly oldSets: readonly ReplicaSet[];
}

/** One look at one Deployment. */
class Sync {
  #news: ProgressNews | undefined;
  #collisionCount: number | undefined;

  constructor(
    private readonly deployment: Deployment,
    private readonly ctx: Context<Deployment>,
    private readonly rollingStep: RolloutStep,
  ) {
    this.#collisionCount = deployment.status?.collisionCount;
  }

  /** D-1 */
  async run(): Promise<Result> {
    const { deployment, ctx } = this;
    const { matchLabels = {}, matchExpressions = [] } = deployment.spec.selector;
    if (Object.keys(matchLabels).length === 0 && matchExpressions.length === 0) {
      ctx.event(
        'Warning',
        'SelectingAll',
        'This deployment is selecting all pods. A non-empty selector is required.',
      );
      const { generation } = deployment.metadata;
      if (generation !== undefined) ctx.status.observedGeneration = generation;
      return done;
    }
    const sets = await this.#claim();
    if (deployment.metadata.deletionTimestamp !== undefined) {
      this.#report(sets, false);
      return done;
    }
    this.#notePause();
    const all = sets.newSet ? [...sets.oldSets, sets.newSet] : sets.oldSets;
    if (deployment.spec.paused || isScalingEvent(deployment, all)) return this.#resize(sets);
    return this.#roll(sets);
  }

  /** Its own ReplicaSets, after adopting and releasing. */
  async #claim(): Promise<Sets> {
    const { deployment, ctx } = this;
    const { uid, namespace = '' } = deployment.metadata;
    const selector = compileLabelSelector(deployment.spec.selector);
    const mine: ReplicaSet[] = [];
    for (const set of ctx.cache.by(ReplicaSet, 'owner', uid)) {
      if (selector.matches(set.metadata.labels ?? {})) mine.push(set);
      else await this.#release(set);
    }
    const orphans = ctx.cache
      .by(ReplicaSet, orphanIndex, namespace)
      .filter(
        (set) => set.metadata.deletionTimestamp === undefined && selector.matches(set.metadata.labels ?? {}),
      );
    if (orphans.length > 0 && (await this.#mayAdopt())) {
      for (const orphan of orphans) {
        const adopted = await this.#adopt(orphan);
        if (adopted) mine.push(adopted);
      }
    }
    const newSet = newReplicaSetOf(deployment, mine);
    return { newSet, oldSets: mine.filter((set) => set !== newSet) };
  }

  async #mayAdopt(): Promise<boolean> {
    const { uid } = this.deployment.metadata;
    const live = await this.ctx.client.find(Deployment, this.#key(this.deployment));
    return live?.metadata.uid === uid && live.metadata.deletionTimestamp === undefined;
  }

  async #adopt(set: ReplicaSet): Promise<ReplicaSet | undefined> {
    const reference = controllerReference(this.deployment, Deployment);
    const patch = { metadata: { uid: set.metadata.uid, ownerReferences: [reference] } };
    try {
      return await this.ctx.client.patchRaw(ReplicaSet, this.#key(set), { type: 'strategic', patch });
    } catch (error) {
      return goneMeanwhile(error);
    }
  }

  async #release(set: ReplicaSet): Promise<void> {
    const owner = { $patch: 'delete', uid: this.deployment.metadata.uid };
    const patch = { metadata: { uid: set.metadata.uid, ownerReferences: [owner] } };
    try {
      await this.ctx.client.patchRaw(ReplicaSet, this.#key(set), { type: 'strategic', patch });
    } catch (error) {
      goneMeanwhile(error);
    }
  }

  /** A pause, and its end, are told in Progressing; a deadline that has passed is not forgotten over it. */
  #notePause(): void {
    const { deployment } = this;
    const known = findCondition(deployment, 'Progressing');
    if (deadlineOf(deployment) === undefined || known?.reason === 'ProgressDeadlineExceeded') return;
    const paused = known?.reason === 'DeploymentPaused';
    if (deployment.spec.paused && !paused)
      this.#news = { status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused' };
    else if (!deployment.spec.paused && paused)
      this.#news = { status: 'Unknown', reason: 'DeploymentResumed', message: 'Deployment is resumed' };
  }

  /** Paused, or of another size: nothing new is made (D-9, D-14). */
  async #resize(sets: Sets): Promise<Result> {
    if (sets.newSet) sets.newSet = await this.#keepUp(sets.newSet, sets.oldSets);
    for (const scaling of scaled(this.deployment, sets.newSet, sets.oldSets)) await this.#scale(scaling);
    if (this.deployment.spec.paused) await this.#cleanUp(sets.oldSets);
    this.#report(sets, false);
    return done;
  }

  async #roll(sets: Sets): Promise<Result> {
    const { deployment } = this;
    const recreating = deployment.spec.strategy?.type === 'Recreate';
    if (recreating && (await this.#makeRoom(sets))) return this.#rolled(sets);
    if (sets.newSet) sets.newSet = await this.#keepUp(sets.newSet, sets.oldSets);
    else {
      const made = await this.#create(sets);
      if (made === 'again') {
        this.#report(sets, true);
        throw new NameTaken(`the name of the new ReplicaSet of ${deployment.metadata.name} was taken`);
      }
      if (made === undefined) return done;
      sets.newSet = made;
    }
    const { newSet, oldSets } = sets;
    const step = recreating ? recreate : this.rollingStep;
    const scalings = step({ deployment, newSet, oldSets });
    for (const scaling of scalings) await this.#scale(scaling);
    if (scalings.length === 0 && this.#isComplete(sets)) await this.#cleanUp(oldSets);
    return this.#rolled(sets);
  }

  #rolled(sets: Sets): Result {
    this.#report(sets, true);
    const { deployment, ctx } = this;
    const condition = ctx.status.conditions?.find(({ type }) => type === 'Progressing');
    const left = deadlineIn(deployment, condition as never, ctx.clock.now());
    // A second more: the deadline has passed when it is past.
    return left === undefined ? done : requeueAfter(Math.max(0, left) + 1000);
  }

  /** Recreate: true while old pods are on their way out. */
  async #makeRoom({ newSet, oldSets }: Sets): Promise<boolean> {
    const { ctx } = this;
    const shrinking = oldSets.filter((set) => sizeOf(set) > 0);
    for (const set of shrinking) await this.#scale({ set, replicas: 0 });
    if (shrinking.length > 0) return true;
    const running = oldSets.some(({ metadata }) =>
      ctx.cache.by(Pod, 'owner', metadata.uid).some((pod) => !isOver(pod)),
    );
    return running && !(newSet && sizeOf(newSet) > 0);
  }

  #isComplete({ newSet, oldSets }: Sets): boolean {
    const replicas = this.deployment.spec.replicas ?? 1;
    return (
      newSet !== undefined &&
      newSet.status?.availableReplicas === replicas &&
      oldSets.every(({ status }) => (status?.replicas ?? 0) === 0)
    );
  }

  /** Annotations and minReadySeconds of a ReplicaSet that is there (D-4). */
  async #keepUp(set: ReplicaSet, oldSets: readonly ReplicaSet[]): Promise<ReplicaSet> {
    const { deployment, ctx } = this;
    const annotations = newSetAnnotations(deployment, set, nextRevision(oldSets));
    const minReadySeconds = deployment.spec.minReadySeconds ?? 0;
    const kept = await ctx.client.patch(ReplicaSet, set, (draft) => {
      draft.metadata.annotations = { ...annotations };
      if (draft.spec && (draft.spec.minReadySeconds ?? 0) !== minReadySeconds)
        draft.spec.minReadySeconds = minReadySeconds;
    });
    await this.#takeRevision(kept);
    if (deadlineOf(deployment) !== undefined && !findCondition(deployment, 'Progressing'))
      this.#news ??= {
        status: 'True',
        reason: 'FoundNewReplicaSet',
        message: `Found new replica set "${set.metadata.name}"`,
      };
    return kept;
  }

  /** The Deployment carries the revision of its new ReplicaSet. */
  async #takeRevision(set: ReplicaSet): Promise<void> {
    const { deployment, ctx } = this;
    const revision = revisionOf(set);
    if (revision === 0 || revisionOf(deployment) === revision) return;
    await ctx.client.patchRaw(Deployment, this.#key(deployment), {
      type: 'merge',
      patch: { metadata: { annotations: { [revisionAnnotation]: String(revision) } } },
    });
  }

  /** Undefined when there is nothing more to do for it; `again` when its name was taken (D-3). */
  async #create({ newSet, oldSets }: Sets): Promise<ReplicaSet | 'again' | undefined> {
    const { deployment, ctx } = this;
    const set = this.#newSet(oldSets, newSetSize(deployment, newSet, oldSets));
    let made: ReplicaSet;
    try {
      made = await ctx.client.create(ReplicaSet, set);
    } catch (error) {
      if (isAlreadyExists(error)) return this.#taken(set.metadata.name as string);
      if (isNamespaceTerminating(error)) return undefined;
      const message = `Failed to create new replica set "${set.metadata.name}": ${(error as Error).message}`;
      this.#news = { status: 'False', reason: 'ReplicaSetCreateError', message };
      ctx.event('Warning', 'ReplicaSetCreateError', message);
      this.#report({ newSet: undefined, oldSets }, true);
      throw error;
    }
    const size = sizeOf(made);
    if (size > 0)
      ctx.event(
        'Normal',
        'ScalingReplicaSet',
        `Scaled up replica set ${made.metadata.name} from 0 to ${size}`,
      );
    await this.#takeRevision(made);
    this.#news = {
      status: 'True',
      reason: 'NewReplicaSetCreated',
      message: `Created new replica set "${made.metadata.name}"`,
    };
    return made;
  }

  /** Our own, and equal: made in a life before this one. Anything else: another name next time. */
  async #taken(name: string): Promise<ReplicaSet | 'again'> {
    const { deployment, ctx } = this;
    const { namespace = '', uid } = deployment.metadata;
    const live = await ctx.client.find(ReplicaSet, { namespace, name });
    if (
      live &&
      controllerOf(live)?.uid === uid &&
      sameTemplate(live.spec?.template, deployment.spec.template)
    )
      return live;
    this.#collisionCount = (this.#collisionCount ?? 0) + 1;
    return 'again';
  }

  #newSet(oldSets: readonly ReplicaSet[], replicas: number): Input<ReplicaSet> {
    const { deployment } = this;
    const { namespace = '', name } = deployment.metadata;
    const { template, selector, minReadySeconds } = deployment.spec;
    const hash = templateHash(template, this.#collisionCount);
    const labels = { ...template.metadata?.labels, [hashLabel]: hash };
    return {
      metadata: {
        namespace,
        name: `${name}-${hash}`,
        labels,
        annotations: newSetAnnotations(deployment, undefined, nextRevision(oldSets)),
        ownerReferences: [controllerReference(deployment, Deployment)],
      },
      spec: {
        replicas,
        ...(minReadySeconds ? { minReadySeconds } : {}),
        selector: { ...selector, matchLabels: { ...selector.matchLabels, [hashLabel]: hash } },
        template: { ...template, metadata: { ...template.metadata, labels } },
      },
    } as Input<ReplicaSet>;
  }

  async #scale({ set, replicas }: Scaling): Promise<void> {
    const { ctx, deployment } = this;
    const before = sizeOf(set);
    const sizes = sizeAnnotations(deployment);
    await ctx.client.patch(ReplicaSet, set, (draft) => {
      if (draft.spec) draft.spec.replicas = replicas;
      draft.metadata.annotations = { ...draft.metadata.annotations, ...sizes };
    });
    if (before === replicas) return;
    const direction = replicas > before ? 'up' : 'down';
    ctx.event(
      'Normal',
      'ScalingReplicaSet',
      `Scaled ${direction} replica set ${set.metadata.name} from ${before} to ${replicas}`,
    );
  }

  /** D-13 */
  async #cleanUp(oldSets: readonly ReplicaSet[]): Promise<void> {
    const { ctx, deployment } = this;
    for (const set of setsToRemove(deployment, oldSets)) {
      const { uid } = set.metadata;
      try {
        await ctx.client.delete(ReplicaSet, this.#key(set), { preconditions: { uid } });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  }

  #report({ newSet, oldSets }: Sets, rolling: boolean): void {
    const { deployment, ctx } = this;
    const status = statusOf(
      {
        deployment,
        newSet,
        oldSets,
        news: this.#news,
        collisionCount: this.#collisionCount,
        now: ctx.clock.now(),
      },
      rolling,
    );
    const draft = ctx.status as object;
    for (const field of Object.keys(draft)) if (!Object.hasOwn(status, field)) delete draft[field as never];
    Object.assign(draft, status);
  }

  #key(object: {
    readonly metadata: { readonly name: string; readonly namespace?: string };
  }): Key<'Namespaced'> {
    return keyOf(object) as Key<'Namespaced'>;
  }
}

/** Something else has the name that follows from the template: the next sync takes another (D-3). */
class NameTaken extends Error {
  override readonly name = 'NameTaken';
}

function goneMeanwhile(error: unknown): undefined {
  if (isNotFound(error) || isInvalid(error)) return undefined;
  throw error;
}

function isNamespaceTerminating(error: unknown): boolean {
  if (!isApiError(error, 'Forbidden')) return false;
  return error.status.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating') ?? false;
}
