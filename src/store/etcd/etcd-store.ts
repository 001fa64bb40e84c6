/**
 * The driver on etcd v3: several API servers on one etcd serve one cluster.
 *
 * - Entries are keys below `PREFIX/objects`; a write is one transaction that compares the modification revision.
 * - One watch on etcd serves all watches of this store (`upstream-watch.ts`). A write's promise resolves when that watch
 *   has told of it, so who reads after writing reads what was written.
 * - `revision()` asks etcd, and waits until the watch is there: what anybody has written before is told by then.
 * - A write of which no answer came throws StoreUnavailable with outcome `unknown`, never a mismatch.
 *
 * Others may write to the same etcd below other prefixes: revisions then have gaps, and nothing else changes. Entries
 * with a ttl that expire together may be deleted in one revision.
 */
import type { Clock, Random } from '../../api/index.js';
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
} from '../store.js';
import { connectEtcd, type EtcdConnection, EtcdRefusal, type EtcdTls, refusals } from './connection.js';
import { Leases } from './leases.js';
import type {
  Calls,
  Compare,
  KeyValue,
  RangeResponse,
  RequestOp,
  TxnResponse,
  WatchedEvent,
} from './messages.js';
import { type Subscriber, UpstreamWatch } from './upstream-watch.js';

export interface EtcdStoreOptions {
  /** `http://HOST:PORT` or `https://HOST:PORT`, each a member; when one fails the next is asked. */
  readonly endpoints: readonly string[];
  /** For `https` endpoints. Default: the authorities the system believes, and no client certificate. */
  readonly tls?: EtcdTls;
  /** For an etcd with users. Default: none. */
  readonly credentials?: { readonly username: string; readonly password: string };
  /** What all keys begin with; clusters with different ones share an etcd. Default `/gyre`. */
  readonly prefix?: string;
  /** How long an answer may take, milliseconds. Default 5000. */
  readonly requestTimeoutMs?: number;
  readonly clock: Clock;
  readonly random: Random;
  /**
   * Resolves for all who wait for it at once, at the end of a turn of the event loop. Calls that are made in one turn are then
   * sent together, step by step, each step while the processor has its code at hand: a quarter more of them per second.
   * Default: each is sent at once.
   */
  readonly turn?: () => Promise<void>;
}

/** Entries read at once; more make the answer long without making it faster. */
const pageSize = 10_000;
const nothing = Buffer.alloc(0);

/**
 * Resolves when etcd has answered.
 * @throws StoreUnavailable; TypeError for endpoints that are none; an Error that says which package is missing
 */
export async function openEtcdStore(options: EtcdStoreOptions): Promise<ObjectStore> {
  const { requestTimeoutMs = 5000, clock, random, endpoints, tls, credentials } = options;
  const prefix = (options.prefix ?? '/gyre').replace(/\/+$/, '');
  if (prefix === '') throw new TypeError('the etcd store needs a prefix');
  const connection = await connectEtcd({
    endpoints,
    requestTimeoutMs,
    clock,
    turn: options.turn,
    ...(tls ? { tls } : {}),
    ...(credentials ? { credentials } : {}),
  });
  const store = new EtcdStore(connection, prefix, { requestTimeoutMs, clock, random });
  try {
    await store.revision();
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

class EtcdStore implements ObjectStore {
  readonly shared = true;
  readonly #connection: EtcdConnection;
  readonly #leases: Leases;
  readonly #time: { readonly requestTimeoutMs: number; readonly clock: Clock; readonly random: Random };
  /** What the key of an entry begins with in etcd. */
  readonly #root: string;
  readonly #range: { readonly key: Buffer; readonly range_end: Buffer };
  /** Written when an event is needed. */
  readonly #fenceKey: Buffer;
  #upstream: UpstreamWatch | undefined;
  /** Watches that are catching up. */
  readonly #catchingUp = new Set<UpstreamWatch>();
  /** The question for the latest revision that is on its way, and the one that will follow it. */
  #asked: Promise<unknown> = Promise.resolve();
  #nextRevision: Promise<number> | undefined;
  #oldest = 1;
  #closing: Promise<void> | undefined;

  constructor(
    connection: EtcdConnection,
    prefix: string,
    time: { readonly requestTimeoutMs: number; readonly clock: Clock; readonly random: Random },
  ) {
    this.#connection = connection;
    this.#time = time;
    this.#leases = new Leases(connection, time.clock, time.random);
    this.#root = `${prefix}/objects`;
    this.#range = rangeOf(`${prefix}/`);
    this.#fenceKey = Buffer.from(`${prefix}/fence`);
  }

  async revision(): Promise<number> {
    const revision = await this.#latest();
    await this.#main()?.reached(revision);
    return revision;
  }

  /** One question at a time: who asks while one is on its way shares the next, for that one was sent too early. */
  #latest(): Promise<number> {
    this.#nextRevision ??= this.#asked.then(() => {
      this.#nextRevision = undefined;
      const answer = this.#probeOnce();
      this.#asked = answer.catch(() => {});
      return answer;
    });
    return this.#nextRevision;
  }

  async #probeOnce(): Promise<number> {
    const upstream = this.#main();
    const told = upstream?.position ?? 0;
    const revision = await this.#probe();
    // Restored from a backup: what was told since has not happened there.
    if (revision < told) upstream?.end(new Compacted(told, revision), true);
    return revision;
  }

  /** The latest revision. @throws Compacted, FutureRevision when the one given cannot be read */
  async #probe(revision?: number): Promise<number> {
    const { header } = await this.#read({ key: this.#fenceKey, count_only: true }, revision);
    return header?.revision ?? 0;
  }

  /** etcd does not tell it: found by halving. */
  async oldestRevision(): Promise<number> {
    let oldest = this.#oldest;
    if (await this.#isReadable(oldest)) return oldest;
    let latest = await this.#latest();
    while (oldest + 1 < latest) {
      const middle = Math.floor((oldest + latest) / 2);
      if (await this.#isReadable(middle)) latest = middle;
      else oldest = middle;
    }
    this.#oldest = latest;
    return latest;
  }

  async #isReadable(revision: number): Promise<boolean> {
    try {
      await this.#call('Range', { key: this.#fenceKey, count_only: true, revision }, 'read');
      return true;
    } catch (error) {
      if (error instanceof EtcdRefusal && error.message === refusals.compacted) return false;
      throw error;
    }
  }

  async get(key: string, options: { readonly revision?: number } = {}): Promise<StoreEntry | undefined> {
    const { kvs } = await this.#read({ key: this.#encode(key) }, options.revision);
    return kvs?.[0] && this.#entry(kvs[0]);
  }

  async list(prefix: string, options: StoreListOptions = {}): Promise<StoreList> {
    const all = rangeOf(this.#root + prefix);
    const { after, limit = Number.POSITIVE_INFINITY } = options;
    let from = after !== undefined && after >= prefix ? afterKey(this.#encode(after)) : all.key;
    let { revision } = options;
    const entries: StoreEntry[] = [];
    for (;;) {
      const page: RangeResponse = await this.#read(
        {
          key: from,
          range_end: all.range_end,
          // To etcd 0 means all.
          ...(limit === 0 ? { count_only: true } : { limit: Math.min(pageSize, limit - entries.length) }),
        },
        revision,
      );
      revision ??= page.header?.revision ?? 0;
      const kvs = page.kvs ?? [];
      for (const kv of kvs) entries.push(this.#entry(kv));
      const remaining = (page.count ?? 0) - kvs.length;
      const last = kvs.at(-1);
      if (!last || remaining === 0) return { entries, revision, remaining };
      if (entries.length >= limit) return { entries, revision, remaining, next: this.#decode(last.key) };
      from = afterKey(last.key);
    }
  }

  async create(key: string, value: object, { ttl }: CreateOptions = {}): Promise<StoreEntry> {
    const at = this.#encode(key);
    const put = { key: at, value: Buffer.from(JSON.stringify(value)) };
    const { response, revision } = await this.#leased(ttl, (lease) =>
      this.#write({
        compare: [{ result: 0, target: 0, key: at, version: 0 }],
        success: [{ request_put: lease === undefined ? put : { ...put, lease } }],
        failure: [{ request_range: { key: at } }],
      }),
    );
    if (response.succeeded) {
      await this.#told(revision);
      return { key, value, revision, createRevision: revision };
    }
    const current = this.#found(response);
    await this.#told(current?.revision ?? revision);
    // In one transaction it cannot be there and not be there.
    throw new KeyExists(key, current as StoreEntry);
  }

  async update(key: string, value: object, expectedRevision: number): Promise<StoreEntry> {
    const at = this.#encode(key);
    const { response, revision } = await this.#swap(key, expectedRevision, [
      { request_put: { key: at, value: Buffer.from(JSON.stringify(value)), ignore_lease: true } },
      { request_range: { key: at, keys_only: true } },
    ]);
    const createRevision = response.responses?.[1]?.response_range?.kvs?.[0]?.create_revision ?? revision;
    return { key, value, revision, createRevision };
  }

  async delete(key: string, expectedRevision: number): Promise<{ revision: number; previous: StoreEntry }> {
    const at = this.#encode(key);
    const { response, revision } = await this.#swap(key, expectedRevision, [
      { request_delete_range: { key: at, prev_kv: true } },
    ]);
    const previous = response.responses?.[0]?.response_delete_range?.prev_kvs?.[0] as KeyValue;
    return { revision, previous: this.#entry(previous) };
  }

  /** @throws RevisionMismatch */
  async #swap(
    key: string,
    expected: number,
    success: readonly RequestOp[],
  ): Promise<{ response: TxnResponse; revision: number }> {
    const at = this.#encode(key);
    const compare: Compare[] = [
      { result: 0, target: 2, key: at, mod_revision: expected },
      { result: 1, target: 0, key: at, version: 0 },
    ];
    const written = await this.#write({ compare, success, failure: [{ request_range: { key: at } }] });
    if (written.response.succeeded) {
      await this.#told(written.revision);
      return written;
    }
    const current = this.#found(written.response);
    // Who starts again from what is known here must not start from the same.
    await this.#told(current?.revision ?? written.revision);
    throw new RevisionMismatch(key, expected, current);
  }

  async watch(prefix: string, fromRevision: number, observer: StoreObserver): Promise<StoreWatch> {
    const latest = await this.#probe(fromRevision);
    this.#checkOpen();
    // What goes wrong before the promise resolves, the promise tells.
    let watching = false;
    const subscriber: Subscriber = {
      prefix,
      after: fromRevision,
      observer: {
        next: (event) => observer.next(event),
        error: (error) => {
          if (watching) observer.error(error);
        },
      },
    };
    const upstream = await this.#join(subscriber, latest);
    watching = true;
    return { close: () => upstream.remove(subscriber) };
  }

  /** Gives the watch that tells the subscriber, once it has told everything up to `latest`. */
  async #join(subscriber: Subscriber, latest: number): Promise<UpstreamWatch> {
    let upstream = this.#main();
    if (upstream && upstream.position > subscriber.after) return this.#catchUp(subscriber);
    upstream ??= this.#upstream = this.#newUpstream(subscriber.after);
    upstream.add(subscriber);
    try {
      await upstream.reached(latest);
    } catch (error) {
      upstream.remove(subscriber);
      throw error;
    }
    return upstream;
  }

  #main(): UpstreamWatch | undefined {
    return this.#upstream?.ended ? undefined : this.#upstream;
  }

  /** Reads history by a watch of its own, until it can join the one of all. */
  async #catchUp(subscriber: Subscriber): Promise<UpstreamWatch> {
    const own = this.#newUpstream(subscriber.after);
    this.#catchingUp.add(own);
    own.add(subscriber);
    try {
      for (;;) {
        const upstream = this.#main();
        if (!upstream) {
          // The one of all has ended meanwhile: this one takes its place.
          this.#upstream = own;
          return own;
        }
        if (own.position >= upstream.position) {
          upstream.add(subscriber, own.position);
          own.end(new StoreClosed('joined'), false);
          return upstream;
        }
        await own.reached(upstream.position);
      }
    } catch (error) {
      own.end(error as Error, false);
      throw error;
    } finally {
      this.#catchingUp.delete(own);
    }
  }

  #newUpstream(from: number): UpstreamWatch {
    return new UpstreamWatch({
      ...this.#time,
      connection: this.#connection,
      range: this.#range,
      from,
      decode: (event) => this.#event(event),
      fence: () => this.#call('Put', { key: this.#fenceKey, value: nothing }, 'write'),
      checkReadable: (revision) => this.#probe(revision),
    });
  }

  async compact(revision: number): Promise<void> {
    try {
      await this.#call('Compact', { revision }, 'read');
    } catch (error) {
      if (!(error instanceof EtcdRefusal)) throw error;
      const oldest = await this.oldestRevision();
      // Somebody else has done it.
      if (error.message === refusals.compacted && oldest === revision) return;
      throw await this.#unreadable(error, revision);
    }
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      const closed = new StoreClosed('the store was closed');
      this.#upstream?.end(closed, true);
      for (const own of this.#catchingUp) own.end(closed, true);
      await this.#connection.close();
    })();
    return this.#closing;
  }

  #checkOpen(): void {
    if (this.#closing) throw new StoreClosed('the store is closed');
  }

  async #call<K extends keyof Calls>(
    name: K,
    request: Calls[K][0],
    kind: 'read' | 'write',
  ): Promise<Calls[K][1]> {
    this.#checkOpen();
    return this.#connection.call(name, request, kind);
  }

  async #read(request: Calls['Range'][0], revision: number | undefined): Promise<RangeResponse> {
    if (revision === undefined) return this.#call('Range', request, 'read');
    // To etcd 0 means the latest.
    if (revision < 1) throw new Compacted(revision, await this.oldestRevision());
    try {
      return await this.#call('Range', { ...request, revision }, 'read');
    } catch (error) {
      throw error instanceof EtcdRefusal ? await this.#unreadable(error, revision) : error;
    }
  }

  async #unreadable(refusal: EtcdRefusal, revision: number): Promise<Error> {
    if (refusal.message === refusals.compacted) return new Compacted(revision, await this.oldestRevision());
    if (refusal.message === refusals.future) return new FutureRevision(revision, await this.#latest());
    return refusal;
  }

  async #write(txn: Calls['Txn'][0]): Promise<{ response: TxnResponse; revision: number }> {
    const response = await this.#call('Txn', txn, 'write');
    return { response, revision: response.header?.revision ?? 0 };
  }

  /** Writes with a lease, and once more with a new one where the shared one has run out. */
  async #leased<T>(ttl: number | undefined, write: (lease: number | undefined) => Promise<T>): Promise<T> {
    if (ttl === undefined) return write(undefined);
    for (let last = false; ; last = true) {
      try {
        return await write(await this.#leases.of(ttl));
      } catch (error) {
        if (last || !(error instanceof EtcdRefusal && error.message === refusals.leaseGone)) throw error;
        this.#leases.forget(ttl);
      }
    }
  }

  /** Waits until watchers know. The write has happened: where they cannot be told in time it is true all the same. */
  async #told(revision: number): Promise<void> {
    await this.#main()
      ?.reached(revision)
      ?.catch(() => {});
  }

  #found({ responses }: TxnResponse): StoreEntry | undefined {
    const kv = responses?.[0]?.response_range?.kvs?.[0];
    return kv && this.#entry(kv);
  }

  #encode(key: string): Buffer {
    return Buffer.from(this.#root + key);
  }
  #decode(key: Buffer): string {
    return key.toString('utf8').slice(this.#root.length);
  }

  #entry(kv: KeyValue): StoreEntry {
    const { key, mod_revision: revision = 0, create_revision: createRevision = 0, value = nothing } = kv;
    return { key: this.#decode(key), value: JSON.parse(value.toString('utf8')), revision, createRevision };
  }

  #event({ type, kv, prev_kv }: WatchedEvent): StoreEvent | undefined {
    const full = kv?.key.toString('utf8');
    if (!kv || !full?.startsWith(`${this.#root}/`)) return undefined;
    const key = full.slice(this.#root.length);
    const revision = kv.mod_revision ?? 0;
    const previous = prev_kv ? { previous: new EarlierEntry(key, prev_kv) } : {};
    if (type === 1) return { type: 'delete', key, revision, ...previous };
    return { type: 'put', key, revision, entry: this.#entry(kv), ...previous };
  }
}

/** Read only when somebody asks for it: most never look at what was before. */
class EarlierEntry implements StoreEntry {
  readonly revision: number;
  readonly createRevision: number;
  readonly #json: Buffer;
  #value: object | undefined;

  constructor(
    readonly key: string,
    { value = nothing, mod_revision = 0, create_revision = 0 }: KeyValue,
  ) {
    this.#json = value;
    this.revision = mod_revision;
    this.createRevision = create_revision;
  }

  get value(): object {
    this.#value ??= JSON.parse(this.#json.toString('utf8')) as object;
    return this.#value;
  }
}

/** All keys that begin with the text. */
function rangeOf(prefix: string): { readonly key: Buffer; readonly range_end: Buffer } {
  const key = Buffer.from(prefix);
  const range_end = Buffer.from(key);
  // A text never ends in 0xff.
  const last = range_end.length - 1;
  range_end[last] = (range_end[last] as number) + 1;
  return { key, range_end };
}

/** The very next key. */
function afterKey(key: Buffer): Buffer {
  return Buffer.concat([key, Buffer.alloc(1)]);
}
