/** What is in a namespace that is ending: one pass over every kind of object it can hold (NS-1). */
import { isApiError, isNotFound, type Kind, type KubernetesObject } from 'gyre';
import type { Client, Discovery } from 'gyre/client';

/** What one pass found. */
export interface Content {
  /** Objects that are still there, by resource as messages name it: `pods.`, `deployments.apps`. */
  readonly remaining: ReadonlyMap<string, number>;
  /** How many of them each finalizer holds. */
  readonly finalizers: ReadonlyMap<string, number>;
  /** The longest time, in seconds, that something was granted to end. */
  readonly graceSeconds: number;
  /** What could not be deleted or looked at. */
  readonly failures: readonly string[];
}

/** Deletes everything in the namespace that can be deleted, and tells what stays. */
export async function deleteContent(
  client: Client,
  namespace: string,
  { resources }: Pick<Discovery, 'resources'>,
): Promise<Content> {
  const remaining = new Map<string, number>();
  const finalizers = new Map<string, number>();
  const failures: string[] = [];
  let graceSeconds = 0;
  for (const { kind, verbs, preferred } of resources) {
    const can = (verb: string): boolean => verbs.includes(verb);
    if (!preferred || kind.scope !== 'Namespaced' || !can('delete') || !can('list')) continue;
    try {
      for (const { metadata } of await deleteAll(client, kind, namespace, can('deletecollection'))) {
        const resource = `${kind.plural}.${kind.group}`;
        remaining.set(resource, (remaining.get(resource) ?? 0) + 1);
        for (const finalizer of metadata.finalizers ?? [])
          finalizers.set(finalizer, (finalizers.get(finalizer) ?? 0) + 1);
        graceSeconds = Math.max(graceSeconds, metadata.deletionGracePeriodSeconds ?? 0);
      }
    } catch (error) {
      // Its definition went meanwhile, and its objects with it; or it is a view of something else.
      if (isNotFound(error) || isApiError(error, 'MethodNotAllowed')) continue;
      failures.push((error as Error).message);
    }
  }
  return { remaining, finalizers, graceSeconds, failures };
}

/** Deletes all objects of a kind; gives those that are still there. */
async function deleteAll(
  client: Client,
  kind: Kind<KubernetesObject>,
  namespace: string,
  together: boolean,
): Promise<readonly KubernetesObject[]> {
  const before = await all(client, kind, namespace);
  if (before.length === 0) return before;
  const propagationPolicy = 'Background';
  if (together) await client.deleteCollection(kind, { namespace, propagationPolicy });
  else {
    for (const { metadata } of before) {
      try {
        await client.delete(kind, { namespace, name: metadata.name }, { propagationPolicy });
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
    }
  }
  return all(client, kind, namespace);
}

async function all(
  client: Client,
  kind: Kind<KubernetesObject>,
  namespace: string,
): Promise<KubernetesObject[]> {
  const found: KubernetesObject[] = [];
  for await (const object of client.with({ metadataOnly: true }).list(kind, { namespace }))
    found.push(object);
  return found;
}
