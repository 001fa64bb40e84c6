/**
 * Storage object in use protection (PV-11): neither a claim that a pod uses nor a volume that a claim is bound
 * to goes before it is free, whatever is deleted first.
 */
export { PersistentVolumeClaimProtectionController } from './claim-protection.js';
export { PersistentVolumeProtectionController } from './volume-protection.js';
