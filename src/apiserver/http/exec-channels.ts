/**
 * Exec and attach over a connection of messages: several streams as channels of one connection (control-plane §3.2).
 *
 * Each message is a channel number and data: 0 stdin, 1 stdout, 2 stderr, 3 the final Status, 4 terminal sizes;
 * in v5 a message `255, n` says that channel n has ended.
 */
import type { ExecStreams, TerminalSize } from '../../api/index.js';
import type { ExecSocket } from '../exec-socket.js';
import type { ExecRequest } from '../rest/pod-streams.js';
import { readSize, runExec } from '../streams/exec-outcome.js';
import { bytePipe, Pipe } from '../streams/pipe.js';

/** Best first: what both sides know is taken. */
export const execProtocols = [
  'v5.channel.k8s.io',
  'v4.channel.k8s.io',
  'v4.base64.channel.k8s.io',
  'channel.k8s.io',
  'base64.channel.k8s.io',
] as const;

const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/** Carries one exec or attach over the socket; resolves when it is over and the socket is closed. */
export async function serveExec(
  socket: ExecSocket,
  request: ExecRequest,
  stopping: AbortSignal,
): Promise<void> {
  const base64 = socket.protocol.includes('base64');
  const gone = new AbortController();
  const stdin = bytePipe();
  const sizes = new Pipe<TerminalSize>(100, () => 1);
  const send = (to: number, data: Uint8Array): void | Promise<void> =>
    base64
      ? socket.send(`${to}${Buffer.from(data).toString('base64')}`)
      : socket.send(Buffer.concat([Buffer.of(to), data]));
  socket.onMessage((data) => {
    const [to, bytes] = base64
      ? [
          Number(String.fromCharCode(data[0] ?? 0)),
          Buffer.from(Buffer.from(data.subarray(1)).toString('latin1'), 'base64'),
        ]
      : [data[0], data.subarray(1)];
    if (to === channel.stdin) return request.stdin ? stdin.push(bytes) : undefined;
    if (to === channel.close && bytes[0] === channel.stdin) stdin.end();
    else if (to === channel.resize && request.tty) {
      const size = readSize(bytes);
      return size ? sizes.push(size) : undefined;
    }
    return undefined;
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
  await send(
    request.stdout ? channel.stdout : request.stderr ? channel.stderr : channel.error,
    Buffer.alloc(0),
  );
  const streams: ExecStreams = {
    ...(request.stdin ? { stdin } : {}),
    ...(request.stdout ? { stdout: (chunk: Uint8Array) => send(channel.stdout, chunk) } : {}),
    ...(request.stderr ? { stderr: (chunk: Uint8Array) => send(channel.stderr, chunk) } : {}),
    ...(request.tty ? { resize: sizes } : {}),
    signal: gone.signal,
  };
  const status = await runExec(request, streams);
  const modern = /^v[45]\./.test(socket.protocol);
  if (modern) await send(channel.error, Buffer.from(JSON.stringify(status)));
  else if (status.status !== 'Success') await send(channel.error, Buffer.from(status.message ?? ''));
  stopping.removeEventListener('abort', onStop);
  await socket.close(1000);
}
