/**
 * Which volume a claim gets (PV-2, PV-3), and why a volume it asks for by name will not do (PV-4). Pure.
 */
import { compareQuantity, compileLabelSelector } from 'gyre';
import type { PersistentVolume, PersistentVolumeClaim } from 'gyre/kinds';
import { classOf } from './storage-class.js';

/** True when the volume's claimRef means this claim; one without UID means whichever has the name. */
export function isBoundTo(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const { claimRef } = volume.spec ?? {};
  if (!claimRef) return false;
  const { namespace, name, uid } = claim.metadata;
  return (
    claimRef.namespace === namespace && claimRef.name === name && (!claimRef.uid || claimRef.uid === uid)
  );
}

/** True for a volume that a claim which did not ask for it may be given. */
export function isFree(volume: PersistentVolume): boolean {
  return (
    volume.spec?.claimRef === undefined &&
    volume.status?.phase === 'Available' &&
    volume.metadata.deletionTimestamp === undefined
  );
}

/** What a volume says it holds, or a claim asks for. */
function capacityOf(volume: PersistentVolume): string {
  return volume.spec?.capacity?.storage ?? '0';
}
function requestOf(claim: PersistentVolumeClaim): string {
  return claim.spec?.resources?.requests?.storage ?? '0';
}

export function sameVolumeMode(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (volume.spec?.volumeMode ?? 'Filesystem') === (claim.spec?.volumeMode ?? 'Filesystem');
}

function offersAccessModes(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (claim.spec?.accessModes ?? []).every((mode) => volume.spec?.accessModes?.includes(mode));
}

function sameAttributesClass(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (volume.spec?.volumeAttributesClassName ?? '') === (claim.spec?.volumeAttributesClassName ?? '');
}

/** PV-2: what holds for pre-bound and for free volumes alike. */
function couldServe(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (
    (volume.spec?.claimRef === undefined || isBoundTo(volume, claim)) &&
    compareQuantity(capacityOf(volume), requestOf(claim)) >= 0 &&
    sameVolumeMode(volume, claim) &&
    sameAttributesClass(volume, claim) &&
    volume.metadata.deletionTimestamp === undefined &&
    offersAccessModes(volume, claim)
  );
}

/** PV-3: what a volume must be to be chosen for a claim that is not promised it. */
export function isChoosable(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  const { selector } = claim.spec ?? {};
  return (
    isFree(volume) &&
    couldServe(volume, claim) &&
    (selector === undefined || compileLabelSelector(selector).matches(volume.metadata.labels)) &&
    classOf(volume) === classOf(claim)
  );
}

/**
 * The volume for a claim that names none: one that is promised to it (claimRef) before all others, else, unless
 * only those count, the one with the fewest access modes beyond the request, then the smallest; names decide ties.
 */
export function bestMatch(
  claim: PersistentVolumeClaim,
  candidates: readonly PersistentVolume[],
  options: { readonly promisedOnly: boolean },
): PersistentVolume | undefined {
  const promised = candidates.filter((volume) => isBoundTo(volume, claim) && couldServe(volume, claim));
  if (promised.length > 0 || options.promisedOnly) return tightest(promised);
  return tightest(candidates.filter((volume) => isChoosable(volume, claim)));
}

function tightest(volumes: readonly PersistentVolume[]): PersistentVolume | undefined {
  const modes = (volume: PersistentVolume): number => new Set(volume.spec?.accessModes).size;
  const [first] = [...volumes].sort(
    (a, b) =>
      modes(a) - modes(b) ||
      compareQuantity(capacityOf(a), capacityOf(b)) ||
      (a.metadata.name < b.metadata.name ? -1 : 1),
  );
  return first;
}

/** Why a volume that nobody has claimed will not do for the claim that names it (PV-4); undefined if it will. */
export function mismatch(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if (volume.metadata.deletionTimestamp !== undefined)
    return `the volume is marked for deletion ${JSON.stringify(volume.metadata.name)}`;
  if (compareQuantity(capacityOf(volume), requestOf(claim)) < 0) return 'requested PV is too small';
  if (classOf(volume) !== classOf(claim)) return 'storageClassName does not match';
  if (!sameAttributesClass(volume, claim)) return 'volumeAttributesClassName does not match';
  if (!sameVolumeMode(volume, claim)) return 'incompatible volumeMode';
  if (!offersAccessModes(volume, claim)) return 'incompatible accessMode';
  return undefined;
}
