/** What the status of a Deployment says (D-10, D-11, D-12). Pure. */
import type { Deployment, ReplicaSet } from 'gyre/kinds';
import type { DeploymentCondition, DeploymentStatus } from 'gyre/kinds/apps/v1';
import { fencepostsOf, replicasOf } from './fenceposts.js';

const noDeadline = 2 ** 31 - 1;

export interface Observed {
  readonly deployment: Deployment;
  readonly newSet: ReplicaSet | undefined;
  readonly oldSets: readonly ReplicaSet[];
  /** What just happened that Progressing tells: a ReplicaSet made or found, or one that could not be made. */
  readonly news: ProgressNews | undefined;
  readonly collisionCount: number | undefined;
  readonly now: number;
}

export interface ProgressNews {
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason: string;
  readonly message: string;
}

/** The deadline in ms; undefined without one. */
export function deadlineOf({ spec }: Deployment): number | undefined {
  const seconds = spec.progressDeadlineSeconds;
  return seconds === undefined || seconds === noDeadline ? undefined : seconds * 1000;
}

export function findCondition(
  { status }: Pick<Deployment, 'status'>,
  type: string,
): DeploymentCondition | undefined {
  return status?.conditions?.find((condition) => condition.type === type);
}

type Counts = Pick<
  Required<DeploymentStatus>,
  'replicas' | 'updatedReplicas' | 'readyReplicas' | 'availableReplicas' | 'unavailableReplicas'
>;

function countsOf({ newSet, oldSets }: Observed): Counts {
  const sets = newSet ? [...oldSets, newSet] : oldSets;
  const sum = (of: (set: ReplicaSet) => number | undefined): number =>
    sets.reduce((total, set) => total + (of(set) ?? 0), 0);
  const availableReplicas = sum(({ status }) => status?.availableReplicas);
  return {
    replicas: sum(({ status }) => status?.replicas),
    updatedReplicas: newSet?.status?.replicas ?? 0,
    readyReplicas: sum(({ status }) => status?.readyReplicas),
    availableReplicas,
    unavailableReplicas: Math.max(0, sum(({ spec }) => spec?.replicas ?? 1) - availableReplicas),
  };
}

/** As complete as can be: everything is of the new template and available. */
export function isComplete(deployment: Deployment, counts: Counts): boolean {
  const replicas = replicasOf(deployment);
  return (
    counts.updatedReplicas === replicas &&
    counts.replicas === replicas &&
    counts.availableReplicas === replicas
  );
}

/** `rolling` is false where the rollout stands still on purpose: paused, or only scaled. */
export function statusOf(observed: Observed, rolling: boolean): DeploymentStatus {
  const { deployment, collisionCount } = observed;
  const counts = countsOf(observed);
  const { generation } = deployment.metadata;
  const given = Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== 0));
  return {
    ...given,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    ...(collisionCount === undefined ? {} : { collisionCount }),
    conditions: conditionsOf(observed, counts, rolling),
  };
}

function conditionsOf(observed: Observed, counts: Counts, rolling: boolean): DeploymentCondition[] {
  const { deployment, newSet, oldSets, now } = observed;
  const conditions = new Map((deployment.status?.conditions ?? []).map((c) => [c.type, c]));
  const { maxUnavailable } = fencepostsOf(deployment);
  const enough = counts.availableReplicas >= replicasOf(deployment) - maxUnavailable;
  const available = enough
    ? news('True', 'MinimumReplicasAvailable', 'Deployment has minimum availability.')
    : news('False', 'MinimumReplicasUnavailable', 'Deployment does not have minimum availability.');
  set(conditions, 'Available', available, now, false);
  setProgressing(conditions, observed, counts, rolling);
  const failing = [...(newSet ? [newSet] : []), ...oldSets]
    .flatMap(({ status }) => status?.conditions ?? [])
    .find(({ type }) => type === 'ReplicaFailure');
  if (failing) {
    const { reason = '', message = '', status } = failing;
    set(conditions, 'ReplicaFailure', { status: status as 'True', reason, message }, now, false);
  } else conditions.delete('ReplicaFailure');
  return [...conditions.values()];
}

function news(status: ProgressNews['status'], reason: string, message: string): ProgressNews {
  return { status, reason, message };
}

function setProgressing(
  conditions: Map<string, DeploymentCondition>,
  observed: Observed,
  counts: Counts,
  rolling: boolean,
): void {
  const { deployment, newSet, now } = observed;
  if (observed.news?.reason === 'ReplicaSetCreateError') {
    set(conditions, 'Progressing', observed.news, now, true);
    return;
  }
  if (deadlineOf(deployment) === undefined) {
    conditions.delete('Progressing');
    return;
  }
  if (observed.news) set(conditions, 'Progressing', observed.news, now, true);
  if (!rolling) return;
  const what = newSet ? `ReplicaSet "${newSet.metadata.name}"` : `Deployment "${deployment.metadata.name}"`;
  const known = conditions.get('Progressing');
  // Completion is told once; what becomes of the pods later is no rollout.
  const before = findCondition(deployment, 'Progressing');
  const steady =
    !observed.news &&
    before?.reason === 'NewReplicaSetAvailable' &&
    deployment.status?.replicas === deployment.status?.updatedReplicas;
  if (steady) return;
  if (isComplete(deployment, counts)) {
    const message = `${what} has successfully progressed.`;
    set(conditions, 'Progressing', news('True', 'NewReplicaSetAvailable', message), now, true);
  } else if (isProgress(deployment, counts)) {
    const message = `${what} is progressing.`;
    const verdict = news('True', 'ReplicaSetUpdated', message);
    set(conditions, 'Progressing', verdict, now, true);
    const condition = conditions.get('Progressing');
    if (condition) conditions.set('Progressing', { ...condition, lastUpdateTime: time(now) });
  } else if (known && isTimedOut(deployment, known, now)) {
    const message = `${what} has timed out progressing.`;
    set(conditions, 'Progressing', news('False', 'ProgressDeadlineExceeded', message), now, true);
  }
}

/** More updated, fewer old, more ready or available than the status says. */
function isProgress({ status }: Deployment, counts: Counts): boolean {
  const before = status ?? {};
  const oldNow = counts.replicas - counts.updatedReplicas;
  const oldBefore = (before.replicas ?? 0) - (before.updatedReplicas ?? 0);
  return (
    counts.updatedReplicas > (before.updatedReplicas ?? 0) ||
    oldNow < oldBefore ||
    counts.readyReplicas > (before.readyReplicas ?? 0) ||
    counts.availableReplicas > (before.availableReplicas ?? 0)
  );
}

/** ms until the deadline passes; undefined when none is running. */
export function deadlineIn(
  deployment: Deployment,
  condition: DeploymentCondition | undefined,
  now: number,
): number | undefined {
  const deadline = deadlineOf(deployment);
  if (deadline === undefined || !condition || condition.reason === 'NewReplicaSetAvailable') return undefined;
  if (condition.reason === 'ProgressDeadlineExceeded' || condition.reason === 'DeploymentPaused')
    return undefined;
  return Date.parse(condition.lastUpdateTime ?? condition.lastTransitionTime ?? '') + deadline - now;
}

function isTimedOut(deployment: Deployment, condition: DeploymentCondition, now: number): boolean {
  if (condition.reason === 'ProgressDeadlineExceeded') return true;
  const left = deadlineIn(deployment, condition, now);
  return left !== undefined && left < 0;
}

function time(now: number): string {
  return `${new Date(now).toISOString().slice(0, 19)}Z`;
}

/** `byReason`: a new reason alone is a change too. Times move only with what they are of. */
function set(
  conditions: Map<string, DeploymentCondition>,
  type: string,
  { status, reason, message }: ProgressNews,
  now: number,
  byReason: boolean,
): void {
  const before = conditions.get(type);
  const same =
    before?.status === status && before.reason === reason && (byReason || before.message === message);
  if (same) return;
  const lastTransitionTime =
    before?.status === status && before.lastTransitionTime ? before.lastTransitionTime : time(now);
  conditions.set(type, { type, status, reason, message, lastUpdateTime: time(now), lastTransitionTime });
}
