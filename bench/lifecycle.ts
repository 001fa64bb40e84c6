/** How long it takes to be there: from process start, and with a hundred thousand objects in the store. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EmbeddedCluster, type EmbeddedClusterOptions } from 'gyre/cluster';
import { openLmdbStore } from 'gyre/store';
import { ensureCredentials } from '#src/cluster/credentials.js';
import { systemClock } from '#src/system/index.js';
import { podJson } from './pods.js';

const envtest = fileURLToPath(new URL('../../envtest/kube-apiserver', import.meta.url));
const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** From the start of the process to `ready`, with certificates that are there already. */
export async function start(side: string, args: readonly string[]): Promise<Record<string, number>> {
  if (side === 'node') {
    const began = performance.now();
    spawnSync(process.execPath, ['-e', '0']);
    return { readyMs: performance.now() - began };
  }
  const dataDir = mkdtempSync(join(tmpdir(), 'gyre-bench-'));
  try {
    await upOnce(dataDir, args);
    return { readyMs: await upOnce(dataDir, args) };
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function upOnce(dataDir: string, args: readonly string[]): Promise<number> {
  const { readyMs, stop } = await up(['--data-dir', dataDir, ...args]);
  await stop();
  return readyMs;
}

/** A `gyre up` of its own, once it is ready. */
export async function up(args: readonly string[]): Promise<{ readyMs: number; stop(): Promise<void> }> {
  const began = performance.now();
  const child = spawn(process.execPath, [main, 'up', '--port', '0', ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  let text = '';
  await new Promise<void>((ready, failed) => {
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (/^ready /m.test(text)) ready();
    });
    child.once('exit', (code) => failed(new Error(`gyre up ended with ${code}`)));
  });
  return {
    readyMs: performance.now() - began,
    stop: async () => {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** From the start of envtest's kube-apiserver, with the certificates that its harness writes, to a `/healthz` that says ok. */
export async function startEnvtest(): Promise<Record<string, number>> {
  const dataDir = mkdtempSync(join(tmpdir(), 'gyre-bench-'));
  const { ca, server } = await ensureCredentials(dataDir, systemClock);
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const files = { 'apiserver.crt': server.cert, 'apiserver.key': server.key, 'ca.crt': ca.cert };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dataDir, name), text);
  const began = performance.now();
  const child = spawn(
    process.execPath,
    [
      envtest,
      '--cert-dir',
      dataDir,
      '--client-ca-file',
      join(dataDir, 'ca.crt'),
      '--secure-port',
      String(port),
    ],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const healthy = (): Promise<boolean> =>
    new Promise((resolve) => {
      get(`https://127.0.0.1:${port}/healthz`, { ca: ca.cert }, (response) => {
        response.resume();
        resolve(response.statusCode === 200);
      }).once('error', () => resolve(false));
    });
  try {
    while (!(await healthy())) {
      if (child.exitCode !== null) throw new Error(`kube-apiserver ended with ${child.exitCode}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    return { readyMs: performance.now() - began };
  } finally {
    child.kill('SIGTERM');
    await exited;
    rmSync(dataDir, { recursive: true, force: true });
  }
}

function retainedBytes(): number {
  global.gc?.();
  return process.memoryUsage().heapUsed;
}

/** In a process that has imported all: the API server alone, and the same behind HTTPS. */
export async function startInProcess(side: string): Promise<Record<string, number>> {
  if (side === 'limit') return { inProcessMs: 20, httpsMs: 300 };
  const dataDir = mkdtempSync(join(tmpdir(), 'gyre-bench-'));
  const once = async (options: EmbeddedClusterOptions): Promise<number> => {
    const began = performance.now();
    const cluster = await EmbeddedCluster.start({ controllers: false, ...options });
    const ms = performance.now() - began;
    await cluster.stop();
    return ms;
  };
  try {
    // The first one loads what is loaded when it is needed, and makes the certificates.
    await once({ dataDir, https: {} });
    return { inProcessMs: await once({}), httpsMs: await once({ dataDir, https: {} }) };
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}

/** An API server on a store of so many pods, beside a bare load of the same store. */
export async function restart(side: string, count: number): Promise<Record<string, number>> {
  const dataDir = mkdtempSync(join(tmpdir(), 'gyre-bench-'));
  const path = join(dataDir, 'store');
  try {
    const store = await openLmdbStore({ path, clock: systemClock });
    const writers = Array.from({ length: 256 }, async (_, writer) => {
      for (let i = writer; i < count; i += 256) {
        const pod = JSON.parse(podJson(i, 'plain')) as { metadata: { namespace: string; name: string } };
        await store.create(`/core/pods/${pod.metadata.namespace}/${pod.metadata.name}`, pod);
      }
    });
    await Promise.all(writers);
    await store.close();
    const empty = retainedBytes();
    const began = performance.now();
    if (side === 'gyre') {
      const cluster = await EmbeddedCluster.start({ dataDir, store: 'embedded', controllers: false });
      const readyMs = performance.now() - began;
      const bytesPerObject = (retainedBytes() - empty) / count;
      await cluster.stop();
      return { readyMs, bytesPerObject };
    }
    const again = await openLmdbStore({ path, clock: systemClock });
    const { entries } = await again.list('/');
    const readyMs = performance.now() - began;
    const bytesPerObject = (retainedBytes() - empty) / count;
    if (entries.length !== count) throw new Error(`${entries.length} objects instead of ${count}`);
    await again.close();
    return { readyMs, bytesPerObject };
  } finally {
    rmSync(dataDir, { recursive: true, force: true });
  }
}
