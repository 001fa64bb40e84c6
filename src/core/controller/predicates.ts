/** Which changes matter. Compose with `any`, `all` and `not`. */
import { deepEqualJson } from '../../api/index.js';
import type { Predicate } from './definition.js';

interface Meta {
  readonly generation?: number;
  readonly resourceVersion?: string;
  readonly labels?: object;
  readonly annotations?: object;
  readonly finalizers?: readonly string[];
  readonly deletionTimestamp?: string;
}

function meta(object: unknown): Meta {
  return (object as { metadata?: Meta } | undefined)?.metadata ?? {};
}

/** True for creates and deletes, and for updates that change what `read` reads. */
function changed(read: (m: Meta) => unknown): Predicate<unknown> {
  return ({ object, previous, deleted }) =>
    deleted || previous === undefined || !deepEqualJson(read(meta(object)), read(meta(previous)));
}

/** The spec changed; always true for kinds that do not count generations. */
export const generationChanged: Predicate<unknown> = (change) => {
  const { generation } = meta(change.object);
  return generation === undefined ? resourceVersionChanged(change) : changed((m) => m.generation)(change);
};
export const resourceVersionChanged: Predicate<unknown> = changed((m) => m.resourceVersion);
export const labelsChanged: Predicate<unknown> = changed((m) => m.labels ?? {});
export const annotationsChanged: Predicate<unknown> = changed((m) => m.annotations ?? {});
export const finalizersChanged: Predicate<unknown> = changed((m) => m.finalizers ?? []);
export const deletionChanged: Predicate<unknown> = changed((m) => m.deletionTimestamp);

export function any<T>(...predicates: readonly Predicate<T>[]): Predicate<T> {
  return (change) => predicates.some((predicate) => predicate(change));
}
export function all<T>(...predicates: readonly Predicate<T>[]): Predicate<T> {
  return (change) => predicates.every((predicate) => predicate(change));
}
/** Deletes always matter, whatever is negated. */
export function not<T>(predicate: Predicate<T>): Predicate<T> {
  return (change) => change.deleted || !predicate(change);
}

/**
 * What wakes the primary unless a controller says otherwise: its spec, labels, annotations, finalizers or
 * deletion. Status writes, its own above all, do not.
 */
export const defaultPredicate: Predicate<unknown> = any(
  generationChanged,
  labelsChanged,
  annotationsChanged,
  finalizersChanged,
  deletionChanged,
);
