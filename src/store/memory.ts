/**
 * The memory driver: everything in maps, nothing survives the process. It is the reference for the
 * contract, and what unit tests and `TestCluster` run on.
 *
 * Each key keeps its versions since the last compaction, so reads at an older revision and watches from
 * it are exact. Observers are called synchronously, before the write's promise resolves.
 */
import type { Cancel, Clock } from '../api/index.js';
import { SortedKeys } from './sorted-keys.js';
import {
  Compacted,
  type CreateOptions,
  FutureRevision,
  KeyExists,
  type ObjectStore,
  RevisionMismatch,
  StoreClosed,
  type StoreEntry,
  type StoreEvent,
  type StoreList,
  type StoreListOptions,
  type StoreObserver,
  type StoreWatch,
} from './store.js';

/** One key's versions, oldest first; `entry` is absent where the key was deleted. */
interface Version {
  readonly revision: number;
  readonly entry: StoreEntry | undefined;
}

interface Watcher {
  readonly prefix: string;
  readonly observer: StoreObserver;
}

export interface MemoryStoreOptions {
  /** Drives the expiry of entries created with a ttl. */
  readonly clock: Clock;
}

export class MemoryStore implements ObjectStore {
  readonly #clock: Clock;
  readonly #versions = new Map<string, Version[]>();
  readonly #keys = new SortedKeys();
  /** Every change after `#compactedTo`, in revision order; one revision each, so it is indexable. */
  #log: StoreEvent[] = [];
  #revision: number;
  #compactedTo: number;
  readonly #watchers = new Set<Watcher>();
  readonly #expiries = new Map<string, Cancel>();
  #closed = false;

  constructor(options: MemoryStoreOptions) {
    this.#clock = options.clock;
    // Versions of a former life must lie in the past, not in the future: who resumes from one is told that it
    // is gone, and lists anew. Milliseconds grow faster than any history.
    this.#revision = Math.max(1, Math.floor(options.clock.now()));
    this.#compactedTo = this.#revision;
  }

  async revision(): Promise<number> {
    return this.#revision;
  }

  async get(key: string, options: { readonly revision?: number } = {}): Promise<StoreEntry | undefined> {
    this.#checkReadable(options.revision);
    return this.#at(key, options.revision);
  }

  async list(prefix: string, options: StoreListOptions = {}): Promise<StoreList> {
    this.#checkReadable(options.revision);
    const limit = options.limit ?? Number.POSITIVE_INFINITY;
    const entries: StoreEntry[] = [];
    let remaining = 0;
    for (const key of this.#keys.scan(prefix, options.after)) {
      const entry = this.#at(key, options.revision);
      if (!entry) continue;
      if (entries.length < limit) entries.push(entry);
      else remaining++;
    }
    const last = entries.at(-1);
    return {
      entries,
      revision: options.revision ?? this.#revision,
      remaining,
      ...(remaining > 0 && last ? { next: last.key } : {}),
    };
  }

  async create(key: string, value: object, options: CreateOptions = {}): Promise<StoreEntry> {
    this.#checkOpen();
    const current = this.#at(key, undefined);
    if (current) throw new KeyExists(key, current);
    const revision = this.#revision + 1;
    const entry: StoreEntry = { key, value, revision, createRevision: revision };
    this.#commit({ type: 'put', key, revision, entry });
    if (options.ttl !== undefined) {
      this.#expiries.set(
        key,
        this.#clock.setTimer(options.ttl * 1000, () => this.#expire(key)),
      );
    }
    return entry;
  }

  async update(key: string, value: object, expectedRevision: number): Promise<StoreEntry> {
    this.#checkOpen();
    const previous = this.#expect(key, expectedRevision);
    const revision = this.#revision + 1;
    const entry: StoreEntry = { key, value, revision, createRevision: previous.createRevision };
    this.#commit({ type: 'put', key, revision, entry, previous });
    return entry;
  }

  async delete(key: string, expectedRevision: number): Promise<{ revision: number; previous: StoreEntry }> {
    this.#checkOpen();
    const previous = this.#expect(key, expectedRevision);
    const revision = this.#revision + 1;
    this.#commit({ type: 'delete', key, revision, previous });
    this.#expiries.get(key)?.();
    this.#expiries.delete(key);
    return { revision, previous };
  }

  async watch(prefix: string, fromRevision: number, observer: StoreObserver): Promise<StoreWatch> {
    this.#checkReadable(fromRevision);
    for (let i = fromRevision - this.#compactedTo; i < this.#log.length; i++) {
      const event = this.#log[i] as StoreEvent;
      if (event.key.startsWith(prefix)) observer.next(event);
    }
    const watcher: Watcher = { prefix, observer };
    this.#watchers.add(watcher);
    return { close: () => void this.#watchers.delete(watcher) };
  }

  async compact(revision: number): Promise<void> {
    this.#checkReadable(revision);
    const dropped = this.#log.slice(0, revision - this.#compactedTo);
    this.#log = this.#log.slice(revision - this.#compactedTo);
    this.#compactedTo = revision;
    for (const { key } of dropped) this.#compactKey(key, revision);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const cancel of this.#expiries.values()) cancel();
    this.#expiries.clear();
    for (const { observer } of this.#watchers) observer.error(new StoreClosed('the store was closed'));
    this.#watchers.clear();
  }

  #checkOpen(): void {
    if (this.#closed) throw new StoreClosed('the store is closed');
  }

  #checkReadable(revision: number | undefined): void {
    this.#checkOpen();
    if (revision === undefined) return;
    if (revision < this.#compactedTo) throw new Compacted(revision, this.#compactedTo);
    if (revision > this.#revision) throw new FutureRevision(revision, this.#revision);
  }

  #at(key: string, revision: number | undefined): StoreEntry | undefined {
    const versions = this.#versions.get(key);
    if (!versions) return undefined;
    if (revision === undefined) return versions.at(-1)?.entry;
    return versions.findLast((version) => version.revision <= revision)?.entry;
  }

  #expect(key: string, expectedRevision: number): StoreEntry {
    const current = this.#at(key, undefined);
    if (!current || current.revision !== expectedRevision) {
      throw new RevisionMismatch(key, expectedRevision, current);
    }
    return current;
  }

  #commit(event: StoreEvent): void {
    this.#revision = event.revision;
    this.#log.push(event);
    const version: Version = { revision: event.revision, entry: event.entry };
    const versions = this.#versions.get(event.key);
    if (versions) versions.push(version);
    else {
      this.#versions.set(event.key, [version]);
      this.#keys.add(event.key);
    }
    for (const watcher of this.#watchers) {
      if (event.key.startsWith(watcher.prefix)) watcher.observer.next(event);
    }
  }

  /** Keeps the version readable at `revision` and all later ones; forgets a key that was gone by then. */
  #compactKey(key: string, revision: number): void {
    const versions = this.#versions.get(key);
    if (!versions) return;
    const kept = versions.findLastIndex((version) => version.revision <= revision);
    if (kept > 0) versions.splice(0, kept);
    if (versions.length === 1 && versions[0]?.entry === undefined) {
      this.#versions.delete(key);
      this.#keys.delete(key);
    }
  }

  #expire(key: string): void {
    this.#expiries.delete(key);
    const previous = this.#at(key, undefined);
    if (previous && !this.#closed) {
      this.#commit({ type: 'delete', key, revision: this.#revision + 1, previous });
    }
  }
}
