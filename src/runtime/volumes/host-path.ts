/** hostPath volumes: paths of the node, checked for what the pod expects there (KL-15). */
import { mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Stats } from 'node:fs';
import type { Shared } from '../../api/index.js';
import type { HostPathVolumeSource } from '../../api/kinds/core/v1.js';

const expected: Readonly<Record<string, readonly [(stats: Stats) => boolean, string]>> = {
  Directory: [(stats) => stats.isDirectory(), 'a directory'],
  DirectoryOrCreate: [(stats) => stats.isDirectory(), 'a directory'],
  File: [(stats) => stats.isFile(), 'a file'],
  FileOrCreate: [(stats) => stats.isFile(), 'a file'],
  Socket: [(stats) => stats.isSocket(), 'a socket file'],
  CharDevice: [(stats) => stats.isCharacterDevice(), 'a character device'],
  BlockDevice: [(stats) => stats.isBlockDevice(), 'a block device'],
};

/**
 * Checks, and for the OrCreate types makes, the path. Without a type nothing is checked but that it is there:
 * nothing is made on the node that was not asked for. @throws Error worded like the kubelet
 */
export async function prepareHostPath({ path, type = '' }: Shared<HostPathVolumeSource>): Promise<string> {
  if (!path.startsWith('/')) throw new Error(`hostPath ${path} must be an absolute path`);
  if (path.split('/').includes('..')) throw new Error(`hostPath ${path} must not contain '..'`);
  const stats = await existing(path);
  if (type === '') {
    if (!stats)
      throw new Error(`hostPath ${path} does not exist; with type DirectoryOrCreate it would be made`);
    return path;
  }
  const rule = Object.hasOwn(expected, type) ? expected[type] : undefined;
  if (!rule) throw new Error(`${type} is an invalid volume type`);
  if (!stats && type === 'DirectoryOrCreate') {
    await mkdir(path, { recursive: true, mode: 0o755 });
    return path;
  }
  if (!stats && type === 'FileOrCreate') {
    if (!(await existing(dirname(path)))) throw new Error(`open ${path}: no such file or directory`);
    await (await open(path, 'a', 0o644)).close();
    return path;
  }
  const [fits, what] = rule;
  if (!stats || !fits(stats)) throw new Error(`hostPath type check failed: ${path} is not ${what}`);
  return path;
}

async function existing(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}
