/** What a Deployment notes on its ReplicaSets, and kubectl's rollout commands read (D-4, D-15). */
import type { Deployment, ReplicaSet } from 'gyre/kinds';
import { fencepostsOf } from './fenceposts.js';

export const revisionAnnotation = 'deployment.kubernetes.io/revision';
const historyAnnotation = 'deployment.kubernetes.io/revision-history';
const desiredAnnotation = 'deployment.kubernetes.io/desired-replicas';
const maxAnnotation = 'deployment.kubernetes.io/max-replicas';

/** Of these each object has its own: they are not copied to ReplicaSets. */
const notCopied = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  historyAnnotation,
  desiredAnnotation,
  maxAnnotation,
  'deprecated.deployment.rollback.to',
]);

/** How long the list of former revisions may become, characters. */
const maxHistoryLength = 2000;

type Annotations = Readonly<Record<string, string>>;

export function revisionOf({ metadata }: ReplicaSet): number {
  return wholeNumber(metadata.annotations?.[revisionAnnotation]) ?? 0;
}
export function desiredReplicasOf({ metadata }: ReplicaSet): number | undefined {
  return wholeNumber(metadata.annotations?.[desiredAnnotation]);
}
export function maxReplicasOf({ metadata }: ReplicaSet): number | undefined {
  return wholeNumber(metadata.annotations?.[maxAnnotation]);
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** The number of replicas a ReplicaSet was sized for: set whenever it is sized. */
export function sizingAnnotations(deployment: Deployment): Annotations {
  const { replicas = 1 } = deployment.spec;
  return {
    [desiredAnnotation]: String(replicas),
    [maxAnnotation]: String(replicas + fencepostsOf(deployment).maxSurge),
  };
}

/**
 * What the new ReplicaSet carries: the Deployment's annotations, and the revision that follows the highest of
 * the old ones. Its own number is never lowered; one that it had before and loses goes into its history.
 */
export function currentAnnotations(
  deployment: Deployment,
  had: Annotations,
  old: readonly ReplicaSet[],
): Annotations {
  const copied = Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => !notCopied.has(key));
  const revision = old.reduce((highest, set) => Math.max(highest, revisionOf(set)), 0) + 1;
  const former = had[revisionAnnotation];
  const annotations = Object.fromEntries(copied);
  if ((wholeNumber(former) ?? 0) >= revision) return annotations;
  const history = former === undefined ? undefined : historyWith(had[historyAnnotation], former);
  return {
    ...annotations,
    [revisionAnnotation]: String(revision),
    ...(history === undefined ? {} : { [historyAnnotation]: history }),
  };
}

/** The list with one more number; the oldest make room. */
function historyWith(history: string | undefined, revision: string): string {
  const numbers = [...(history ? history.split(',') : []), revision];
  while (numbers.length > 1 && numbers.join().length > maxHistoryLength) numbers.shift();
  return numbers.join();
}
