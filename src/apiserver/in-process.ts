/** The transport that skips socket, TLS and codec, and nothing else. */
import {
  extended,
  ApiError,
  type ApiRequest,
  badRequest,
  type ApiResponse,
  type ByteResponse,
  type MessageConnection,
  type Status,
  type Transport,
  TransportError,
  type UserInfo,
  type WatchEvent,
  type WatchResponse,
} from '../api/index.js';
import { connectedPair } from './exec-socket.js';
import { execProtocols, serveExec } from './http/exec-channels.js';
import type { ServerRequest } from './rest/request.js';
import { isStream, type ServerResponse } from './response.js';
import type { ApiServer } from './server.js';
import { portForwardChannels, requirePorts, servePortChannels } from './streams/port-forward.js';

function toServerRequest(request: ApiRequest, user: UserInfo): ServerRequest {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(request.query ?? {})) {
    for (const one of Array.isArray(value) ? (value as readonly string[]) : [value as string | undefined]) {
      if (one !== undefined) query.append(name, one);
    }
  }
  const { body } = request;
  return {
    method: request.method,
    path: request.path,
    query,
    headers: { 'user-agent': 'gyre', ...request.headers },
    user,
    ...(request.signal ? { signal: request.signal } : {}),
    ...(body === undefined
      ? {}
      : body instanceof Uint8Array
        ? { body: { bytes: body } }
        : typeof body === 'string'
          ? { body: { bytes: new TextEncoder().encode(body) } }
          : { body: { value: body } }),
  };
}

/** A transport into `server` as `user`. */
export function inProcessTransport(server: ApiServer, user: UserInfo): Transport {
  const stop = new AbortController();
  const send = (request: ApiRequest, signal: AbortSignal | undefined): Promise<ServerResponse> => {
    if (stop.signal.aborted) throw new TransportError('the transport is closed');
    request.signal?.throwIfAborted();
    return server.handle(toServerRequest(signal ? extended(request, { signal }) : request, user));
  };
  return {
    async request(request): Promise<ApiResponse> {
      const response = await send(request, request.signal);
      if ('watch' in response) throw new TypeError('use watch() for a request with watch=true');
      const body = decoded(
        'stream' in response ? { ...response, body: await collected(response.stream) } : response,
      );
      return { status: response.code, headers: response.headers, body };
    },
    async watch<T>(request: ApiRequest): Promise<WatchResponse<T>> {
      const signal = request.signal ? AbortSignal.any([request.signal, stop.signal]) : stop.signal;
      const response = await send(request, signal);
      if (!('watch' in response)) {
        if ('stream' in response) return await streamedWatch(response);
        throw new ApiError(response.body as Status);
      }
      return { headers: response.headers, events: response.watch as WatchResponse<T>['events'] };
    },
    async open(request: ApiRequest): Promise<ByteResponse> {
      const signal = request.signal ? AbortSignal.any([request.signal, stop.signal]) : stop.signal;
      const response = await send(request, signal);
      if (response.code >= 400 && 'body' in response) throw new ApiError(response.body as Status);
      if (!('stream' in response)) throw new TypeError('this request is not answered with a stream');
      return { headers: response.headers, bytes: untilAborted(response.stream, signal) };
    },
    async connect(request: ApiRequest, protocols: readonly string[]): Promise<MessageConnection> {
      if (stop.signal.aborted) throw new TransportError('the transport is closed');
      request.signal?.throwIfAborted();
      const granted = await server.handleUpgrade(toServerRequest(request, user));
      if (!isStream(granted)) {
        if ('body' in granted) throw new ApiError(granted.body as Status);
        throw new TypeError('this request does not open a connection of messages');
      }
      request.signal?.throwIfAborted();
      if ('proxy' in granted) throw badRequest('what is proxied is reached over HTTPS alone');
      const known: readonly string[] = 'exec' in granted ? execProtocols : portForwardChannels;
      const protocol = protocols.find((name) => known.includes(name));
      if (protocol === undefined) throw badRequest(`none of ${protocols.join(', ')} is known here`);
      if ('portForward' in granted) requirePorts(granted.portForward);
      const { client, server: end } = connectedPair(protocol, request.signal);
      const serving =
        'exec' in granted
          ? serveExec(end, granted.exec, stop.signal)
          : servePortChannels(end, granted.portForward, stop.signal);
      void serving.finally(() => granted.ended?.(101));
      return client;
    },
    close: () => stop.abort(new TransportError('the transport was closed')),
  };
}

/** A watch of somebody else's API: its events are lines. @throws ApiError */
async function streamedWatch<T>({
  code,
  headers,
  stream,
}: Extract<ServerResponse, { stream: unknown }>): Promise<WatchResponse<T>> {
  if (code < 300) return { headers, events: eventLines(stream) as WatchResponse<T>['events'] };
  const body = decoded({ code, headers, body: await collected(stream) });
  throw typeof body === 'object' && body !== null
    ? new ApiError(body as Status)
    : new TransportError(`a watch was answered with ${code}`);
}

async function* eventLines(stream: AsyncIterable<Uint8Array>): AsyncGenerator<readonly WatchEvent[]> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    const events = lines.filter((line) => line.trim() !== '').map((line) => JSON.parse(line) as WatchEvent);
    if (events.length > 0) yield events;
  }
}

/** Documents are kept as the text that goes over the wire. */
function decoded({ headers, body }: Extract<ServerResponse, { body: unknown }>): unknown {
  // As over HTTP: what is no JSON is read as text.
  if (body instanceof Uint8Array) return new TextDecoder().decode(body);
  const isJson = headers['content-type']?.startsWith('application/json') ?? false;
  return typeof body === 'string' && body !== '' && isJson ? JSON.parse(body) : body;
}

async function collected(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of stream) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}

/** What ends because the reader aborted it has not ended by itself. */
async function* untilAborted(
  stream: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of stream) {
    signal.throwIfAborted();
    yield chunk;
  }
  signal.throwIfAborted();
}
