/**
 * subPath: a part of a volume, never anything outside of it, whatever links the volume holds. What is handed
 * out has its links resolved; only somebody who swaps directories for links at the very moment of mounting
 * could still mislead it.
 */
import { mkdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';

/** Makes missing directories. @throws Error */
export async function resolveSubPath(volume: string, subPath: string): Promise<string> {
  if (subPath.startsWith('/')) throw new Error(`subPath ${JSON.stringify(subPath)} must be a relative path`);
  const parts = subPath.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw new Error(`subPath ${JSON.stringify(subPath)} must not contain '..'`);
  const root = await realpath(volume);
  let at = root;
  for (const part of parts) {
    const next = join(at, part);
    const found = await realpath(next).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw new Error(`subPath ${JSON.stringify(subPath)} cannot be resolved: ${error.code}`);
    });
    if (found === undefined) {
      const { mode } = await stat(root);
      // A link to nothing is in the way here: EEXIST, never followed.
      await mkdir(next, { mode: mode & 0o777 }).catch((error: NodeJS.ErrnoException) => {
        throw new Error(`failed to create subPath directory ${JSON.stringify(subPath)}: ${error.code}`);
      });
      at = next;
      continue;
    }
    if (found !== root && !found.startsWith(root + sep)) {
      throw new Error(`subPath ${JSON.stringify(subPath)} leads out of the volume`);
    }
    at = found;
  }
  return at;
}
