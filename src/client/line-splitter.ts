/**
 * Lines out of a byte stream, without copying what is whole and without ever joining more than one line:
 * how a watch is read.
 */
export class LineSplitter {
  #pending: Buffer[] = [];
  #pendingBytes = 0;

  constructor(private readonly maxLineBytes: number) {}

  /**
   * The lines completed by this chunk, without their ends; empty lines are skipped.
   * @throws RangeError when a line grows past the limit, after giving the lines before it
   */
  *push(chunk: Buffer): IterableIterator<Buffer> {
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
      const piece = chunk.subarray(start, end);
      const line = this.#pending.length === 0 ? piece : Buffer.concat([...this.#pending, piece]);
      this.#pending = [];
      this.#pendingBytes = 0;
      this.#check(line.length);
      if (line.length > 0) yield line;
      start = end + 1;
    }
    if (start < chunk.length) {
      const rest = chunk.subarray(start);
      this.#pending.push(rest);
      this.#pendingBytes += rest.length;
      this.#check(this.#pendingBytes);
    }
  }

  /** Bytes of a line that has not ended. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  #check(bytes: number): void {
    if (bytes > this.maxLineBytes) throw new RangeError(`a line is longer than ${this.maxLineBytes} bytes`);
  }
}
