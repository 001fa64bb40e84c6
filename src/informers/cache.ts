/**
 * The store behind an informer: objects by key, by namespace and by index. One writer, the informer; a
 * complete new view replaces the old one at once.
 */
import { compareResourceVersion, keyOf, parseLabelSelector } from '../api/index.js';
import type { Cache, CacheEvent, CacheObject, IndexFn } from './informer.js';

class Index<T> {
  readonly #keys = new Map<string, Set<string>>();

  constructor(
    private readonly fn: IndexFn<T>,
    private readonly onError: (error: unknown, key: string) => void,
  ) {}

  add(key: string, object: T): void {
    for (const value of this.#valuesOf(object, (error) => this.onError(error, key))) {
      const keys = this.#keys.get(value);
      if (keys) keys.add(key);
      else this.#keys.set(value, new Set([key]));
    }
  }

  remove(key: string, object: T): void {
    for (const value of this.#valuesOf(object, () => {})) {
      const keys = this.#keys.get(value);
      keys?.delete(key);
      if (keys?.size === 0) this.#keys.delete(value);
    }
  }

  /** An object its function cannot read is in no index; the cache must go on. */
  #valuesOf(object: T, failed: (error: unknown) => void): readonly string[] {
    try {
      return this.fn(object);
    } catch (error) {
      failed(error);
      return [];
    }
  }

  keys(value: string): Iterable<string> {
    return this.#keys.get(value) ?? [];
  }
}

const byNamespace = 'namespace';

export class ObjectCache<T extends CacheObject> implements Cache<T> {
  #objects = new Map<string, T>();
  readonly #indexes = new Map<string, Index<T>>();
  /** The complete view that is being received. */
  #incoming: Map<string, T> | undefined;
  #resourceVersion = '';

  /** `onIndexError` hears of objects that an index function threw on: that index does not have them. */
  constructor(
    private readonly onIndexError: (index: string, key: string, error: unknown) => void = () => {},
  ) {
    this.addIndex(byNamespace, (object) => [object.metadata.namespace ?? '']);
  }

  get size(): number {
    return this.#objects.size;
  }

  get resourceVersion(): string {
    return this.#resourceVersion;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  has(key: string): boolean {
    return this.#objects.has(key);
  }

  keys(): IterableIterator<string> {
    return this.#objects.keys();
  }

  list(options: { readonly namespace?: string; readonly labelSelector?: string } = {}): readonly T[] {
    const { namespace, labelSelector } = options;
    const objects = namespace === undefined ? [...this.#objects.values()] : this.by(byNamespace, namespace);
    if (!labelSelector) return objects;
    const selector = parseLabelSelector(labelSelector);
    return objects.filter((object) => selector.matches(object.metadata.labels));
  }

  by(index: string, value: string): readonly T[] {
    const found = this.#indexes.get(index);
    if (!found) {
      throw new Error(
        `there is no index ${JSON.stringify(index)}; there are ${[...this.#indexes.keys()].join(', ')}`,
      );
    }
    const objects: T[] = [];
    for (const key of found.keys(value)) objects.push(this.#objects.get(key) as T);
    return objects;
  }

  addIndex(name: string, fn: IndexFn<T>): void {
    if (this.#indexes.has(name)) return;
    const index = new Index(fn, (error, key) => this.onIndexError(name, key, error));
    for (const [key, object] of this.#objects) index.add(key, object);
    this.#indexes.set(name, index);
  }

  /** A complete new view begins. What was received of an unfinished one is dropped. */
  beginInit(): void {
    this.#incoming = new Map();
  }

  initApply(object: T): void {
    this.#incoming?.set(keyOf(object), object);
  }

  /** Swaps in the new view; tells what changed and what vanished while nobody watched. */
  finishInit(resourceVersion: string): CacheEvent<T>[] {
    const incoming = this.#incoming ?? new Map<string, T>();
    this.#incoming = undefined;
    const before = this.#objects;
    const events: CacheEvent<T>[] = [];
    for (const [key, object] of before) {
      const now = incoming.get(key);
      // The same name with another UID is another object: the old one was deleted in between.
      if (now && now.metadata.uid === object.metadata.uid) continue;
      this.#drop(key, object);
      events.push({ type: 'Delete', key, object });
    }
    const next = new Map<string, T>();
    for (const [key, object] of incoming) {
      const previous = this.#objects.get(key);
      if (previous && previous.metadata.resourceVersion === object.metadata.resourceVersion) {
        // Unchanged: keep the instance that readers may hold.
        next.set(key, previous);
        continue;
      }
      if (previous) this.#unindex(key, previous);
      this.#index(key, object);
      next.set(key, object);
      events.push({ type: 'Apply', key, object, previous, initial: true });
    }
    this.#objects = next;
    this.#resourceVersion = resourceVersion;
    return events;
  }

  /** Undefined: the event is older than what is there. */
  apply(object: T): CacheEvent<T> | undefined {
    const key = keyOf(object);
    const previous = this.#objects.get(key);
    this.#advance(object.metadata.resourceVersion);
    if (previous) {
      const { uid, resourceVersion } = previous.metadata;
      const same = uid === object.metadata.uid;
      const order = compareResourceVersion(object.metadata.resourceVersion, resourceVersion);
      if (same && (order === -1 || order === 0)) return undefined;
      this.#unindex(key, previous);
    }
    this.#objects.set(key, object);
    this.#index(key, object);
    return { type: 'Apply', key, object, previous, initial: false };
  }

  /** Undefined: it was not there. While a new view is received, the object is taken out of that. */
  delete(object: T): CacheEvent<T> | undefined {
    const key = keyOf(object);
    if (this.#incoming) {
      this.#incoming.delete(key);
      return undefined;
    }
    this.#advance(object.metadata.resourceVersion);
    const previous = this.#objects.get(key);
    if (!previous) return undefined;
    this.#drop(key, previous);
    return { type: 'Delete', key, object };
  }

  /** The view is complete up to this version. */
  advance(resourceVersion: string): void {
    this.#advance(resourceVersion);
  }

  #advance(resourceVersion: string): void {
    this.#resourceVersion = resourceVersion;
  }

  #drop(key: string, object: T): void {
    this.#objects.delete(key);
    this.#unindex(key, object);
  }

  #index(key: string, object: T): void {
    for (const index of this.#indexes.values()) index.add(key, object);
  }

  #unindex(key: string, object: T): void {
    for (const index of this.#indexes.values()) index.remove(key, object);
  }
}
