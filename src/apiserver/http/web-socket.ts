/** WebSockets of the API server: agreeing on a subprotocol, and the two shapes they are used in. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { badRequest } from '../../api/index.js';
import type { ExecSocket } from '../exec-socket.js';

/** Of one message: clients send what they read in pieces of 32 KiB. */
const maxMessageBytes = 4 * 1024 * 1024;
/** More than this waits for a client that does not read. */
const maxBufferedBytes = 1024 * 1024;

/** A browser sends no headers of its own: its token comes as a subprotocol, in base64url, beside the one it speaks. */
const tokenPrefix = 'base64url.bearer.authorization.k8s.io.';

/** The subprotocols a client offers, the best first; undefined when it wants no WebSocket. */
export function offeredProtocols(request: IncomingMessage): readonly string[] | undefined {
  if (request.headers.upgrade?.toLowerCase() !== 'websocket') return undefined;
  return protocolsOf(request).filter((name) => !name.startsWith(tokenPrefix));
}

/** The bearer token among the subprotocols; empty when it is none. Undefined where there is none. */
export function tokenProtocol(request: IncomingMessage): string | undefined {
  const protocols = protocolsOf(request);
  const found = protocols.find((name) => name.startsWith(tokenPrefix));
  if (found === undefined) return undefined;
  // It may not be all a client offers: then the server would have to answer with it.
  return protocols.length > 1
    ? Buffer.from(found.slice(tokenPrefix.length), 'base64url').toString('utf8')
    : '';
}

function protocolsOf({ headers }: IncomingMessage): readonly string[] {
  const offered = headers['sec-websocket-protocol'];
  return offered === undefined ? [] : offered.split(',').map((name) => name.trim());
}

/** Agrees on the protocol. @throws ApiError BadRequest for a handshake that is none, Error when the client leaves before */
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
  return await new Promise((resolve, reject) => {
    const gone = (): void => reject(new Error('the client left before the WebSocket was there'));
    if (socket.destroyed) return gone();
    socket.once('close', gone);
    // Told rather than answered: the library would answer with a page.
    sockets.once('wsClientError', ({ message }) => reject(badRequest(`unable to upgrade: ${message}`)));
    sockets.handleUpgrade(request, socket, head, (accepted) => {
      // Frames that are none end the connection, whoever looks after it; unheard, the error would end the process.
      accepted.on('error', () => {});
      resolve(accepted);
    });
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
