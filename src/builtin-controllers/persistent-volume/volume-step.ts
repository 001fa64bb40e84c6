/**
 * What a volume needs next: PV-8 and PV-9 as one pure function over what is known. Every action but those
 * that end a sync changes the state, and the step is taken again from there.
 */
import type { PersistentVolume, PersistentVolumeClaim } from 'gyre/kinds';
import type { Told } from './claim-step.js';
import { sameVolumeMode } from './matching.js';
import {
  annotation,
  boundByController,
  isAnnotated,
  localPathProvisioner,
  provisionedBy,
  provisionerFinalizer,
} from './names.js';

export interface VolumeState {
  readonly volume: PersistentVolume;
  /** The claim of the name that claimRef has, if there is such a one. */
  readonly claim: PersistentVolumeClaim | undefined;
  /** `claim` was read from the server, not from a cache: only then does a missing one count as missing. */
  readonly confirmed: boolean;
}

export type VolumeAction =
  | { readonly do: 'nothing'; readonly event?: Told }
  /** The bind is half done: the claim's own controller, woken by this volume, finishes it. */
  | { readonly do: 'awaitClaim' }
  /** Read the claim from the server. */
  | { readonly do: 'confirm' }
  | { readonly do: 'setPhase'; readonly phase: 'Available' | 'Bound' | 'Released' }
  /** Phase Failed, and try again later. */
  | { readonly do: 'fail'; readonly event: Told }
  /** Forget the claim, or only its UID where a user promised the volume to the name. */
  | { readonly do: 'unbind'; readonly forget: 'claimRef' | 'uid' }
  /** Hold the volume until its data is gone, or no longer. */
  | { readonly do: 'hold' | 'release' }
  /** Delete the data, then the volume. */
  | { readonly do: 'delete' }
  /** Empty the volume, then unbind it. */
  | { readonly do: 'recycle' };

export function volumeStep(state: VolumeState): VolumeAction {
  const { volume, claim } = state;
  const { claimRef } = volume.spec ?? {};
  const hold = holdStep(volume);
  if (hold) return { do: hold };
  // A volume that is going is given to nobody any more: its data can go too.
  if (!claimRef?.uid && isHeldWhileDeleting(volume)) return { do: 'delete' };
  if (!claimRef?.uid) return phase(volume, 'Available');
  if (!claim || claim.metadata.uid !== claimRef.uid)
    return state.confirmed ? reclaim(volume) : { do: 'confirm' };
  if (!claim.spec?.volumeName) {
    if (sameVolumeMode(volume, claim)) return { do: 'awaitClaim' };
    const message = `Cannot bind PersistentVolume to requested PersistentVolumeClaim ${JSON.stringify(claim.metadata.name)} due to incompatible volumeMode.`;
    return { do: 'nothing', event: { type: 'Warning', reason: 'VolumeMismatch', message } };
  }
  if (claim.spec?.volumeName === volume.metadata.name) return phase(volume, 'Bound');
  if (isAnnotated(volume, provisionedBy) && volume.spec?.persistentVolumeReclaimPolicy === 'Delete')
    return state.confirmed ? reclaim(volume) : { do: 'confirm' };
  return unbind(volume);
}

/** What gives the volume back to everybody: a user's own promise stays, without the UID. */
export function unbind(volume: PersistentVolume): {
  readonly do: 'unbind';
  readonly forget: 'claimRef' | 'uid';
} {
  return { do: 'unbind', forget: isAnnotated(volume, boundByController) ? 'claimRef' : 'uid' };
}

function phase(volume: PersistentVolume, wanted: 'Available' | 'Bound'): VolumeAction {
  return volume.status?.phase === wanted ? { do: 'nothing' } : { do: 'setPhase', phase: wanted };
}

/** PV-10: the finalizer follows the policy, also when that changes later. */
function holdStep(volume: PersistentVolume): 'hold' | 'release' | undefined {
  if (annotation(volume, provisionedBy) !== localPathProvisioner) return undefined;
  const held = volume.metadata.finalizers?.includes(provisionerFinalizer) ?? false;
  if (volume.spec?.persistentVolumeReclaimPolicy !== 'Delete') return held ? 'release' : undefined;
  return held || volume.metadata.deletionTimestamp !== undefined ? undefined : 'hold';
}

function isHeldWhileDeleting({ metadata }: PersistentVolume): boolean {
  return (
    metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).includes(provisionerFinalizer)
  );
}

/** PV-8, PV-9: the claim is gone. */
function reclaim(volume: PersistentVolume): VolumeAction {
  const now = volume.status?.phase;
  if (now !== 'Released' && now !== 'Failed') return { do: 'setPhase', phase: 'Released' };
  switch (volume.spec?.persistentVolumeReclaimPolicy) {
    case 'Retain':
      return { do: 'nothing' };
    case 'Delete':
      return deletion(volume);
    case 'Recycle':
      return isOurs(volume)
        ? { do: 'recycle' }
        : failed('VolumeFailedRecycle', 'No recycler plugin found for the volume!');
    default:
      return failed('VolumeUnknownReclaimPolicy', 'Volume has unrecognized PersistentVolumeReclaimPolicy');
  }
}

function deletion(volume: PersistentVolume): VolumeAction {
  if (isOurs(volume)) {
    // Held no longer: the data is gone, and others hold what is left of the object.
    const gone = volume.metadata.deletionTimestamp !== undefined && !isHeldWhileDeleting(volume);
    return gone ? { do: 'nothing' } : { do: 'delete' };
  }
  // What another provisioner made, that one deletes.
  if (isAnnotated(volume, provisionedBy)) return { do: 'nothing' };
  const message = `error getting deleter volume plugin for volume ${JSON.stringify(volume.metadata.name)}: no deletable volume plugin matched`;
  return failed('VolumeFailedDelete', message);
}

function isOurs(volume: PersistentVolume): boolean {
  return annotation(volume, provisionedBy) === localPathProvisioner && volume.spec?.hostPath !== undefined;
}

function failed(reason: string, message: string): VolumeAction {
  return { do: 'fail', event: { type: 'Warning', reason, message } };
}
