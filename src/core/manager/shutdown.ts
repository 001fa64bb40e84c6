/**
 * Ending what was started: in reverse, whatever fails on the way, and within one budget. What does not end in time
 * is named and left behind.
 */
import type { Clock } from '../../api/index.js';
import type { Logger } from '../../telemetry/index.js';

/** After its runs were given up, how long a controller may take to write its last events. */
const graceMs = 5_000;
/** What is stopped when the budget is spent already has this long at least. */
const leastMs = 1_000;

export interface Stoppable {
  readonly name: string;
  stop(): Promise<void>;
}

export class Shutdown {
  readonly #undo: (() => Promise<void> | void)[] = [];
  /** On the monotonic clock; undefined before it begins. */
  #deadline: number | undefined;

  constructor(
    private readonly budgetMs: number,
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {}

  /** Adds what undoes the step that comes next. */
  push(undo: () => Promise<void> | void): void {
    this.#undo.push(undo);
  }

  /** Undoes everything, the last step first. */
  async unwind(): Promise<void> {
    this.#deadline ??= this.clock.monotonic() + this.budgetMs + graceMs;
    for (let undo = this.#undo.pop(); undo; undo = this.#undo.pop()) {
      try {
        await undo();
      } catch (error) {
        this.log.error('could not clean up', { error });
      }
    }
  }

  /** Stops all at once. Resolves when they have stopped, or when time is up. */
  async stopAll(what: readonly Stoppable[]): Promise<void> {
    const running = new Set(what.map(({ name }) => name));
    const all = Promise.all(
      what.map(async (stoppable) => {
        try {
          await stoppable.stop();
        } catch (error) {
          this.log.error('controller did not stop cleanly', { controller: stoppable.name, error });
        }
        running.delete(stoppable.name);
      }),
    );
    let cancel = (): void => {};
    const late = new Promise<void>((resolve) => {
      cancel = this.clock.setTimer(this.#leftMs(), resolve);
    });
    await Promise.race([all, late]);
    cancel();
    if (running.size > 0)
      this.log.error('gave up waiting for controllers to stop', { controllers: [...running] });
  }

  #leftMs(): number {
    if (this.#deadline === undefined) return this.budgetMs + graceMs;
    return Math.max(leastMs, this.#deadline - this.clock.monotonic());
  }
}
