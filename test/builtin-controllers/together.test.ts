/** The controllers beside each other, and with writes that fail. */
import { expect } from 'chai';
import {
  EndpointsCleanup,
  EndpointsController,
  EndpointSliceController,
  GarbageCollector,
  NamespaceController,
  NodeLifecycleController,
  RootCaBundle,
  RootCaPublisher,
  ServiceAccountController,
  TaintEvictionController,
} from 'gyre/controllers';
import { ConfigMap, Endpoints, EndpointSlice, Namespace, Pod, Service, ServiceAccount } from 'gyre/kinds';
import { TestCluster } from 'gyre/testing';
import { node, pod, service, store } from './endpointslice/objects.js';
import { failWrites } from './faults.js';

const start = (seed = 1) =>
  TestCluster.start({
    builtin: false,
    seed,
    controllers: [
      EndpointSliceController,
      EndpointsController,
      EndpointsCleanup,
      NamespaceController,
      new GarbageCollector(),
      ServiceAccountController,
      RootCaPublisher,
      NodeLifecycleController,
      TaintEvictionController,
    ],
    provide: [[RootCaBundle, 'PEM']],
  });
const names = (addresses: readonly { targetRef?: { name?: string } }[]) =>
  addresses.map((a) => a.targetRef?.name).sort();

async function slices(t: TestCluster): Promise<EndpointSlice[]> {
  const found: EndpointSlice[] = [];
  for await (const slice of t.client.list(EndpointSlice, { namespace: 'default' })) found.push(slice);
  return found;
}

describe('the builtin controllers together', () => {
  it('a Service that goes takes its slices and Endpoints with it', async () => {
    await using t = await start();
    await store(t.client, service());
    await store(t.client, pod('a'));
    await t.settle();
    expect(await slices(t)).to.have.lengthOf(1);
    await t.client.delete(Service, 'default/web');
    await t.advance('1m');
    expect(await slices(t)).to.deep.equal([]);
    expect(t.find(Endpoints, 'default/web')).to.equal(undefined);
    expect(t.find(Pod, 'default/a')).to.not.equal(undefined);
  });

  it('NS-1 OC-13 OC-14 a namespace is furnished, and goes with everything in it', async () => {
    await using t = await start();
    await t.client.create(Namespace, { metadata: { name: 'team' } });
    const { spec } = service();
    await t.client.create(Service, { metadata: { namespace: 'team', name: 'web' }, spec: spec ?? {} });
    await t.settle();
    expect(t.find(ServiceAccount, 'team/default')).to.not.equal(undefined);
    expect(t.find(ConfigMap, 'team/kube-root-ca.crt')).to.not.equal(undefined);
    expect(t.find(Endpoints, 'team/web')).to.not.equal(undefined);
    await t.client.delete(Namespace, 'team');
    await t.advance('1m');
    expect(t.find(Namespace, 'team')).to.equal(undefined);
    for (const kind of [ServiceAccount, ConfigMap, Endpoints, EndpointSlice, Service]) {
      for await (const object of t.client.list<{ metadata: { name: string } }>(kind as never, {
        namespace: 'team',
      }))
        expect.fail(`${kind.kind} ${object.metadata.name} is left`);
    }
  });

  it('is quiet when nothing changes', async () => {
    await using t = await start();
    await store(t.client, service());
    await store(t.client, pod('a'));
    await t.advance('1m');
    let writes = 0;
    const { server } = t.cluster;
    const handle = server.handle.bind(server);
    server.handle = (request) => {
      if (request.method !== 'GET') writes++;
      return handle(request);
    };
    await t.advance('1h');
    expect(writes).to.equal(0);
  });
});

describe('writes that fail', () => {
  for (const fault of ['before', 'after'] as const) {
    for (let failing = 0; failing < 6; failing++) {
      it(`EP-5 EP-7 no endpoint is lost or doubled when write ${failing} fails ${fault} it is done`, async () => {
        await using t = await start(failing + 1);
        const users = ['endpointslice-controller', 'endpoint-controller', 'endpoint-cleanup-controller'];
        const restore = users.map((user) => failWrites(t, user, (n) => (n === failing ? fault : undefined)));
        await store(t.client, node('n1'));
        await store(t.client, service());
        const pods = Array.from({ length: 120 }, (_, i) => `p${i}`);
        for (const [i, name] of pods.entries())
          await store(t.client, pod(name, { ip: `10.64.1.${i}`, node: 'n1' }));
        await t.client.delete(Pod, 'default/p7', { gracePeriodSeconds: 0 });
        await t.advance('30s');
        const failed = restore.reverse().map((end) => end());
        // The cleanup has nothing to do here.
        expect(failed).to.deep.equal([0, 1, 1]);
        const expected = pods.filter((name) => name !== 'p7').sort();
        const all = await slices(t);
        expect(names(all.flatMap(({ endpoints }) => endpoints))).to.deep.equal(expected);
        expect(all.length).to.be.within(2, 3);
        const subsets = t.get(Endpoints, 'default/web').subsets ?? [];
        expect(names(subsets.flatMap(({ addresses = [] }) => addresses))).to.deep.equal(expected);
      });
    }

    for (let failing = 0; failing < 3; failing++) {
      it(`GC-4 NS-1 nothing is left over when write ${failing} fails ${fault} it is done`, async () => {
        await using t = await start(failing + 1);
        await t.client.create(Namespace, { metadata: { name: 'team' } });
        const make = (name: string, owner?: ConfigMap) =>
          t.client.create(ConfigMap, {
            metadata: {
              namespace: 'team',
              name,
              ...(owner
                ? {
                    ownerReferences: [
                      {
                        apiVersion: 'v1',
                        kind: 'ConfigMap',
                        name: owner.metadata.name,
                        uid: owner.metadata.uid,
                        blockOwnerDeletion: true,
                      },
                    ],
                  }
                : {}),
            },
          });
        const a = await make('a');
        const b = await make('b', a);
        await make('c', b);
        await t.settle();
        const users = ['generic-garbage-collector', 'namespace-controller'];
        const restore = users.map((user) => failWrites(t, user, (n) => (n === failing ? fault : undefined)));
        await t.client.delete(ConfigMap, 'team/a', { propagationPolicy: 'Foreground' });
        await t.advance('1m');
        expect(['a', 'b', 'c'].filter((name) => t.find(ConfigMap, `team/${name}`))).to.deep.equal([]);
        await t.client.delete(Namespace, 'team');
        await t.advance('1m');
        for (const end of restore.reverse()) end();
        expect(t.find(Namespace, 'team')).to.equal(undefined);
      });
    }
  }
});
