/**
 * One priority level: so many requests at a time, and queues for those that come on top. A flow is dealt a few of the queues
 * and waits in the shortest of them, and the queues are served in turn: whoever sends very much waits behind himself, and a
 * flow that shares no queue with him waits for nobody (shuffle sharding,
 * https://kubernetes.io/docs/concepts/cluster-administration/flow-control/#queuing).
 */
import type { Cancel, Clock } from '../../api/index.js';
import type { PriorityLevelConfigurationSpec } from '../../api/kinds/flowcontrol/v1.js';

/** The right to be served; given back when the request is done. */
export interface Seat {
  release(): void;
}

/** Why a request is turned away. */
export type Rejection = 'concurrency-limit' | 'queue-full' | 'time-out' | 'cancelled';

/** Nobody waits for it, and nobody is kept waiting. */
export const freeSeat: Seat = { release: () => {} };

interface Waiting {
  readonly take: (seat: Seat | Rejection) => void;
  readonly cancel: Cancel;
}

interface Queuing {
  readonly queues: number;
  readonly handSize: number;
  readonly queueLengthLimit: number;
}

export class PriorityLevel {
  #limit = 1;
  #queuing: Queuing | undefined;
  #queues: Waiting[][] = [];
  #waiting = 0;
  /** The queue that was served last. */
  #turn = 0;
  #busy = 0;
  readonly #seat: Seat = { release: () => this.#released() };

  constructor(
    private readonly clock: Clock,
    /** How long a request waits at most, milliseconds. */
    private readonly waitMs: number,
  ) {}

  get busy(): number {
    return this.#busy;
  }

  get waiting(): number {
    return this.#waiting;
  }

  /** Takes effect at once, for those that wait as well. */
  configure({ limited }: PriorityLevelConfigurationSpec, limit: number): void {
    this.#limit = limit;
    const { type, queuing } = limited?.limitResponse ?? {};
    this.#queuing =
      type === 'Queue'
        ? {
            queues: Math.max(1, queuing?.queues ?? 64),
            handSize: Math.max(1, queuing?.handSize ?? 8),
            queueLengthLimit: queuing?.queueLengthLimit ?? 50,
          }
        : undefined;
    while (this.#queues.length < (this.#queuing?.queues ?? 0)) this.#queues.push([]);
    this.#dispatch();
  }

  /**
   * A seat, now or later, or why there is none.
   * @param flow what the request is one of; asked when it has to wait
   */
  take(
    flow: () => string,
    signal: () => AbortSignal | undefined,
  ): Seat | Rejection | Promise<Seat | Rejection> {
    if (this.#busy < this.#limit && this.#waiting === 0) {
      this.#busy++;
      return this.#seat;
    }
    if (!this.#queuing) return 'concurrency-limit';
    const queue = this.#shortest(flow(), this.#queuing);
    if (queue.length >= this.#queuing.queueLengthLimit) return 'queue-full';
    return this.#wait(queue, signal());
  }

  #wait(queue: Waiting[], signal: AbortSignal | undefined): Promise<Seat | Rejection> {
    if (signal?.aborted) return Promise.resolve('cancelled');
    return new Promise((resolve) => {
      const leave = (why: Rejection): void => {
        const place = queue.indexOf(waiting);
        if (place < 0) return;
        queue.splice(place, 1);
        this.#waiting--;
        waiting.take(why);
      };
      const cancelled = (): void => leave('cancelled');
      const waiting: Waiting = {
        take: (seat) => {
          waiting.cancel();
          signal?.removeEventListener('abort', cancelled);
          resolve(seat);
        },
        cancel: this.clock.setTimer(this.waitMs, () => leave('time-out')),
      };
      signal?.addEventListener('abort', cancelled, { once: true });
      queue.push(waiting);
      this.#waiting++;
    });
  }

  #released(): void {
    this.#busy--;
    this.#dispatch();
  }

  #dispatch(): void {
    while (this.#waiting > 0 && this.#busy < this.#limit) {
      do this.#turn = (this.#turn + 1) % this.#queues.length;
      while (this.#queues[this.#turn]?.length === 0);
      const next = this.#queues[this.#turn]?.shift();
      this.#waiting--;
      this.#busy++;
      next?.take(this.#seat);
    }
  }

  #shortest(flow: string, { queues, handSize }: Queuing): Waiting[] {
    let best: Waiting[] | undefined;
    for (const i of dealt(flow, queues, Math.min(handSize, queues))) {
      const queue = this.#queues[i] as Waiting[];
      if (!best || queue.length < best.length) best = queue;
    }
    return best as Waiting[];
  }
}

/** `size` different numbers below `deck`, always the same for one flow. */
export function dealt(flow: string, deck: number, size: number): number[] {
  const hand: number[] = [];
  let hash = 0x811c9dc5;
  for (let i = 0; i < flow.length; i++) hash = Math.imul(hash ^ flow.charCodeAt(i), 0x01000193);
  for (let dealtSoFar = 0; dealtSoFar < size; dealtSoFar++) {
    // Stirred well: the hands of flows that differ in one letter have nothing to do with each other.
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    hash = (hash ^ (hash >>> 16)) + 0x9e3779b9;
    let card = (hash >>> 0) % (deck - dealtSoFar);
    // Of those that are left: each one dealt before that is not above it pushes it up by one.
    for (const taken of [...hand].sort((a, b) => a - b)) if (taken <= card) card++;
    hand.push(card);
  }
  return hand;
}
