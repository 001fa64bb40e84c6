/**
 * What a connection becomes once the server has granted a stream: a WebSocket with channels, a WebSocket that tunnels
 * SPDY, or SPDY itself (control-plane §3.2).
 */
import { type IncomingMessage, ServerResponse as NodeResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { badRequest, isApiError, type WatchEvent } from '../../api/index.js';
import type { ExecRequest, PortForwardRequest } from '../rest/pod-streams.js';
import type { ServerResponse, StreamGranted } from '../response.js';
import { execStreamProtocols, serveExecStreams } from '../streams/exec-streams.js';
import {
  portForwardChannels,
  portForwardProtocol,
  portForwardTunnel,
  requirePorts,
  servePortChannels,
  servePortForward,
} from '../streams/port-forward.js';
import { execProtocols, serveExec } from './exec-channels.js';
import { watchFrames } from './encode.js';
import { serveProxyUpgrade } from './proxy.js';
import { stream, streamBytes } from './respond.js';
import { acceptWebSocket, bytesOf, messagesOf, offeredProtocols } from './web-socket.js';

export interface Upgrading {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** What came after the request already. */
  readonly head: Buffer;
  readonly stopping: AbortSignal;
}

/** Resolves when the stream is over. @throws Error when the connection breaks, or the client breaks the protocol */
export async function serveUpgrade(granted: StreamGranted, upgrading: Upgrading): Promise<void> {
  try {
    if ('exec' in granted) await upgradeExec(granted.exec, upgrading);
    else if ('proxy' in granted)
      await serveProxyUpgrade(
        granted.proxy,
        upgrading.request,
        upgrading.socket,
        upgrading.head,
        upgrading.stopping,
      );
    else await upgradePortForward(granted.portForward, upgrading);
  } catch (error) {
    if (!isApiError(error)) throw error;
    const { status } = error;
    refuseUpgrade(upgrading.socket, { code: status.code ?? 500, headers: {}, body: status });
  }
}

/** Answers that go on. */
type Lasting = Exclude<ServerResponse, { readonly body: unknown }>;

/**
 * An answer that goes on, to a client that wants to upgrade: a watch as a WebSocket where that is what it wants, else as if it
 * had not asked. Resolves when either side has ended it. @throws Error when the connection breaks
 */
export async function serveLasting(
  answer: Lasting,
  upgrading: Upgrading,
  gone: AbortController,
): Promise<void> {
  try {
    if ('watch' in answer && offeredProtocols(upgrading.request)) await serveWatch(answer.watch, upgrading);
    else await servePlainly(answer, upgrading, gone.signal);
  } catch (error) {
    if (!isApiError(error)) throw error;
    const { status } = error;
    refuseUpgrade(upgrading.socket, { code: status.code ?? 500, headers: {}, body: status });
  } finally {
    // Whoever holds something for the answer lets go of it once it was read to its end, be that at once.
    gone.abort();
    for await (const _ of 'watch' in answer ? answer.watch : answer.stream) break;
  }
}

/** Over the connection as Node handed it over, which ends with the answer. */
async function servePlainly(
  answer: Lasting,
  { request, socket, stopping }: Upgrading,
  gone: AbortSignal,
): Promise<void> {
  const response = new NodeResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket as Socket);
  socket.resume();
  if ('watch' in answer) await stream(response, answer, stopping);
  else await streamBytes(response, answer, gone, stopping);
  socket.end(() => socket.destroy());
}

/** A watch whose events are messages of text, one each. Resolves when either side has ended it. */
async function serveWatch(
  watch: AsyncIterable<readonly WatchEvent[]>,
  { request, socket, head, stopping }: Upgrading,
): Promise<void> {
  const [protocol = ''] = offeredProtocols(request) ?? [];
  const connection = messagesOf(await acceptWebSocket(request, socket, head, protocol));
  for await (const events of watch) {
    for (const event of events) {
      const sent = connection.send(watchFrames([event]).toString('utf8').trimEnd());
      if (sent) await sent;
    }
    if (socket.destroyed || stopping.aborted) break;
  }
  await connection.close(1000);
}

async function upgradeExec(exec: ExecRequest, { request, socket, head, stopping }: Upgrading): Promise<void> {
  const offered = offeredProtocols(request);
  if (!offered) {
    const protocol = acceptSpdy(request, socket, head, execStreamProtocols);
    return serveExecStreams(socket, protocol, exec, stopping);
  }
  const protocol = oneOf(offered, execProtocols);
  await serveExec(messagesOf(await acceptWebSocket(request, socket, head, protocol)), exec, stopping);
}

async function upgradePortForward(
  portForward: PortForwardRequest,
  { request, socket, head, stopping }: Upgrading,
): Promise<void> {
  const offered = offeredProtocols(request);
  if (!offered) {
    acceptSpdy(request, socket, head, [portForwardProtocol]);
    return servePortForward(socket, portForward, stopping);
  }
  const protocol = oneOf(offered, [portForwardTunnel, ...portForwardChannels]);
  if (protocol !== portForwardTunnel) requirePorts(portForward);
  const webSocket = await acceptWebSocket(request, socket, head, protocol);
  if (protocol === portForwardTunnel)
    return servePortForward(await bytesOf(webSocket), portForward, stopping);
  await servePortChannels(messagesOf(webSocket), portForward, stopping);
}

function oneOf(offered: readonly string[], known: readonly string[]): string {
  const protocol = known.find((name) => offered.includes(name));
  if (protocol !== undefined) return protocol;
  throw badRequest(
    `unable to upgrade: none of the subprotocols ${offered.join(', ')} is known: ${known.join(', ')}`,
  );
}

/** Switches the connection over, to the first version of the client's that is known. @throws ApiError BadRequest */
function acceptSpdy(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  known: readonly string[],
): string {
  if (request.headers.upgrade?.toLowerCase() !== 'spdy/3.1')
    throw badRequest('only WebSocket and SPDY/3.1 upgrades are supported');
  const [versions = ''] = [request.headers['x-stream-protocol-version']].flat();
  const asked = versions.split(',').map((name) => name.trim());
  const version = asked.find((name) => known.includes(name));
  if (version === undefined)
    throw badRequest(
      `unable to upgrade: unable to negotiate protocol: client supports [${asked.join(' ')}], server accepts [${known.join(' ')}]`,
    );
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: SPDY/3.1\r\n' +
      `x-stream-protocol-version: ${version}\r\n\r\n`,
  );
  if (head.length > 0) socket.unshift(head);
  return version;
}

/**
 * A plain answer on a connection that was to be upgraded, and its end. What the client sends all the same is read and
 * forgotten: nobody else does, and unread it would keep the connection for good.
 */
export function refuseUpgrade(socket: Duplex, answer: ServerResponse): void {
  const body = 'body' in answer ? answer.body : '';
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  socket.resume();
  socket.end(
    `HTTP/1.1 ${answer.code} ${STATUS_CODES[answer.code] ?? ''}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
    () => socket.destroy(),
  );
}
