/** An informer: a reflector's view kept in a cache, and the changes as streams. */
import { BehaviorSubject, type Observable, Subject } from 'rxjs';
import type { KindFacts, KindOf } from '../api/index.js';
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
} from './informer.js';
import { type DriverDeps, ReflectorDriver, type ViewEvent } from './reflector-driver.js';
import { stripManagedFields } from './transform.js';

export interface InformerDeps extends DriverDeps {
  readonly log?: Logger;
}

/** Makes an informer; `start()` opens the first connection. */
export function createInformer<T extends CacheObject>(
  client: Client,
  kind: KindOf<T>,
  options: InformerOptions,
  deps: InformerDeps,
): Informer<T> {
  return new ReflectingInformer(client, kind, options, deps);
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
    // What one informer holds is alike, and what did not change is taken from what it holds.
    const decoder = new SharingDecoder({ known: (namespace, name) => this.#held(namespace, name) });
    this.#driver = new ReflectorDriver(client.with({ decoder }), kind, options, deps, (event) =>
      this.#on(event),
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

  addIndex(name: string, fn: IndexFn<T>): void {
    this.#cache.addIndex(name, fn);
  }

  start(): void {
    this.#driver.start();
  }

  stop(): void {
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
        this.#cache.initApply(stripManagedFields(event.object));
        return;
      case 'InitDone':
        for (const change of this.#cache.finishInit(event.resourceVersion)) this.#tell(change);
        this.#isReady = true;
        this.#resolveReady();
        return;
      case 'Apply':
        this.#tell(this.#cache.apply(stripManagedFields(event.object)));
        return;
      case 'Delete':
        this.#tell(this.#cache.delete(stripManagedFields(event.object)));
        return;
      case 'Progress':
        this.#cache.advance(event.resourceVersion);
        return;
      case 'State':
        this.#report(event.state);
    }
  }

  #held(namespace: string | undefined, name: string): T | undefined {
    if (this.#cache.size === 0) return undefined;
    return this.#cache.get(namespace === undefined ? name : `${namespace}/${name}`);
  }

  #tell(change: CacheEvent<T> | undefined): void {
    if (change) this.#events.next(change);
  }

  #report(state: ConnectionState): void {
    if ('error' in state) {
      this.#log.warn('watch interrupted', {
        state: state.phase,
        retryInMs: Math.round(state.retryInMs),
        error: String(state.error),
      });
    }
    this.#state.next(state);
  }
}
