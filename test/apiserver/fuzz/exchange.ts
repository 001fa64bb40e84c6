/** One connection to a server, byte by byte: what is sent, and what came back before it ended. */
import { connect as connectPlainly, type Socket } from 'node:net';
import { connect } from 'node:tls';
import type { Hostile } from './wire.js';

export interface Answer {
  readonly code: number;
  readonly type: string;
  readonly body: string;
}

export interface Exchanged {
  readonly answers: readonly Answer[];
  /** Neither answered nor ended in time. */
  readonly hangs: boolean;
}

/** Far longer than anything here takes, in milliseconds. */
const patience = 15_000;

export async function exchange(port: number, { plain, steps, ending, answers }: Hostile): Promise<Exchanged> {
  const socket: Socket = plain
    ? connectPlainly({ port, host: '127.0.0.1' })
    : connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  // Pieces go when they are written, not when the ones before have arrived.
  socket.setNoDelay(true);
  const received: Buffer[] = [];
  let wake = (): void => {};
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  // That a server ends what it does not like is all right.
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    received.push(chunk);
    wake();
  });
  let hangs = false;
  const late = setTimeout(() => {
    hangs = true;
    socket.destroy();
  }, patience);

  const opened = new Promise<void>((resolve) =>
    socket.once(plain ? 'connect' : 'secureConnect', () => resolve()),
  );
  await Promise.race([opened, ended]);
  for (const step of steps) {
    if (socket.destroyed) break;
    if (typeof step === 'number') await new Promise((resolve) => setTimeout(resolve, step));
    else socket.write(step);
  }
  if (ending === 'leaves') socket.destroy();
  if (ending === 'half-closes') socket.end();
  if (ending === 'waits') {
    const owed = new Promise<void>((resolve) => {
      wake = () => {
        if (answersIn(Buffer.concat(received), false).length >= answers) resolve();
      };
      wake();
    });
    await Promise.race([owed, ended]);
    socket.destroy();
  }
  await ended;
  clearTimeout(late);
  return { answers: answersIn(Buffer.concat(received), true), hangs };
}

/** The answers that are there as a whole, in their order. @param ended no more will come */
export function answersIn(bytes: Buffer, ended: boolean): Answer[] {
  const found: Answer[] = [];
  let at = 0;
  for (;;) {
    const end = bytes.indexOf('\r\n\r\n', at);
    if (end < 0) return found;
    const [status = '', ...lines] = bytes.toString('latin1', at, end).split('\r\n');
    const code = Number(/^HTTP\/1\.1 (\d{3})/.exec(status)?.[1] ?? 0);
    if (code === 0) throw new Error(`no answer of HTTP: ${status.slice(0, 200)}`);
    const headers = new Map(
      lines.map((line) => {
        const colon = line.indexOf(':');
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      }),
    );
    at = end + 4;
    if (code === 100) continue;
    const type = headers.get('content-type') ?? '';
    // What follows is another protocol.
    if (code === 101) return [...found, { code, type, body: '' }];
    const length = headers.get('content-length');
    const body =
      code === 204 || code === 304
        ? { text: '', next: at }
        : headers.get('transfer-encoding') === 'chunked'
          ? chunked(bytes, at)
          : length === undefined
            ? { text: bytes.toString('utf8', at), next: ended ? bytes.length : Number.POSITIVE_INFINITY }
            : { text: bytes.toString('utf8', at, at + Number(length)), next: at + Number(length) };
    if (body === undefined || body.next > bytes.length) return found;
    found.push({ code, type, body: body.text });
    at = body.next;
  }
}

function chunked(bytes: Buffer, from: number): { text: string; next: number } | undefined {
  const pieces: Buffer[] = [];
  for (let at = from; ; ) {
    const line = bytes.indexOf('\r\n', at);
    if (line < 0) return undefined;
    const size = Number.parseInt(bytes.toString('latin1', at, line), 16);
    const start = line + 2;
    if (start + size + 2 > bytes.length) return undefined;
    if (size === 0) return { text: Buffer.concat(pieces).toString('utf8'), next: start + 2 };
    pieces.push(bytes.subarray(start, start + size));
    at = start + size + 2;
  }
}
