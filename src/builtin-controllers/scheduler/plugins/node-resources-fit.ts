/** A pod goes where what it requests is free, and rather where much is (SC-6, LeastAllocated). */
import { maxScore, plugin, type Rejection } from '../framework.js';
import type { NodeInfo } from '../node-info.js';
import type { PodInfo } from '../pod-info.js';

export const nodeResourcesFit = plugin<undefined, true>({
  name: 'NodeResourcesFit',
  filter(pod, node) {
    return fits(pod, node) ? undefined : shortOf(pod, node);
  },
  preScore: () => true,
  score({ scoringRequests }, { allocatable, scoringRequested }) {
    let sum = 0;
    let resources = 0;
    if (allocatable.milliCpu > 0) {
      sum += freeShare(scoringRequested.milliCpu + scoringRequests.milliCpu, allocatable.milliCpu);
      resources++;
    }
    if (allocatable.memory > 0) {
      sum += freeShare(scoringRequested.memory + scoringRequests.memory, allocatable.memory);
      resources++;
    }
    return resources === 0 ? 0 : Math.trunc(sum / resources);
  },
  wakesOn(event, pod) {
    if (event.type === 'PodDeleted' || event.type === 'PodChanged') return true;
    return (event.type === 'NodeAdded' || event.type === 'NodeChanged') && fits(pod, event.node);
  },
});

/** What is not requested is not looked at: a node may be overdrawn on it. */
export function fits({ requests }: PodInfo, node: NodeInfo): boolean {
  const { allocatable, requested } = node;
  if (node.pods.size + 1 > node.allocatablePods) return false;
  if (requests.milliCpu > 0 && requests.milliCpu > allocatable.milliCpu - requested.milliCpu) return false;
  if (requests.memory > 0 && requests.memory > allocatable.memory - requested.memory) return false;
  if (
    requests.ephemeralStorage > 0 &&
    requests.ephemeralStorage > allocatable.ephemeralStorage - requested.ephemeralStorage
  ) {
    return false;
  }
  if (!requests.others) return true;
  for (const [name, amount] of requests.others) {
    if (amount > (allocatable.others?.get(name) ?? 0) - (requested.others?.get(name) ?? 0)) return false;
  }
  return true;
}

/** All that is short, each in its own words. */
function shortOf({ requests }: PodInfo, node: NodeInfo): Rejection {
  const { allocatable, requested } = node;
  const reasons: string[] = [];
  const check = (name: string, wanted: number, all: number, used: number): void => {
    if (wanted > 0 && wanted > all - used) reasons.push(`Insufficient ${name}`);
  };
  if (node.pods.size + 1 > node.allocatablePods) reasons.push('Too many pods');
  check('cpu', requests.milliCpu, allocatable.milliCpu, requested.milliCpu);
  check('memory', requests.memory, allocatable.memory, requested.memory);
  check(
    'ephemeral-storage',
    requests.ephemeralStorage,
    allocatable.ephemeralStorage,
    requested.ephemeralStorage,
  );
  for (const [name, amount] of requests.others ?? []) {
    check(name, amount, allocatable.others?.get(name) ?? 0, requested.others?.get(name) ?? 0);
  }
  return { reasons, resolvable: true };
}

function freeShare(requested: number, allocatable: number): number {
  return requested > allocatable ? 0 : Math.trunc(((allocatable - requested) * maxScore) / allocatable);
}
