/** `gyre restore`: a cluster out of a backup. */
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { lifetimeOf } from '../apiserver/index.js';
import { restoreEmbedded, storePath } from '../cluster/index.js';
import {
  type Archive,
  type ArchiveFiles,
  BadArchive,
  readArchive,
  restoreSnapshot,
  StoreNotEmpty,
} from '../store/index.js';
import { systemClock } from '../system/index.js';
import { readWords, UsageError } from './arguments.js';
import { etcdOptions, openEtcd, readEtcdTarget } from './etcd-target.js';

export const restoreHelp = `Usage: gyre restore FILE [options]

Makes a cluster of what gyre backup has written. It begins where there is none yet: nothing is overwritten, and a file that is
not whole is refused before anything is written. Then: gyre up, with the same options.

  --data-dir DIR      where to; it may not hold a cluster                     (default .gyre)
  --etcd-servers URL[,URL…]
                      put the objects into this etcd instead; the certificates still go to the data directory
  --etcd-prefix PATH  what all its keys begin with; nothing may be there      (default /gyre)
  --etcd-cafile, --etcd-certfile, --etcd-keyfile FILE
                      whom to believe, and who to be, for https
  --help

Objects keep their names and UIDs, and get new versions: whoever watches lists anew. Events last another hour.
`;

/** The only files that a backup has; what else it says is written nowhere. */
const fileName = /^pki\/[a-z0-9-]+\.(?:crt|key)$/;

/** @throws UsageError */
export async function restore(args: readonly string[], print: (text: string) => void): Promise<number> {
  const { words, given } = readWords('restore', args, ['FILE'], {
    'data-dir': { type: 'string', default: '.gyre' },
    ...etcdOptions,
    help: { type: 'boolean', default: false },
  });
  if (given.help) {
    print(restoreHelp);
    return 0;
  }
  const file = resolve(words[0] as string);
  const dataDir = resolve(given['data-dir']);
  const etcd = readEtcdTarget(given);
  const { snapshot, files } = await archiveIn(file);
  const inTheWay = etcd ? undefined : existsSync(storePath(dataDir));
  if (inTheWay)
    throw new UsageError(
      `restore: ${dataDir} holds a cluster`,
      '--data-dir names a directory that holds none',
    );
  await restoreFiles(dataDir, files);
  if (etcd) {
    const store = await openEtcd(etcd);
    try {
      await restoreSnapshot(store, snapshot, lifetimeOf);
    } catch (error) {
      if (!(error instanceof StoreNotEmpty)) throw error;
      throw new UsageError(
        'restore: this etcd holds a cluster at that prefix',
        '--etcd-prefix names a place where nothing is yet',
      );
    } finally {
      await store.close();
    }
  } else await restoreEmbedded(dataDir, snapshot, systemClock);
  print(
    `${snapshot.entries.length} objects of ${new Date(snapshot.time).toISOString()} restored into ${etcd ? etcd.endpoints.join(', ') : dataDir}\n` +
      `  next        gyre up --data-dir ${given['data-dir']}${given['etcd-servers'] === undefined ? '' : ` --etcd-servers ${given['etcd-servers']}`}\n`,
  );
  return 0;
}

/** @throws UsageError for what is no backup, or not whole */
async function archiveIn(file: string): Promise<Archive> {
  try {
    const archive = await readArchive(createReadStream(file));
    const strange = Object.keys(archive.files).find((name) => !fileName.test(name));
    if (strange !== undefined) throw new BadArchive(`it holds a file ${JSON.stringify(strange)}`);
    return archive;
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (error instanceof BadArchive)
      throw new UsageError(
        `restore: ${file} cannot be used: ${message}`,
        'nothing was changed; gyre backup writes such files',
      );
    if (code === undefined) throw error;
    throw new UsageError(
      `restore: cannot read ${file}: ${message}`,
      'name a file that gyre backup has written',
    );
  }
}

/** All of them, where there are none; those of before, left by a restore that was cut off, are as good. @throws UsageError */
async function restoreFiles(dataDir: string, files: ArchiveFiles): Promise<void> {
  const names = Object.keys(files);
  if (names.length === 0) return;
  const dir = join(dataDir, 'pki');
  if (existsSync(dir)) {
    const same = (name: string): boolean =>
      existsSync(join(dataDir, name)) && readFileSync(join(dataDir, name), 'utf8') === files[name];
    if (names.every(same)) return;
    throw new UsageError(
      `restore: ${dir} holds other certificates than the backup`,
      '--data-dir names a directory that holds none',
    );
  }
  const making = join(dataDir, 'restoring');
  try {
    await rm(making, { recursive: true, force: true });
    for (const name of names) {
      const path = join(making, name);
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeFile(path, files[name] ?? '', { mode: name.endsWith('.key') ? 0o600 : 0o644 });
    }
    await rename(join(making, 'pki'), dir);
  } catch (error) {
    throw new UsageError(
      `restore: cannot write ${dataDir}: ${(error as Error).message}`,
      '--data-dir names a directory that can be written to',
    );
  } finally {
    await rm(making, { recursive: true, force: true });
  }
}
