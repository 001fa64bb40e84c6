/**
 * What a claim needs next: PV-1, PV-4, PV-6 and PV-7 as one pure function over what is known.
 */
import type { EventType } from 'gyre';
import type { PersistentVolume, PersistentVolumeClaim, StorageClass } from 'gyre/kinds';
import { bestMatch, isBoundTo, mismatch } from './matching.js';
import { bindCompleted, isAnnotated, localPathProvisioner } from './names.js';
import { classOf, leavesClassOpen, waitsForConsumer } from './storage-class.js';

export interface ClaimState {
  readonly claim: PersistentVolumeClaim;
  /** The volume that spec.volumeName names, if there is such a one. */
  readonly volume: PersistentVolume | undefined;
  /** Volumes that refer to the claim, and free ones of its class; others do no harm. */
  readonly candidates: readonly PersistentVolume[];
  /** The class the claim names, if there is such a one. */
  readonly storageClass: StorageClass | undefined;
  /** What claims that leave their class open are to get. */
  readonly defaultClass: StorageClass | undefined;
  /** Names of pods that use the claim and have no node yet. */
  readonly unscheduledPods: readonly string[];
}

export interface Told {
  readonly type: EventType;
  readonly reason: string;
  readonly message: string;
}

export type ClaimAction =
  /** Do, or finish, the bind to this volume. */
  | { readonly do: 'bind'; readonly volume: PersistentVolume }
  /** Phase Pending, until something changes. */
  | { readonly do: 'wait'; readonly event?: Told }
  /** Phase Lost: what was written to the volume is out of reach. */
  | { readonly do: 'lose'; readonly event: Told }
  /** Give the claim the default class, late. */
  | { readonly do: 'assignClass'; readonly storageClass: StorageClass }
  /** Make a volume of our own. */
  | { readonly do: 'provision'; readonly storageClass: StorageClass }
  /** Ask another's provisioner for one. */
  | { readonly do: 'askProvisioner'; readonly provisioner: string; readonly event: Told };

export function claimStep(state: ClaimState): ClaimAction {
  if (isAnnotated(state.claim, bindCompleted)) return boundStep(state);
  return state.claim.spec?.volumeName ? namedStep(state) : unboundStep(state);
}

/** PV-7: a claim that was bound before. */
function boundStep({ claim, volume }: ClaimState): ClaimAction {
  const lost = (reason: string, message: string): ClaimAction => ({
    do: 'lose',
    event: { type: 'Warning', reason, message },
  });
  if (!claim.spec?.volumeName)
    return lost(
      'ClaimLost',
      'Bound claim has lost reference to PersistentVolume. Data on the volume is lost!',
    );
  if (!volume)
    return lost('ClaimLost', 'Bound claim has lost its PersistentVolume. Data on the volume is lost!');
  const { claimRef } = volume.spec ?? {};
  if (claimRef && claimRef.uid !== claim.metadata.uid)
    return lost('ClaimMisbound', 'Two claims are bound to the same volume, this one is bound incorrectly');
  return { do: 'bind', volume };
}

/** PV-4: a claim that asks for one volume. */
function namedStep({ claim, volume }: ClaimState): ClaimAction {
  if (!volume) return { do: 'wait' };
  const name = JSON.stringify(volume.metadata.name);
  if (volume.spec?.claimRef) {
    if (isBoundTo(volume, claim)) return { do: 'bind', volume };
    const message = `volume ${name} already bound to a different claim.`;
    return { do: 'wait', event: { type: 'Warning', reason: 'FailedBinding', message } };
  }
  const why = mismatch(volume, claim);
  if (why === undefined) return { do: 'bind', volume };
  const message = `Cannot bind to requested volume ${name}: ${why}`;
  return { do: 'wait', event: { type: 'Warning', reason: 'VolumeMismatch', message } };
}

/** PV-2, PV-3 and PV-6: a claim that takes what fits. */
function unboundStep(state: ClaimState): ClaimAction {
  const { claim, storageClass, defaultClass } = state;
  const waiting = waitsForConsumer(claim, storageClass);
  const volume = bestMatch(claim, state.candidates, { promisedOnly: waiting });
  if (volume) return { do: 'bind', volume };
  if (defaultClass && leavesClassOpen(claim)) return { do: 'assignClass', storageClass: defaultClass };
  if (waiting) return { do: 'wait', event: consumerEvent(state.unscheduledPods) };
  const className = classOf(claim);
  if (className === '') {
    const message = 'no persistent volumes available for this claim and no storage class is set';
    return { do: 'wait', event: { type: 'Normal', reason: 'FailedBinding', message } };
  }
  return storageClass
    ? provisionStep(storageClass)
    : provisioningFailed(`storageclass.storage.k8s.io ${JSON.stringify(className)} not found`);
}

function consumerEvent(pods: readonly string[]): Told {
  if (pods.length === 0) {
    const message = 'waiting for first consumer to be created before binding';
    return { type: 'Normal', reason: 'WaitForFirstConsumer', message };
  }
  const message = `waiting for ${pods.length > 1 ? 'pods' : 'pod'} ${[...pods].sort().join(',')} to be scheduled`;
  return { type: 'Normal', reason: 'WaitForPodScheduled', message };
}

/** PV-10: who is to provision. */
function provisionStep(storageClass: StorageClass): ClaimAction {
  const { provisioner } = storageClass;
  if (provisioner === localPathProvisioner) return { do: 'provision', storageClass };
  // Names below this domain were once built in: nobody outside answers to them.
  if (provisioner.startsWith('kubernetes.io/'))
    return provisioningFailed(`no volume plugin matched name: ${provisioner}`);
  const message =
    `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the ` +
    'system administrator. If volume creation is delayed, please verify that the provisioner is running and ' +
    'correctly registered.';
  return {
    do: 'askProvisioner',
    provisioner,
    event: { type: 'Normal', reason: 'ExternalProvisioning', message },
  };
}

function provisioningFailed(message: string): ClaimAction {
  return { do: 'wait', event: { type: 'Warning', reason: 'ProvisioningFailed', message } };
}
