/**
 * What an informer must survive, as a table over any informer: ours in the tests, others in the benchmarks. After each
 * case the cache must equal what the server has.
 */
import { Relay } from './relay.js';
import { eventLine, World } from './world.js';

export interface Subject {
  /** Names and versions in the cache. */
  objects(): ReadonlyMap<string, string>;
  stop(): void;
}

export interface Adapter {
  readonly name: string;
  /** Follows the ConfigMaps of the server. */
  start(url: string): Promise<Subject> | Subject;
  /** Silence after which it takes a connection for dead, ms. */
  readonly idleMs: number;
}

interface Scene {
  readonly world: World;
  readonly relay: Relay;
  readonly adapter: Adapter;
  /** Waits until the cache equals the server's state. */
  settled(): Promise<void>;
}

export interface FaultCase {
  readonly name: string;
  run(scene: Scene): Promise<void>;
  /** Before the informer starts. */
  prepare?(world: World): void;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Answers so, for a while, with changes meanwhile; then all is well again. */
function refused(
  code: number,
  reason: string,
  headers: Record<string, string> = {},
  forMs = 150,
): FaultCase['run'] {
  return async ({ world, relay, settled }) => {
    world.fault = (_, response) => {
      world.refuse(response, code, reason, headers);
      return true;
    };
    relay.reset();
    world.put('meanwhile');
    world.remove('a');
    await pause(forMs);
    world.fault = undefined;
    await settled();
  };
}

/** Sends this into every watch. */
function sent(text: (world: World) => string): FaultCase['run'] {
  return async ({ world, settled }) => {
    for (const watcher of world.watchers) watcher.write(text(world));
    world.put('after');
    await settled();
  };
}

export const faultCases: readonly FaultCase[] = [
  {
    name: 'an idle connection',
    run: async ({ world, adapter, settled }) => {
      await pause(adapter.idleMs * 2.5);
      world.put('after');
      await settled();
    },
  },
  {
    name: 'a half-open connection',
    run: async ({ world, relay, adapter, settled }) => {
      relay.swallows = true;
      world.put('meanwhile');
      await pause(adapter.idleMs * 1.5);
      relay.swallows = false;
      world.put('after');
      await settled();
    },
  },
  {
    name: 'a reset at every byte of an event',
    run: async ({ world, relay, settled }) => {
      const frame = eventLine('ADDED', world.put('frame')).length + 8;
      for (let at = 0; at <= frame; at++) {
        relay.resetAfter = at;
        world.put('frame', { at: String(at) });
        await settled();
      }
    },
  },
  { name: '401', run: refused(401, 'Unauthorized') },
  { name: '403', run: refused(403, 'Forbidden') },
  { name: '500', run: refused(500, 'InternalError') },
  { name: '503', run: refused(503, 'ServiceUnavailable') },
  { name: '429 with Retry-After', run: refused(429, 'TooManyRequests', { 'retry-after': '1' }) },
  {
    name: '410 as the status of a watch',
    run: async (scene) => {
      scene.world.compact();
      await refused(410, 'Expired', {}, 20)(scene);
    },
  },
  {
    name: '410 as an event',
    run: async ({ world, relay, settled }) => {
      relay.reset();
      world.put('meanwhile');
      world.remove('a');
      world.compact();
      await settled();
    },
  },
  {
    name: '410 for a continue token',
    prepare: (world) => {
      world.refusesStreaming = true;
      for (let i = 0; i < 1_200; i++) world.put(`many-${i}`);
      let once = true;
      world.fault = (_, response, query) => {
        if (!query.get('continue') || !once) return false;
        once = false;
        world.remove('many-7');
        world.refuse(response, 410, 'Expired');
        return true;
      };
    },
    run: ({ settled }) => settled(),
  },
  {
    name: 'a truncated line',
    run: async ({ world, relay, settled }) => {
      for (const watcher of world.watchers) watcher.write('{"type":"MODIFIED","object":{"apiVersion":"v1"');
      await pause(10);
      relay.reset();
      world.put('after');
      await settled();
    },
  },
  { name: 'a line of garbage', run: sent(() => '<html>502 Bad Gateway</html>\n') },
  { name: 'an event without an object', run: sent(() => '{"type":"ADDED"}\n') },
  {
    name: 'a line of ten megabytes',
    run: async ({ world, settled }) => {
      world.put('large', { text: 'x'.repeat(10 * 1024 * 1024) });
      await settled();
      world.remove('large');
      await settled();
    },
  },
  { name: 'a line without end', run: sent(() => 'x'.repeat(20 * 1024 * 1024)) },
  {
    name: 'events out of order',
    run: async ({ world, settled }) => {
      const older = world.put('swapped', { n: '1' });
      const newer = world.put('swapped', { n: '2' });
      for (const watcher of world.watchers) {
        watcher.write(eventLine('MODIFIED', newer));
        watcher.write(eventLine('MODIFIED', older));
      }
      await settled();
    },
  },
  {
    name: 'bookmarks only',
    run: async ({ world, adapter, settled }) => {
      for (let i = 0; i < 10; i++) {
        world.bookmark();
        await pause(adapter.idleMs / 4);
      }
      world.put('after');
      await settled();
    },
  },
  {
    name: 'watches that end without an event',
    run: async ({ world, settled }) => {
      world.fault = (_, response, query) => {
        if (!query.get('watch') || query.get('sendInitialEvents')) return false;
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end();
        return true;
      };
      for (const watcher of world.watchers) watcher.end();
      await pause(200);
      world.put('meanwhile');
      await pause(100);
      world.fault = undefined;
      await settled();
    },
  },
  {
    name: 'a server that restarts',
    run: async ({ world, settled }) => {
      await world.down();
      world.put('meanwhile');
      world.remove('a');
      await pause(150);
      await world.listen();
      await settled();
    },
  },
];

export interface FaultResult {
  readonly verdict: 'survives' | 'stops' | 'hammers';
  /** The most attempts within any 100 ms. */
  readonly burst: number;
  /** What the cache lacks or has too much, where it did not settle. */
  readonly difference?: string;
}

/** More attempts than this within 100 ms are hammering; lists of several pages come on top. */
const burstLimit = 12;

export async function runFault(fault: FaultCase, adapter: Adapter, patienceMs = 5_000): Promise<FaultResult> {
  const world = new World();
  await world.listen();
  const relay = new Relay(world.port);
  const url = await relay.listen();
  for (const name of ['a', 'b', 'c']) world.put(name);
  fault.prepare?.(world);
  const subject = await adapter.start(url);
  const difference = (): string | undefined => differenceOf(world, subject);
  const settled = async (): Promise<void> => {
    const deadline = performance.now() + patienceMs;
    while (difference() !== undefined) {
      if (performance.now() > deadline) throw new Stopped(difference() ?? '');
      await pause(2);
    }
  };
  try {
    await settled();
    await fault.run({ world, relay, adapter, settled });
    const burst = burstOf(world.attempts);
    return { verdict: burst > burstLimit ? 'hammers' : 'survives', burst };
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
    return { verdict: 'stops', burst: burstOf(world.attempts), difference: error.message };
  } finally {
    subject.stop();
    await relay.close();
    await world.down();
  }
}

class Stopped extends Error {}

function differenceOf(world: World, subject: Subject): string | undefined {
  const has = subject.objects();
  for (const [name, { metadata }] of world.objects)
    if (has.get(name) !== metadata.resourceVersion)
      return `${name} is ${has.get(name) ?? 'missing'} instead of ${metadata.resourceVersion}`;
  for (const name of has.keys()) if (!world.objects.has(name)) return `${name} is there and should not be`;
  return undefined;
}

function burstOf(attempts: readonly number[]): number {
  let most = 0;
  for (const [i, at] of attempts.entries())
    most = Math.max(most, attempts.slice(i).filter((other) => other - at < 100).length);
  return most;
}
