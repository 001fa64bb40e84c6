/** How many pods more and fewer than asked for a rolling update may have (D-5). Pure. */
import type { Deployment } from 'gyre/kinds';

export interface Fenceposts {
  readonly maxSurge: number;
  readonly maxUnavailable: number;
}

export function replicasOf({ spec }: Deployment): number {
  return spec.replicas ?? 1;
}

/** Both are 0 for Recreate. */
export function fencepostsOf(deployment: Deployment): Fenceposts {
  const { strategy } = deployment.spec;
  const replicas = replicasOf(deployment);
  if (strategy?.type === 'Recreate') return { maxSurge: 0, maxUnavailable: 0 };
  const { maxSurge = '25%', maxUnavailable = '25%' } = strategy?.rollingUpdate ?? {};
  const surge = resolve(maxSurge, replicas, Math.ceil);
  const unavailable = resolve(maxUnavailable, replicas, Math.floor);
  // Nothing could ever move with both at 0.
  if (surge === 0 && unavailable === 0) return { maxSurge: 0, maxUnavailable: Math.min(1, replicas) };
  return { maxSurge: surge, maxUnavailable: Math.min(unavailable, replicas) };
}

function resolve(value: string | number, of: number, round: (n: number) => number): number {
  if (typeof value === 'number') return value;
  return round((Number.parseInt(value, 10) * of) / 100);
}

export function maxReplicasOf(deployment: Deployment): number {
  return replicasOf(deployment) + fencepostsOf(deployment).maxSurge;
}
