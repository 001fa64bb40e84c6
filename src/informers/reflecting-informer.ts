/** An informer: a reflector's view kept in a cache, and the changes as streams. */
import { BehaviorSubject, type Observable, Subject } from 'rxjs';
import {
  type Cancel,
  type Clock,
  durationMs,
  isApiError,
  isBadLine,
  type KindFacts,
  type KindOf,
  keyOf,
} from '../api/index.js';
import { type Client, SharingDecoder } from '../client/index.js';
import { type Logger, silentLogger } from '../telemetry/index.js';
import { ObjectCache } from './cache.js';
import type {
  Cache,
  CacheEvent,
  CacheObject,
  ConnectionState,
  IndexFn,
  Informer,
  InformerOptions,
  InformerStats,
  MissingPermission,
} from './informer.js';
import { NamespacesInformer } from './namespaces-informer.js';
import { type DriverDeps, ReflectorDriver, type ViewEvent } from './reflector-driver.js';
import { resync } from './resync.js';
import { stripManagedFields } from './transform.js';

export interface InformerDeps extends DriverDeps {
  readonly log?: Logger;
}

/**
 * Makes an informer; `start()` opens the first connection.
 * @throws TypeError for a namespace beside a list of namespaces, or several namespaces of a cluster-scoped kind
 */
export function createInformer<T extends CacheObject>(
  client: Client,
  kind: KindOf<T>,
  options: InformerOptions,
  deps: InformerDeps,
): Informer<T> {
  const { namespaces, ...single } = options;
  if (namespaces === undefined) return new ReflectingInformer(client, kind, single, deps);
  if (options.namespace !== undefined)
    throw new TypeError('give an informer one namespace or a list of them, not both');
  if (kind.scope === 'Cluster')
    throw new TypeError(`${kind.kind} is cluster-scoped: it has no namespaces to watch`);
  const parts = [...new Set(namespaces)].map(
    (namespace) => [namespace, new ReflectingInformer(client, kind, { ...single, namespace }, deps)] as const,
  );
  return new NamespacesInformer(kind, new Map(parts));
}

class ReflectingInformer<T extends CacheObject> implements Informer<T> {
  readonly kind: KindFacts;
  readonly ready: Promise<void>;
  readonly #cache = new ObjectCache<T>((index, key, error) =>
    this.#log.error('index function failed', { index, key, error: String(error) }),
  );
  readonly #events = new Subject<CacheEvent<T>>();
  readonly #state = new BehaviorSubject<ConnectionState>({ phase: 'connecting' });
  readonly #driver: ReflectorDriver<T>;
  readonly #log: Logger;
  readonly #options: InformerOptions;
  readonly #clock: Clock;
  readonly #stats = { relists: 0, failures: 0, events: 0, badLines: 0 };
  #cancelResync: Cancel = () => {};
  #isReady = false;
  #resolveReady!: () => void;
  #rejectReady!: (error: Error) => void;

  constructor(client: Client, kind: KindOf<T>, options: InformerOptions, deps: InformerDeps) {
    this.kind = kind;
    this.#log = (deps.log ?? silentLogger).with({ informer: kind.plural, group: kind.group });
    this.ready = new Promise((resolve, reject) => {
      this.#resolveReady = resolve;
      this.#rejectReady = reject;
    });
    // Whoever does not wait for it must not be ended by it.
    this.ready.catch(() => {});
    this.#options = options;
    this.#clock = deps.clock;
    // What one informer holds is alike, and what did not change is taken from what it holds.
    const decoder = new SharingDecoder({
      known: (namespace, name) => this.#held(namespace, name),
      keepManagedFields: options.keepManagedFields === true,
    });
    const { namespace, labelSelector, fieldSelector, metadataOnly = false } = options;
    this.#driver = new ReflectorDriver(
      // It has a back-off of its own: one failure is one attempt.
      client.with({ decoder, retry: false, metadataOnly }),
      kind,
      {
        ...(namespace === undefined ? {} : { namespace }),
        ...(labelSelector === undefined ? {} : { labelSelector }),
        ...(fieldSelector === undefined ? {} : { fieldSelector }),
      },
      deps,
      (event) => this.#on(event),
    );
  }

  get cache(): Cache<T> {
    return this.#cache;
  }
  get isReady(): boolean {
    return this.#isReady;
  }
  get state$(): Observable<ConnectionState> {
    return this.#state.asObservable();
  }
  get events$(): Observable<CacheEvent<T>> {
    return this.#events.asObservable();
  }

  get stats(): InformerStats {
    return { ...this.#stats };
  }

  addIndex(name: string, fn: IndexFn<T>): void {
    this.#cache.addIndex(name, fn);
  }

  start(): void {
    this.#driver.start();
  }

  stop(): void {
    this.#cancelResync();
    this.#driver.stop();
    this.#rejectReady(new Error(`the informer of ${this.kind.plural} was stopped before it was ready`));
    this.#events.complete();
    this.#state.complete();
  }

  #on(event: ViewEvent<T>): void {
    switch (event.type) {
      case 'Init':
        this.#cache.beginInit();
        return;
      case 'InitApply':
        this.#cache.initApply(this.#received(event.object));
        return;
      case 'InitDone':
        for (const change of this.#cache.finishInit(event.resourceVersion)) this.#tell(change);
        this.#stats.relists++;
        this.#becomeReady();
        return;
      case 'Apply':
        this.#tell(this.#cache.apply(this.#received(event.object)));
        return;
      case 'Delete':
        this.#tell(this.#cache.delete(this.#received(event.object)));
        return;
      case 'Progress':
        this.#cache.advance(event.resourceVersion);
        return;
      case 'State':
        this.#report(event.state);
    }
  }

  #becomeReady(): void {
    if (this.#isReady) return;
    this.#isReady = true;
    this.#resolveReady();
    if (this.#options.resync === undefined) return;
    const keys = (): Iterable<string> => this.#cache.keys();
    this.#cancelResync = resync(this.#clock, durationMs(this.#options.resync), keys, (key) => {
      const object = this.#cache.get(key);
      if (object) this.#tell({ type: 'Apply', key, object, previous: object, initial: false, resync: true });
    });
  }

  /** The object as it is cached. */
  #received(object: T): T {
    const { keepManagedFields, transform } = this.#options;
    const stripped = keepManagedFields ? object : stripManagedFields(object);
    if (!transform) return stripped;
    try {
      return transformed(transform, stripped);
    } catch (error) {
      this.#log.error('transform failed: the object is kept as it came', {
        object: keyOf(object),
        error: String(error),
      });
      return stripped;
    }
  }

  #held(namespace: string | undefined, name: string): T | undefined {
    if (this.#cache.size === 0) return undefined;
    return this.#cache.get(namespace === undefined ? name : `${namespace}/${name}`);
  }

  #tell(change: CacheEvent<T> | undefined): void {
    if (!change) return;
    this.#stats.events++;
    this.#events.next(change);
  }

  #report(state: ConnectionState): void {
    if (!('error' in state)) {
      this.#state.next(state);
      return;
    }
    this.#stats.failures++;
    if (isBadLine(state.error)) this.#stats.badLines++;
    const missing = this.#missing(state.error);
    this.#log.warn('watch interrupted', {
      state: state.phase,
      retryInMs: Math.round(state.retryInMs),
      error: String(state.error),
      ...(missing ? { missing } : {}),
    });
    this.#state.next(missing ? { ...state, missing } : state);
  }

  #missing(error: unknown): MissingPermission | undefined {
    if (!isApiError(error, 'Forbidden')) return undefined;
    const { group, plural } = this.kind;
    const { namespace } = this.#options;
    return {
      verb: /cannot (list|watch) resource/.exec(error.message)?.[1] ?? 'watch',
      group,
      resource: plural,
      ...(namespace === undefined ? {} : { namespace }),
    };
  }
}

/** @throws TypeError for what cannot be cached */
function transformed<T extends CacheObject>(transform: (object: never) => unknown, object: T): T {
  const result = transform(object as never) as T | undefined;
  const { uid, resourceVersion } = object.metadata;
  const kept = result?.metadata;
  if (
    !kept ||
    keyOf(result) !== keyOf(object) ||
    kept.uid !== uid ||
    kept.resourceVersion !== resourceVersion
  )
    throw new TypeError('it must give an object of the same name, uid and resourceVersion');
  return result;
}
