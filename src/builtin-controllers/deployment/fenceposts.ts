/** How many pods a rolling update may have beyond the wanted number, and how many it may lack (D-5). */
import type { Deployment } from 'gyre/kinds';
import type { IntOrString } from 'gyre/kinds/meta/v1';

export interface Fenceposts {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

/**
 * Percentages are of the wanted number: a surge rounds up, what may be missing rounds down. Where both come
 * to nothing one pod may be missing, for otherwise nothing could move; more than all cannot be missing.
 * Recreate has neither.
 */
export function fencepostsOf({ spec }: Deployment): Fenceposts {
  const { replicas = 1, strategy } = spec;
  if (strategy?.type === 'Recreate') return { maxSurge: 0, maxUnavailable: 0 };
  const { maxSurge = '25%', maxUnavailable = '25%' } = strategy?.rollingUpdate ?? {};
  const surge = scaled(maxSurge, replicas, Math.ceil);
  const unavailable = scaled(maxUnavailable, replicas, Math.floor);
  return {
    maxSurge: surge,
    maxUnavailable: Math.min(surge === 0 && unavailable === 0 ? 1 : unavailable, replicas),
  };
}

function scaled(value: IntOrString, total: number, round: (value: number) => number): number {
  if (typeof value === 'number') return value;
  const percent = /^(\d+)%$/.exec(value)?.[1];
  // Whole numbers until the very end: 0.07 * 100 is more than 7.
  return percent === undefined ? 0 : round((Number(percent) * total) / 100);
}
