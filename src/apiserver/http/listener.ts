/**
 * HTTPS on top of the server: TLS, client certificates and bearer tokens, bounded bodies, streaming.
 */
import { setMaxListeners } from 'node:events';
import type { IncomingMessage, ServerResponse as NodeResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { isApiError } from '../../api/index.js';
import type { Logger } from '../../telemetry/index.js';
import type { Credentials } from '../auth/authenticator.js';
import { maxBodyBytes } from '../rest/body.js';
import type { ProxyRequest } from '../rest/proxy.js';
import { splitProxyPath } from '../rest/request.js';
import { isStream, type ServerResponse } from '../response.js';
import type { ApiServer } from '../server.js';
import { RequestLife } from './request-life.js';
import { serveProxy } from './proxy.js';
import { failure, send, sendBody, stream, streamBytes } from './respond.js';
import { SocketRequest, targetOf } from './socket-request.js';
import { refuseUpgrade, serveLasting, serveUpgrade } from './upgrades.js';
import { tokenProtocol } from './web-socket.js';

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
  /**
   * Resolves for all who wait for it together, at the end of a turn of the event loop: requests that have come in one turn go
   * the same way step by step, each step for all of them while the processor has its code at hand. That makes a server of many
   * clients up to twice as fast, and costs one client nothing. Default: each goes its way at once.
   */
  readonly turn?: () => Promise<void>;
}

export interface Listener {
  readonly port: number;
  readonly url: string;
  /** Ends watches and idle connections, and waits for what is under way. */
  close(): Promise<void>;
}

const methods = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);
const proxyMethods = new Set([...methods, 'HEAD', 'OPTIONS']);
const maxAuditID = 64;
const maxHeaderBytes = 64 * 1024;

/** @throws Error with a code such as EADDRINUSE when the port cannot be had */
export async function listen(server: ApiServer, options: ListenOptions): Promise<Listener> {
  const { log, host = '127.0.0.1', turn } = options;
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
      const served = serve(server, request, response, { life, stopping: stopping.signal, turn }).catch(
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

function credentialsOf(request: IncomingMessage): Credentials {
  const socket = request.socket as TLSSocket;
  const { authorization } = request.headers;
  const bearer = authorization === undefined ? undefined : /^Bearer\s+(\S+)$/i.exec(authorization)?.[1];
  if (bearer !== undefined) return { bearerToken: bearer };
  const offered = tokenProtocol(request);
  if (offered !== undefined) return { bearerToken: offered };
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

const noBytes = new Uint8Array();

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
}

/** Undefined when the body grows past the limit; the rest is then not read. @throws Error when the client is gone */
function readBody(request: IncomingMessage): Promise<Uint8Array | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    // By its events: an iterator over them costs several times as much.
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBodyBytes) chunks.push(chunk);
      else {
        request.pause();
        resolve(undefined);
      }
    });
    request.on('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    request.on('error', reject);
    request.on('close', () => {
      if (!request.readableEnded) reject(new Error('the client has gone before its request was read'));
    });
  });
}

interface Serving {
  readonly life: RequestLife;
  readonly stopping: AbortSignal;
  readonly turn: ListenOptions['turn'];
}

async function serve(
  server: ApiServer,
  request: IncomingMessage,
  response: NodeResponse,
  { life, stopping, turn }: Serving,
): Promise<void> {
  const user = server.authenticator.authenticate(credentialsOf(request));
  const target = targetOf(request);
  if (splitProxyPath(target.path) && proxyMethods.has(request.method ?? '')) {
    const asked = new SocketRequest(request, target, user, life);
    const answer = await server.handleUpgrade(asked);
    if (!isStream(answer)) refuse(request, response, answer);
    else if ('proxy' in answer)
      await proxied(answer.proxy, request, response, life.signal).finally(() =>
        answer.ended?.(response.statusCode),
      );
    return;
  }
  if (!methods.has(request.method ?? '')) {
    send(
      response,
      failure(405, 'MethodNotAllowed', 'the server does not allow this method on the requested resource'),
    );
    return;
  }
  const bytes = hasBody(request) ? await readBody(request) : noBytes;
  if (!bytes) {
    response.setHeader('connection', 'close');
    send(
      response,
      failure(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${maxBodyBytes}`),
    );
    return;
  }
  const auditID = auditIDOf(request) ?? server.newAuditID();
  const asked = new SocketRequest(request, target, user, life, bytes, auditID);
  await turn?.();
  const given = await server.handle(asked);
  const answer = { ...given, headers: { 'audit-id': auditID, ...given.headers } };
  if ('watch' in answer) await stream(response, answer, stopping);
  else if ('stream' in answer) await streamBytes(response, answer, life.signal, stopping);
  else await sendBody(request, response, answer, stopping);
}

/** A plain answer to a request whose body nobody has read. */
function refuse(request: IncomingMessage, response: NodeResponse, answer: ServerResponse): void {
  request.resume();
  response.setHeader('connection', 'close');
  if ('body' in answer) send(response, answer);
}

async function proxied(
  proxy: ProxyRequest,
  request: IncomingMessage,
  response: NodeResponse,
  signal: AbortSignal,
): Promise<void> {
  try {
    await serveProxy(proxy, request, response, signal);
  } catch (error) {
    if (!isApiError(error) || response.headersSent) throw error;
    refuse(request, response, { code: error.status.code ?? 500, headers: {}, body: error.status });
  }
}

/** Streams go on over the connection; whatever else wants to upgrade is answered as if it had not. */
async function upgrade(
  server: ApiServer,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  stopping: AbortSignal,
): Promise<void> {
  socket.on('error', () => socket.destroy());
  const user = server.authenticator.authenticate(credentialsOf(request));
  const gone = new AbortController();
  socket.once('close', () => gone.abort());
  const signal = AbortSignal.any([stopping, gone.signal]);
  const asked = new SocketRequest(request, targetOf(request), user, { signal });
  const answer = await server.handleUpgrade(asked);
  const upgrading = { request, socket, head, stopping };
  if (isStream(answer)) await serveUpgrade(answer, upgrading).finally(() => answer.ended?.(101));
  else if ('body' in answer) refuseUpgrade(socket, answer);
  else await serveLasting(answer, upgrading, gone);
}

/** How the client calls its request, cut to what a header may carry back. */
function auditIDOf({ headers }: IncomingMessage): string | undefined {
  const given = headers['audit-id'];
  return typeof given === 'string' && given !== '' ? given.slice(0, maxAuditID) : undefined;
}
