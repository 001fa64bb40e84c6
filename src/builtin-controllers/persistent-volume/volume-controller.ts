/**
 * The volume's side of the PersistentVolume binder (PV-8, PV-9): gather the claim, decide (`volumeStep`), act,
 * until nothing is left to do.
 *
 * Guarantees: data is deleted only after the server itself said that the claim is gone, and that the volume is
 * still the one that was decided on.
 */
import {
  type CacheReader,
  type Context,
  Controller,
  done,
  Index,
  Inject,
  isNotFound,
  keyOf,
  requeueAfter,
  type Result,
  Watches,
} from 'gyre';
import { PersistentVolume, PersistentVolumeClaim } from 'gyre/kinds';
import type { Told } from './claim-step.js';
import { byClaim, claimKeyOf, volumesByClaim } from './indexes.js';
import { LocalVolumes, VolumeInUse } from './local-volumes.js';
import { boundByController, provisionerFinalizer } from './names.js';
import { unbind, type VolumeAction, type VolumeState, volumeStep } from './volume-step.js';

type Volume = PersistentVolume;
type Phase = NonNullable<NonNullable<Volume['status']>['phase']>;
type ClaimKey = `${string}/${string}`;

/** What could not be reclaimed is tried again this often. */
const retryReclaim = requeueAfter('15s');

/** The volumes that refer to a claim, and the one it refers to. */
function volumesOf(claim: PersistentVolumeClaim, cache: CacheReader): readonly string[] {
  const referring = cache.by(PersistentVolume, volumesByClaim, keyOf(claim)).map(keyOf);
  return claim.spec?.volumeName ? [claim.spec?.volumeName, ...referring] : referring;
}

@Controller(PersistentVolume, {
  name: 'persistentvolume-binder-volumes',
  eventSource: 'persistentvolume-controller',
  maxConcurrent: 4,
})
@Watches(PersistentVolumeClaim, { map: volumesOf })
@Index(PersistentVolume, volumesByClaim, byClaim)
export class PersistentVolumeController {
  constructor(@Inject(LocalVolumes) private readonly volumes: LocalVolumes) {}

  async reconcile(volume: Volume, ctx: Context<Volume>): Promise<Result> {
    const key = claimKeyOf(volume) as ClaimKey | undefined;
    let state: VolumeState = {
      volume,
      claim: key && ctx.cache.get(PersistentVolumeClaim, key),
      confirmed: false,
    };
    for (;;) {
      const action = volumeStep(state);
      const next = await this.#act(action, state, ctx);
      if ('result' in next) return next.result;
      state = next;
    }
  }

  async #act(
    action: VolumeAction,
    state: VolumeState,
    ctx: Context<Volume>,
  ): Promise<VolumeState | { readonly result: Result }> {
    const { volume } = state;
    switch (action.do) {
      case 'nothing':
        if (action.event) tell(ctx, action.event);
        return { result: done };
      case 'awaitClaim':
        return { result: done };
      case 'confirm': {
        const claim = await ctx.client.find(PersistentVolumeClaim, claimKeyOf(volume) as ClaimKey);
        return { volume, claim, confirmed: true };
      }
      case 'setPhase':
        return { ...state, volume: await setPhase(volume, action.phase, undefined, ctx) };
      case 'unbind':
        return { ...state, volume: await writeUnbind(volume, action.forget, ctx) };
      case 'hold':
      case 'release':
        return { ...state, volume: await setHeld(volume, action.do === 'hold', ctx) };
      case 'fail':
        await fail(volume, action.event, ctx);
        return { result: retryReclaim };
      case 'delete':
        return { result: await this.#delete(volume, ctx) };
      case 'recycle':
        return this.#recycle(state, ctx);
    }
  }

  /** The data, then the object; what holds the object last, so that a crash in between begins anew. */
  async #delete(volume: Volume, ctx: Context<Volume>): Promise<Result> {
    if (!(await isCurrent(volume, ctx))) return done;
    try {
      await this.volumes.remove(volume.spec?.hostPath?.path ?? '');
    } catch (error) {
      return notReclaimed(volume, 'VolumeFailedDelete', error as Error, ctx);
    }
    const { name, uid } = volume.metadata;
    try {
      await ctx.client.delete(PersistentVolume, name, { preconditions: { uid } });
      const rest = await ctx.client.find(PersistentVolume, name);
      if (rest?.metadata.uid === uid) await setHeld(rest, false, ctx);
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
    return done;
  }

  async #recycle(
    state: VolumeState,
    ctx: Context<Volume>,
  ): Promise<VolumeState | { readonly result: Result }> {
    const { volume } = state;
    if (!(await isCurrent(volume, ctx))) return { result: done };
    try {
      await this.volumes.remove(volume.spec?.hostPath?.path ?? '');
      await this.volumes.create(volume.metadata.name);
    } catch (error) {
      return { result: await notReclaimed(volume, 'VolumeFailedRecycle', error as Error, ctx) };
    }
    ctx.event('Normal', 'VolumeRecycled', 'Volume recycled');
    return { ...state, volume: await writeUnbind(volume, unbind(volume).forget, ctx) };
  }
}

/** False when the cache was behind: the newer volume is on its way, and is decided on anew. */
async function isCurrent({ metadata }: Volume, ctx: Context<Volume>): Promise<boolean> {
  const live = await ctx.client.find(PersistentVolume, metadata.name);
  return live?.metadata.resourceVersion === metadata.resourceVersion && live.metadata.uid === metadata.uid;
}

async function notReclaimed(
  volume: Volume,
  reason: string,
  error: Error,
  ctx: Context<Volume>,
): Promise<Result> {
  if (error instanceof VolumeInUse) ctx.event('Normal', 'VolumeDelete', error.message);
  else await fail(volume, { type: 'Warning', reason, message: error.message }, ctx);
  return retryReclaim;
}

/** Phase Failed; told once, when it happens. */
async function fail(volume: Volume, event: Told, ctx: Context<Volume>): Promise<void> {
  if (volume.status?.phase === 'Failed') return;
  await setPhase(volume, 'Failed', event.message, ctx);
  tell(ctx, event);
}

function setPhase(
  volume: Volume,
  phase: Phase,
  message: string | undefined,
  ctx: Context<Volume>,
): Promise<Volume> {
  return ctx.client.patch(
    PersistentVolume,
    volume,
    (draft) => {
      const status = (draft.status ??= {});
      status.phase = phase;
      if (message === undefined) delete status.message;
      else status.message = message;
    },
    { subresource: 'status' },
  );
}

function writeUnbind(volume: Volume, forget: 'claimRef' | 'uid', ctx: Context<Volume>): Promise<Volume> {
  return ctx.client.patch(PersistentVolume, volume, (draft) => {
    if (forget === 'uid') {
      delete draft.spec?.claimRef?.uid;
      return;
    }
    delete draft.spec?.claimRef;
    delete draft.metadata.annotations?.[boundByController];
  });
}

function setHeld(volume: Volume, held: boolean, ctx: Context<Volume>): Promise<Volume> {
  return ctx.client.patch(PersistentVolume, volume, (draft) => {
    const others = (draft.metadata.finalizers ?? []).filter((name) => name !== provisionerFinalizer);
    draft.metadata.finalizers = held ? [...others, provisionerFinalizer] : others;
  });
}

function tell(ctx: Context<Volume>, { type, reason, message }: Told): void {
  ctx.event(type, reason, message);
}
