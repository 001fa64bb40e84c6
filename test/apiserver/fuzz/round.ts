/**
 * One process of fuzzing, with `--expose-gc`: `node round.js SEED COUNT` sends COUNT requests in three equal rounds to a
 * server in memory and prints what it found as JSON. Most go in process; one in sixty-four is a connection of its own over
 * HTTPS, a dozen of them at a time. What counts as found is any throw, any 500 that is not allowed, any refusal that is no
 * Status, any connection that neither is answered nor ends, sockets that are left, and a heap that grows.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Status } from 'gyre/api';
import { EmbeddedCluster } from 'gyre/cluster';
import { seededRandom, VirtualClock } from 'gyre/testing';
import { allowed } from './allowed.js';
import { Dice } from './dice.js';
import { exchange } from './exchange.js';
import { customDefinition, request } from './generate.js';
import { type Hostile, hostile, token } from './wire.js';

const [seed = 1, count = 9_000] = process.argv.slice(2).map(Number);
const clock = new VirtualClock();
const dataDir = mkdtempSync(join(tmpdir(), 'gyre-fuzz-'));
process.once('exit', () => rmSync(dataDir, { recursive: true, force: true }));
const cluster = await EmbeddedCluster.start({
  controllers: false,
  clock,
  random: seededRandom(seed),
  dataDir,
  https: {},
  tokens: new Map([[token, { username: token, groups: ['system:masters'] }]]),
});
const port = Number(new URL(cluster.url as string).port);
const transport = cluster.transport();
await transport.request({
  method: 'POST',
  path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
  body: structuredClone(customDefinition),
});
await clock.settle();

const problems: string[] = [];
const codes: Record<string, number> = {};
const heaps: number[] = [];
/** Of the connections: how many of which, and their answers by code. */
const wire = { kinds: {} as Record<string, number>, codes: {} as Record<string, number> };

function judge(code: number, body: unknown, told: string): void {
  const status = body as Partial<Status> | undefined;
  if (code >= 500 && !allowed.some(({ message }) => message.test(status?.message ?? '')))
    problems.push(`${code} ${status?.message}: ${told}`);
  if (code < 400 || code === 404) return;
  if (status?.kind !== 'Status' || typeof status.message !== 'string' || status.code !== code)
    problems.push(`a refusal that is no Status, ${code} ${JSON.stringify(body).slice(0, 200)}: ${told}`);
  else if (/\n\s+at |node:internal|\.js:\d+/.test(status.message))
    problems.push(`a trace, ${status.message}: ${told}`);
}

/** What the parser of HTTP refuses has no body, and ends the connection. */
const bare = new Set([400, 408, 413, 417, 431]);

async function connection(one: Hostile): Promise<void> {
  wire.kinds[one.name] = (wire.kinds[one.name] ?? 0) + 1;
  const [first = Buffer.alloc(0)] = one.steps.filter((step) => typeof step !== 'number');
  const told = `${one.name}: ${Buffer.from(first.subarray(0, 600)).toString('latin1')}`;
  try {
    const { answers, hangs } = await exchange(port, one);
    if (hangs) problems.push(`no answer and no end: ${told}`);
    for (const { code, type, body } of answers) {
      wire.codes[code] = (wire.codes[code] ?? 0) + 1;
      if (bare.has(code) && body === '') continue;
      judge(code, type.startsWith('application/json') && body !== '' ? JSON.parse(body) : body, told);
    }
  } catch (error) {
    problems.push(`thrown ${String(error)}: ${told}`);
  }
}

/** Those of this process, of both ends. */
const sockets = (): number =>
  process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;

/** Deletes what the round has made, so that every round begins alike. */
async function clear(): Promise<void> {
  const { body } = await transport.request({ method: 'GET', path: '/apis' });
  const groups = (body as { groups: { preferredVersion: { groupVersion: string } }[] }).groups;
  for (const root of ['/api/v1', ...groups.map((g) => `/apis/${g.preferredVersion.groupVersion}`)]) {
    const { resources } = (await transport.request({ method: 'GET', path: root })).body as {
      resources: { name: string; namespaced: boolean; verbs: string[] }[];
    };
    for (const { name, namespaced, verbs } of resources) {
      if (
        !verbs.includes('deletecollection') ||
        name === 'customresourcedefinitions' ||
        name === 'namespaces'
      )
        continue;
      const collection = namespaced ? `${root}/namespaces/default/${name}` : `${root}/${name}`;
      const { items = [] } = (await transport.request({ method: 'GET', path: collection })).body as {
        items?: { metadata: { name: string; finalizers?: string[] } }[];
      };
      for (const { metadata } of items) {
        const path = `${collection}/${encodeURIComponent(metadata.name)}`;
        if (metadata.finalizers?.length)
          await transport.request({
            method: 'PATCH',
            path,
            headers: { 'content-type': 'application/merge-patch+json' },
            body: { metadata: { finalizers: null } },
          });
        await transport.request({ method: 'DELETE', path, body: { gracePeriodSeconds: 0 } });
      }
    }
  }
}

const dice = new Dice(seed);
for (let round = 0; round < 3; round++) {
  let waiting: Hostile[] = [];
  for (let i = 0; i < count / 3; i++) {
    if (i % 64 === 63) waiting.push(hostile(dice));
    if (waiting.length === 12 || i + 1 >= count / 3) {
      await Promise.all(waiting.map(connection));
      waiting = [];
    }
    if (i % 64 === 63) continue;
    const asked = request(dice);
    const told = `${asked.method} ${asked.path} ${JSON.stringify(asked.query)} ${JSON.stringify(asked.headers)} ${JSON.stringify(asked.body)?.slice(0, 600)}`;
    try {
      const { status, body } = await transport.request(asked);
      codes[status] = (codes[status] ?? 0) + 1;
      judge(status, body, told);
    } catch (error) {
      problems.push(`thrown ${String(error)}: ${told}`);
    }
    if (problems.length > 20) break;
  }
  // What was left in the middle takes a moment to be noticed.
  for (let i = 0; i < 500 && sockets() > 0; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  if (sockets() > 0) problems.push(`${sockets()} sockets are left after round ${round + 1}`);
  await clear();
  await clock.settle();
  // History is kept for a while, on purpose; here it would look like a leak.
  await clock.advance('15m');
  (globalThis as { gc?: () => void }).gc?.();
  heaps.push(process.memoryUsage().heapUsed);
}
await cluster.stop();
process.stdout.write(JSON.stringify({ problems, codes, wire, heaps }));
