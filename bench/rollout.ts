/**
 * Rollouts on simulated nodes: 200 nodes, Deployments of 5,000 pods in all, one of them of 1,000 replicas, which is
 * then rolled. Everything Kubernetes does is done: controllers, scheduler, kubelets, all through the API server.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import type { Input } from 'gyre';
import { EmbeddedCluster } from 'gyre/cluster';
import type { Client } from 'gyre/client';
import { Deployment } from 'gyre/kinds';

const nodes = 200;
const large = 1_000;
const small = 250;
const total = 5_000;

function deployment(name: string, replicas: number, version: number): Input<Deployment> {
  const labels = { app: name };
  return {
    metadata: { namespace: 'default', name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          containers: [{ name: 'web', image: `web:${version}`, resources: { requests: { cpu: '10m' } } }],
        },
      },
    },
  };
}

/** Resolves when the Deployments have all their pods, of the present template, available. */
async function complete(client: Client, sizes: ReadonlyMap<string, number>): Promise<void> {
  for (const [name, replicas] of sizes) {
    for (;;) {
      const { metadata, status } = await client.get(Deployment, { namespace: 'default', name });
      const done =
        status?.observedGeneration === metadata.generation &&
        status?.updatedReplicas === replicas &&
        status.availableReplicas === replicas &&
        status.replicas === replicas;
      if (done) break;
      await pause(50);
    }
  }
}

/** @param store `memory` or `embedded` */
export async function rollout(store: string): Promise<Record<string, number>> {
  const dataDir = mkdtempSync(join(tmpdir(), 'gyre-bench-'));
  const cluster = await EmbeddedCluster.start({
    dataDir,
    store: store === 'embedded' ? 'embedded' : 'memory',
    nodes: { simulated: nodes },
  });
  try {
    const client = cluster.client();
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    const sizes = new Map([['large', large]]);
    for (let i = 0; large + i * small < total; i++) sizes.set(`small-${i}`, small);
    const began = performance.now();
    for (const [name, replicas] of sizes) await client.create(Deployment, deployment(name, replicas, 1));
    await complete(client, sizes);
    const created = performance.now();
    await client.apply(Deployment, deployment('large', large, 2), { force: true });
    await complete(client, new Map([['large', large]]));
    const rolled = performance.now();
    delay.disable();
    return {
      podsPerSecond: (total / (created - began)) * 1000,
      rolloutSeconds: (rolled - created) / 1000,
      peakRssMiB: process.resourceUsage().maxRSS / 1024,
      longestStallMs: delay.max / 1e6,
    };
  } finally {
    await cluster.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/**
 * What the usual controller manager allows itself: 20 writes a second, so 48 s for 1,000 pods and twice that for a
 * rollout that replaces them; the memory of an API server and its store at rest.
 */
export function controllerManagerLimit(): Record<string, number> {
  return { podsPerSecond: 1000 / 48, rolloutSeconds: 96, peakRssMiB: 340, longestStallMs: 100 };
}
