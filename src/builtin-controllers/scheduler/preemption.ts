/**
 * Making room for a pod that found none, by ending less important ones (SC-9). Decides only: who would have
 * to go, and on which node; the scheduler acts.
 *
 * Kubernetes prefers victims whose PodDisruptionBudgets allow it. Budgets are not looked at here.
 */
import type { Random } from 'gyre';
import { failureMessage } from './failure-message.js';
import { type ClusterView, type Rejection, rejection } from './framework.js';
import type { NodeInfo } from './node-info.js';
import type { PodInfo } from './pod-info.js';
import type { Failure } from './schedule.js';
import type { SchedulingCycle } from './scheduling-cycle.js';

export type Preemption =
  | { readonly node: NodeInfo; readonly victims: readonly PodInfo[] }
  /** `keepNomination`: the node promised before is still the one to wait for. */
  | { readonly message: string; readonly keepNomination: boolean };

const unhelpful = rejection(false, 'Preemption is not helpful for scheduling');
const noVictims = rejection(false, 'No preemption victims found for incoming pod');

/** Nodes found enough are a tenth of all, and at least so many. */
const minCandidates = 100;

export function preempt(cycle: SchedulingCycle, failure: Failure, random: Random): Preemption {
  const { pod, cluster } = cycle;
  if (pod.pod.spec.preemptionPolicy === 'Never') {
    return { message: 'preemption: not eligible due to preemptionPolicy=Never.', keepNomination: true };
  }
  if (waitsForVictims(pod, failure, cluster)) {
    const message = 'preemption: not eligible due to a terminating pod on the nominated node.';
    return { message, keepNomination: true };
  }
  const rejections = new Map<string, Rejection>();
  const hopeful: NodeInfo[] = [];
  if (!failure.refused) {
    for (const [name, { resolvable }] of failure.rejections) {
      const node = cluster.node(name);
      if (resolvable && node?.node) hopeful.push(node);
    }
  }
  const enough = Math.max(minCandidates, Math.trunc(failure.nodes / 10));
  const offset = Math.trunc(random.next() * hopeful.length);
  let candidates: Candidate[] = [];
  for (let i = 0; i < hopeful.length && candidates.length < enough; i++) {
    const node = hopeful[(offset + i) % hopeful.length] as NodeInfo;
    const victims = victimsOn(cycle, node);
    if ('reasons' in victims) rejections.set(node.name, victims);
    else candidates.push({ node, victims });
  }
  for (const measure of preferences) candidates = lowest(candidates, measure);
  const [chosen] = candidates;
  if (chosen) return chosen;
  const message = failureMessage({ nodes: failure.nodes, rejections, others: unhelpful });
  return { message: `preemption: ${message}`, keepNomination: false };
}

interface Candidate {
  readonly node: NodeInfo;
  /** The most important first. */
  readonly victims: readonly PodInfo[];
}

/** Of the candidates the lowest by each of these in turn. */
const preferences: readonly ((candidate: Candidate) => number)[] = [
  ({ victims: [first] }) => first?.priority ?? Number.NEGATIVE_INFINITY,
  // Offset so that many of low priority weigh more than few.
  ({ victims }) => victims.reduce((sum, { priority }) => sum + priority + 2 ** 31, 0),
  ({ victims }) => victims.length,
  // The one whose most important victims began last.
  ({ victims }) => -Math.min(...victims.filter((v) => v.priority === victims[0]?.priority).map(startedAt)),
];

function lowest(candidates: Candidate[], measure: (candidate: Candidate) => number): Candidate[] {
  if (candidates.length < 2) return candidates;
  const measures = candidates.map(measure);
  const least = Math.min(...measures);
  return candidates.filter((_, i) => measures[i] === least);
}

/** Room is being made already where the pod was promised some. */
function waitsForVictims(pod: PodInfo, { rejections }: Failure, cluster: ClusterView): boolean {
  const promised = cluster.nominatedNode(pod.uid);
  const node = promised ? cluster.node(promised) : undefined;
  if (!node || rejections.get(node.name)?.resolvable === false) return false;
  for (const { terminating, priority } of node.pods.values()) {
    if (terminating && priority < pod.priority) return true;
  }
  return false;
}

/** All less important pods go; then as many as can stay are let stay, the most important first. */
function victimsOn(cycle: SchedulingCycle, node: NodeInfo): readonly PodInfo[] | Rejection {
  const lesser = [...node.pods.values()].filter(({ priority }) => priority < cycle.pod.priority);
  if (lesser.length === 0) return noVictims;
  lesser.sort((a, b) => b.priority - a.priority || startedAt(a) - startedAt(b));
  for (const pod of lesser) cycle.place(pod, node, -1);
  const victims: PodInfo[] = [];
  const stillNot = cycle.tryNode(node);
  if (stillNot) {
    for (const pod of lesser) cycle.place(pod, node, 1);
    return stillNot;
  }
  for (const pod of lesser) {
    cycle.place(pod, node, 1);
    if (!cycle.tryNode(node)) continue;
    cycle.place(pod, node, -1);
    victims.push(pod);
  }
  for (const pod of victims) cycle.place(pod, node, 1);
  return victims;
}

function startedAt({ pod }: PodInfo): number {
  return Date.parse(pod.status?.startTime ?? pod.metadata.creationTimestamp ?? '') || 0;
}
