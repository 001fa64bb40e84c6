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
  isAlreadyExists,
  keyOf,
  type Result,
  sleep,
  Watches,
} from 'gyre';
import { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from 'gyre/kinds';
import { claimsOf, isTerminated, podsByClaim } from '../volume-protection/pod-claims.js';
import { annotate, type BindWrite, claimMarks, nextBindWrite } from './binding.js';
import { type ClaimState, claimStep, type Told } from './claim-step.js';
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
import { LocalVolumes } from './local-volumes.js';
import { isChoosable } from './matching.js';
import { boundByController, isAnnotated, localPathProvisioner, selectedNode } from './names.js';
import {
  provisionedName,
  provisionedVolume,
  provisionerMarks,
  referenceTo,
  refusal,
} from './provisioning.js';
import { classOf, isDefaultClass, newestDefault } from './storage-class.js';

type Claim = PersistentVolumeClaim;
type Volume = PersistentVolume;

/** How often a provisioned volume's object is tried to be saved, and how long between two attempts. */
const saveAttempts = 5;
const saveEveryMs = 10_000;

/** The claim a volume is promised to, those that name it, and those that could choose it. */
function claimsFor(volume: Volume, cache: CacheReader): readonly string[] {
  const promised = claimKeyOf(volume);
  const naming = cache.by(PersistentVolumeClaim, claimsByVolume, volume.metadata.name);
  const choosing = cache
    .by(PersistentVolumeClaim, unboundClaims, classOf(volume))
    .filter((claim) => isChoosable(volume, claim));
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
  constructor(@Inject(LocalVolumes) private readonly volumes: LocalVolumes) {}

  async reconcile(claim: Claim, ctx: Context<Claim>): Promise<Result> {
    const action = claimStep(this.#gather(claim, ctx.cache));
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
        await this.#provision(claim, action.storageClass, ctx);
        return done;
    }
  }

  #gather(claim: Claim, cache: CacheReader): ClaimState {
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

  /** PV-10. The volume that comes of it is promised to the claim, and wakes it. */
  async #provision(claim: Claim, storageClass: StorageClass, ctx: Context<Claim>): Promise<void> {
    const className = JSON.stringify(storageClass.metadata.name);
    const failed = (why: string): void =>
      ctx.event(
        'Warning',
        'ProvisioningFailed',
        `Failed to provision volume with StorageClass ${className}: ${why}`,
      );
    const why = refusal(claim, storageClass);
    if (why !== undefined) {
      failed(why);
      return;
    }
    const marked = await nameProvisioner(claim, localPathProvisioner, ctx);
    // The cache may be behind: a volume that is there already must not be made again.
    if (await ctx.client.find(PersistentVolume, provisionedName(marked))) return;
    let path: string;
    try {
      path = await this.volumes.create(provisionedName(marked));
    } catch (error) {
      failed((error as Error).message);
      // Where a node was chosen, another one may do better: the scheduler is asked again.
      if (isAnnotated(marked, selectedNode)) return unselectNode(marked, ctx);
      throw error;
    }
    await this.#save(marked, storageClass, path, ctx);
    ctx.event(
      'Normal',
      'ProvisioningSucceeded',
      `Successfully provisioned volume ${provisionedName(marked)} using ${localPathProvisioner}`,
    );
  }

  /** Saves the volume's object; when that fails for good, what was made for it is removed again. */
  async #save(claim: Claim, storageClass: StorageClass, path: string, ctx: Context<Claim>): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        await ctx.client.create(PersistentVolume, provisionedVolume(claim, storageClass, path));
        return;
      } catch (error) {
        if (isAlreadyExists(error)) return;
        if (attempt < saveAttempts) {
          await sleep(ctx.clock, saveEveryMs, ctx.signal);
          continue;
        }
        await this.#giveUp(claim, path, error as Error, ctx);
        throw error;
      }
    }
  }

  async #giveUp(claim: Claim, path: string, error: Error, ctx: Context<Claim>): Promise<void> {
    const key = keyOf(claim);
    // An attempt whose answer was lost may have saved it. Throws when that cannot be known: then the data stays.
    if (await ctx.client.find(PersistentVolume, provisionedName(claim))) return;
    ctx.event(
      'Warning',
      'ProvisioningFailed',
      `Error creating provisioned PV object for claim ${key}: ${error.message}. Deleting the volume.`,
    );
    try {
      await this.volumes.remove(path);
    } catch (failure) {
      ctx.event(
        'Warning',
        'ProvisioningCleanupFailed',
        `Error cleaning provisioned volume for claim ${key}: ${(failure as Error).message}. Please delete manually.`,
      );
    }
  }
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

async function nameProvisioner(claim: Claim, provisioner: string, ctx: Context<Claim>): Promise<Claim> {
  const marks = provisionerMarks(claim, provisioner);
  if (!marks) return claim;
  return ctx.client.patch(PersistentVolumeClaim, claim, (draft) => {
    draft.metadata.annotations = { ...draft.metadata.annotations, ...marks };
  });
}

async function unselectNode(claim: Claim, ctx: Context<Claim>): Promise<void> {
  await ctx.client.patch(PersistentVolumeClaim, claim, (draft) => {
    delete draft.metadata.annotations?.[selectedNode];
  });
}

function tell(ctx: Context<Claim>, { type, reason, message }: Told): void {
  ctx.event(type, reason, message);
}
