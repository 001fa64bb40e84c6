/**
 * A node and what runs on it, summed up: what plugins decide upon. Kept by the cache, one pod at a time;
 * the sums equal those of its pods at any moment.
 */
import type { Node } from 'gyre/kinds';
import { quantityUnits } from 'gyre';
import { UsedPorts } from './host-ports.js';
import type { PodInfo } from './pod-info.js';
import { Resources } from './resources.js';

export type Taint = NonNullable<NonNullable<Node['spec']>['taints']>[number];

const noLabels: Readonly<Record<string, string>> = Object.freeze(Object.create(null));

export class NodeInfo {
  /** Absent while only its pods are known: it was deleted, or has not been seen yet. */
  node: Node | undefined;
  labels: Readonly<Record<string, string>> = noLabels;
  allocatable = new Resources();
  allocatablePods = 0;
  unschedulable = false;
  /** Those that keep pods away: NoSchedule and NoExecute. */
  hardTaints: readonly Taint[] = [];
  /** Those that only deter: PreferNoSchedule. */
  softTaints: readonly Taint[] = [];

  readonly requested = new Resources();
  readonly scoringRequested = new Resources();
  readonly ports = new UsedPorts();
  /** By UID. */
  readonly pods = new Map<string, PodInfo>();
  /** Pods with affinity or anti-affinity of any sort. */
  readonly withAffinity = new Set<PodInfo>();
  /** Pods with required anti-affinity: they have a say in who comes. */
  readonly withAntiAffinity = new Set<PodInfo>();
  /** How many living pods each controller has here, by its UID. */
  readonly owners = new Map<string, number>();

  constructor(readonly name: string) {}

  /** @throws TypeError for an allocatable amount that is no quantity */
  set(node: Node): void {
    const { allocatable, capacity } = node.status ?? {};
    const amounts = allocatable ?? capacity;
    this.allocatable = Resources.of(amounts);
    this.allocatablePods = quantityUnits(amounts?.pods ?? 0);
    this.labels = node.metadata.labels ?? noLabels;
    this.unschedulable = node.spec?.unschedulable ?? false;
    const taints = node.spec?.taints ?? [];
    this.hardTaints = taints.filter(({ effect }) => effect !== 'PreferNoSchedule');
    this.softTaints = taints.filter(({ effect }) => effect === 'PreferNoSchedule');
    this.node = node;
  }

  /** The node is gone; its pods may outlive it for a while. */
  unset(): void {
    this.node = undefined;
    this.labels = noLabels;
    this.allocatable = new Resources();
    this.allocatablePods = 0;
    this.hardTaints = this.softTaints = [];
  }

  /** Counts a pod in. It must not be here yet. */
  add(pod: PodInfo): void {
    this.pods.set(pod.uid, pod);
    this.#sum(pod, 1);
    for (const port of pod.hostPorts) this.ports.add(port);
    if (pod.affinity) this.withAffinity.add(pod);
    if (pod.affinity && pod.affinity.antiAffinity.length > 0) this.withAntiAffinity.add(pod);
  }

  /** Counts a pod out, as it was counted in. */
  remove(uid: string): PodInfo | undefined {
    const pod = this.pods.get(uid);
    if (!pod) return undefined;
    this.pods.delete(uid);
    this.#sum(pod, -1);
    for (const port of pod.hostPorts) this.ports.remove(port);
    this.withAffinity.delete(pod);
    this.withAntiAffinity.delete(pod);
    return pod;
  }

  #sum(pod: PodInfo, times: 1 | -1): void {
    this.requested.add(pod.requests, times);
    this.scoringRequested.add(pod.scoringRequests, times);
    if (pod.owner === undefined || pod.terminating) return;
    const count = (this.owners.get(pod.owner) ?? 0) + times;
    if (count > 0) this.owners.set(pod.owner, count);
    else this.owners.delete(pod.owner);
  }
}
