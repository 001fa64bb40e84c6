/**
 * Several API servers on one etcd serve one cluster: each reads what the other has written, nothing is given out twice, and what
 * was acknowledged survives the end of a server and of etcd.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { isApiError } from 'gyre/api';
import { ApiServer } from 'gyre/apiserver';
import { type Client, createClient } from 'gyre/client';
import { ConfigMap, Service } from 'gyre/kinds';
import { openEtcdStore, type ObjectStore } from '#src/store/index.js';
import { systemClock, systemRandom } from '#src/system/index.js';
import { Etcd, etcdOrSkip } from '../support/etcd.js';

const system = { clock: systemClock, random: systemRandom };
const admin = { username: 'admin', groups: ['system:masters'] };

/** An API server with a store of its own on the etcd that all share. */
class Member implements AsyncDisposable {
  private constructor(
    readonly server: ApiServer,
    readonly client: Client,
    private readonly store: ObjectStore,
  ) {}

  static async start(etcd: Etcd, prefix: string): Promise<Member> {
    const store = await openEtcdStore({
      endpoints: [etcd.endpoint],
      prefix,
      requestTimeoutMs: 2000,
      ...system,
    });
    const server = await ApiServer.start({ store, serviceCidr: '10.9.0.0/25', ...system });
    return new Member(server, createClient(server.transport(admin)), store);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop();
    await this.store.close();
  }
}

describe('API servers that share an etcd', function () {
  this.timeout(60_000);
  let etcd: Etcd;
  let clusters = 0;
  const prefix = (): string => `/cluster-${clusters++}`;

  before(async function () {
    etcd = await Etcd.start(etcdOrSkip(this));
  });
  after(() => etcd?.[Symbol.asyncDispose]());

  it('each reads what the other has just written, and one of two writers hears of the conflict', async () => {
    const place = prefix();
    await using a = await Member.start(etcd, place);
    await using b = await Member.start(etcd, place);
    const members = [a, b];
    await a.client.create(ConfigMap, {
      metadata: { namespace: 'default', name: 'shared' },
      data: { n: '0' },
    });
    for (let n = 1; n <= 40; n++) {
      const [writer, reader] = [members[n % 2] as Member, members[(n + 1) % 2] as Member];
      const before = await writer.client.get(ConfigMap, 'default/shared');
      expect(before.data?.n).to.equal(String(n - 1));
      await writer.client.update(ConfigMap, { ...before, data: { n: String(n) } });
      const stale = await reader.client
        .update(ConfigMap, { ...before, data: { n: 'stale' } })
        .catch((error: unknown) => error);
      expect(isApiError(stale, 'Conflict'), String(stale)).to.equal(true);
    }
    const counting = async (member: Member): Promise<void> => {
      for (let i = 0; i < 25; i++)
        await member.client
          .patch(ConfigMap, 'default/shared', (draft) => {
            draft.data = { n: String(Number(draft.data?.n) + 1) };
          })
          .catch(async (error: unknown) => {
            if (!isApiError(error, 'Conflict')) throw error;
            i--;
          });
    };
    await Promise.all(members.map(counting));
    expect((await a.client.get(ConfigMap, 'default/shared')).data?.n).to.equal('90');
  });

  it('no address and no node port is given out twice', async () => {
    const place = prefix();
    await using a = await Member.start(etcd, place);
    await using b = await Member.start(etcd, place);
    const make = (member: Member, name: string): Promise<Service> =>
      member.client.create(Service, {
        metadata: { namespace: 'default', name },
        spec: { type: 'NodePort', ports: [{ port: 80 }] },
      });
    // Nearly all there are: whoever chooses at random meets the other.
    const made = await Promise.all(
      Array.from({ length: 110 }, (_, i) => make(i % 2 === 0 ? a : b, `svc-${i}`)),
    );
    expect(new Set(made.map(({ spec }) => spec?.clusterIP)).size).to.equal(110);
    expect(new Set(made.map(({ spec }) => spec?.ports?.[0]?.nodePort)).size).to.equal(110);
    // Asked for by both at once: one gets it.
    const free = Array.from({ length: 126 }, (_, i) => `10.9.0.${i + 1}`).find(
      (address) => address !== '10.9.0.1' && !made.some(({ spec }) => spec?.clusterIP === address),
    ) as string;
    const asked = await Promise.allSettled(
      [a, b].map((member, i) =>
        member.client.create(Service, {
          metadata: { namespace: 'default', name: `asked-${i}` },
          spec: { clusterIP: free, ports: [{ port: 80 }] },
        }),
      ),
    );
    expect(asked.map(({ status }) => status).sort()).to.deep.equal(['fulfilled', 'rejected']);
    const refused = asked.find((one) => one.status === 'rejected') as PromiseRejectedResult;
    expect(String(refused.reason)).to.include('provided IP is already allocated');
    // Who gives it back lets the next one have it, at once.
    const [owner] = asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    await a.client.delete(Service, `default/${owner?.metadata.name}`);
    const next = await b.client.create(Service, {
      metadata: { namespace: 'default', name: 'next' },
      spec: { clusterIP: free, ports: [{ port: 80 }] },
    });
    expect(next.spec?.clusterIP).to.equal(free);
  });

  it('one ends under load: the other goes on, and a new one knows all that was acknowledged', async () => {
    const place = prefix();
    const a = await Member.start(etcd, place);
    await using b = await Member.start(etcd, place);
    const acknowledged: string[] = [];
    let writing = true;
    const write = async (member: Member, name: string): Promise<void> => {
      for (let i = 0; writing; i++) {
        try {
          await member.client.create(ConfigMap, { metadata: { namespace: 'default', name: `${name}-${i}` } });
          acknowledged.push(`${name}-${i}`);
        } catch (error) {
          if (member === a) return;
          throw error;
        }
      }
    };
    const writers = [write(a, 'a'), write(b, 'b')];
    await pause(300);
    await a[Symbol.asyncDispose]();
    const soFar = acknowledged.filter((name) => name.startsWith('b')).length;
    await pause(300);
    writing = false;
    await Promise.all(writers);
    expect(acknowledged.filter((name) => name.startsWith('b')).length).to.be.greaterThan(soFar);
    await using c = await Member.start(etcd, place);
    const there = new Set<string>();
    for await (const { metadata } of c.client.list(ConfigMap, { namespace: 'default' }))
      there.add(metadata.name);
    expect(acknowledged.filter((name) => !there.has(name))).to.deep.equal([]);
  });

  for (const end of ['kill', 'pause'] as const)
    it(`etcd is gone for a while (${end}): errors say so, nothing is lost, and both go on by themselves`, async () => {
      const place = prefix();
      await using a = await Member.start(etcd, place);
      await using b = await Member.start(etcd, place);
      const acknowledged = new Set<string>();
      const failures = new Set<string>();
      let writing = true;
      const stopWatch = new AbortController();
      /** Every name the watcher of b has heard of, listing anew whenever its watch ends. */
      const heard = new Set<string>();
      const watching = (async () => {
        while (!stopWatch.signal.aborted) {
          try {
            let version = '';
            const page = await b.server.transport(admin).request({
              method: 'GET',
              path: '/api/v1/namespaces/default/configmaps',
            });
            if (page.status >= 400) throw new Error('not now');
            const list = page.body as { metadata: { resourceVersion: string }; items: ConfigMap[] };
            for (const { metadata } of list.items) heard.add(metadata.name);
            version = list.metadata.resourceVersion;
            const { events } = await b.server.transport(admin).watch<ConfigMap>({
              method: 'GET',
              path: '/api/v1/namespaces/default/configmaps',
              query: { watch: 'true', resourceVersion: version },
              signal: stopWatch.signal,
            });
            for await (const batch of events)
              for (const { type, object } of batch) if (type === 'ADDED') heard.add(object.metadata.name);
          } catch {
            await pause(50);
          }
        }
      })();
      const write = async (member: Member, name: string): Promise<void> => {
        for (let i = 0; writing; i++) {
          try {
            await member.client.create(ConfigMap, {
              metadata: { namespace: 'default', name: `${name}-${i}` },
            });
            acknowledged.add(`${name}-${i}`);
          } catch (error) {
            if (!isApiError(error)) throw error;
            failures.add(`${error.status.code} ${error.status.reason}`);
            await pause(20);
          }
        }
      };
      try {
        const writers = [write(a, 'a'), write(b, 'b')];
        await pause(300);
        if (end === 'kill') {
          await etcd.kill();
          // Longer than a request is tried for: nobody can wait it out.
          await pause(2500);
          await etcd.start();
        } else {
          etcd.pause();
          await pause(3000);
          etcd.resume();
        }
        const before = acknowledged.size;
        const deadline = process.uptime() + 30;
        while (acknowledged.size < before + 50 && process.uptime() < deadline) await pause(20);
        writing = false;
        await Promise.all(writers);
        expect(acknowledged.size, 'it goes on').to.be.at.least(before + 50);
        for (const failure of failures)
          expect(['503 ServiceUnavailable', '504 Timeout', '409 AlreadyExists']).to.include(failure);
        expect([...failures].some((failure) => failure.startsWith('50'))).to.equal(true);
        for (const member of [a, b]) {
          const there = new Set<string>();
          for await (const { metadata } of member.client.list(ConfigMap, { namespace: 'default' }))
            there.add(metadata.name);
          expect([...acknowledged].filter((name) => !there.has(name))).to.deep.equal([]);
        }
        while ([...acknowledged].some((name) => !heard.has(name)) && process.uptime() < deadline)
          await pause(20);
        expect([...acknowledged].filter((name) => !heard.has(name))).to.deep.equal([]);
      } finally {
        writing = false;
        stopWatch.abort();
        await watching;
      }
    });
});
