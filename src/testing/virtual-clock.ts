/**
 * A clock that moves only when told to. Between two ticks nothing but microtasks run, so a whole control
 * plane in one process becomes deterministic: hours pass in milliseconds.
 */
import { type Cancel, type Clock, type Duration, durationMs } from '../api/index.js';
import { drainMicrotasks } from '../system/index.js';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly fn: () => void;
}

export interface VirtualClockOptions {
  /** Wall time at the start, milliseconds since the epoch. Default 2026-01-01T00:00:00Z. */
  readonly startAt?: number;
  /** How many timers may fire at one instant before `advance` calls it a loop. Default 100,000. */
  readonly maxTimersPerInstant?: number;
}

export class VirtualClock implements Clock {
  readonly #startAt: number;
  readonly #maxPerInstant: number;
  readonly #timers = new Set<Timer>();
  #elapsed = 0;
  #order = 0;

  constructor(options: VirtualClockOptions = {}) {
    this.#startAt = options.startAt ?? Date.UTC(2026, 0, 1);
    this.#maxPerInstant = options.maxTimersPerInstant ?? 100_000;
  }

  now(): number {
    return this.#startAt + this.#elapsed;
  }
  monotonic(): number {
    return this.#elapsed;
  }
  setTimer(ms: number, fn: () => void): Cancel {
    const timer: Timer = { at: this.#elapsed + Math.max(0, ms), order: this.#order++, fn };
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
    };
  }

  /** Timers set and not yet fired. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Runs everything that is due now, without moving time. */
  settle(): Promise<void> {
    return this.advance(0);
  }

  /**
   * Moves time forward, firing timers in order and letting all microtasks run after each one; resolves
   * when nothing is left to do at the new time.
   * @throws Error when timers keep firing at one instant: something reschedules itself without delay
   */
  async advance(by: Duration): Promise<void> {
    const target = this.#elapsed + durationMs(by);
    let firedAtInstant = 0;
    await drainMicrotasks();
    for (let timer = this.#next(target); timer; timer = this.#next(target)) {
      firedAtInstant = timer.at > this.#elapsed ? 0 : firedAtInstant + 1;
      if (firedAtInstant > this.#maxPerInstant) {
        throw new Error(
          `${this.#maxPerInstant} timers fired at ${new Date(this.now()).toISOString()} without time moving`,
        );
      }
      this.#elapsed = Math.max(this.#elapsed, timer.at);
      this.#timers.delete(timer);
      timer.fn();
      await drainMicrotasks();
    }
    this.#elapsed = target;
  }

  #next(limit: number): Timer | undefined {
    let best: Timer | undefined;
    for (const timer of this.#timers) {
      if (timer.at > limit) continue;
      if (!best || timer.at < best.at || (timer.at === best.at && timer.order < best.order)) best = timer;
    }
    return best;
  }
}
