/**
 * Exec and attach over a connection of messages: several streams as channels of one connection (control-plane §3.2).
 *
 * Each message is a channel number and data: 0 stdin, 1 stdout, 2 stderr, 3 the final Status, 4 terminal sizes;
 * in v5 a message `255, n` says that channel n has ended.
 */
import type { WebSocket } from 'ws';
import { isApiError, type ExecStreams, type Status, type TerminalSize } from '../../api/index.js';
import type { ExecSocket } from '../exec-socket.js';
import type { ExecRequest } from '../rest/pod-streams.js';

/** Best first: what both sides know is taken. */
export const execProtocols = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'channel.k8s.io',
  'base64.channel.k8s.io',
] as const;

const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/** A stream that is written from one side and read from the other; never more than one reader. */
class Pipe<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  #ended = false;
  #wake: () => void = () => {};

  push(item: T): void {
    if (this.#ended) return;
    this.#items.push(item);
    this.#wake();
  }
  end(): void {
    this.#ended = true;
    this.#wake();
  }
  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) yield item;
      else if (this.#ended) return;
      else
        await new Promise<void>((wake) => {
          this.#wake = wake;
        });
    }
  }
}

/** A WebSocket as the connection of an exec. */
export function webSocketConnection(socket: WebSocket): ExecSocket {
  return {
    protocol: socket.protocol,
    send: (message) => {
      if (socket.readyState === socket.OPEN) socket.send(message, { binary: typeof message !== 'string' });
    },
    onMessage: (listener) => void socket.on('message', (data: Buffer) => listener(data)),
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

/** Carries one exec or attach over the socket; resolves when it is over and the socket is closed. */
export async function serveExec(
  socket: ExecSocket,
  request: ExecRequest,
  stopping: AbortSignal,
): Promise<void> {
  const base64 = socket.protocol.includes('base64');
  const gone = new AbortController();
  const stdin = new Pipe<Uint8Array>();
  const sizes = new Pipe<TerminalSize>();
  const send = (to: number, data: Uint8Array): void => {
    if (base64) socket.send(`${to}${Buffer.from(data).toString('base64')}`);
    else socket.send(Buffer.concat([Buffer.of(to), data]));
  };
  socket.onMessage((data) => {
    const [to, bytes] = base64
      ? [
          Number(String.fromCharCode(data[0] ?? 0)),
          Buffer.from(Buffer.from(data.subarray(1)).toString('latin1'), 'base64'),
        ]
      : [data[0], data.subarray(1)];
    if (to === channel.stdin) stdin.push(bytes);
    else if (to === channel.close && bytes[0] === channel.stdin) stdin.end();
    else if (to === channel.resize) {
      const size = readSize(bytes);
      if (size) sizes.push(size);
    }
  });
  const leave = (): void => {
    gone.abort();
    stdin.end();
    sizes.end();
  };
  socket.onGone(leave);
  const onStop = (): void => void socket.close(1001);
  stopping.addEventListener('abort', onStop, { once: true });
  if (stopping.aborted) onStop();

  // Tells the client that its channels are open.
  send(request.stdout ? channel.stdout : request.stderr ? channel.stderr : channel.error, Buffer.alloc(0));
  const streams: ExecStreams = {
    ...(request.stdin ? { stdin } : {}),
    ...(request.stdout ? { stdout: (chunk: Uint8Array) => send(channel.stdout, chunk) } : {}),
    ...(request.stderr ? { stderr: (chunk: Uint8Array) => send(channel.stderr, chunk) } : {}),
    ...(request.tty ? { resize: sizes } : {}),
    signal: gone.signal,
  };
  const status = await outcome(request, streams);
  const modern = /^v[45]\./.test(socket.protocol);
  if (modern) send(channel.error, Buffer.from(JSON.stringify(status)));
  else if (status.status !== 'Success') send(channel.error, Buffer.from(status.message ?? ''));
  stopping.removeEventListener('abort', onStop);
  await socket.close(1000);
}

async function outcome(
  { connector, target, attach, command, tty }: ExecRequest,
  streams: ExecStreams,
): Promise<Partial<Status>> {
  try {
    if (attach) {
      await connector.attach(target, { tty }, streams);
      return { metadata: {}, status: 'Success' };
    }
    const code = await connector.exec(target, { command, tty }, streams);
    if (code === 0) return { metadata: {}, status: 'Success' };
    return {
      metadata: {},
      status: 'Failure',
      message: `command terminated with non-zero exit code: exit status ${code}`,
      reason: 'NonZeroExitCode',
      details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
    };
  } catch (error) {
    if (isApiError(error)) return error.status;
    return {
      metadata: {},
      status: 'Failure',
      message: `error executing command in container: ${(error as Error).message}`,
      reason: 'InternalError',
      code: 500,
    };
  }
}

function readSize(bytes: Uint8Array): TerminalSize | undefined {
  try {
    const { Width, Height } = JSON.parse(Buffer.from(bytes).toString('utf8')) as {
      readonly Width?: unknown;
      readonly Height?: unknown;
    };
    return typeof Width === 'number' && typeof Height === 'number'
      ? { width: Width, height: Height }
      : undefined;
  } catch {
    return undefined;
  }
}
