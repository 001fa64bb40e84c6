/**
 * A right that lasts until a point of the local monotonic clock, unless it is extended before that.
 *
 * The clock alone decides: after a blocked event loop the timer that would tell of the end may be late, but
 * `assertHeld` is not. A term that is over stays over.
 */
import type { Cancel, Clock } from '../../api/index.js';
import type { Term } from '../controller/key-admission.js';

const brand: unique symbol = Symbol.for('gyre.term-over') as never;

/** The right to work on a key is over: the lease was lost, released, or could not be renewed in time. Nothing was sent. */
export class TermOver extends Error {
  readonly [brand] = true;
  override readonly name = 'TermOver';
}

export function isTermOver(error: unknown): error is TermOver {
  return typeof error === 'object' && error !== null && (error as { [brand]?: unknown })[brand] === true;
}

export interface TimedTermOptions {
  readonly clock: Clock;
  /** Of what, for messages: `lease default/web`. */
  readonly of: string;
  /** On the monotonic clock, ms. */
  readonly until: number;
  /** Told once when it ends, for whatever reason. Must not throw. */
  readonly onOver: (why: TermOver) => void;
}

export class TimedTerm implements Term {
  readonly #options: TimedTermOptions;
  readonly #abort = new AbortController();
  #until: number;
  #cancel: Cancel = () => {};

  constructor(options: TimedTermOptions) {
    this.#options = options;
    this.#until = options.until;
    this.#arm();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get held(): boolean {
    return !this.#abort.signal.aborted && this.#options.clock.monotonic() < this.#until;
  }

  assertHeld(): void {
    if (!this.held) throw this.#over();
  }

  /** Moves its end. Gives false, and leaves it ended, when it was over before. */
  extend(until: number): boolean {
    if (!this.held) {
      this.#over();
      return false;
    }
    this.#until = until;
    this.#arm();
    return true;
  }

  /** Ends it now. */
  end(why: string): void {
    this.#finish(new TermOver(`${this.#options.of}: ${why}`));
  }

  /** The reason it is over, which it may only now hear of. */
  #over(): TermOver {
    this.#finish(new TermOver(`${this.#options.of}: not renewed in time`));
    return this.#abort.signal.reason as TermOver;
  }

  #finish(why: TermOver): void {
    if (this.#abort.signal.aborted) return;
    this.#cancel();
    this.#abort.abort(why);
    this.#options.onOver(why);
  }

  #arm(): void {
    const { clock } = this.#options;
    this.#cancel();
    this.#cancel = clock.setTimer(this.#until - clock.monotonic(), () => {
      // A timer may come a little early.
      if (this.held) this.#arm();
      else this.#over();
    });
  }
}
