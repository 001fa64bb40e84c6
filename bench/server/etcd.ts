/** Transactions on a real etcd: through our driver, and through the etcd3 package. */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type EtcdStoreOptions, type ObjectStore, openEtcdStore } from 'gyre/store';
import { ensureCredentials } from '#src/cluster/credentials.js';
import { systemClock, systemRandom, turnGate } from '#src/system/index.js';
import { Etcd, findEtcd } from '../../test/support/etcd.js';
import { temporaryFolder } from '../../test/support/processes.js';
import { rate } from './requests.js';

const filler = 'x'.repeat(700);

/**
 * How etcd runs. `unsynced`: without its fsync, so that what is measured is the client. `synced`: over plain gRPC. `tls`: synced,
 * and encrypted, with client certificates.
 */
export type EtcdMode = 'unsynced' | 'synced' | 'tls';

/**
 * Creates of values of 0.8 KB by so many callers at once.
 * @param side `gyre`: our driver; `etcd3`: the package, whose transaction is the same
 */
export async function transactions(
  side: string,
  clients: number,
  mode: EtcdMode,
): Promise<Record<string, number>> {
  const binary = findEtcd();
  if (binary === undefined) throw new Error('no etcd on PATH');
  using folder = temporaryFolder();
  const { flags, tls } = mode === 'tls' ? await secured(folder.path) : {};
  await using etcd = await Etcd.start(binary, {
    synced: mode !== 'unsynced',
    ...(flags ? { scheme: 'https', flags } : {}),
  });
  const { put, close } = side === 'etcd3' ? etcd3(etcd.endpoint) : await driver(etcd.endpoint, tls);
  let round = 0;
  const run = (ms: number): Promise<number> => {
    const prefix = `/bench/${round++}`;
    return rate(clients, ms, (i) =>
      put(`${prefix}/${i}`, { metadata: { name: `c-${i}` }, data: { filler } }),
    );
  };
  await run(1_000);
  const createsPerSecond = await run(4_000);
  await close();
  return { createsPerSecond };
}

interface Putting {
  readonly put: (key: string, value: object) => Promise<unknown>;
  readonly close: () => unknown;
}

type Tls = NonNullable<EtcdStoreOptions['tls']>;

async function secured(dir: string): Promise<{ readonly flags: readonly string[]; readonly tls: Tls }> {
  const { ca, server, admin } = await ensureCredentials(dir, systemClock);
  const file = (name: string, text: string): string => {
    const path = join(dir, name);
    writeFileSync(path, text);
    return path;
  };
  return {
    flags: [
      `--cert-file=${file('etcd.crt', server.cert)}`,
      `--key-file=${file('etcd.key', server.key)}`,
      `--trusted-ca-file=${file('etcd-ca.crt', ca.cert)}`,
      '--client-cert-auth',
    ],
    tls: { ca: ca.cert, cert: admin.cert, key: admin.key },
  };
}

async function driver(endpoint: string, tls: Tls | undefined): Promise<Putting> {
  const store: ObjectStore = await openEtcdStore({
    endpoints: [endpoint],
    clock: systemClock,
    random: systemRandom,
    turn: turnGate(),
    ...(tls ? { tls } : {}),
  });
  return { put: (key, value) => store.create(key, value), close: () => store.close() };
}

/** As much of the package as is used. */
interface Etcd3 {
  if(
    key: string,
    column: 'Create',
    compare: '==',
    value: number,
  ): { then(...puts: unknown[]): { commit(): Promise<unknown> } };
  put(key: string): { value(text: string): unknown };
  close(): void;
}

function etcd3(endpoint: string): Putting {
  const require = createRequire(fileURLToPath(new URL('../../../bench/peers/package.json', import.meta.url)));
  const { Etcd3: Client } = require('etcd3') as { Etcd3: new (options: { hosts: string }) => Etcd3 };
  const client = new Client({ hosts: endpoint });
  return {
    put: (key, value) =>
      client
        .if(key, 'Create', '==', 0)
        .then(client.put(key).value(JSON.stringify(value)))
        .commit(),
    close: () => client.close(),
  };
}
