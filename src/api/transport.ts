/**
 * The seam between a client and an API server. `client` implements it over HTTPS, `apiserver` in
 * process; neither knows the other. The in-process one skips socket, TLS and codec, and nothing else:
 * the same authorization, admission and validation run, with the UserInfo the transport was made for.
 */
import type { Status } from './status.js';

/** Who is asking. */
export interface UserInfo {
  readonly username: string;
  readonly uid?: string;
  readonly groups?: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

export type HttpMethod = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface ApiRequest {
  readonly method: HttpMethod;
  /** Absolute and percent-encoded, without the query: `/api/v1/namespaces/default/pods`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Lower-case names. `content-type` defaults to `application/json` when there is a body. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * A JSON value that the transport owns from now on (`copyJson` makes one), or raw bytes that the
   * server decodes by content type.
   */
  readonly body?: unknown;
  readonly signal?: AbortSignal;
  /** `false`: the caller has a back-off of its own, so one failure is one attempt. Default: as the transport does. */
  readonly retry?: false;
  /**
   * Called right before each attempt is sent, when credentials are at hand and waiting is over; a throw refuses it.
   * A transport that sends at once need not call it: the caller has asked itself already.
   */
  readonly beforeSend?: () => void;
  /** Reads the objects of a list or watch; ignored where nothing is encoded. Default: plain JSON. */
  readonly decoder?: ObjectDecoder;
}

/**
 * Turns the bytes of one JSON object into that object, for somebody who keeps many alike: it may share equal
 * parts between them (those are frozen) and leave out what the keeper does not want.
 */
export interface ObjectDecoder {
  /** @throws SyntaxError for what is no JSON */
  decode(bytes: Uint8Array): unknown;
}

export interface ApiResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** The decoded JSON value (shared: never mutate it), or text when the answer is not JSON. */
  readonly body: unknown;
}

/** One event of a watch. `object` is shared: never mutate it. */
export type WatchEvent<T = unknown> =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; readonly object: T }
  | { readonly type: 'ERROR'; readonly object: Status };

export interface WatchResponse<T = unknown> {
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Batches of events as they arrive. Ends when the server ends the watch; throws TransportError when
   * the connection breaks or a line cannot be decoded. Leaving the loop closes the watch.
   */
  readonly events: AsyncIterable<readonly WatchEvent<T>[]>;
}

/** An answer that is read as it comes: a log. */
export interface ByteResponse {
  readonly headers: Readonly<Record<string, string>>;
  /** Throws TransportError when the connection breaks. Leaving the loop closes it. One reader. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

/** A connection that carries messages both ways: a WebSocket, or what stands for one in process. */
export interface MessageConnection {
  /** Which of the offered subprotocols was agreed on. */
  readonly protocol: string;
  /**
   * Ends when the other side has ended; throws TransportError or OutcomeUnknown when the connection breaks.
   * Leaving the loop closes it. One reader.
   */
  readonly messages: AsyncIterable<Uint8Array>;
  /** Resolves when the message is on its way. @throws TransportError when nobody is there any more */
  send(message: Uint8Array): Promise<void>;
  /** Ends both directions; harmless when repeated. */
  close(): void;
}

export interface Transport {
  /**
   * Sends one request. Resolves for every answer, whatever its code.
   * @throws TransportError when no answer came and the request had no effect
   * @throws OutcomeUnknown when a write was sent and no answer came
   */
  request(request: ApiRequest): Promise<ApiResponse>;
  /**
   * Opens a watch (`watch=true` is in the query already).
   * @throws ApiError when the server refuses it, TransportError when it cannot be reached
   */
  watch<T = unknown>(request: ApiRequest): Promise<WatchResponse<T>>;
  /**
   * Sends a read whose answer is text or bytes of any length. Absent where a transport cannot.
   * @throws ApiError when the server refuses it, TransportError when it cannot be reached
   */
  open?(request: ApiRequest): Promise<ByteResponse>;
  /**
   * Opens a connection of messages under the first of `protocols` that the server knows (the best comes first).
   * Absent where a transport cannot.
   * @throws ApiError when the server refuses it, TransportError when it cannot be reached
   */
  connect?(request: ApiRequest, protocols: readonly string[]): Promise<MessageConnection>;
  /** Ends idle connections; requests under way fail. */
  close(): void;
}
