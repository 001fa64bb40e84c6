/**
 * The claim's side of the PersistentVolume binder (PV-1 … PV-7, PV-10): gather what concerns the claim from
 * indexes, decide (`claimStep`), act.
 *
 * Guarantees: two claims never get one volume, as the first write of a bind carries the version of the volume
 * that was looked at; each write is repeated by the next sync until it is there, so a crash between any two
 * leaves nothing that is not mended.
 */
import {
  type CacheReader,
  type Context,
  Controller,
  done,
  Index,
  Inject,
  keyOf,
  type Result,
  Watches,
} from 'gyre';
import { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from 'gyre/kinds';
import { claimsOf, isTerminated, podsByClaim } from '../volume-protection/pod-claims.js';
import { annotate, type BindWrite, claimMarks, nextBindWrite } from './binding.js';
import { type ClaimAction, type ClaimState, claimStep, type Told } from './claim-step.js';
import {
  byClaim,
  byDefault,
  byFreeClass,
  byOpenClass,
  byUnboundClass,
  byVolumeName,
  claimKeyOf,
  claimsByVolume,
  defaultClasses,
  freeVolumes,
  isUnbound,
  openClaims,
  unboundClaims,
  volumesByClaim,
} from './indexes.js';
import { LocalPathProvisioner, nameProvisioner } from './local-path-provisioner.js';
import { LocalVolumes } from './local-volumes.js';
import { isChoosable, isFree } from './matching.js';
import { boundByController } from './names.js';
import { referenceTo } from './provisioning.js';
import { classOf, isDefaultClass, newestDefault } from './storage-class.js';

type Claim = PersistentVolumeClaim;
type Volume = PersistentVolume;

/** The claim a volume is promised to, those that name it, and those that could choose it. */
function claimsFor(volume: Volume, cache: CacheReader): readonly string[] {
  const promised = claimKeyOf(volume);
  const naming = cache.by(PersistentVolumeClaim, claimsByVolume, volume.metadata.name);
  const choosing = isFree(volume)
    ? cache
        .by(PersistentVolumeClaim, unboundClaims, classOf(volume))
        .filter((claim) => isChoosable(volume, claim))
    : [];
  return [...(promised === undefined ? [] : [promised]), ...[...naming, ...choosing].map(keyOf)];
}

function claimsOfClass(storageClass: StorageClass, cache: CacheReader): readonly string[] {
  const named = cache.by(PersistentVolumeClaim, unboundClaims, storageClass.metadata.name);
  const open = isDefaultClass(storageClass) ? cache.by(PersistentVolumeClaim, openClaims, '') : [];
  return [...named, ...open].map(keyOf);
}

/** A pod matters to claims that wait for their first consumer: they say whom they wait for. */
function waitingClaimsOf(pod: Pod, cache: CacheReader): readonly string[] {
  return claimsOf(pod).filter((key) => {
    const claim = cache.get(PersistentVolumeClaim, key as `${string}/${string}`);
    return claim !== undefined && isUnbound(claim);
  });
}

@Controller(PersistentVolumeClaim, {
  name: 'persistentvolume-binder',
  eventSource: 'persistentvolume-controller',
  maxConcurrent: 4,
})
@Watches(PersistentVolume, { map: claimsFor })
@Watches(StorageClass, { map: claimsOfClass })
@Watches(Pod, { map: waitingClaimsOf })
@Index(PersistentVolumeClaim, claimsByVolume, byVolumeName)
@Index(PersistentVolumeClaim, unboundClaims, byUnboundClass)
@Index(PersistentVolumeClaim, openClaims, byOpenClass)
@Index(PersistentVolume, volumesByClaim, byClaim)
@Index(PersistentVolume, freeVolumes, byFreeClass)
@Index(StorageClass, defaultClasses, byDefault)
@Index(Pod, podsByClaim, claimsOf)
export class PersistentVolumeClaimController {
  private readonly provisioner: LocalPathProvisioner;

  constructor(@Inject(LocalVolumes) volumes: LocalVolumes) {
    this.provisioner = new LocalPathProvisioner(volumes);
  }

  async reconcile(claim: Claim, ctx: Context<Claim>): Promise<Result> {
    const action = await this.#decide(claim, ctx);
    switch (action.do) {
      case 'bind':
        await bind(action.volume, claim, ctx);
        return done;
      case 'wait':
        if (action.event) tell(ctx, action.event);
        await setPhase(claim, 'Pending', ctx);
        return done;
      case 'lose':
        // Told once: when it happens.
        if (await setPhase(claim, 'Lost', ctx)) tell(ctx, action.event);
        return done;
      case 'assignClass':
        await ctx.client.patch(PersistentVolumeClaim, claim, (draft) => {
          (draft.spec ??= {}).storageClassName = action.storageClass.metadata.name;
        });
        return done;
      case 'askProvisioner':
        await nameProvisioner(claim, action.provisioner, ctx);
        tell(ctx, action.event);
        return done;
      case 'provision':
        await this.provisioner.provision(claim, action.storageClass, ctx);
        return done;
    }
  }

  async #decide(claim: Claim, ctx: Context<Claim>): Promise<ClaimAction> {
    const state = gather(claim, ctx.cache);
    const action = claimStep(state);
    if (action.do !== 'lose' || !claim.spec?.volumeName) return action;
    // The cache of volumes may be behind that of claims: only the server's word makes data count as lost.
    return claimStep({ ...state, volume: await ctx.client.find(PersistentVolume, claim.spec.volumeName) });
  }
}

function gather(claim: Claim, cache: CacheReader): ClaimState {
  const className = classOf(claim);
  const key = keyOf(claim);
  return {
    claim,
    volume: claim.spec?.volumeName ? cache.get(PersistentVolume, claim.spec?.volumeName) : undefined,
    candidates: [
      ...cache.by(PersistentVolume, volumesByClaim, key),
      ...cache.by(PersistentVolume, freeVolumes, className),
    ],
    storageClass: className === '' ? undefined : cache.get(StorageClass, className),
    defaultClass: newestDefault(cache.by(StorageClass, defaultClasses, '')),
    unscheduledPods: cache
      .by(Pod, podsByClaim, key)
      .filter((pod) => !pod.spec.nodeName && !isTerminated(pod))
      .map((pod) => pod.metadata.name),
  };
}

/** Writes what the bind still lacks, one after the other (PV-5). */
async function bind(volume: Volume, claim: Claim, ctx: Context<Claim>): Promise<void> {
  let [v, c] = [volume, claim];
  for (let next = nextBindWrite(v, c); next; next = nextBindWrite(v, c)) {
    if (next.write === 'claimRef' || next.write === 'volumePhase') v = await writeVolume(next, v, c, ctx);
    else c = await writeClaim(next, v, c, ctx);
  }
}

type VolumeWrite = Extract<BindWrite, { write: 'claimRef' | 'volumePhase' }>;
type ClaimWrite = Extract<BindWrite, { write: 'volumeName' | 'claimStatus' }>;

function writeVolume(next: VolumeWrite, volume: Volume, claim: Claim, ctx: Context<Claim>): Promise<Volume> {
  if (next.write === 'volumePhase') return setVolumePhase(volume, 'Bound', ctx);
  return ctx.client.patch(PersistentVolume, volume, (draft) => {
    (draft.spec ??= {}).claimRef = referenceTo(claim);
    if (next.chosen) annotate(draft.metadata, boundByController);
  });
}

function writeClaim(next: ClaimWrite, volume: Volume, claim: Claim, ctx: Context<Claim>): Promise<Claim> {
  if (next.write === 'volumeName') {
    return ctx.client.patch(PersistentVolumeClaim, claim, (draft) => {
      (draft.spec ??= {}).volumeName = volume.metadata.name;
      annotate(draft.metadata, ...claimMarks(next.chosen));
    });
  }
  return ctx.client.patch(
    PersistentVolumeClaim,
    claim,
    (draft) => {
      const status = (draft.status ??= {});
      status.phase = 'Bound';
      status.accessModes = [...(volume.spec?.accessModes ?? [])];
      if (next.capacity) status.capacity = { ...volume.spec?.capacity };
    },
    { subresource: 'status' },
  );
}

function setVolumePhase(volume: Volume, phase: 'Bound', ctx: Context<Claim>): Promise<Volume> {
  return ctx.client.patch(
    PersistentVolume,
    volume,
    (draft) => {
      const status = (draft.status ??= {});
      status.phase = phase;
      delete status.message;
    },
    { subresource: 'status' },
  );
}

/** True when the phase was another one. A claim without volume has neither capacity nor access modes. */
async function setPhase(claim: Claim, phase: 'Pending' | 'Lost', ctx: Context<Claim>): Promise<boolean> {
  if (claim.status?.phase === phase) return false;
  await ctx.client.patch(
    PersistentVolumeClaim,
    claim,
    (draft) => {
      const status = (draft.status ??= {});
      status.phase = phase;
      delete status.accessModes;
      delete status.capacity;
    },
    { subresource: 'status' },
  );
  return true;
}

function tell(ctx: Context<Claim>, { type, reason, message }: Told): void {
  ctx.event(type, reason, message);
}
