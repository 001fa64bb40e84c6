/**
 * How claims, volumes and classes find each other without going through all of them. The names are the binder's
 * own, as caches are shared with other controllers.
 */
import { keyOf } from 'gyre';
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from 'gyre/kinds';
import { isFree } from './matching.js';
import { bindCompleted, isAnnotated } from './names.js';
import { classOf, isDefaultClass, leavesClassOpen } from './storage-class.js';

/** Volumes by the claim that claimRef names. */
export const volumesByClaim = 'binder/claimRef';
/** Volumes that may be chosen, by class. */
export const freeVolumes = 'binder/free';
/** Claims by the volume they name. */
export const claimsByVolume = 'binder/volumeName';
/** Claims that look for a volume, by class. */
export const unboundClaims = 'binder/unbound';
/** Claims that the default class would be given to: under `''`. */
export const openClaims = 'binder/open';
/** Default classes: under `''`. */
export const defaultClasses = 'binder/default';

/** The key of the claim that a volume's claimRef names. */
export function claimKeyOf({ spec }: PersistentVolume): string | undefined {
  const { namespace, name } = spec?.claimRef ?? {};
  return namespace && name ? keyOf({ metadata: { namespace, name } }) : undefined;
}

export function isUnbound(claim: PersistentVolumeClaim): boolean {
  return !claim.spec?.volumeName && !isAnnotated(claim, bindCompleted);
}

export function byClaim(volume: PersistentVolume): readonly string[] {
  const key = claimKeyOf(volume);
  return key === undefined ? [] : [key];
}
export function byFreeClass(volume: PersistentVolume): readonly string[] {
  return isFree(volume) ? [classOf(volume)] : [];
}
export function byVolumeName({ spec }: PersistentVolumeClaim): readonly string[] {
  return spec?.volumeName ? [spec.volumeName] : [];
}
export function byUnboundClass(claim: PersistentVolumeClaim): readonly string[] {
  return isUnbound(claim) ? [classOf(claim)] : [];
}
export function byOpenClass(claim: PersistentVolumeClaim): readonly string[] {
  return isUnbound(claim) && leavesClassOpen(claim) ? [''] : [];
}
export function byDefault(storageClass: StorageClass): readonly string[] {
  return isDefaultClass(storageClass) ? [''] : [];
}
