/**
 * One process of fuzzing, with `--expose-gc`: `node round.js SEED COUNT` sends COUNT requests in three equal rounds to a
 * server in memory and prints what it found as JSON. What counts as found is any throw, any 500 that is not allowed, any
 * refusal that is no Status, and a heap that grows.
 */
import type { Status } from 'gyre/api';
import { EmbeddedCluster } from 'gyre/cluster';
import { seededRandom, VirtualClock } from 'gyre/testing';
import { allowed } from './allowed.js';
import { customDefinition, Dice, request } from './generate.js';

const [seed = 1, count = 9_000] = process.argv.slice(2).map(Number);
const clock = new VirtualClock();
const cluster = await EmbeddedCluster.start({ controllers: false, clock, random: seededRandom(seed) });
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

function judge(code: number, body: unknown, told: string): void {
  codes[code] = (codes[code] ?? 0) + 1;
  const status = body as Partial<Status> | undefined;
  if (code >= 500 && !allowed.some(({ message }) => message.test(status?.message ?? '')))
    problems.push(`${code} ${status?.message}: ${told}`);
  if (code < 400 || code === 404) return;
  if (status?.kind !== 'Status' || typeof status.message !== 'string' || status.code !== code)
    problems.push(`a refusal that is no Status, ${code} ${JSON.stringify(body).slice(0, 200)}: ${told}`);
  else if (/\n\s+at |node:internal|\.js:\d+/.test(status.message))
    problems.push(`a trace, ${status.message}: ${told}`);
}

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
  for (let i = 0; i < count / 3; i++) {
    const asked = request(dice);
    const told = `${asked.method} ${asked.path} ${JSON.stringify(asked.query)} ${JSON.stringify(asked.headers)} ${JSON.stringify(asked.body)?.slice(0, 600)}`;
    try {
      const { status, body } = await transport.request(asked);
      judge(status, body, told);
    } catch (error) {
      problems.push(`thrown ${String(error)}: ${told}`);
    }
    if (problems.length > 20) break;
  }
  await clear();
  await clock.settle();
  // History is kept for a while, on purpose; here it would look like a leak.
  await clock.advance('15m');
  (globalThis as { gc?: () => void }).gc?.();
  heaps.push(process.memoryUsage().heapUsed);
}
await cluster.stop();
process.stdout.write(JSON.stringify({ problems, codes, heaps }));
