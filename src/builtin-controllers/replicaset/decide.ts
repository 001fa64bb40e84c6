/** How many pods to create, or which to delete: a pure function of what is there. */
import type { Pod } from 'gyre/kinds';
import { rankForDeletion, type RankingContext } from './deletion-rank.js';

/** Creates or deletes of one sync (RS-1). */
export const burstReplicas = 500;

export interface Replicas {
  /** How many pods there should be. */
  readonly wanted: number;
  /** The active pods there are. */
  readonly pods: readonly Pod[];
  /** Asked only when there is a choice to make. */
  readonly ranking: () => RankingContext;
}

export interface Step {
  readonly create: number;
  readonly delete: readonly Pod[];
}

export const nothing: Step = { create: 0, delete: [] };

export function decide({ wanted, pods, ranking }: Replicas): Step {
  const missing = wanted - pods.length;
  if (missing >= 0) return { create: Math.min(missing, burstReplicas), delete: [] };
  const surplus = Math.min(-missing, burstReplicas);
  // Where all go there is nothing to choose.
  if (surplus === pods.length) return { create: 0, delete: pods };
  return { create: 0, delete: rankForDeletion(pods, ranking()).slice(0, surplus) };
}
