/** What an owner of replicas lacks or has too much of, and what its status says. Pure. */
import type { Pod } from 'gyre/kinds';
import type { ReplicaSetCondition, ReplicaSetStatus } from 'gyre/kinds/apps/v1';
import { availableAt, isReady } from './pod-state.js';
import { podsToDelete } from './rank.js';
import type { ReplicasOwner } from './replicas.js';

/** At most so many creates or deletes in one sync (RS-1). */
export const burst = 500;

export interface ReplicasPlan {
  readonly create: number;
  readonly remove: readonly Pod[];
}

export function decide(
  owner: ReplicasOwner,
  active: readonly Pod[],
  siblings: () => ReadonlyMap<string, number>,
  now: number,
): ReplicasPlan {
  const lacking = owner.replicas - active.length;
  if (lacking >= 0) return { create: Math.min(burst, lacking), remove: [] };
  return { create: 0, remove: podsToDelete(active, Math.min(burst, -lacking), siblings(), now) };
}

export interface Failure {
  readonly reason: 'FailedCreate' | 'FailedDelete';
  readonly message: string;
}

/** RS-11, RS-12. */
export function statusOf(
  owner: ReplicasOwner,
  active: readonly Pod[],
  failure: Failure | undefined,
  now: number,
): ReplicaSetStatus {
  const labels = Object.entries(owner.template?.metadata?.labels ?? {});
  const [fullyLabeled, ready, available] = [
    active.filter((pod) => labels.every(([key, value]) => pod.metadata.labels?.[key] === value)),
    active.filter(isReady),
    active.filter((pod) => (availableAt(pod, owner.minReadySeconds) ?? Number.POSITIVE_INFINITY) <= now),
  ];
  const conditions = conditionsOf(owner, failure, now);
  const count = <F extends string>(field: F, value: number) =>
    (value === 0 ? {} : { [field]: value }) as { readonly [K in F]?: number };
  return {
    replicas: active.length,
    ...count('fullyLabeledReplicas', fullyLabeled.length),
    ...count('readyReplicas', ready.length),
    ...count('availableReplicas', available.length),
    ...(owner.metadata.generation === undefined ? {} : { observedGeneration: owner.metadata.generation }),
    ...(conditions.length === 0 ? {} : { conditions }),
  };
}

function conditionsOf(
  { status }: ReplicasOwner,
  failure: Failure | undefined,
  now: number,
): ReplicaSetCondition[] {
  const before = status?.conditions ?? [];
  const others = before.filter(({ type }) => type !== 'ReplicaFailure');
  if (!failure) return others;
  const known = before.find(({ type }) => type === 'ReplicaFailure');
  const same = known?.reason === failure.reason && known.message === failure.message;
  const condition: ReplicaSetCondition = same
    ? known
    : {
        type: 'ReplicaFailure',
        status: 'True',
        ...failure,
        lastTransitionTime: known?.lastTransitionTime ?? `${new Date(now).toISOString().slice(0, 19)}Z`,
      };
  return [...others, condition];
}

/** When the next pod becomes available, ms from now (RS-13); undefined when none is on its way. */
export function nextAvailableIn(
  owner: ReplicasOwner,
  active: readonly Pod[],
  now: number,
): number | undefined {
  const due = active
    .map((pod) => availableAt(pod, owner.minReadySeconds))
    .filter((at) => at !== undefined && at > now) as number[];
  return due.length === 0 ? undefined : Math.min(...due) - now;
}
