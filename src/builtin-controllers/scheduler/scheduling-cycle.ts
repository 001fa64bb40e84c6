/**
 * One pod's pass over the filters: what the plugins worked out about it, and whether a node will do.
 *
 * A node that was promised to other pods (SC-9) must do both with them there, should they come, and
 * without, should they not: affinity may depend on either.
 */
import type { AnyPlugin, ClusterView, Rejection } from './framework.js';
import type { NodeInfo } from './node-info.js';
import type { PodInfo } from './pod-info.js';

interface ActiveFilter {
  readonly plugin: AnyPlugin;
  readonly state: unknown;
}

export class SchedulingCycle {
  /** Names of the plugins that rejected something. */
  readonly rejectedBy = new Set<string>();
  /** Set when no node at all will do. */
  readonly rejection: Rejection | undefined;
  /** Set when only these nodes can do, and what the others are told. */
  readonly only: ReadonlySet<string> | undefined;
  readonly others: Rejection | undefined;
  readonly #filters: ActiveFilter[] = [];

  constructor(
    readonly pod: PodInfo,
    readonly cluster: ClusterView,
    plugins: readonly AnyPlugin[],
  ) {
    const narrowing: string[] = [];
    for (const plugin of plugins) {
      const outcome = plugin.preFilter ? plugin.preFilter(pod, cluster) : { state: undefined };
      if (outcome === 'skip') continue;
      if ('rejection' in outcome) {
        this.rejectedBy.add(plugin.name);
        this.rejection = outcome.rejection;
        return;
      }
      if (outcome.only) {
        narrowing.push(plugin.name);
        const { only } = outcome;
        this.only = this.only ? new Set([...this.only].filter((name) => only.has(name))) : only;
      }
      if (plugin.filter) this.#filters.push({ plugin, state: outcome.state });
    }
    if (narrowing.length === 0) return;
    this.others = {
      reasons: [`node(s) didn't satisfy plugin(s) [${narrowing.sort().join(' ')}]`],
      resolvable: false,
    };
    for (const name of narrowing) this.rejectedBy.add(name);
  }

  /** Undefined: the pod can run there. */
  tryNode(node: NodeInfo): Rejection | undefined {
    const guests = this.#guestsOf(node);
    if (guests.length === 0) return this.#filter(node);
    for (const guest of guests) this.place(guest, node, 1);
    const withGuests = this.#filter(node);
    for (const guest of guests) this.place(guest, node, -1);
    return withGuests ?? this.#filter(node);
  }

  /** Tells node and plugins that a pod comes (1) or goes (-1); the caller undoes what it did. */
  place(other: PodInfo, node: NodeInfo, times: 1 | -1): void {
    if (times === 1) node.add(other);
    else node.remove(other.uid);
    for (const { plugin, state } of this.#filters) {
      plugin.adjust?.(state, this.pod, other, node, times, this.cluster);
    }
  }

  #filter(node: NodeInfo): Rejection | undefined {
    for (const { plugin, state } of this.#filters) {
      const rejection = plugin.filter?.(this.pod, node, state);
      if (!rejection) continue;
      this.rejectedBy.add(plugin.name);
      return rejection;
    }
    return undefined;
  }

  /** Those the node was promised to, and that matter at least as much. */
  #guestsOf(node: NodeInfo): readonly PodInfo[] {
    const nominated = this.cluster.nominated(node.name);
    if (nominated.length === 0) return nominated;
    return nominated.filter(
      ({ uid, priority }) => uid !== this.pod.uid && priority >= this.pod.priority && !node.pods.has(uid),
    );
  }
}
