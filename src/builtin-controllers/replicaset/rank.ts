/** Which pods go first when there are too many (RS-10). Pure. */
import type { Pod } from 'gyre/kinds';
import { isReady, readySince } from './pod-state.js';

const costAnnotation = 'controller.kubernetes.io/pod-deletion-cost';
const phaseRank: Readonly<Record<string, number>> = { Pending: 0, Unknown: 1, Running: 2 };

interface Ranked {
  readonly pod: Pod;
  readonly assigned: number;
  readonly phase: number;
  readonly ready: number;
  readonly cost: number;
  readonly siblings: number;
  /** Powers of two of the time it has been ready; pods ready for about as long count as equal. */
  readonly readyBucket: number;
  readonly restarts: number;
  readonly ageBucket: number;
}

/**
 * The `count` pods to delete, the first to go first.
 * @param siblings active pods of all owners with the same controller, by node
 */
export function podsToDelete(
  pods: readonly Pod[],
  count: number,
  siblings: ReadonlyMap<string, number>,
  now: number,
): Pod[] {
  if (count >= pods.length) return [...pods];
  const ranked = pods.map((pod) => rank(pod, siblings, now));
  ranked.sort(compare);
  return ranked.slice(0, count).map(({ pod }) => pod);
}

function rank(pod: Pod, siblings: ReadonlyMap<string, number>, now: number): Ranked {
  const { spec, status, metadata } = pod;
  const since = readySince(pod);
  return {
    pod,
    assigned: spec?.nodeName ? 1 : 0,
    phase: phaseRank[status?.phase ?? 'Pending'] ?? 1,
    ready: isReady(pod) ? 1 : 0,
    cost: deletionCost(pod),
    siblings: siblings.get(spec?.nodeName ?? '') ?? 0,
    readyBucket: since === undefined ? -1 : bucket(now - since),
    restarts: Math.max(0, ...(status?.containerStatuses ?? []).map(({ restartCount }) => restartCount)),
    ageBucket: bucket(now - Date.parse(metadata.creationTimestamp ?? '')),
  };
}

/** An int32; anything else counts as 0. */
function deletionCost({ metadata }: Pod): number {
  const text = metadata.annotations?.[costAnnotation] ?? '';
  if (!/^(?:0|-?[1-9]\d*)$/.test(text)) return 0;
  const cost = Number(text);
  return cost >= -(2 ** 31) && cost < 2 ** 31 ? cost : 0;
}

function bucket(ms: number): number {
  const seconds = ms / 1000;
  return seconds < 1 || Number.isNaN(seconds) ? 0 : Math.floor(Math.log2(seconds));
}

function compare(a: Ranked, b: Ranked): number {
  if (a.assigned !== b.assigned) return a.assigned - b.assigned;
  if (a.phase !== b.phase) return a.phase - b.phase;
  if (a.ready !== b.ready) return a.ready - b.ready;
  if (a.cost !== b.cost) return a.cost - b.cost;
  if (a.siblings !== b.siblings) return b.siblings - a.siblings;
  if (a.ready === 1 && a.readyBucket !== b.readyBucket) return a.readyBucket - b.readyBucket;
  if (a.restarts !== b.restarts) return b.restarts - a.restarts;
  if (a.ageBucket !== b.ageBucket) return a.ageBucket - b.ageBucket;
  return a.pod.metadata.uid < b.pod.metadata.uid ? -1 : 1;
}
