/**
 * The queue between events and reconciles: a set of keys, each at most once, each in one place.
 *
 * Guarantees: a key that waits twice is there once, at the earlier time and the higher priority; keys of
 * one priority come first in, first out (with a fairness key: in turn between groups, first in, first out
 * within one); a key that is being worked on is held back until `done`, and comes again if it was added
 * meanwhile; nothing of a key is kept once it is done and forgotten.
 */
import type { Cancel, Clock } from '../../api/index.js';

export interface WorkQueueOptions<K> {
  readonly clock: Clock;
  /** First back-off of a failing key, ms; doubles with each failure. Default 5. */
  readonly baseDelayMs?: number;
  /** Ceiling of the back-off, ms. Default 1,000,000. */
  readonly maxDelayMs?: number;
  /** Groups keys so that none starves the others, e.g. by namespace. Default: no groups. */
  readonly fairness?: (key: K) => string;
  /**
   * A key waits until nothing was added for it for so long, ms, and ten times that at most: for objects that
   * change in bursts. What is added with a time of its own, and retries, do not wait longer. Default 0.
   */
  readonly debounceMs?: number;
  /** A limit for the retries of all keys together, beside the back-off of each. Default: none. */
  readonly retries?: RetryBudget;
}

/** A token bucket: `burst` at once, then `perSecond`. */
export interface RetryBudget {
  readonly perSecond: number;
  readonly burst: number;
}

/** A key that keeps changing is taken after so many quiet periods at the latest. */
const maxDebounces = 10;

export interface AddOptions {
  /** Milliseconds before it may be taken. Default 0. */
  readonly after?: number;
  /** Higher goes first. Default 0. */
  readonly priority?: number;
}

enum Where {
  Idle,
  Ready,
  Delayed,
  Working,
}

class Entry<K> {
  where: Where = Where.Idle;
  priority = 0;
  /** While delayed: when it is due; while working and wanted again: when that is due. */
  dueAt = 0;
  /** While delayed for the sake of quiet: when the first of the additions came; else 0. */
  noisySince = 0;
  /** Position in the heap while delayed. */
  heapIndex = -1;
  /** Of two that are due at once, the one that began to wait first goes first. */
  heapOrder = 0;
  /** Neighbours in the list while ready. */
  previous: Entry<K> | undefined;
  next: Entry<K> | undefined;
  lane: Lane<K> | undefined;
  /** Added while being worked on. */
  again = false;
  failures = 0;
  constructor(readonly key: K) {}
}

/** A first-in-first-out list that entries can leave from the middle. */
class Lane<K> {
  head: Entry<K> | undefined;
  tail: Entry<K> | undefined;
  constructor(
    readonly owner: PriorityLevel<K>,
    readonly group: string,
  ) {}

  push(entry: Entry<K>): void {
    entry.lane = this;
    entry.previous = this.tail;
    entry.next = undefined;
    if (this.tail) this.tail.next = entry;
    else this.head = entry;
    this.tail = entry;
  }

  remove(entry: Entry<K>): void {
    if (entry.previous) entry.previous.next = entry.next;
    else this.head = entry.next;
    if (entry.next) entry.next.previous = entry.previous;
    else this.tail = entry.previous;
    entry.previous = entry.next = entry.lane = undefined;
  }
}

/** The lanes of one priority, taken in turn. */
class PriorityLevel<K> {
  /** Lanes with something in them; a Map keeps the order of turns. */
  readonly #lanes = new Map<string, Lane<K>>();
  /** The one lane there is without fairness, kept for good. */
  readonly #only: Lane<K> | undefined;
  size = 0;

  constructor(
    readonly priority: number,
    fair: boolean,
  ) {
    this.#only = fair ? undefined : new Lane<K>(this, '');
  }

  push(entry: Entry<K>, group: string): void {
    this.size++;
    if (this.#only) {
      this.#only.push(entry);
      return;
    }
    let lane = this.#lanes.get(group);
    if (!lane) {
      lane = new Lane(this, group);
      this.#lanes.set(group, lane);
    }
    lane.push(entry);
  }

  remove(entry: Entry<K>): void {
    const lane = entry.lane as Lane<K>;
    lane.remove(entry);
    this.size--;
    if (!lane.head && lane !== this.#only) this.#lanes.delete(lane.group);
  }

  shift(): Entry<K> {
    if (this.#only) {
      const entry = this.#only.head as Entry<K>;
      this.remove(entry);
      return entry;
    }
    const [lane] = this.#lanes.values() as IterableIterator<Lane<K>>;
    const entry = (lane as Lane<K>).head as Entry<K>;
    this.remove(entry);
    if ((lane as Lane<K>).head) {
      // Its turn is over: to the end of the line.
      this.#lanes.delete((lane as Lane<K>).group);
      this.#lanes.set((lane as Lane<K>).group, lane as Lane<K>);
    }
    return entry;
  }
}

export class WorkQueue<K = string> {
  readonly #clock: Clock;
  readonly #baseDelayMs: number;
  readonly #maxDelayMs: number;
  readonly #fairness: ((key: K) => string) | undefined;
  readonly #debounceMs: number;
  readonly #retryBudget: RetryBudget | undefined;
  /** When the retry budget will have been paid back in full, monotonic ms. */
  #retriesPaidAt = 0;
  readonly #entries = new Map<K, Entry<K>>();
  /** Highest first; a level stays once it was used. */
  readonly #levels: PriorityLevel<K>[] = [];
  #ready = 0;
  #working = 0;
  /** A binary heap by due time. */
  readonly #delayed: Entry<K>[] = [];
  #cancelTimer: Cancel | undefined;
  #timerAt = Number.POSITIVE_INFINITY;
  #heapOrder = 0;
  #waiters: ((key: K | undefined) => void)[] = [];
  #shutDown = false;
  #retries = 0;
  #adds = 0;
  /** Called after a key became ready; must not throw. */
  onReady: (() => void) | undefined;

  constructor(options: WorkQueueOptions<K>) {
    this.#clock = options.clock;
    this.#baseDelayMs = options.baseDelayMs ?? 5;
    this.#maxDelayMs = options.maxDelayMs ?? 1_000_000;
    this.#fairness = options.fairness;
    this.#debounceMs = options.debounceMs ?? 0;
    this.#retryBudget = options.retries;
  }

  /** Keys that can be taken now. */
  get depth(): number {
    return this.#ready;
  }
  /** Keys that wait for their time. */
  get delayed(): number {
    return this.#delayed.length;
  }
  /** Keys being worked on. */
  get working(): number {
    return this.#working;
  }
  /** Keys ever added anew, and those added by `addRateLimited`. */
  get counters(): { readonly adds: number; readonly retries: number } {
    return { adds: this.#adds, retries: this.#retries };
  }
  /** Keys that can be taken now, by priority; priorities once used stay, with 0. */
  get depthByPriority(): ReadonlyMap<number, number> {
    return new Map(this.#levels.map(({ priority, size }) => [priority, size]));
  }
  get isShutDown(): boolean {
    return this.#shutDown;
  }

  /** Ignored after shutDown. */
  add(key: K, options?: AddOptions): void {
    this.#add(key, options?.after ?? 0, options?.priority ?? 0);
  }

  /** Adds the key after its back-off, which grows with each call until `forget`. Gives the delay, ms. */
  addRateLimited(key: K, options?: { readonly priority?: number }): number {
    if (this.#shutDown) return 0;
    const entry = this.#entry(key);
    const own = Math.min(this.#maxDelayMs, this.#baseDelayMs * 2 ** Math.min(entry.failures, 40));
    const delay = Math.max(own, this.#retryBudget ? this.#payRetry(this.#retryBudget) : 0);
    entry.failures++;
    this.#retries++;
    this.#add(key, delay, options?.priority ?? 0);
    return delay;
  }

  /** The next failure of the key starts with the first back-off again. */
  forget(key: K): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    entry.failures = 0;
    this.#release(entry);
  }

  failuresOf(key: K): number {
    return this.#entries.get(key)?.failures ?? 0;
  }

  /** The next key, to be given back with `done`; undefined when none is ready. */
  tryGet(): K | undefined {
    if (this.#ready === 0) return undefined;
    for (const level of this.#levels) {
      if (level.size === 0) continue;
      const entry = level.shift();
      this.#ready--;
      this.#working++;
      entry.where = Where.Working;
      return entry.key;
    }
    return undefined;
  }

  /** The next key as soon as there is one; undefined after shutDown, once nothing is ready any more. */
  get(): Promise<K | undefined> {
    const key = this.tryGet();
    if (key !== undefined || this.#shutDown) return Promise.resolve(key);
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
    });
  }

  /** Says that the work on a key is over. */
  done(key: K): void {
    const entry = this.#entries.get(key);
    if (!entry || entry.where !== Where.Working) return;
    this.#working--;
    entry.where = Where.Idle;
    if (entry.again && !this.#shutDown) {
      entry.again = false;
      this.#place(entry, entry.dueAt);
      return;
    }
    entry.again = false;
    entry.priority = 0;
    this.#release(entry);
  }

  /** Nothing is added any more; delayed keys are dropped, ready ones can still be taken. */
  shutDown(): void {
    if (this.#shutDown) return;
    this.#shutDown = true;
    this.#cancelTimer?.();
    for (const entry of this.#delayed.splice(0)) {
      entry.where = Where.Idle;
      this.#entries.delete(entry.key);
    }
    for (const waiter of this.#waiters.splice(0)) waiter(undefined);
  }

  #entry(key: K): Entry<K> {
    let entry = this.#entries.get(key);
    if (!entry) {
      entry = new Entry(key);
      this.#entries.set(key, entry);
    }
    return entry;
  }

  /** A key without work and without failures leaves no trace. */
  #release(entry: Entry<K>): void {
    if (entry.where === Where.Idle && entry.failures === 0) this.#entries.delete(entry.key);
  }

  /** Takes a token of the budget; gives the milliseconds until it is there. */
  #payRetry({ perSecond, burst }: RetryBudget): number {
    const now = this.#clock.monotonic();
    this.#retriesPaidAt = Math.max(this.#retriesPaidAt, now) + 1000 / perSecond;
    return Math.max(0, this.#retriesPaidAt - now - (burst * 1000) / perSecond);
  }

  #add(key: K, after: number, priority: number): void {
    if (this.#shutDown) return;
    const entry = this.#entry(key);
    // As the field counts: what is there already is not added.
    if (entry.where === Where.Idle || (entry.where === Where.Working && !entry.again)) this.#adds++;
    if (this.#debounceMs > 0 && after === 0 && this.#debounced(entry, priority)) return;
    switch (entry.where) {
      case Where.Idle:
        entry.priority = priority;
        this.#place(entry, after > 0 ? this.#clock.monotonic() + after : 0);
        return;
      case Where.Ready:
        if (priority > entry.priority) {
          entry.lane?.owner.remove(entry);
          this.#ready--;
          entry.priority = priority;
          this.#pushReady(entry);
        }
        return;
      case Where.Delayed: {
        entry.priority = Math.max(entry.priority, priority);
        const dueAt = after > 0 ? this.#clock.monotonic() + after : 0;
        if (dueAt < entry.dueAt) {
          this.#unheap(entry);
          this.#place(entry, dueAt);
        }
        return;
      }
      case Where.Working: {
        const dueAt = after > 0 ? this.#clock.monotonic() + after : 0;
        entry.dueAt = entry.again ? Math.min(entry.dueAt, dueAt) : dueAt;
        entry.priority = entry.again ? Math.max(entry.priority, priority) : priority;
        entry.again = true;
      }
    }
  }

  /** Lets the key wait for quiet; false where it is in the line or in work already. */
  #debounced(entry: Entry<K>, priority: number): boolean {
    const now = this.#clock.monotonic();
    const quiet = now + this.#debounceMs;
    if (entry.where === Where.Idle) {
      entry.priority = priority;
      entry.noisySince = now;
      this.#place(entry, quiet);
      return true;
    }
    if (entry.where !== Where.Delayed) return false;
    entry.priority = Math.max(entry.priority, priority);
    if (entry.noisySince === 0) {
      // It waits for its own time, which wins if it comes first.
      if (quiet >= entry.dueAt) return true;
      entry.noisySince = now;
    }
    this.#unheap(entry);
    this.#place(entry, Math.min(quiet, entry.noisySince + maxDebounces * this.#debounceMs));
    return true;
  }

  #place(entry: Entry<K>, dueAt: number): void {
    if (dueAt > 0 && dueAt > this.#clock.monotonic()) {
      entry.where = Where.Delayed;
      entry.dueAt = dueAt;
      this.#heap(entry);
      this.#armTimer();
    } else this.#pushReady(entry);
  }

  #pushReady(entry: Entry<K>): void {
    entry.where = Where.Ready;
    entry.noisySince = 0;
    this.#level(entry.priority).push(entry, this.#fairness?.(entry.key) ?? '');
    this.#ready++;
    const waiter = this.#waiters.shift();
    if (waiter) waiter(this.tryGet());
    else this.onReady?.();
  }

  #level(priority: number): PriorityLevel<K> {
    const levels = this.#levels;
    let at = 0;
    while (at < levels.length && (levels[at] as PriorityLevel<K>).priority > priority) at++;
    let level = levels[at];
    if (!level || level.priority !== priority) {
      level = new PriorityLevel(priority, this.#fairness !== undefined);
      levels.splice(at, 0, level);
    }
    return level;
  }

  #armTimer(): void {
    const first = this.#delayed[0];
    if (!first) {
      this.#cancelTimer?.();
      this.#cancelTimer = undefined;
      this.#timerAt = Number.POSITIVE_INFINITY;
      return;
    }
    if (this.#timerAt === first.dueAt) return;
    this.#cancelTimer?.();
    this.#timerAt = first.dueAt;
    this.#cancelTimer = this.#clock.setTimer(first.dueAt - this.#clock.monotonic(), () => {
      this.#timerAt = Number.POSITIVE_INFINITY;
      this.#cancelTimer = undefined;
      const now = this.#clock.monotonic();
      for (let due = this.#delayed[0]; due && due.dueAt <= now; due = this.#delayed[0]) {
        this.#unheap(due);
        this.#pushReady(due);
      }
      this.#armTimer();
    });
  }

  #heap(entry: Entry<K>): void {
    entry.heapIndex = this.#delayed.length;
    entry.heapOrder = this.#heapOrder++;
    this.#delayed.push(entry);
    this.#siftUp(entry);
  }

  #unheap(entry: Entry<K>): void {
    const at = entry.heapIndex;
    const last = this.#delayed.pop() as Entry<K>;
    entry.heapIndex = -1;
    if (last !== entry) {
      this.#delayed[at] = last;
      last.heapIndex = at;
      this.#siftUp(last);
      this.#siftDown(last);
    }
    if (at === 0) this.#armTimer();
  }

  #siftUp(entry: Entry<K>): void {
    const heap = this.#delayed;
    let at = entry.heapIndex;
    while (at > 0) {
      const parentAt = (at - 1) >> 1;
      const parent = heap[parentAt] as Entry<K>;
      if (!isBefore(entry, parent)) break;
      heap[at] = parent;
      parent.heapIndex = at;
      at = parentAt;
    }
    heap[at] = entry;
    entry.heapIndex = at;
  }

  #siftDown(entry: Entry<K>): void {
    const heap = this.#delayed;
    let at = entry.heapIndex;
    for (;;) {
      let childAt = 2 * at + 1;
      if (childAt >= heap.length) break;
      const right = heap[childAt + 1];
      if (right && isBefore(right, heap[childAt] as Entry<K>)) childAt++;
      const child = heap[childAt] as Entry<K>;
      if (!isBefore(child, entry)) break;
      heap[at] = child;
      child.heapIndex = at;
      at = childAt;
    }
    heap[at] = entry;
    entry.heapIndex = at;
  }
}

function isBefore<K>(a: Entry<K>, b: Entry<K>): boolean {
  return a.dueAt < b.dueAt || (a.dueAt === b.dueAt && a.heapOrder < b.heapOrder);
}
