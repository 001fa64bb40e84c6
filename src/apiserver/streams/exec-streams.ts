/**
 * Exec and attach over SPDY: each stream says in its header `streamType` what it is: error, stdin, stdout, stderr,
 * resize. What the outcome was, is written to the error stream (control-plane §3.2).
 */
import type { Duplex } from 'node:stream';
import { finished } from 'node:stream/promises';
import type { ExecStreams, TerminalSize } from '../../api/index.js';
import type { ExecRequest } from '../rest/pod-streams.js';
import { readSize, runExec } from './exec-outcome.js';
import { SpdyConnection, type SpdyStream } from './spdy-connection.js';
import { writeTo } from './write-to.js';

/** The later ones add: v3 terminal sizes, v4 a Status instead of a text. */
export const execStreamProtocols = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v3.channel.k8s.io',
  'v2.channel.k8s.io',
] as const;

/** Of one terminal size, as text. */
const maxSizeBytes = 1024;

/**
 * Carries one exec or attach; resolves when it is over and the connection closed.
 * @throws SpdyError when the client breaks the protocol
 */
export async function serveExecStreams(
  transport: Duplex,
  protocol: string,
  request: ExecRequest,
  stopping: AbortSignal,
): Promise<void> {
  const wanted = ['error', ...(['stdin', 'stdout', 'stderr'] as const).filter((name) => request[name])];
  if (request.tty && !protocol.startsWith('v2.')) wanted.push('resize');
  const streams = new Map<string, SpdyStream>();
  let allThere: (there: boolean) => void = () => {};
  const there = new Promise<boolean>((resolve) => {
    allThere = resolve;
  });
  const connection = new SpdyConnection(transport, (stream) => {
    const type = stream.headers.get('streamtype') ?? '';
    if (!wanted.includes(type) || streams.has(type)) {
      stream.destroy();
      return;
    }
    streams.set(type, stream);
    if (streams.size === wanted.length) allThere(true);
  });
  const gone = new AbortController();
  const onStop = (): void => void connection.close();
  stopping.addEventListener('abort', onStop, { once: true });
  if (stopping.aborted) onStop();
  const served = connection.run().finally(() => {
    gone.abort();
    allThere(false);
  });
  const carried = (async () => {
    if (await there) await carry(streams, protocol, request, gone.signal);
    await connection.close();
  })();
  await Promise.all([served, carried]).finally(() => stopping.removeEventListener('abort', onStop));
}

async function carry(
  streams: ReadonlyMap<string, SpdyStream>,
  protocol: string,
  request: ExecRequest,
  signal: AbortSignal,
): Promise<void> {
  const of = (name: string): SpdyStream | undefined => streams.get(name);
  const [stdin, stdout, stderr, resize] = ['stdin', 'stdout', 'stderr', 'resize'].map(of);
  // The client only ends what it does not write to.
  for (const name of ['error', 'stdout', 'stderr']) of(name)?.resume();
  const to = (stream: SpdyStream) => async (chunk: Uint8Array) => void (await writeTo(stream, chunk));
  const given: ExecStreams = {
    ...(stdin ? { stdin: untilClosed(stdin) } : {}),
    ...(stdout ? { stdout: to(stdout) } : {}),
    ...(stderr ? { stderr: to(stderr) } : {}),
    ...(resize ? { resize: sizes(resize) } : {}),
    signal,
  };
  const status = await runExec(request, given);
  const says = /^v[45]\./.test(protocol) ? JSON.stringify(status) : (status.message ?? '');
  const ended = [stdout, stderr].filter((stream) => stream !== undefined);
  for (const stream of ended) stream.end();
  const error = of('error');
  if (error) ended.push(error.end(says));
  await Promise.allSettled(ended.map((stream) => finished(stream, { readable: false })));
}

/** A client that leaves has no more to say: that is an end like any other. */
async function* untilClosed(stream: SpdyStream): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) yield chunk as Uint8Array;
  } catch {
    // It was reset.
  }
}

/** JSON documents, one a line. */
async function* sizes(stream: SpdyStream): AsyncGenerator<TerminalSize> {
  let rest = '';
  for await (const chunk of untilClosed(stream)) {
    const lines = (rest + Buffer.from(chunk).toString('latin1')).split('\n');
    rest = (lines.pop() ?? '').slice(0, maxSizeBytes);
    for (const line of lines) {
      const size = readSize(Buffer.from(line, 'latin1'));
      if (size) yield size;
    }
  }
}
