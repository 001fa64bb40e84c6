/** One measurement in a process of its own; prints one line of JSON. */
import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { WorkQueue } from 'gyre';
import { createClient, createHttpTransport } from 'gyre/client';
import { createInformer } from 'gyre/informers';
import { Pod } from 'gyre/kinds';
import { systemClock, systemRandom } from '#src/system/index.js';
import { podJson } from './pods.js';

const [what = '', side = '', ...rest] = process.argv.slice(2);

function perSecond(operations: number, work: () => void): number {
  const began = performance.now();
  work();
  return (operations / (performance.now() - began)) * 1000;
}

/** JSON.parse of a pod: how fast this machine is right now. */
function floor(): Record<string, number> {
  const text = podJson(1, 'plain');
  const times = 20_000;
  for (let i = 0; i < 2_000; i++) JSON.parse(text);
  return {
    parsesPerSecond: perSecond(times, () => {
      for (let i = 0; i < times; i++) JSON.parse(text);
    }),
  };
}

/** Rounds of: add every key, then get and finish every key. */
function workqueue(): Record<string, number> {
  const keys = Array.from({ length: 10_000 }, (_, i) => `namespace-${i % 50}/name-${i}`);
  const rounds = 200;
  const loop = side === 'gyre' ? gyreLoop(keys) : bareLoop(keys);
  for (let i = 0; i < 20; i++) loop();
  return {
    opsPerSecond: perSecond(rounds * keys.length, () => {
      for (let i = 0; i < rounds; i++) loop();
    }),
  };
}

function gyreLoop(keys: readonly string[]): () => void {
  const queue = new WorkQueue<string>({ clock: systemClock });
  return () => {
    for (const key of keys) queue.add(key);
    for (let key = queue.tryGet(); key !== undefined; key = queue.tryGet()) queue.done(key);
  };
}

/** The least a queue that holds each key once can be. */
function bareLoop(keys: readonly string[]): () => void {
  const waiting = new Set<string>();
  return () => {
    const order: string[] = [];
    for (const key of keys) {
      if (waiting.has(key)) continue;
      waiting.add(key);
      order.push(key);
    }
    for (const key of order) waiting.delete(key);
  };
}

async function informer(): Promise<Record<string, number>> {
  const [count = '1000', shape = 'plain'] = rest;
  const pods = Number(count);
  const { child, port } = await stubServer([count, shape]);
  const server = `http://127.0.0.1:${port}`;
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  const sync = side === 'gyre' ? gyreSync(server) : await clientNodeSync(server);
  const began = performance.now();
  const held = await sync();
  const readyMs = performance.now() - began;
  if (held.size() !== pods) throw new Error(`${held.size()} pods instead of ${pods}`);
  const peakRssMiB = process.resourceUsage().maxRSS / 1024;
  globalThis.gc?.();
  globalThis.gc?.();
  const bytesPerPod = (process.memoryUsage().heapUsed - before) / pods;
  held.stop();
  child.kill();
  return { readyMs, bytesPerPod, peakRssMiB };
}

interface Held {
  size(): number;
  stop(): void;
}

function gyreSync(server: string): () => Promise<Held> {
  return async () => {
    const transport = createHttpTransport({ server });
    const pods = createInformer(
      createClient(transport),
      Pod,
      {},
      { clock: systemClock, random: systemRandom },
    );
    pods.start();
    await pods.ready;
    return {
      size: () => pods.cache.size,
      stop: () => {
        pods.stop();
        transport.close();
      },
    };
  };
}

interface ClientNode {
  KubeConfig: new () => { loadFromOptions(options: object): void; makeApiClient<T>(api: unknown): T };
  CoreV1Api: unknown;
  makeInformer(
    config: unknown,
    path: string,
    list: () => Promise<unknown>,
  ): {
    on(event: string, fn: () => void): void;
    start(): Promise<void>;
    stop(): Promise<void>;
    list(): unknown[];
  };
}

async function clientNodeSync(server: string): Promise<() => Promise<Held>> {
  const resolve = createRequire(
    fileURLToPath(new URL('../../bench/peers/package.json', import.meta.url)),
  ).resolve;
  const k8s = (await import(pathToFileURL(resolve('@kubernetes/client-node')).href)) as ClientNode;
  return async () => {
    const config = new k8s.KubeConfig();
    config.loadFromOptions({
      // It refuses plain HTTP unless told not to verify.
      clusters: [{ name: 'stub', server, skipTLSVerify: true }],
      users: [{ name: 'nobody' }],
      contexts: [{ name: 'stub', cluster: 'stub', user: 'nobody' }],
      currentContext: 'stub',
    });
    const api = config.makeApiClient<{ listPodForAllNamespaces(): Promise<unknown> }>(k8s.CoreV1Api);
    const informer = k8s.makeInformer(config, '/api/v1/pods', () => api.listPodForAllNamespaces());
    informer.on('error', () => {});
    await informer.start();
    return { size: () => informer.list().length, stop: () => void informer.stop() };
  };
}

async function stubServer(args: readonly string[]): Promise<{ child: ChildProcess; port: number }> {
  const child = fork(fileURLToPath(new URL('./stub-server.js', import.meta.url)), [...args], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout?.once('data', (text: Buffer) => resolve(Number(text.toString())));
    child.once('exit', (code) => reject(new Error(`the stub server ended with ${code}`)));
  });
  return { child, port };
}

async function measured(): Promise<Record<string, number>> {
  switch (what) {
    case 'floor':
      return floor();
    case 'workqueue':
      return workqueue();
    case 'rollout': {
      const { rollout, controllerManagerLimit } = await import('./rollout.js');
      return side === 'limit' ? controllerManagerLimit() : rollout(side);
    }
    case 'start':
      return (await import('./lifecycle.js')).start(side, rest);
    case 'reconcile':
      return (await import('./reconcile.js')).reconcile(side, rest[0] ?? 'in-process');
    case 'import':
      return (await import('./import.js')).importing(side);
    case 'restart':
      return (await import('./lifecycle.js')).restart(side, Number(rest[0]));
    default:
      return informer();
  }
}

const sample = await measured();
process.stdout.write(`${JSON.stringify(sample)}\n`);
process.exit(0);
