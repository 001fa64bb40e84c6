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
  readonly resourceVersion: string;
  /** Undefined: outside of the selection since, or gone. */
  readonly object: T | undefined;
}

interface Deleted {
  readonly key: string;
  /** The last version known of the object, if any. */
  readonly resourceVersion: string | undefined;
}

/** Deletions of objects whose version nobody knew cannot be seen to have arrived: the oldest are let go. */
const maxEntries = 10_000;

/** No key: a write whose object the server names. */
const anyKey = '';

export class OwnWrites<T extends CacheObject> implements Cache<T> {
  /** What was written, by key. */
  readonly #entries = new Map<string, Entry<T>>();
  /** What was deleted, by UID: a deletion hides that very object, not another one of the same name. */
  readonly #deleted = new Map<string, Deleted>();
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
    return this.#entries.size + this.#deleted.size;
  }

  /** A write of this controller was answered with this object. */
  wrote(object: T): void {
    const key = keyOf(object);
    const { uid, resourceVersion } = object.metadata;
    this.#prune();
    const before = this.#entries.get(key);
    // Answers may arrive in another order than they were given in.
    if (before) {
      const order = compareResourceVersion(resourceVersion, before.resourceVersion);
      if (order === -1 || order === 0) return;
    }
    const visible = !this.#deleted.has(uid);
    if (visible && this.scope.echoes) this.#expectEcho(resourceVersion);
    const projected = (this.scope.project?.(object) ?? object) as T;
    const shown = visible && this.#selects(object) ? projected : undefined;
    const entry: Entry<T> = { uid, resourceVersion, object: shown };
    if (this.#isAhead(key, entry)) put(this.#entries, key, entry);
  }

  /**
   * A deletion is about to be sent. What it gives is called when the server has answered that the object is gone,
   * with its UID if the answer names one. What is known of that name now is then gone as well: it was that
   * object, or had made room for it.
   */
  deleting(key: string): (uid: string | undefined) => void {
    const cached = this.base.get(key)?.metadata;
    const before = this.#entries.get(key);
    return (named) => {
      this.#prune();
      const entry = this.#entries.get(key);
      const uid = named ?? (before ?? cached ?? entry)?.uid;
      const known = [entry, before, cached].filter((of) => of !== undefined);
      for (const gone of new Set([uid, before?.uid, cached?.uid])) {
        if (gone === undefined) continue;
        // The cache had it when the deletion was sent, and has not any more: it has seen it go.
        if (cached?.uid === gone && this.base.get(key)?.metadata.uid !== gone) continue;
        // What was older, and lags in the cache or in an answer, must not come back in its place.
        if (entry?.uid === gone) this.#entries.set(key, { ...entry, object: undefined });
        const deleted = { key, resourceVersion: known.find((of) => of.uid === gone)?.resourceVersion };
        if (!this.#hasSeenGo(gone, deleted)) put(this.#deleted, gone, deleted);
      }
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
      const { uid } = event.object.metadata;
      this.#deleted.delete(uid);
      if (this.#entries.get(event.key)?.uid === uid) this.#entries.delete(event.key);
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
    if (this.#isEmpty) return cached;
    const entry = this.#entries.get(key);
    if (entry && this.#isAhead(key, entry)) return entry.object;
    return cached && this.#deleted.has(cached.metadata.uid) ? undefined : cached;
  }

  has(key: string): boolean {
    return this.get(key) !== undefined;
  }

  *keys(): IterableIterator<string> {
    this.#prune();
    for (const key of this.base.keys()) if (this.#isEmpty || this.has(key)) yield key;
    for (const [key, { object }] of this.#entries) if (object && !this.base.has(key)) yield key;
  }

  get size(): number {
    this.#prune();
    if (this.#isEmpty) return this.base.size;
    let size = 0;
    for (const _ of this.keys()) size++;
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
    if (this.#isEmpty) return cached;
    const found = cached.filter(
      (object) => !this.#entries.has(keyOf(object)) && !this.#deleted.has(object.metadata.uid),
    );
    for (const { object } of this.#entries.values()) if (object && belongs(object)) found.push(object);
    return found;
  }

  get #isEmpty(): boolean {
    return this.#entries.size === 0 && this.#deleted.size === 0;
  }

  /** False once the cache has seen the write. */
  #isAhead(key: string, { resourceVersion }: Entry<T>): boolean {
    const reached = compareResourceVersion(this.base.resourceVersion, resourceVersion);
    if (reached === 0 || reached === 1) return false;
    const cached = this.base.get(key);
    if (!cached) return true;
    const order = compareResourceVersion(cached.metadata.resourceVersion, resourceVersion);
    return order === -1 || order === undefined;
  }

  /** True once the cache has seen the object and has seen it go. */
  #hasSeenGo(uid: string, { key, resourceVersion }: Deleted): boolean {
    if (resourceVersion === undefined || this.base.get(key)?.metadata.uid === uid) return false;
    const reached = compareResourceVersion(this.base.resourceVersion, resourceVersion);
    return reached === 0 || reached === 1;
  }

  #prune(): void {
    const { resourceVersion } = this.base;
    if (resourceVersion === this.#prunedAt) return;
    if (compareResourceVersion(resourceVersion, this.#prunedAt) === -1) {
      this.#entries.clear();
      this.#deleted.clear();
      this.#echoes.clear();
    }
    this.#prunedAt = resourceVersion;
    for (const [key, entry] of this.#entries) if (!this.#isAhead(key, entry)) this.#entries.delete(key);
    for (const [uid, deleted] of this.#deleted) if (this.#hasSeenGo(uid, deleted)) this.#deleted.delete(uid);
    // The event of the present version may be the one that is just being told.
    for (const echo of this.#echoes)
      if (compareResourceVersion(echo, resourceVersion) === -1) this.#echoes.delete(echo);
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

/** Adds the entry as the newest, and lets the oldest go where there are too many. */
function put<V>(entries: Map<string, V>, id: string, entry: V): void {
  entries.delete(id);
  entries.set(id, entry);
  if (entries.size <= maxEntries) return;
  const [oldest] = entries.keys();
  entries.delete(oldest as string);
}
