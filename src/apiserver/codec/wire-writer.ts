/**
 * Writes protobuf wire format, from its end to its beginning: in front of a message stands its length, which is known only
 * once the message is there. So what is written first comes last, and nothing is ever moved but for want of room.
 */
import { wireTypes } from './wire-reader.js';

export class WireWriter {
  #buffer = Buffer.allocUnsafe(64 * 1024);
  /** Where what is written begins. */
  #start = this.#buffer.length;

  /** What is written so far. A view: complete, and final, only at the end. */
  get bytes(): Buffer {
    return this.#buffer.subarray(this.#start);
  }

  string(number: number, text: string): void {
    const length = Buffer.byteLength(text);
    this.#make(length);
    this.#buffer.write(text, this.#start);
    this.#head(number, length);
  }

  bool(number: number, value: boolean): void {
    this.#varint(value ? 1 : 0);
    this.#tag(number, wireTypes.varint);
  }

  int64(number: number, value: number): void {
    // Ten bytes of two's complement: negative ones are rare, and JSON has no larger ones than a number holds.
    let rest = BigInt.asUintN(64, BigInt(Math.trunc(value)));
    const low: number[] = [];
    do {
      low.push(Number(rest & 0x7fn));
      rest >>= 7n;
    } while (rest > 0n);
    this.#make(low.length);
    for (const [i, bits] of low.entries())
      this.#buffer[this.#start + i] = i === low.length - 1 ? bits : bits | 0x80;
    this.#tag(number, wireTypes.varint);
  }

  double(number: number, value: number): void {
    this.#make(8);
    this.#buffer.writeDoubleLE(value, this.#start);
    this.#tag(number, wireTypes.fixed64);
  }

  /** A message whose fields `write` writes, the last one first. */
  message(number: number, write: () => void): void {
    const before = this.#length;
    write();
    this.#head(number, this.#length - before);
  }

  get #length(): number {
    return this.#buffer.length - this.#start;
  }

  #head(number: number, length: number): void {
    this.#varint(length);
    this.#tag(number, wireTypes.bytes);
  }

  #tag(number: number, wireType: number): void {
    this.#varint(number * 8 + wireType);
  }

  /** Of at most 32 bits. */
  #varint(value: number): void {
    let count = 1;
    for (let rest = value >>> 7; rest > 0; rest >>>= 7) count++;
    this.#make(count);
    for (let i = 0, rest = value; i < count; i++, rest >>>= 7)
      this.#buffer[this.#start + i] = i === count - 1 ? rest : (rest & 0x7f) | 0x80;
  }

  /** Makes room in front, and begins there. */
  #make(count: number): void {
    if (count > this.#start) {
      const written = this.bytes;
      const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, written.length + count));
      written.copy(larger, larger.length - written.length);
      this.#start = larger.length - written.length;
      this.#buffer = larger;
    }
    this.#start -= count;
  }
}
