/** Which node was promised to which waiting pod, while its victims leave (SC-9). */
import type { PodInfo } from './pod-info.js';

const nobody: readonly PodInfo[] = [];

export class Nominations {
  readonly #byNode = new Map<string, readonly PodInfo[]>();
  readonly #nodes = new Map<string, string>();

  on(node: string): readonly PodInfo[] {
    return this.#byNode.get(node) ?? nobody;
  }
  nodeOf(uid: string): string | undefined {
    return this.#nodes.get(uid);
  }

  set(pod: PodInfo, node: string): void {
    this.delete(pod.uid);
    this.#nodes.set(pod.uid, node);
    this.#byNode.set(node, [...this.on(node), pod]);
  }

  delete(uid: string): void {
    const node = this.#nodes.get(uid);
    if (node === undefined) return;
    this.#nodes.delete(uid);
    const left = this.on(node).filter((pod) => pod.uid !== uid);
    if (left.length > 0) this.#byNode.set(node, left);
    else this.#byNode.delete(node);
  }
}
