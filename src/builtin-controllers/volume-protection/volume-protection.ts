/**
 * Storage object in use protection of volumes (PV-11): a volume that is being deleted stays as long as it is
 * bound. Admission puts the finalizer on; this takes it off.
 */
import { type Context, Controller, done, type Result } from 'gyre';
import { PersistentVolume } from 'gyre/kinds';
import { withoutFinalizer } from './finalizer.js';

const finalizer = 'kubernetes.io/pv-protection';

@Controller(PersistentVolume, { name: 'pv-protection-controller' })
export class PersistentVolumeProtectionController {
  async reconcile(volume: PersistentVolume, ctx: Context<PersistentVolume>): Promise<Result> {
    const { deletionTimestamp, finalizers } = volume.metadata;
    if (deletionTimestamp === undefined || !finalizers?.includes(finalizer)) return done;
    if (volume.status?.phase === 'Bound') return done;
    await ctx.client.patch(PersistentVolume, volume, withoutFinalizer(finalizer));
    return done;
  }
}
