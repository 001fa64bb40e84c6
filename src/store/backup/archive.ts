/**
 * A snapshot as a file: JSON, one line each, compressed by gzip. The first line says what it is, the last one how many
 * entries there were and what they hash to, so a file that was cut off or damaged is never taken for a whole one.
 *
 * ```
 * {"gyre":"backup","format":1,"revision":1764500000123,"time":"2026-11-30T12:00:00.000Z"}
 * {"file":"pki/ca.crt","text":"-----BEGIN CERTIFICATE-----…"}
 * {"k":"/apps/deployments/default/web","r":1764500000100,"c":1764500000090,"v":{…}}
 * {"entries":1,"files":1,"sha256":"…"}
 * ```
 * Values are as they are stored: what is encrypted at rest is encrypted here.
 */
import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import { PassThrough, Readable } from 'node:stream';
import { createGunzip, createGzip } from 'node:zlib';
import type { StoreEntry } from '../store.js';
import type { StoreSnapshot } from './snapshot.js';

/** What a backup holds beside the store: files by their path, which is relative and goes nowhere else. */
export type ArchiveFiles = Readonly<Record<string, string>>;

export interface Archive {
  readonly snapshot: StoreSnapshot;
  readonly files: ArchiveFiles;
}

/** It is no backup, of a later format, or not whole. */
export class BadArchive extends Error {
  override readonly name = 'BadArchive';
}

const format = 1;
/** Characters that are gathered before they are passed on: others have their turn in between. */
const chunkLength = 64 * 1024;
/** One object is no longer than this; what claims to be would only fill the memory. */
const maxLineBytes = 64 * 1024 * 1024;

/** The bytes of the file, made as they are read. */
export function writeArchive({ snapshot, files }: Archive): AsyncIterable<Uint8Array> {
  // Speed before size: a backup of a live cluster shares its thread.
  const zip = createGzip({ level: 1 });
  const source = Readable.from(lines(snapshot, files), { objectMode: false });
  pipeline(source, zip).catch((error: Error) => zip.destroy(error));
  return zip;
}

async function* lines(
  { revision, time, entries }: StoreSnapshot,
  files: ArchiveFiles,
): AsyncGenerator<string> {
  const hash = createHash('sha256');
  let text = '';
  const add = (line: object): void => {
    text += `${JSON.stringify(line)}\n`;
  };
  const flush = (): string => {
    const chunk = text;
    hash.update(chunk);
    text = '';
    return chunk;
  };
  add({ gyre: 'backup', format, revision, time: new Date(time).toISOString() });
  for (const [file, content] of Object.entries(files)) add({ file, text: content });
  for (const { key, value, revision: r, createRevision: c } of entries) {
    add({ k: key, r, c, v: value });
    if (text.length >= chunkLength) yield flush();
  }
  yield flush();
  const end = { entries: entries.length, files: Object.keys(files).length, sha256: hash.digest('hex') };
  yield `${JSON.stringify(end)}\n`;
}

/** Reads all of it, and gives nothing of what is not whole. @throws BadArchive */
export async function readArchive(bytes: AsyncIterable<Uint8Array>): Promise<Archive> {
  const reader = new ArchiveReader();
  const unzip = createGunzip();
  const sink = new PassThrough();
  const flowing = pipeline(Readable.from(bytes), unzip, sink);
  flowing.catch(() => {});
  try {
    for await (const chunk of sink) reader.push(chunk as Buffer);
    await flowing;
  } catch (error) {
    if (error instanceof BadArchive) throw error;
    const { code = '' } = error as NodeJS.ErrnoException;
    // What the file system says of the source is not about the content.
    if (!code.startsWith('Z_') && code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
    throw new BadArchive(
      code === 'Z_BUF_ERROR' ? 'it has been cut off' : 'it is no backup of gyre, or damaged',
      { cause: error },
    );
  }
  return reader.end();
}

interface Head {
  readonly revision: number;
  readonly time: number;
}

class ArchiveReader {
  readonly #hash = createHash('sha256');
  readonly #entries: StoreEntry[] = [];
  readonly #files: Record<string, string> = Object.create(null) as Record<string, string>;
  #parts: Buffer[] = [];
  #length = 0;
  #head: Head | undefined;
  #ended = false;

  push(chunk: Buffer): void {
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      this.#parts.push(chunk.subarray(from, at + 1));
      this.#line(Buffer.concat(this.#parts));
      this.#parts = [];
      this.#length = 0;
      from = at + 1;
    }
    if (from === chunk.length) return;
    this.#parts.push(chunk.subarray(from));
    this.#length += chunk.length - from;
    if (this.#length > maxLineBytes) throw new BadArchive('it has a line that is longer than any object');
  }

  end(): Archive {
    if (!this.#ended || !this.#head) throw new BadArchive('it has been cut off');
    return { snapshot: { ...this.#head, entries: this.#entries }, files: this.#files };
  }

  #line(bytes: Buffer): void {
    if (this.#ended) throw new BadArchive('it goes on after its end');
    const line = parsed(bytes);
    if (!this.#head) {
      this.#head = headOf(line);
      this.#hash.update(bytes);
      return;
    }
    if (typeof line.sha256 === 'string') {
      this.#ended = true;
      const whole =
        line.entries === this.#entries.length &&
        line.files === Object.keys(this.#files).length &&
        line.sha256 === this.#hash.digest('hex');
      if (!whole) throw new BadArchive('it is damaged: what it holds is not what was written');
      return;
    }
    this.#hash.update(bytes);
    if (typeof line.file === 'string' && typeof line.text === 'string') this.#files[line.file] = line.text;
    else this.#entries.push(entryOf(line));
  }
}

function parsed(bytes: Buffer): Record<string, unknown> {
  try {
    const line: unknown = JSON.parse(bytes.toString('utf8'));
    if (typeof line === 'object' && line !== null) return line as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new BadArchive('it is no backup of gyre, or damaged');
}

function headOf({ gyre, format: written, revision, time }: Record<string, unknown>): Head {
  const at = Date.parse(String(time));
  if (gyre !== 'backup' || typeof revision !== 'number' || Number.isNaN(at))
    throw new BadArchive('it is no backup of gyre');
  if (written !== format)
    throw new BadArchive(`it has format ${String(written)}; this version of gyre reads format ${format}`);
  return { revision, time: at };
}

function entryOf({ k, r, c, v }: Record<string, unknown>): StoreEntry {
  if (typeof k !== 'string' || typeof r !== 'number' || typeof v !== 'object' || v === null)
    throw new BadArchive('it is damaged: a line is no entry');
  return { key: k, value: v, revision: r, createRevision: typeof c === 'number' ? c : r };
}
