/** One sync of an owner of replicas: claim, decide, act, report. */
import {
  ApiError,
  type Client,
  type Context,
  controllerOf,
  controllerReference,
  done,
  type Expectations,
  type Input,
  isApiError,
  isInvalid,
  isNotFound,
  type Key,
  keyOf,
  type KindOf,
  requeueAfter,
  type Result,
} from 'gyre';
import { Pod, ReplicaSet } from 'gyre/kinds';
import type { ReplicaSetStatus } from 'gyre/kinds/apps/v1';
import { claims } from './claim.js';
import { decide, type Failure, nextAvailableIn, statusOf } from './decide.js';
import { isActive } from './pod-state.js';
import type { ReplicasOwner } from './replicas.js';
import { orphansFor } from './selection.js';

/** The first batch of creates; each further one is twice as large (RS-1). */
const firstBatch = 1;

interface Sync {
  readonly owner: ReplicasOwner;
  readonly ctx: Context<unknown>;
  readonly expectations: Expectations<Pod>;
}

export async function syncReplicas(
  owner: ReplicasOwner,
  ctx: Context<unknown>,
  expectations: Expectations<Pod>,
): Promise<Result> {
  const sync: Sync = { owner, ctx, expectations };
  const { clock, cache } = ctx;
  const { uid, deletionTimestamp } = owner.metadata;
  const met = expectations.met(uid, cache, clock);
  const active = await claimPods(sync);
  let failure: Failure | undefined;
  let thrown: unknown;
  if (met && deletionTimestamp === undefined) {
    const plan = decide(owner, active, () => siblingsByNode(sync), clock.now());
    const reason = plan.create > 0 ? 'FailedCreate' : 'FailedDelete';
    try {
      if (plan.create > 0) await createPods(sync, plan.create);
      else await deletePods(sync, plan.remove);
    } catch (error) {
      thrown = error;
      failure = { reason, message: (error as Error).message };
    }
  }
  replaceStatus(ctx.status as object, statusOf(owner, active, failure, clock.now()));
  if (thrown !== undefined) throw thrown;
  const wait = nextAvailableIn(owner, active, clock.now());
  return wait === undefined ? done : requeueAfter(Math.ceil(wait));
}

function replaceStatus(draft: object, status: ReplicaSetStatus): void {
  for (const field of Object.keys(draft)) if (!Object.hasOwn(status, field)) delete draft[field as never];
  Object.assign(draft, status);
}

/** The active pods that are its own, after adopting and releasing (RS-8). */
async function claimPods({ owner, ctx }: Sync): Promise<Pod[]> {
  const { uid } = owner.metadata;
  const candidates = [...ctx.cache.by(Pod, 'owner', uid), ...orphansFor(owner, ctx.cache)];
  const { keep, adopt, release } = claims(owner, candidates);
  const mine = [...keep];
  if (adopt.length > 0 && (await mayAdopt(owner, ctx.client))) {
    for (const pod of adopt) {
      const adopted = await adoptPod(owner, pod, ctx.client);
      if (adopted) mine.push(adopted);
    }
  }
  for (const pod of release) await releasePod(owner, pod, ctx.client);
  return mine;
}

/** Asked live: an owner that is going, or another of the same name, adopts nothing (RS-9). */
async function mayAdopt({ kind, metadata }: ReplicasOwner, client: Client): Promise<boolean> {
  if (metadata.deletionTimestamp !== undefined) return false;
  const live = await client.find(kind as KindOf<ReplicaSet>, keyOf({ metadata }) as Key<'Namespaced'>);
  return live?.metadata.uid === metadata.uid && live.metadata.deletionTimestamp === undefined;
}

async function adoptPod(owner: ReplicasOwner, pod: Pod, client: Client): Promise<Pod | undefined> {
  const reference = controllerReference(owner, owner.kind as KindOf<ReplicaSet>);
  try {
    return await client.patchRaw(Pod, keyOf(pod) as Key<'Namespaced'>, {
      type: 'strategic',
      patch: { metadata: { uid: pod.metadata.uid, ownerReferences: [reference] } },
    });
  } catch (error) {
    return goneMeanwhile(error);
  }
}

async function releasePod(owner: ReplicasOwner, pod: Pod, client: Client): Promise<void> {
  try {
    await client.patchRaw(Pod, keyOf(pod) as Key<'Namespaced'>, {
      type: 'strategic',
      patch: {
        metadata: {
          uid: pod.metadata.uid,
          ownerReferences: [{ $patch: 'delete', uid: owner.metadata.uid }],
        },
      },
    });
  } catch (error) {
    goneMeanwhile(error);
  }
}

/** The pod went, or is another one by now: nothing to claim. */
function goneMeanwhile(error: unknown): undefined {
  if (isNotFound(error) || isInvalid(error)) return undefined;
  throw error;
}

/** Slow start: a mistake in the template costs one refusal, not five hundred (RS-3). */
async function createPods({ owner, ctx, expectations }: Sync, count: number): Promise<void> {
  const { client, clock } = ctx;
  const pod = podOf(owner);
  for (let made = 0, batch = firstBatch; made < count; made += batch, batch = batch * 2) {
    const size = Math.min(batch, count - made);
    const results = await Promise.allSettled(Array.from({ length: size }, () => client.create(Pod, pod)));
    let failure: unknown;
    for (const result of results) {
      if (result.status === 'fulfilled') {
        expectations.created(owner.metadata.uid, result.value, clock);
        ctx.event('Normal', 'SuccessfulCreate', `Created pod: ${result.value.metadata.name}`);
      } else if (isNamespaceTerminating(result.reason)) {
        // Its end is on its way: nothing to say, nothing to retry (RS-4).
        return;
      } else failure ??= result.reason;
    }
    if (failure !== undefined) {
      ctx.event('Warning', 'FailedCreate', `Error creating: ${messageOf(failure)}`);
      throw failure;
    }
  }
}

function podOf(owner: ReplicasOwner): Input<Pod> {
  const { namespace, name } = owner.metadata;
  const { metadata = {}, spec } = owner.template ?? {};
  const { labels, annotations, finalizers } = metadata;
  return {
    metadata: {
      ...(namespace === undefined ? {} : { namespace }),
      generateName: `${name}-`,
      ...(labels ? { labels } : {}),
      ...(annotations ? { annotations } : {}),
      ...(finalizers ? { finalizers } : {}),
      ownerReferences: [controllerReference(owner, owner.kind as KindOf<ReplicaSet>)],
    },
    ...(spec ? { spec } : {}),
  } as Input<Pod>;
}

async function deletePods({ owner, ctx, expectations }: Sync, pods: readonly Pod[]): Promise<void> {
  const { client, clock } = ctx;
  const results = await Promise.allSettled(
    pods.map(async (pod) => {
      const { name, uid } = pod.metadata;
      try {
        await client.delete(Pod, keyOf(pod) as Key<'Namespaced'>, { preconditions: { uid } });
        ctx.event('Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
      } catch (error) {
        if (!isNotFound(error)) {
          ctx.event('Warning', 'FailedDelete', `Error deleting: ${messageOf(error)}`);
          throw error;
        }
      }
      expectations.deleted(owner.metadata.uid, pod, clock);
    }),
  );
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}

/** Active pods of all owners that have the same controller as this one, by node (RS-10). */
function siblingsByNode({ owner, ctx }: Sync): ReadonlyMap<string, number> {
  const controller = controllerOf({ metadata: owner.metadata });
  const related =
    controller && owner.kind === ReplicaSet
      ? ctx.cache.by(ReplicaSet, 'controller', controller.uid).map(({ metadata }) => metadata.uid)
      : [owner.metadata.uid];
  const counts = new Map<string, number>();
  for (const uid of related) {
    for (const pod of ctx.cache.by(Pod, 'owner', uid)) {
      const node = pod.spec?.nodeName;
      if (node && isActive(pod)) counts.set(node, (counts.get(node) ?? 0) + 1);
    }
  }
  return counts;
}

function isNamespaceTerminating(error: unknown): boolean {
  if (!isApiError(error, 'Forbidden')) return false;
  return error.status.details?.causes?.some(({ reason }) => reason === 'NamespaceTerminating') ?? false;
}

function messageOf(error: unknown): string {
  return error instanceof ApiError || error instanceof Error ? error.message : String(error);
}
