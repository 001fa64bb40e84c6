/**
 * Which pods go first when there are too many (RS-10). The first rule that tells two pods apart decides:
 *
 * 1. not assigned to a node before assigned
 * 2. Pending before Unknown before Running
 * 3. not ready before ready
 * 4. the lower `controller.kubernetes.io/pod-deletion-cost` (default 0)
 * 5. more related pods on its node
 * 6. ready for a shorter time, told apart by powers of two
 * 7. more restarts of one of its containers
 * 8. younger, told apart by powers of two
 *
 * Times within one power of two of their age count as equal and leave the choice to the UID, which is as
 * good as chance: otherwise all the newest pods would go, and those may all be on one node.
 */
import type { Pod } from 'gyre/kinds';
import { isReady, readySince } from './pod-state.js';

const deletionCostAnnotation = 'controller.kubernetes.io/pod-deletion-cost';

export interface RankingContext {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Active pods of all ReplicaSets that have the same controller, by node. */
  readonly relatedOnNode: ReadonlyMap<string, number>;
}

interface Ranked {
  readonly pod: Pod;
  readonly assigned: number;
  readonly phase: number;
  readonly ready: number;
  readonly cost: number;
  readonly related: number;
  readonly readySince: number | undefined;
  readonly restarts: number;
  readonly createdAt: number;
}

/** The pods, the first to delete first. */
export function rankForDeletion(pods: readonly Pod[], context: RankingContext): Pod[] {
  return pods
    .map((pod) => ranked(pod, context))
    .sort((a, b) => compare(a, b, context.now))
    .map(({ pod }) => pod);
}

const phaseRank: ReadonlyMap<string, number> = new Map([
  ['Pending', 0],
  ['Unknown', 1],
  ['Running', 2],
]);

function ranked(pod: Pod, { relatedOnNode }: RankingContext): Ranked {
  const { metadata, spec, status } = pod;
  const node = spec?.nodeName ?? '';
  const statuses = status?.containerStatuses ?? [];
  return {
    pod,
    assigned: node === '' ? 0 : 1,
    phase: phaseRank.get(status?.phase ?? 'Pending') ?? 0,
    ready: isReady(pod) ? 1 : 0,
    cost: deletionCost(metadata.annotations),
    related: relatedOnNode.get(node) ?? 0,
    readySince: readySince(pod),
    restarts: statuses.reduce((most, { restartCount = 0 }) => Math.max(most, restartCount), 0),
    createdAt: Date.parse(metadata.creationTimestamp),
  };
}

/** A number of 32 bits; anything else counts as no cost. */
function deletionCost(annotations: Readonly<Record<string, string>> | undefined): number {
  const text = annotations?.[deletionCostAnnotation] ?? '0';
  const cost = /^(?:0|-?[1-9]\d*)$/.test(text) ? Number(text) : 0;
  return cost === Math.trunc(cost) && Math.abs(cost + 0.5) < 2 ** 31 ? cost : 0;
}

function compare(a: Ranked, b: Ranked, now: number): number {
  return (
    a.assigned - b.assigned ||
    a.phase - b.phase ||
    a.ready - b.ready ||
    a.cost - b.cost ||
    b.related - a.related ||
    compareAges(a, b, a.readySince, b.readySince, now) ||
    b.restarts - a.restarts ||
    compareAges(a, b, a.createdAt, b.createdAt, now)
  );
}

/** The one that is younger by a power of two first; the UID decides between different times of one power. */
function compareAges(
  a: Ranked,
  b: Ranked,
  sinceA: number | undefined,
  sinceB: number | undefined,
  now: number,
): number {
  if (sinceA === sinceB) return 0;
  if (sinceA === undefined || sinceB === undefined) return sinceA === undefined ? -1 : 1;
  const difference = powerOfTwo(now - sinceA) - powerOfTwo(now - sinceB);
  return difference || (a.pod.metadata.uid < b.pod.metadata.uid ? -1 : 1);
}

/** The whole part of the binary logarithm of an age in nanoseconds; -1 for no age at all. */
function powerOfTwo(ageMs: number): number {
  return ageMs > 0 ? Math.trunc(Math.log2(ageMs * 1e6)) : -1;
}
