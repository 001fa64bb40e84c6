/** Servers to measure, each a process of its own with a data directory of its own. */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openLmdbStore } from 'gyre/store';
import { ensureCredentials } from '#src/cluster/credentials.js';
import { systemClock } from '#src/system/index.js';
import { podJson, type PodShape } from '../pods.js';
import { HttpsClient } from './https-client.js';

const gyre = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));
const peer = fileURLToPath(new URL('./peer.js', import.meta.url));

export interface ServerProcess {
  readonly client: HttpsClient;
  /** Resident memory now, MiB. */
  rss(): number;
  stop(): Promise<void>;
}

/** Arguments of `gyre up`, or of the peer. */
export async function serve(
  what: 'gyre' | 'peer',
  args: readonly string[],
  prepare: (dataDir: string) => Promise<void> = async () => {},
): Promise<ServerProcess> {
  const dataDir = mkdtempSync(join(tmpdir(), 'gyre-bench-'));
  const { ca, admin } = await ensureCredentials(dataDir, systemClock);
  await prepare(dataDir);
  const command =
    what === 'gyre' ? [gyre, 'up', '--port', '0', '--data-dir', dataDir, ...args] : [peer, dataDir, ...args];
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  let text = '';
  await new Promise<void>((ready, failed) => {
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (/^ready /m.test(text)) ready();
    });
    child.once('exit', (code) => failed(new Error(`it ended with ${code}`)));
  });
  const port =
    what === 'gyre'
      ? /server: https:\/\/[^:]+:(\d+)/.exec(readFileSync(join(dataDir, 'kubeconfig'), 'utf8'))?.[1]
      : /listening on (\d+)/.exec(text)?.[1];
  const client = new HttpsClient(Number(port), { ca: ca.cert, cert: admin.cert, key: admin.key });
  return {
    client,
    rss: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024,
    stop: async () => {
      client.close();
      child.kill('SIGTERM');
      await exited;
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Puts pods into the store of a data directory, past the API: making them is not what is measured. */
export function withPods(count: number, shape: PodShape): (dataDir: string) => Promise<void> {
  return async (dataDir) => {
    const store = await openLmdbStore({ path: join(dataDir, 'store'), clock: systemClock });
    const writers = Array.from({ length: 256 }, async (_, writer) => {
      for (let i = writer; i < count; i += 256) {
        const pod = JSON.parse(podJson(i, shape)) as { metadata: { namespace: string; name: string } };
        await store.create(`/core/pods/${pod.metadata.namespace}/${pod.metadata.name}`, pod);
      }
    });
    await Promise.all(writers);
    await store.close();
  };
}
