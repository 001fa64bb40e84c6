/** An informer of several namespaces: one of each, seen as one. */
import { BehaviorSubject, combineLatest, map, merge, type Observable } from 'rxjs';
import { compareResourceVersion, type KindFacts } from '../api/index.js';
import type { Cache, CacheEvent, ConnectionState, IndexFn, Informer, InformerStats } from './informer.js';

/** The worse, the later. */
const severity: readonly ConnectionState['phase'][] = [
  'connected',
  'connecting',
  'relisting',
  'stale',
  'absent',
  'unauthorized',
  'stopped',
];

export class NamespacesInformer<T> implements Informer<T> {
  readonly cache: Cache<T>;
  readonly ready: Promise<void>;

  constructor(
    readonly kind: KindFacts,
    private readonly parts: ReadonlyMap<string, Informer<T>>,
  ) {
    this.cache = new JoinedCache(new Map([...parts].map(([namespace, { cache }]) => [namespace, cache])));
    this.ready = Promise.all([...parts.values()].map((part) => part.ready)).then(() => {});
    this.ready.catch(() => {});
  }

  get isReady(): boolean {
    return this.#all.every((part) => part.isReady);
  }

  /** How the one is that is worst off. */
  get state$(): Observable<ConnectionState> {
    if (this.parts.size === 0) return new BehaviorSubject<ConnectionState>({ phase: 'connected' });
    return combineLatest(this.#all.map((part) => part.state$)).pipe(
      map((states) =>
        states.reduce((worst, state) =>
          severity.indexOf(state.phase) > severity.indexOf(worst.phase) ? state : worst,
        ),
      ),
    );
  }

  get events$(): Observable<CacheEvent<T>> {
    return merge(...this.#all.map((part) => part.events$));
  }

  get stats(): InformerStats {
    const sum = (field: keyof InformerStats): number =>
      this.#all.reduce((total, { stats }) => total + stats[field], 0);
    return {
      relists: sum('relists'),
      failures: sum('failures'),
      events: sum('events'),
      badLines: sum('badLines'),
    };
  }

  addIndex(name: string, fn: IndexFn<T>): void {
    for (const part of this.#all) part.addIndex(name, fn);
  }

  start(): void {
    for (const part of this.#all) part.start();
  }

  stop(): void {
    for (const part of this.#all) part.stop();
  }

  get #all(): readonly Informer<T>[] {
    return [...this.parts.values()];
  }
}

/** Caches of namespaces that have nothing in common. */
class JoinedCache<T> implements Cache<T> {
  constructor(private readonly parts: ReadonlyMap<string, Cache<T>>) {}

  get(key: string): T | undefined {
    return this.parts.get(key.slice(0, Math.max(0, key.indexOf('/'))))?.get(key);
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  list(options: { readonly namespace?: string; readonly labelSelector?: string } = {}): readonly T[] {
    const { namespace } = options;
    if (namespace !== undefined) return this.parts.get(namespace)?.list(options) ?? [];
    return [...this.parts.values()].flatMap((part) => part.list(options));
  }

  by(index: string, value: string): readonly T[] {
    return [...this.parts.values()].flatMap((part) => part.by(index, value));
  }

  *keys(): IterableIterator<string> {
    for (const part of this.parts.values()) yield* part.keys();
  }

  get size(): number {
    let size = 0;
    for (const part of this.parts.values()) size += part.size;
    return size;
  }

  /** What all have caught up with. */
  get resourceVersion(): string {
    let least: string | undefined;
    for (const { resourceVersion } of this.parts.values()) {
      if (least === undefined) least = resourceVersion;
      const order = compareResourceVersion(resourceVersion, least);
      if (order === undefined) return '';
      if (order === -1) least = resourceVersion;
    }
    return least ?? '';
  }
}
