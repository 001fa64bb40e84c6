/** What Deployment and ReplicaSet keep in annotations: revisions and sizes (D-4). Pure. */
import type { Deployment, ReplicaSet } from 'gyre/kinds';
import { maxReplicasOf, replicasOf } from './fenceposts.js';

export const revisionAnnotation = 'deployment.kubernetes.io/revision';
export const historyAnnotation = 'deployment.kubernetes.io/revision-history';
export const desiredAnnotation = 'deployment.kubernetes.io/desired-replicas';
export const maxAnnotation = 'deployment.kubernetes.io/max-replicas';

/** Those that belong to kubectl or to this controller are not copied down. */
const notCopied = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  historyAnnotation,
  desiredAnnotation,
  maxAnnotation,
  'deprecated.deployment.rollback.to',
]);
const maxHistoryChars = 2000;

type Annotations = Readonly<Record<string, string>>;

export function revisionOf({ metadata }: ReplicaSet | Deployment): number {
  const revision = Number(metadata.annotations?.[revisionAnnotation] ?? 0);
  return Number.isSafeInteger(revision) ? revision : 0;
}

/** One more than any of the old ones has. */
export function nextRevision(oldSets: readonly ReplicaSet[]): number {
  return Math.max(0, ...oldSets.map(revisionOf)) + 1;
}

/** What the new ReplicaSet's annotations should be; `existing` when it is there already. */
export function newSetAnnotations(
  deployment: Deployment,
  existing: ReplicaSet | undefined,
  revision: number,
): Annotations {
  const before = existing?.metadata.annotations ?? {};
  const copied = Object.fromEntries(
    Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => !notCopied.has(key)),
  );
  const known = existing ? revisionOf(existing) : 0;
  const annotations: Record<string, string> = { ...before, ...copied };
  // Never lowered: an older number is of a former life of this template.
  if (revision > known) {
    annotations[revisionAnnotation] = String(revision);
    if (known > 0) annotations[historyAnnotation] = withHistory(before[historyAnnotation], known);
  }
  if (!existing) Object.assign(annotations, sizeAnnotations(deployment));
  return annotations;
}

function withHistory(history: string | undefined, revision: number): string {
  const entries = history ? history.split(',') : [];
  entries.push(String(revision));
  while (entries.length > 1 && entries.join(',').length > maxHistoryChars) entries.shift();
  return entries.join(',');
}

/** What the sizes were meant to be, so that a change of size is told from a rollout (D-9). */
export function sizeAnnotations(deployment: Deployment): Annotations {
  return {
    [desiredAnnotation]: String(replicasOf(deployment)),
    [maxAnnotation]: String(maxReplicasOf(deployment)),
  };
}

export function numberIn(set: ReplicaSet, annotation: string): number | undefined {
  const text = set.metadata.annotations?.[annotation];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** The size of the Deployment changed since its active ReplicaSets were sized (D-9). */
export function isScalingEvent(deployment: Deployment, sets: readonly ReplicaSet[]): boolean {
  return sets.some((set) => {
    const desired = numberIn(set, desiredAnnotation);
    return (set.spec?.replicas ?? 1) > 0 && desired !== undefined && desired !== replicasOf(deployment);
  });
}
