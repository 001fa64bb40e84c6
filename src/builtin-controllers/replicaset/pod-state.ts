/** What a pod's status means to whoever counts pods. */
import type { Pod } from 'gyre/kinds';

/** Neither finished nor being deleted (RS-8): what counts as a replica. */
export function isActive({ metadata, status }: Pod): boolean {
  const phase = status?.phase;
  return phase !== 'Succeeded' && phase !== 'Failed' && metadata.deletionTimestamp === undefined;
}

export function isReady({ status }: Pod): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

/** When the pod became ready, ms since the epoch; undefined when it is not, or does not say. */
export function readySince({ status }: Pod): number | undefined {
  const ready = status?.conditions?.find(({ type, status }) => type === 'Ready' && status === 'True');
  return ready?.lastTransitionTime ? Date.parse(ready.lastTransitionTime) : undefined;
}

/**
 * From when on the pod is available, ms since the epoch: once it has been ready for `minReadySeconds`
 * (RS-11). Undefined while it is not ready.
 */
export function availableFrom(pod: Pod, minReadySeconds: number): number | undefined {
  if (!isReady(pod)) return undefined;
  if (minReadySeconds === 0) return Number.NEGATIVE_INFINITY;
  const since = readySince(pod);
  return since === undefined ? undefined : since + minReadySeconds * 1000;
}
