/** The client's side of SPDY/3.1, as far as tests need it: frames written by hand, headers compressed by zlib. */
import type { Duplex } from 'node:stream';
import { constants, createDeflate, inflateSync } from 'node:zlib';
import { spdyDictionary } from '#src/apiserver/streams/spdy-dictionary.js';

export interface Reply {
  readonly type: number;
  readonly streamId: number;
  readonly flags: number;
  readonly body: Buffer;
}

export function control(type: number, flags: number, body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(0x8003, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt8(flags, 4);
  head.writeUIntBE(body.length, 5, 3);
  return Buffer.concat([head, body]);
}

export function uint32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, i * 4);
  return bytes;
}

export function data(streamId: number, bytes: Buffer | string, fin = false): Buffer {
  const body = Buffer.from(bytes);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(streamId, 0);
  head.writeUInt8(fin ? 1 : 0, 4);
  head.writeUIntBE(body.length, 5, 3);
  return Buffer.concat([head, body]);
}

function block(headers: Readonly<Record<string, string>>): Buffer {
  const text = (value: string): Buffer =>
    Buffer.concat([uint32(Buffer.byteLength(value)), Buffer.from(value)]);
  const pairs = Object.entries(headers);
  return Buffer.concat([
    uint32(pairs.length),
    ...pairs.flatMap(([name, value]) => [text(name), text(value)]),
  ]);
}

/** Blocks of one connection, each compressed after those before it. */
export class HeaderBlocks {
  readonly #deflate = createDeflate({ dictionary: spdyDictionary });
  #parts: Buffer[] = [];

  constructor() {
    this.#deflate.on('data', (chunk: Buffer) => this.#parts.push(chunk));
  }

  async encode(headers: Readonly<Record<string, string>>): Promise<Buffer> {
    this.#parts = [];
    await new Promise<void>((resolve) => {
      this.#deflate.write(block(headers), () => this.#deflate.flush(constants.Z_SYNC_FLUSH, resolve));
    });
    return Buffer.concat(this.#parts);
  }
}

export class SpdyClient {
  readonly replies: Reply[] = [];
  readonly #blocks = new HeaderBlocks();
  #rest = Buffer.alloc(0);
  #nextStream = 1;
  #wake: () => void = () => {};
  closed = false;

  constructor(readonly transport: Duplex) {
    transport.on('data', (chunk: Buffer) => this.#read(chunk));
    transport.on('error', () => {});
    transport.once('close', () => {
      this.closed = true;
      this.#wake();
    });
  }

  /** Opens a stream and gives its id. */
  async open(headers: Readonly<Record<string, string>>, flags = 0): Promise<number> {
    const id = this.#nextStream;
    this.#nextStream += 2;
    await this.openAs(id, headers, flags);
    return id;
  }

  async openAs(id: number, headers: Readonly<Record<string, string>>, flags = 0): Promise<void> {
    const body = Buffer.concat([uint32(id, 0), Buffer.of(0, 0), await this.#blocks.encode(headers)]);
    this.transport.write(control(1, flags, body));
  }

  send(frame: Buffer): void {
    this.transport.write(frame);
  }

  /** What came on a stream so far. */
  text(streamId: number): string {
    return Buffer.concat(
      this.replies.filter((reply) => reply.type === 0 && reply.streamId === streamId).map(({ body }) => body),
    ).toString();
  }

  has(type: number, streamId?: number): boolean {
    return this.replies.some(
      (reply) => reply.type === type && (streamId === undefined || reply.streamId === streamId),
    );
  }

  ended(streamId: number): boolean {
    return this.replies.some(
      (reply) => reply.type === 0 && reply.streamId === streamId && (reply.flags & 1) !== 0,
    );
  }

  /** Resolves when it holds; looked at after everything that comes. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.closed) throw new Error(`closed before ${holds}`);
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    }
  }

  async untilClosed(): Promise<void> {
    while (!this.closed)
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
  }

  #read(chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    for (;;) {
      if (this.#rest.length < 8) break;
      const length = this.#rest.readUIntBE(5, 3);
      if (this.#rest.length < 8 + length) break;
      const first = this.#rest.readUInt32BE(0);
      const body = this.#rest.subarray(8, 8 + length);
      const isControl = first > 0x7fff_ffff;
      this.replies.push({
        type: isControl ? first & 0xffff : 0,
        streamId: isControl ? (body.length >= 4 ? body.readUInt32BE(0) : 0) : first,
        flags: this.#rest.readUInt8(4),
        body: Buffer.from(body),
      });
      this.#rest = Buffer.from(this.#rest.subarray(8 + length));
    }
    this.#wake();
  }
}

/** The first block that a server sent, read as a client does. */
export function inflateFirst(compressed: Buffer): Buffer {
  return inflateSync(compressed, { finishFlush: constants.Z_SYNC_FLUSH, dictionary: spdyDictionary });
}
