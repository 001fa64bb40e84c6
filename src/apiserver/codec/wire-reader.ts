/**
 * Reads protobuf wire format out of one buffer. Every read is checked against the end of the message it
 * belongs to, so hostile bytes end in a `WireError`, never in a loop or a read outside.
 */

/** Bytes that are not protobuf wire format. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

export const wireTypes = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** A 64-bit integer as its two halves. */
interface Int64 {
  readonly low: number;
  readonly high: number;
}

export class WireReader {
  private position: number;

  constructor(
    private readonly buffer: Uint8Array,
    start = 0,
    private readonly end = buffer.length,
  ) {
    this.position = start;
  }

  get done(): boolean {
    return this.position >= this.end;
  }

  /** The number and wire type of the next field. */
  tag(): { readonly number: number; readonly wireType: number } {
    const { low, high } = this.varint();
    const number = low >>> 3;
    if (high !== 0 || number === 0 || number > 0x1fffffff) throw new WireError('illegal tag');
    return { number, wireType: low & 7 };
  }

  int32(): number {
    return this.varint().low | 0;
  }
  /** A signed 64-bit integer; beyond 2^53 it loses precision, as JSON does. */
  int64(): number {
    const { low, high } = this.varint();
    return (high | 0) * 0x1_0000_0000 + (low >>> 0);
  }
  bool(): boolean {
    const { low, high } = this.varint();
    return (low | high) !== 0;
  }
  double(): number {
    const start = this.take(8);
    return new DataView(this.buffer.buffer, this.buffer.byteOffset + start, 8).getFloat64(0, true);
  }
  string(): string {
    return utf8.decode(this.bytes());
  }
  /** A view, not a copy. */
  bytes(): Uint8Array {
    const length = this.length();
    const start = this.take(length);
    return this.buffer.subarray(start, start + length);
  }
  /** A reader of the message that follows. */
  message(): WireReader {
    const length = this.length();
    const start = this.take(length);
    return new WireReader(this.buffer, start, start + length);
  }

  /** Passes over a field nobody asked for. */
  skip(wireType: number): void {
    switch (wireType) {
      case wireTypes.varint:
        this.varint();
        break;
      case wireTypes.fixed64:
        this.take(8);
        break;
      case wireTypes.bytes:
        this.take(this.length());
        break;
      case wireTypes.fixed32:
        this.take(4);
        break;
      default:
        throw new WireError(`illegal wire type ${wireType}`);
    }
  }

  private length(): number {
    const { low, high } = this.varint();
    if (high !== 0) throw new WireError('unexpected EOF');
    return low >>> 0;
  }

  private take(count: number): number {
    const start = this.position;
    if (count > this.end - start) throw new WireError('unexpected EOF');
    this.position = start + count;
    return start;
  }

  private varint(): Int64 {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.position >= this.end) throw new WireError('unexpected EOF');
      const byte = this.buffer[this.position++] as number;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) return { low, high };
    }
    throw new WireError('integer overflow');
  }
}
