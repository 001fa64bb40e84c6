/**
 * The nodes and what runs on them, as far as the scheduler knows: what the API server told, and pods whose
 * binding is under way (*assumed*), which count from the decision on.
 *
 * Guarantees: each pod counts on exactly one node, the one it was last said to be on; an assumed pod counts
 * until it is seen bound, forgotten or gone; the sums of a node are those of its pods. A node that is gone
 * is kept while pods are still said to be on it, and is offered to nobody.
 */
import { deepEqualJson } from 'gyre';
import type { Node } from 'gyre/kinds';
import { NodeInfo } from './node-info.js';
import type { PodInfo } from './pod-info.js';

interface Placed {
  readonly node: NodeInfo;
  readonly assumed: boolean;
}

export class SchedulerCache {
  /** Those that exist, in the order they were seen. */
  readonly nodes: NodeInfo[] = [];
  readonly nodesWithAffinity = new Set<NodeInfo>();
  readonly nodesWithAntiAffinity = new Set<NodeInfo>();
  readonly #byName = new Map<string, NodeInfo>();
  /** By the UID of the pod. */
  readonly #placed = new Map<string, Placed>();

  node(name: string): NodeInfo | undefined {
    return this.#byName.get(name);
  }

  /** Pods whose binding has not been seen yet. */
  get assumed(): number {
    let count = 0;
    for (const { assumed } of this.#placed.values()) if (assumed) count++;
    return count;
  }

  /** `undefined` when nothing that matters here has changed, such as after a heartbeat. */
  setNode(node: Node): { readonly node: NodeInfo; readonly added: boolean } | undefined {
    const info = this.#info(node.metadata.name);
    const before = info.node;
    if (before && !differs(before, node)) return undefined;
    info.set(node);
    if (!before) this.nodes.push(info);
    return { node: info, added: !before };
  }

  removeNode(name: string): boolean {
    const info = this.#byName.get(name);
    if (!info?.node) return false;
    info.unset();
    this.nodes.splice(this.nodes.indexOf(info), 1);
    this.#dropIfEmpty(info);
    return true;
  }

  /** A pod that has a node, as the API server told. */
  setPod(pod: PodInfo): void {
    if (pod.node !== undefined) this.#place(pod, pod.node, false);
  }

  /** Counts the pod on the node it is about to be bound to. */
  assume(pod: PodInfo, node: string): void {
    this.#place(pod, node, true);
  }

  isAssumed(uid: string): boolean {
    return this.#placed.get(uid)?.assumed ?? false;
  }

  /** The binding failed. A pod that has been seen bound meanwhile stays. */
  forget(uid: string): void {
    if (this.isAssumed(uid)) this.removePod(uid);
  }

  /** True if it was there. */
  removePod(uid: string): boolean {
    const placed = this.#placed.get(uid);
    if (!placed) return false;
    this.#placed.delete(uid);
    placed.node.remove(uid);
    this.#classify(placed.node);
    this.#dropIfEmpty(placed.node);
    return true;
  }

  #place(pod: PodInfo, nodeName: string, assumed: boolean): void {
    const node = this.#info(nodeName);
    const before = this.#placed.get(pod.uid);
    if (before) before.node.remove(pod.uid);
    node.add(pod);
    this.#placed.set(pod.uid, { node, assumed });
    this.#classify(node);
    if (before && before.node !== node) {
      this.#classify(before.node);
      this.#dropIfEmpty(before.node);
    }
  }

  #info(name: string): NodeInfo {
    let info = this.#byName.get(name);
    if (!info) {
      info = new NodeInfo(name);
      this.#byName.set(name, info);
    }
    return info;
  }

  #classify(node: NodeInfo): void {
    if (node.withAffinity.size > 0) this.nodesWithAffinity.add(node);
    else this.nodesWithAffinity.delete(node);
    if (node.withAntiAffinity.size > 0) this.nodesWithAntiAffinity.add(node);
    else this.nodesWithAntiAffinity.delete(node);
  }

  #dropIfEmpty(node: NodeInfo): void {
    if (!node.node && node.pods.size === 0) this.#byName.delete(node.name);
  }
}

/** Whether a pod could fit now that did not before, or the other way round. */
function differs(before: Node, now: Node): boolean {
  const facts = ({ metadata, spec, status }: Node): object => ({
    labels: metadata.labels ?? {},
    taints: spec?.taints ?? [],
    unschedulable: spec?.unschedulable ?? false,
    allocatable: status?.allocatable ?? status?.capacity ?? {},
  });
  return before !== now && !deepEqualJson(facts(before), facts(now));
}
