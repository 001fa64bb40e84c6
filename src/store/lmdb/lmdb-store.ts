/**
 * The embedded durable driver: an append-only log in LMDB, one record per revision, with the present state and
 * the history since the last compaction in memory.
 *
 * - **Acknowledged means durable**: a write's promise resolves after LMDB has committed and synced it. Writers
 *   that come together share a commit.
 * - Compare-and-swap is decided in order of arrival, against what is under way too, before anybody else has a turn; readers and watchers see a
 *   write once it is durable. A commit that fails ends the store: nothing is ever acknowledged on top of it.
 * - After a restart, state, revision, history back to the compaction and expiry times are what they were.
 */
import { mkdirSync } from 'node:fs';
import type { Database, RootDatabase } from 'lmdb';
import { type Cancel, type Clock, sleep } from '../../api/index.js';
import { firstRevision } from '../memory.js';
import {
  type CreateOptions,
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
} from '../store.js';
import { VersionedState } from '../versioned-state.js';
import { lockDirectory } from './directory-lock.js';

export interface LmdbStoreOptions {
  /** A directory of its own; made when it is not there. */
  readonly path: string;
  /** Drives expiry, and tells where a new store begins to count. */
  readonly clock: Clock;
}

/** The directory holds something that this version cannot read. */
export class UnknownStoreFormat extends Error {
  override readonly name = 'UnknownStoreFormat';
}

/** One revision. */
interface LogRecord {
  readonly k: string;
  /** Absent: the key was deleted. */
  readonly v?: object;
  /** Revision of the create. */
  readonly c?: number;
  /** Milliseconds since the epoch after which it is to be deleted. */
  readonly t?: number;
}

interface Meta {
  readonly format: number;
  readonly compactedTo: number;
}

const format = 1;
const metaKey = 'meta';
/** Records removed in one transaction: compaction never holds writers up for long. */
const removalBatch = 1000;

/** A write that is not durable yet, or has not been told. */
interface Pending {
  readonly event: StoreEvent;
  readonly expiresAt: number | undefined;
  /** Resolves when the change is durable, and has been told. */
  readonly durable: Promise<void>;
  readonly told: () => void;
  readonly lost: (error: Error) => void;
}

/** @throws StoreLocked, UnknownStoreFormat, or an Error that says that the lmdb package is missing */
export async function openLmdbStore(options: LmdbStoreOptions): Promise<ObjectStore> {
  const { open } = await import('lmdb').catch((error: unknown) => {
    throw new Error(
      'the embedded store needs the optional package lmdb, which is not installed: npm install lmdb, or use the memory store',
      { cause: error },
    );
  });
  mkdirSync(options.path, { recursive: true, mode: 0o700 });
  const unlock = lockDirectory(options.path);
  try {
    // `overlappingSync: false`: a put resolves when it is on the disk, not before.
    // `noSubdir`: else a name with a dot in it is taken for that of a file.
    const root = open({
      path: options.path,
      noSubdir: false,
      encoding: 'json',
      overlappingSync: false,
      maxDbs: 4,
    });
    return LmdbStore.load(root, options, unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

class LmdbStore implements ObjectStore {
  readonly #root: RootDatabase;
  readonly #log: Database<LogRecord, number>;
  readonly #meta: Database<Meta, string>;
  readonly #clock: Clock;
  readonly #unlock: () => void;
  readonly #state: VersionedState;
  /** Not durable yet, by key: the newest one. */
  readonly #pending = new Map<string, Pending>();
  readonly #expiries = new Map<string, { readonly at: number; readonly cancel: Cancel }>();
  #revision: number;
  #failure: Error | undefined;
  #closing: Promise<void> | undefined;
  /** The same in order of their revisions: in the transaction under way, and what comes after it. */
  #committing: Pending[] = [];
  #waiting: Pending[] = [];
  /**
   * The transaction under way takes more: to the end of the turn of the event loop in which it was begun. There is one at a
   * time; many writers need fewer of them than if each turn began its own.
   */
  #open = false;
  /** Of the transaction under way, what is not on the disk. */
  #unsynced = 0;
  /** Records that compaction takes away, as far as that is under way. */
  #removing: Promise<void> = Promise.resolve();

  private constructor(
    root: RootDatabase,
    databases: { readonly log: Database<LogRecord, number>; readonly meta: Database<Meta, string> },
    { clock }: LmdbStoreOptions,
    unlock: () => void,
    compactedTo: number,
  ) {
    this.#root = root;
    this.#log = databases.log;
    this.#meta = databases.meta;
    this.#clock = clock;
    this.#unlock = unlock;
    this.#state = new VersionedState(compactedTo);
    this.#revision = compactedTo;
    root.on('beforecommit', () => {
      this.#open = false;
    });
  }

  static async load(root: RootDatabase, options: LmdbStoreOptions, unlock: () => void): Promise<LmdbStore> {
    const meta = root.openDB<Meta, string>('meta', { encoding: 'json' });
    const log = root.openDB<LogRecord, number>('log', { encoding: 'json', keyEncoding: 'ordered-binary' });
    let known = meta.get(metaKey);
    if (known && known.format !== format) {
      await root.close();
      throw new UnknownStoreFormat(
        `the store in ${options.path} has format ${known.format}; this version of gyre reads format ${format}`,
      );
    }
    if (!known) {
      known = { format, compactedTo: firstRevision(options.clock) };
      await meta.put(metaKey, known);
    }
    const store = new LmdbStore(root, { log, meta }, options, unlock, known.compactedTo);
    await store.#replay(known.compactedTo);
    return store;
  }

  /** Reads the log: the state as of the last compaction, then the changes since. */
  async #replay(compactedTo: number): Promise<void> {
    const base = new Map<string, { readonly revision: number; readonly record: LogRecord }>();
    const superseded: number[] = [];
    for (const { key: revision, value: record } of this.#log.getRange({ end: compactedTo + 1 })) {
      const before = base.get(record.k);
      // A compaction that was cut short left it behind.
      if (before) superseded.push(before.revision);
      base.set(record.k, { revision, record });
    }
    for (const { revision, record } of base.values()) {
      if (record.v === undefined) superseded.push(revision);
      else this.#state.load(entryOf(revision, record));
    }
    const expiring = new Map<string, number>();
    for (const { record } of base.values())
      if (record.v && record.t !== undefined) expiring.set(record.k, record.t);
    for (const { key: revision, value: record } of this.#log.getRange({ start: compactedTo + 1 })) {
      const previous = this.#state.at(record.k);
      const entry = record.v === undefined ? undefined : entryOf(revision, record);
      this.#state.publish({
        type: entry ? 'put' : 'delete',
        key: record.k,
        revision,
        ...(entry ? { entry } : {}),
        ...(previous ? { previous } : {}),
      });
      if (entry && record.t !== undefined) expiring.set(record.k, record.t);
      else expiring.delete(record.k);
    }
    this.#revision = this.#state.revision;
    await this.#removeRecords(superseded);
    for (const [key, at] of expiring) this.#expireAt(key, at);
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
    this.#checkWritable();
    const current = this.#head(key);
    if (current) {
      await this.#settled(key);
      throw new KeyExists(key, current);
    }
    const revision = ++this.#revision;
    const entry: StoreEntry = { key, value, revision, createRevision: revision };
    const at = options.ttl === undefined ? undefined : this.#clock.now() + options.ttl * 1000;
    await this.#commit({ type: 'put', key, revision, entry }, at);
    if (at !== undefined) this.#expireAt(key, at);
    return entry;
  }

  async update(key: string, value: object, expectedRevision: number): Promise<StoreEntry> {
    this.#checkWritable();
    const previous = this.#head(key);
    if (previous?.revision !== expectedRevision) return this.#lost(key, expectedRevision, previous);
    const revision = ++this.#revision;
    const entry: StoreEntry = { key, value, revision, createRevision: previous.createRevision };
    await this.#commit({ type: 'put', key, revision, entry, previous }, this.#expiries.get(key)?.at);
    return entry;
  }

  async delete(key: string, expectedRevision: number): Promise<{ revision: number; previous: StoreEntry }> {
    this.#checkWritable();
    const previous = this.#head(key);
    if (previous?.revision !== expectedRevision) return this.#lost(key, expectedRevision, previous);
    const revision = ++this.#revision;
    await this.#commit({ type: 'delete', key, revision, previous }, undefined);
    this.#forgetExpiry(key);
    return { revision, previous };
  }

  async watch(prefix: string, fromRevision: number, observer: StoreObserver): Promise<StoreWatch> {
    return this.#state.watch(prefix, fromRevision, observer);
  }

  /** The mark goes first: a crash in between leaves records that the next start removes. */
  async compact(revision: number): Promise<void> {
    this.#checkWritable();
    const steps = this.#state.compact(revision);
    await this.#meta.put(metaKey, { format, compactedTo: revision });
    for (const forgotten of steps) {
      // What is left behind goes at the next start.
      if (this.#closing || this.#failure) return;
      this.#removing = this.#removeRecords(forgotten);
      await this.#removing;
      await sleep(this.#clock, 0);
    }
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      for (const { cancel } of this.#expiries.values()) cancel();
      this.#expiries.clear();
      for (let last; (last = this.#waiting.at(-1) ?? this.#committing.at(-1)); )
        await last.durable.catch(() => {});
      await this.#removing.catch(() => {});
      this.#state.close('the store was closed');
      await this.#root.close();
      this.#unlock();
    })();
    return this.#closing;
  }

  #checkWritable(): void {
    this.#state.checkOpen();
    if (this.#closing) throw new StoreClosed('the store is closed');
    if (this.#failure) throw new StoreClosed(`the store has failed: ${this.#failure.message}`);
  }

  /** The newest entry, durable or not: what the next write is decided on. */
  #head(key: string): StoreEntry | undefined {
    const pending = this.#pending.get(key);
    return pending ? pending.event.entry : this.#state.at(key);
  }

  /** A write that lost against one under way hears of it when that one can be read. @throws RevisionMismatch */
  async #lost(key: string, expected: number, current: StoreEntry | undefined): Promise<never> {
    await this.#settled(key);
    throw new RevisionMismatch(key, expected, current);
  }

  async #settled(key: string): Promise<void> {
    await this.#pending.get(key)?.durable.catch(() => {});
  }

  /** Resolves when the change is durable, and has been told. */
  #commit(event: StoreEvent, expiresAt: number | undefined): Promise<void> {
    let told = (): void => {};
    let lost = (_: Error): void => {};
    const durable = new Promise<void>((resolve, reject) => {
      told = resolve;
      lost = reject;
    });
    const pending: Pending = { event, expiresAt, durable, told, lost };
    this.#pending.set(event.key, pending);
    if (this.#committing.length > 0 && !this.#open) this.#waiting.push(pending);
    else this.#put(pending);
    return durable;
  }

  #put(pending: Pending): void {
    const { event, expiresAt } = pending;
    this.#open = true;
    this.#committing.push(pending);
    this.#unsynced++;
    try {
      this.#log.put(event.revision, recordOf(event, expiresAt)).then(
        (committed) => {
          if (!committed) this.#fail(new Error('the write was not committed'));
          else if (--this.#unsynced === 0) this.#committed();
        },
        (error: unknown) => this.#fail(error as Error),
      );
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  /** Begins the next transaction and tells what was in the last, in order and at once: those who wrote it together go on together. */
  #committed(): void {
    const done = this.#committing;
    const next = this.#waiting;
    this.#committing = [];
    this.#waiting = [];
    for (const pending of next) this.#put(pending);
    for (const pending of done) this.#tell(pending);
  }

  #tell(pending: Pending): void {
    const { event, told, lost } = pending;
    if (this.#pending.get(event.key) === pending) this.#pending.delete(event.key);
    try {
      this.#state.publish(event);
      told();
    } catch (error) {
      // Somebody who was told cannot bear it: as in memory, the writer hears of it, and nobody else.
      lost(error as Error);
    }
  }

  #fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#state.close(`the store has failed: ${error.message}`);
    const waiting = [...this.#committing, ...this.#waiting];
    this.#committing = [];
    this.#waiting = [];
    for (const { lost } of waiting) lost(new StoreClosed(`the store has failed: ${error.message}`));
  }

  async #removeRecords(revisions: readonly number[]): Promise<void> {
    for (let from = 0; from < revisions.length; from += removalBatch) {
      const batch = revisions.slice(from, from + removalBatch);
      await Promise.all(batch.map((revision) => this.#log.remove(revision)));
    }
  }

  #expireAt(key: string, at: number): void {
    this.#forgetExpiry(key);
    const cancel = this.#clock.setTimer(Math.max(0, at - this.#clock.now()), () => {
      this.#expiries.delete(key);
      const current = this.#head(key);
      if (!current || this.#closing || this.#failure) return;
      const revision = ++this.#revision;
      this.#commit({ type: 'delete', key, revision, previous: current }, undefined).catch(() => {
        // A store that has failed has told its watchers.
      });
    });
    this.#expiries.set(key, { at, cancel });
  }

  #forgetExpiry(key: string): void {
    this.#expiries.get(key)?.cancel();
    this.#expiries.delete(key);
  }
}

function recordOf({ key, entry }: StoreEvent, expiresAt: number | undefined): LogRecord {
  return {
    k: key,
    ...(entry ? { v: entry.value, c: entry.createRevision } : {}),
    ...(expiresAt === undefined ? {} : { t: expiresAt }),
  };
}

function entryOf(revision: number, { k, v, c }: LogRecord): StoreEntry {
  return { key: k, value: v as object, revision, createRevision: c ?? revision };
}
