/**
 * Read-your-own-writes: the cache of one watched kind as its controller sees it. What this controller wrote is
 * laid over the cache until the cache has caught up, so that the next reconcile never decides on a state older
 * than its own last write.
 *
 * Guarantees, for get, list and index lookups alike:
 * - after a create, update, patch or apply was answered, its object or a newer one is read, unless it left the
 *   selection that is watched;
 * - after a deletion was answered, the object with that UID is never read again;
 * - what others wrote is read as soon as the cache has it, and never hidden by an own older write.
 *
 * An entry is dropped when the cache has caught up with the version of the write, has that object in that or a
 * newer version, or has told of the deletion of that UID; all are dropped when the cache's version goes backwards
 * (the server was restored: nothing known of versions holds any more).
 */
import {
  compareResourceVersion,
  type FieldSelector,
  keyOf,
  type LabelSelector,
  parseFieldSelector,
  parseLabelSelector,
} from '../../api/index.js';
import type { Cache, CacheEvent, CacheObject, IndexFn } from '../../informers/index.js';

/** Which objects a cache holds, and how it holds them. */
export interface CacheScope {
  /** All namespaces when absent. */
  readonly namespaces?: readonly string[];
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** What the cache does to objects on their way in. */
  readonly project?: (object: CacheObject) => CacheObject;
  /** Withholds the events that own writes cause. Default false. */
  readonly echoes?: boolean;
}

interface Entry<T> {
  readonly uid: string;
  /** The version of the write; of a deletion, the last version known of the object, if any. */
  readonly resourceVersion: string | undefined;
  /** Undefined: deleted, or outside of the selection since. */
  readonly object: T | undefined;
  readonly deleted: boolean;
}

/** Deletions of objects whose version nobody knew cannot be seen to have arrived: the oldest are let go. */
const maxEntries = 10_000;

/** No key: a write whose object the server names. */
const anyKey = '';

export class OwnWrites<T extends CacheObject> implements Cache<T> {
  readonly #entries = new Map<string, Entry<T>>();
  readonly #indexes = new Map<string, IndexFn<T>>();
  readonly #labels: LabelSelector | undefined;
  readonly #fields: FieldSelector | undefined;
  /** Versions of own writes whose events have not come yet. */
  readonly #echoes = new Set<string>();
  /** Writes that were sent and not answered, by key. */
  readonly #underWay = new Map<string, number>();
  /** Events of which such an answer will tell whether they are echoes. */
  readonly #waiting: { readonly event: CacheEvent<T>; readonly deliver: () => void }[] = [];
  /** The version at which entries were last looked through. */
  #prunedAt = '';

  constructor(
    private readonly base: Cache<T>,
    private readonly scope: CacheScope = {},
  ) {
    this.#labels = scope.labelSelector ? parseLabelSelector(scope.labelSelector) : undefined;
    this.#fields = scope.fieldSelector ? parseFieldSelector(scope.fieldSelector) : undefined;
  }

  /** Own writes that the cache has not caught up with. */
  get pending(): number {
    this.#prune();
    return this.#entries.size;
  }

  /** A write of this controller was answered with this object. */
  wrote(object: T): void {
    const key = keyOf(object);
    const { uid, resourceVersion } = object.metadata;
    this.#prune();
    const before = this.#entries.get(key);
    // Answers may arrive in another order than they were given in.
    if (before && before.uid === uid) {
      if (before.deleted) return;
      const order = compareResourceVersion(resourceVersion, before.resourceVersion ?? '');
      if (order === -1 || order === 0) return;
    }
    if (this.scope.echoes) this.#expectEcho(resourceVersion);
    const projected = (this.scope.project?.(object) ?? object) as T;
    const entry: Entry<T> = {
      uid,
      resourceVersion,
      object: this.#selects(object) ? projected : undefined,
      deleted: false,
    };
    if (this.#isAhead(key, entry)) this.#put(key, entry);
  }

  /**
   * A deletion is about to be sent. What it gives is called when the server has answered that the object is gone,
   * with its UID if the answer names one.
   */
  deleting(key: string): (uid: string | undefined) => void {
    const cached = this.base.get(key);
    const before = this.#entries.get(key);
    return (uid) => {
      this.#prune();
      const written = this.#entries.get(key) ?? before;
      const gone = uid ?? written?.uid ?? cached?.metadata.uid;
      // The cache had it when the deletion was sent, and has not any more: it has seen it go.
      const seen = cached?.metadata.uid === gone && this.base.get(key)?.metadata.uid !== gone;
      if (gone === undefined || seen) return;
      const known = written?.uid === gone ? written.resourceVersion : undefined;
      const entry: Entry<T> = {
        uid: gone,
        resourceVersion:
          known ?? (cached?.metadata.uid === gone ? cached.metadata.resourceVersion : undefined),
        object: undefined,
        deleted: true,
      };
      if (this.#isAhead(key, entry)) this.#put(key, entry);
    };
  }

  /**
   * A write is about to be sent; without a key, the server will name the object. What it gives is called once the
   * write was answered and told to `wrote`, or has failed: until then nobody can tell whose an event is.
   */
  sending(key: string | undefined): () => void {
    if (!this.scope.echoes) return () => {};
    const what = key ?? anyKey;
    this.#underWay.set(what, (this.#underWay.get(what) ?? 0) + 1);
    return () => {
      const left = (this.#underWay.get(what) ?? 0) - 1;
      if (left > 0) this.#underWay.set(what, left);
      else this.#underWay.delete(what);
      const waiting = this.#waiting.splice(0);
      for (const { event, deliver } of waiting) this.onEvent(event, deliver);
    };
  }

  /**
   * The cache has changed. `deliver` is called unless the event is exactly what an own write caused; with a
   * write of that object under way, once its answer tells.
   */
  onEvent(event: CacheEvent<T>, deliver: () => void): void {
    if (event.type === 'Delete') {
      if (this.#entries.get(event.key)?.uid === event.object.metadata.uid) this.#entries.delete(event.key);
      deliver();
      return;
    }
    // A relist may have folded somebody else's change into this one.
    if (event.initial) deliver();
    else if (this.#underWay.has(event.key) || this.#underWay.has(anyKey))
      this.#waiting.push({ event, deliver });
    else if (!this.#echoes.delete(event.object.metadata.resourceVersion)) deliver();
  }

  /** How `by` finds own writes under this index of the cache. */
  addIndex(name: string, fn: IndexFn<T>): void {
    if (!this.#indexes.has(name)) this.#indexes.set(name, fn);
  }

  get(key: string): T | undefined {
    const cached = this.base.get(key);
    if (this.#entries.size === 0) return cached;
    const entry = this.#entries.get(key);
    return entry && this.#isAhead(key, entry) ? this.#seen(entry, cached) : cached;
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  *keys(): IterableIterator<string> {
    this.#prune();
    for (const key of this.base.keys()) if (this.#entries.size === 0 || this.has(key)) yield key;
    for (const [key, { object }] of this.#entries) if (object && !this.base.has(key)) yield key;
  }

  get size(): number {
    this.#prune();
    if (this.#entries.size === 0) return this.base.size;
    let size = this.base.size;
    for (const key of this.#entries.keys()) size += Number(this.has(key)) - Number(this.base.has(key));
    return size;
  }

  get resourceVersion(): string {
    return this.base.resourceVersion;
  }

  list(options: { readonly namespace?: string; readonly labelSelector?: string } = {}): readonly T[] {
    const cached = this.base.list(options);
    const labels = options.labelSelector ? parseLabelSelector(options.labelSelector) : undefined;
    return this.#overlaid(
      cached,
      ({ metadata }) =>
        (options.namespace === undefined || (metadata.namespace ?? '') === options.namespace) &&
        (labels === undefined || labels.matches(metadata.labels)),
    );
  }

  by(index: string, value: string): readonly T[] {
    const cached = this.base.by(index, value);
    const fn = this.#indexes.get(index);
    return this.#overlaid(cached, (object) => {
      try {
        return fn?.(object).includes(value) ?? false;
      } catch {
        // As in the cache: an object its function cannot read is in no index.
        return false;
      }
    });
  }

  /** What the cache found, with own writes in place of what they replaced, and those that belong here too. */
  #overlaid(cached: readonly T[], belongs: (object: T) => boolean): readonly T[] {
    this.#prune();
    if (this.#entries.size === 0) return cached;
    const found: T[] = [];
    for (const object of cached) {
      const entry = this.#entries.get(keyOf(object));
      if (!entry) found.push(object);
      else if (entry.deleted && entry.uid !== object.metadata.uid) found.push(object);
    }
    for (const { object } of this.#entries.values()) if (object && belongs(object)) found.push(object);
    return found;
  }

  #seen(entry: Entry<T>, cached: T | undefined): T | undefined {
    // A deletion hides that very object, not the next one of the same name.
    if (entry.deleted) return cached?.metadata.uid === entry.uid ? undefined : cached;
    return entry.object;
  }

  /** False once the cache has seen the write. */
  #isAhead(key: string, { uid, resourceVersion, deleted }: Entry<T>): boolean {
    const cached = this.base.get(key);
    const reached =
      resourceVersion === undefined
        ? undefined
        : compareResourceVersion(this.base.resourceVersion, resourceVersion);
    if (deleted) return cached?.metadata.uid === uid || reached === -1 || reached === undefined;
    if (reached === 0 || reached === 1) return false;
    if (!cached || resourceVersion === undefined) return true;
    const order = compareResourceVersion(cached.metadata.resourceVersion, resourceVersion);
    return order === -1 || order === undefined;
  }

  #prune(): void {
    const { resourceVersion } = this.base;
    if (resourceVersion === this.#prunedAt) return;
    if (compareResourceVersion(resourceVersion, this.#prunedAt) === -1) {
      this.#entries.clear();
      this.#echoes.clear();
    }
    this.#prunedAt = resourceVersion;
    for (const [key, entry] of this.#entries) if (!this.#isAhead(key, entry)) this.#entries.delete(key);
    // The event of the present version may be the one that is just being told.
    for (const echo of this.#echoes)
      if (compareResourceVersion(echo, resourceVersion) === -1) this.#echoes.delete(echo);
  }

  #put(key: string, entry: Entry<T>): void {
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (this.#entries.size > maxEntries) {
      const [oldest] = this.#entries.keys();
      this.#entries.delete(oldest as string);
    }
  }

  #expectEcho(resourceVersion: string): void {
    this.#echoes.add(resourceVersion);
    if (this.#echoes.size <= maxEntries) return;
    const [oldest] = this.#echoes;
    this.#echoes.delete(oldest as string);
  }

  #selects(object: T): boolean {
    const { namespace = '', labels } = object.metadata;
    const { namespaces } = this.scope;
    if (namespaces && !namespaces.includes(namespace)) return false;
    if (this.#labels && !this.#labels.matches(labels)) return false;
    return this.#fields?.matches((path) => fieldOf(object, path)) ?? true;
  }
}

/** The field a selector names: selectable fields are paths into the object. */
function fieldOf(object: unknown, path: string): string | undefined {
  let at: unknown = object;
  for (const step of path.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return undefined;
    at = (at as Record<string, unknown>)[step];
  }
  return at === undefined || at === null ? undefined : String(at);
}
