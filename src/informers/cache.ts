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
    this.#add(
      key,
      this.#valuesOf(object, (error) => this.onError(error, key)),
    );
  }

  remove(key: string, object: T): void {
    this.#remove(
      key,
      this.#valuesOf(object, () => {}),
    );
  }

  #add(key: string, values: readonly string[]): void {
    for (const value of values) {
      const keys = this.#keys.get(value);
      if (keys) keys.add(key);
      else this.#keys.set(value, new Set([key]));
    }
  }

  #remove(key: string, values: readonly string[]): void {
    for (const value of values) {
      const keys = this.#keys.get(value);
      keys?.delete(key);
      if (keys?.size === 0) this.#keys.delete(value);
    }
  }

  /** Most changes leave an object where it is. */
  replace(key: string, older: T, newer: T): void {
    const before = this.#valuesOf(older, () => {});
    const now = this.#valuesOf(newer, (error) => this.onError(error, key));
    if (before.length === now.length && before.every((value, i) => value === now[i])) return;
    this.#remove(key, before);
    this.#add(key, now);
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

/** Objects and where to find them: all there is at one version. */
class View<T extends CacheObject> {
  readonly objects = new Map<string, T>();
  readonly indexes = new Map<string, Index<T>>();

  set(key: string, object: T): void {
    const replaced = this.objects.get(key);
    this.objects.set(key, object);
    for (const index of this.indexes.values()) {
      if (replaced) index.replace(key, replaced, object);
      else index.add(key, object);
    }
  }

  delete(key: string): void {
    const object = this.objects.get(key);
    if (!object) return;
    this.objects.delete(key);
    for (const index of this.indexes.values()) index.remove(key, object);
  }
}

const byNamespace = 'namespace';

export class ObjectCache<T extends CacheObject> implements Cache<T> {
  #view = new View<T>();
  readonly #indexFns = new Map<string, IndexFn<T>>();
  /** The complete view that is being received, indexed as it comes: to swap it in must not take long. */
  #incoming: View<T> | undefined;
  #resourceVersion = '';

  /** `onIndexError` hears of objects that an index function threw on: that index does not have them. */
  constructor(
    private readonly onIndexError: (index: string, key: string, error: unknown) => void = () => {},
  ) {
    this.addIndex(byNamespace, (object) => [object.metadata.namespace ?? '']);
  }

  get size(): number {
    return this.#view.objects.size;
  }

  get resourceVersion(): string {
    return this.#resourceVersion;
  }

  get(key: string): T | undefined {
    return this.#view.objects.get(key);
  }

  has(key: string): boolean {
    return this.#view.objects.has(key);
  }

  keys(): IterableIterator<string> {
    return this.#view.objects.keys();
  }

  list(options: { readonly namespace?: string; readonly labelSelector?: string } = {}): readonly T[] {
    const { namespace, labelSelector } = options;
    const objects =
      namespace === undefined ? [...this.#view.objects.values()] : this.by(byNamespace, namespace);
    if (!labelSelector) return objects;
    const selector = parseLabelSelector(labelSelector);
    return objects.filter((object) => selector.matches(object.metadata.labels));
  }

  by(index: string, value: string): readonly T[] {
    const found = this.#view.indexes.get(index);
    if (!found) {
      throw new Error(
        `there is no index ${JSON.stringify(index)}; there are ${[...this.#view.indexes.keys()].join(', ')}`,
      );
    }
    const objects: T[] = [];
    for (const key of found.keys(value)) objects.push(this.#view.objects.get(key) as T);
    return objects;
  }

  addIndex(name: string, fn: IndexFn<T>): void {
    if (this.#indexFns.has(name)) return;
    this.#indexFns.set(name, fn);
    for (const view of this.#incoming ? [this.#view, this.#incoming] : [this.#view]) {
      const index = this.#newIndex(name, fn);
      for (const [key, object] of view.objects) index.add(key, object);
      view.indexes.set(name, index);
    }
  }

  #newIndex(name: string, fn: IndexFn<T>): Index<T> {
    return new Index(fn, (error, key) => this.onIndexError(name, key, error));
  }

  /** A complete new view begins. What was received of an unfinished one is dropped. */
  beginInit(): void {
    this.#incoming = new View();
    for (const [name, fn] of this.#indexFns) this.#incoming.indexes.set(name, this.#newIndex(name, fn));
  }

  initApply(object: T): void {
    if (!this.#incoming) return;
    const key = keyOf(object);
    const previous = this.#view.objects.get(key);
    // Unchanged: keep the instance that readers may hold.
    this.#incoming.set(key, previous && isSameVersion(previous, object) ? previous : object);
  }

  /**
   * Swaps in the new view, at once; tells what changed and what vanished while nobody watched, one by one as it is
   * asked for: a hundred thousand events at once are a pause of their own.
   */
  finishInit(resourceVersion: string): Iterable<CacheEvent<T>> {
    const before = this.#view.objects;
    this.#view = this.#incoming ?? this.#view;
    this.#incoming = undefined;
    this.#resourceVersion = resourceVersion;
    return changes(before, this.#view.objects);
  }

  /** Undefined: the event is older than what is there. */
  apply(object: T): CacheEvent<T> | undefined {
    const key = keyOf(object);
    const previous = this.#view.objects.get(key);
    this.#advance(object.metadata.resourceVersion);
    if (previous) {
      const { uid, resourceVersion } = previous.metadata;
      const same = uid === object.metadata.uid;
      const order = compareResourceVersion(object.metadata.resourceVersion, resourceVersion);
      if (same && (order === -1 || order === 0)) return undefined;
    }
    this.#view.set(key, object);
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
    const previous = this.#view.objects.get(key);
    if (!previous) return undefined;
    this.#view.delete(key);
    return { type: 'Delete', key, object };
  }

  /** The view is complete up to this version. */
  advance(resourceVersion: string): void {
    this.#advance(resourceVersion);
  }

  #advance(resourceVersion: string): void {
    this.#resourceVersion = resourceVersion;
  }
}

function isSameVersion(a: CacheObject, b: CacheObject): boolean {
  return a.metadata.uid === b.metadata.uid && a.metadata.resourceVersion === b.metadata.resourceVersion;
}

function* changes<T extends CacheObject>(
  before: ReadonlyMap<string, T>,
  now: ReadonlyMap<string, T>,
): Iterable<CacheEvent<T>> {
  for (const [key, object] of before) {
    // The same name with another UID is another object: the old one was deleted in between.
    if (now.get(key)?.metadata.uid !== object.metadata.uid)
      yield { type: 'Delete', key, object, finalStateUnknown: true };
  }
  for (const [key, object] of now) {
    const older = before.get(key);
    if (older === object) continue;
    const previous = older && older.metadata.uid === object.metadata.uid ? older : undefined;
    yield { type: 'Apply', key, object, previous, initial: true };
  }
}
