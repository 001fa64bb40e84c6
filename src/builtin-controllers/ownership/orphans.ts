/**
 * Finding orphans by label: the children without a controller that a selector may want, and the owners that
 * may want an orphan.
 *
 * A child is found under each of its labels, an owner under one term of its selector. What is found is then
 * matched in full. So neither way lists a namespace: the work grows with those that share a label.
 */
import { type CacheReader, compileLabelSelector, controllerOf, type KindOf, type Predicate } from 'gyre';
import type { LabelSelector } from 'gyre/kinds/meta/v1';

/** Index of children without a controller: `namespace/key=value` for every label, and `namespace/`. */
export const orphanIndex = 'orphanLabel';
/** Index of owners: one term of their selector. */
export const selectorIndex = 'selectorTerm';

interface Labelled {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly { readonly controller?: boolean; readonly uid: string }[];
  };
}

/** The terms under which an orphan is found; none for an object that has a controller. */
export function orphanTerms({ metadata }: Labelled): string[] {
  if (metadata.ownerReferences?.some(({ controller }) => controller)) return [];
  return termsOf(metadata);
}

function termsOf({ namespace, labels }: Labelled['metadata']): string[] {
  return [
    `${namespace}/`,
    ...Object.entries(labels ?? {}).map(([key, value]) => `${namespace}/${key}=${value}`),
  ];
}

/** The label that tells the ReplicaSets of one Deployment apart: no label selects more narrowly. */
const hashLabel = 'pod-template-hash';

/** One term that everything the selector matches is found under. */
export function selectorTerm(namespace: string | undefined, selector: LabelSelector): string {
  const pairs = Object.entries(selector.matchLabels ?? {});
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    if (operator === 'In' && values?.length === 1) pairs.push([key, values[0] as string]);
  }
  const narrowest = pairs.find(([key]) => key === hashLabel) ?? pairs.sort(byKey)[0];
  return narrowest ? `${namespace}/${narrowest[0]}=${narrowest[1]}` : `${namespace}/`;
}

function byKey([a]: readonly [string, string], [b]: readonly [string, string]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The owners of a kind, indexed by `selectorTerm`, whose selector matches this orphan (RS-6). */
export function ownersWanting<O extends Labelled>(
  child: Labelled,
  kind: KindOf<O>,
  selectorOf: (owner: O) => LabelSelector,
  cache: CacheReader,
): { namespace: string; name: string }[] {
  if (controllerOf(child as never)) return [];
  return termsOf(child.metadata)
    .flatMap((term) => cache.by(kind, selectorIndex, term))
    .filter((owner) => compileLabelSelector(selectorOf(owner)).matches(child.metadata.labels))
    .map(({ metadata: { namespace = '', name } }) => ({ namespace, name }));
}

/**
 * True for an object that has become an orphan, or an orphan whose labels changed: only then may somebody
 * else want it (RS-6). One that is gone is wanted by nobody.
 */
export const orphanChanged: Predicate<Labelled> = ({ object, previous, deleted }) => {
  if (deleted || controllerOf(object as never)) return false;
  if (!previous || controllerOf(previous as never)) return true;
  const [now, before] = [orphanTerms(object), orphanTerms(previous)];
  return now.length !== before.length || now.some((term) => !before.includes(term));
};
