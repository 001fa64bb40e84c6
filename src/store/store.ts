/**
 * The seam under the API server: one global revision, one log.
 *
 * Every write takes the next number of one counter. A watch from revision *r* delivers every later
 * change exactly once and in order, or fails with `Compacted`; history can be read at any revision that
 * is not compacted. Keys are paths, `/group/plural/namespace/name`. Values are JSON objects that nobody
 * mutates after handing them over: a driver may keep and share the very object.
 */

export interface StoreEntry {
  readonly key: string;
  readonly value: object;
  /** Revision of the last write. */
  readonly revision: number;
  /** Revision of the create. */
  readonly createRevision: number;
}

export interface StoreListOptions {
  /** At most so many entries; all when absent. */
  readonly limit?: number;
  /** Only keys after this one, exclusive: the `next` of an earlier page. */
  readonly after?: string;
  /** Reads at this revision instead of the latest. */
  readonly revision?: number;
}

export interface StoreList {
  /** In key order. */
  readonly entries: readonly StoreEntry[];
  /** The revision the list is a snapshot of. */
  readonly revision: number;
  /** Where the next page starts after; absent on the last one. */
  readonly next?: string;
  /** How many entries follow this page. */
  readonly remaining: number;
}

export interface StoreEvent {
  readonly type: 'put' | 'delete';
  readonly key: string;
  /** The revision of this change. */
  readonly revision: number;
  /** After a put: the entry. */
  readonly entry?: StoreEntry;
  /** The entry before the change; absent on a create. */
  readonly previous?: StoreEntry;
}

export interface StoreObserver {
  /** Called in revision order, each change once. Must not throw. */
  next(event: StoreEvent): void;
  /** Called at most once, when the watch ends for another reason than `close()`. */
  error(error: Error): void;
}

export interface StoreWatch {
  close(): void;
}

export interface CreateOptions {
  /** Seconds after which the entry is deleted by the store. */
  readonly ttl?: number;
}

/** Beside what each method names, all throw StoreClosed and StoreUnavailable. */
export interface ObjectStore {
  /** True when others may write to what this store stands for: what its watches have told may be old by now. */
  readonly shared?: boolean;
  /** @throws Compacted, FutureRevision */
  get(key: string, options?: { readonly revision?: number }): Promise<StoreEntry | undefined>;
  /** Entries whose key starts with `prefix`. @throws Compacted, FutureRevision */
  list(prefix: string, options?: StoreListOptions): Promise<StoreList>;
  /** @throws KeyExists */
  create(key: string, value: object, options?: CreateOptions): Promise<StoreEntry>;
  /** @throws RevisionMismatch, carrying the present entry (or none) */
  update(key: string, value: object, expectedRevision: number): Promise<StoreEntry>;
  /** Gives the deletion's revision and the entry that was there. @throws RevisionMismatch */
  delete(
    key: string,
    expectedRevision: number,
  ): Promise<{ readonly revision: number; readonly previous: StoreEntry }>;
  /**
   * Delivers the changes after `fromRevision` of keys with the prefix. History up to the moment of the call arrives
   * before the promise resolves; a write's own change arrives before the promise of that write does, and that of
   * somebody else before a write that lost against it hears of it. Only while a store cannot be reached may its
   * changes be late.
   * @throws Compacted when history since `fromRevision` is gone, FutureRevision when it lies ahead
   */
  watch(prefix: string, fromRevision: number, observer: StoreObserver): Promise<StoreWatch>;
  /** Forgets history before `revision`; the state at `revision` stays readable. */
  compact(revision: number): Promise<void>;
  /** The latest revision; open watches have been told of every change up to it. */
  revision(): Promise<number>;
  /** The oldest revision that can be read and watched from. */
  oldestRevision(): Promise<number>;
  close(): Promise<void>;
}

/** The key exists already. */
export class KeyExists extends Error {
  override readonly name = 'KeyExists';
  constructor(
    readonly key: string,
    readonly current: StoreEntry,
  ) {
    super(`key ${key} exists at revision ${current.revision}`);
  }
}

/** The entry is not at the expected revision (or not there at all). */
export class RevisionMismatch extends Error {
  override readonly name = 'RevisionMismatch';
  constructor(
    readonly key: string,
    readonly expected: number,
    readonly current: StoreEntry | undefined,
  ) {
    super(`key ${key}: expected revision ${expected}, found ${current ? current.revision : 'nothing'}`);
  }
}

/** The revision asked for is older than the oldest one kept. */
export class Compacted extends Error {
  override readonly name = 'Compacted';
  constructor(
    readonly revision: number,
    /** The oldest revision that can be read. */
    readonly compactedTo: number,
  ) {
    super(`revision ${revision} has been compacted; the oldest is ${compactedTo}`);
  }
}

/** The revision asked for has not happened yet. */
export class FutureRevision extends Error {
  override readonly name = 'FutureRevision';
  constructor(
    readonly revision: number,
    readonly latest: number,
  ) {
    super(`revision ${revision} is ahead of the latest, ${latest}`);
  }
}

/** The store cannot be reached, refuses, or gave no answer in time. It may well answer later. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';
  constructor(
    message: string,
    /** `unknown`: this was a write, it may have been sent, and may or may not have happened. */
    readonly outcome: 'unchanged' | 'unknown',
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The store is closed or has failed for good. */
export class StoreClosed extends Error {
  override readonly name = 'StoreClosed';
}
