/** What becomes of an object whose owners have been looked up (GC-3). Pure. */
import type { OwnerReference } from 'gyre';
import { type Deletion, foregroundFinalizer, type GraphNode, orphanFinalizer } from './graph.js';

/** `waiting`: the owner is being deleted in the foreground, and waits for its dependents. */
export type OwnerState = 'solid' | 'waiting' | 'absent';

export interface Owner {
  readonly reference: OwnerReference;
  readonly state: OwnerState;
}

export type Verdict =
  | { readonly do: 'keep' }
  /** The references that stay. */
  | { readonly do: 'disown'; readonly references: readonly OwnerReference[] }
  | {
      readonly do: 'delete';
      readonly policy: 'Foreground' | 'Background' | 'Orphan';
      /** First let its own owners no longer wait for it: it is part of a circle. */
      readonly unblock: boolean;
    };

export interface Item {
  readonly owners: readonly Owner[];
  readonly finalizers: readonly string[];
  readonly dependents: readonly Pick<GraphNode, 'deleting'>[];
}

export function decide({ owners, finalizers, dependents }: Item): Verdict {
  if (owners.length === 0) return { do: 'keep' };
  const solid = owners.filter(({ state }) => state === 'solid').map(({ reference }) => reference);
  if (solid.length === owners.length) return { do: 'keep' };
  // Somebody wants it still: whoever is gone or about to go lets go of it.
  if (solid.length > 0) return { do: 'disown', references: solid };
  const waitedFor = owners.some(({ state }) => state === 'waiting');
  if (waitedFor && dependents.length > 0)
    return {
      do: 'delete',
      policy: 'Foreground',
      unblock: dependents.some(({ deleting }) => deleting === 'foreground'),
    };
  return { do: 'delete', policy: policyOf(finalizers), unblock: false };
}

/** What its finalizers ask for. */
function policyOf(finalizers: readonly string[]): 'Foreground' | 'Background' | 'Orphan' {
  if (finalizers.includes(orphanFinalizer)) return 'Orphan';
  return finalizers.includes(foregroundFinalizer) ? 'Foreground' : 'Background';
}

/** GC-4: the dependents that an owner deleted in the foreground still has to wait for. */
export function blocking<N extends Pick<GraphNode, 'owners'>>(owner: string, dependents: readonly N[]): N[] {
  return dependents.filter(({ owners }) =>
    owners.some(({ uid, blockOwnerDeletion }) => uid === owner && blockOwnerDeletion === true),
  );
}

/** GC-4: the dependents that have to be told that their owner goes before them. */
export function undeleted<N extends { readonly deleting: Deletion | undefined }>(
  dependents: readonly N[],
): N[] {
  return dependents.filter(({ deleting }) => deleting !== 'foreground');
}
