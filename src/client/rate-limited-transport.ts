/**
 * A Transport that sends no more than so many requests per second: a token bucket. Off unless asked for: API servers
 * of our days share themselves out fairly, and say when it is too much (429).
 *
 * Guarantees: requests go out in the order they were made; one that is aborted while it waits was not sent, and
 * gives up its place.
 */
import { type ApiRequest, type Clock, sleep, type Transport } from '../api/index.js';
import { unsent } from './http/exchange.js';
import { unlessAborted } from './unless-aborted.js';

export interface RateLimitOptions {
  readonly clock: Clock;
  /** Requests per second in the long run, more than 0. */
  readonly qps: number;
  /** Requests that may go out at once, at least 1. Default: twice `qps`. */
  readonly burst?: number;
}

/** @throws TypeError for limits that nothing could pass */
export function rateLimitedTransport(inner: Transport, options: RateLimitOptions): Transport {
  const bucket = new TokenBucket(options);
  const limited = <A extends [ApiRequest, ...unknown[]], R>(send: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      await bucket.take(args[0]);
      return send(...args);
    };
  };
  return {
    request: limited((request: ApiRequest) => inner.request(request)),
    watch: async (request) => {
      await bucket.take(request);
      return inner.watch(request);
    },
    ...(inner.open ? { open: limited(inner.open.bind(inner)) } : {}),
    ...(inner.connect ? { connect: limited(inner.connect.bind(inner)) } : {}),
    close: () => inner.close(),
  };
}

class TokenBucket {
  readonly #clock: Clock;
  readonly #qps: number;
  readonly #burst: number;
  #tokens: number;
  #filledAt: number;
  /** Ends when the one before has taken its token. */
  #turn: Promise<void> = Promise.resolve();

  constructor({ clock, qps, burst = Math.max(1, Math.ceil(qps * 2)) }: RateLimitOptions) {
    if (!(qps > 0 && Number.isFinite(qps))) throw new TypeError(`qps must be more than 0, not ${qps}`);
    if (!(burst >= 1)) throw new TypeError(`burst must be at least 1, not ${burst}`);
    this.#clock = clock;
    this.#qps = qps;
    this.#burst = burst;
    this.#tokens = burst;
    this.#filledAt = clock.monotonic();
  }

  async take(request: ApiRequest): Promise<void> {
    const mine = this.#turn.then(() => this.#wait(request));
    this.#turn = mine.catch(() => {});
    try {
      await unlessAborted(mine, request.signal);
    } catch (error) {
      throw unsent(request, error);
    }
  }

  async #wait(request: ApiRequest): Promise<void> {
    const { signal } = request;
    signal?.throwIfAborted();
    this.#fill();
    if (this.#tokens < 1) {
      await sleep(this.#clock, Math.ceil(((1 - this.#tokens) / this.#qps) * 1000), signal);
      this.#fill();
    }
    this.#tokens -= 1;
  }

  #fill(): void {
    const now = this.#clock.monotonic();
    this.#tokens = Math.min(this.#burst, this.#tokens + ((now - this.#filledAt) / 1000) * this.#qps);
    this.#filledAt = now;
  }
}
