/** The ReplicaSets of a Deployment: which is the new one, in what order the others are, what they say. */
import type { Deployment, ReplicaSet } from 'gyre/kinds';
import { sameTemplate } from './template-hash.js';

export interface ReplicaSets {
  /** The one whose template is the Deployment's; the oldest, if there are several (D-2). */
  readonly current: ReplicaSet | undefined;
  /** All others, the oldest first. */
  readonly old: readonly ReplicaSet[];
}

export function replicaSetsOf({ spec }: Deployment, claimed: readonly ReplicaSet[]): ReplicaSets {
  const byAge = [...claimed].sort(olderFirst);
  const current = byAge.find((replicaSet) => sameTemplate(replicaSet.spec.template, spec.template));
  return { current, old: byAge.filter((replicaSet) => replicaSet !== current) };
}

export function olderFirst(a: ReplicaSet, b: ReplicaSet): number {
  const [timeA, timeB] = [Date.parse(a.metadata.creationTimestamp), Date.parse(b.metadata.creationTimestamp)];
  return timeA - timeB || (a.metadata.name < b.metadata.name ? -1 : 1);
}

export function allOf({ current, old }: ReplicaSets): readonly ReplicaSet[] {
  return current ? [...old, current] : old;
}

/** How many pods it is told to have. */
export function sizeOf({ spec }: ReplicaSet): number {
  return spec.replicas ?? 1;
}

export function isActive(replicaSet: ReplicaSet): boolean {
  return sizeOf(replicaSet) > 0;
}

/** The pods it has, as far as its status tells; undefined until that is about its present spec. */
export function podsOf({ metadata, status }: ReplicaSet): number | undefined {
  return (status?.observedGeneration ?? 0) < (metadata.generation ?? 0) ? undefined : (status?.replicas ?? 0);
}

/**
 * The available pods it has and will keep. One that was just told to shrink still counts those it is about to
 * delete; it deletes what is not ready first.
 */
export function availableOf(replicaSet: ReplicaSet): number {
  return Math.min(replicaSet.status?.availableReplicas ?? 0, sizeOf(replicaSet));
}
