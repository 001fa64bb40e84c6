/** The etcd that a cluster is kept in: which one, and what goes wrong with it. The flags are those of kube-apiserver. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type EtcdTls, type ObjectStore, openEtcdStore, StoreUnavailable } from '../store/index.js';
import { systemClock, systemRandom, turnGate } from '../system/index.js';
import { UsageError } from './arguments.js';

export interface EtcdTarget {
  readonly endpoints: readonly string[];
  readonly prefix?: string;
  readonly files: { readonly ca?: string; readonly cert?: string; readonly key?: string };
}

export const etcdOptions = {
  'etcd-servers': { type: 'string' },
  'etcd-prefix': { type: 'string' },
  'etcd-cafile': { type: 'string' },
  'etcd-certfile': { type: 'string' },
  'etcd-keyfile': { type: 'string' },
} as const;

type Given = { readonly [name in keyof typeof etcdOptions]?: string | undefined };

/** Undefined where nothing is said of etcd. @throws UsageError */
export function readEtcdTarget(given: Given): EtcdTarget | undefined {
  const { 'etcd-servers': servers, 'etcd-prefix': prefix } = given;
  const files = { ca: given['etcd-cafile'], cert: given['etcd-certfile'], key: given['etcd-keyfile'] };
  if (servers === undefined) {
    if (prefix === undefined && Object.values(files).every((file) => file === undefined)) return undefined;
    throw new UsageError(
      '--etcd-servers is missing',
      '--etcd-servers https://HOST:2379 says which etcd is meant',
    );
  }
  if ((files.cert === undefined) !== (files.key === undefined))
    throw new UsageError(
      `--etcd-${files.cert === undefined ? 'keyfile' : 'certfile'} alone says too little`,
      '--etcd-certfile and --etcd-keyfile belong together',
    );
  const endpoints = servers.split(',').map((each) => each.trim());
  for (const endpoint of endpoints)
    if (!URL.canParse(endpoint) || !['http:', 'https:'].includes(new URL(endpoint).protocol))
      throw new UsageError(
        `--etcd-servers: ${JSON.stringify(endpoint)} is no http or https URL`,
        'for example --etcd-servers http://127.0.0.1:2379',
      );
  const named = Object.entries(files).flatMap(([name, file]) =>
    file === undefined ? [] : [[name, resolve(file)] as const],
  );
  return { endpoints, files: Object.fromEntries(named), ...(prefix === undefined ? {} : { prefix }) };
}

/** @throws UsageError */
export async function openEtcd({ endpoints, prefix, files }: EtcdTarget): Promise<ObjectStore> {
  const tls: EtcdTls = Object.fromEntries(
    Object.entries(files).map(([name, file]) => [name, contentsOf(file)]),
  );
  try {
    return await openEtcdStore({
      endpoints,
      tls,
      clock: systemClock,
      random: systemRandom,
      turn: turnGate(),
      ...(prefix === undefined ? {} : { prefix }),
    });
  } catch (error) {
    if (error instanceof StoreUnavailable)
      throw new UsageError(
        `etcd does not answer at ${endpoints.join(', ')}: ${error.message}`,
        'is it running there, and are --etcd-cafile, --etcd-certfile and --etcd-keyfile what it wants?',
      );
    if (error instanceof TypeError) throw new UsageError(error.message, 'see gyre up --help');
    throw error;
  }
}

function contentsOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new UsageError(
      `cannot read ${file}: ${(error as Error).message}`,
      'name a PEM file that can be read',
    );
  }
}
