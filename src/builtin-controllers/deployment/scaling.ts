/** Changing the number of replicas, in the middle of a rollout or not (D-9): pure functions. */
import type { Deployment, ReplicaSet } from 'gyre/kinds';
import { desiredReplicasOf, maxReplicasOf } from './annotations.js';
import { fencepostsOf } from './fenceposts.js';
import {
  allOf,
  availableOf,
  isActive,
  olderFirst,
  podsOf,
  type ReplicaSets,
  sizeOf,
} from './replica-sets.js';
import type { Sizes } from './rolling-update.js';

/** True when some active ReplicaSet was last sized for another number of replicas. */
export function isScaling({ spec }: Deployment, sets: ReplicaSets): boolean {
  const active = allOf(sets).filter(isActive);
  // Recreate never shares out: its ReplicaSets are scaled one after the other.
  if (spec.strategy?.type === 'Recreate' && active.length > 1) return false;
  return active.some((set) => {
    const desired = desiredReplicasOf(set);
    return desired !== undefined && desired !== (spec.replicas ?? 1);
  });
}

/** The sizes that follow from a new number of replicas; those named are also marked with that number. */
export function scale(deployment: Deployment, sets: ReplicaSets): Sizes {
  const { replicas = 1 } = deployment.spec;
  const only = activeOrLatest(sets);
  if (only) return new Map([[only.metadata.name, replicas]]);
  if (isSaturated(sets.current, replicas)) {
    return new Map(sets.old.filter(isActive).map(({ metadata }) => [metadata.name, 0]));
  }
  if (deployment.spec.strategy?.type === 'Recreate') return new Map();
  return inProportion(deployment, allOf(sets).filter(isActive));
}

/** The one that is active; where none is, the newest. Undefined when there are several. */
function activeOrLatest({ current, old }: ReplicaSets): ReplicaSet | undefined {
  const active = allOf({ current, old }).filter(isActive);
  if (active.length === 0) return current ?? old.at(-1);
  return active.length === 1 ? active[0] : undefined;
}

/** The rollout is over, as far as the new ReplicaSet goes. */
function isSaturated(current: ReplicaSet | undefined, replicas: number): boolean {
  return (
    current !== undefined &&
    sizeOf(current) === replicas &&
    desiredReplicasOf(current) === replicas &&
    availableOf(current) === replicas
  );
}

/** Each gets its share of what is added or taken away; what rounding leaves over goes to the largest. */
function inProportion(deployment: Deployment, active: readonly ReplicaSet[]): Sizes {
  const { replicas = 1 } = deployment.spec;
  const allowed = replicas > 0 ? replicas + fencepostsOf(deployment).maxSurge : 0;
  const toAdd = allowed - active.reduce((total, set) => total + sizeOf(set), 0);
  // Pods that a shrinking ReplicaSet still has would come on top.
  if (toAdd > 0 && active.some((set) => (podsOf(set) ?? Number.POSITIVE_INFINITY) > sizeOf(set)))
    return new Map();
  const bySize = [...active].sort(
    (a, b) => sizeOf(b) - sizeOf(a) || (toAdd > 0 ? olderFirst(b, a) : olderFirst(a, b)),
  );
  const sizes = new Map<string, number>();
  let left = toAdd;
  for (const set of bySize) {
    const share = fairShare(deployment, set, allowed);
    const added = toAdd > 0 ? clamp(share, 0, left) : clamp(share, left, 0);
    sizes.set(set.metadata.name, sizeOf(set) + (toAdd === 0 ? 0 : added));
    if (toAdd !== 0) left -= added;
  }
  const [largest] = bySize;
  if (largest) {
    const size = sizes.get(largest.metadata.name) ?? 0;
    sizes.set(largest.metadata.name, Math.max(0, size + left));
  }
  return sizes;
}

/** How much a ReplicaSet grows (or, negative, shrinks) if all keep their proportion. */
function fairShare({ spec, status }: Deployment, set: ReplicaSet, allowed: number): number {
  const size = sizeOf(set);
  if ((spec.replicas ?? 1) === 0) return -size;
  const before = maxReplicasOf(set) || status?.replicas;
  if (!before) return 0;
  return Math.floor((size * allowed) / before + 0.5) - size;
}

function clamp(value: number, low: number, high: number): number {
  // Adding zero makes minus zero plain.
  return Math.max(low, Math.min(high, value)) + 0;
}
