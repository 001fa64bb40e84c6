/** A request as it came over a socket: what costs something is read when it is asked for. */
import type { IncomingMessage } from 'node:http';
import type { UserInfo } from '../../api/index.js';
import type { RequestMethod, ServerRequest } from '../rest/request.js';

/** The request target as it was sent: nothing is resolved, so that both ways in read a path alike. */
export interface Target {
  readonly path: string;
  readonly query: URLSearchParams;
}

/** Nobody changes a query. */
const noQuery = new URLSearchParams();

export function targetOf({ url = '/' }: IncomingMessage): Target {
  const relative = url.startsWith('/') ? url : url.replace(/^https?:\/\/[^/?]*/i, '');
  const mark = relative.indexOf('?');
  return mark < 0
    ? { path: relative, query: noQuery }
    : { path: relative.slice(0, mark), query: new URLSearchParams(relative.slice(mark + 1)) };
}

export class SocketRequest implements ServerRequest {
  readonly method: RequestMethod;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: { readonly bytes: Uint8Array } | undefined;

  constructor(
    private readonly message: IncomingMessage,
    { path, query }: Target,
    readonly user: UserInfo | undefined,
    private readonly life: { readonly signal: AbortSignal },
    bytes?: Uint8Array,
    readonly auditID?: string,
  ) {
    this.method = message.method as RequestMethod;
    this.path = path;
    this.query = query;
    this.body = bytes && bytes.length > 0 ? { bytes } : undefined;
  }

  get headers(): ServerRequest['headers'] {
    // Only of cookies to set Node makes a list, and nobody here asks for those.
    return this.message.headers as ServerRequest['headers'];
  }

  get sourceIP(): string | undefined {
    return this.message.socket.remoteAddress;
  }

  get signal(): AbortSignal {
    return this.life.signal;
  }
}
