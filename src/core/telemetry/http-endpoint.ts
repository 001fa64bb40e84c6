/**
 * A small HTTP server for probes and scrapes: answers GET and HEAD, nothing else.
 *
 * Guarantees: `start` resolves when the port is open and rejects, naming it, when it cannot be had; `stop` leaves no
 * connection behind. Node's server is loaded when it is started.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Logger } from '../../telemetry/index.js';

export interface EndpointOptions {
  /** 0: any that is free. */
  readonly port: number;
  /** The address to listen on. Default: all. */
  readonly host?: string;
  /** Serves HTTPS; PEM. Default: HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export interface EndpointRequest {
  readonly method: 'GET' | 'HEAD';
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
}

export interface EndpointAnswer {
  readonly status: number;
  readonly body: string;
  /** Default `text/plain; charset=utf-8`. */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export class HttpEndpoint {
  readonly #name: string;
  readonly #options: EndpointOptions;
  readonly #answer: (request: EndpointRequest) => EndpointAnswer | Promise<EndpointAnswer>;
  readonly #log: Logger;
  #server: Server | undefined;

  constructor(
    /** For logs and errors. */
    name: string,
    options: EndpointOptions,
    answer: (request: EndpointRequest) => EndpointAnswer | Promise<EndpointAnswer>,
    log: Logger,
  ) {
    this.#name = name;
    this.#options = options;
    this.#answer = answer;
    this.#log = log;
  }

  /** The port it listens on; undefined while it does not. */
  get port(): number | undefined {
    return (this.#server?.address() as AddressInfo | null | undefined)?.port;
  }

  async start(): Promise<void> {
    const { port, host, tls } = this.#options;
    const listener = (message: IncomingMessage, response: ServerResponse): void =>
      void this.#serve(message, response);
    const server = tls
      ? (await import('node:https')).createServer({ cert: tls.cert, key: tls.key }, listener)
      : (await import('node:http')).createServer(listener);
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) =>
        reject(
          new Error(`${this.#name} cannot listen on ${host ?? ''}:${port}: ${error.message}`, {
            cause: error,
          }),
        ),
      );
      server.listen({ port, ...(host === undefined ? {} : { host }) }, resolve);
    });
    server.on('error', (error) => this.#log.error('server failed', { server: this.#name, error }));
    this.#server = server;
    this.#log.info('serving', { server: this.#name, port: this.port });
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    const closed = new Promise<void>((resolve) => {
      server.close(() => resolve());
    });
    server.closeAllConnections();
    await closed;
  }

  async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '/' } = message;
    let answer: EndpointAnswer;
    if (method !== 'GET' && method !== 'HEAD') {
      answer = { status: 405, body: 'method not allowed\n', headers: { allow: 'GET, HEAD' } };
    } else {
      try {
        const { pathname: path, searchParams: query } = new URL(url, 'http://localhost');
        answer = await this.#answer({ method, path, query, headers: headersOf(message) });
      } catch (error) {
        this.#log.error('request failed', { server: this.#name, error });
        answer = { status: 500, body: 'internal error\n' };
      }
    }
    const { status, body, contentType = 'text/plain; charset=utf-8', headers = {} } = answer;
    response.writeHead(status, {
      'content-type': contentType,
      'content-length': Buffer.byteLength(body),
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-cache, private',
      ...headers,
    });
    response.end(method === 'HEAD' ? '' : body);
  }
}

function headersOf({ headers }: IncomingMessage): EndpointRequest['headers'] {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );
}
