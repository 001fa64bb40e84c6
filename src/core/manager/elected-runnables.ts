/**
 * The Runnables that only a leader runs: started one after the other when a term begins, stopped in reverse when
 * it is over, and started again with the next one.
 */
import type { Observable, Subscription } from 'rxjs';
import type { Term } from '../controller/key-admission.js';
import type { Runnable } from './runnable.js';
import { untilAborted } from './until-aborted.js';

export interface ElectedRunnablesOptions {
  readonly runnables: readonly Runnable[];
  readonly start: (runnable: Runnable, term: Term) => Promise<void>;
  /** Resolves also when it takes too long. */
  readonly stop: (runnable: Runnable) => Promise<void>;
  /** One could not start though the term lasts. */
  readonly onFailed: (error: unknown) => void;
}

export class ElectedRunnables {
  readonly #options: ElectedRunnablesOptions;
  readonly #started: Runnable[] = [];
  #following: Subscription | undefined;
  /** One change of term after the other. */
  #tail: Promise<void> = Promise.resolve();

  constructor(options: ElectedRunnablesOptions) {
    this.#options = options;
  }

  follow(term$: Observable<Term | undefined>): void {
    this.#following = term$.subscribe((term) => {
      this.#tail = this.#tail.then(() => this.#stopAll()).then(() => this.#startAll(term));
    });
  }

  async stop(): Promise<void> {
    this.#following?.unsubscribe();
    // A start under way need not come to an end: it is stopped beside it.
    await this.#stopAll();
  }

  async #startAll(term: Term | undefined): Promise<void> {
    if (!term) return;
    for (const runnable of this.#options.runnables) {
      if (term.signal.aborted || this.#following?.closed) return;
      this.#started.push(runnable);
      try {
        await untilAborted(this.#options.start(runnable, term), term.signal);
      } catch (error) {
        if (term.signal.aborted || this.#following?.closed) return;
        return this.#options.onFailed(error);
      }
    }
  }

  async #stopAll(): Promise<void> {
    for (let runnable = this.#started.pop(); runnable; runnable = this.#started.pop())
      await this.#options.stop(runnable);
  }
}
