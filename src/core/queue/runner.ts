/**
 * Works off a queue: never two runs for one key, so many at once and no more.
 *
 * A run that outlives its timeout has its signal aborted but keeps its key until it settles: starting
 * another beside it would break the first guarantee. Meanwhile it counts as stuck. Whatever a run does,
 * throw at once, throw something that is no Error, return nonsense, becomes an outcome.
 */
import { type Cancel, type Clock, sleep } from '../../api/index.js';
import type { Result } from '../reconcile/result.js';
import type { WorkQueue } from './workqueue.js';

/** The run took longer than it may. */
export class ReconcileTimeout extends Error {
  override readonly name = 'ReconcileTimeout';
}

/** The controller is stopping. */
export class ControllerStopped extends Error {
  override readonly name = 'ControllerStopped';
}

export type Outcome<K = string> = {
  readonly key: K;
  /** Monotonic milliseconds the run took. */
  readonly durationMs: number;
} & ({ readonly ok: true; readonly result: Result } | { readonly ok: false; readonly error: Error });

export interface RunnerOptions<K> {
  readonly queue: WorkQueue<K>;
  readonly clock: Clock;
  /** Runs at once. */
  readonly concurrency: number;
  /** Milliseconds; undefined: none. */
  readonly timeoutMs: number | undefined;
  readonly run: (key: K, signal: AbortSignal) => unknown;
  /** Told before the key is given back, so that it can be added again. Must not throw. */
  readonly onOutcome: (outcome: Outcome<K>) => void;
  /** A run has timed out and has not settled yet. */
  readonly onStuck?: (key: K) => void;
}

interface Run {
  readonly controller: AbortController;
  stuck: boolean;
}

export class Runner<K = string> {
  readonly #options: RunnerOptions<K>;
  readonly #runs = new Map<K, Run>();
  #started = false;
  #stopping = false;
  #idle: (() => void)[] = [];

  constructor(options: RunnerOptions<K>) {
    this.#options = options;
  }

  /** Runs under way. */
  get active(): number {
    return this.#runs.size;
  }
  /** Runs that outlived their timeout and have not settled. */
  get stuck(): number {
    let count = 0;
    for (const run of this.#runs.values()) if (run.stuck) count++;
    return count;
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#options.queue.onReady = () => this.#pump();
    this.#pump();
  }

  /**
   * Takes nothing more, waits for the runs under way, aborts them after `budgetMs`, and then waits no
   * longer for those that ignore it.
   */
  async stop(budgetMs: number): Promise<void> {
    this.#stopping = true;
    this.#options.queue.shutDown();
    if (this.#runs.size === 0) return;
    const settled = new Promise<void>((resolve) => this.#idle.push(resolve));
    const { clock } = this.#options;
    const giveUp = new AbortController();
    const grace = async (): Promise<void> => {
      await sleep(clock, budgetMs, giveUp.signal);
      for (const run of this.#runs.values())
        run.controller.abort(new ControllerStopped('the controller is stopping'));
      await sleep(clock, abortGraceMs, giveUp.signal);
    };
    await Promise.race([settled, grace()]).finally(() => giveUp.abort());
  }

  #pump(): void {
    const { queue, concurrency } = this.#options;
    while (!this.#stopping && this.#runs.size < concurrency) {
      const key = queue.tryGet();
      if (key === undefined) return;
      void this.#execute(key);
    }
  }

  async #execute(key: K): Promise<void> {
    const { clock, timeoutMs, run, queue, onOutcome, onStuck } = this.#options;
    const entry: Run = { controller: new AbortController(), stuck: false };
    this.#runs.set(key, entry);
    const began = clock.monotonic();
    let cancelTimeout: Cancel | undefined;
    if (timeoutMs !== undefined) {
      cancelTimeout = clock.setTimer(timeoutMs, () => {
        entry.stuck = true;
        entry.controller.abort(new ReconcileTimeout(`the reconcile took longer than ${timeoutMs} ms`));
        onStuck?.(key);
      });
    }
    let outcome: Outcome<K>;
    try {
      const result = resultOf(await run(key, entry.controller.signal));
      outcome = { key, durationMs: clock.monotonic() - began, ok: true, result };
    } catch (thrown) {
      outcome = { key, durationMs: clock.monotonic() - began, ok: false, error: errorOf(thrown) };
    }
    if (entry.stuck) {
      const error =
        outcome.ok || outcome.error.name !== 'ReconcileTimeout'
          ? (entry.controller.signal.reason as Error)
          : outcome.error;
      outcome = { key, durationMs: outcome.durationMs, ok: false, error };
    }
    cancelTimeout?.();
    this.#runs.delete(key);
    onOutcome(outcome);
    queue.done(key);
    if (this.#runs.size === 0) for (const resolve of this.#idle.splice(0)) resolve();
    this.#pump();
  }
}

/** How long an aborted run may take to notice. */
const abortGraceMs = 1000;

function errorOf(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown;
  return new TypeError(`the reconcile threw something that is no Error: ${describe(thrown)}`);
}

function describe(value: unknown): string {
  try {
    return typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  } catch {
    return Object.prototype.toString.call(value);
  }
}

/** @throws TypeError for anything that is no Result */
function resultOf(value: unknown): Result {
  if (value === undefined || value === null) return {};
  const after = typeof value === 'object' ? (value as Result).requeueAfterMs : undefined;
  const fits =
    typeof value === 'object' && (after === undefined || (typeof after === 'number' && after >= 0));
  const known = fits && Object.keys(value).every((key) => key === 'requeueAfterMs');
  if (!known)
    throw new TypeError(`a reconcile returns done, requeueAfter(…) or nothing, not ${describe(value)}`);
  return value as Result;
}
