/**
 * HTTPS on top of the server: TLS, client certificates and bearer tokens, bounded bodies, streaming.
 */
import { setMaxListeners } from 'node:events';
import { type IncomingMessage, type ServerResponse as NodeResponse, STATUS_CODES } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { WebSocket } from 'ws';
import type { HttpMethod, Status, UserInfo } from '../../api/index.js';
import type { Logger } from '../../telemetry/index.js';
import type { Credentials } from '../auth/authenticator.js';
import { maxBodyBytes } from '../rest/body.js';
import type { ServerRequest } from '../rest/request.js';
import type { ApiServer, ServerResponse } from '../server.js';
import { jsonChunks, watchFrames } from './encode.js';
import { RequestLife } from './request-life.js';
import { execProtocols, serveExec, webSocketConnection } from './exec-channels.js';

export interface ListenOptions {
  /** 0 takes any free one. */
  readonly port: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** PEM. */
  readonly cert: string;
  readonly key: string;
  /** PEM: whose client certificates are believed. Default: none are. */
  readonly clientCa?: string;
  readonly log: Logger;
}

export interface Listener {
  readonly port: number;
  readonly url: string;
  /** Ends watches and idle connections, and waits for what is under way. */
  close(): Promise<void>;
}

const methods = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);
const maxAuditID = 64;
const maxHeaderBytes = 64 * 1024;
/** Of one WebSocket message: clients send what they read in pieces of 32 KiB. */
const maxMessageBytes = 4 * 1024 * 1024;

/** @throws Error with a code such as EADDRINUSE when the port cannot be had */
export async function listen(server: ApiServer, options: ListenOptions): Promise<Listener> {
  const { log, host = '127.0.0.1' } = options;
  const stopping = new AbortController();
  // Every client that reads slowly waits for it too: their number says nothing about a leak.
  setMaxListeners(0, stopping.signal);
  const lives = new Set<RequestLife>();
  stopping.signal.addEventListener('abort', () => {
    for (const life of lives) life.stop();
  });
  /** Reads under way, watches among them: the signal ends them. */
  const streams = new Set<Promise<void>>();
  const https: Server = createServer(
    {
      cert: options.cert,
      key: options.key,
      ...(options.clientCa === undefined ? {} : { ca: options.clientCa, requestCert: true }),
      rejectUnauthorized: false,
      maxHeaderSize: maxHeaderBytes,
      keepAliveTimeout: 120_000,
    },
    (request, response) => {
      const life = new RequestLife(response, stopping.signal, lives);
      const served = serve(server, request, response, { life, stopping: stopping.signal }).catch(
        (error: unknown) => {
          log.debug('connection lost', { error: String(error) });
          response.destroy();
        },
      );
      if (request.method === 'GET') {
        streams.add(served);
        void served.finally(() => streams.delete(served));
      }
    },
  );
  https.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const upgraded = upgrade(server, request, socket, head, stopping.signal).catch((error: unknown) => {
      log.debug('upgraded connection lost', { error: String(error) });
      socket.destroy();
    });
    streams.add(upgraded);
    void upgraded.finally(() => streams.delete(upgraded));
  });
  const sockets = new Set<Socket>();
  https.on('connection', (socket: Socket) => {
    socket.setNoDelay(true);
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  https.on('tlsClientError', (error) => log.debug('tls handshake failed', { error: error.message }));
  await new Promise<void>((resolve, reject) => {
    https.once('error', reject);
    https.listen(options.port, host, () => {
      https.off('error', reject);
      resolve();
    });
  });
  const { port } = https.address() as AddressInfo;
  return {
    port,
    url: `https://${host}:${port}`,
    async close() {
      stopping.abort();
      const closed = new Promise<void>((resolve) => https.close(() => resolve()));
      https.closeIdleConnections();
      await Promise.allSettled(streams);
      // What still lingers belongs to clients that do not read or do not finish what they send.
      for (const socket of sockets) socket.destroySoon();
      await closed;
    },
  };
}

/** The request target as it was sent: nothing is resolved, so that both ways in read a path alike. */
function splitTarget(target: string): Pick<ServerRequest, 'path' | 'query'> {
  const relative = target.replace(/^https?:\/\/[^/?]*/i, '');
  const mark = relative.indexOf('?');
  return mark < 0
    ? { path: relative, query: new URLSearchParams() }
    : { path: relative.slice(0, mark), query: new URLSearchParams(relative.slice(mark + 1)) };
}

function credentialsOf(request: IncomingMessage): Credentials {
  const socket = request.socket as TLSSocket;
  const bearer = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (bearer !== undefined) return { bearerToken: bearer };
  let known = certificates.get(socket);
  if (!known) {
    known = certificateOf(socket);
    certificates.set(socket, known);
  }
  return known;
}

function certificateOf(socket: TLSSocket): Credentials {
  const { subject } = socket.getPeerCertificate();
  if (!subject) return {};
  if (!socket.authorized) return { invalid: true };
  const all = (value: unknown): string[] =>
    Array.isArray(value) ? value.map(String) : value === undefined ? [] : [String(value)];
  return { certificate: { commonName: all(subject.CN)[0] ?? '', organizations: all(subject.O) } };
}

/** What was read from the certificate of a connection: it is the same for all its requests. */
const certificates = new WeakMap<TLSSocket, Credentials>();

/** Undefined when the body grows past the limit; the rest is then not read. */
async function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    size += (chunk as Buffer).length;
    if (size > maxBodyBytes) return undefined;
    chunks.push(chunk as Buffer);
  }
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}

async function serve(
  server: ApiServer,
  request: IncomingMessage,
  response: NodeResponse,
  { life, stopping }: { readonly life: RequestLife; readonly stopping: AbortSignal },
): Promise<void> {
  const user = server.authenticator.authenticate(credentialsOf(request));
  const { path, query } = splitTarget(request.url ?? '/');
  if (!methods.has(request.method ?? '')) {
    send(
      response,
      failure(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource'),
    );
    return;
  }
  const bytes = await readBody(request);
  if (!bytes) {
    response.setHeader('connection', 'close');
    send(
      response,
      failure(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${maxBodyBytes}`),
    );
    return;
  }
  const asked = toServerRequest(request, { path, query }, bytes, user, life);
  const auditID = auditIDOf(request) ?? server.newAuditID();
  response.setHeader('audit-id', auditID);
  const answer = await server.handle(Object.assign(asked, { auditID }));
  if ('watch' in answer) await stream(response, answer, stopping);
  else if ('stream' in answer) await streamBytes(response, answer, life.signal, stopping);
  else await sendChunks(response, answer, stopping);
}

/** Exec and attach go on over a WebSocket; whatever else wants to upgrade is answered as if it had not. */
async function upgrade(
  server: ApiServer,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  stopping: AbortSignal,
): Promise<void> {
  socket.on('error', () => socket.destroy());
  const user = server.authenticator.authenticate(credentialsOf(request));
  const target = splitTarget(request.url ?? '/');
  const asked = toServerRequest(request, target, new Uint8Array(), user, { signal: stopping });
  const answer = await server.handleUpgrade(asked);
  if (!('exec' in answer)) {
    refuseUpgrade(socket, answer);
    return;
  }
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim());
  const protocol = execProtocols.find((known) => offered.includes(known));
  const isWebSocket = request.headers.upgrade?.toLowerCase() === 'websocket';
  if (!isWebSocket || protocol === undefined) {
    const message = isWebSocket
      ? `unable to upgrade: none of the subprotocols ${offered.join(', ')} is known: ${execProtocols.join(', ')}`
      : 'only WebSocket upgrades are supported';
    refuseUpgrade(socket, failure(400, 'BadRequest', message));
    return;
  }
  const { WebSocketServer } = await import('ws');
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: () => protocol,
    maxPayload: maxMessageBytes,
  });
  const webSocket = await new Promise<WebSocket>((resolve) => {
    sockets.handleUpgrade(request, socket, head, resolve);
  });
  await serveExec(webSocketConnection(webSocket), answer.exec, stopping).finally(() => answer.ended?.());
}

/** A plain answer on a connection that was to be upgraded, and its end. */
function refuseUpgrade(socket: Duplex, answer: ServerResponse): void {
  const body = 'body' in answer ? answer.body : '';
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  socket.end(
    `HTTP/1.1 ${answer.code} ${STATUS_CODES[answer.code] ?? ''}\r\ncontent-type: application/json\r\n` +
      `content-length: ${Buffer.byteLength(text)}\r\nconnection: close\r\n\r\n${text}`,
  );
}

/** How the client calls its request, cut to what a header may carry back. */
function auditIDOf({ headers }: IncomingMessage): string | undefined {
  const given = headers['audit-id'];
  return typeof given === 'string' && given !== '' ? given.slice(0, maxAuditID) : undefined;
}

function toServerRequest(
  request: IncomingMessage,
  { path, query }: Pick<ServerRequest, 'path' | 'query'>,
  bytes: Uint8Array,
  user: UserInfo | undefined,
  life: { readonly signal: AbortSignal },
): ServerRequest {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return {
    method: request.method as HttpMethod,
    path,
    query,
    headers,
    ...(bytes.length > 0 ? { body: { bytes } } : {}),
    ...(user ? { user } : {}),
    ...(request.socket.remoteAddress === undefined ? {} : { sourceIP: request.socket.remoteAddress }),
    get signal() {
      return life.signal;
    },
  };
}

function failure(
  code: number,
  reason: Status['reason'],
  message: string,
): Extract<ServerResponse, { body: unknown }> {
  const status: Status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason: reason ?? '',
    code,
  };
  return { code, headers: {}, body: status };
}

function writeHead(response: NodeResponse, answer: ServerResponse): void {
  const { warning } = answer.headers;
  response.writeHead(answer.code, {
    'cache-control': 'no-cache, private',
    'content-type': 'application/json',
    ...answer.headers,
    // Whatever somebody had to say: UTF-8, in the one-byte characters that a header is made of.
    ...(warning === undefined ? {} : { warning: Buffer.from(warning, 'utf8').toString('latin1') }),
  });
}

function send(response: NodeResponse, answer: Extract<ServerResponse, { body: unknown }>): void {
  writeHead(response, answer);
  response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
}

async function sendChunks(
  response: NodeResponse,
  answer: Extract<ServerResponse, { body: object | string }>,
  stopping: AbortSignal,
): Promise<void> {
  if (typeof answer.body === 'string') return send(response, answer);
  const chunks = jsonChunks(answer.body)[Symbol.iterator]();
  let chunk = chunks.next();
  let following = chunks.next();
  if (following.done) {
    const only = chunk.value as Buffer;
    writeHead(response, { ...answer, headers: { ...answer.headers, 'content-length': String(only.length) } });
    response.end(only);
    return;
  }
  writeHead(response, answer);
  while (!chunk.done) {
    if (response.destroyed) return;
    if (!response.write(chunk.value)) {
      await drained(response, stopping);
      // A client that does not read must not hold up the stop.
      if (stopping.aborted) {
        response.destroy();
        return;
      }
    }
    chunk = following;
    following = chunks.next();
  }
  response.end();
}

async function stream(
  response: NodeResponse,
  answer: Extract<ServerResponse, { watch: unknown }>,
  stopping: AbortSignal,
): Promise<void> {
  writeHead(response, answer);
  response.flushHeaders();
  for await (const events of answer.watch) {
    if (response.destroyed) break;
    if (!response.write(watchFrames(events))) await drained(response, stopping);
  }
  response.end();
}

/** Text as it comes, as fast as the client reads it. */
async function streamBytes(
  response: NodeResponse,
  answer: Extract<ServerResponse, { stream: unknown }>,
  gone: AbortSignal,
  stopping: AbortSignal,
): Promise<void> {
  writeHead(response, answer);
  response.flushHeaders();
  for await (const chunk of answer.stream) {
    if (response.destroyed || gone.aborted || stopping.aborted) break;
    if (!response.write(chunk)) await drained(response, stopping);
  }
  response.end();
}

/** Resolves when more can be written, or when nobody will read it any more. */
function drained(response: NodeResponse, stopping?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      response.off('drain', finish);
      response.off('close', finish);
      stopping?.removeEventListener('abort', finish);
      resolve();
    };
    response.on('drain', finish);
    response.on('close', finish);
    stopping?.addEventListener('abort', finish);
    if (stopping?.aborted) finish();
  });
}
