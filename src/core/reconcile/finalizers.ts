/**
 * Finalizers: cleaning up outside the cluster before an object goes.
 *
 * Guarantees: reconcile runs only after all finalizers are stored, so nothing is made that nobody would
 * clean up; a finalizer is removed only after its cleanup returned without asking to run again, never
 * after a throw; a cleanup may run more than once, and runs until it succeeded once; finalizers of others
 * are never touched.
 *
 * Assumption: nobody removes the finalizer by hand. Caveat: while the object is being deleted, reconcile
 * does not run as long as one of its own finalizers is there.
 */
import type { KindOf } from '../../api/index.js';
import type { Client } from '../../client/index.js';
import type { Context, ReconcileResult } from './context.js';
import type { CleanupDefinition } from '../controller/definition.js';
import { done, type Result } from './result.js';

interface Finalizable {
  readonly metadata: { readonly finalizers?: readonly string[]; readonly deletionTimestamp?: string };
}

/** The object with every finalizer stored; one write at most, none when they are there. */
export async function ensureFinalizers<T>(
  client: Client,
  kind: KindOf<T>,
  object: T,
  cleanups: readonly CleanupDefinition<T>[],
): Promise<T> {
  const present = (object as Finalizable).metadata.finalizers ?? [];
  const missing = cleanups.map((c) => c.finalizer).filter((name) => !present.includes(name));
  if (missing.length === 0) return object;
  return client.patch(kind, object as NoInfer<T>, (draft) => {
    const { metadata } = draft as { metadata: { finalizers?: string[] } };
    metadata.finalizers = [...present, ...missing];
  });
}

/** Runs the cleanups that are still due, in declared order, each removing its finalizer when it is through. */
export async function runCleanups<T>(
  client: Client,
  kind: KindOf<T>,
  object: T,
  cleanups: readonly CleanupDefinition<T>[],
  context: Context<T>,
): Promise<Result> {
  let current = object;
  for (const { finalizer, cleanup } of cleanups) {
    const present = (current as Finalizable).metadata.finalizers ?? [];
    if (!present.includes(finalizer)) continue;
    const result: ReconcileResult = await cleanup(current, context);
    if (result && result.requeueAfterMs !== undefined) return result;
    await context.flush();
    current = await release(client, kind, current, finalizer);
  }
  return done;
}

/** Removes one finalizer. The status may just have been written, so the version is read anew. */
async function release<T>(client: Client, kind: KindOf<T>, object: T, finalizer: string): Promise<T> {
  const { metadata } = object as { metadata: { name: string; namespace?: string; uid: string } };
  const key = (
    kind.scope === 'Namespaced'
      ? { namespace: metadata.namespace, name: metadata.name }
      : { name: metadata.name }
  ) as never;
  const latest = await client.find(kind, key);
  if (
    latest === undefined ||
    (latest as typeof object & { metadata: { uid: string } }).metadata.uid !== metadata.uid
  )
    return object;
  return client.patch(kind, latest as NoInfer<T>, (draft) => {
    const draftMeta = (draft as { metadata: { finalizers?: string[] } }).metadata;
    draftMeta.finalizers = (draftMeta.finalizers ?? []).filter((name) => name !== finalizer);
  });
}
