/**
 * A WebSocket as the connection of exec, attach and port-forward: messages both ways, each side as fast as the other
 * reads. `ws` is loaded when the first one is opened.
 */
import type http from 'node:http';
import type { IncomingMessage } from 'node:http';
import type { WebSocket } from 'ws';
import { type ApiRequest, type MessageConnection, TransportError } from '../../api/index.js';
import { errorOf } from '../errors.js';
import { ByteQueue } from '../streams/byte-queue.js';
import { lost, unsent } from './exchange.js';

/** What may lie unread before the other side has to wait. */
const maxUnreadBytes = 1024 * 1024;
/** Of one message; servers send what they read in pieces of at most 32 KiB. */
const maxMessageBytes = 16 * 1024 * 1024;

export interface ChannelTarget {
  readonly request: ApiRequest;
  readonly url: URL;
  readonly protocols: readonly string[];
  readonly agent: http.Agent;
  readonly headers: Readonly<Record<string, string | string[]>>;
  readonly servername: string | undefined;
}

/** @throws ApiError when the server refuses, TransportError when it cannot be reached, the signal's reason */
export async function openChannel(target: ChannelTarget): Promise<MessageConnection> {
  const { request, protocols, agent, headers, servername } = target;
  const { WebSocket: Socket } = await import('ws');
  request.signal?.throwIfAborted();
  const url = new URL(target.url);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const socket = new Socket(url, [...protocols], {
    agent,
    headers: headers as Record<string, string>,
    ...(servername === undefined ? {} : { servername }),
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
  });
  const { signal } = request;
  const onAbort = (): void => socket.terminate();
  signal?.addEventListener('abort', onAbort, { once: true });
  socket.once('close', () => signal?.removeEventListener('abort', onAbort));
  // Told twice when it breaks; the first one is heard below, and nobody must be surprised by the second.
  socket.on('error', () => {});
  return new Promise((resolve, reject) => {
    const connection = new SocketConnection(socket, request);
    socket.once('open', () => resolve(connection));
    socket.once('unexpected-response', (_, response: IncomingMessage) => {
      refusalOf(response).then(
        (error) => {
          socket.terminate();
          reject(signal?.aborted ? unsent(request, signal.reason) : error);
        },
        (error: unknown) => reject(unsent(request, error)),
      );
    });
    socket.once('error', (error) => reject(unsent(request, error)));
  });
}

async function refusalOf(response: IncomingMessage): Promise<Error> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  let body: unknown = text;
  try {
    body = JSON.parse(text);
  } catch {
    // Not every answer comes from an API server.
  }
  const status = response.statusCode ?? 0;
  // An answer that is no refusal comes from what knows nothing of WebSockets.
  if (status < 400) return new TransportError(`the server answered ${status} instead of opening a WebSocket`);
  const retryAfter = response.headers['retry-after'];
  return errorOf({ status, headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter }, body });
}

class SocketConnection implements MessageConnection {
  readonly messages: AsyncIterable<Uint8Array>;
  readonly #socket: WebSocket;
  readonly #request: ApiRequest;
  readonly #unread = new ByteQueue(maxUnreadBytes, { waitsForReader: true });

  constructor(socket: WebSocket, request: ApiRequest) {
    this.#socket = socket;
    this.#request = request;
    socket.on('message', (data: Buffer) => {
      const room = this.#unread.push(data);
      if (!room) return;
      socket.pause();
      void room.then(() => socket.resume());
    });
    socket.once('error', (error) => this.#unread.end({ error: lost(request, error) }));
    socket.once('close', (code: number, reason: Buffer) => {
      // 1006: the connection broke; others are what the other side said.
      const why = reason.length > 0 ? `: ${reason.toString('utf8')}` : '';
      const clean = code === 1000 || code === 1005;
      this.#unread.end(
        clean ? {} : { error: lost(request, new Error(`the connection was closed (${code})${why}`)) },
      );
    });
    this.messages = this.#read();
  }

  get protocol(): string {
    return this.#socket.protocol;
  }

  send(message: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.send(message, { binary: true }, (error) =>
        error ? reject(lost(this.#request, error)) : resolve(),
      );
    });
  }

  close(): void {
    // A reader that is paused would never see the answer to it.
    this.#socket.resume();
    this.#socket.close(1000);
  }

  async *#read(): AsyncIterable<Uint8Array> {
    try {
      yield* this.#unread;
    } finally {
      this.close();
    }
  }
}
