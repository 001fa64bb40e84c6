/**
 * Empties a namespace that is being deleted, and then lets it go (NS-1).
 *
 * Guarantees: everything that the API can delete in it is deleted, custom objects included; nothing is
 * forced: objects that finalizers or their grace period hold are waited for, and the namespace's conditions
 * say which; it goes only when a pass over every kind found nothing and nothing failed.
 */
import {
  type CacheReader,
  type Condition,
  type Context,
  Controller,
  deletionChanged,
  done,
  type Draft,
  requeueAfter,
  type Result,
  setCondition,
  timestamp,
  Watches,
} from 'gyre';
import { type Client, type Discovery, discover } from 'gyre/client';
import { Namespace, Pod } from 'gyre/kinds';
import { estimatedSeconds, findingsOf } from './conditions.js';
import { type Content, deleteContent } from './content.js';

/** What this controller holds a namespace with, in `spec.finalizers`. */
const finalizer = 'kubernetes';

/** Index of Pods: their namespace. */
const namespaceIndex = 'namespace';

/**
 * Pods are what takes time to end. When the last one of a namespace has ended, the rest may go at once: this spares
 * the wait for the estimate.
 */
function endedWith(pod: Pod, cache: CacheReader): string[] {
  const { namespace = '' } = pod.metadata;
  const ending = cache.get(Namespace, namespace)?.metadata.deletionTimestamp !== undefined;
  return ending && cache.by(Pod, namespaceIndex, namespace).length === 0 ? [namespace] : [];
}

@Controller(Namespace, { name: 'namespace-controller', maxConcurrent: 10, predicate: deletionChanged })
@Watches(Pod, {
  map: endedWith,
  predicate: ({ deleted }) => deleted,
  indexes: { [namespaceIndex]: ({ metadata }) => [metadata.namespace ?? ''] },
})
export class NamespaceController {
  /**
   * What the server serves, by the UID of the namespace that is emptied: asked once the deletion has begun,
   * since nothing new comes into the namespace from then on.
   */
  readonly #discovered = new Map<string, Discovery>();

  async reconcile(cached: Namespace, ctx: Context<Namespace>): Promise<Result> {
    const { name, uid } = cached.metadata;
    if (cached.metadata.deletionTimestamp === undefined) return done;
    const namespace = await ctx.client.find(Namespace, name);
    if (!namespace || namespace.metadata.uid !== uid || !isHeld(namespace)) {
      this.#discovered.delete(uid);
      return done;
    }
    const discovery = await this.#discover(uid, ctx);
    const content = await deleteContent(ctx.client, name, discovery);
    const seconds = estimatedSeconds(content);
    const failed = discovery.failures.size > 0 || content.failures.length > 0;
    const complete = seconds === undefined && !failed;
    // Nobody reads the conditions of a namespace that goes right now.
    if (!complete || namespace.status?.conditions) report(content, discovery, ctx);
    if (failed) throw new Error(`namespace ${name} is not empty: ${failureText(content, discovery)}`);
    if (seconds !== undefined) return requeueAfter((seconds / 2 + 1) * 1000);
    await ctx.flush();
    await release(ctx.client, name, uid);
    this.#discovered.delete(uid);
    return done;
  }

  async #discover(uid: string, { client, signal }: Context<Namespace>): Promise<Discovery> {
    const known = this.#discovered.get(uid);
    if (known) return known;
    const discovery = await discover(client, { signal });
    // What failed is asked again in the next pass.
    if (discovery.failures.size === 0) this.#discovered.set(uid, discovery);
    return discovery;
  }
}

function isHeld({ metadata, spec }: Namespace): boolean {
  return metadata.deletionTimestamp !== undefined && (spec?.finalizers ?? []).includes(finalizer);
}

function report(content: Content, { failures }: Discovery, ctx: Context<Namespace>): void {
  // An API server that does not say so itself is helped.
  ctx.status.phase = 'Terminating';
  let conditions = (ctx.status.conditions ?? []) as Condition[];
  for (const finding of findingsOf(content, failures))
    conditions = setCondition(conditions, finding, timestamp(ctx.clock));
  ctx.status.conditions = conditions as Draft<Condition>[];
}

function failureText({ failures }: Content, discovery: Discovery): string {
  return [...discovery.failures.keys(), ...failures].join(', ');
}

/** Takes our finalizer away; without others, in spec or metadata, the namespace goes with it. */
async function release(client: Client, name: string, uid: string): Promise<void> {
  const namespace = await client.find(Namespace, name);
  if (namespace?.metadata.uid !== uid) return;
  const finalizers = (namespace.spec?.finalizers ?? []).filter((other) => other !== finalizer);
  await client.update(Namespace, { ...namespace, spec: { finalizers } }, { subresource: 'finalize' });
}
