/**
 * The decision: which node a pod should run on, or why none. A pure function of pod, cluster and chance;
 * what it changes while trying it changes back before it returns.
 *
 * In a large cluster not every node is looked at (SC-5): the search ends once enough will do, and the next
 * one begins where it ended. Of the nodes that will do, the one with the highest sum of weighted scores is
 * taken; ties are broken by chance.
 */
import type { Random } from 'gyre';
import type { AnyPlugin, ClusterView, Rejection } from './framework.js';
import type { NodeInfo } from './node-info.js';
import type { PodInfo } from './pod-info.js';
import { SchedulingCycle } from './scheduling-cycle.js';

/** Why a pod found no node. */
export interface Failure {
  /** All nodes there are. */
  readonly nodes: number;
  /** Set when the pod was refused before any node was looked at. */
  readonly refused?: Rejection;
  /** By the name of the node. */
  readonly rejections: ReadonlyMap<string, Rejection>;
  /** What holds for nodes that `rejections` does not name. */
  readonly others?: Rejection;
  /** The plugins whose hints may wake the pod. Empty: anything may. */
  readonly rejectedBy: ReadonlySet<string>;
}

export type Decision = { /** Where the next search begins. */ readonly next: number } & (
  | { readonly node: NodeInfo }
  | { readonly failure: Failure /** To try what preemption would change. */; readonly cycle: SchedulingCycle }
);

export interface ScheduleOptions {
  readonly plugins: readonly AnyPlugin[];
  readonly random: Random;
  /** Where the search begins. Default 0. */
  readonly start?: number;
}

export function schedule(pod: PodInfo, cluster: ClusterView, options: ScheduleOptions): Decision {
  const { plugins, random, start = 0 } = options;
  const cycle = new SchedulingCycle(pod, cluster, plugins);
  const { nodes } = cluster;
  const rejections = new Map<string, Rejection>();
  const failed = (next: number): Decision => ({
    next,
    cycle,
    failure: {
      nodes: nodes.length,
      ...(cycle.rejection ? { refused: cycle.rejection } : {}),
      rejections,
      ...(cycle.others ? { others: cycle.others } : {}),
      rejectedBy: nodes.length === 0 ? new Set() : cycle.rejectedBy,
    },
  });
  if (nodes.length === 0 || cycle.rejection) return failed(start);

  const promised = cluster.nominatedNode(pod.uid);
  const nominated = promised ? cluster.node(promised) : undefined;
  if (nominated?.node && (cycle.only?.has(nominated.name) ?? true) && !cycle.tryNode(nominated)) {
    return { node: nominated, next: start };
  }

  const candidates = cycle.only ? nodesNamed(cycle.only, cluster) : nodes;
  const wanted = feasibleWanted(candidates.length);
  const feasible: NodeInfo[] = [];
  let looked = 0;
  for (; looked < candidates.length && feasible.length < wanted; looked++) {
    const node = candidates[(start + looked) % candidates.length] as NodeInfo;
    const rejection = cycle.tryNode(node);
    if (rejection) rejections.set(node.name, rejection);
    else feasible.push(node);
  }
  const next = cycle.only ? start : (start + looked) % nodes.length;
  if (feasible.length === 0) return failed(next);
  return { node: best(pod, feasible, cluster, plugins, random), next };
}

/** How many nodes that will do are enough (SC-5). */
export function feasibleWanted(nodes: number): number {
  const enough = 100;
  if (nodes < enough) return nodes;
  const percentage = Math.max(5, 50 - Math.trunc(nodes / 125));
  return Math.max(enough, Math.trunc((nodes * percentage) / 100));
}

function nodesNamed(names: ReadonlySet<string>, cluster: ClusterView): NodeInfo[] {
  const found: NodeInfo[] = [];
  for (const name of names) {
    const node = cluster.node(name);
    if (node?.node) found.push(node);
  }
  return found;
}

function best(
  pod: PodInfo,
  feasible: readonly NodeInfo[],
  cluster: ClusterView,
  plugins: readonly AnyPlugin[],
  random: Random,
): NodeInfo {
  if (feasible.length === 1) return feasible[0] as NodeInfo;
  const totals = new Float64Array(feasible.length);
  const scores = new Float64Array(feasible.length);
  for (const plugin of plugins) {
    if (!plugin.score) continue;
    const state = plugin.preScore?.(pod, feasible, cluster);
    if (state === undefined) continue;
    for (let i = 0; i < feasible.length; i++) scores[i] = plugin.score(pod, feasible[i] as NodeInfo, state);
    plugin.normalize?.(scores, state, feasible);
    const { weight = 1 } = plugin;
    for (let i = 0; i < feasible.length; i++)
      totals[i] = (totals[i] as number) + weight * (scores[i] as number);
  }
  let chosen = 0;
  let ties = 1;
  for (let i = 1; i < totals.length; i++) {
    const [total, highest] = [totals[i] as number, totals[chosen] as number];
    if (total > highest) {
      chosen = i;
      ties = 1;
    } else if (total === highest && random.next() * ++ties < 1) chosen = i;
  }
  return feasible[chosen] as NodeInfo;
}
