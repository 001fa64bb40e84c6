/** Which old ReplicaSets are let go (D-13). Pure. */
import type { Deployment, ReplicaSet } from 'gyre/kinds';
import { revisionOf } from './annotations.js';

const keepAll = 2 ** 31 - 1;

/** Those beyond the history limit, oldest revision first, unless something of them still lives. */
export function setsToRemove({ spec }: Deployment, oldSets: readonly ReplicaSet[]): ReplicaSet[] {
  const limit = spec.revisionHistoryLimit ?? 10;
  if (limit === keepAll) return [];
  const alive = oldSets.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const surplus = alive.length - limit;
  if (surplus <= 0) return [];
  return [...alive]
    .sort((a, b) => revisionOf(a) - revisionOf(b))
    .slice(0, surplus)
    .filter(isSettledAndEmpty);
}

function isSettledAndEmpty({ metadata, spec, status }: ReplicaSet): boolean {
  return (
    (spec?.replicas ?? 1) === 0 &&
    (status?.replicas ?? 0) === 0 &&
    (metadata.generation ?? 0) <= (status?.observedGeneration ?? 0)
  );
}
