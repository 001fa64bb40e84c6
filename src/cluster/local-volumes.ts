/**
 * The directories of the local-path provisioner: one per volume, below one folder.
 *
 * Guarantees: nothing outside that folder is ever made, changed or removed, whatever a path, a name or a
 * symlink says; removing follows no symlink. Assumption: only this process's user can write to the folder
 * itself, and a volume's content is left alone by others while it is removed.
 */
import { chmod, lstat, mkdir, realpath, rm } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { dns1123Subdomain } from '../api/index.js';
import { type LocalVolumes, VolumeInUse } from '../builtin-controllers/index.js';

export class LocalVolumeDirectories implements LocalVolumes {
  readonly #folder: string;

  /** @param folder made when it is first needed; `<data directory>/volumes` */
  constructor(folder: string) {
    this.#folder = resolve(folder);
  }

  /** @throws Error for a name that is no object's, or one that something else than a directory has */
  async create(name: string): Promise<string> {
    assertName(name);
    await mkdir(this.#folder, { recursive: true, mode: 0o755 });
    const path = join(await realpath(this.#folder), name);
    try {
      await mkdir(path);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
      // Not stat: what a symlink points to is none of ours.
      if (!(await lstat(path)).isDirectory()) throw new Error(`${path} exists and is not a directory`);
    }
    // Containers run as any user; mkdir's own mode is cut by the umask.
    await chmod(path, 0o777);
    return path;
  }

  /** @throws VolumeInUse while something is mounted there; Error for a path outside the folder */
  async remove(path: string): Promise<void> {
    await this.#assertOwn(path);
    const found = await lstat(path).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    });
    if (!found) return;
    if (!found.isDirectory()) throw new Error(`${path} is not a directory: it is left alone`);
    try {
      await rm(path, { recursive: true, force: true });
    } catch (error) {
      if (codeOf(error) === 'EBUSY') throw new VolumeInUse(`${path} is still in use`, { cause: error });
      throw error;
    }
  }

  /** A direct child of the folder, by real paths: neither `..` nor a linked parent leads anywhere else. */
  async #assertOwn(path: string): Promise<void> {
    const outside = new Error(`${path} is not a volume below ${this.#folder}: it is left alone`);
    if (!isAbsolute(path) || resolve(path) !== path || dns1123Subdomain(basename(path)).length > 0)
      throw outside;
    const [parent, own] = await Promise.all(
      [dirname(path), this.#folder].map((of) => realpath(of).catch(() => undefined)),
    );
    if (parent === undefined || parent !== own) throw outside;
  }
}

function assertName(name: string): void {
  const [why] = dns1123Subdomain(name);
  if (why !== undefined) throw new Error(`${JSON.stringify(name)} cannot name a volume: ${why}`);
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}
