/** What the server answers, however it is carried: documents, watches, bytes, and streams that go on over a connection. */
import type { Status, WatchEvent } from '../api/index.js';
import type { ExecRequest, PortForwardRequest } from './rest/pod-streams.js';
import type { ProxyRequest } from './rest/proxy.js';

export type ServerResponse =
  | {
      readonly code: number;
      readonly headers: Readonly<Record<string, string>>;
      /** A JSON value; a text or bytes that are sent as they are. */
      readonly body: object | string;
    }
  | {
      readonly code: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly watch: AsyncIterable<readonly WatchEvent[]>;
    }
  | {
      readonly code: number;
      readonly headers: Readonly<Record<string, string>>;
      /** Bytes as they come: a log. */
      readonly stream: AsyncIterable<Uint8Array>;
    };

/** A stream that may go on over the client's connection. */
export type StreamGranted = (
  | { readonly exec: ExecRequest }
  | { readonly portForward: PortForwardRequest }
  | { readonly proxy: ProxyRequest }
) & {
  /** To be called when it is over, with the code it was answered with, where somebody wants to know. */
  readonly ended?: (code: number) => void;
};

export function isStream(answer: StreamGranted | ServerResponse): answer is StreamGranted {
  return !('code' in answer);
}

export function statusResponse(status: Status): ServerResponse {
  const retry = status.details?.retryAfterSeconds;
  return {
    code: status.code ?? 500,
    headers: retry === undefined ? {} : { 'retry-after': String(retry) },
    body: status,
  };
}

/** The response, with `over` called when all of it was read, or nobody reads on; at once for one that is there as a whole. */
export function whenOver(response: ServerResponse, over: () => void): ServerResponse {
  if ('watch' in response) return { ...response, watch: followed(response.watch, over) };
  if ('stream' in response) return { ...response, stream: followed(response.stream, over) };
  over();
  return response;
}

/** However the reading ends: the last item, a failure, or a reader who leaves. */
async function* followed<T>(source: AsyncIterable<T>, over: () => void): AsyncGenerator<T> {
  try {
    yield* source;
  } finally {
    over();
  }
}
