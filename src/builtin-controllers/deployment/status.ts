/** The status of a Deployment (D-10 to D-12): pure functions of its ReplicaSets and the time. */
import type { Deployment, ReplicaSet } from 'gyre/kinds';
import type { DeploymentCondition, DeploymentStatus } from 'gyre/kinds/apps/v1';
import { fencepostsOf } from './fenceposts.js';
import { allOf, type ReplicaSets, sizeOf } from './replica-sets.js';

export type Conditions = readonly DeploymentCondition[];

/** Counts as Kubernetes encodes them: zero is left out (D-12). */
export function countsOf(sets: ReplicaSets): Omit<DeploymentStatus, 'conditions'> {
  const all = allOf(sets);
  const sum = (of: (set: ReplicaSet) => number | undefined): number =>
    all.reduce((total, set) => total + (of(set) ?? 0), 0);
  const available = sum(({ status }) => status?.availableReplicas);
  return {
    replicas: sum(({ status }) => status?.replicas) || undefined,
    updatedReplicas: sets.current?.status?.replicas || undefined,
    readyReplicas: sum(({ status }) => status?.readyReplicas) || undefined,
    availableReplicas: available || undefined,
    unavailableReplicas: Math.max(0, sum(sizeOf) - available) || undefined,
  };
}

/** True when the status says that all pods are of the new template, and available (D-11). */
export function isComplete({ metadata, spec }: Deployment, status: DeploymentStatus | undefined): boolean {
  const { replicas = 1 } = spec;
  return (
    (status?.updatedReplicas ?? 0) === replicas &&
    (status?.replicas ?? 0) === replicas &&
    (status?.availableReplicas ?? 0) === replicas &&
    (status?.observedGeneration ?? 0) >= (metadata.generation ?? 0)
  );
}

/** No deadline: nobody is told about progress. */
export function hasDeadline({ spec }: Deployment): boolean {
  return spec.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds !== 2 ** 31 - 1;
}

export function findCondition(
  conditions: Conditions | undefined,
  type: string,
): DeploymentCondition | undefined {
  return conditions?.find((condition) => condition.type === type);
}

type NewCondition = Pick<DeploymentCondition, 'type' | 'status'> & {
  readonly reason: string;
  readonly message: string;
};

/** The list with this condition; one that says the same already stays as it is. */
export function withCondition(conditions: Conditions, condition: NewCondition, now: string): Conditions {
  const before = findCondition(conditions, condition.type);
  if (before?.status === condition.status && before.reason === condition.reason) return conditions;
  return replaced(conditions, condition, now);
}

/** The list with this condition, updated now; it changed only if its status did. */
function replaced(conditions: Conditions, condition: NewCondition, now: string): Conditions {
  const before = findCondition(conditions, condition.type);
  const lastTransitionTime = before?.status === condition.status ? (before.lastTransitionTime ?? now) : now;
  return [...without(conditions, condition.type), { ...condition, lastUpdateTime: now, lastTransitionTime }];
}

function without(conditions: Conditions, type: string): Conditions {
  return conditions.filter((condition) => condition.type !== type);
}

/** D-10 */
export function withAvailability(
  conditions: Conditions,
  deployment: Deployment,
  available: number,
  now: string,
): Conditions {
  const minimum = (deployment.spec.replicas ?? 1) - fencepostsOf(deployment).maxUnavailable;
  const condition =
    available >= minimum
      ? {
          type: 'Available',
          status: 'True',
          reason: 'MinimumReplicasAvailable',
          message: 'Deployment has minimum availability.',
        }
      : {
          type: 'Available',
          status: 'False',
          reason: 'MinimumReplicasUnavailable',
          message: 'Deployment does not have minimum availability.',
        };
  return withCondition(conditions, condition, now);
}

/** That it is paused or resumed; a timeout that was told stays told (D-11). */
export function withPause(conditions: Conditions, deployment: Deployment, now: string): Conditions {
  const progressing = findCondition(conditions, 'Progressing');
  if (!hasDeadline(deployment) || progressing?.reason === 'ProgressDeadlineExceeded') return conditions;
  const said = progressing?.reason === 'DeploymentPaused';
  if (deployment.spec.paused === true && !said) {
    return withCondition(conditions, unknown('DeploymentPaused', 'Deployment is paused'), now);
  }
  if (deployment.spec.paused !== true && said) {
    return withCondition(conditions, unknown('DeploymentResumed', 'Deployment is resumed'), now);
  }
  return conditions;
}

function unknown(reason: string, message: string): NewCondition {
  return { type: 'Progressing', status: 'Unknown', reason, message };
}

export interface Progress {
  readonly deployment: Deployment;
  readonly current: ReplicaSet | undefined;
  /** As it was written last. */
  readonly before: DeploymentStatus;
  /** As it is now, its conditions excepted. */
  readonly after: DeploymentStatus;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  readonly now: string;
}

/** Whether the rollout is complete, moves, or has made no progress within its deadline (D-11). */
export function withProgress(conditions: Conditions, progress: Progress): Conditions {
  const { deployment, current, before, after, nowMs, now } = progress;
  if (!hasDeadline(deployment)) return without(conditions, 'Progressing');
  const known = findCondition(conditions, 'Progressing');
  const wasComplete =
    (after.replicas ?? 0) === (after.updatedReplicas ?? 0) && known?.reason === 'NewReplicaSetAvailable';
  if (wasComplete) return conditions;
  const what = current
    ? `ReplicaSet ${JSON.stringify(current.metadata.name)}`
    : `Deployment ${JSON.stringify(deployment.metadata.name)}`;
  const condition = (status: string, reason: string, message: string): NewCondition => ({
    type: 'Progressing',
    status,
    reason,
    message: `${what} ${message}`,
  });
  if (isComplete(deployment, after)) {
    const complete = condition('True', 'NewReplicaSetAvailable', 'has successfully progressed.');
    return withCondition(conditions, complete, now);
  }
  // The same again, but later: the deadline starts anew with every progress.
  if (hasMoved(before, after))
    return replaced(conditions, condition('True', 'ReplicaSetUpdated', 'is progressing.'), now);
  const due = deadlineOf(deployment, known);
  if (due !== undefined && due < nowMs) {
    const late = condition('False', 'ProgressDeadlineExceeded', 'has timed out progressing.');
    return withCondition(conditions, late, now);
  }
  return conditions;
}

function hasMoved(before: DeploymentStatus, after: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus): number => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

/** When the rollout counts as stuck unless it moves before, ms since the epoch; undefined when nothing is due. */
export function deadlineOf(
  { spec }: Deployment,
  progressing: DeploymentCondition | undefined,
): number | undefined {
  if (!progressing?.lastUpdateTime || spec.progressDeadlineSeconds === undefined) return undefined;
  const settled = ['NewReplicaSetAvailable', 'ProgressDeadlineExceeded'];
  if (settled.includes(progressing.reason ?? '')) return undefined;
  return Date.parse(progressing.lastUpdateTime) + spec.progressDeadlineSeconds * 1000;
}

/** What keeps a ReplicaSet from having its pods, told on the Deployment too: the new one's before others' (D-12). */
export function withReplicaFailure(conditions: Conditions, { current, old }: ReplicaSets): Conditions {
  const failure = [...(current ? [current] : []), ...old]
    .flatMap(({ status }) => status?.conditions ?? [])
    .find(({ type }) => type === 'ReplicaFailure');
  const others = without(conditions, 'ReplicaFailure');
  if (!failure) return others.length === conditions.length ? conditions : others;
  const { type, status, reason, message, lastTransitionTime } = failure;
  const known = findCondition(conditions, type);
  if (known?.status === status && known.reason === reason) return conditions;
  return [
    ...others,
    { type, status, reason, message, lastTransitionTime, lastUpdateTime: lastTransitionTime },
  ];
}
