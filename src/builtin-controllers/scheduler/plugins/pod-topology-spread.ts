/**
 * Spreads pods that are alike over the domains of a topology (SC-6): DoNotSchedule filters, ScheduleAnyway
 * scores.
 *
 * A pod without constraints of its own is spread softly by the defaults of Kubernetes (hostname, skew 3;
 * zone, skew 5) among the pods of its controller. Kubernetes also takes the selectors of Services; the
 * controller alone is what this scheduler asks.
 */
import { compileLabelSelector } from 'gyre';
import type { Pod } from 'gyre/kinds';
import { type ClusterView, maxScore, plugin, rejection } from '../framework.js';
import type { NodeInfo } from '../node-info.js';
import { type NodeMatcher, requiredNodeMatcher } from '../node-selector.js';
import { withLabelKeys } from '../pod-affinity-term.js';
import type { PodInfo } from '../pod-info.js';
import { type Toleration, untolerated } from '../tolerations.js';

const hostname = 'kubernetes.io/hostname';
const zone = 'topology.kubernetes.io/zone';

const skewed = rejection(true, "node(s) didn't match pod topology spread constraints");
const unlabelled = rejection(
  false,
  "node(s) didn't match pod topology spread constraints (missing required label)",
);

type SpecConstraint = NonNullable<Pod['spec']['topologySpreadConstraints']>[number];

interface Constraint {
  readonly topologyKey: string;
  readonly maxSkew: number;
  readonly minDomains: number;
  /** Whether the node's pods count. */
  readonly includes: (node: NodeInfo) => boolean;
  readonly matches: (pod: PodInfo) => boolean;
  readonly countOn: (node: NodeInfo) => number;
}

/** Pods by domain, for one constraint. */
interface Counted extends Constraint {
  readonly domains: Map<string, number>;
}

interface ScoreState {
  readonly constraints: readonly (Counted & { readonly weight: number })[];
  /** Nodes without a domain for some constraint: they score nothing. */
  readonly ignored: ReadonlySet<NodeInfo>;
}

export const podTopologySpread = plugin<readonly Counted[], ScoreState>({
  name: 'PodTopologySpread',
  weight: 2,
  preFilter(pod, { nodes }) {
    const constraints = constraintsOf(pod, 'DoNotSchedule');
    if (constraints.length === 0) return 'skip';
    const counted = constraints.map((constraint) => ({ ...constraint, domains: new Map<string, number>() }));
    for (const node of nodes) {
      if (!hasAll(node, counted)) continue;
      for (const constraint of counted) {
        if (!constraint.includes(node)) continue;
        const domain = node.labels[constraint.topologyKey] as string;
        constraint.domains.set(domain, (constraint.domains.get(domain) ?? 0) + constraint.countOn(node));
      }
    }
    return { state: counted };
  },
  filter(pod, node, constraints) {
    for (const constraint of constraints) {
      const { topologyKey, domains, maxSkew, minDomains } = constraint;
      const domain = label(node, topologyKey);
      if (domain === undefined) return unlabelled;
      let fewest = Number.POSITIVE_INFINITY;
      for (const count of domains.values()) if (count < fewest) fewest = count;
      if (domains.size < minDomains) fewest = 0;
      if (domains.size === 0) continue;
      const self = constraint.matches(pod) ? 1 : 0;
      if ((domains.get(domain) ?? 0) + self - fewest > maxSkew) return skewed;
    }
    return undefined;
  },
  adjust(constraints, pod, other, node, times) {
    if (other.namespace !== pod.namespace || other.terminating || !hasAll(node, constraints)) return;
    for (const { topologyKey, domains, includes, matches } of constraints) {
      if (!includes(node) || !matches(other)) continue;
      const domain = node.labels[topologyKey] as string;
      domains.set(domain, (domains.get(domain) ?? 0) + times);
    }
  },
  preScore(pod, feasible, cluster) {
    const own = pod.pod.spec.topologySpreadConstraints ?? [];
    const constraints = own.length > 0 ? constraintsOf(pod, 'ScheduleAnyway') : defaultsOf(pod);
    if (constraints.length === 0) return undefined;
    return scoreState(constraints, own.length > 0, feasible, cluster);
  },
  score(_, node, { constraints, ignored }) {
    if (ignored.has(node)) return 0;
    let sum = 0;
    for (const { topologyKey, domains, maxSkew, weight, countOn } of constraints) {
      const domain = label(node, topologyKey);
      if (domain === undefined) continue;
      const count = topologyKey === hostname ? countOn(node) : (domains.get(domain) ?? 0);
      sum += count * weight + (maxSkew - 1);
    }
    return Math.round(sum);
  },
  normalize(scores, { ignored }, feasible) {
    let [lowest, highest] = [Number.POSITIVE_INFINITY, 0];
    for (let i = 0; i < scores.length; i++) {
      if (ignored.has(feasible[i] as NodeInfo)) continue;
      lowest = Math.min(lowest, scores[i] as number);
      highest = Math.max(highest, scores[i] as number);
    }
    for (let i = 0; i < scores.length; i++) {
      if (ignored.has(feasible[i] as NodeInfo)) scores[i] = 0;
      else if (highest === 0) scores[i] = maxScore;
      else scores[i] = Math.trunc((maxScore * (highest + lowest - (scores[i] as number))) / highest);
    }
  },
  wakesOn(event, { namespace }) {
    switch (event.type) {
      case 'NodeAdded':
      case 'NodeChanged':
      case 'NodeDeleted':
        return true;
      case 'PodAdded':
      case 'PodChanged':
      case 'PodDeleted':
        return event.pod.namespace === namespace;
      default:
        return false;
    }
  },
});

function constraintsOf(pod: PodInfo, when: SpecConstraint['whenUnsatisfiable']): Constraint[] {
  const wanted = (pod.pod.spec.topologySpreadConstraints ?? []).filter(
    ({ whenUnsatisfiable }) => whenUnsatisfiable === when,
  );
  if (wanted.length === 0) return [];
  const required = requiredNodeMatcher(pod.pod.spec);
  const tolerations = pod.pod.spec.tolerations ?? [];
  return wanted.map((constraint) => {
    const { topologyKey, maxSkew, minDomains = 1, labelSelector, matchLabelKeys } = constraint;
    const selector =
      labelSelector && compileLabelSelector(withLabelKeys(labelSelector, pod.pod, matchLabelKeys) as never);
    const matches = ({ labels }: PodInfo): boolean => selector?.matches(labels) ?? false;
    return {
      topologyKey,
      maxSkew,
      minDomains,
      includes: inclusion(constraint, required, tolerations),
      matches,
      countOn(node) {
        let count = 0;
        for (const other of node.pods.values()) {
          if (other.namespace === pod.namespace && !other.terminating && matches(other)) count++;
        }
        return count;
      },
    };
  });
}

function defaultsOf({ owner }: PodInfo): Constraint[] {
  if (owner === undefined) return [];
  const common = {
    minDomains: 1,
    includes: () => true,
    matches: (other: PodInfo) => other.owner === owner,
    countOn: ({ owners }: NodeInfo) => owners.get(owner) ?? 0,
  };
  return [
    { topologyKey: hostname, maxSkew: 3, ...common },
    { topologyKey: zone, maxSkew: 5, ...common },
  ];
}

/** By default the nodes that the pod's own affinity rules out do not count, and tainted ones do. */
function inclusion(
  { nodeAffinityPolicy = 'Honor', nodeTaintsPolicy = 'Ignore' }: SpecConstraint,
  required: NodeMatcher | undefined,
  tolerations: readonly Toleration[],
): (node: NodeInfo) => boolean {
  return (node) => {
    if (nodeAffinityPolicy === 'Honor' && required && !required(node)) return false;
    return nodeTaintsPolicy === 'Ignore' || untolerated(tolerations, node.hardTaints) === undefined;
  };
}

function scoreState(
  constraints: readonly Constraint[],
  needsAll: boolean,
  feasible: readonly NodeInfo[],
  { nodes }: ClusterView,
): ScoreState {
  const counted = constraints.map((constraint) => ({ ...constraint, domains: new Map<string, number>() }));
  const ignored = new Set<NodeInfo>();
  for (const node of feasible) {
    if (needsAll && !hasAll(node, counted)) {
      ignored.add(node);
      continue;
    }
    for (const { topologyKey, domains } of counted) {
      const domain = label(node, topologyKey);
      // Hosts are counted one by one, when they are scored.
      if (domain !== undefined && topologyKey !== hostname) domains.set(domain, 0);
    }
  }
  if (counted.some(({ domains }) => domains.size > 0)) {
    for (const node of nodes) {
      if (needsAll && !hasAll(node, counted)) continue;
      for (const { topologyKey, domains, includes, countOn } of counted) {
        const domain = topologyKey === hostname ? undefined : label(node, topologyKey);
        const count = domain === undefined ? undefined : domains.get(domain);
        if (domain === undefined || count === undefined || !includes(node)) continue;
        domains.set(domain, count + countOn(node));
      }
    }
  }
  return {
    ignored,
    constraints: counted.map((constraint) => {
      const { topologyKey, domains } = constraint;
      const size = topologyKey === hostname ? feasible.length - ignored.size : domains.size;
      // The more domains there are, the more one pod in one of them matters.
      return { ...constraint, weight: Math.log(size + 2) };
    }),
  };
}

function hasAll(node: NodeInfo, constraints: readonly Constraint[]): boolean {
  return constraints.every(({ topologyKey }) => label(node, topologyKey) !== undefined);
}

function label({ labels }: NodeInfo, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
