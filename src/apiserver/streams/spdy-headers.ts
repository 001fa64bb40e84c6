/**
 * The header blocks of SPDY/3: names and values with their lengths, one zlib stream per direction for as long as the
 * connection lasts, primed with the dictionary (draft 3, section 2.6.10).
 */
import { createInflate, type Inflate } from 'node:zlib';
import { spdyDictionary } from './spdy-dictionary.js';
import { SpdyError } from './spdy-frames.js';

/** Of one block, uncompressed: clients send less than a hundred bytes. */
const maxBlockBytes = 64 * 1024;

/** Reads the blocks of one connection, in the order they came: each refers to those before it. */
export class HeaderDecoder {
  readonly #inflate: Inflate = createInflate({ dictionary: spdyDictionary });
  #parts: Buffer[] = [];
  #size = 0;

  constructor() {
    // Whoever waits for a block is told; nobody else has to hear of it.
    this.#inflate.on('error', () => {});
    this.#inflate.on('data', (chunk: Buffer) => {
      this.#size += chunk.length;
      if (this.#size > maxBlockBytes) this.#inflate.destroy(new Error(`more than ${maxBlockBytes} bytes`));
      else this.#parts.push(chunk);
    });
  }

  /** One at a time. Names are in lower case; several values of one name are joined by NUL. @throws SpdyError */
  async decode(block: Buffer): Promise<ReadonlyMap<string, string>> {
    this.#parts = [];
    this.#size = 0;
    await new Promise<void>((resolve, reject) => {
      const failed = (error?: Error | null): void =>
        reject(new SpdyError(`unreadable headers: ${error?.message ?? 'the connection is closed'}`));
      this.#inflate.once('error', failed);
      this.#inflate.write(block, (error) => {
        this.#inflate.off('error', failed);
        if (error || this.#inflate.destroyed) failed(error ?? this.#inflate.errored);
        else resolve();
      });
    });
    return pairs(Buffer.concat(this.#parts));
  }

  close(): void {
    this.#inflate.destroy();
  }
}

function pairs(bytes: Buffer): ReadonlyMap<string, string> {
  let at = 0;
  const number = (): number => {
    if (at + 4 > bytes.length) throw new SpdyError('headers that end too early');
    at += 4;
    return bytes.readUInt32BE(at - 4);
  };
  const text = (): string => {
    const length = number();
    if (length > bytes.length - at) throw new SpdyError('headers that end too early');
    at += length;
    return bytes.toString('utf8', at - length, at);
  };
  const headers = new Map<string, string>();
  for (let left = number(); left > 0; left--) {
    const name = text();
    if (name === '' || headers.has(name)) throw new SpdyError('a header without a name, or twice');
    headers.set(name, text());
  }
  return headers;
}

/**
 * Blocks for the other direction. Our replies have no headers to speak of, so they go uncompressed, in stored blocks of
 * the same zlib stream. An empty one ends each, as a flush does: it lets a reader give out what came before it.
 */
export class HeaderEncoder {
  #begun = false;

  /** @param headers less than 60 KiB in all */
  encode(headers: readonly (readonly [name: string, value: string])[]): Buffer {
    const length = (n: number): Buffer => {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32BE(n);
      return bytes;
    };
    const texts = headers.flat().map((text) => Buffer.from(text));
    const block = Buffer.concat([
      length(headers.length),
      ...texts.flatMap((text) => [length(text.length), text]),
    ]);
    const begin = this.#begun ? Buffer.alloc(0) : Buffer.of(0x78, 0x01);
    this.#begun = true;
    return Buffer.concat([begin, stored(block), stored(Buffer.alloc(0))]);
  }
}

/** A deflate block that is not compressed and not the last (RFC 1951, section 3.2.4). */
function stored(bytes: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt16LE(bytes.length, 1);
  head.writeUInt16LE(~bytes.length & 0xffff, 3);
  return Buffer.concat([head, bytes]);
}
