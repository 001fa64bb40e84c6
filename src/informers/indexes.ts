/** Index functions that many want. Give them to `addIndex`, `@Index` or the builder's `index`. */
import type { CacheObject, IndexFn } from './informer.js';

interface Owned {
  readonly metadata: { readonly ownerReferences?: readonly { readonly uid: string }[] };
}

/** By the UIDs of all owners, controllers or not. */
export const byOwnerUid: IndexFn<unknown> = (object) =>
  ((object as Owned).metadata.ownerReferences ?? []).map(({ uid }) => uid);

/** By the value of one label. */
export function byLabel(name: string): IndexFn<unknown> {
  return (object) => {
    const { labels = {} } = (object as CacheObject).metadata;
    return Object.hasOwn(labels, name) ? [labels[name] as string] : [];
  };
}

/**
 * By the value of a field, `spec.nodeName`. Where the path meets a list every item counts:
 * `spec.volumes.persistentVolumeClaim.claimName`. Scalars only.
 */
export function byField(path: string): IndexFn<unknown> {
  const steps = path.split('.');
  return (object) => [...new Set(valuesAt(object, steps, 0))];
}

function valuesAt(at: unknown, steps: readonly string[], depth: number): string[] {
  if (Array.isArray(at)) return at.flatMap((item) => valuesAt(item, steps, depth));
  if (depth === steps.length) return typeof at === 'object' || at === undefined ? [] : [String(at)];
  const step = steps[depth] as string;
  if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return [];
  return valuesAt((at as Record<string, unknown>)[step], steps, depth + 1);
}
