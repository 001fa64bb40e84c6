/**
 * Attaching to what runs already: its output from now on, out of the files its shim writes, and its standard input, a
 * named pipe. Any number may be attached at once.
 */
import { constants, existsSync, openSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { AttachOptions } from '../container-runtime.js';
import { writeAll } from './write-all.js';

const chunkBytes = 64 * 1024;
/** Whoever lags behind by more misses what lies between: output that is logged does not stay forever. */
const maxLagBytes = 4 * 1024 * 1024;

export interface AttachTarget {
  /** Prefix of the container's files in the run directory. */
  readonly run: string;
  /** Of this container alone: its standard input is here. */
  readonly own: string;
  /** No more output will come. */
  readonly over: () => boolean;
  /** Calls back whenever there may be something new, until what it returns is called. */
  readonly onNews: (look: () => void) => () => void;
  /** Standard input ends with the first who ends his. */
  readonly stdinOnce: boolean;
}

/** Resolves when the container has ended and all it said was given on, or when the signal is aborted. */
export async function attachToContainer(target: AttachTarget, options: AttachOptions): Promise<void> {
  const { signal } = options;
  let wake: () => void = () => {};
  const look = (): void => wake();
  const forget = target.onNews(look);
  signal.addEventListener('abort', look);
  const outputs = await Promise.all([
    Output.at(`${target.run}.stdout`, options.stdout),
    Output.at(`${target.run}.stderr`, options.stderr),
  ]);
  const stdin = options.stdin && existsSync(join(target.own, 'stdin')) ? options.stdin : undefined;
  // What the client types may never end, and a container that takes no input is no failure.
  if (stdin) void feed(target, stdin).catch(() => {});
  try {
    while (!signal.aborted) {
      const news = new Promise<void>((resolve) => {
        wake = resolve;
      });
      // Looked at before the files: what was written before the end is then in them.
      const over = target.over();
      for (const output of outputs) await output.copy(signal);
      if (over) break;
      await news;
    }
  } finally {
    forget();
    signal.removeEventListener('abort', look);
    for (const output of outputs) await output.close();
  }
}

/** One of the two files, read from where it ended when attached. */
class Output {
  readonly #path: string;
  readonly #take: AttachOptions['stdout'];
  #file: FileHandle | undefined;
  #position = 0;

  private constructor(path: string, take: AttachOptions['stdout']) {
    this.#path = path;
    this.#take = take;
  }

  static async at(path: string, take: AttachOptions['stdout']): Promise<Output> {
    const output = new Output(path, take);
    if (take && (await output.#open())) output.#position = await output.#size();
    return output;
  }

  async copy(signal: AbortSignal): Promise<void> {
    if (!this.#take || !(await this.#open())) return;
    const lag = (await this.#size()) - this.#position;
    if (lag > maxLagBytes) this.#position += lag - maxLagBytes;
    while (!signal.aborted) {
      const buffer = Buffer.allocUnsafe(chunkBytes);
      const read = await this.#file?.read(buffer, 0, chunkBytes, this.#position);
      if (!read || read.bytesRead === 0) return;
      this.#position += read.bytesRead;
      await this.#take(buffer.subarray(0, read.bytesRead));
    }
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  async #size(): Promise<number> {
    return (await this.#file?.stat())?.size ?? 0;
  }

  /** False as long as the shim has not made it. */
  async #open(): Promise<boolean> {
    this.#file ??= await open(this.#path, 'r').catch(() => undefined);
    return this.#file !== undefined;
  }
}

async function feed({ own, stdinOnce }: AttachTarget, stdin: AsyncIterable<Uint8Array>): Promise<void> {
  // Without waiting: it fails when nobody is there to read.
  const flags = constants.O_WRONLY | constants.O_NONBLOCK;
  const socket = new Socket({ fd: openSync(join(own, 'stdin'), flags), readable: false, writable: true });
  try {
    await writeAll(stdin, socket);
  } finally {
    socket.destroy();
    if (stdinOnce) await endStdin(own);
  }
}

/** Has the shim let go of standard input: it ends once nobody else writes to it. Harmless when repeated. */
export async function endStdin(own: string): Promise<void> {
  try {
    const end = await open(join(own, 'stdin.end'), constants.O_WRONLY | constants.O_NONBLOCK);
    await end.close();
  } catch {
    // Nobody holds it any more.
  }
}
