/**
 * The next step of a rollout (D-6, D-7, D-8). Pure: it is asked again after each step, with what has become of
 * the one before.
 */
import type { Deployment, ReplicaSet } from 'gyre/kinds';
import { fencepostsOf, maxReplicasOf, replicasOf } from './fenceposts.js';
import { sortedByAge } from './template.js';

export interface RolloutState {
  readonly deployment: Deployment;
  readonly newSet: ReplicaSet;
  /** Those of other templates, in any order. */
  readonly oldSets: readonly ReplicaSet[];
}

export interface Scaling {
  readonly set: ReplicaSet;
  readonly replicas: number;
}

/** Decides the sizes that change now; none when there is nothing to do or something to wait for. */
export type RolloutStep = (state: RolloutState) => readonly Scaling[];

export const sizeOf = ({ spec }: ReplicaSet): number => spec?.replicas ?? 1;
const availableOf = ({ status }: ReplicaSet): number => status?.availableReplicas ?? 0;
const sum = (sets: readonly ReplicaSet[], of: (set: ReplicaSet) => number): number =>
  sets.reduce((total, set) => total + of(set), 0);

/** How large a new ReplicaSet may be right away (D-6). */
export function newSetSize(
  deployment: Deployment,
  newSet: ReplicaSet | undefined,
  sets: readonly ReplicaSet[],
): number {
  const replicas = replicasOf(deployment);
  const current = newSet ? sizeOf(newSet) : 0;
  if (deployment.spec.strategy?.type === 'Recreate') return replicas;
  const total = sum(sets, sizeOf);
  const room = maxReplicasOf(deployment) - total;
  return room <= 0 ? current : current + Math.min(room, Math.max(0, replicas - current));
}

export const rollingUpdate: RolloutStep = (state) => {
  const grown = growNewSet(state);
  // One thing at a time: what the growth leads to is seen first.
  return grown.length > 0 ? grown : shrinkOldSets(state);
};

function growNewSet({ deployment, newSet, oldSets }: RolloutState): Scaling[] {
  const replicas = replicasOf(deployment);
  const current = sizeOf(newSet);
  if (current === replicas) return [];
  if (current > replicas) return [{ set: newSet, replicas }];
  const wanted = newSetSize(deployment, newSet, [newSet, ...oldSets]);
  return wanted === current ? [] : [{ set: newSet, replicas: wanted }];
}

function shrinkOldSets({ deployment, newSet, oldSets }: RolloutState): Scaling[] {
  const old = sortedByAge(oldSets.filter((set) => sizeOf(set) > 0));
  if (old.length === 0) return [];
  const minAvailable = replicasOf(deployment) - fencepostsOf(deployment).maxUnavailable;
  const newUnavailable = sizeOf(newSet) - availableOf(newSet);
  const all = sum(old, sizeOf) + sizeOf(newSet);
  const most = all - minAvailable - newUnavailable;
  if (most <= 0) return [];

  const sizes = new Map(old.map((set) => [set, sizeOf(set)]));
  removeUnhealthy(old, sizes, most);
  removeAvailable(old, sizes, sum([...old, newSet], availableOf) - minAvailable);
  return old
    .map((set) => ({ set, replicas: sizes.get(set) ?? 0 }))
    .filter(({ set, replicas }) => replicas !== sizeOf(set));
}

/** Pods that are not available cost nobody anything: they go first. */
function removeUnhealthy(old: readonly ReplicaSet[], sizes: Map<ReplicaSet, number>, most: number): void {
  let removed = 0;
  for (const set of old) {
    if (removed >= most) return;
    const size = sizes.get(set) ?? 0;
    const unhealthy = Math.min(most - removed, Math.max(0, size - availableOf(set)));
    sizes.set(set, size - unhealthy);
    removed += unhealthy;
  }
}

function removeAvailable(old: readonly ReplicaSet[], sizes: Map<ReplicaSet, number>, most: number): void {
  let removed = 0;
  for (const set of old) {
    if (removed >= most) return;
    const size = sizes.get(set) ?? 0;
    const down = Math.min(most - removed, size);
    sizes.set(set, size - down);
    removed += down;
  }
}

/** All old ones to nothing (D-8); the new one waits until none of their pods runs. */
export const recreate: RolloutStep = ({ deployment, newSet, oldSets }) => {
  const old = oldSets.filter((set) => sizeOf(set) > 0);
  if (old.length > 0) return old.map((set) => ({ set, replicas: 0 }));
  const replicas = replicasOf(deployment);
  return sizeOf(newSet) === replicas ? [] : [{ set: newSet, replicas }];
};
