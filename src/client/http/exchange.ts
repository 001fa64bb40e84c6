/**
 * One request and its answer over some version of HTTP: what the transport is made on.
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { type ApiRequest, OutcomeUnknown, TransportError } from '../../api/index.js';
import { isRequestTimeout } from '../request-timeout.js';

/** The head of an answer, and its body as a stream; `IncomingMessage` is one. */
export interface Answer extends Readable {
  readonly statusCode?: number | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** PEM: whom to trust, and what to show. */
export interface TlsMaterial {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

export interface Outgoing {
  /** As the caller gave it, for messages and its signal. */
  readonly request: ApiRequest;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly payload: Buffer | undefined;
  readonly tls: TlsMaterial;
}

export interface Exchange {
  /**
   * Resolves when the head of the answer is there.
   * @throws TransportError, OutcomeUnknown, the signal's reason
   */
  send(outgoing: Outgoing): Promise<Answer>;
  /** Ends all connections. */
  close(): void;
}

/** How the server is reached, for all requests alike. */
export interface Route {
  readonly base: URL;
  /** The name the server's certificate is checked against, when it is not the host's. */
  readonly servername?: string | undefined;
  readonly insecure: boolean;
  readonly proxy?: URL | undefined;
}

export function sameMaterial(a: TlsMaterial, b: TlsMaterial): boolean {
  return a.ca === b.ca && a.cert === b.cert && a.key === b.key;
}

/** The options of a TLS connection on this route. */
export function tlsOptions(
  { servername, insecure }: Route,
  { ca, cert, key }: TlsMaterial,
): { ca?: string; cert?: string; key?: string; servername?: string; rejectUnauthorized: boolean } {
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(servername === undefined ? {} : { servername }),
    rejectUnauthorized: !insecure,
  };
}

/** Nothing went out. The caller's own abort is its reason. */
export function unsent(request: ApiRequest, error: unknown): unknown {
  const { signal, method, path } = request;
  if (signal?.aborted && !isRequestTimeout(signal.reason)) return signal.reason;
  const cause = signal?.aborted ? signal.reason : error;
  return new TransportError(`${method} ${path}: ${messageOf(cause)}`, { cause });
}

/** After a request went out: a read had no effect, a write may have had one. The caller's own abort is its reason. */
export function lost(request: ApiRequest, error: unknown): unknown {
  const { signal, method, path } = request;
  if (signal?.aborted && !isRequestTimeout(signal.reason)) return signal.reason;
  const cause = signal?.aborted ? signal.reason : error;
  const what = `${method} ${path}: ${messageOf(cause)}`;
  return method === 'GET' ? new TransportError(what, { cause }) : new OutcomeUnknown(what, { cause });
}

/** An AggregateError of several addresses that were tried says nothing itself. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '')
    return error.errors.map((one) => (one as Error).message).join('; ');
  return error instanceof Error ? error.message : String(error);
}
