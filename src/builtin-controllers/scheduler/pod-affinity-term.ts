/** One term of pod affinity or anti-affinity, read once. */
import { compileLabelSelector } from 'gyre';
import type { Pod } from 'gyre/kinds';

type Affinity = NonNullable<Pod['spec']['affinity']>;
type PodAffinity = NonNullable<Affinity['podAffinity']>;
type Term = NonNullable<PodAffinity['requiredDuringSchedulingIgnoredDuringExecution']>[number];
type Labels = Readonly<Record<string, string>>;

interface Labelled {
  readonly namespace: string;
  readonly labels: Labels;
}

/** The labels of a namespace; undefined for one that is not known. */
export type NamespaceLabels = (namespace: string) => Labels | undefined;

export interface AffinityTerm {
  readonly topologyKey: string;
  /** 1–100 for preferred terms, 1 for required ones. */
  readonly weight: number;
  /** True for a pod this term speaks of. */
  matches(pod: Labelled, namespaceLabels: NamespaceLabels): boolean;
}

export interface AffinityTerms {
  readonly affinity: readonly AffinityTerm[];
  readonly antiAffinity: readonly AffinityTerm[];
  readonly preferredAffinity: readonly AffinityTerm[];
  readonly preferredAntiAffinity: readonly AffinityTerm[];
}

/** The terms of a pod; undefined where it has none. */
export function affinityTermsOf(pod: Pod): AffinityTerms | undefined {
  const { podAffinity, podAntiAffinity } = pod.spec.affinity ?? {};
  if (!podAffinity && !podAntiAffinity) return undefined;
  const required = (terms: readonly Term[] = []) => terms.map((term) => compile(pod, term, 1));
  const preferred = (
    terms: PodAffinity['preferredDuringSchedulingIgnoredDuringExecution'] = [],
  ): AffinityTerm[] => terms.map(({ podAffinityTerm, weight }) => compile(pod, podAffinityTerm, weight));
  return {
    affinity: required(podAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    antiAffinity: required(podAntiAffinity?.requiredDuringSchedulingIgnoredDuringExecution),
    preferredAffinity: preferred(podAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
    preferredAntiAffinity: preferred(podAntiAffinity?.preferredDuringSchedulingIgnoredDuringExecution),
  };
}

function compile(pod: Pod, term: Term, weight: number): AffinityTerm {
  const { topologyKey, labelSelector, namespaceSelector } = term;
  const own = term.namespaces?.length || namespaceSelector ? [] : [pod.metadata.namespace ?? ''];
  const namespaces = new Set([...(term.namespaces ?? []), ...own]);
  const inNamespaces = namespaceSelector && compileLabelSelector(namespaceSelector as never);
  // An absent selector matches nothing.
  const selector =
    labelSelector &&
    compileLabelSelector(
      withLabelKeys(labelSelector, pod, term.matchLabelKeys, term.mismatchLabelKeys) as never,
    );
  return {
    topologyKey,
    weight,
    matches({ namespace, labels }, namespaceLabels) {
      if (!selector?.matches(labels)) return false;
      if (namespaces.has(namespace)) return true;
      return inNamespaces?.matches(namespaceLabels(namespace) ?? {}) ?? false;
    },
  };
}

type Selector = NonNullable<Term['labelSelector']>;

/** A selector that also wants the pod's own values of some labels, and others than its own of others. */
export function withLabelKeys(
  selector: Selector,
  pod: Pod,
  same: readonly string[] = [],
  different: readonly string[] = [],
): Selector {
  if (same.length === 0 && different.length === 0) return selector;
  const labels = pod.metadata.labels ?? {};
  const about = (keys: readonly string[], operator: 'In' | 'NotIn') =>
    keys
      .filter((key) => Object.hasOwn(labels, key))
      .map((key) => ({ key, operator, values: [labels[key] as string] }));
  return {
    ...selector,
    matchExpressions: [
      ...(selector.matchExpressions ?? []),
      ...about(same, 'In'),
      ...about(different, 'NotIn'),
    ],
  };
}
