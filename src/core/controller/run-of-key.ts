/**
 * One run of one key, from the object in the cache to its outcome: whether it may run at all, finalizers, the
 * author's method, the status at the end, and those who are told of it.
 */
import type { Clock, Random } from '../../api/index.js';
import type { Client } from '../../client/index.js';
import type { Logger } from '../../telemetry/index.js';
import type { Outcome } from '../queue/runner.js';
import type { WorkQueue } from '../queue/workqueue.js';
import { AppliedMemory } from '../reconcile/apply-child.js';
import type { CacheReader, ClusterAccess } from '../reconcile/context.js';
import type { EventRecorder } from '../reconcile/events.js';
import { ensureFinalizers, runCleanups } from '../reconcile/finalizers.js';
import { ReconcileContext } from '../reconcile/reconcile-context.js';
import { observedReader } from '../reconcile/watched-caches.js';
import { type ClusterLinks, inCluster, linkTo } from './cluster-links.js';
import type { ControllerDefinition, RequestKey } from './definition.js';
import type { Intake } from './intake.js';
import type { KeyAdmission, Term } from './key-admission.js';
import type { CacheRead, ControllerObserver, RunInfo, RunObserver } from './observer.js';
import { isPaused } from './pause.js';
import type { Watching } from './watching.js';

export interface RunOfKeyDeps<T> {
  readonly definition: ControllerDefinition<T>;
  readonly client: Client;
  readonly clusters?: ClusterLinks;
  readonly watching: Watching<T>;
  readonly intake: Intake;
  readonly queue: WorkQueue<RequestKey>;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly admission?: KeyAdmission;
  readonly observers: readonly ControllerObserver[];
}

interface PrimaryObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly deletionTimestamp?: string;
  };
}

/** What the clients of a run are bound to. */
interface Bound {
  readonly term: Term | undefined;
  readonly observers: readonly RunObserver[];
}

export class RunOfKey<T> {
  readonly #deps: RunOfKeyDeps<T>;
  readonly #applied = new AppliedMemory();
  /** UIDs by key, to forget what belonged to an object that is gone. */
  readonly #uids = new Map<RequestKey, string>();
  /** Who follows the runs under way. */
  readonly #followed = new Map<RequestKey, readonly RunObserver[]>();

  /** What it writes is read again. */
  readonly #readsBack: Client;

  constructor(deps: RunOfKeyDeps<T>) {
    this.#deps = deps;
    this.#readsBack = deps.client.with({ observer: deps.watching.caches.requests });
  }

  async run(key: RequestKey, signal: AbortSignal): Promise<unknown> {
    const { definition, admission, watching } = this.#deps;
    const term = admission?.term(key);
    // Not ours: whoever's it is has it in a queue too, and all keys are added again when some are gained.
    if (admission && !term) {
      this.#deps.intake.take(key);
      return undefined;
    }
    const object = watching.caches.find(definition.kind)?.get(key) as T | undefined;
    const reconcileID = this.#deps.random.uuid();
    const observers = this.#follow(key, object, reconcileID);
    if (object === undefined) {
      this.#forget(key);
      return undefined;
    }
    this.#uids.set(key, (object as PrimaryObject).metadata.uid);
    if (isPaused(definition.pausedBy, object)) {
      this.#deps.log.debug('paused: left alone', { object: key });
      return undefined;
    }
    const [both, unlink] = term ? linked(signal, term.signal) : [signal, () => {}];
    try {
      return await this.#reconcile(key, object, { signal: both, term, observers, reconcileID });
    } finally {
      unlink();
    }
  }

  /** The run has ended; its followers are told. */
  ended(outcome: Outcome<RequestKey>): void {
    const observers = this.#followed.get(outcome.key) ?? [];
    this.#followed.delete(outcome.key);
    for (const observer of observers) this.#guard(() => observer.onEnd?.(outcome));
  }

  async #reconcile(
    key: RequestKey,
    cached: T,
    run: Bound & { readonly signal: AbortSignal; readonly reconcileID: string },
  ): Promise<unknown> {
    const { definition, watching, events, clock, random } = this.#deps;
    const { kind, cleanups } = definition;
    const { signal } = run;
    const { metadata } = cached as PrimaryObject;
    const client = this.#client(run);
    // Only finalizers are written with it, and most kinds have none.
    const writer = cleanups.length === 0 ? client : client.with({ signal, fieldManager: definition.name });
    const deleting = metadata.deletionTimestamp !== undefined;
    const object = deleting ? cached : await ensureFinalizers(writer, kind, cached, cleanups);
    const context = new ReconcileContext<T>({
      controller: definition.name,
      kind,
      object,
      key,
      client,
      caches: watching.caches,
      cache: this.#observed(watching.caches, run.observers),
      cluster: (name) => this.#elsewhere(name, run),
      applied: this.#applied,
      events,
      clock,
      random,
      log: this.#deps.log.with({
        object: key,
        name: metadata.name,
        ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
        reconcileID: run.reconcileID,
      }),
      signal,
    });
    try {
      let call = (): Promise<unknown> => this.#call(object, deleting, context, writer);
      for (const observer of run.observers) {
        const inner = call;
        if (observer.around) call = () => observer.around?.(inner) ?? inner();
      }
      return await call();
    } finally {
      context.end();
    }
  }

  /** The run's client: what it writes needs the key to be ours. */
  #client({ term, observers }: Bound): Client {
    let client = term ? this.#readsBack.with({ beforeWrite: () => term.assertHeld() }) : this.#readsBack;
    for (const { requests } of observers) if (requests) client = client.with({ observer: requests });
    return client;
  }

  /** Another cluster, for this run: bound like its own, and told apart from it. @throws RegistrationError */
  #elsewhere(name: string, { term, observers }: Bound): ClusterAccess | undefined {
    const { definition, clusters, watching } = this.#deps;
    const link = linkTo(definition, clusters, name);
    if (!link) return undefined;
    const caches = watching.cachesOf(name);
    let client = link.client.with({ observer: caches.requests });
    if (term) client = client.with({ beforeWrite: () => term.assertHeld() });
    for (const { requests } of observers)
      if (requests) client = client.with({ observer: inCluster(name, requests) });
    return { client, cache: this.#observed(caches, observers, name) };
  }

  /** What observers of reads hear of, if there are any. */
  #observed(caches: CacheReader, observers: readonly RunObserver[], cluster?: string): CacheReader {
    const reads = observers.filter((observer) => observer.onCacheRead);
    if (reads.length === 0) return caches;
    const told = (read: CacheRead): void => {
      for (const observer of reads) this.#guard(() => observer.onCacheRead?.(read));
    };
    return observedReader(caches, told, cluster);
  }

  async #call(object: T, deleting: boolean, context: ReconcileContext<T>, writer: Client): Promise<unknown> {
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

  #follow(key: RequestKey, object: T | undefined, reconcileID: string): readonly RunObserver[] {
    const { definition, observers, intake, queue } = this.#deps;
    if (observers.length === 0) return [];
    const { group, version, kind } = definition.kind;
    const run: RunInfo = {
      controller: definition.name,
      kind: { group, version, kind },
      key,
      reconcileID,
      ...intake.take(key),
      failures: queue.failuresOf(key),
      object,
    };
    const followed = observers.flatMap((observer) => this.#guard(() => observer.onRun?.(run)) ?? []);
    this.#followed.set(key, followed);
    return followed;
  }

  #guard<R>(call: () => R): R | undefined {
    try {
      return call();
    } catch (error) {
      this.#deps.log.error('an observer threw', { error: String(error) });
      return undefined;
    }
  }

  #forget(key: RequestKey): void {
    const uid = this.#uids.get(key);
    if (uid !== undefined) this.#applied.forget(uid);
    this.#uids.delete(key);
  }
}

/** A signal of both, and what takes it off again: a term outlives many runs, and must not remember each. */
function linked(a: AbortSignal, b: AbortSignal): [AbortSignal, () => void] {
  const both = new AbortController();
  const unlinks = [a, b].map((signal) => {
    const abort = (): void => both.abort(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    return () => signal.removeEventListener('abort', abort);
  });
  return [
    both.signal,
    () => {
      for (const off of unlinks) off();
    },
  ];
}
