/**
 * One watch on etcd, fanned out to any number of observers here, and resumed where it broke off.
 *
 * Guarantees: events are told in revision order, each once; what is told reaches up to `position`; a resume goes on
 * right after it, or ends the watch with `Compacted`. `reached` waits until everything up to a revision was told.
 *
 * A revision may belong to somebody else's key, of which no event comes. So when one is waited for in vain, a key of our
 * own is written (`fence`): events come in order, so its event proves that nothing before it is missing. Progress
 * requests would do the same without a write, but those of etcd before 3.4.25 and 3.5.8 may overtake events.
 */
import { type Cancel, type Clock, jitter, type Random } from '../../api/index.js';
import { Compacted, StoreClosed, type StoreEvent, type StoreObserver, StoreUnavailable } from '../store.js';
import type { EtcdConnection, WatchStream } from './connection.js';
import type { WatchedEvent, WatchResponse } from './messages.js';

export interface UpstreamOptions {
  readonly connection: EtcdConnection;
  readonly clock: Clock;
  readonly random: Random;
  readonly range: { readonly key: Buffer; readonly range_end: Buffer };
  /** Tells what comes after this revision. */
  readonly from: number;
  readonly requestTimeoutMs: number;
  /** Undefined for events of keys that are no entries. */
  readonly decode: (event: WatchedEvent) => StoreEvent | undefined;
  /** Makes an event happen in the range. */
  readonly fence: () => Promise<unknown>;
  /** @throws Compacted when the revision cannot be read any more */
  readonly checkReadable: (revision: number) => Promise<unknown>;
}

export interface Subscriber {
  readonly prefix: string;
  /** Told only of later changes. */
  readonly after: number;
  readonly observer: StoreObserver;
}

interface Waiter {
  readonly revision: number;
  readonly since: number;
  resolve(): void;
  reject(error: Error): void;
}

/** How long an event may be on its way before a fence is asked for; less once others are known to write here. */
const patienceMs = { alone: 200, amongOthers: 10 } as const;
const backOffMs = { first: 50, most: 1000 } as const;

export class UpstreamWatch {
  readonly #options: UpstreamOptions;
  readonly #clock: Clock;
  /** With the revision after which each is told. */
  readonly #subscribers = new Map<Subscriber, number>();
  #position: number;
  #stream: WatchStream | undefined;
  /** Which connect is the present one; what comes from earlier ones is dropped. */
  #generation = 0;
  #member = 0;
  #failures = 0;
  #retry: Cancel | undefined;
  /** Answers that wait until it is known that nothing was compacted away before them; undefined once it is. */
  #unverified: WatchResponse[] | undefined;
  /** Events of an answer that comes in parts. */
  #parts: WatchedEvent[] = [];
  #amongOthers = false;
  readonly #waiters = new Set<Waiter>();
  #alarm: Cancel | undefined;
  #fencing = false;
  #ended: Error | undefined;

  constructor(options: UpstreamOptions) {
    this.#options = options;
    this.#clock = options.clock;
    this.#position = options.from;
    this.#connect();
  }

  /** Everything up to it has been told. */
  get position(): number {
    return this.#position;
  }
  /** Why it is over; undefined while it is not. */
  get ended(): Error | undefined {
    return this.#ended;
  }

  /** @param after default: the subscriber's own */
  add(subscriber: Subscriber, after: number = subscriber.after): void {
    this.#subscribers.set(subscriber, after);
  }
  remove(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
  }

  /**
   * Resolves once everything up to the revision has been told.
   * @throws StoreUnavailable when that takes too long; what has ended the watch
   */
  reached(revision: number): Promise<void> | undefined {
    if (this.#ended) return Promise.reject(this.#ended);
    if (this.#position >= revision) return undefined;
    return new Promise((resolve, reject) => {
      this.#waiters.add({ revision, since: this.#clock.monotonic(), resolve, reject });
      this.#arm();
    });
  }

  /** Ends it; observers hear of it when there is an error to tell. Calling it twice is harmless. */
  end(error: Error, tell: boolean): void {
    if (this.#ended) return;
    this.#ended = error;
    this.#generation++;
    this.#stream?.cancel();
    this.#retry?.();
    this.#alarm?.();
    for (const waiter of this.#waiters) waiter.reject(error);
    this.#waiters.clear();
    if (tell) for (const { observer } of this.#subscribers.keys()) observer.error(error);
    this.#subscribers.clear();
  }

  #connect(): void {
    const generation = ++this.#generation;
    this.#retry = undefined;
    this.#unverified = [];
    this.#parts = [];
    const { connection, range } = this.#options;
    this.#member = connection.member;
    connection.openWatch().then(
      (stream) => {
        // Cancelling ends in an error as well.
        stream.on('error', (error: Error) => this.#broken(generation, error));
        if (generation !== this.#generation) {
          stream.cancel();
          return;
        }
        this.#stream = stream;
        stream.on('end', () => this.#broken(generation, new Error('the stream has ended')));
        stream.on('data', (response: WatchResponse) => this.#receive(generation, response));
        stream.write({
          create_request: {
            ...range,
            start_revision: this.#position + 1,
            progress_notify: true,
            prev_kv: true,
            fragment: true,
          },
        });
      },
      (error: Error) => this.#broken(generation, error),
    );
  }

  #broken(generation: number, error: Error): void {
    if (generation !== this.#generation) return;
    this.#generation++;
    this.#stream?.cancel();
    this.#stream = undefined;
    if (error instanceof StoreClosed) return this.end(error, true);
    this.#options.connection.failOver(this.#member);
    const wait = Math.min(backOffMs.most, backOffMs.first * 2 ** this.#failures++);
    this.#retry = this.#clock.setTimer(jitter(this.#options.random, wait, 0.5), () => this.#connect());
  }

  #receive(generation: number, response: WatchResponse): void {
    if (generation !== this.#generation) return;
    const { created, canceled, compact_revision: compactedTo, cancel_reason: reason } = response;
    if (compactedTo) return this.end(new Compacted(this.#position, compactedTo), true);
    if (canceled) {
      // The token it was opened with may be the reason.
      this.#options.connection.forgetToken();
      return this.#broken(generation, new Error(reason ?? 'canceled'));
    }
    if (created) return;
    if (!this.#unverified) return this.#take(response);
    this.#unverified.push(response);
    if (this.#unverified.length === 1) this.#verify(generation);
  }

  /**
   * etcd lets a watch begin right at the compacted revision, where a deletion may be missing already. What has come
   * counts once the position before it is known to be readable still.
   */
  #verify(generation: number): void {
    this.#options.checkReadable(this.#position).then(
      () => {
        if (generation !== this.#generation) return;
        this.#failures = 0;
        const responses = this.#unverified ?? [];
        this.#unverified = undefined;
        for (const response of responses) this.#take(response);
      },
      (error: Error) => {
        if (generation !== this.#generation) return;
        if (error instanceof Compacted) this.end(error, true);
        else this.#broken(generation, error);
      },
    );
  }

  #take({ fragment, events = [], header }: WatchResponse): void {
    const all = this.#parts.length > 0 ? [...this.#parts, ...events] : events;
    if (fragment) {
      this.#parts = [...all];
      return;
    }
    this.#parts = [];
    for (const event of all) {
      const revision = event.kv?.mod_revision ?? 0;
      if (revision > this.#position + 1) this.#amongOthers = true;
      const told = this.#options.decode(event);
      if (told) {
        for (const [{ prefix, observer }, after] of this.#subscribers)
          if (revision > after && told.key.startsWith(prefix)) observer.next(told);
      }
    }
    // Without events it says how far there are none; with events, what follows may still be on its way.
    const upTo = all.length === 0 ? header?.revision : all.at(-1)?.kv?.mod_revision;
    this.#position = Math.max(this.#position, upTo ?? 0);
    for (const waiter of this.#waiters) {
      if (waiter.revision > this.#position) continue;
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }

  get #patience(): number {
    return this.#amongOthers ? patienceMs.amongOthers : patienceMs.alone;
  }

  #arm(): void {
    this.#alarm ??= this.#clock.setTimer(this.#patience, () => {
      this.#alarm = undefined;
      this.#impatient();
      if (this.#waiters.size > 0 && !this.#ended) this.#arm();
    });
  }

  #impatient(): void {
    const now = this.#clock.monotonic();
    const { requestTimeoutMs, fence } = this.#options;
    let overdue = false;
    let late = false;
    for (const waiter of this.#waiters) {
      const waited = now - waiter.since;
      if (waited >= requestTimeoutMs) {
        this.#waiters.delete(waiter);
        waiter.reject(
          new StoreUnavailable(
            `etcd does not tell what has happened up to revision ${waiter.revision}`,
            'unchanged',
          ),
        );
        overdue = true;
      } else if (waited >= this.#patience) late = true;
    }
    // The stream hangs: perhaps another member's does not.
    if (overdue && this.#stream) this.#broken(this.#generation, new Error('silent for too long'));
    if (!late || this.#fencing || !this.#stream) return;
    this.#fencing = true;
    fence()
      .catch(() => {})
      .finally(() => {
        this.#fencing = false;
      });
  }
}
