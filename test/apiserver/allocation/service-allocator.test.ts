import { expect } from 'chai';
import fc from 'fast-check';
import { isApiError } from 'gyre/api';
import { ApiServer } from 'gyre/apiserver';
import { createClient } from 'gyre/client';
import { Service } from 'gyre/kinds';
import { MemoryStore } from 'gyre/store';
import { seededRandom, TestCluster, VirtualClock } from 'gyre/testing';

type Spec = NonNullable<Service['spec']>;
const service = (name: string, spec: Partial<Spec> = {}) => ({
  metadata: { namespace: 'default', name },
  spec: { ports: [{ port: 80 }], ...spec },
});

/** The words a request was refused with. */
async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (isApiError(error, 'Invalid')) return error.message;
    throw error;
  }
  throw new Error('expected a refusal');
}

describe('addresses and ports of Services', () => {
  let t: TestCluster;
  beforeEach(async () => {
    t = await TestCluster.start({ builtin: false });
  });
  afterEach(() => t.stop());
  const create = (name: string, spec?: Partial<Spec>) =>
    t.client.create(Service, service(name, spec) as never);
  const change = (name: string, spec: Partial<Spec>) =>
    t.client.patchRaw(Service, `default/${name}`, { type: 'merge', patch: { spec } });
  const specOf = (name: string): Spec => t.get(Service, `default/${name}`).spec as Spec;

  it('KP-4 gives each Service an address of the range, and a node port where its type asks for one', async () => {
    const { spec } = await create('a');
    expect(spec?.clusterIP).to.match(/^127\.(9[6-9]|10\d|111)\./);
    expect(spec?.clusterIPs).to.deep.equal([spec?.clusterIP]);
    expect(spec).to.deep.include({ ipFamilies: ['IPv4'], ipFamilyPolicy: 'SingleStack' });
    const outer = await create('b', { type: 'NodePort' });
    expect(outer.spec?.clusterIP).to.not.equal(spec?.clusterIP);
    expect(outer.spec?.ports?.[0]?.nodePort).to.be.within(30_000, 32_767);
  });

  it('KP-4 the kubernetes Service has the first address', () => {
    expect(specOf('kubernetes').clusterIP).to.equal('127.96.0.1');
  });

  it('KP-4 gives what is asked for, once', async () => {
    await create('a', {
      clusterIP: '127.96.0.10',
      type: 'NodePort',
      ports: [{ port: 80, nodePort: 30_080 }] as never,
    });
    expect(await refusal(create('b', { clusterIP: '127.96.0.10' }))).to.include(
      'spec.clusterIPs: Invalid value: []string{"127.96.0.10"}: failed to allocate IP 127.96.0.10: provided IP is already allocated',
    );
    const port = { type: 'NodePort' as const, ports: [{ port: 80, nodePort: 30_080 }] as never };
    expect(await refusal(create('b', port))).to.include(
      'spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated',
    );
    // The other protocol has ports of its own.
    await create('c', {
      type: 'NodePort',
      ports: [{ port: 80, nodePort: 30_080, protocol: 'UDP' }] as never,
    });
  });

  it('KP-4 refuses what is out of range', async () => {
    expect(await refusal(create('a', { clusterIP: '10.0.0.1' }))).to.include(
      'failed to allocate IP 10.0.0.1: the provided IP (10.0.0.1) is not in the valid range. The range of valid IPs is 127.96.0.0/12',
    );
    const port = { type: 'NodePort' as const, ports: [{ port: 80, nodePort: 80 }] as never };
    expect(await refusal(create('a', port))).to.include(
      'provided port is not in the valid range. The range of valid ports is 30000-32767',
    );
  });

  it('KP-4 keeps address and port through updates, and follows changes of type', async () => {
    await create('a');
    const { clusterIP } = specOf('a');
    await change('a', { type: 'NodePort' });
    const nodePort = specOf('a').ports?.[0]?.nodePort;
    expect(nodePort).to.be.a('number');
    await change('a', { sessionAffinity: 'ClientIP' });
    expect(specOf('a')).to.deep.include({ clusterIP });
    expect(specOf('a').ports?.[0]?.nodePort).to.equal(nodePort);
    await change('a', { type: 'ClusterIP' });
    expect(specOf('a').ports?.[0]?.nodePort).to.equal(undefined);
    await change('a', { type: 'ExternalName', externalName: 'example.com' });
    expect(specOf('a').clusterIP).to.equal(undefined);
    // Released: another may have it now.
    await create('b', { clusterIP: clusterIP as string });
  });

  it('KP-4 gives headless and external Services nothing', async () => {
    expect((await create('a', { clusterIP: 'None' })).spec?.clusterIP).to.equal('None');
    const external = await create('b', { type: 'ExternalName', externalName: 'example.com' });
    expect(external.spec?.clusterIP).to.equal(undefined);
  });

  it('KP-4 frees what a deleted Service had', async () => {
    await create('a', { clusterIP: '127.96.0.10' });
    await t.client.delete(Service, 'default/a');
    await create('b', { clusterIP: '127.96.0.10' });
  });

  it('KP-4 a dry run, and a name that is taken, take nothing', async () => {
    await t.client.create(Service, service('a', { clusterIP: '127.96.0.10' }) as never, { dryRun: true });
    await create('a', { clusterIP: '127.96.0.10' });
    const again = await create('a', { clusterIP: '127.96.0.11' }).catch((error: unknown) => error);
    expect(isApiError(again, 'AlreadyExists')).to.equal(true);
    await create('b', { clusterIP: '127.96.0.11' });
  });

  it('KP-4 never gives the same twice, whoever comes when (property)', async () => {
    const wish = fc.record({
      name: fc.integer({ min: 0, max: 11 }).map((n) => `s${n}`),
      address: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
      outer: fc.boolean(),
      gone: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(wish, { maxLength: 25 }), async (wishes) => {
        const clock = new VirtualClock();
        const store = new MemoryStore({ clock });
        // So few that they meet: six addresses, one of them taken.
        const options = { store, clock, random: seededRandom(1), serviceCidr: '127.96.0.0/29' };
        let server = await ApiServer.start(options);
        let client = createClient(server.transport({ username: 'a', groups: ['system:masters'] }));
        const act = async ({ name, address, outer, gone }: (typeof wishes)[number]): Promise<void> => {
          const spec = {
            ...(outer ? { type: 'NodePort' as const } : {}),
            ...(address === undefined ? {} : { clusterIP: `127.96.0.${address}` }),
          };
          const done = gone
            ? client.delete(Service, { namespace: 'default', name })
            : client.create(Service, service(name, spec) as never);
          await done.catch((error: unknown) => expect(isApiError(error)).to.equal(true));
        };
        const half = Math.floor(wishes.length / 2);
        await Promise.all(wishes.slice(0, half).map(act));
        await server.stop();
        server = await ApiServer.start(options);
        client = createClient(server.transport({ username: 'a', groups: ['system:masters'] }));
        await Promise.all(wishes.slice(half).map(act));
        const addresses: string[] = [];
        const ports: number[] = [];
        for await (const { spec } of client.list(Service)) {
          if (spec?.clusterIP) addresses.push(spec.clusterIP);
          for (const { nodePort } of spec?.ports ?? []) if (nodePort) ports.push(nodePort);
        }
        expect(new Set(addresses).size).to.equal(addresses.length);
        expect(new Set(ports).size).to.equal(ports.length);
        await server.stop();
        await store.close();
      }),
      { numRuns: 30 },
    );
  });

  it('KP-4 says when nothing is left', async () => {
    const clock = new VirtualClock();
    const store = new MemoryStore({ clock });
    const server = await ApiServer.start({
      store,
      clock,
      random: seededRandom(1),
      serviceCidr: '127.96.0.0/30',
    });
    const client = createClient(server.transport({ username: 'a', groups: ['system:masters'] }));
    await client.create(Service, service('a') as never);
    expect(await refusal(client.create(Service, service('b') as never))).to.include('range is full');
    await server.stop();
    await store.close();
  });
});
