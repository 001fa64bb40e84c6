/**
 * `kill -9` of the API server under write load, over and over: no acknowledged write is lost, none is half there, and who
 * watches hears of each of them once, going on where it was. `GYRE_KILLS` says how often; CI kills a hundred times.
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { isApiError, type Random, type WatchEvent } from 'gyre/api';
import { type Client, connect, createClient } from 'gyre/client';
import { ConfigMap } from 'gyre/kinds';
import { seededRandom } from 'gyre/testing';
import { freePort } from '../support/etcd.js';
import { gyreUp, type Program, temporaryFolder } from '../support/processes.js';

const kills = Number(process.env.GYRE_KILLS ?? 5);
const seed = Number(process.env.GYRE_SEED ?? 7);
const path = '/api/v1/namespaces/default/configmaps';

/** What is known of one object: what it may be, the acknowledged state first. */
interface Believed {
  /** The last that was acknowledged; undefined when the object is not there. */
  acknowledged: number | undefined;
  /** Asked for since, without an answer: each may have happened. */
  readonly asked: (number | undefined)[];
}

describe('an API server killed under load', function () {
  this.timeout(60_000 + kills * 5000);

  it(`loses no acknowledged write and no event of a watch (${kills} kills, seed ${seed})`, async () => {
    using folder = temporaryFolder();
    const random: Random = seededRandom(seed);
    const port = String(await freePort());
    const up = async (): Promise<Program> =>
      (await gyreUp(folder.path, ['--no-controllers', '--port', port])).program;
    let program = await up();
    const { transport } = await connect({ kubeconfig: join(folder.path, 'kubeconfig') });
    const client: Client = createClient(transport);
    const stop = new AbortController();
    let writing = true;
    const believed = new Map<string, Believed>();
    /** Versions of acknowledged writes. */
    const acknowledged = new Set<string>();
    const seen: string[] = [];
    const problems: string[] = [];

    const watch = async (): Promise<void> => {
      const { body } = await transport.request({ method: 'GET', path });
      let from = (body as { metadata: { resourceVersion: string } }).metadata.resourceVersion;
      while (!stop.signal.aborted) {
        try {
          const { events } = await transport.watch<ConfigMap>({
            method: 'GET',
            path,
            query: { watch: 'true', resourceVersion: from },
            signal: stop.signal,
          });
          for await (const batch of events) {
            for (const { type, object } of batch as readonly WatchEvent<ConfigMap>[]) {
              if (type === 'ERROR') problems.push(JSON.stringify(object));
              from = object.metadata.resourceVersion as string;
              seen.push(from);
            }
          }
        } catch (error) {
          if (isApiError(error)) problems.push(String(error));
          await pause(20);
        }
      }
    };

    /** Each has names of its own, so that it knows what it has done. */
    const write = async (writer: number): Promise<void> => {
      for (let i = 0; writing; i++) {
        const name = `w${writer}-${Math.floor(random.next() * 8)}`;
        const at = { namespace: 'default', name };
        const one: Believed = believed.get(name) ?? { acknowledged: undefined, asked: [] };
        believed.set(name, one);
        const n = random.next() < 0.2 ? undefined : writer * 1e6 + i;
        try {
          const there = await client.find(ConfigMap, at);
          // Now it is known which of them it was.
          one.acknowledged = there && Number(there.data?.n);
          one.asked.length = 0;
          if (!there && n === undefined) continue;
          one.asked.push(n);
          const data = { n: String(n) };
          const written = !there
            ? await client.create(ConfigMap, { metadata: at, data })
            : n === undefined
              ? await client.delete(ConfigMap, at).then(() => undefined)
              : await client.update(ConfigMap, { ...there, data });
          one.acknowledged = n;
          one.asked.length = 0;
          if (written) acknowledged.add(written.metadata.resourceVersion);
        } catch (error) {
          // A write that was sent again after its answer was lost meets itself.
          if (
            isApiError(error) &&
            !['AlreadyExists', 'Conflict', 'NotFound'].includes(error.status.reason ?? '')
          )
            problems.push(String(error));
          await pause(10);
        }
      }
    };

    const watching = watch();
    const writers = [0, 1, 2, 3].map(write);
    try {
      for (let kill = 0; kill < kills; kill++) {
        await pause(50 + Math.floor(random.next() * 250));
        program.kill('SIGKILL');
        await program.exited;
        program = await up();
      }
      await pause(200);
      writing = false;
      await Promise.all(writers);

      const there = new Map<string, number>();
      for await (const { metadata, data } of client.list(ConfigMap, { namespace: 'default' }))
        if (metadata.name.startsWith('w')) there.set(metadata.name, Number(data?.n));
      for (const [name, one] of believed) {
        const may = one.asked.length === 0 ? [one.acknowledged] : [one.acknowledged, ...one.asked];
        if (!may.includes(there.get(name)))
          problems.push(`${name} is ${there.get(name)}, which is none of ${may.join(', ')}`);
      }
      const { metadata } = await client.create(ConfigMap, {
        metadata: { namespace: 'default', name: 'last' },
      });
      const deadline = process.uptime() + 20;
      while (seen.at(-1) !== metadata.resourceVersion && process.uptime() < deadline) await pause(20);
      expect(problems).to.deep.equal([]);
      const heard = new Set(seen);
      expect(
        [...acknowledged].filter((version) => !heard.has(version)),
        'not heard of',
      ).to.deep.equal([]);
      expect(seen.length, 'each once').to.equal(heard.size);
      expect(seen, 'in order').to.deep.equal([...seen].sort((a, b) => Number(a) - Number(b)));
      expect(acknowledged.size).to.be.greaterThan(kills * 5);
    } finally {
      writing = false;
      stop.abort();
      await watching;
      transport.close();
      await program[Symbol.asyncDispose]();
    }
  });
});
