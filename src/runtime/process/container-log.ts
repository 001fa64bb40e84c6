/**
 * Follows what a container wrote (two files its shim appends to) and writes its log. Nothing is lost or
 * doubled when we are killed at any moment: how far the log has come is read from the log itself, from the
 * last checkpoint on. Times are those of reading.
 */
import { execFile } from 'node:child_process';
import {
  closeSync,
  existsSync,
  fstatSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
} from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../../api/index.js';
import { countLogged, encodeLog, type LogStream } from './cri-log.js';
import { writeAtomically } from './records.js';

const chunkBytes = 128 * 1024;
/** A new life reads at most about this much of the log. */
const checkpointBytes = 1024 * 1024;
/** Raw output that has been logged is given back to the file system in pieces of this size. */
const releaseBytes = 8 * 1024 * 1024;

interface Position {
  /** Bytes of the log. */
  readonly log: number;
  /** Bytes of raw output these stand for. */
  readonly stdout: number;
  readonly stderr: number;
}

export interface ContainerLogFiles {
  /** `<raw>.stdout`, `<raw>.stderr`, and the checkpoint `<raw>.pos`. */
  readonly raw: string;
  readonly log: string;
}

export class ContainerLog {
  readonly #files: ContainerLogFiles;
  readonly #clock: Clock;
  readonly #onError: (error: unknown) => void;
  readonly #read: Record<LogStream, number> = { stdout: 0, stderr: 0 };
  readonly #released: Record<LogStream, number> = { stdout: 0, stderr: 0 };
  #log: FileHandle | undefined;
  #size = 0;
  #checkpoint = 0;
  #dirty = false;
  #finishing = false;
  #closed = false;
  #running: Promise<void> | undefined;

  constructor(files: ContainerLogFiles, clock: Clock, onError: (error: unknown) => void) {
    this.#files = files;
    this.#clock = clock;
    this.#onError = onError;
  }

  /** There may be something new. */
  poke(): void {
    this.#dirty = true;
    if (this.#closed || this.#finishing) return;
    this.#running ??= this.#follow().finally(() => {
      this.#running = undefined;
      if (this.#dirty && !this.#closed) this.poke();
    });
  }

  /** Writes everything there is, an unfinished line included. Call it once nothing more will come. */
  async finish(): Promise<void> {
    // From here on nobody else copies: two at once would write the same lines twice.
    this.#finishing = true;
    await this.#running;
    if (this.#closed) return;
    await this.#guard(async () => {
      await this.#copyAll(true);
      this.#save();
    });
    await this.close();
  }

  /** Stops; a later life goes on from here. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
    await this.#log?.close();
    this.#log = undefined;
  }

  async #follow(): Promise<void> {
    this.#dirty = false;
    await this.#guard(() => this.#copyAll(false));
  }

  async #guard(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.#onError(error);
    }
  }

  async #copyAll(final: boolean): Promise<void> {
    this.#log ??= await this.#open();
    for (let more = true; more && (final || !this.#closed); ) {
      const out = await this.#copy('stdout', final);
      const err = await this.#copy('stderr', final);
      more = out || err;
    }
  }

  /** One chunk; true when there was one. */
  async #copy(stream: LogStream, final: boolean): Promise<boolean> {
    const path = `${this.#files.raw}.${stream}`;
    if (!existsSync(path)) return false;
    const source = await open(path, 'r');
    try {
      const buffer = Buffer.allocUnsafe(chunkBytes);
      const { bytesRead } = await source.read(buffer, 0, chunkBytes, this.#read[stream]);
      const last = final && bytesRead < chunkBytes;
      const { lines, consumed } = encodeLog(buffer.subarray(0, bytesRead), stream, this.#clock.now(), last);
      if (consumed === 0) return false;
      await this.#log?.appendFile(lines);
      this.#size += lines.length;
      this.#read[stream] += consumed;
      if (this.#size - this.#checkpoint >= checkpointBytes) this.#save();
      this.#release(stream, path);
      return true;
    } finally {
      await source.close();
    }
  }

  #save(): void {
    const position: Position = { log: this.#size, ...this.#read };
    writeAtomically(`${this.#files.raw}.pos`, JSON.stringify(position));
    this.#checkpoint = this.#size;
  }

  /** Punches a hole into what is logged, where the system can: then raw output takes no lasting space. */
  #release(stream: LogStream, path: string): void {
    const length = this.#read[stream] - this.#released[stream];
    if (length < releaseBytes || process.platform !== 'linux') return;
    this.#released[stream] = this.#read[stream];
    this.#save();
    execFile(
      'fallocate',
      ['--punch-hole', '--offset', '0', '--length', String(this.#read[stream]), path],
      () => {
        // Best effort: without it the file only stays as large as it is.
      },
    );
  }

  /** Opens the log at its last whole line, and finds out what that stands for. */
  async #open(): Promise<FileHandle> {
    const { log, raw } = this.#files;
    mkdirSync(dirname(log), { recursive: true, mode: 0o755 });
    let position: Position = { log: 0, stdout: 0, stderr: 0 };
    try {
      position = JSON.parse(readFileSync(`${raw}.pos`, 'utf8')) as Position;
    } catch {
      // None yet.
    }
    const fd = openSync(log, 'a+', 0o640);
    try {
      const { size } = fstatSync(fd);
      // Somebody rotated it: what is in it now is not known, what was written before is.
      const from = Math.min(position.log, size);
      const tail = Buffer.alloc(size - from);
      readSync(fd, tail, 0, tail.length, from);
      const whole = tail.lastIndexOf(0x0a) + 1;
      if (whole < tail.length) ftruncateSync(fd, from + whole);
      const counted = countLogged(tail.subarray(0, whole));
      this.#read.stdout = position.stdout + counted.stdout;
      this.#read.stderr = position.stderr + counted.stderr;
      this.#size = from + whole;
      this.#checkpoint = position.log;
    } finally {
      closeSync(fd);
    }
    return await open(log, 'a', 0o640);
  }
}
