/**
 * What a scheduling plugin is, and what it may look at (SC-3).
 *
 * A plugin is plain data and functions over a pod, a node and the cluster as it is now; it performs no I/O
 * and keeps nothing between pods. What it works out once per pod is its state, handed back to it for every
 * node. A plugin that has nothing to say about a pod is skipped and costs nothing per node.
 */
import type { PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from 'gyre/kinds';
import type { NodeInfo } from './node-info.js';
import type { NamespaceLabels } from './pod-affinity-term.js';
import type { PodInfo } from './pod-info.js';

/** The highest score a plugin gives; the lowest is 0. */
export const maxScore = 100;

/** Why a node, or every node, will not do. */
export interface Rejection {
  /** In the words of Kubernetes. */
  readonly reasons: readonly string[];
  /** Whether fewer pods on the node could help: false is `UnschedulableAndUnresolvable` (SC-9). */
  readonly resolvable: boolean;
}

/** What else decides where pods may run. */
export interface Lookups {
  readonly claim: (key: string) => PersistentVolumeClaim | undefined;
  readonly volume: (name: string) => PersistentVolume | undefined;
  readonly storageClass: (name: string) => StorageClass | undefined;
  readonly namespaceLabels: NamespaceLabels;
}

export interface ClusterView extends Lookups {
  /** In an order that stays. */
  readonly nodes: readonly NodeInfo[];
  readonly node: (name: string) => NodeInfo | undefined;
  readonly nodesWithAffinity: Iterable<NodeInfo>;
  readonly nodesWithAntiAffinity: Iterable<NodeInfo>;
  /** The node a pod was promised (SC-9), by its UID. */
  readonly nominatedNode: (uid: string) => string | undefined;
  /** Pods that were promised this node and wait for room on it (SC-9). */
  readonly nominated: (node: string) => readonly PodInfo[];
}

export type PreFilterOutcome<S> =
  /** Nothing to say about this pod. */
  | 'skip'
  | {
      readonly state: S;
      /** No other node can do. */
      readonly only?: ReadonlySet<string>;
    }
  /** No node can do. */
  | { readonly rejection: Rejection };

/** Something that may make room for pods that found none. */
export type ClusterEvent =
  | { readonly type: 'NodeAdded' | 'NodeChanged'; readonly node: NodeInfo }
  | { readonly type: 'NodeDeleted'; readonly name: string }
  /** Of pods that have a node. */
  | { readonly type: 'PodAdded' | 'PodChanged' | 'PodDeleted'; readonly pod: PodInfo }
  | { readonly type: 'ClaimChanged'; readonly key: string }
  | { readonly type: 'VolumeChanged' | 'StorageClassChanged' | 'NamespaceChanged'; readonly name: string };

export interface Plugin<F = never, S = never> {
  readonly name: string;
  /** Once per pod, before any node is looked at. Plugins without it filter without a state. */
  preFilter?(pod: PodInfo, cluster: ClusterView): PreFilterOutcome<F>;
  /** Undefined: the node will do. */
  filter?(pod: PodInfo, node: NodeInfo, state: F): Rejection | undefined;
  /** The state as if `other` had come to the node (1) or left it (-1); the node itself has changed already. */
  adjust?(state: F, pod: PodInfo, other: PodInfo, node: NodeInfo, times: 1 | -1, cluster: ClusterView): void;

  /** How much the score counts. Default 1. */
  readonly weight?: number;
  /** Once per pod, for the nodes that will do; undefined: nothing to say. */
  preScore?(pod: PodInfo, feasible: readonly NodeInfo[], cluster: ClusterView): S | undefined;
  /** Any number, if `normalize` brings it to 0–100. */
  score?(pod: PodInfo, node: NodeInfo, state: S): number;
  /** Brings the scores of all feasible nodes to 0–100, in place. */
  normalize?(scores: Float64Array, state: S, feasible: readonly NodeInfo[]): void;

  /** True when the event may make a pod schedulable that this plugin rejected (SC-1). */
  wakesOn(event: ClusterEvent, pod: PodInfo, cluster: ClusterView): boolean;
}

/** A plugin whose states are its own affair. */
export type AnyPlugin = Plugin<unknown, unknown>;

/** Keeps the types of a plugin's states within it. */
export function plugin<F = undefined, S = undefined>(definition: Plugin<F, S>): AnyPlugin {
  return definition as unknown as AnyPlugin;
}

/** Scales to 0–100 of the highest; `reverse` where little is good. */
export function scaleToHighest(scores: Float64Array, reverse: boolean): void {
  let highest = 0;
  for (const score of scores) if (score > highest) highest = score;
  for (let i = 0; i < scores.length; i++) {
    const scaled = highest === 0 ? 0 : Math.trunc(((scores[i] as number) * maxScore) / highest);
    scores[i] = reverse ? maxScore - scaled : scaled;
  }
}

export function rejection(resolvable: boolean, ...reasons: readonly string[]): Rejection {
  return { reasons, resolvable };
}

/** A pod at its end takes nothing from its node any more, and is nobody's to schedule. */
export function isTerminal({ status }: Pod): boolean {
  return status?.phase === 'Succeeded' || status?.phase === 'Failed';
}
