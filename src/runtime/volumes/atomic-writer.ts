/**
 * Writes a set of files so that readers see the old or the new set, never a mixture (KL-15):
 *
 *     <volume>/key            -> ..data/key
 *     <volume>/..data         -> ..2026_11_23_15_04_05.abcdefgh   (replaced by one rename)
 *     <volume>/..2026_…/key      the content
 *
 * Nothing is touched when nothing has changed. What a crash left half-written is cleared away the next time.
 */
import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Clock, type Random, randomSuffix } from '../../api/index.js';

export interface ProjectedFile {
  readonly content: Uint8Array;
  /** Permission bits. */
  readonly mode: number;
}

/** By path relative to the volume, `/` between parts. */
export type Payload = ReadonlyMap<string, ProjectedFile>;

const dataLink = '..data';
const newDataLink = '..data_tmp';

/** @throws Error for a path that could lead out of the volume, or meddle with the writer's own files */
export function checkProjectedPath(path: string): void {
  if (path === '') throw new Error('invalid path: must not be empty: ""');
  if (path.startsWith('/')) throw new Error(`invalid path: must be relative path: ${path}`);
  if (path.split('/').includes('..')) throw new Error(`invalid path: must not contain '..': ${path}`);
  if (path.startsWith('..')) throw new Error(`invalid path: must not start with '..': ${path}`);
}

/** True when something was written. @throws Error for bad paths, before anything is written */
export async function writeAtomicVolume(
  volume: string,
  payload: Payload,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): Promise<boolean> {
  for (const path of payload.keys()) checkProjectedPath(path);
  await mkdir(volume, { recursive: true, mode: 0o755 });
  const current = await readlink(join(volume, dataLink)).catch(() => undefined);
  const changed = current === undefined || !(await holds(join(volume, current), payload));
  let data = current;
  if (changed) {
    const time = new Date(clock.now()).toISOString().slice(0, 19).replace(/[-T:]/g, '_');
    data = `..${time}.${randomSuffix(random, 10)}`;
    await writeFiles(join(volume, data), payload);
    await rm(join(volume, newDataLink), { force: true });
    await symlink(data, join(volume, newDataLink));
    await rename(join(volume, newDataLink), join(volume, dataLink));
  }
  await tidy(volume, data ?? '', payload);
  return changed;
}

async function writeFiles(dir: string, payload: Payload): Promise<void> {
  await mkdir(dir, { mode: 0o755 });
  await chmod(dir, 0o755);
  for (const [path, { content, mode }] of payload) {
    const file = join(dir, path);
    await mkdir(dirname(file), { recursive: true, mode: 0o755 });
    await writeFile(file, content, { mode: 0o600, flag: 'wx' });
    await chmod(file, mode);
  }
}

/** True when a directory has exactly these files. */
async function holds(dir: string, payload: Payload): Promise<boolean> {
  try {
    const found = await readdir(dir, { recursive: true, withFileTypes: true });
    const files = found.filter((entry) => !entry.isDirectory());
    if (files.length !== payload.size) return false;
    for (const [path, { content, mode }] of payload) {
      const file = join(dir, path);
      const stat = await lstat(file);
      if (!stat.isFile() || (stat.mode & 0o777) !== (mode & 0o777)) return false;
      if (!(await readFile(file)).equals(content)) return false;
    }
    return true;
  } catch {
    return false;
  }
}

/** The visible links are those of the payload, and there is one data directory. */
async function tidy(volume: string, data: string, payload: Payload): Promise<void> {
  const visible = new Set([...payload.keys()].map((path) => path.split('/')[0] ?? path));
  const present = await readdir(volume);
  for (const name of visible) {
    if (!present.includes(name)) await symlink(join(dataLink, name), join(volume, name));
  }
  for (const name of present) {
    if (name === dataLink || name === data || visible.has(name)) continue;
    await rm(join(volume, name), { recursive: true, force: true });
  }
}
