/** When a pod has to leave its node because of taints (OC-15). Pure. */
import type { Taint, Toleration } from 'gyre/kinds/core/v1';
import { notReady, unreachable } from './taints.js';

/**
 * How long a pod that says nothing about it stays on a node in trouble. In Kubernetes an admission plugin
 * writes these into every pod; pods without them are treated as if it had.
 */
const defaultTolerations: readonly Toleration[] = [notReady, unreachable].map((key) => ({
  key,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: 300,
}));

export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  // No key tolerates every key, if anything may be its value.
  if (!toleration.key && toleration.operator !== 'Exists') return false;
  return toleration.operator === 'Exists' || (toleration.value ?? '') === (taint.value ?? '');
}

/**
 * The time, in milliseconds, at which the pod has to leave; undefined when it may stay.
 * @param since when a taint came
 */
export function evictionTime(
  taints: readonly Taint[],
  tolerations: readonly Toleration[],
  since: (taint: Taint) => number,
): number | undefined {
  const times = taints
    .filter(({ effect }) => effect === 'NoExecute')
    .flatMap((taint) => {
      const seconds = toleratedSeconds(taint, tolerations);
      return seconds === undefined ? [] : [since(taint) + seconds * 1000];
    });
  return times.length === 0 ? undefined : Math.min(...times);
}

/** Undefined: for ever. */
function toleratedSeconds(taint: Taint, tolerations: readonly Toleration[]): number | undefined {
  let matching = tolerations.filter((toleration) => tolerates(toleration, taint));
  if (matching.length === 0)
    matching = defaultTolerations.filter((toleration) => tolerates(toleration, taint));
  if (matching.length === 0) return 0;
  const limits = matching.flatMap(({ tolerationSeconds }) => tolerationSeconds ?? []);
  return limits.length === 0 ? undefined : Math.max(0, Math.min(...limits));
}
