/**
 * The memory driver: nothing survives the process. It is the reference for the contract, and what unit tests and
 * `TestCluster` run on. Observers are called synchronously, before the write's promise resolves.
 */
import { type Cancel, type Clock, sleep } from '../api/index.js';
import type { LifetimeOf, StoreSnapshot } from './backup/snapshot.js';
import {
  type CreateOptions,
  KeyExists,
  type ObjectStore,
  type StoreEntry,
  type StoreEvent,
  type StoreList,
  type StoreListOptions,
  type StoreObserver,
  type StoreWatch,
} from './store.js';
import { expectRevision, VersionedState } from './versioned-state.js';

export interface MemoryStoreOptions {
  /** Drives the expiry of entries created with a ttl. */
  readonly clock: Clock;
  /** Begins with this state, at its versions; what expires gets its whole time anew. Default: empty. */
  readonly from?: { readonly snapshot: StoreSnapshot; readonly lifetimeOf: LifetimeOf };
}

/**
 * Where a store that begins empty begins to count. Versions of a former life must lie in the past, not in the
 * future: who resumes from one is told that it is gone, and lists anew. Milliseconds grow faster than any history.
 */
export function firstRevision(clock: Clock): number {
  return Math.max(1, Math.floor(clock.now()));
}

export class MemoryStore implements ObjectStore {
  readonly #clock: Clock;
  readonly #state: VersionedState;
  readonly #expiries = new Map<string, Cancel>();

  constructor(options: MemoryStoreOptions) {
    this.#clock = options.clock;
    const { snapshot, lifetimeOf } = options.from ?? {};
    this.#state = new VersionedState(snapshot?.revision ?? firstRevision(options.clock));
    for (const entry of snapshot?.entries ?? []) {
      this.#state.load(entry);
      this.#expireIn(entry.key, lifetimeOf?.(entry.key));
    }
  }

  async revision(): Promise<number> {
    return this.#state.revision;
  }

  async oldestRevision(): Promise<number> {
    return this.#state.compactedTo;
  }

  async get(key: string, options: { readonly revision?: number } = {}): Promise<StoreEntry | undefined> {
    return this.#state.at(key, options.revision);
  }

  async list(prefix: string, options: StoreListOptions = {}): Promise<StoreList> {
    return this.#state.list(prefix, options);
  }

  async create(key: string, value: object, options: CreateOptions = {}): Promise<StoreEntry> {
    const current = this.#state.at(key);
    if (current) throw new KeyExists(key, current);
    const revision = this.#state.revision + 1;
    const entry: StoreEntry = { key, value, revision, createRevision: revision };
    this.#state.publish({ type: 'put', key, revision, entry });
    this.#expireIn(key, options.ttl);
    return entry;
  }

  async update(key: string, value: object, expectedRevision: number): Promise<StoreEntry> {
    const previous = expectRevision(key, this.#state.at(key), expectedRevision);
    const revision = this.#state.revision + 1;
    const entry: StoreEntry = { key, value, revision, createRevision: previous.createRevision };
    this.#state.publish({ type: 'put', key, revision, entry, previous });
    return entry;
  }

  async delete(key: string, expectedRevision: number): Promise<{ revision: number; previous: StoreEntry }> {
    const previous = expectRevision(key, this.#state.at(key), expectedRevision);
    const revision = this.#state.revision + 1;
    const event: StoreEvent = { type: 'delete', key, revision, previous };
    this.#state.publish(event);
    this.#expiries.get(key)?.();
    this.#expiries.delete(key);
    return { revision, previous };
  }

  async watch(prefix: string, fromRevision: number, observer: StoreObserver): Promise<StoreWatch> {
    return this.#state.watch(prefix, fromRevision, observer);
  }

  async compact(revision: number): Promise<void> {
    let steps = 0;
    for (const _ of this.#state.compact(revision)) if (steps++ > 0) await sleep(this.#clock, 0);
  }

  async close(): Promise<void> {
    for (const cancel of this.#expiries.values()) cancel();
    this.#expiries.clear();
    this.#state.close('the store was closed');
  }

  #expireIn(key: string, seconds: number | undefined): void {
    if (seconds === undefined) return;
    this.#expiries.set(
      key,
      this.#clock.setTimer(seconds * 1000, () => this.#expire(key)),
    );
  }

  #expire(key: string): void {
    this.#expiries.delete(key);
    const previous = this.#state.at(key);
    if (previous) this.#state.publish({ type: 'delete', key, revision: this.#state.revision + 1, previous });
  }
}
