/**
 * Drives the reflector's state machine over a Client: does what it asks for, feeds back what happens, and
 * hands the view on. One request at a time; answers of a request that was given up are ignored.
 */
import { type Cancel, type Clock, type KindOf, type Random, type WatchEvent } from '../api/index.js';
import type { Client } from '../client/index.js';
import type { CacheObject, WatchedSelection } from './informer.js';
import {
  initialState,
  type Page,
  type ReflectorInput,
  type ReflectorOutput,
  type ReflectorState,
  reflectorTiming,
  type ReflectorTiming,
  step,
} from './reflector.js';

/** The part of the outputs that is news, not an order. */
export type ViewEvent<T> = Exclude<
  ReflectorOutput<T>,
  { type: 'FetchPage' } | { type: 'OpenWatch' } | { type: 'CloseWatch' } | { type: 'Wait' }
>;

export interface DriverDeps {
  readonly clock: Clock;
  readonly random: Random;
  /** Other times than usual, for tests on real sockets. */
  readonly timing?: Partial<ReflectorTiming>;
}

export class ReflectorDriver<T extends CacheObject> {
  #state: ReflectorState = initialState;
  /** Aborts the request under way. */
  #request: AbortController | undefined;
  #cancelWait: Cancel | undefined;
  #cancelIdle: Cancel | undefined;
  #lastArrival = 0;
  readonly #timing: ReflectorTiming;

  constructor(
    private readonly client: Client,
    private readonly kind: KindOf<T>,
    private readonly options: WatchedSelection,
    private readonly deps: DriverDeps,
    /** Must not throw. */
    private readonly emit: (event: ViewEvent<T>) => void,
  ) {
    this.#timing = { ...reflectorTiming, ...deps.timing };
  }

  start(): void {
    this.#feed({ type: 'start' });
  }

  stop(): void {
    this.#feed({ type: 'stop' });
    this.#abandon();
    this.#cancelWait?.();
  }

  #feed(input: ReflectorInput<T>): void {
    const { clock, random } = this.deps;
    const world = { at: clock.monotonic(), random: random.next(), timing: this.#timing };
    const { state, outputs } = step<T>(this.#state, input, world);
    this.#state = state;
    for (const output of outputs) {
      // Whoever was told of the output before may have called stop(): what follows must not begin anything.
      if (this.#state !== state) return;
      this.#perform(output);
    }
  }

  #perform(output: ReflectorOutput<T>): void {
    switch (output.type) {
      case 'FetchPage':
        void this.#fetch(output.continue);
        return;
      case 'OpenWatch':
        void this.#watch(output.resourceVersion, output.timeoutSeconds);
        return;
      case 'CloseWatch':
        this.#abandon();
        return;
      case 'Wait':
        this.#abandon();
        this.#cancelWait = this.deps.clock.setTimer(output.ms, () => this.#feed({ type: 'timer' }));
        return;
      default:
        this.emit(output);
    }
  }

  #begin(): AbortController {
    this.#abandon();
    const request = new AbortController();
    this.#request = request;
    return request;
  }

  #abandon(): void {
    this.#cancelIdle?.();
    this.#cancelIdle = undefined;
    const request = this.#request;
    this.#request = undefined;
    request?.abort(new Error('given up by the informer'));
  }

  async #fetch(token: string): Promise<void> {
    const request = this.#begin();
    const { signal } = request;
    this.#armIdle(request);
    let input: ReflectorInput<T>;
    try {
      const { items, metadata } = await this.client.listPage(this.kind, {
        ...this.options,
        ...(token === '' ? {} : { continue: token }),
        signal,
      });
      const page: Page<T> = {
        items,
        resourceVersion: metadata.resourceVersion ?? '',
        continue: metadata.continue ?? '',
      };
      input = { type: 'page', page };
    } catch (error) {
      input = { type: 'failed', error };
    }
    if (this.#request === request) this.#feed(input);
  }

  async #watch(resourceVersion: string | undefined, timeoutSeconds: number): Promise<void> {
    const request = this.#begin();
    const current = (): boolean => this.#request === request;
    this.#armIdle(request);
    try {
      const { events } = await this.client.watch(this.kind, {
        ...this.options,
        ...(resourceVersion === undefined
          ? { sendInitialEvents: true, resourceVersionMatch: 'NotOlderThan' as const }
          : { resourceVersion }),
        allowWatchBookmarks: true,
        timeoutSeconds,
        signal: request.signal,
      });
      if (!current()) return;
      this.#feed({ type: 'opened' });
      for await (const batch of events as AsyncIterable<readonly WatchEvent<T>[]>) {
        if (!current()) return;
        this.#lastArrival = this.deps.clock.monotonic();
        this.#feed({ type: 'events', events: batch });
        if (!current()) return;
      }
      if (current()) this.#feed({ type: 'ended' });
    } catch (error) {
      if (current()) this.#feed({ type: 'failed', error });
    }
  }

  /** One timer per idle period, however many events arrive in it. */
  #armIdle(request: AbortController): void {
    const { clock } = this.deps;
    this.#lastArrival = clock.monotonic();
    const arm = (ms: number): void => {
      this.#cancelIdle = clock.setTimer(ms, () => {
        if (this.#request !== request) return;
        const silent = clock.monotonic() - this.#lastArrival;
        if (silent >= this.#timing.idleMs) this.#feed({ type: 'idle' });
        else arm(this.#timing.idleMs - silent);
      });
    };
    arm(this.#timing.idleMs);
  }
}
