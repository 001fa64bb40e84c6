/**
 * Pods that want to be near others, or far from them (SC-6). Anti-affinity works both ways: a pod that is
 * there keeps those away that it does not want beside it.
 */
import { type ClusterView, maxScore, plugin, rejection } from '../framework.js';
import type { NodeInfo } from '../node-info.js';
import type { AffinityTerm } from '../pod-affinity-term.js';
import type { PodInfo } from '../pod-info.js';

const noAffinity = rejection(false, "node(s) didn't match pod affinity rules");
const antiAffinity = rejection(true, "node(s) didn't match pod anti-affinity rules");
const othersAntiAffinity = rejection(true, "node(s) didn't satisfy existing pods anti-affinity rules");

/** What the required affinity of a pod that is there counts for, where another is scored. */
const hardAffinityWeight = 1;

/** Numbers by topology key and the node's value of it. */
class ByDomain {
  readonly #keys = new Map<string, Map<string, number>>();

  add(key: string, { labels }: NodeInfo, amount: number): void {
    const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
    if (value === undefined) return;
    let values = this.#keys.get(key);
    if (!values) {
      values = new Map();
      this.#keys.set(key, values);
    }
    const sum = (values.get(value) ?? 0) + amount;
    if (sum !== 0) values.set(value, sum);
    else if (values.delete(value) && values.size === 0) this.#keys.delete(key);
  }

  at(key: string, { labels }: NodeInfo): number {
    const values = this.#keys.get(key);
    return values && Object.hasOwn(labels, key) ? (values.get(labels[key] as string) ?? 0) : 0;
  }

  /** The sum over all keys. */
  sumAt(node: NodeInfo): number {
    let sum = 0;
    for (const key of this.#keys.keys()) sum += this.at(key, node);
    return sum;
  }

  get isEmpty(): boolean {
    return this.#keys.size === 0;
  }
}

interface RequiredState {
  /** Pods there that match all of the pod's required affinity terms. */
  readonly wanted: ByDomain;
  /** Pods there that match one of its anti-affinity terms. */
  readonly unwanted: ByDomain;
  /** Anti-affinity terms of pods there that match the pod. */
  readonly unwelcome: ByDomain;
  readonly cluster: ClusterView;
}

const noTerms: readonly AffinityTerm[] = [];

export const interPodAffinity = plugin<RequiredState, ByDomain>({
  name: 'InterPodAffinity',
  weight: 2,
  preFilter(pod, cluster) {
    const state: RequiredState = {
      wanted: new ByDomain(),
      unwanted: new ByDomain(),
      unwelcome: new ByDomain(),
      cluster,
    };
    const { affinity = noTerms, antiAffinity: anti = noTerms } = pod.affinity ?? {};
    for (const node of cluster.nodesWithAntiAffinity) {
      for (const other of node.withAntiAffinity) countUnwelcome(state, pod, other, node, 1);
    }
    if (affinity.length === 0 && anti.length === 0) return state.unwelcome.isEmpty ? 'skip' : { state };
    for (const node of cluster.nodes) {
      for (const other of node.pods.values()) countWanted(state, pod, other, node, 1);
    }
    return { state };
  },
  filter(pod, node, { wanted, unwanted, unwelcome, cluster }) {
    const { affinity = noTerms, antiAffinity: anti = noTerms } = pod.affinity ?? {};
    if (affinity.length > 0 && !isNearWanted(pod, node, affinity, wanted, cluster)) return noAffinity;
    for (const { topologyKey } of anti) if (unwanted.at(topologyKey, node) > 0) return antiAffinity;
    return unwelcome.sumAt(node) > 0 ? othersAntiAffinity : undefined;
  },
  adjust(state, pod, other, node, times) {
    countUnwelcome(state, pod, other, node, times);
    countWanted(state, pod, other, node, times);
  },
  preScore(pod, _, cluster) {
    const { preferredAffinity = noTerms, preferredAntiAffinity = noTerms } = pod.affinity ?? {};
    const prefers = preferredAffinity.length > 0 || preferredAntiAffinity.length > 0;
    const scores = new ByDomain();
    const { namespaceLabels } = cluster;
    const count = (terms: readonly AffinityTerm[], of: PodInfo, node: NodeInfo, times: number): void => {
      for (const term of terms) {
        if (term.matches(of, namespaceLabels)) scores.add(term.topologyKey, node, times * term.weight);
      }
    };
    if (prefers) {
      for (const node of cluster.nodes) {
        for (const other of node.pods.values()) {
          count(preferredAffinity, other, node, 1);
          count(preferredAntiAffinity, other, node, -1);
        }
      }
    }
    for (const node of cluster.nodesWithAffinity) {
      for (const { affinity: terms } of node.withAffinity) {
        if (!terms) continue;
        count(terms.affinity, pod, node, hardAffinityWeight);
        count(terms.preferredAffinity, pod, node, 1);
        count(terms.preferredAntiAffinity, pod, node, -1);
      }
    }
    return scores.isEmpty ? undefined : scores;
  },
  score: (_, node, scores) => scores.sumAt(node),
  normalize(scores) {
    let [lowest, highest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const score of scores) {
      lowest = Math.min(lowest, score);
      highest = Math.max(highest, score);
    }
    const range = highest - lowest;
    for (let i = 0; i < scores.length; i++) {
      scores[i] = range === 0 ? 0 : Math.trunc((maxScore * ((scores[i] as number) - lowest)) / range);
    }
  },
  wakesOn(event) {
    switch (event.type) {
      case 'NodeAdded':
      case 'NodeChanged':
      case 'PodAdded':
      case 'PodChanged':
      case 'PodDeleted':
      case 'NamespaceChanged':
        return true;
      default:
        return false;
    }
  },
});

function countUnwelcome(
  { unwelcome, cluster }: RequiredState,
  pod: PodInfo,
  other: PodInfo,
  node: NodeInfo,
  times: number,
): void {
  for (const term of other.affinity?.antiAffinity ?? noTerms) {
    if (term.matches(pod, cluster.namespaceLabels)) unwelcome.add(term.topologyKey, node, times);
  }
}

function countWanted(
  { wanted, unwanted, cluster }: RequiredState,
  pod: PodInfo,
  other: PodInfo,
  node: NodeInfo,
  times: number,
): void {
  const { affinity = noTerms, antiAffinity: anti = noTerms } = pod.affinity ?? {};
  if (affinity.length > 0 && matchesAll(affinity, other, cluster)) {
    for (const { topologyKey } of affinity) wanted.add(topologyKey, node, times);
  }
  for (const term of anti) {
    if (term.matches(other, cluster.namespaceLabels)) unwanted.add(term.topologyKey, node, times);
  }
}

/**
 * The first pod of a group that wants to be near its like may go anywhere that has the topology: otherwise
 * none could ever start.
 */
function isNearWanted(
  pod: PodInfo,
  node: NodeInfo,
  terms: readonly AffinityTerm[],
  wanted: ByDomain,
  cluster: ClusterView,
): boolean {
  let near = true;
  for (const { topologyKey } of terms) {
    if (!Object.hasOwn(node.labels, topologyKey)) return false;
    if (wanted.at(topologyKey, node) <= 0) near = false;
  }
  return near || (wanted.isEmpty && matchesAll(terms, pod, cluster));
}

function matchesAll(terms: readonly AffinityTerm[], pod: PodInfo, { namespaceLabels }: ClusterView): boolean {
  return terms.every((term) => term.matches(pod, namespaceLabels));
}
