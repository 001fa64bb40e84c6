/**
 * A Transport over HTTP(S): node's own client with a keep-alive agent of ours, so that client
 * certificates work and tests can intercept it.
 */
// Through the module objects: a named import would bind node's own functions before a test can put others there.
import http, { type IncomingMessage, type RequestOptions } from 'node:http';
import https from 'node:https';
import { createGunzip } from 'node:zlib';
import {
  type ApiRequest,
  type ApiResponse,
  OutcomeUnknown,
  type Transport,
  TransportError,
  type WatchEvent,
  type WatchResponse,
} from '../api/index.js';
import { readList } from './decode/list-reader.js';
import { readWatch } from './decode/watch-events.js';
import { errorOf } from './errors.js';

export interface HttpTransportOptions {
  /** `https://host:port`, optionally with a path prefix. */
  readonly server: string;
  /** PEM. Default: the system's authorities. */
  readonly ca?: string;
  /** PEM, for a client certificate. */
  readonly cert?: string;
  readonly key?: string;
  /** A bearer token, or what gives the current one for each request. */
  readonly token?: string | (() => string | Promise<string>);
  /** Accepts any server certificate. Default false. */
  readonly insecure?: boolean;
  /** The name the server's certificate is checked against, when it is not the host's. */
  readonly servername?: string;
  readonly userAgent?: string;
  /** Longest line of a watch. Default 16 MiB. */
  readonly maxLineBytes?: number;
  /** Called for each `Warning` the server sends (API-10). */
  readonly onWarning?: (text: string) => void;
}

const defaultMaxLineBytes = 16 * 1024 * 1024;

export function createHttpTransport(options: HttpTransportOptions): Transport {
  return new HttpTransport(options);
}

class HttpTransport implements Transport {
  readonly #options: HttpTransportOptions;
  readonly #base: URL;
  readonly #agent: http.Agent | https.Agent;

  constructor(options: HttpTransportOptions) {
    this.#options = options;
    this.#base = new URL(options.server);
    if (this.#base.protocol === 'https:') {
      const { ca, cert, key, servername, insecure } = options;
      this.#agent = new https.Agent({
        keepAlive: true,
        ...(ca === undefined ? {} : { ca }),
        ...(cert === undefined ? {} : { cert }),
        ...(key === undefined ? {} : { key }),
        ...(servername === undefined ? {} : { servername }),
        rejectUnauthorized: !insecure,
      });
    } else this.#agent = new http.Agent({ keepAlive: true });
  }

  async request(request: ApiRequest): Promise<ApiResponse> {
    const message = await this.#open(request);
    this.#warn(message);
    const { decoder } = request;
    let text: string;
    try {
      if (decoder && message.statusCode === 200 && isJson(message)) {
        const body = await readList(decoded(message), decoder);
        return { status: 200, headers: flatHeaders(message), body };
      }
      text = await readText(message);
    } catch (error) {
      throw lost(request, error);
    }
    const headers = flatHeaders(message);
    const status = message.statusCode ?? 0;
    if (!isJson(message)) return { status, headers, body: text };
    try {
      return { status, headers, body: JSON.parse(text) };
    } catch (error) {
      // A refusal stays a refusal, however badly it is put.
      if (status >= 400) return { status, headers, body: text };
      throw lost(request, error);
    }
  }

  async watch<T>(request: ApiRequest): Promise<WatchResponse<T>> {
    const message = await this.#open(request);
    this.#warn(message);
    const headers = flatHeaders(message);
    const status = message.statusCode ?? 0;
    if (status < 200 || status >= 300) {
      const text = await readText(message).catch(() => '');
      let body: unknown = text;
      try {
        body = JSON.parse(text);
      } catch {
        // Not every answer comes from an API server.
      }
      throw errorOf({ status, headers, body });
    }
    return { headers, events: this.#events<T>(message, request) };
  }

  close(): void {
    this.#agent.destroy();
  }

  async *#events<T>(
    message: IncomingMessage,
    { signal, decoder }: ApiRequest,
  ): AsyncIterable<readonly WatchEvent<T>[]> {
    const maxLineBytes = this.#options.maxLineBytes ?? defaultMaxLineBytes;
    try {
      yield* readWatch<T>(decoded(message), maxLineBytes, decoder);
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof TransportError) throw error;
      throw new TransportError(`the watch broke: ${(error as Error).message}`, { cause: error });
    } finally {
      message.destroy();
    }
  }

  async #open(request: ApiRequest): Promise<IncomingMessage> {
    request.signal?.throwIfAborted();
    const { token, userAgent = 'gyre' } = this.#options;
    const bearer = typeof token === 'function' ? await token() : token;
    const payload = payloadOf(request.body);
    const url = urlOf(this.#base, request);
    const secure = url.protocol === 'https:';
    const init: RequestOptions = {
      method: request.method,
      agent: this.#agent,
      headers: {
        accept: 'application/json',
        'user-agent': userAgent,
        ...(request.method === 'GET' ? { 'accept-encoding': 'gzip' } : {}),
        ...(bearer ? { authorization: `Bearer ${bearer}` } : {}),
        ...(payload === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': String(payload.length) }),
        ...request.headers,
      },
      ...(request.signal ? { signal: request.signal } : {}),
    };
    return new Promise((resolve, reject) => {
      let sent = false;
      const outgoing = secure ? https.request(url, init) : http.request(url, init);
      outgoing.once('response', resolve);
      outgoing.once('finish', () => {
        sent = true;
      });
      // Not once: a broken connection may say so twice, and nobody must be surprised by the second.
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        if (outgoing.reusedSocket && error.code === 'ECONNRESET' && isRepeatable(request)) {
          // The server closed an idle connection just as we took it. Ends at the latest with a fresh one.
          resolve(this.#open(request));
          return;
        }
        reject(
          sent || request.signal?.aborted
            ? lost(request, error)
            : new TransportError(`${request.method} ${url.href}: ${error.message}`, { cause: error }),
        );
      });
      outgoing.end(payload);
    });
  }

  #warn(message: IncomingMessage): void {
    const { onWarning } = this.#options;
    const header = message.headers.warning;
    if (!onWarning || !header) return;
    for (const [, text = ''] of String(header).matchAll(/\d{3} \S+ "((?:[^"\\]|\\.)*)"/g))
      onWarning(text.replace(/\\(.)/g, '$1'));
  }
}

function isRepeatable(request: ApiRequest): boolean {
  return request.method === 'GET' && !request.signal?.aborted;
}

/** After a request went out: a read had no effect, a write may have had one. The caller's own abort is its reason. */
function lost(request: ApiRequest, error: unknown): unknown {
  if (request.signal?.aborted) return request.signal.reason;
  const what = `${request.method} ${request.path}: ${(error as Error).message}`;
  return request.method === 'GET'
    ? new TransportError(what, { cause: error })
    : new OutcomeUnknown(what, { cause: error });
}

function urlOf(base: URL, request: ApiRequest): URL {
  const url = new URL(base.pathname.replace(/\/$/, '') + request.path, base);
  for (const [name, value] of Object.entries(request.query ?? {})) {
    for (const one of Array.isArray(value) ? (value as readonly string[]) : [value as string | undefined]) {
      if (one !== undefined) url.searchParams.append(name, one);
    }
  }
  return url;
}

function payloadOf(body: unknown): Buffer | undefined {
  if (body === undefined) return undefined;
  if (body instanceof Uint8Array) return Buffer.from(body);
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

function decoded(message: IncomingMessage): AsyncIterable<Buffer> & NodeJS.ReadableStream {
  if (message.headers['content-encoding'] !== 'gzip') return message;
  const gunzip = createGunzip();
  message.once('error', (error) => gunzip.destroy(error));
  message.once('aborted', () => gunzip.destroy(new Error('aborted')));
  return message.pipe(gunzip);
}

async function readText(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of decoded(message)) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

function isJson(message: IncomingMessage): boolean {
  return /\bjson\b/.test(message.headers['content-type'] ?? '');
}

function flatHeaders(message: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}
