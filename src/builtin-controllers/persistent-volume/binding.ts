/**
 * The four writes of a bind, in order (PV-5). Which one is next depends only on what volume and claim say,
 * so a bind that was cut off anywhere is taken up where it stopped, by whoever looks next.
 */
import type { PersistentVolume, PersistentVolumeClaim } from 'gyre/kinds';
import { isBoundTo } from './matching.js';
import { bindCompleted, boundByController, isAnnotated } from './names.js';

export type BindWrite =
  /** 1. The volume refers to the claim, by UID. `chosen`: the controller picked the volume, no user did. */
  | { readonly write: 'claimRef'; readonly chosen: boolean }
  /** 2. The volume's phase is Bound. */
  | { readonly write: 'volumePhase' }
  /** 3. The claim refers to the volume, and its bind counts as completed. */
  | { readonly write: 'volumeName'; readonly chosen: boolean }
  /** 4. The claim's phase is Bound, with what the volume offers. `capacity` only when it becomes Bound. */
  | { readonly write: 'claimStatus'; readonly capacity: boolean };

/** The next write of the bind of these two; undefined when it is complete. */
export function nextBindWrite(volume: PersistentVolume, claim: PersistentVolumeClaim): BindWrite | undefined {
  if (!isBoundTo(volume, claim)) return { write: 'claimRef', chosen: true };
  if (volume.spec?.claimRef?.uid !== claim.metadata.uid) return { write: 'claimRef', chosen: false };
  if (volume.status?.phase !== 'Bound') return { write: 'volumePhase' };
  const named = claim.spec?.volumeName === volume.metadata.name;
  if (!named || !isAnnotated(claim, bindCompleted)) return { write: 'volumeName', chosen: !named };
  const becomesBound = claim.status?.phase !== 'Bound';
  if (becomesBound || !sameModes(claim.status?.accessModes, volume.spec?.accessModes))
    return { write: 'claimStatus', capacity: becomesBound };
  return undefined;
}

function sameModes(a: readonly string[] = [], b: readonly string[] = []): boolean {
  return a.length === b.length && a.every((mode, i) => mode === b[i]);
}

type Annotations = { annotations?: Record<string, string> };

/** Marks a draft's metadata, keeping what else is there. */
export function annotate(metadata: Annotations, ...names: readonly string[]): void {
  metadata.annotations = {
    ...metadata.annotations,
    ...Object.fromEntries(names.map((name) => [name, 'yes'])),
  };
}

/** The annotations of write 3. */
export function claimMarks(chosen: boolean): readonly string[] {
  return chosen ? [bindCompleted, boundByController] : [bindCompleted];
}
