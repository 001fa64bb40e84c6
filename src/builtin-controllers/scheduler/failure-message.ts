/** Why a pod found no node, in the words of Kubernetes (SC-8). */
import type { Failure } from './schedule.js';

/** `0/5 nodes are available: 3 Insufficient cpu, 2 node(s) were unschedulable.` */
export function failureMessage(
  failure: Pick<Failure, 'nodes' | 'refused' | 'rejections' | 'others'>,
): string {
  const { nodes, refused, rejections, others } = failure;
  if (nodes === 0) return 'no nodes available to schedule pods';
  const head = `0/${nodes} nodes are available:`;
  if (refused) return `${head} ${refused.reasons.join(', ')}.`;
  const counts = new Map<string, number>();
  const count = (reasons: readonly string[], times: number): void => {
    for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + times);
  };
  for (const { reasons } of rejections.values()) count(reasons, 1);
  const unnamed = nodes - rejections.size;
  if (unnamed > 0 && others) count(others.reasons, unnamed);
  const parts = [...counts].map(([reason, times]) => `${times} ${reason}`).sort();
  return parts.length === 0 ? head : `${head} ${parts.join(', ')}.`;
}
