/** The process node of a cluster in memory, in real time. */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sleep } from 'gyre/api';
import { EmbeddedCluster } from 'gyre/cluster';
import { Pod } from 'gyre/kinds';
import { systemClock } from '#src/system/index.js';
import type { LifecycleHarness } from './harness.js';

const stopBudgetMs = 15_000;

export async function startProcess(): Promise<LifecycleHarness> {
  const dataDir = mkdtempSync(join(tmpdir(), 'gyre-lifecycle-'));
  const cluster = await EmbeddedCluster.start({ dataDir, nodes: { runtime: 'process' } });
  const client = cluster.client();
  const pass = (ms: number) => sleep(systemClock, ms);
  return {
    runtime: 'process',
    client,
    nodeName: 'local',
    missingImage: 'registry.invalid/none:1',
    parallel: 6,
    now: () => systemClock.now(),
    pass,
    async stop() {
      await client.deleteCollection(Pod, { namespace: 'default', gracePeriodSeconds: 0 });
      const deadline = systemClock.monotonic() + stopBudgetMs;
      const left = () => readdirSync(join(dataDir, 'nodes/local/runtime/containers'));
      while (left().length > 0 && systemClock.monotonic() < deadline) await pass(50);
      const alive = left();
      await cluster.stop();
      if (alive.length > 0) throw new Error(`containers left behind: ${alive.join(', ')}`);
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
