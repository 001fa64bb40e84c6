/**
 * The engine: informers → predicates → mapping → queue → runner → reconcile, and what follows from the
 * outcome. Decorators, builder and Manager stand on it; it needs none of them.
 *
 * An outcome is a value: an error never ends the stream, it comes back as a retry with back-off.
 */
import { type Observable, Subject, type Subscription } from 'rxjs';
import {
  type Clock,
  durationMs,
  isConflict,
  keyOf,
  type KindOf,
  type NamespacedName,
  type Random,
} from '../../api/index.js';
import type { Client } from '../../client/index.js';
import type { CacheEvent, InformerLease, InformerOptions } from '../../informers/index.js';
import type { Logger } from '../../telemetry/index.js';
import { AppliedMemory } from '../reconcile/apply-child.js';
import type { ControllerDefinition, Predicate, RequestKey, WatchDefinition } from './definition.js';
import { EventRecorder } from '../reconcile/events.js';
import { ensureFinalizers, runCleanups } from '../reconcile/finalizers.js';
import { controllerOf, refersTo } from '../reconcile/owner-references.js';
import { defaultPredicate } from './predicates.js';
import { ReconcileContext, WatchedCaches } from '../reconcile/reconcile-context.js';
import { isTerminalError } from '../reconcile/result.js';
import { type Outcome, Runner } from '../queue/runner.js';
import { WorkQueue } from '../queue/workqueue.js';

/** The index every owned kind has: the UID of an object's controller. */
export const ownerIndex = 'owner';

/** Keys of the first list and of relists wait for those that something just happened to. */
const initialPriority = -100;

export interface ControllerRunnerDeps<T> {
  readonly definition: ControllerDefinition<T>;
  readonly client: Client;
  readonly informers: { acquire<O>(kind: KindOf<O>, options?: InformerOptions): InformerLease<O> };
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** How long `stop` waits for reconciles under way, ms. Default 30,000. */
  readonly shutdownBudgetMs?: number;
}

interface PrimaryObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly deletionTimestamp?: string;
    readonly finalizers?: readonly string[];
  };
}

export class ControllerRunner<T> {
  readonly #deps: ControllerRunnerDeps<T>;
  readonly #log: Logger;
  readonly #queue: WorkQueue<RequestKey>;
  readonly #runner: Runner<RequestKey>;
  readonly #caches: WatchedCaches;
  readonly #applied = new AppliedMemory();
  /** UIDs by key, to forget what belonged to an object that is gone. */
  readonly #uids = new Map<RequestKey, string>();
  readonly #events: EventRecorder;
  readonly #outcomes = new Subject<Outcome<RequestKey>>();
  readonly #leases: InformerLease<unknown>[] = [];
  readonly #subscriptions: Subscription[] = [];
  #primary: InformerLease<T> | undefined;
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(deps: ControllerRunnerDeps<T>) {
    const { definition, clock, client, log } = deps;
    this.#deps = deps;
    this.#log = log.with({ controller: definition.name, controllerKind: definition.kind.kind });
    this.#queue = new WorkQueue({ clock });
    this.#caches = new WatchedCaches(definition.name);
    this.#events = new EventRecorder({
      client: client.with({ fieldManager: definition.name }),
      component: definition.eventSource ?? definition.name,
      clock,
      log: this.#log,
    });
    this.#runner = new Runner({
      queue: this.#queue,
      clock,
      concurrency: definition.maxConcurrent ?? 1,
      timeoutMs: definition.timeout === undefined ? undefined : durationMs(definition.timeout),
      run: (key, signal) => this.#reconcile(key, signal),
      onOutcome: (outcome) => this.#onOutcome(outcome),
      onStuck: (key) => this.#log.error('reconcile outlived its timeout and has not ended', { object: key }),
    });
  }

  get name(): string {
    return this.#deps.definition.name;
  }

  /** One per reconcile; errors are values here. */
  get outcomes$(): Observable<Outcome<RequestKey>> {
    return this.#outcomes.asObservable();
  }

  /** Reconciles that outlived their timeout and have not ended. */
  get stuck(): number {
    return this.#runner.stuck;
  }

  /** Wakes a key, as an external source does. */
  enqueue(key: RequestKey): void {
    this.#queue.add(key);
  }

  /**
   * Resolves when every cache is complete and reconciles run. A kind that is not there yet, or may not be
   * watched yet, is waited for.
   */
  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  /** Takes nothing more, waits for what is under way, and leaves nothing alive. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #start(): Promise<void> {
    const { definition, informers } = this.#deps;
    const { kind, namespace, labelSelector, indexes } = definition;
    const primary = informers.acquire(kind, {
      ...(namespace === undefined ? {} : { namespace }),
      ...(labelSelector === undefined ? {} : { labelSelector }),
    });
    this.#primary = primary;
    this.#leases.push(primary as InformerLease<unknown>);
    this.#caches.add(kind, primary.informer.cache as never);
    for (const [name, fn] of Object.entries(indexes ?? {})) primary.informer.addIndex(name, fn);
    const predicate = (definition.predicate ?? defaultPredicate) as Predicate<T>;
    this.#subscribe(primary, (event) => {
      if (this.#matters(predicate, event)) this.#wake(event.key, event);
    });
    for (const watch of definition.watches) this.#watch(watch, namespace);
    await Promise.all(this.#leases.map(({ informer }) => informer.ready));
    if (this.#stopped) return;
    // A shared informer may have been complete before this controller came.
    for (const key of primary.informer.cache.keys()) this.#queue.add(key, { priority: initialPriority });
    this.#runner.start();
    this.#log.info('controller running', { objects: primary.informer.cache.size });
  }

  #watch(watch: WatchDefinition, namespace: string | undefined): void {
    const lease = this.#deps.informers.acquire(watch.kind, namespace === undefined ? {} : { namespace });
    this.#leases.push(lease);
    this.#caches.add(watch.kind, lease.informer.cache);
    lease.informer.addIndex(ownerIndex, (object) => {
      const uid = controllerOf(object as PrimaryObject)?.uid;
      return uid === undefined ? [] : [uid];
    });
    for (const [name, fn] of Object.entries(watch.indexes ?? {})) lease.informer.addIndex(name, fn);
    this.#subscribe(lease, (event) => {
      if (watch.predicate && !this.#matters(watch.predicate, event)) return;
      // Both states are mapped: an object that moved wakes the one it left too.
      const states =
        event.type === 'Apply' && event.previous !== undefined
          ? [event.object, event.previous]
          : [event.object];
      for (const state of states) for (const key of this.#mapped(watch, state)) this.#wake(key, event);
    });
  }

  #subscribe<O>(lease: InformerLease<O>, handle: (event: CacheEvent<O>) => void): void {
    const guarded = (event: CacheEvent<O>): void => {
      try {
        handle(event);
      } catch (error) {
        // A predicate or map function of the author's: the watch goes on without it.
        this.#log.error('an event was not handled', {
          object: event.key,
          error: String((error as Error).stack ?? error),
        });
      }
    };
    this.#subscriptions.push(lease.informer.events$.subscribe(guarded));
  }

  #matters<O>(predicate: Predicate<O>, event: CacheEvent<O>): boolean {
    if (event.type === 'Delete')
      return predicate({ object: event.object, previous: undefined, deleted: true });
    return predicate({ object: event.object, previous: event.previous, deleted: false });
  }

  #mapped(watch: WatchDefinition, object: unknown): readonly RequestKey[] {
    if (watch.relation === 'watches') return (watch.map?.(object, this.#caches) ?? []).map(requestKey);
    const { kind } = this.#deps.definition;
    const reference = controllerOf(object as PrimaryObject);
    if (!reference || !refersTo(reference, kind)) return [];
    const { namespace } = (object as PrimaryObject).metadata;
    const key = kind.scope === 'Namespaced' ? `${namespace}/${reference.name}` : reference.name;
    // The owner may have been replaced by another of the same name: then this child is none of its own.
    const owner = this.#primary?.informer.cache.get(key) as PrimaryObject | undefined;
    return owner && owner.metadata.uid !== reference.uid ? [] : [key];
  }

  #wake(key: RequestKey, event: CacheEvent<unknown>): void {
    const initial = event.type === 'Apply' && event.initial;
    this.#queue.add(key, initial ? { priority: initialPriority } : undefined);
  }

  async #reconcile(key: RequestKey, signal: AbortSignal): Promise<unknown> {
    const { definition, client, clock, random } = this.#deps;
    const { kind, cleanups } = definition;
    const cached = this.#primary?.informer.cache.get(key);
    if (cached === undefined) {
      this.#forget(key);
      return undefined;
    }
    const { metadata } = cached as PrimaryObject;
    this.#uids.set(key, metadata.uid);
    const deleting = metadata.deletionTimestamp !== undefined;
    const writer = client.with({ signal, fieldManager: definition.name });
    const object = deleting ? cached : await ensureFinalizers(writer, kind, cached, cleanups);
    const log = this.#log.with({
      object: key,
      name: metadata.name,
      ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
      reconcileID: random.uuid(),
    });
    const context = new ReconcileContext<T>({
      controller: definition.name,
      kind,
      object,
      key,
      client,
      caches: this.#caches,
      applied: this.#applied,
      events: this.#events,
      clock,
      random,
      log,
      signal,
    });
    try {
      return await this.#run(object, deleting, context, writer);
    } finally {
      context.end();
    }
  }

  async #run(object: T, deleting: boolean, context: ReconcileContext<T>, writer: Client): Promise<unknown> {
    const { kind, cleanups, reconcile } = this.#deps.definition;
    let result: unknown;
    try {
      if (deleting && cleanups.length > 0)
        result = await runCleanups(writer, kind, object, cleanups, context);
      else result = await reconcile(object, context);
    } catch (error) {
      // The status is written also when reconcile throws; if that fails too, the first error is the one to tell.
      await context
        .flush()
        .catch((failure: unknown) => context.log.debug('status not written', { error: String(failure) }));
      throw error;
    }
    await context.flush();
    return result;
  }

  #onOutcome(outcome: Outcome<RequestKey>): void {
    const { key } = outcome;
    if (outcome.ok) {
      this.#queue.forget(key);
      const { requeueAfterMs } = outcome.result;
      if (requeueAfterMs !== undefined) this.#queue.add(key, { after: requeueAfterMs });
    } else if (isTerminalError(outcome.error)) {
      this.#queue.forget(key);
      this.#log.error('reconcile failed for good', { object: key, error: outcome.error.message });
    } else {
      const retryInMs = this.#queue.addRateLimited(key);
      const fields = { object: key, retryInMs, error: outcome.error.stack ?? outcome.error.message };
      // Losing a race is everyday life: the newer version is on its way.
      if (isConflict(outcome.error))
        this.#log.debug('reconcile lost a race', { ...fields, error: outcome.error.message });
      else this.#log.error('reconcile failed', fields);
    }
    try {
      this.#outcomes.next(outcome);
    } catch (error) {
      this.#log.error('an observer of outcomes threw', { error: String(error) });
    }
  }

  #forget(key: RequestKey): void {
    const uid = this.#uids.get(key);
    if (uid !== undefined) this.#applied.forget(uid);
    this.#uids.delete(key);
  }

  async #stop(): Promise<void> {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    await this.#runner.stop(this.#deps.shutdownBudgetMs ?? 30_000);
    await this.#events.flush();
    for (const lease of this.#leases) lease.release();
    this.#outcomes.complete();
  }
}

function requestKey(key: RequestKey | NamespacedName): RequestKey {
  return typeof key === 'string' ? key : keyOf({ metadata: key });
}
