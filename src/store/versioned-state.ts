/**
 * The state of a store in memory, with its history since the last compaction: what every driver that is its own
 * only writer answers reads and watches from.
 *
 * Each key keeps its versions since then, so reads at an older revision and watches from it are exact. Observers
 * are called synchronously.
 */
import { SortedKeys } from './sorted-keys.js';
import {
  Compacted,
  FutureRevision,
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

/** Changes that are forgotten without anybody else having a turn: about a millisecond. */
const compactionStep = 1000;

interface Watcher {
  readonly prefix: string;
  readonly observer: StoreObserver;
}

export class VersionedState {
  readonly #versions = new Map<string, Version[]>();
  readonly #keys = new SortedKeys();
  /** Every change after `#compactedTo`, in revision order; one revision each, so it is indexable. */
  #log: StoreEvent[] = [];
  #revision: number;
  #compactedTo: number;
  readonly #watchers = new Set<Watcher>();
  #closed = false;

  /** Empty, as of a revision. */
  constructor(revision: number) {
    this.#revision = revision;
    this.#compactedTo = revision;
  }

  get revision(): number {
    return this.#revision;
  }
  /** The oldest revision that can be read. */
  get compactedTo(): number {
    return this.#compactedTo;
  }

  /** Puts an entry in that is older than the history kept: for loading. */
  load(entry: StoreEntry): void {
    this.#versions.set(entry.key, [{ revision: entry.revision, entry }]);
    this.#keys.add(entry.key);
  }

  /** @throws StoreClosed, Compacted, FutureRevision */
  at(key: string, revision?: number): StoreEntry | undefined {
    this.#checkReadable(revision);
    const versions = this.#versions.get(key);
    if (!versions) return undefined;
    if (revision === undefined) return versions.at(-1)?.entry;
    return versions.findLast((version) => version.revision <= revision)?.entry;
  }

  /** @throws StoreClosed, Compacted, FutureRevision */
  list(prefix: string, options: StoreListOptions = {}): StoreList {
    this.#checkReadable(options.revision);
    const limit = options.limit ?? Number.POSITIVE_INFINITY;
    const entries: StoreEntry[] = [];
    let remaining = 0;
    for (const key of this.#keys.scan(prefix, options.after)) {
      const entry = this.at(key, options.revision);
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

  /** The next change has happened: remembers it and tells who watches. */
  publish(event: StoreEvent): void {
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

  /** @throws StoreClosed, Compacted, FutureRevision */
  watch(prefix: string, fromRevision: number, observer: StoreObserver): StoreWatch {
    this.#checkReadable(fromRevision);
    for (let i = fromRevision - this.#compactedTo; i < this.#log.length; i++) {
      const event = this.#log[i] as StoreEvent;
      if (event.key.startsWith(prefix)) observer.next(event);
    }
    const watcher: Watcher = { prefix, observer };
    this.#watchers.add(watcher);
    return { close: () => void this.#watchers.delete(watcher) };
  }

  /**
   * Forgets history before `revision`: at once for who asks, and then out of memory in steps, each of which gives the
   * revisions that nothing needs any more. Between two steps anything may happen.
   * @throws like `watch`
   */
  compact(revision: number): Iterable<readonly number[]> {
    this.#checkReadable(revision);
    const dropped = this.#log.slice(0, revision - this.#compactedTo);
    this.#log = this.#log.slice(revision - this.#compactedTo);
    this.#compactedTo = revision;
    return this.#forget(dropped, revision);
  }

  *#forget(dropped: readonly StoreEvent[], revision: number): Iterable<readonly number[]> {
    for (let from = 0; from < dropped.length; from += compactionStep) {
      const forgotten: number[] = [];
      for (const { key } of dropped.slice(from, from + compactionStep))
        this.#compactKey(key, revision, forgotten);
      yield forgotten;
    }
  }

  /** Ends every watch. Calling it twice is harmless. */
  close(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { observer } of this.#watchers) observer.error(new StoreClosed(reason));
    this.#watchers.clear();
  }

  /** @throws StoreClosed */
  checkOpen(): void {
    if (this.#closed) throw new StoreClosed('the store is closed');
  }

  #checkReadable(revision: number | undefined): void {
    this.checkOpen();
    if (revision === undefined) return;
    if (revision < this.#compactedTo) throw new Compacted(revision, this.#compactedTo);
    if (revision > this.#revision) throw new FutureRevision(revision, this.#revision);
  }

  /** Keeps the version readable at `revision` and all later ones; forgets a key that was gone by then. */
  #compactKey(key: string, revision: number, forgotten: number[]): void {
    const versions = this.#versions.get(key);
    if (!versions) return;
    const kept = versions.findLastIndex((version) => version.revision <= revision);
    if (kept > 0) for (const version of versions.splice(0, kept)) forgotten.push(version.revision);
    const [first] = versions;
    if (first && first.entry === undefined && first.revision <= revision) {
      forgotten.push(first.revision);
      versions.shift();
    }
    if (versions.length > 0) return;
    this.#versions.delete(key);
    this.#keys.delete(key);
  }
}

/** @throws RevisionMismatch unless the entry is there at that revision */
export function expectRevision(key: string, current: StoreEntry | undefined, expected: number): StoreEntry {
  if (!current || current.revision !== expected) throw new RevisionMismatch(key, expected, current);
  return current;
}
