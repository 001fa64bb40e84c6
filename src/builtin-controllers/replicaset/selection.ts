/**
 * Who may want a pod that nobody owns, and the other way round, found through indexes: a pod under each of its
 * labels while it is an orphan, an owner under one pair of its selector.
 */
import { type CacheReader, controllerOf, type NamespacedName } from 'gyre';
import { Pod, type ReplicaSet, type ReplicationController } from 'gyre/kinds';
import { isActive } from './pod-state.js';
import { type ReplicasOwner, selectorKey } from './replicas.js';

/** Index of Pods: orphans, under `namespace` and under `namespace/key=value` for each label. */
export const orphanIndex = 'orphan';
/** Index of owners: `namespace/key=value` of one pair of the selector, or `namespace` without one. */
export const selectorIndex = 'selector';

export function orphanKeys(pod: Pod): string[] {
  const { namespace = '', labels = {} } = pod.metadata;
  if (controllerOf(pod) || !isActive(pod)) return [];
  return [namespace, ...Object.entries(labels).map(([key, value]) => `${namespace}/${key}=${value}`)];
}

export function replicaSetSelector({ metadata: { namespace = '' }, spec }: ReplicaSet): string[] {
  return [selectorKey(namespace, spec?.selector.matchLabels)];
}

export function replicationControllerSelector({
  metadata: { namespace = '' },
  spec,
}: ReplicationController): string[] {
  return [selectorKey(namespace, spec?.selector)];
}

/** Orphans that it may select; the selector itself has the last word. */
export function orphansFor(owner: ReplicasOwner, cache: CacheReader): readonly Pod[] {
  if (!owner.selects) return [];
  return cache.by(Pod, orphanIndex, owner.selectorKey);
}

/** The keys of owners of one kind that a change of this pod concerns (RS-6). */
export function ownersOf<T extends { readonly metadata: Pod['metadata'] }>(
  pod: Pod,
  kind: string,
  candidates: (key: string) => readonly T[],
  owner: (candidate: T) => ReplicasOwner,
): NamespacedName[] {
  const { namespace = '' } = pod.metadata;
  const controller = controllerOf(pod);
  if (controller) return controller.kind === kind ? [{ namespace, name: controller.name }] : [];
  const found = new Map<string, NamespacedName>();
  for (const key of orphanKeys(pod)) {
    for (const candidate of candidates(key)) {
      const { name } = candidate.metadata;
      if (!found.has(name) && owner(candidate).selects?.(pod)) found.set(name, { namespace, name });
    }
  }
  return [...found.values()];
}
