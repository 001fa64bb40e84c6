/**
 * One step of a rolling update (D-6, D-7): a pure function from what the ReplicaSets have to the sizes they
 * get next.
 *
 * Guarantees, as long as no pod fails by itself: the pods that are not terminating are never more than
 * `replicas + maxSurge`; once that many were available, never fewer than `replicas - maxUnavailable` are.
 *
 * For pods, not just for the numbers in specs, that takes more than Kubernetes asks for: sizes are what
 * ReplicaSets are told to have, and one that was told to shrink has its pods for a moment longer. So a step
 * waits until every ReplicaSet has acted on its present size, and one that has pods beyond its size counts
 * with those.
 */

/** A ReplicaSet as the rollout sees it. */
export interface Group {
  readonly name: string;
  /** Pods it is told to have. */
  readonly size: number;
  /** Pods it has, not counting terminating ones; undefined until it has seen its present size. */
  readonly pods: number | undefined;
  /** Available pods it will keep: never more than its size. */
  readonly available: number;
}

export interface Rollout {
  /** Pods there should be at the end. */
  readonly replicas: number;
  readonly maxSurge: number;
  readonly maxUnavailable: number;
  /** The new ReplicaSet; of size 0 when it is not there yet. */
  readonly current: Group;
  /** The oldest first. */
  readonly old: readonly Group[];
}

/** The groups that get another size, by name. Empty: nothing to do until something changes. */
export type Sizes = ReadonlyMap<string, number>;

export type RollingUpdate = (rollout: Rollout) => Sizes;

export const rollingUpdate: RollingUpdate = (rollout) => {
  const { current, old } = rollout;
  if ([current, ...old].some(({ pods }) => pods === undefined)) return new Map();
  const size = sizeOfCurrent(rollout);
  if (size !== current.size) return new Map([[current.name, size]]);
  return sizesOfOld(rollout);
};

/** D-6: as many more as the surge has room for. */
function sizeOfCurrent({ replicas, maxSurge, current, old }: Rollout): number {
  if (current.size >= replicas) return replicas;
  // It is still shrinking: what it is losing must not be counted as available once it grows again.
  if ((current.pods ?? 0) > current.size) return current.size;
  const occupied = sum([current, ...old], ({ size, pods }) => Math.max(size, pods ?? 0));
  const room = replicas + maxSurge - occupied;
  return room <= 0 ? current.size : Math.min(current.size + room, replicas);
}

/** D-7: first what is not available anyway, then as many as the others can stand in for; the oldest first. */
function sizesOfOld({ replicas, maxUnavailable, current, old }: Rollout): Sizes {
  const sizes = new Map<string, number>();
  const minAvailable = replicas - maxUnavailable;
  const missing = current.size - current.available;
  let unhealthy = sum([current, ...old], ({ size }) => size) - minAvailable - missing;
  if (unhealthy <= 0) return sizes;
  for (const { name, size, available } of old) {
    const fewer = Math.min(unhealthy, size - available);
    if (fewer <= 0) continue;
    sizes.set(name, size - fewer);
    unhealthy -= fewer;
  }
  let spare = sum([current, ...old], ({ available }) => available) - minAvailable;
  for (const group of old) {
    const size = sizes.get(group.name) ?? group.size;
    const fewer = Math.min(spare, size);
    if (fewer <= 0) continue;
    sizes.set(group.name, size - fewer);
    spare -= fewer;
  }
  return sizes;
}

function sum(groups: readonly Group[], of: (group: Group) => number): number {
  return groups.reduce((total, group) => total + of(group), 0);
}
