/**
 * Informers against a stub server: how long until they are ready and how much they hold, and how many events a second
 * they apply; beside @kubernetes/client-node, and beside a loop that parses lines and puts them into a Map.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import http from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createClient, createHttpTransport } from 'gyre/client';
import { createInformer } from 'gyre/informers';
import { Pod } from 'gyre/kinds';
import { systemClock, systemRandom } from '#src/system/index.js';
import type { Sample } from './harness.js';

interface Held {
  size(): number;
  stop(): void;
}

/** Calls `onEvent` for each change after the beginning. */
type Informing = (server: string, onEvent: () => void) => Promise<Held>;

/** What Node waits between two looks at its own delay, ms. */
const delayResolution = 1;

/** From start to ready. */
export async function sync(
  side: string,
  [count = '1000', shape = 'plain']: readonly string[],
): Promise<Sample> {
  if (side === 'limit') return { longestStallMs: 50 };
  const pods = Number(count);
  const { child, server } = await stubServer([count, shape]);
  const inform = await informing(side);
  const before = await held();
  const delay = monitorEventLoopDelay({ resolution: delayResolution });
  delay.enable();
  const began = performance.now();
  const informer = await inform(server, () => {});
  const readyMs = performance.now() - began;
  // What was delayed by the last turn is told in the next.
  await new Promise((resolve) => setTimeout(resolve, 5 * delayResolution));
  delay.disable();
  const longestStallMs = delay.max / 1e6;
  const peakRssMiB = process.resourceUsage().maxRSS / 1024;
  if (informer.size() !== pods) throw new Error(`${informer.size()} pods instead of ${pods}`);
  const bytesPerPod = ((await held()) - before) / pods;
  informer.stop();
  child.kill();
  return { readyMs, bytesPerPod, peakRssMiB, longestStallMs };
}

/** From the first event to the last. */
export async function events(
  side: string,
  [count = '10000', shape = 'plain', changes = '50000']: readonly string[],
): Promise<Sample> {
  const { child, server } = await stubServer([count, shape, changes]);
  const inform = await informing(side);
  const total = Number(changes);
  let first = 0;
  let cpu: NodeJS.CpuUsage | undefined;
  let seen = 0;
  let resolve!: (ms: number) => void;
  const done = new Promise<number>((told) => {
    resolve = told;
  });
  const informer = await inform(server, () => {
    if (seen++ === 0) {
      first = performance.now();
      cpu = process.cpuUsage();
    }
    if (seen === total) resolve(performance.now() - first);
  });
  // The watch may be opened only after the list is complete.
  await new Promise((opened) => setTimeout(opened, 500));
  await new Promise((sent) => http.get(`${server}/blast`, (answer) => answer.resume().once('end', sent)));
  const ms = await done;
  const { user, system } = process.cpuUsage(cpu);
  informer.stop();
  child.kill();
  return { eventsPerSecond: (total / ms) * 1000, cpuMicrosPerEvent: (user + system) / total };
}

/** Bytes in V8's heap and in buffers outside of it. */
async function held(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    globalThis.gc?.();
    // Buffers are freed some time after their owners.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function informing(side: string): Promise<Informing> {
  if (side === 'gyre') return gyre;
  return side === 'client-node' ? clientNode() : parseLoop;
}

const gyre: Informing = async (server, onEvent) => {
  const transport = createHttpTransport({ server });
  const pods = createInformer(createClient(transport), Pod, {}, { clock: systemClock, random: systemRandom });
  pods.start();
  await pods.ready;
  pods.events$.subscribe(onEvent);
  return {
    size: () => pods.cache.size,
    stop: () => {
      pods.stop();
      transport.close();
    },
  };
};

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

async function clientNode(): Promise<Informing> {
  const resolve = createRequire(
    fileURLToPath(new URL('../../bench/peers/package.json', import.meta.url)),
  ).resolve;
  const k8s = (await import(pathToFileURL(resolve('@kubernetes/client-node')).href)) as ClientNode;
  return async (server, onEvent) => {
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
    informer.on('update', onEvent);
    await informer.start();
    return { size: () => informer.list().length, stop: () => void informer.stop() };
  };
}

interface Named {
  readonly metadata: { readonly namespace?: string; readonly name: string; managedFields?: unknown };
}

/** The least an informer on JSON.parse can be: a streaming list, line by line into a Map. */
const parseLoop: Informing = (server, onEvent) =>
  new Promise((ready, failed) => {
    const pods = new Map<string, Named>();
    let isReady = false;
    const take = (line: string): void => {
      const { type, object } = JSON.parse(line) as { type: string; object: Named };
      if (type === 'BOOKMARK') {
        isReady = true;
        ready({ size: () => pods.size, stop: () => void request.destroy() });
        return;
      }
      delete object.metadata.managedFields;
      pods.set(`${object.metadata.namespace}/${object.metadata.name}`, object);
      if (isReady) onEvent();
    };
    const request = http.get(`${server}/api/v1/pods?watch=true&sendInitialEvents=true`, (answer) => {
      let rest: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => {
        let start = 0;
        for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
          const piece = chunk.subarray(start, end);
          take((rest.length === 0 ? piece : Buffer.concat([...rest, piece])).toString('utf8'));
          rest = [];
          start = end + 1;
        }
        if (start < chunk.length) rest.push(chunk.subarray(start));
      });
    });
    request.once('error', failed);
  });

async function stubServer(args: readonly string[]): Promise<{ child: ChildProcess; server: string }> {
  const child = fork(fileURLToPath(new URL('./stub-server.js', import.meta.url)), [...args], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const port = await new Promise<number>((resolve, reject) => {
    child.stdout?.once('data', (text: Buffer) => resolve(Number(text.toString())));
    child.once('exit', (code) => reject(new Error(`the stub server ended with ${code}`)));
  });
  return { child, server: `http://127.0.0.1:${port}` };
}
