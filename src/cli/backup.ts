/** `gyre backup`: all that a cluster is, as one file. `restore.ts` is the way back. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { isApiError, isTransportError } from '../api/index.js';
import { connect } from '../client/index.js';
import { storePath } from '../cluster/index.js';
import {
  type ArchiveFiles,
  BadArchive,
  type ObjectStore,
  openLmdbStore,
  readArchive,
  StoreLocked,
  type StoreSnapshot,
  takeSnapshot,
  writeArchive,
} from '../store/index.js';
import { systemClock } from '../system/index.js';
import { readOptions, UsageError } from './arguments.js';
import { type EtcdTarget, etcdOptions, openEtcd, readEtcdTarget } from './etcd-target.js';

export const backupHelp = `Usage: gyre backup --out FILE [options]

Writes all that a cluster is into one file: every object as it is stored, at one version, and the certificates and keys of the
data directory. The cluster may go on meanwhile. What is encrypted at rest is encrypted in the file; its certificates
and keys are not: keep it like those.

  --out FILE          where to; a file that exists is left alone
  --data-dir DIR      whose; a cluster that runs there is asked itself        (default .gyre)
  --kubeconfig FILE   ask the cluster of this kubeconfig instead; only a cluster admin may, and its certificates are not included
  --etcd-servers URL[,URL…]
                      read this etcd instead, be a server running or not
  --etcd-prefix PATH  what all its keys begin with                            (default /gyre)
  --etcd-cafile, --etcd-certfile, --etcd-keyfile FILE
                      whom to believe, and who to be, for https
  --help

gyre restore FILE makes a cluster of it.
`;

/** Where the server gives out a backup. */
const path = '/gyre.dev/v1/backup';

interface Source {
  readonly dataDir: string;
  readonly kubeconfig: string | undefined;
  readonly etcd: EtcdTarget | undefined;
}

/** @throws UsageError */
export async function backup(args: readonly string[], print: (text: string) => void): Promise<number> {
  const given = readOptions('backup', args, {
    out: { type: 'string' },
    'data-dir': { type: 'string', default: '.gyre' },
    kubeconfig: { type: 'string' },
    ...etcdOptions,
    help: { type: 'boolean', default: false },
  });
  if (given.help) {
    print(backupHelp);
    return 0;
  }
  if (given.out === undefined) throw new UsageError('backup: --out is missing', 'gyre backup --out FILE');
  const out = resolve(given.out);
  if (existsSync(out))
    throw new UsageError(`backup: ${out} exists`, '--out names a file that is not there yet');
  const source: Source = {
    dataDir: resolve(given['data-dir']),
    kubeconfig: given.kubeconfig === undefined ? undefined : resolve(given.kubeconfig),
    etcd: readEtcdTarget(given),
  };
  if (source.kubeconfig !== undefined && source.etcd)
    throw new UsageError(
      'backup: --kubeconfig and --etcd-servers name two clusters',
      'one of them is the one that is meant',
    );
  const snapshot = await snapshotOf(source);
  const files = source.kubeconfig === undefined ? filesOf(source.dataDir) : {};
  await write(out, writeArchive({ snapshot, files }));
  const withFiles =
    Object.keys(files).length === 0
      ? 'no certificates: there are none in the data directory'
      : `the certificates of ${source.dataDir}`;
  print(
    `${snapshot.entries.length} objects at version ${snapshot.revision} written to ${out} (${sizeText((await stat(out)).size)})\n` +
      (source.kubeconfig === undefined ? `  with ${withFiles}\n` : ''),
  );
  return 0;
}

async function snapshotOf({ dataDir, kubeconfig, etcd }: Source): Promise<StoreSnapshot> {
  if (kubeconfig !== undefined) return asked(kubeconfig);
  if (etcd) return closing(await openEtcd(etcd));
  const own = join(dataDir, 'kubeconfig');
  if (!existsSync(storePath(dataDir))) {
    // One in memory, or in etcd.
    if (existsSync(own)) return asked(own);
    throw new UsageError(
      `backup: there is no cluster in ${dataDir}`,
      '--data-dir names the directory that gyre up was given',
    );
  }
  try {
    return await closing(await openLmdbStore({ path: storePath(dataDir), clock: systemClock }));
  } catch (error) {
    if (error instanceof StoreLocked) return asked(own);
    throw error;
  }
}

async function closing(store: ObjectStore): Promise<StoreSnapshot> {
  try {
    return await takeSnapshot(store, systemClock);
  } finally {
    await store.close();
  }
}

/** A cluster that runs tells of itself. */
async function asked(kubeconfig: string): Promise<StoreSnapshot> {
  const refused = (why: string): UsageError =>
    new UsageError(
      `backup: the cluster of ${kubeconfig} gives none: ${why}`,
      'does it run, is it one of gyre up, and is the user of the kubeconfig a cluster admin?',
    );
  const { transport } = await connect({ kubeconfig }, { retry: false }).catch((error: Error) => {
    throw refused(error.message);
  });
  try {
    const answer = await transport.open?.({ method: 'GET', path });
    if (!answer) throw refused('it cannot be read as it comes');
    return (await readArchive(answer.bytes)).snapshot;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    if (error instanceof BadArchive || isApiError(error) || isTransportError(error))
      throw refused((error as Error).message);
    throw error;
  } finally {
    transport.close();
  }
}

/** With them, tokens and kubeconfigs of before are good after a restore. */
function filesOf(dataDir: string): ArchiveFiles {
  const dir = join(dataDir, 'pki');
  if (!existsSync(dir)) return {};
  const names = readdirSync(dir).filter((name) => /\.(?:crt|key)$/.test(name));
  return Object.fromEntries(names.map((name) => [`pki/${name}`, readFileSync(join(dir, name), 'utf8')]));
}

/** The file is there when all of it is on the disk, and not before. @throws UsageError */
async function write(out: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const partial = `${out}.partial`;
  try {
    await mkdir(dirname(out), { recursive: true });
    const file = await open(partial, 'w', 0o600);
    try {
      await writeFile(file, bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(partial, out);
  } catch (error) {
    await rm(partial, { force: true }).catch(() => {});
    throw new UsageError(
      `backup: cannot write ${out}: ${(error as Error).message}`,
      '--out names a file that may be written, with room for it',
    );
  }
}

function sizeText(bytes: number): string {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
