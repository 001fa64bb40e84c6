/** WebSockets of the API server: agreeing on a subprotocol, and the two shapes they are used in. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import type { ExecSocket } from '../exec-socket.js';

/** Of one message: clients send what they read in pieces of 32 KiB. */
const maxMessageBytes = 4 * 1024 * 1024;
/** More than this waits for a client that does not read. */
const maxBufferedBytes = 1024 * 1024;

/** The subprotocols a client offers, the best first; undefined when it wants no WebSocket. */
export function offeredProtocols(request: IncomingMessage): readonly string[] | undefined {
  if (request.headers.upgrade?.toLowerCase() !== 'websocket') return undefined;
  return (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
}

/** Agrees on the protocol. Never settles when the client leaves before it is there: the socket is closed then. */
export async function acceptWebSocket(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  protocol: string,
): Promise<WebSocket> {
  const { WebSocketServer } = await import('ws');
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: () => protocol,
    maxPayload: maxMessageBytes,
  });
  return await new Promise((resolve) => {
    sockets.handleUpgrade(request, socket, head, resolve);
  });
}

/** A WebSocket as a connection of messages. */
export function messagesOf(socket: WebSocket): ExecSocket {
  return {
    protocol: socket.protocol,
    send: (message) => {
      if (socket.readyState !== socket.OPEN) return undefined;
      const options = { binary: typeof message !== 'string' };
      if (socket.bufferedAmount < maxBufferedBytes) {
        socket.send(message, options);
        return undefined;
      }
      return new Promise((resolve) => {
        socket.send(message, options, () => resolve());
      });
    },
    onMessage: (listener) => {
      socket.on('message', (data: Buffer) => {
        const busy = listener(data);
        if (!busy) return;
        socket.pause();
        void busy.finally(() => socket.resume());
      });
    },
    onGone: (listener) => {
      socket.once('close', listener);
      socket.once('error', listener);
    },
    close: async (code) => {
      const closed = new Promise<void>((resolve) => {
        if (socket.readyState === socket.CLOSED) resolve();
        else socket.once('close', () => resolve());
      });
      socket.close(code);
      await closed;
    },
  };
}

/** The bytes of its messages, as one stream. */
export async function bytesOf(socket: WebSocket): Promise<Duplex> {
  const { createWebSocketStream } = await import('ws');
  return createWebSocketStream(socket);
}
