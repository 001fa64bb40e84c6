/**
 * A Transport over HTTP(S): HTTP/1.1 with kept connections, or HTTP/2 on request.
 *
 * A request that is answered with 401 is sent again once, if another credential can be had by then.
 */
import { createGunzip } from 'node:zlib';
import {
  type ApiRequest,
  type ApiResponse,
  type ByteResponse,
  type Clock,
  isApiError,
  type MessageConnection,
  type Transport,
  TransportError,
  type WatchEvent,
  type WatchResponse,
} from '../api/index.js';
import { systemClock, turnGate } from '../system/index.js';
import {
  type Credential,
  CredentialError,
  type CredentialSource,
  sameCredential,
} from './credentials/credential.js';
import { type Impersonation, impersonationHeaders } from './credentials/impersonation.js';
import { readList } from './decode/list-reader.js';
import { readWatch } from './decode/watch-events.js';
import { errorOf } from './errors.js';
import { type Answer, type Exchange, lost, type Outgoing, type Route, unsent } from './http/exchange.js';
import { Http1Exchange } from './http/http1.js';
import { Http2Exchange, type Http2Options } from './http/http2.js';
import { openChannel } from './http/message-channel.js';

export interface HttpTransportOptions {
  /** `https://host:port`, optionally with a path prefix. */
  readonly server: string;
  /** PEM, or what gives the current one for each connection. Default: the system's authorities. */
  readonly ca?: string | (() => string);
  /** PEM, for a client certificate. */
  readonly cert?: string;
  readonly key?: string;
  /** A bearer token, or what gives the current one for each request. */
  readonly token?: string | (() => string | Promise<string>);
  /** Gives token or client certificate of each request; what it gives goes before the fixed ones above. */
  readonly credentials?: CredentialSource;
  /** A user and password (HTTP Basic), where there is no token. */
  readonly basic?: { readonly username: string; readonly password: string };
  /** Acts as somebody else, on every request. */
  readonly impersonate?: Impersonation;
  /** `http://[user:password@]host:port` of a proxy to go through. Default: none. */
  readonly proxy?: string;
  /** Accepts any server certificate. Default false. */
  readonly insecure?: boolean;
  /** The name the server's certificate is checked against, when it is not the host's. */
  readonly servername?: string;
  /**
   * Speaks HTTP/2 with servers that do, so that many watches share a connection. Default false: HTTP/1.1, which
   * takes a connection per watch but never lets one slow reader wait for another.
   */
  readonly http2?: boolean | Pick<Http2Options, 'pingEveryMs' | 'pingTimeoutMs'>;
  /** Default: real time. */
  readonly clock?: Clock;
  readonly userAgent?: string;
  /** Longest line of a watch. Default 16 MiB. */
  readonly maxLineBytes?: number;
  /** Called for each `Warning` the server sends (API-10). */
  readonly onWarning?: (text: string) => void;
}

const defaultMaxLineBytes = 16 * 1024 * 1024;

/** Requests that are made in one turn of the event loop are sent together: their code is at hand for all but the first. */
const turn = turnGate();

export function createHttpTransport(options: HttpTransportOptions): Transport {
  return new HttpTransport(options);
}

class HttpTransport implements Transport {
  readonly #options: HttpTransportOptions;
  readonly #route: Route;
  readonly #http1: Http1Exchange;
  readonly #exchange: Exchange;
  readonly #headers: Readonly<Record<string, string | string[]>>;

  constructor(options: HttpTransportOptions) {
    this.#options = options;
    this.#route = {
      base: new URL(options.server),
      servername: options.servername,
      insecure: options.insecure ?? false,
      proxy: options.proxy === undefined ? undefined : new URL(options.proxy),
    };
    this.#http1 = new Http1Exchange(this.#route);
    const { http2, clock = systemClock } = options;
    this.#exchange = http2
      ? new Http2Exchange(this.#route, this.#http1, { clock, ...(http2 === true ? {} : http2) })
      : this.#http1;
    this.#headers = {
      'user-agent': options.userAgent ?? 'gyre',
      ...(options.impersonate ? impersonationHeaders(options.impersonate) : {}),
    };
  }

  async request(request: ApiRequest): Promise<ApiResponse> {
    await turn();
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
    await refuse(message);
    return { headers, events: this.#events<T>(message, request) };
  }

  async open(request: ApiRequest): Promise<ByteResponse> {
    const message = await this.#open({ ...request, headers: { accept: '*/*', ...request.headers } });
    this.#warn(message);
    await refuse(message);
    return { headers: flatHeaders(message), bytes: bytesOf(message, request) };
  }

  async connect(request: ApiRequest, protocols: readonly string[]): Promise<MessageConnection> {
    const { servername } = this.#route;
    const url = urlOf(this.#route.base, request);
    return this.#authorized(request, async (credential) => {
      const tls = this.#tls(credential);
      const agent = this.#http1.agents.forUpgrade(tls);
      const headers = { ...this.#headers, ...this.#authorization(credential), ...request.headers };
      return openChannel({ request, url, protocols, agent, headers, servername });
    });
  }

  close(): void {
    this.#exchange.close();
  }

  async *#events<T>(
    message: Answer,
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

  #open(request: ApiRequest): Promise<Answer> {
    const payload = payloadOf(request.body);
    const url = urlOf(this.#route.base, request);
    return this.#authorized(request, (credential) => {
      const outgoing: Outgoing = {
        request,
        url,
        payload,
        tls: this.#tls(credential),
        headers: {
          accept: 'application/json',
          ...this.#headers,
          ...(request.method === 'GET' ? { 'accept-encoding': 'gzip' } : {}),
          ...this.#authorization(credential),
          ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
          ...request.headers,
        },
      };
      return this.#exchange.send(outgoing);
    });
  }

  /** Sends with the current credential, and once more with another one when that is refused. */
  async #authorized<T extends object>(
    request: ApiRequest,
    send: (credential: Credential) => Promise<T>,
  ): Promise<T> {
    if (request.signal?.aborted) throw unsent(request, request.signal.reason);
    const credential = await this.#credential(request);
    request.beforeSend?.();
    let refused: { readonly answer: T } | { readonly error: unknown };
    try {
      const answer = await send(credential);
      if ((answer as Partial<Answer>).statusCode !== 401) return answer;
      refused = { answer };
    } catch (error) {
      if (!isApiError(error, 'Unauthorized')) throw error;
      refused = { error };
    }
    this.#options.credentials?.refused?.(credential);
    const another = await this.#credential(request).catch(() => credential);
    if (sameCredential(another, credential)) {
      if ('error' in refused) throw refused.error;
      return refused.answer;
    }
    // The connection is free again when it has been read.
    if ('answer' in refused) (refused.answer as unknown as Answer).resume();
    request.beforeSend?.();
    return send(another);
  }

  /** @throws CredentialError, the signal's reason */
  async #credential(request: ApiRequest): Promise<Credential> {
    const { token, cert, key, credentials } = this.#options;
    try {
      const bearer = typeof token === 'function' ? await token() : token;
      const given = await credentials?.current(request.signal);
      return {
        ...(bearer ? { token: bearer } : {}),
        ...(cert === undefined || key === undefined ? {} : { cert, key }),
        ...given,
      };
    } catch (error) {
      if (request.signal?.aborted) throw unsent(request, error);
      throw new CredentialError((error as Error).message, { cause: error });
    }
  }

  #tls({ cert, key }: Credential): Outgoing['tls'] {
    const { ca } = this.#options;
    return { ca: typeof ca === 'function' ? ca() : ca, cert, key };
  }

  #authorization({ token }: Credential): Record<string, string> {
    if (token) return { authorization: `Bearer ${token}` };
    const { basic } = this.#options;
    if (!basic) return {};
    const pair = Buffer.from(`${basic.username}:${basic.password}`, 'utf8').toString('base64');
    return { authorization: `Basic ${pair}` };
  }

  #warn(message: Answer): void {
    const { onWarning } = this.#options;
    const header = message.headers.warning;
    if (!onWarning || !header) return;
    for (const [, text = ''] of String(header).matchAll(/\d{3} \S+ "((?:[^"\\]|\\.)*)"/g))
      onWarning(text.replace(/\\(.)/g, '$1'));
  }
}

/** @throws ApiError for an answer that is a refusal */
async function refuse(message: Answer): Promise<void> {
  const status = message.statusCode ?? 0;
  if (status >= 200 && status < 300) return;
  const text = await readText(message).catch(() => '');
  let body: unknown = text;
  try {
    body = JSON.parse(text);
  } catch {
    // Not every answer comes from an API server.
  }
  throw errorOf({ status, headers: flatHeaders(message), body });
}

async function* bytesOf(message: Answer, request: ApiRequest): AsyncIterable<Uint8Array> {
  try {
    for await (const chunk of decoded(message)) yield chunk as Buffer;
  } catch (error) {
    throw lost(request, error);
  } finally {
    message.destroy();
  }
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

function decoded(message: Answer): AsyncIterable<Buffer> & NodeJS.ReadableStream {
  if (message.headers['content-encoding'] !== 'gzip') return message;
  const gunzip = createGunzip();
  message.once('error', (error) => gunzip.destroy(error));
  message.once('aborted', () => gunzip.destroy(new Error('aborted')));
  return message.pipe(gunzip);
}

/** By its events: an iterator over them costs several times as much. @throws Error when the connection broke */
function readText(message: Answer): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const body = decoded(message);
    body.on('data', (chunk: Buffer) => chunks.push(chunk));
    body.once('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
    body.once('error', reject);
    message.once('close', () => {
      if (!message.readableEnded) reject(new Error('aborted'));
    });
  });
}

function isJson(message: Answer): boolean {
  return /\bjson\b/.test(message.headers['content-type'] ?? '');
}

function flatHeaders(message: Answer): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}
