/** The barest HTTPS client: so that what is measured is the server. */
import { type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';

export interface Identity {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export class HttpsClient {
  readonly #agent: Agent;
  readonly #port: number;

  constructor(port: number, identity: Identity) {
    this.#port = port;
    this.#agent = new Agent({ ...identity, keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
  }

  /** The bytes of the answer, counted; the body too when `read` says so. @throws Error for what is no success */
  async send(
    method: string,
    path: string,
    body?: string,
    read = false,
  ): Promise<{ readonly bytes: number; readonly text: string }> {
    const response = await this.#open(method, path, body);
    let bytes = 0;
    let text = '';
    for await (const chunk of response as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (read || (response.statusCode ?? 500) >= 300) text += chunk.toString();
    }
    if ((response.statusCode ?? 500) >= 300)
      throw new Error(`${method} ${path}: ${response.statusCode} ${text}`);
    return { bytes, text };
  }

  /** A watch: each chunk that comes; resolves when it was answered. */
  async watch(path: string, onChunk: (chunk: Buffer) => void): Promise<{ close(): void }> {
    const response = await this.#open('GET', path);
    if (response.statusCode !== 200) throw new Error(`GET ${path}: ${response.statusCode}`);
    response.on('data', onChunk);
    return { close: () => void response.destroy() };
  }

  close(): void {
    this.#agent.destroy();
  }

  #open(method: string, path: string, body?: string): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const sent: ClientRequest = request(
        {
          host: '127.0.0.1',
          port: this.#port,
          method,
          path,
          agent: this.#agent,
          headers: {
            accept: 'application/json',
            ...(body === undefined
              ? {}
              : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
          },
        },
        resolve,
      );
      sent.once('error', reject);
      sent.end(body);
    });
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
