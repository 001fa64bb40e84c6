/** Writing answers: as JSON in pieces, as frames of a watch, or as bytes that come one after the other. */
import type { IncomingMessage, ServerResponse as NodeResponse } from 'node:http';
import type { Writable } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { Status } from '../../api/index.js';
import type { ServerResponse } from '../response.js';
import { jsonOf, watchFrames } from './encode.js';

/** An answer that is a Status. */
export function failure(
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

/** @param length bytes of the body, where that is known */
function writeHead(response: NodeResponse, answer: ServerResponse, length?: number): void {
  const headers: Record<string, string> = {
    'cache-control': 'no-cache, private',
    'content-type': 'application/json',
    ...answer.headers,
  };
  // Whatever somebody had to say: UTF-8, in the one-byte characters that a header is made of.
  if (headers.warning !== undefined)
    headers.warning = Buffer.from(headers.warning, 'utf8').toString('latin1');
  if (length !== undefined) headers['content-length'] = String(length);
  response.writeHead(answer.code, headers);
}

/** An answer of one piece. */
export function send(response: NodeResponse, answer: Extract<ServerResponse, { body: unknown }>): void {
  writeHead(response, answer);
  response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
}

/**
 * A document; a long list in pieces, as fast as the client reads it. Compressed where the client asks for it and it is long
 * (API-1).
 */
export async function sendBody(
  request: IncomingMessage,
  response: NodeResponse,
  answer: Extract<ServerResponse, { body: object | string }>,
  stopping: AbortSignal,
): Promise<void> {
  if (answer.code === 304) return send(response, answer);
  const bytes = bytesOf(answer.body, request.method === 'GET');
  const whole = Buffer.isBuffer(bytes) ? bytes : undefined;
  const pieces = whole ? [whole] : (bytes as Iterable<Buffer>);
  if ((whole === undefined || whole.length >= compressedFrom) && acceptsGzip(request)) {
    const headers = { ...answer.headers, 'content-encoding': 'gzip', vary: varyOf(answer) };
    writeHead(response, { ...answer, headers });
    // As fast as it goes: most clients are near.
    const gzip = createGzip({ level: 1 });
    gzip.pipe(response);
    response.once('close', () => gzip.destroy());
    await writeAll(gzip, pieces, stopping);
    if (stopping.aborted) response.destroy();
    return;
  }
  writeHead(response, answer, whole?.length);
  if (whole) response.end(whole);
  else await writeAll(response, pieces, stopping);
}

async function writeAll(to: Writable, pieces: Iterable<Buffer>, stopping: AbortSignal): Promise<void> {
  for (const piece of pieces) {
    if (to.destroyed) return;
    if (to.write(piece)) continue;
    await drained(to, stopping);
    // A client that does not read must not hold up the stop.
    if (stopping.aborted) {
      to.destroy();
      return;
    }
  }
  to.end();
}

/** Bytes; as in Kubernetes, what is shorter is not worth it. */
const compressedFrom = 128 * 1024;

function bytesOf(body: object | string, read: boolean): Buffer | Iterable<Buffer> {
  if (typeof body === 'string') return Buffer.from(body);
  return body instanceof Uint8Array
    ? Buffer.from(body.buffer, body.byteOffset, body.length)
    : jsonOf(body, read);
}

function acceptsGzip({ method, headers }: IncomingMessage): boolean {
  if (method !== 'GET') return false;
  const [encodings = ''] = [headers['accept-encoding']].flat();
  return encodings
    .split(',')
    .some((encoding) => /^\s*gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*$).*)?$/i.test(encoding));
}

function varyOf({ headers }: ServerResponse): string {
  return headers.vary === undefined ? 'Accept-Encoding' : `${headers.vary}, Accept-Encoding`;
}

/**
 * Watch events as they come, one write at a time: what happens while one is on its way goes out in the next, together. With many
 * watchers that is a fraction of the packets, and a client that reads slowly keeps its events in the log, not in its socket.
 */
export async function stream(
  response: NodeResponse,
  answer: Extract<ServerResponse, { watch: unknown }>,
  stopping: AbortSignal,
): Promise<void> {
  writeHead(response, answer);
  response.flushHeaders();
  let goOn = (): void => {};
  const over = (): void => goOn();
  // Once per watch, not per write: a signal that many wait for is slow to leave.
  response.once('close', over);
  stopping.addEventListener('abort', over, { once: true });
  try {
    for await (const events of answer.watch) {
      if (response.destroyed) break;
      await new Promise<void>((resolve) => {
        goOn = resolve;
        response.write(watchFrames(events), over);
        if (stopping.aborted) resolve();
      });
    }
  } finally {
    stopping.removeEventListener('abort', over);
  }
  response.end();
}

/** Text as it comes, as fast as the client reads it. */
export async function streamBytes(
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
function drained(response: Writable, stopping?: AbortSignal): Promise<void> {
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
