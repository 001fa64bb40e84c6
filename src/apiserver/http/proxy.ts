/**
 * Carries a request to what is proxied, and the answer back: both as they come, with all methods, and a connection
 * that is upgraded (a WebSocket) both ways until one side ends it.
 *
 * The client's credentials stay here, and so do the headers that concern one connection alone (RFC 9110, section
 * 7.6.1).
 */
import { setMaxListeners } from 'node:events';
import { type IncomingMessage, request as httpRequest, ServerResponse } from 'node:http';
import type { Duplex, Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { connect as tlsConnect } from 'node:tls';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { isApiError } from '../../api/index.js';
import { type ProxyRequest, unavailable } from '../rest/proxy.js';
import { writeTo } from '../streams/write-to.js';
import { rewriteLinks, rewriteLocation } from './html-links.js';

const hopByHop = new Set([
  'connection',
  // Answered by our own HTTP already.
  'expect',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);
const decoders: ReadonlyMap<string, () => Transform> = new Map<string, () => Transform>([
  ['gzip', createGunzip],
  ['deflate', createInflate],
  ['br', createBrotliDecompress],
]);
const credentials = /^(?:authorization|impersonate-.*|x-remote-.*)$/;

const maxListeners = 30;

type Headers = Record<string, string | string[]>;

/**
 * Resolves when the answer has gone out.
 * @throws ApiError ServiceUnavailable when nobody answers, and nothing was sent yet
 */
export async function serveProxy(
  proxy: ProxyRequest,
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  if (redirectsToRoot(proxy, request)) {
    const { path, search } = targetOf(request);
    response.writeHead(301, { location: `${path}/${search}`, 'content-length': 0 }).end();
    request.resume();
    return;
  }
  const upstream = await dial(proxy, signal);
  const sent = send(proxy, request, upstream, requestHeaders(proxy, request));
  const abort = (): void => void sent.destroy();
  signal.addEventListener('abort', abort, { once: true });
  // It may go on after the answer has begun; of failures the client is told by the answer.
  void sendBody(request, sent).catch(() => {});
  try {
    const answer = await answerOf(sent);
    await giveBack(proxy, request, answer, response);
  } finally {
    signal.removeEventListener('abort', abort);
    sent.destroy();
    upstream.destroy();
    // What the client still sends is not for anybody.
    request.resume();
  }
}

/** An upgrade: after the 101 of the other side, bytes go both ways. Any other answer is given back as it is. */
export async function serveProxyUpgrade(
  proxy: ProxyRequest,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  signal: AbortSignal,
): Promise<void> {
  const upstream = await dial(proxy, signal);
  const upgrade = { connection: 'Upgrade', upgrade: request.headers.upgrade ?? '' };
  const sent = send(proxy, request, upstream, { ...requestHeaders(proxy, request), ...upgrade });
  sent.end();
  const stop = (): void => {
    sent.destroy();
    socket.destroy();
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    const answer = await answerOf(sent);
    if (answer.statusCode !== 101) {
      const response = new ServerResponse(request);
      response.assignSocket(socket as never);
      response.shouldKeepAlive = false;
      await giveBack(proxy, request, answer, response);
      socket.end();
      return;
    }
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${rawHeaders(answer)}\r\n`);
    if (head.length > 0) socket.unshift(head);
    // Two pipelines listen to both, and the HTTP that came before still does.
    setMaxListeners(maxListeners, socket, upstream);
    await Promise.all([pipeline(socket, upstream), pipeline(upstream, socket)]);
  } finally {
    signal.removeEventListener('abort', stop);
    sent.destroy();
    upstream.destroy();
  }
}

async function sendBody(from: IncomingMessage, to: ReturnType<typeof httpRequest>): Promise<void> {
  for await (const chunk of from.iterator({ destroyOnReturn: false })) {
    if (!(await writeTo(to, chunk as Buffer))) return;
  }
  to.end();
}

/** A page at `…/proxy` would have its relative links resolved beside it. */
function redirectsToRoot({ path }: ProxyRequest, { method }: IncomingMessage): boolean {
  return path === '' && (method === 'GET' || method === 'HEAD');
}

function targetOf({ url = '/' }: IncomingMessage): { readonly path: string; readonly search: string } {
  const mark = url.indexOf('?');
  return mark < 0 ? { path: url, search: '' } : { path: url.slice(0, mark), search: url.slice(mark) };
}

async function dial(proxy: ProxyRequest, signal: AbortSignal): Promise<Duplex> {
  const connection = await proxy.dial(signal);
  connection.on('error', () => {});
  if (proxy.scheme === 'http') return connection;
  // Whom it belongs to was decided by who may write endpoints and pods; certificates of pods are anybody's.
  const secured = tlsConnect({ socket: connection, rejectUnauthorized: false });
  secured.on('error', () => {});
  return secured;
}

function send(
  proxy: ProxyRequest,
  request: IncomingMessage,
  upstream: Duplex,
  headers: Headers,
): ReturnType<typeof httpRequest> {
  const sent = httpRequest({
    createConnection: () => upstream as never,
    method: request.method ?? 'GET',
    path: `${proxy.path === '' ? '/' : proxy.path}${targetOf(request).search}`,
    headers,
    setHost: false,
  });
  sent.on('error', () => {});
  return sent;
}

/** The answer's head; after an upgrade its stream is the connection itself. */
function answerOf(sent: ReturnType<typeof httpRequest>): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.once('response', resolve);
    sent.once('upgrade', (answer: IncomingMessage, upstream: Duplex, head: Buffer) => {
      if (head.length > 0) upstream.unshift(head);
      resolve(answer);
    });
    const failed = (error: Error): void =>
      reject(isApiError(error) ? error : unavailable(`error trying to reach service: ${wording(error)}`));
    sent.once('error', failed);
    sent.once('close', () => failed(new Error('EOF')));
  });
}

function wording(error: NodeJS.ErrnoException): string {
  if (error.code === 'ECONNRESET') return 'EOF';
  return error.code?.startsWith('HPE_') ? `malformed HTTP response: ${error.message}` : error.message;
}

function passedOn(message: IncomingMessage): Headers {
  const own = new Set(
    (message.headers.connection ?? '')
      .toLowerCase()
      .split(',')
      .map((name) => name.trim()),
  );
  const headers: Headers = {};
  for (const [name, values = []] of Object.entries(message.headersDistinct)) {
    if (hopByHop.has(name) || own.has(name) || name === '__proto__') continue;
    headers[name] = values.length === 1 ? (values[0] as string) : values;
  }
  return headers;
}

function requestHeaders({ prefix, path, headers: own }: ProxyRequest, request: IncomingMessage): Headers {
  const headers = Object.fromEntries(
    Object.entries(passedOn(request)).filter(([name]) => !credentials.test(name)),
  );
  const { host = '', cookie, 'transfer-encoding': encoding } = request.headers;
  const before = [request.headers['x-forwarded-for']].flat().filter((one) => one !== undefined);
  const from = request.socket.remoteAddress;
  return {
    ...headers,
    ...(cookie === undefined ? {} : { cookie }),
    ...(encoding === undefined ? {} : { 'transfer-encoding': 'chunked' }),
    'x-forwarded-for': [...before, ...(from === undefined ? [] : [from])].join(', '),
    'x-forwarded-host': host,
    'x-forwarded-proto': 'https',
    'x-forwarded-uri': `${prefix}${path}`,
    ...own,
  };
}

async function giveBack(
  { prefix }: ProxyRequest,
  request: IncomingMessage,
  answer: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const headers = passedOn(answer);
  const { location } = answer.headers;
  if (location !== undefined)
    headers.location = rewriteLocation(location, prefix, request.headers.host ?? '');
  const page = isPage(answer) && request.method !== 'HEAD' ? decoded(answer, headers) : undefined;
  if (page) delete headers['content-length'];
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage, headers);
  response.flushHeaders();
  if (page) await pipeline(page, rewriteLinks(prefix), response);
  else await pipeline(answer, response);
}

function isPage({ headers, statusCode }: IncomingMessage): boolean {
  return statusCode !== 204 && statusCode !== 304 && /^text\/html\b/i.test(headers['content-type'] ?? '');
}

/** A page that can be read, and its headers changed accordingly; undefined where it cannot. */
function decoded(answer: IncomingMessage, headers: Headers): Readable | undefined {
  const encoding = answer.headers['content-encoding'] ?? 'identity';
  const decoder = decoders.get(encoding)?.();
  if (encoding === 'identity') return answer;
  if (!decoder) return undefined;
  delete headers['content-encoding'];
  answer.once('error', (error) => decoder.destroy(error));
  return answer.pipe(decoder);
}

function rawHeaders({ rawHeaders: raw }: IncomingMessage): string {
  let text = '';
  for (let i = 0; i + 1 < raw.length; i += 2) text += `${raw[i]}: ${raw[i + 1]}\r\n`;
  return text;
}
