/**
 * HTTP/2: many requests and watches over few connections. A server that does not speak it is spoken to over
 * HTTP/1.1, and so are connections without TLS.
 *
 * Guarantees: a session that the server asks to leave (GOAWAY) takes no new requests and ends with its last one;
 * what the server says it has not begun is sent again on another session, once; a session that carries requests
 * and does not answer a ping ends, so that a connection that is gone is noticed under a silent watch; an idle
 * session keeps no process alive.
 */
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import type { ClientRequest } from 'node:http';
import type * as Http2Module from 'node:http2';
import { isIP } from 'node:net';
import { Readable } from 'node:stream';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Clock } from '../../api/index.js';
import {
  type Answer,
  type Exchange,
  lost,
  type Outgoing,
  type Route,
  sameMaterial,
  type TlsMaterial,
  tlsOptions,
  unsent,
} from './exchange.js';
import { openTunnel, portOf } from './proxy-tunnel.js';
import { unlessAborted } from '../unless-aborted.js';

type Http2 = typeof Http2Module;

export interface Http2Options {
  readonly clock: Clock;
  /** Milliseconds between pings of a session in use. Default 30,000. */
  readonly pingEveryMs?: number;
  /** Milliseconds a ping may take. Default 15,000. */
  readonly pingTimeoutMs?: number;
}

/** What may be under way unread, per session: one slow reader must not hold up the others. */
const sessionWindowBytes = 16 * 1024 * 1024;
const streamWindowBytes = 1024 * 1024;

export class Http2Exchange implements Exchange {
  readonly #route: Route;
  readonly #fallback: Exchange;
  readonly #options: Http2Options;
  readonly #sessions = new Set<Session>();
  readonly #tunnels = new Set<ClientRequest>();
  readonly #handshakes = new Set<TLSSocket>();
  #opening: { readonly tls: TlsMaterial; readonly session: Promise<Session | undefined> } | undefined;
  #useFallback: boolean;
  #closed = false;

  constructor(route: Route, fallback: Exchange, options: Http2Options) {
    this.#route = route;
    this.#fallback = fallback;
    this.#options = options;
    this.#useFallback = route.base.protocol !== 'https:';
  }

  async send(outgoing: Outgoing): Promise<Answer> {
    const { request } = outgoing;
    let again = true;
    for (;;) {
      let session: Session | undefined;
      try {
        if (!this.#useFallback) session = await unlessAborted(this.#session(outgoing.tls), request.signal);
      } catch (error) {
        throw unsent(request, error);
      }
      if (!session) return this.#fallback.send(outgoing);
      // Others may have come first while it was waited for.
      if (!session.hasRoom) continue;
      try {
        return await session.send(outgoing);
      } catch (error) {
        if (!(error instanceof Untouched)) throw error;
        if (!again || request.signal?.aborted) throw unsent(request, error);
        again = false;
      }
    }
  }

  close(): void {
    this.#closed = true;
    for (const tunnel of this.#tunnels) tunnel.destroy(new Error('the transport was closed'));
    for (const socket of this.#handshakes) socket.destroy(new Error('the transport was closed'));
    for (const session of this.#sessions) session.destroy(new Error('the transport was closed'));
    this.#fallback.close();
  }

  /** One that has room; undefined when the server does not speak HTTP/2. */
  async #session(tls: TlsMaterial): Promise<Session | undefined> {
    for (let useless = 0; ; ) {
      for (const session of this.#sessions) {
        if (!sameMaterial(session.tls, tls)) session.retire();
        else if (session.hasRoom) return session;
      }
      // Those who come while it is being opened share it, and look again: it may be full by then.
      if (!this.#opening || !sameMaterial(this.#opening.tls, tls)) {
        const session = this.#open(tls);
        const opening = { tls, session };
        this.#opening = opening;
        const opened = (): void => {
          if (this.#opening === opening) this.#opening = undefined;
        };
        session.then(opened, opened);
      }
      const opened = await this.#opening.session;
      if (!opened || opened.hasRoom) return opened;
      // Full of others is one thing, of no use from the beginning another.
      if (opened.isIdle && ++useless > 3) throw new Error('the server takes no HTTP/2 requests now');
    }
  }

  async #open(tls: TlsMaterial): Promise<Session | undefined> {
    const http2 = await import('node:http2');
    const socket = await this.#connect(tls);
    if (this.#closed) {
      socket.destroy();
      throw new Error('the transport was closed');
    }
    if (socket.alpnProtocol !== 'h2') {
      socket.destroy();
      this.#useFallback = true;
      return undefined;
    }
    const raw = http2.connect(this.#route.base.origin, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: streamWindowBytes },
    });
    const session = new Session(http2, raw, tls, this.#options);
    this.#sessions.add(session);
    raw.once('close', () => this.#sessions.delete(session));
    await session.ready;
    return session;
  }

  async #connect(tls: TlsMaterial): Promise<TLSSocket> {
    const { base, proxy } = this.#route;
    const host = base.hostname.replace(/^\[|\]$/g, '');
    const tunnel = proxy ? await openTunnel(proxy, base, this.#tunnels) : undefined;
    const socket = connectTls({
      ...(tunnel ? { socket: tunnel } : { host, port: portOf(base) }),
      ...(isIP(host) === 0 ? { servername: host } : {}),
      // Without SNI the name that the certificate is checked against must be said all the same.
      host,
      ...tlsOptions(this.#route, tls),
      ALPNProtocols: ['h2', 'http/1.1'],
    });
    this.#handshakes.add(socket);
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('secureConnect', resolve);
        socket.once('error', reject);
        socket.once('close', () => reject(new Error('the connection was closed during the TLS handshake')));
      });
      return socket;
    } finally {
      this.#handshakes.delete(socket);
    }
  }
}

/** The server did not begin with it: it may be sent again, whatever it was. */
class Untouched extends Error {}

class Session {
  readonly ready: Promise<void>;
  readonly tls: TlsMaterial;
  readonly #http2: Http2;
  readonly #raw: ClientHttp2Session;
  readonly #options: Http2Options;
  #streams = 0;
  #retired = false;
  #stopPings: () => void = () => {};
  #failure: Error | undefined;

  constructor(http2: Http2, raw: ClientHttp2Session, tls: TlsMaterial, options: Http2Options) {
    this.#http2 = http2;
    this.#raw = raw;
    this.tls = tls;
    this.#options = options;
    this.ready = new Promise((resolve, reject) => {
      raw.once('remoteSettings', () => resolve());
      raw.once('close', () => reject(this.#failure ?? new Error('the server closed the HTTP/2 session')));
    });
    // Who waits for it hears of it; afterwards nobody does.
    this.ready.catch(() => {});
    raw.once('connect', () => raw.setLocalWindowSize(sessionWindowBytes));
    raw.on('goaway', () => {
      this.#retired = true;
    });
    raw.on('error', (error: Error) => {
      this.#failure = error;
    });
    raw.once('close', () => {
      this.#retired = true;
      this.#stopPings();
    });
    raw.unref();
  }

  get hasRoom(): boolean {
    return (
      !this.#retired &&
      !this.#raw.closed &&
      this.#streams < (this.#raw.remoteSettings.maxConcurrentStreams ?? 100)
    );
  }

  get isIdle(): boolean {
    return this.#streams === 0;
  }

  /** Takes no new requests, and ends with the last one. */
  retire(): void {
    if (this.#retired) return;
    this.#retired = true;
    this.#raw.close();
  }

  destroy(error: Error): void {
    this.#failure ??= error;
    this.#raw.destroy();
  }

  /** @throws Untouched, TransportError, OutcomeUnknown, the signal's reason */
  send({ request, url, headers, payload }: Outgoing): Promise<Answer> {
    const { constants } = this.#http2;
    const { signal } = request;
    return new Promise((resolve, reject) => {
      let stream: ClientHttp2Stream;
      try {
        stream = this.#raw.request(
          {
            ':method': request.method,
            ':path': url.pathname + url.search,
            ':authority': url.host,
            ...headers,
            ...(payload === undefined ? {} : { 'content-length': String(payload.length) }),
          },
          { endStream: payload === undefined },
        );
      } catch (error) {
        reject(new Untouched((error as Error).message, { cause: error }));
        return;
      }
      this.#begin();
      let answer: Http2Answer | undefined;
      let failure: Error | undefined;
      const onAbort = (): void => {
        if (answer) answer.destroy(signal?.reason);
        else stream.close(constants.NGHTTP2_CANCEL);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      stream.once('response', (head: IncomingHttpHeaders) => {
        answer = new Http2Answer(stream, head, constants.NGHTTP2_CANCEL, () => this.#failure);
        resolve(answer);
      });
      stream.on('error', (error: Error) => {
        failure = error;
      });
      stream.once('close', () => {
        signal?.removeEventListener('abort', onAbort);
        this.#end();
        if (answer) return;
        const cause = this.#failure ?? failure ?? new Error('the HTTP/2 stream ended without an answer');
        const untouched = stream.rstCode === constants.NGHTTP2_REFUSED_STREAM && !signal?.aborted;
        reject(untouched ? new Untouched(cause.message, { cause }) : lost(request, cause));
      });
      if (payload !== undefined) stream.end(payload);
    });
  }

  #begin(): void {
    this.#streams++;
    if (this.#streams > 1) return;
    this.#raw.ref();
    this.#schedulePing();
  }

  #end(): void {
    this.#streams--;
    if (this.#streams > 0) return;
    this.#stopPings();
    if (!this.#raw.destroyed) this.#raw.unref();
  }

  #schedulePing(): void {
    const { clock, pingEveryMs = 30_000, pingTimeoutMs = 15_000 } = this.#options;
    this.#stopPings = clock.setTimer(pingEveryMs, () => {
      if (this.#raw.destroyed) return;
      let current = true;
      const cancel = clock.setTimer(pingTimeoutMs, () =>
        this.destroy(new Error('the server did not answer an HTTP/2 ping')),
      );
      this.#stopPings = () => {
        current = false;
        cancel();
      };
      this.#raw.ping(() => {
        cancel();
        if (current && this.#streams > 0) this.#schedulePing();
      });
    });
  }
}

/** An HTTP/2 answer as the transport reads answers: it fails when the stream ends before its time. */
class Http2Answer extends Readable implements Answer {
  readonly statusCode: number;
  readonly headers: IncomingHttpHeaders;
  readonly #stream: ClientHttp2Stream;
  readonly #cancel: number;

  constructor(
    stream: ClientHttp2Stream,
    head: IncomingHttpHeaders,
    cancel: number,
    sessionFailure: () => Error | undefined,
  ) {
    super();
    const { ':status': status, ...headers } = head;
    this.statusCode = Number(status);
    this.headers = headers;
    this.#stream = stream;
    this.#cancel = cancel;
    // Who reads it later still hears of it; who never reads it must not be surprised.
    this.on('error', () => {});
    let ended = false;
    stream.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) stream.pause();
    });
    stream.once('end', () => {
      ended = true;
    });
    stream.once('close', () => {
      // A session that we end ourselves ends its streams as if they were complete.
      if (ended && stream.rstCode === 0 && !sessionFailure()) this.push(null);
      else this.destroy(sessionFailure() ?? new Error('the HTTP/2 stream was cut off'));
    });
  }

  override _read(): void {
    this.#stream.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#stream.closed) this.#stream.close(this.#cancel);
    this.#stream.resume();
    done(error);
  }
}
