/** The status of something that keeps replicas (RS-11, RS-12, RS-13): pure functions of its pods. */
import type { Pod } from 'gyre/kinds';
import type { ReplicaSetCondition, ReplicaSetStatus } from 'gyre/kinds/apps/v1';
import { availableFrom, isReady } from './pod-state.js';

export interface Counted {
  readonly replicas: number;
  readonly fullyLabeledReplicas: number;
  readonly readyReplicas: number;
  readonly availableReplicas: number;
  /** When the next ready pod becomes available, ms since the epoch (RS-13). */
  readonly nextAvailableAt: number | undefined;
}

export function count(
  pods: readonly Pod[],
  {
    templateLabels,
    minReadySeconds,
    now,
  }: {
    readonly templateLabels: Readonly<Record<string, string>>;
    readonly minReadySeconds: number;
    /** Milliseconds since the epoch. */
    readonly now: number;
  },
): Counted {
  const wanted = Object.entries(templateLabels);
  let [fullyLabeledReplicas, readyReplicas, availableReplicas] = [0, 0, 0];
  let nextAvailableAt: number | undefined;
  for (const pod of pods) {
    const { labels = {} } = pod.metadata;
    if (wanted.every(([key, value]) => Object.hasOwn(labels, key) && labels[key] === value))
      fullyLabeledReplicas++;
    if (!isReady(pod)) continue;
    readyReplicas++;
    const from = availableFrom(pod, minReadySeconds);
    if (from === undefined) continue;
    if (from <= now) availableReplicas++;
    else nextAvailableAt = Math.min(from, nextAvailableAt ?? from);
  }
  return {
    replicas: pods.length,
    fullyLabeledReplicas,
    readyReplicas,
    availableReplicas,
    nextAvailableAt,
  };
}

/** What went wrong in a sync that tried to create or delete pods. */
export interface Failure {
  readonly reason: 'FailedCreate' | 'FailedDelete';
  readonly error: unknown;
}

/**
 * The conditions with ReplicaFailure as it is now (RS-12): one that stands is not touched by another
 * failure, so that a failing create does not write at every attempt.
 */
export function withFailure(
  conditions: readonly ReplicaSetCondition[] | undefined,
  failure: Failure | undefined,
  now: string,
): readonly ReplicaSetCondition[] | undefined {
  const failed = conditions?.some(({ type }) => type === 'ReplicaFailure') ?? false;
  if (failed === (failure !== undefined)) return conditions;
  const others = (conditions ?? []).filter(({ type }) => type !== 'ReplicaFailure');
  if (!failure) return others.length > 0 ? others : undefined;
  const { reason, error } = failure;
  const message = error instanceof Error ? error.message : String(error);
  return [...others, { type: 'ReplicaFailure', status: 'True', lastTransitionTime: now, reason, message }];
}

/** As Kubernetes encodes it: counts of nothing are left out, except `replicas`. */
export function countsOf(counted: Counted): Omit<ReplicaSetStatus, 'conditions' | 'observedGeneration'> {
  const { replicas, fullyLabeledReplicas, readyReplicas, availableReplicas } = counted;
  return {
    replicas,
    fullyLabeledReplicas: fullyLabeledReplicas || undefined,
    readyReplicas: readyReplicas || undefined,
    availableReplicas: availableReplicas || undefined,
  };
}
