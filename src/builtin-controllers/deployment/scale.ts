/** A Deployment of another size, or a paused one (D-9): its ReplicaSets follow, in proportion. Pure. */
import type { Deployment, ReplicaSet } from 'gyre/kinds';
import { desiredAnnotation, maxAnnotation, numberIn } from './annotations.js';
import { type Scaling, sizeOf } from './decide.js';
import { maxReplicasOf, replicasOf } from './fenceposts.js';
import { sortedByAge } from './template.js';

export function scaled(
  deployment: Deployment,
  newSet: ReplicaSet | undefined,
  oldSets: readonly ReplicaSet[],
): Scaling[] {
  const replicas = replicasOf(deployment);
  const sets = newSet ? [...oldSets, newSet] : [...oldSets];
  const active = sets.filter((set) => sizeOf(set) > 0);
  if (active.length <= 1) {
    const only = active[0] ?? newSet ?? sortedByAge(oldSets).at(-1);
    return only && sizeOf(only) !== replicas ? [{ set: only, replicas }] : [];
  }
  if (newSet && isSaturated(deployment, newSet))
    return oldSets.filter((set) => sizeOf(set) > 0).map((set) => ({ set, replicas: 0 }));
  if (deployment.spec.strategy?.type === 'Recreate') return [];
  return proportionally(deployment, active);
}

/** It is as large as the Deployment and all of it is available. */
function isSaturated(deployment: Deployment, set: ReplicaSet): boolean {
  const replicas = replicasOf(deployment);
  return (
    sizeOf(set) === replicas &&
    numberIn(set, desiredAnnotation) === replicas &&
    set.status?.availableReplicas === replicas
  );
}

function proportionally(deployment: Deployment, active: readonly ReplicaSet[]): Scaling[] {
  const total = active.reduce((all, set) => all + sizeOf(set), 0);
  const replicas = replicasOf(deployment);
  const allowed = replicas > 0 ? maxReplicasOf(deployment) : 0;
  const toAdd = allowed - total;
  const order = bySize(active, toAdd > 0);
  const sizes = new Map<ReplicaSet, number>();
  let added = 0;
  for (const set of order) {
    const share = toAdd === 0 ? 0 : shareOf(set, deployment, toAdd, added);
    sizes.set(set, sizeOf(set) + share);
    added += share;
  }
  // What rounding left over goes to the largest one.
  const [largest] = order;
  if (largest && toAdd !== 0) sizes.set(largest, Math.max(0, (sizes.get(largest) ?? 0) + toAdd - added));
  return order.map((set) => ({ set, replicas: sizes.get(set) ?? 0 }));
}

/** Largest first; of equal ones the newer first on the way up, the older first on the way down. */
function bySize(sets: readonly ReplicaSet[], up: boolean): ReplicaSet[] {
  const byAge = sortedByAge(sets);
  if (up) byAge.reverse();
  return byAge.sort((a, b) => sizeOf(b) - sizeOf(a));
}

function shareOf(set: ReplicaSet, deployment: Deployment, toAdd: number, added: number): number {
  const size = sizeOf(set);
  if (size === 0) return 0;
  const max = numberIn(set, maxAnnotation) ?? replicasOf(deployment);
  const fraction = max === 0 ? 0 : Math.round((size * maxReplicasOf(deployment)) / max) - size;
  const left = toAdd - added;
  return toAdd > 0 ? Math.min(Math.max(fraction, 0), left) : Math.max(Math.min(fraction, 0), left, -size);
}
