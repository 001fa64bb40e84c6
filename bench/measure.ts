/** One measurement in a process of its own; prints one line of JSON. */
import { WorkQueue } from 'gyre';
import { systemClock } from '#src/system/index.js';
import type { Sample } from './harness.js';
import { podJson, type PodShape } from './pods.js';
import type { EtcdMode } from './server/etcd.js';

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

async function measured(): Promise<Sample> {
  switch (what) {
    case 'floor':
      return floor();
    case 'workqueue':
      return workqueue();
    case 'rollout': {
      const { rollout, controllerManagerLimit } = await import('./rollout.js');
      return side === 'limit' ? controllerManagerLimit() : rollout(side);
    }
    case 'etcd':
      return (await import('./server/etcd.js')).transactions(side, Number(rest[0]), rest[1] as EtcdMode);
    case 'start-envtest':
      return (await import('./lifecycle.js')).startEnvtest();
    case 'start-in-process':
      return (await import('./lifecycle.js')).startInProcess(side);
    case 'start':
      return (await import('./lifecycle.js')).start(side, rest);
    case 'reconcile':
      return (await import('./reconcile.js')).reconcile(side, rest[0] ?? 'in-process');
    case 'import':
      return (await import('./import.js')).importing(side);
    case 'restart':
      return (await import('./lifecycle.js')).restart(side, Number(rest[0]));
    case 'create-in-process':
      return (await import('./server/requests.js')).createsInProcess(Number(rest[0]));
    case 'create':
      return (await import('./server/requests.js')).creates(side, Number(rest[0]));
    case 'update':
      return (await import('./server/requests.js')).updates(side, Number(rest[0]));
    case 'get':
      return (await import('./server/requests.js')).gets(side);
    case 'list':
      return (await import('./server/requests.js')).lists(
        side,
        Number(rest[0]),
        (rest[1] ?? 'plain') as PodShape,
      );
    case 'fanout':
      return (await import('./server/watches.js')).fanOut(side, Number(rest[0]));
    case 'selected':
      return (await import('./server/watches.js')).selected(side);
    case 'resume':
      return (await import('./server/watches.js')).resume(side);
    case 'events':
      return (await import('./informers.js')).events(side, rest);
    default:
      return (await import('./informers.js')).sync(side, rest);
  }
}

const sample = await measured();
process.stdout.write(`${JSON.stringify(sample)}\n`);
process.exit(0);
