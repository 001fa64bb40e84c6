/**
 * The latest state and the recent history of one resource, each object stamped with its version once.
 *
 * Reads never reach the store. The log is shared by all watchers: each keeps a position in it, so a
 * change costs one append however many watch, and a slow watcher holds nothing but a number.
 */
import { SortedKeys, type StoreEvent, type StoreEntry } from '../../store/index.js';
import { deepFreeze, extended, type JsonObject } from '../../api/index.js';
import { isUnreadable, unsealed } from '../encryption/values.js';
import { Dispatch, type Interest, type Listener } from './dispatch.js';

/** A stored object as clients see it: `metadata.resourceVersion` is there. Shared: never mutated. */
export interface StampedObject extends JsonObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: JsonObject & {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
    readonly deletionTimestamp?: string;
    readonly generation?: number;
  };
}

export interface CachedObject {
  readonly key: string;
  readonly revision: number;
  readonly object: StampedObject;
  /** What the store holds, for writes that start from it. */
  readonly stored: JsonObject;
}

export interface LogEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly revision: number;
  readonly key: string;
  /** The new state; for a delete, the last state with the version of the deletion. */
  readonly object: StampedObject;
  readonly previous: StampedObject | undefined;
}

/** Turns what the store holds into what is served (defaults of a CRD that came later, …). */
export type Decoder = (stored: JsonObject) => JsonObject;

const identity: Decoder = (stored) => stored;

function stamp(decoded: JsonObject, revision: number): StampedObject {
  return {
    ...decoded,
    metadata: extended(decoded.metadata as JsonObject, { resourceVersion: String(revision) }),
  } as StampedObject;
}

export class ResourceCache {
  readonly #objects = new Map<string, CachedObject>();
  readonly #keys = new SortedKeys();
  #decode: Decoder;
  #log: LogEvent[] = [];
  /** Position of the first event still in the log. */
  #base = 0;
  /** Changes after this revision are all in the log. */
  #completeSince: number;
  readonly #dispatch = new Dispatch();

  constructor(
    /** Keys of this resource start with it: `/apps/deployments/`. */
    readonly prefix: string,
    completeSince: number,
    /** Freezes what is served, so that a reader who mutates it fails at once. */
    private readonly freeze: boolean,
    decode: Decoder = identity,
  ) {
    this.#decode = decode;
    this.#completeSince = completeSince;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): CachedObject | undefined {
    return this.#objects.get(key);
  }

  /** In key order, under the prefix (the resource's own, or one namespace's). */
  *scan(prefix: string = this.prefix, after?: string): IterableIterator<CachedObject> {
    for (const key of this.#keys.scan(prefix, after)) yield this.#objects.get(key) as CachedObject;
  }

  /** All objects as they are now, in no particular order. */
  *objects(): IterableIterator<StampedObject> {
    for (const { object } of this.#objects.values()) yield object;
  }

  /** Serves present and later objects through `decode`; versions stay what they are. */
  setDecoder(decode: Decoder): void {
    this.#decode = decode;
    for (const cached of this.#objects.values()) {
      this.#objects.set(cached.key, {
        ...cached,
        object: this.#stamp(this.#decoded(cached.stored), cached.revision),
      });
    }
  }

  /** A historical entry as it would be served. */
  serve(entry: StoreEntry): StampedObject {
    const stored = unsealed(entry.key, entry.value) as JsonObject;
    return this.#stamp(this.#decoded(stored), entry.revision);
  }

  /** What could not be decrypted is kept as what it is: whoever reads it is told. */
  #decoded(stored: JsonObject): JsonObject {
    return isUnreadable(stored) ? stored : this.#decode(stored);
  }

  #stamp(decoded: JsonObject, revision: number): StampedObject {
    if (isUnreadable(decoded)) return decoded as StampedObject;
    const object = stamp(decoded, revision);
    return this.freeze ? deepFreeze(object) : object;
  }

  load(entry: StoreEntry): CachedObject {
    const stored = unsealed(entry.key, entry.value) as JsonObject;
    const cached: CachedObject = {
      key: entry.key,
      revision: entry.revision,
      object: this.#stamp(this.#decoded(stored), entry.revision),
      stored,
    };
    if (!this.#objects.has(entry.key)) this.#keys.add(entry.key);
    this.#objects.set(entry.key, cached);
    return cached;
  }

  apply(event: StoreEvent): void {
    const before = this.#objects.get(event.key);
    if (event.entry) {
      const { object } = this.load(event.entry);
      this.#append({
        type: before ? 'MODIFIED' : 'ADDED',
        revision: event.revision,
        key: event.key,
        object,
        previous: before?.object,
      });
    } else if (before) {
      this.#objects.delete(event.key);
      this.#keys.delete(event.key);
      this.#append({
        type: 'DELETED',
        revision: event.revision,
        key: event.key,
        object: this.#stamp(before.object, event.revision),
        previous: before.object,
      });
    }
  }

  /**
   * Takes what is there now in place of what was, where the changes in between are gone: who watches is at a place that
   * is not there any more, and has to list anew. Who follows inside the server finds the difference in the log.
   */
  replace(entries: readonly StoreEntry[], revision: number): void {
    this.#base = this.end + 1;
    this.#log = [];
    this.#dispatch.tellAll(this.#base - 1);
    const there = new Set(entries.map(({ key }) => key));
    const changes: StoreEvent[] = [];
    for (const entry of entries)
      if (this.#objects.get(entry.key)?.revision !== entry.revision)
        changes.push({ type: 'put', key: entry.key, revision: entry.revision, entry });
    changes.sort((a, b) => a.revision - b.revision);
    for (const key of this.#objects.keys())
      if (!there.has(key)) changes.push({ type: 'delete', key, revision });
    for (const change of changes) this.apply(change);
    this.#completeSince = revision;
  }

  #append(event: LogEvent): void {
    this.#log.push(event);
    this.#dispatch.tell(event, this.end - 1);
  }

  /** The position after the last event. */
  get end(): number {
    return this.#base + this.#log.length;
  }

  /** The event at a position, or undefined when it is not there (any more). */
  at(position: number): LogEvent | undefined {
    return this.#log[position - this.#base];
  }

  /** True when events at and after the position are all still there. */
  holds(position: number): boolean {
    return position >= this.#base;
  }

  /** The oldest revision whose successors are all here. */
  get completeSince(): number {
    return this.#completeSince;
  }

  /** The position of the first event after `revision`, or undefined when some are gone. */
  positionAfter(revision: number): number | undefined {
    if (revision < this.#completeSince) return undefined;
    let low = 0;
    let high = this.#log.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#log[middle] as LogEvent).revision <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#base + low;
  }

  /** Forgets events at and before `revision`. */
  compact(revision: number): void {
    if (revision <= this.#completeSince) return;
    const end = this.positionAfter(revision);
    if (end === undefined) return;
    this.#log.splice(0, end - this.#base);
    this.#base = end;
    this.#completeSince = revision;
  }

  /** Calls back after every append that is of interest, until the returned function is called. */
  onAppend(listener: Listener, interest?: Interest): () => void {
    return this.#dispatch.add(listener, interest);
  }
}
