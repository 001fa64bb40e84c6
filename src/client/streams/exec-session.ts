/**
 * A command in a container, or the container's own streams: several channels over one connection of messages.
 *
 * Each message is a channel number and data: 0 stdin, 1 stdout, 2 stderr, 3 the final Status, 4 terminal sizes; in v5
 * a message `255, n` says that channel n has ended.
 */
import {
  ApiError,
  isStatus,
  isTransportError,
  type MessageConnection,
  OutcomeUnknown,
  type Status,
  type TerminalSize,
  TransportError,
} from '../../api/index.js';
import type { RequestOptions } from '../client.js';
import { ByteQueue } from './byte-queue.js';

/** Best first. */
export const execProtocols = ['v5.channel.k8s.io', 'v4.channel.k8s.io'] as const;

const channel = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/** What may lie unread in one stream that is being read before the container has to wait. */
const maxUnreadBytes = 1024 * 1024;
const pieceBytes = 32 * 1024;

export interface AttachOptions extends RequestOptions {
  /** Default: the pod's only container. */
  readonly container?: string;
  /** Opens `stdin`. Default false. */
  readonly stdin?: boolean;
  /** Default true. */
  readonly stdout?: boolean;
  /** Default true, but never with a terminal, which has one output. */
  readonly stderr?: boolean;
  /** A terminal. Default false. */
  readonly tty?: boolean;
}

export interface ExecOptions extends AttachOptions {
  /** The program and its arguments; no shell reads them. */
  readonly command: readonly string[];
}

/** Leaving the scope (`await using`) closes it. */
export interface ExecSession extends AsyncDisposable {
  /**
   * What the command writes, for one reader each. A reader that is slow makes the command wait; what nobody reads
   * is kept in memory until the session ends.
   */
  readonly stdout: AsyncIterable<Uint8Array>;
  readonly stderr: AsyncIterable<Uint8Array>;
  /** What the command reads. Resolves when it is on its way. */
  readonly stdin: {
    write(data: string | Uint8Array): Promise<void>;
    /** The command reads the end. @throws TransportError from servers before 1.30, which cannot be told */
    end(): Promise<void>;
  };
  /** Tells the terminal's size. */
  resize(size: TerminalSize): Promise<void>;
  /**
   * How the command ended: 0 for success, also when an attached container ended. Rejects with ApiError when it
   * could not be run, OutcomeUnknown when the connection broke before its end, and the signal's reason.
   */
  readonly exitCode: Promise<number>;
  /** Reads both outputs as text until the end. */
  collect(): Promise<{ readonly stdout: string; readonly stderr: string; readonly exitCode: number }>;
  /** Ends the connection; a command that is not done may go on. */
  close(): void;
}

export function execQuery(
  options: AttachOptions & { readonly command?: readonly string[] },
): Record<string, string | readonly string[] | undefined> {
  const { command, container, stdin, stdout = true, stderr = true, tty } = options;
  return {
    command,
    container,
    stdin: stdin ? 'true' : undefined,
    stdout: stdout ? 'true' : undefined,
    stderr: stderr && !tty ? 'true' : undefined,
    tty: tty ? 'true' : undefined,
  };
}

export class ChannelSession implements ExecSession {
  readonly stdout = new ByteQueue(maxUnreadBytes);
  readonly stderr = new ByteQueue(maxUnreadBytes);
  readonly stdin: ExecSession['stdin'];
  readonly exitCode: Promise<number>;
  readonly #connection: MessageConnection;

  constructor(connection: MessageConnection, options: Pick<AttachOptions, 'stdin'>) {
    this.#connection = connection;
    this.stdin = {
      write: async (data) => {
        if (!options.stdin) throw new TypeError('stdin is not open: ask for it with stdin: true');
        const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data;
        const sent: Promise<void>[] = [];
        for (let at = 0; at < bytes.length; at += pieceBytes)
          sent.push(connection.send(message(channel.stdin, bytes.subarray(at, at + pieceBytes))));
        await Promise.all(sent);
      },
      end: async () => {
        if (!connection.protocol.startsWith('v5.'))
          throw new TransportError(
            `the server speaks ${connection.protocol}, which cannot tell the end of stdin`,
          );
        await connection.send(Uint8Array.of(channel.close, channel.stdin));
      },
    };
    this.exitCode = this.#pump();
    // It may be of no interest to anybody.
    this.exitCode.catch(() => {});
  }

  async resize({ width, height }: TerminalSize): Promise<void> {
    const size = new TextEncoder().encode(JSON.stringify({ Width: width, Height: height }));
    await this.#connection.send(message(channel.resize, size));
  }

  async collect(): Promise<{ stdout: string; stderr: string; exitCode: number }> {
    const [stdout, stderr, exitCode] = await Promise.all([
      textOf(this.stdout),
      textOf(this.stderr),
      this.exitCode,
    ]);
    return { stdout, stderr, exitCode };
  }

  close(): void {
    this.#connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  async #pump(): Promise<number> {
    try {
      const status = await this.#read();
      if (!status) throw new OutcomeUnknown('the connection ended before the command did');
      const code = exitCodeOf(status);
      this.stdout.end();
      this.stderr.end();
      return code;
    } catch (failure) {
      // To the transport it was a read, but a command may have done anything.
      const error = isTransportError(failure)
        ? new OutcomeUnknown(failure.message, { cause: failure })
        : failure;
      // What could not be run wrote nothing, and what was written was all of it.
      const end = error instanceof ApiError ? {} : { error };
      this.stdout.end(end);
      this.stderr.end(end);
      throw error;
    } finally {
      this.#connection.close();
    }
  }

  async #read(): Promise<Status | undefined> {
    for await (const received of this.#connection.messages) {
      const data = received.subarray(1);
      switch (received[0]) {
        case channel.stdout:
          await this.stdout.push(data);
          break;
        case channel.stderr:
          await this.stderr.push(data);
          break;
        case channel.error:
          // An empty one only says that the channel is there.
          if (data.length > 0) return statusOf(data);
      }
    }
    return undefined;
  }
}

function message(to: number, data: Uint8Array): Uint8Array {
  const whole = new Uint8Array(data.length + 1);
  whole[0] = to;
  whole.set(data, 1);
  return whole;
}

function statusOf(data: Uint8Array): Status {
  const text = new TextDecoder().decode(data);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const outcome = (value as { readonly status?: unknown } | undefined)?.status;
  if (isStatus(value)) return value;
  const shaped =
    outcome === 'Success' || outcome === 'Failure' ? (value as Partial<Status>) : { message: text };
  return { metadata: {}, status: 'Failure', ...shaped, kind: 'Status', apiVersion: 'v1' };
}

/** @throws ApiError when there is no exit code to tell */
function exitCodeOf(status: Status): number {
  if (status.status === 'Success') return 0;
  const cause = status.details?.causes?.find(({ reason }) => reason === 'ExitCode');
  const code = Number(cause?.message);
  if (status.reason === 'NonZeroExitCode' && Number.isInteger(code)) return code;
  throw new ApiError(status);
}

async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of stream) text += decoder.decode(chunk, { stream: true });
  return text + decoder.decode();
}
