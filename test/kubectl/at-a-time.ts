/** Runs of many that wait more than they work: some at a time. */

/**
 * Runs of a table of which each is asked for by itself, in order; the next ones begin meanwhile. So each can be a test of its own,
 * and none waits idly for the one before it.
 */
export class RunningAhead<T> {
  readonly #all: readonly T[];
  readonly #atATime: number;
  readonly #run: (one: T) => Promise<void>;
  readonly #begun = new Map<T, Promise<void>>();

  constructor(all: readonly T[], atATime: number, run: (one: T) => Promise<void>) {
    this.#all = all;
    this.#atATime = atATime;
    this.#run = run;
  }

  /** Settles as the run of this one does. */
  async of(one: T): Promise<void> {
    const index = this.#all.indexOf(one);
    for (const each of this.#all.slice(index, index + this.#atATime)) {
      if (this.#begun.has(each)) continue;
      const run = this.#run(each);
      // Perhaps nobody asks for it.
      run.catch(() => {});
      this.#begun.set(each, run);
    }
    await this.#begun.get(one);
  }

  /** Resolves once nothing runs any more. */
  async ended(): Promise<void> {
    await Promise.allSettled(this.#begun.values());
  }
}

/** Many beside each other, or one alone: in the order they come. */
export class ManyOrOne {
  /** The last one that is alone. */
  #gate: Promise<unknown> = Promise.resolve();
  /** Everybody so far. */
  #all: Promise<unknown> = Promise.resolve();

  run<T>(alone: boolean, work: () => Promise<T>): Promise<T> {
    const running = (alone ? this.#all : this.#gate).then(work);
    const settled = running.catch(() => {});
    this.#all = Promise.all([this.#all, settled]);
    if (alone) this.#gate = settled;
    return running;
  }
}

/** Runs all, so many at a time. */
export async function atMost<T>(
  count: number,
  all: readonly T[],
  run: (one: T) => Promise<void>,
): Promise<void> {
  const left = [...all];
  const worker = async (): Promise<void> => {
    for (let one = left.shift(); one !== undefined; one = left.shift()) await run(one);
  };
  await Promise.all(Array.from({ length: count }, worker));
}
