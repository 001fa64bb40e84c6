/** What a reconcile costs beyond the requests it sends: cache read, queue, context, one status patch. */
import { controllerFor, done, Manager, silentLogger, type Transport } from 'gyre';
import { type Client, connect, createClient } from 'gyre/client';
import { EmbeddedCluster } from 'gyre/cluster';
import { Deployment } from 'gyre/kinds';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { up } from './lifecycle.js';

const count = 2_000;
const concurrent = 8;
/** Until the machine code has settled. */
const warmUps = 3;

/** `in-process`, or `https` to a server process; the controller, or the bare loop of status patches that it sends. */
export async function reconcile(side: string, over: string): Promise<Record<string, number>> {
  const { transport, stop } = over === 'https' ? await remote() : await embedded();
  try {
    const client = createClient(transport);
    for (let i = 0; i < count; i++) await client.create(Deployment, deployment(i) as never);
    const run = side === 'gyre' ? () => controlled(transport) : () => bare(client);
    for (let i = 0; i < warmUps; i++) {
      await run();
      await reset(client);
    }
    const took = await run();
    return { reconcilesPerSecond: (count / took) * 1000 };
  } finally {
    transport.close();
    await stop();
  }
}

interface Server {
  readonly transport: Transport;
  stop(): Promise<void>;
}

async function embedded(): Promise<Server> {
  const cluster = await EmbeddedCluster.start({ controllers: false });
  return { transport: cluster.transport(), stop: () => cluster.stop() };
}

async function remote(): Promise<Server> {
  const dataDir = mkdtempSync(join(tmpdir(), 'gyre-bench-'));
  const { stop } = await up(['--data-dir', dataDir, '--store', 'memory', '--no-controllers']);
  const { transport } = await connect({ kubeconfig: join(dataDir, 'kubeconfig') });
  return {
    transport,
    stop: async () => {
      await stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

function deployment(i: number) {
  const labels = { app: `web-${i}` };
  return {
    metadata: { name: `web-${i}`, namespace: 'default' },
    spec: {
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'nginx' }] } },
    },
  };
}

async function reset(client: Client): Promise<void> {
  for (let i = 0; i < count; i++)
    await client.patchRaw(
      Deployment,
      `default/web-${i}`,
      { type: 'merge', patch: { status: { readyReplicas: null, replicas: null } } },
      { subresource: 'status' },
    );
}

/** Milliseconds from the first reconcile to the last: what a start costs has benchmarks of its own. */
async function controlled(transport: Transport): Promise<number> {
  let left = count;
  let began = 0;
  let finish = (): void => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const controller = controllerFor(Deployment)
    .with({ maxConcurrent: concurrent })
    .reconcile((object, ctx) => {
      if (left === count) began = performance.now();
      const { replicas = 1 } = ctx.cache.get(Deployment, `default/${object.metadata.name}`)?.spec ?? {};
      ctx.status.replicas = replicas;
      ctx.status.readyReplicas = replicas;
      if (--left === 0) finish();
      return done;
    });
  const manager = Manager.create({ cluster: transport, log: silentLogger }).register(controller);
  await manager.start();
  await finished;
  const ended = performance.now();
  await manager.stop();
  return ended - began;
}

/** Milliseconds. */
async function bare(client: Client): Promise<number> {
  let next = 0;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: concurrent }, async () => {
      while (next < count) {
        const name = `web-${next++}`;
        await client.patchRaw(
          Deployment,
          `default/${name}`,
          { type: 'merge', patch: { status: { replicas: 1, readyReplicas: 1 } } },
          { subresource: 'status' },
        );
      }
    }),
  );
  return performance.now() - began;
}
