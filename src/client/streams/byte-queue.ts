/** Bytes that come on one connection with others, for one reader of their own. */
export class ByteQueue implements AsyncIterable<Uint8Array> {
  readonly #chunks: Uint8Array[] = [];
  readonly #maxBytes: number;
  #bytes = 0;
  #hasReader = false;
  #end: { readonly error?: unknown } | undefined;
  #wake: () => void = () => {};
  #resume: () => void = () => {};

  /**
   * @param maxBytes what may lie unread before the writer is to wait for the reader
   * @param options.waitsForReader the writer waits too when nobody reads yet. Default false: what nobody reads holds
   *   nobody up, as it shares its connection with what somebody does
   */
  constructor(maxBytes: number, { waitsForReader = false }: { readonly waitsForReader?: boolean } = {}) {
    this.#maxBytes = maxBytes;
    this.#hasReader = waitsForReader;
  }

  /** Undefined when there is room for more; else resolves when there is. */
  push(chunk: Uint8Array): Promise<void> | undefined {
    if (this.#end || chunk.length === 0) return undefined;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    this.#wake();
    if (!this.#hasReader || this.#bytes <= this.#maxBytes) return undefined;
    return new Promise((resolve) => {
      this.#resume = resolve;
    });
  }

  /** After what was pushed, readers see the end, or this error. */
  end(end: { readonly error?: unknown } = {}): void {
    this.#end ??= end;
    this.#wake();
    this.#resume();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    this.#hasReader = true;
    try {
      for (;;) {
        const chunk = this.#chunks.shift();
        if (chunk) {
          this.#bytes -= chunk.length;
          if (this.#bytes <= this.#maxBytes / 2) this.#resume();
          yield chunk;
        } else if (this.#end) {
          if ('error' in this.#end) throw this.#end.error;
          return;
        } else
          await new Promise<void>((wake) => {
            this.#wake = wake;
          });
      }
    } finally {
      this.#hasReader = false;
      this.#resume();
    }
  }
}
