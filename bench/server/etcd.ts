/** Transactions on a real etcd: through our driver, and through the etcd3 package. */
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { type ObjectStore, openEtcdStore } from 'gyre/store';
import { systemClock, systemRandom, turnGate } from '#src/system/index.js';
import { Etcd, findEtcd } from '../../test/support/etcd.js';
import { rate } from './requests.js';

const filler = 'x'.repeat(700);

/**
 * Creates of values of 0.8 KB by so many callers at once.
 * @param side `gyre`: our driver; `etcd3`: the package, whose transaction is the same
 * @param synced as etcd is meant to run; else without its fsync, so that what is measured is the client
 */
export async function transactions(
  side: string,
  clients: number,
  synced: boolean,
): Promise<Record<string, number>> {
  const binary = findEtcd();
  if (binary === undefined) throw new Error('no etcd on PATH');
  await using etcd = await Etcd.start(binary, { synced });
  const { put, close } = side === 'etcd3' ? etcd3(etcd.endpoint) : await driver(etcd.endpoint);
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

async function driver(endpoint: string): Promise<Putting> {
  const store: ObjectStore = await openEtcdStore({
    endpoints: [endpoint],
    clock: systemClock,
    random: systemRandom,
    turn: turnGate(),
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
