/** Node selector and node affinity: required terms filter, preferred ones score (SC-6). */
import { plugin, rejection, scaleToHighest } from '../framework.js';
import {
  type NodeMatcher,
  type NodeSelectorTerm,
  nodeSelectorTermMatcher,
  requiredNodeMatcher,
} from '../node-selector.js';
import type { PodInfo } from '../pod-info.js';

const noMatch = rejection(false, "node(s) didn't match Pod's node affinity/selector");
const conflict = rejection(false, 'pod affinity terms conflict');

interface Preferred {
  readonly weight: number;
  readonly matches: NodeMatcher;
}

export const nodeAffinity = plugin<NodeMatcher, readonly Preferred[]>({
  name: 'NodeAffinity',
  weight: 2,
  preFilter({ pod }) {
    const matcher = requiredNodeMatcher(pod.spec);
    if (!matcher) return 'skip';
    const only = namedNodes(pod.spec);
    if (only?.size === 0) return { rejection: conflict };
    return only ? { state: matcher, only } : { state: matcher };
  },
  filter: (_, node, matches) => (matches(node) ? undefined : noMatch),
  preScore({ pod }) {
    const terms = pod.spec.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    if (terms.length === 0) return undefined;
    return terms.map(({ weight, preference }) => ({ weight, matches: preferenceMatcher(preference) }));
  },
  score(_, node, preferred) {
    let sum = 0;
    for (const { weight, matches } of preferred) if (matches(node)) sum += weight;
    return sum;
  },
  normalize: (scores) => scaleToHighest(scores, false),
  wakesOn: (event, { pod }) =>
    (event.type === 'NodeAdded' || event.type === 'NodeChanged') &&
    (requiredNodeMatcher(pod.spec)?.(event.node) ?? true),
});

/** An empty preference prefers every node alike, which is as good as none. */
function preferenceMatcher(preference: NodeSelectorTerm): NodeMatcher {
  return nodeSelectorTermMatcher(preference);
}

/** The nodes that required terms name through `matchFields`; undefined when some term leaves them open. */
function namedNodes(spec: PodInfo['pod']['spec']): ReadonlySet<string> | undefined {
  const terms =
    spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms ?? [];
  if (terms.length === 0) return undefined;
  const named = new Set<string>();
  for (const { matchFields = [] } of terms) {
    let ofTerm: ReadonlySet<string> | undefined;
    for (const { key, operator, values = [] } of matchFields) {
      if (key !== 'metadata.name' || operator !== 'In') continue;
      ofTerm = new Set<string>(values.filter((name) => ofTerm?.has(name) ?? true));
    }
    if (!ofTerm) return undefined;
    for (const name of ofTerm) named.add(name);
  }
  return named;
}
