/** Many who watch: what a change costs to be told to all, to the one it concerns, and what a reconnect costs. */
import { createClient } from 'gyre/client';
import { EmbeddedCluster } from 'gyre/cluster';
import { Pod } from 'gyre/kinds';
import { type HttpsClient, lines } from './https-client.js';
import { serve } from './processes.js';

const settingsPath = '/api/v1/namespaces/default/configmaps';
const settings = (i: number): string =>
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { name: `c-${i}`, namespace: 'default' },
    data: { filler: 'x'.repeat(700) },
  });

/** Deliveries per second of creates to so many watchers over HTTPS. */
export async function fanOut(side: string, watchers: number): Promise<Record<string, number>> {
  const server =
    side === 'gyre'
      ? await serve('gyre', ['--no-controllers', '--store', 'memory'])
      : await serve('peer', ['fanout']);
  try {
    // As many deliveries as take some seconds, whatever the number of watchers.
    const creates = Math.max(20, Math.min(20_000, Math.floor(60_000 / watchers)));
    let delivered = 0;
    let wake = (): void => {};
    const onLine = (line: string): void => {
      if (line.includes('"ADDED"') && line.includes('"c-')) delivered++;
      wake();
    };
    for (let i = 0; i < watchers; i++)
      await server.client.watch(`${settingsPath}?watch=true&resourceVersion=0`, lines(onLine));
    const send = async (from: number, to: number): Promise<void> => {
      let next = from;
      const writer = async (): Promise<void> => {
        while (next < to) await server.client.send('POST', settingsPath, settings(next++));
      };
      await Promise.all(Array.from({ length: 8 }, writer));
    };
    const reached = (count: number): Promise<void> =>
      new Promise((resolve) => {
        wake = () => {
          if (delivered >= count) resolve();
        };
        wake();
      });
    const warm = Math.max(5, Math.floor(creates / 5));
    await send(0, warm);
    await reached(warm * watchers);
    const began = performance.now();
    await send(warm, warm + creates);
    await reached((warm + creates) * watchers);
    return { deliveriesPerSecond: ((creates * watchers) / (performance.now() - began)) * 1000 };
  } finally {
    await server.stop();
  }
}

const nodes = 5_000;

/** Writes per second while every node watches its own pods, and each write concerns one; or while nobody watches. */
export async function selected(side: string): Promise<Record<string, number>> {
  const cluster = await EmbeddedCluster.start({ controllers: false });
  const abort = new AbortController();
  try {
    const client = createClient(cluster.transport());
    let delivered = 0;
    if (side === 'gyre')
      for (let node = 0; node < nodes; node++) {
        const fieldSelector = `spec.nodeName=node-${node}`;
        const { events } = await client.watch(Pod, { fieldSelector, signal: abort.signal });
        void (async () => {
          for await (const batch of events) for (const { type } of batch) if (type === 'ADDED') delivered++;
        })().catch(() => {});
      }
    const write = async (from: number, count: number): Promise<void> => {
      for (let i = from; i < from + count; i++)
        await client.create(Pod, {
          metadata: { name: `p-${i}`, namespace: 'default' },
          spec: { nodeName: `node-${i % nodes}`, containers: [{ name: 'c', image: 'i' }] },
        });
    };
    await write(0, 1_000);
    const began = performance.now();
    await write(1_000, 4_000);
    const took = performance.now() - began;
    await new Promise((resolve) => setTimeout(resolve, 200));
    if (side === 'gyre' && delivered !== 5_000) throw new Error(`${delivered} events instead of 5000`);
    return { writesPerSecond: (4_000 / took) * 1000 };
  } finally {
    abort.abort();
    await cluster.stop();
  }
}

const reconnecting = 1_000;
const objects = 2_000;
const missed = 100;

/**
 * So many watchers come back after some changes: at the version they had seen, or with a list and a watch after it. Until each
 * has seen the last change; nothing lost and nothing twice.
 */
export async function resume(side: string): Promise<Record<string, number>> {
  const server = await serve('gyre', ['--no-controllers', '--store', 'memory']);
  try {
    const { client } = server;
    for (let i = 0; i < objects; i++) await client.send('POST', settingsPath, settings(i));
    const { text } = await client.send('GET', `${settingsPath}?limit=1`, undefined, true);
    const { resourceVersion } = (JSON.parse(text) as { metadata: { resourceVersion: string } }).metadata;
    for (let i = objects; i < objects + missed; i++) await client.send('POST', settingsPath, settings(i));
    const began = performance.now();
    const come = side === 'gyre' ? () => resumed(client, resourceVersion) : () => listed(client);
    // As many at once as a client opens connections in a moment.
    let next = 0;
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        while (next++ < reconnecting) await come();
      }),
    );
    return { caughtUpSeconds: (performance.now() - began) / 1000 };
  } finally {
    await server.stop();
  }
}

async function resumed(client: HttpsClient, resourceVersion: string): Promise<void> {
  const seen = new Set<string>();
  let events = 0;
  await new Promise<void>((resolve, reject) => {
    const opened = client.watch(
      `${settingsPath}?watch=true&resourceVersion=${resourceVersion}`,
      lines((line) => {
        events++;
        seen.add(/"name":"(c-\d+)"/.exec(line)?.[1] ?? '');
        if (seen.size < missed) return;
        void opened.then((watch) => watch.close());
        if (events === missed) resolve();
        else reject(new Error(`${events} events instead of ${missed}`));
      }),
    );
    opened.catch(reject);
  });
}

async function listed(client: HttpsClient): Promise<void> {
  const { text } = await client.send('GET', settingsPath, undefined, true);
  const list = JSON.parse(text) as { metadata: { resourceVersion: string }; items: unknown[] };
  if (list.items.length !== objects + missed) throw new Error(`${list.items.length} objects`);
  const watch = await client.watch(
    `${settingsPath}?watch=true&resourceVersion=${list.metadata.resourceVersion}`,
    () => {},
  );
  watch.close();
}
