/** Writing answers: as JSON in pieces, as frames of a watch, or as bytes that come one after the other. */
import type { IncomingMessage, ServerResponse as NodeResponse } from 'node:http';
import type { Writable } from 'node:stream';
import { createGzip } from 'node:zlib';
import type { Status } from '../../api/index.js';
import type { ServerResponse } from '../response.js';
import { jsonChunks, watchFrames } from './encode.js';

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

/** An answer of one piece. */
export function send(response: NodeResponse, answer: Extract<ServerResponse, { body: unknown }>): void {
  writeHead(response, answer);
  response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
}

/** An answer in pieces, as fast as the client reads it; compressed where the client asks for it and it is long (API-1). */
export async function sendChunks(
  request: IncomingMessage,
  response: NodeResponse,
  answer: Extract<ServerResponse, { body: object | string }>,
  stopping: AbortSignal,
): Promise<void> {
  if (answer.code === 304) return send(response, answer);
  const chunks = piecesOf(answer.body)[Symbol.iterator]();
  const first = chunks.next();
  const second = chunks.next();
  const only = second.done ? (first.value as Buffer) : undefined;
  const length = only?.length ?? Number.POSITIVE_INFINITY;
  if (length >= compressedFrom && acceptsGzip(request)) {
    const headers = { ...answer.headers, 'content-encoding': 'gzip', vary: varyOf(answer) };
    writeHead(response, { ...answer, headers });
    // As fast as it goes: most clients are near.
    const gzip = createGzip({ level: 1 });
    gzip.pipe(response);
    response.once('close', () => gzip.destroy());
    await writeAll(gzip, [first, second], chunks, stopping);
    if (stopping.aborted) response.destroy();
    return;
  }
  if (only) {
    writeHead(response, { ...answer, headers: { ...answer.headers, 'content-length': String(length) } });
    response.end(only);
    return;
  }
  writeHead(response, answer);
  await writeAll(response, [first, second], chunks, stopping);
}

async function writeAll(
  to: Writable,
  begun: readonly IteratorResult<Buffer>[],
  rest: Iterator<Buffer>,
  stopping: AbortSignal,
): Promise<void> {
  for (let i = 0, piece = begun[0]; piece && !piece.done; piece = begun[++i] ?? rest.next()) {
    if (to.destroyed) return;
    if (to.write(piece.value)) continue;
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

function piecesOf(body: object | string): Iterable<Buffer> {
  if (typeof body === 'string') return [Buffer.from(body)];
  return body instanceof Uint8Array
    ? [Buffer.from(body.buffer, body.byteOffset, body.length)]
    : jsonChunks(body);
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
