/** Node selectors as functions: terms are alternatives, the requirements of one hold together (SC-6). */
import type { Pod } from 'gyre/kinds';

type NodeAffinity = NonNullable<NonNullable<Pod['spec']['affinity']>['nodeAffinity']>;
export type NodeSelector = NonNullable<NodeAffinity['requiredDuringSchedulingIgnoredDuringExecution']>;
export type NodeSelectorTerm = NodeSelector['nodeSelectorTerms'][number];
type Requirement = NonNullable<NodeSelectorTerm['matchExpressions']>[number];

export interface LabelledNode {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}
export type NodeMatcher = (node: LabelledNode) => boolean;

/** Without terms it matches nothing. */
export function nodeSelectorMatcher(selector: NodeSelector): NodeMatcher {
  const terms = selector.nodeSelectorTerms.map(nodeSelectorTermMatcher);
  return (node) => terms.some((matches) => matches(node));
}

/** A term that says nothing matches nothing. */
export function nodeSelectorTermMatcher(term: NodeSelectorTerm): NodeMatcher {
  const { matchExpressions = [], matchFields = [] } = term;
  if (matchExpressions.length === 0 && matchFields.length === 0) return () => false;
  const labels = matchExpressions.map((requirement) => ({ key: requirement.key, holds: test(requirement) }));
  const fields = matchFields.map((requirement) => ({ key: requirement.key, holds: test(requirement) }));
  return (node) => {
    for (const { key, holds } of labels) {
      if (!holds(Object.hasOwn(node.labels, key) ? node.labels[key] : undefined)) return false;
    }
    for (const { key, holds } of fields) {
      if (!holds(key === 'metadata.name' ? node.name : undefined)) return false;
    }
    return true;
  };
}

/** What a pod requires of its node: its node selector and its required node affinity. Undefined: nothing. */
export function requiredNodeMatcher(spec: Pod['spec']): NodeMatcher | undefined {
  const pairs = Object.entries(spec.nodeSelector ?? {});
  const required = spec.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (pairs.length === 0 && !required) return undefined;
  const inTerms = required && nodeSelectorMatcher(required);
  return (node) => {
    for (const [key, value] of pairs) {
      if (!Object.hasOwn(node.labels, key) || node.labels[key] !== value) return false;
    }
    return inTerms?.(node) ?? true;
  };
}

function test({ operator, values = [] }: Requirement): (value: string | undefined) => boolean {
  switch (operator) {
    case 'In':
      return (value) => value !== undefined && values.includes(value);
    case 'NotIn':
      return (value) => value === undefined || !values.includes(value);
    case 'Exists':
      return (value) => value !== undefined;
    case 'DoesNotExist':
      return (value) => value === undefined;
    case 'Gt':
    case 'Lt': {
      const bound = integer(values[0]);
      const greater = operator === 'Gt';
      return (value) => {
        const number = integer(value);
        if (number === undefined || bound === undefined) return false;
        return greater ? number > bound : number < bound;
      };
    }
    default:
      return () => false;
  }
}

function integer(text: string | undefined): bigint | undefined {
  return text !== undefined && /^[+-]?\d+$/.test(text) ? BigInt(text.replace('+', '')) : undefined;
}
