/**
 * Port-forward (API-14): connections to ports of a pod, over SPDY streams (kubectl: one connection per pair of streams
 * that share a `requestID`) or over channels of messages (one connection per port in the query).
 */
import type { Duplex } from 'node:stream';
import { badRequest, type PortConnection } from '../../api/index.js';
import type { ExecSocket } from '../exec-socket.js';
import { type PortForwardRequest, portNumber } from '../rest/pod-streams.js';
import { bytePipe } from './pipe.js';
import { SpdyConnection, type SpdyStream } from './spdy-connection.js';
import { writeTo } from './write-to.js';

/** What a client names in `X-Stream-Protocol-Version`, and after `SPDY/3.1+` as a WebSocket subprotocol. */
export const portForwardProtocol = 'portforward.k8s.io';

/** A WebSocket whose messages are the bytes of a SPDY connection. */
export const portForwardTunnel = `SPDY/3.1+${portForwardProtocol}`;

/** Messages whose first byte is a channel. */
export const portForwardChannels = ['v4.channel.k8s.io', 'v4.base64.channel.k8s.io'] as const;

/** Serves connections until the client is gone. @throws SpdyError when it breaks the protocol */
export async function servePortForward(
  transport: Duplex,
  request: PortForwardRequest,
  stopping: AbortSignal,
): Promise<void> {
  const gone = new AbortController();
  const waiting = new Map<string, SpdyStream>();
  const connection = new SpdyConnection(transport, (stream) => {
    const type = stream.headers.get('streamtype');
    const port = portNumber(stream.headers.get('port') ?? '');
    if ((type !== 'data' && type !== 'error') || port === undefined) {
      stream.destroy();
      return;
    }
    // Clients without request ids open the error stream first, and the data stream right after it.
    const id = stream.headers.get('requestid') ?? String(type === 'error' ? stream.id : stream.id - 2);
    const other = waiting.get(id);
    if (!other) {
      waiting.set(id, stream);
      stream.once('close', () => {
        if (waiting.get(id) === stream) waiting.delete(id);
      });
    } else if (other.headers.get('streamtype') === type || other.headers.get('port') !== String(port)) {
      stream.destroy();
    } else {
      waiting.delete(id);
      const [data, error] = type === 'data' ? [stream, other] : [other, stream];
      void forward(data, error, request, port, gone.signal);
    }
  });
  const onStop = (): void => void connection.close();
  stopping.addEventListener('abort', onStop, { once: true });
  if (stopping.aborted) onStop();
  try {
    await connection.run();
  } finally {
    stopping.removeEventListener('abort', onStop);
    gone.abort();
  }
}

async function forward(
  data: SpdyStream,
  error: SpdyStream,
  request: PortForwardRequest,
  port: number,
  gone: AbortSignal,
): Promise<void> {
  // The client says nothing on it but that it is done.
  error.resume();
  let connection: PortConnection | undefined;
  try {
    connection = await request.connector.dial(request.target, port, gone);
    const dialed = connection;
    void sendAll(data.iterator({ destroyOnReturn: false }), dialed);
    for await (const chunk of dialed.received) {
      if (!(await writeTo(data, chunk))) {
        dialed.destroy();
        break;
      }
    }
    data.end();
  } catch (cause) {
    connection?.destroy();
    error.write(failure(request, port, cause));
    data.end();
  }
  error.end();
}

async function sendAll(from: AsyncIterable<Uint8Array>, to: PortConnection): Promise<void> {
  try {
    for await (const chunk of from) await to.write(chunk);
    to.end();
  } catch {
    // One of both is gone; with it goes the other.
    to.destroy();
  }
}

function failure({ target }: PortForwardRequest, port: number, cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return `error forwarding port ${port} to pod ${target.pod}, uid ${target.podUid}: ${message}`;
}

/**
 * The ports of the query, each with a channel for data (2n) and one for what went wrong (2n + 1); the first message of
 * each channel is the port, low byte first. Resolves when all connections have ended and the socket is closed.
 */
export async function servePortChannels(
  socket: ExecSocket,
  request: PortForwardRequest,
  stopping: AbortSignal,
): Promise<void> {
  const base64 = socket.protocol.includes('base64');
  const gone = new AbortController();
  const send = (channel: number, data: Uint8Array): void | Promise<void> =>
    base64
      ? socket.send(`${channel}${Buffer.from(data).toString('base64')}`)
      : socket.send(Buffer.concat([Buffer.of(channel), data]));
  const received = request.ports.map(() => bytePipe());
  socket.onMessage((message) => {
    const channel = base64 ? Number(String.fromCharCode(message[0] ?? 0)) : (message[0] ?? 0);
    const data = message.subarray(1);
    if (channel % 2 !== 0) return;
    return received[channel / 2]?.push(
      base64 ? Buffer.from(Buffer.from(data).toString('latin1'), 'base64') : data,
    );
  });
  socket.onGone(() => gone.abort());
  const onStop = (): void => void socket.close(1001);
  stopping.addEventListener('abort', onStop, { once: true });
  if (stopping.aborted) onStop();

  await Promise.all(
    request.ports.map(async (port, i) => {
      const from = received[i];
      if (!from) return;
      const name = Buffer.of(port & 0xff, port >> 8);
      await send(2 * i, name);
      await send(2 * i + 1, name);
      let connection: PortConnection | undefined;
      const leave = (): void => {
        from.end();
        connection?.destroy();
      };
      gone.signal.addEventListener('abort', leave, { once: true });
      try {
        connection = await request.connector.dial(request.target, port, gone.signal);
        if (gone.signal.aborted) leave();
        void sendAll(from, connection);
        for await (const chunk of connection.received) await send(2 * i, chunk);
      } catch (cause) {
        if (!gone.signal.aborted) await send(2 * i + 1, Buffer.from(failure(request, port, cause)));
      } finally {
        gone.signal.removeEventListener('abort', leave);
        leave();
      }
    }),
  );
  stopping.removeEventListener('abort', onStop);
  await socket.close(1000);
}

/** @throws ApiError BadRequest: over channels the ports have to be known beforehand */
export function requirePorts({ ports }: PortForwardRequest): void {
  if (ports.length === 0) throw badRequest('query parameter "ports" is required');
}
