/** Creates, gets and lists over HTTPS, by so many clients at once. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedCluster } from 'gyre/cluster';
import { ConfigMap } from 'gyre/kinds';
import type { PodShape } from '../pods.js';
import { serve, type ServerProcess, withPods } from './processes.js';

const apiOnly = ['--no-controllers'];

/** Calls `work` with 0, 1, 2 … from `clients` callers at once until `ms` are over; calls per second. */
export async function rate(
  clients: number,
  ms: number,
  work: (i: number) => Promise<unknown>,
): Promise<number> {
  let next = 0;
  let done = 0;
  const began = performance.now();
  const end = began + ms;
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (performance.now() < end) {
        await work(next++);
        done++;
      }
    }),
  );
  return (done / (performance.now() - began)) * 1000;
}

async function during<T>(server: ServerProcess, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    await server.stop();
  }
}

const filler = 'x'.repeat(700);
const settings = (name: string, version = 0): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name, namespace: 'default', labels: { app: 'bench' } },
    data: { filler, version: String(version) },
  });

/** Acknowledged creates of ConfigMaps of 0.8 KB; on the durable store, synced to the disk. */
export async function creates(side: string, clients: number): Promise<Record<string, number>> {
  const server = await serve(side === 'gyre' ? 'gyre' : 'peer', side === 'gyre' ? apiOnly : ['echo']);
  return during(server, async () => {
    const path = '/api/v1/namespaces/default/configmaps';
    let round = 0;
    const run = (ms: number): Promise<number> => {
      const prefix = `c${round++}`;
      return rate(clients, ms, (i) => server.client.send('POST', path, settings(`${prefix}-${i}`)));
    };
    await run(2_000);
    return { createsPerSecond: await run(5_000) };
  });
}

/** The same creates, by callers in the server's own process, with its client. */
export async function createsInProcess(clients: number): Promise<Record<string, number>> {
  const dataDir = mkdtempSync(join(tmpdir(), 'gyre-bench-'));
  const cluster = await EmbeddedCluster.start({ dataDir, store: 'embedded', controllers: false });
  try {
    const client = cluster.client();
    let round = 0;
    const run = (ms: number): Promise<number> => {
      const prefix = `c${round++}`;
      return rate(clients, ms, (i) =>
        client.create(ConfigMap, {
          metadata: { name: `${prefix}-${i}`, namespace: 'default', labels: { app: 'bench' } },
          data: { filler, version: '0' },
        }),
      );
    };
    await run(2_000);
    return { createsPerSecond: await run(5_000) };
  } finally {
    await cluster.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** Acknowledged updates of a thousand such ConfigMaps in turn, each of which changes something. */
export async function updates(side: string, clients: number): Promise<Record<string, number>> {
  const server = await serve(side === 'gyre' ? 'gyre' : 'peer', side === 'gyre' ? apiOnly : ['echo']);
  return during(server, async () => {
    const path = '/api/v1/namespaces/default/configmaps';
    const names = Array.from({ length: 1000 }, (_, i) => `u-${i}`);
    for (const name of names) await server.client.send('POST', path, settings(name));
    let version = 1;
    const run = (ms: number): Promise<number> =>
      rate(clients, ms, (i) => {
        const name = names[i % names.length] as string;
        return server.client.send('PUT', `${path}/${name}`, settings(name, version++));
      });
    await run(2_000);
    return { updatesPerSecond: await run(5_000) };
  });
}

/** Gets of one pod by 32 clients. */
export async function gets(side: string): Promise<Record<string, number>> {
  const server =
    side === 'gyre'
      ? await serve('gyre', apiOnly, withPods(100, 'plain'))
      : await serve('peer', ['pods', '1']);
  return during(server, async () => {
    const path = '/api/v1/namespaces/ns-1/pods/app-0-6d4cf56db-00001';
    const run = (ms: number): Promise<number> => rate(32, ms, () => server.client.send('GET', path));
    await run(2_000);
    return { getsPerSecond: await run(4_000) };
  });
}

/** The memory that the server may grow by while it answers lists, MiB. */
const memoryLimitMiB = 32;

/** Lists of all pods, by one client after the other. */
export async function lists(side: string, count: number, shape: PodShape): Promise<Record<string, number>> {
  const server =
    side === 'gyre'
      ? await serve('gyre', apiOnly, withPods(count, shape))
      : await serve('peer', ['pods', String(count), shape]);
  return during(server, async () => {
    for (let i = 0; i < 2; i++) await server.client.send('GET', '/api/v1/pods');
    const before = server.rss();
    const perSecond = await rate(1, 5_000, () => server.client.send('GET', '/api/v1/pods'));
    const grown = Math.max(0, server.rss() - before);
    return { objectsPerSecond: perSecond * count, rssDeltaMiB: side === 'gyre' ? grown : memoryLimitMiB };
  });
}
