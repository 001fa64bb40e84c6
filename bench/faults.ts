/** `node build/bench/faults.js`: the fault cases of the informer tests, for ours and for @kubernetes/client-node. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { createClient, createHttpTransport } from 'gyre/client';
import { createInformer } from 'gyre/informers';
import { ConfigMap } from 'gyre/kinds';
import { systemClock, systemRandom } from '#src/system/index.js';
import { type Adapter, faultCases, runFault } from '../test/informers/faults/cases.js';

const timing = { backoffMs: 30, maxBackoffMs: 120, idleMs: 150, minWatchMs: 20, stableMs: 500 };

const gyre: Adapter = {
  name: 'gyre',
  idleMs: timing.idleMs,
  start: (url) => {
    const transport = createHttpTransport({ server: url });
    const times = {
      ...timing,
      unauthorizedBackoffMs: 40,
      maxUnauthorizedBackoffMs: 120,
      absentBackoffMs: 30,
    };
    const deps = { clock: systemClock, random: systemRandom, timing: times };
    const informer = createInformer(createClient(transport), ConfigMap, {}, deps);
    informer.start();
    return {
      objects: () =>
        new Map(informer.cache.list().map(({ metadata }) => [metadata.name, metadata.resourceVersion])),
      stop: () => {
        informer.stop();
        transport.close();
      },
    };
  },
};

interface Item {
  readonly metadata: { readonly name: string; readonly resourceVersion: string };
}
interface PeerInformer {
  start(): Promise<void>;
  stop(): Promise<void>;
  list(): readonly Item[];
  on(event: 'error', handler: () => void): void;
}
interface Peer {
  KubeConfig: new () => {
    loadFromOptions(options: unknown): void;
    makeApiClient<A>(api: unknown): A;
  };
  CoreV1Api: unknown;
  makeInformer(config: unknown, path: string, list: () => Promise<unknown>): PeerInformer;
}

/** With the restart after an error that its documentation shows. */
async function clientNode(): Promise<Adapter> {
  const { resolve } = createRequire(
    fileURLToPath(new URL('../../bench/peers/package.json', import.meta.url)),
  );
  const k8s = (await import(pathToFileURL(resolve('@kubernetes/client-node')).href)) as Peer;
  return {
    name: 'client-node',
    idleMs: 150,
    start: async (server) => {
      const config = new k8s.KubeConfig();
      config.loadFromOptions({
        clusters: [{ name: 'x', server, skipTLSVerify: true }],
        users: [{ name: 'x' }],
        contexts: [{ name: 'x', cluster: 'x', user: 'x' }],
        currentContext: 'x',
      });
      const api = config.makeApiClient<{ listConfigMapForAllNamespaces(): Promise<unknown> }>(k8s.CoreV1Api);
      const informer = k8s.makeInformer(config, '/api/v1/configmaps', () =>
        api.listConfigMapForAllNamespaces(),
      );
      let stopped = false;
      const begin = (): void => {
        if (!stopped) informer.start().catch(again);
      };
      const again = (): void => void setTimeout(begin, 50);
      informer.on('error', again);
      await informer.start().catch(again);
      return {
        objects: () =>
          new Map(informer.list().map(({ metadata }) => [metadata.name, metadata.resourceVersion])),
        stop: () => {
          stopped = true;
          informer.stop().catch(() => {});
        },
      };
    },
  };
}

process.on('unhandledRejection', () => {});
process.on('uncaughtException', () => {});
const peers = fileURLToPath(new URL('../../bench/peers/node_modules', import.meta.url));
const adapters = [gyre, ...(existsSync(peers) ? [await clientNode()] : [])];
console.log(['case', ...adapters.map(({ name }) => name)].join(' | '));
for (const fault of faultCases) {
  const cells: string[] = [];
  for (const adapter of adapters) {
    const result = await Promise.race([
      runFault(fault, adapter, 3_000).catch((error: unknown) => ({
        verdict: `throws ${String(error)}`,
        burst: 0,
      })),
      new Promise<{ verdict: string; burst: number }>((resolve) =>
        setTimeout(() => resolve({ verdict: 'does not end', burst: 0 }), 60_000),
      ),
    ]);
    cells.push(`${result.verdict} (${result.burst})`);
  }
  console.log([fault.name, ...cells].join(' | '));
}
process.exit(0);
