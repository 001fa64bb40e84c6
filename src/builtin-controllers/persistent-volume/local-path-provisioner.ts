/**
 * Provisioning by this package itself (PV-10): a directory for a claim, and the volume that promises it.
 *
 * Guarantees: one claim gets one volume, however often this is repeated; a directory is given up only when it is
 * certain that no volume refers to it. Caveat: a crash right before the volume is saved, of a claim that is
 * deleted before the next start, leaves an empty directory.
 */
import { type Context, isAlreadyExists, keyOf, sleep } from 'gyre';
import { PersistentVolume, PersistentVolumeClaim, type StorageClass } from 'gyre/kinds';
import type { LocalVolumes } from './local-volumes.js';
import { isAnnotated, localPathProvisioner, selectedNode } from './names.js';
import { provisionedName, provisionedVolume, provisionerMarks, refusal } from './provisioning.js';

type Claim = PersistentVolumeClaim;

/** How often a provisioned volume's object is tried to be saved, and how long between two attempts. */
const saveAttempts = 5;
const saveEveryMs = 10_000;

export class LocalPathProvisioner {
  constructor(private readonly volumes: LocalVolumes) {}

  /** PV-10. The volume that comes of it is promised to the claim, and wakes it. */
  async provision(claim: Claim, storageClass: StorageClass, ctx: Context<Claim>): Promise<void> {
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

/** Writes on the claim who provisions for it. */
export async function nameProvisioner(
  claim: Claim,
  provisioner: string,
  ctx: Context<Claim>,
): Promise<Claim> {
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
