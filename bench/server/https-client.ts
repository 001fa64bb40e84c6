/**
 * The barest HTTPS client, so that what is measured is the server: it shares the machine with it. A request is one write to
 * a connection of its own, and an answer as much parsing as tells where it ends.
 */
import { request } from 'node:https';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';

export interface Identity {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface Answer {
  /** Of the body. */
  readonly bytes: number;
  /** The body, where it was to be read. */
  readonly text: string;
}

export class HttpsClient {
  readonly #options: ConnectionOptions;
  readonly #all = new Set<Connection>();
  readonly #free: Connection[] = [];

  constructor(port: number, identity: Identity) {
    this.#options = { host: '127.0.0.1', port, ...identity };
  }

  /** The bytes of the answer, counted; the body too when `read` says so. @throws Error for what is no success */
  async send(method: string, path: string, body?: string, read = false): Promise<Answer> {
    const connection = this.#free.pop() ?? this.#open();
    const { code, bytes, text } = await connection.send(method, path, body, read);
    this.#free.push(connection);
    if (code >= 300) throw new Error(`${method} ${path}: ${code} ${text}`);
    return { bytes, text };
  }

  /** A watch: each chunk that comes; resolves when it was answered. */
  watch(path: string, onChunk: (chunk: Buffer) => void): Promise<{ close(): void }> {
    return new Promise((resolve, reject) => {
      request({ ...this.#options, path, agent: false }, (response) => {
        if (response.statusCode !== 200) reject(new Error(`GET ${path}: ${response.statusCode}`));
        response.on('data', onChunk);
        resolve({ close: () => void response.destroy() });
      })
        .once('error', reject)
        .end();
    });
  }

  close(): void {
    for (const connection of this.#all) connection.close();
  }

  #open(): Connection {
    const connection = new Connection(connect(this.#options));
    this.#all.add(connection);
    return connection;
  }
}

const endOfHead = '\r\n\r\n';

/** One request at a time. */
class Connection {
  readonly #socket: TLSSocket;
  #onChunk: (chunk: Buffer) => void = () => {};
  #onError: (error: Error) => void = () => {};

  constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#onChunk(chunk));
    socket.on('error', (error) => this.#onError(error));
    socket.on('close', () => this.#onError(new Error('the server has closed the connection')));
  }

  send(method: string, path: string, body = '', read = false): Promise<Answer & { readonly code: number }> {
    const content =
      body === '' ? '' : `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n`;
    return new Promise((resolve, reject) => {
      this.#onError = reject;
      let head = '';
      let answer: Body | undefined;
      this.#onChunk = (chunk) => {
        let rest = chunk;
        if (!answer) {
          const before = Buffer.byteLength(head, 'latin1');
          head += chunk.toString('latin1');
          const end = head.indexOf(endOfHead);
          if (end < 0) return;
          answer = bodyOf(head.slice(0, end), read);
          rest = chunk.subarray(end + endOfHead.length - before);
        }
        if (answer.take(rest)) resolve({ code: answer.code, bytes: answer.bytes, text: answer.text });
      };
      this.#socket.write(
        `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json\r\n${content}\r\n${body}`,
      );
    });
  }

  close(): void {
    this.#onError = () => {};
    this.#socket.destroy();
  }
}

function bodyOf(head: string, read: boolean): Body {
  const code = Number(head.slice(9, 12));
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  const toRead = read || code >= 300;
  return length === undefined ? new ChunkedBody(code, toRead) : new SizedBody(code, toRead, Number(length));
}

abstract class Body {
  readonly code: number;
  bytes = 0;
  readonly #read: boolean;
  readonly #parts: Buffer[] = [];

  constructor(code: number, read: boolean) {
    this.code = code;
    this.#read = read;
  }

  /** True with the last of it. */
  abstract take(chunk: Buffer): boolean;

  get text(): string {
    return Buffer.concat(this.#parts).toString();
  }

  protected keep(part: Buffer): void {
    this.bytes += part.length;
    if (this.#read) this.#parts.push(part);
  }
}

class SizedBody extends Body {
  readonly #length: number;

  constructor(code: number, read: boolean, length: number) {
    super(code, read);
    this.#length = length;
  }

  override take(chunk: Buffer): boolean {
    this.keep(chunk);
    return this.bytes >= this.#length;
  }
}

class ChunkedBody extends Body {
  /** What is still to come of the chunk, with its end of line; none of it: a line with a size is next. */
  #left = 0;
  #line = '';
  #last = false;

  override take(chunk: Buffer): boolean {
    for (let at = 0; at < chunk.length; ) {
      if (this.#left > 0) {
        const part = chunk.subarray(at, at + this.#left);
        const beforeEnd = Math.min(part.length, Math.max(0, this.#left - 2));
        this.keep(part.subarray(0, beforeEnd));
        this.#left -= part.length;
        at += part.length;
        continue;
      }
      const end = chunk.indexOf(10, at);
      this.#line += chunk.toString('latin1', at, end < 0 ? chunk.length : end + 1);
      if (end < 0) return false;
      at = end + 1;
      const line = this.#line;
      this.#line = '';
      if (this.#last) return true;
      const size = Number.parseInt(line, 16);
      if (size === 0) this.#last = true;
      else this.#left = size + 2;
    }
    return false;
  }
}

/** Lines in the chunks of a stream; calls back with each, without its end. */
export function lines(onLine: (line: string) => void): (chunk: Buffer) => void {
  let rest = '';
  return (chunk) => {
    const parts = (rest + chunk.toString()).split('\n');
    rest = parts.pop() ?? '';
    for (const line of parts) onLine(line);
  };
}
