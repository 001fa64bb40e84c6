/**
 * The PersistentVolume binder and the local-path provisioner (PV-1 … PV-10).
 *
 * ```
 * claim ─▶ claimStep ─▶ bind ─▶ claimRef ▸ volume Bound ▸ volumeName ▸ claim Bound
 *                  └──▶ provision ─▶ LocalVolumes.create ▸ volume promised to the claim ─▶ bind
 * volume ─▶ volumeStep ─▶ Available | Bound | Released ─▶ LocalVolumes.remove ▸ volume deleted
 * ```
 * Two controllers and no talk between them: each reads what the other wrote. Run them together:
 * `manager.register(PersistentVolumeClaimController).register(PersistentVolumeController)`, with
 * `provide(LocalVolumes, …)`.
 */
export { PersistentVolumeClaimController } from './claim-controller.js';
export { LocalVolumes, VolumeInUse } from './local-volumes.js';
export { localPathProvisioner } from './names.js';
export { PersistentVolumeController } from './volume-controller.js';
