/** A stream inside this process: written from one side, read from the other by one reader, and bounded. */
export class Pipe<T> implements AsyncIterable<T> {
  readonly #limit: number;
  readonly #sizeOf: (item: T) => number;
  readonly #items: T[] = [];
  #size = 0;
  #ended = false;
  #wakeReader: () => void = () => {};
  #wakeWriters: (() => void)[] = [];

  /** @param limit writers wait once items of this size in all are unread */
  constructor(limit: number, sizeOf: (item: T) => number) {
    this.#limit = limit;
    this.#sizeOf = sizeOf;
  }

  /** Takes the item in any case; resolves when more should come. After the end it is dropped. */
  push(item: T): void | Promise<void> {
    if (this.#ended) return;
    this.#items.push(item);
    this.#size += this.#sizeOf(item);
    this.#wakeReader();
    if (this.#size < this.#limit) return;
    return new Promise((resolve) => this.#wakeWriters.push(resolve));
  }

  /** What was pushed before can still be read. */
  end(): void {
    this.#ended = true;
    this.#wakeReader();
    this.#letWrite();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void> {
    try {
      for (;;) {
        const item = this.#items.shift();
        if (item !== undefined) {
          this.#size -= this.#sizeOf(item);
          if (this.#size < this.#limit) this.#letWrite();
          yield item;
        } else if (this.#ended) return;
        else
          await new Promise<void>((wake) => {
            this.#wakeReader = wake;
          });
      }
    } finally {
      // Nobody reads any more.
      this.#ended = true;
      this.#items.length = 0;
      this.#letWrite();
    }
  }

  #letWrite(): void {
    for (const wake of this.#wakeWriters.splice(0)) wake();
  }
}

/** Bytes of which at most about 1 MiB wait for their reader. */
export function bytePipe(): Pipe<Uint8Array> {
  return new Pipe(1024 * 1024, ({ length }) => length);
}
