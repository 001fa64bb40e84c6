/** The garbage collector in a cluster. */
import { expect } from 'chai';
import { kind, type KubernetesObject, type OwnerReference, silentLogger } from 'gyre';
import { GarbageCollector } from 'gyre/controllers';
import { ClusterRole, ConfigMap, CustomResourceDefinition, Event, Namespace, Secret } from 'gyre/kinds';
import { InformerSet } from 'gyre/informers';
import { seededRandom, TestCluster } from 'gyre/testing';

const start = () => TestCluster.start({ builtin: false, controllers: [new GarbageCollector()] });

const refTo = (owner: ConfigMap | KubernetesObject, more: Partial<OwnerReference> = {}): OwnerReference => ({
  apiVersion: owner.apiVersion,
  kind: owner.kind,
  name: owner.metadata.name,
  uid: owner.metadata.uid,
  ...more,
});
const missing: OwnerReference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'never', uid: 'never' };

interface MakeOptions {
  readonly namespace?: string;
  readonly finalizers?: readonly string[];
}
async function make(
  t: TestCluster,
  name: string,
  owners: readonly OwnerReference[] = [],
  { namespace = 'default', finalizers }: MakeOptions = {},
): Promise<ConfigMap> {
  return t.client.create(ConfigMap, {
    metadata: { namespace, name, ownerReferences: owners, ...(finalizers ? { finalizers } : {}) },
  });
}
const there = (t: TestCluster, ...names: string[]) =>
  names.filter((name) => t.find(ConfigMap, `default/${name}`) !== undefined).join();
const free = (t: TestCluster, name: string) =>
  t.client.patch(ConfigMap, `default/${name}`, (draft) => {
    draft.metadata.finalizers = [];
  });
async function warnings(t: TestCluster): Promise<string[]> {
  const found: string[] = [];
  for await (const { reason, message, involvedObject } of t.client.list(Event))
    found.push(`${involvedObject.name} ${reason}: ${message}`);
  return found;
}

const Widget = kind<KubernetesObject, 'Namespaced'>({
  group: 'example.com',
  version: 'v1',
  kind: 'Widget',
  plural: 'widgets',
  scope: 'Namespaced',
});
const widgets = {
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced' as const,
    names: { kind: 'Widget', plural: 'widgets', singular: 'widget', listKind: 'WidgetList' },
    versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } }],
  },
};

describe('generic-garbage-collector, in the background', () => {
  it('GC-2 deletes the dependents of an owner that goes, and theirs', async () => {
    await using t = await start();
    const a = await make(t, 'a');
    const b = await make(t, 'b', [refTo(a)]);
    await make(t, 'c', [refTo(b)]);
    await make(t, 'free');
    await t.settle();
    expect(there(t, 'a', 'b', 'c', 'free')).to.equal('a,b,c,free');
    await t.client.delete(ConfigMap, 'default/a', { propagationPolicy: 'Background' });
    await t.settle();
    expect(there(t, 'a', 'b', 'c', 'free')).to.equal('free');
  });

  it('GC-2 deletes what names an owner that is not there, or another one of that name', async () => {
    await using t = await start();
    const a = await make(t, 'a');
    await make(t, 'never-owned', [missing]);
    await make(t, 'other-uid', [refTo(a, { uid: 'of-a-former-life' })]);
    await make(t, 'owned', [refTo(a)]);
    await t.settle();
    expect(there(t, 'a', 'never-owned', 'other-uid', 'owned')).to.equal('a,owned');
  });

  it('GC-2 finds what was garbage before it started', async () => {
    await using cluster = await TestCluster.start({ builtin: false });
    const a = await make(cluster, 'a');
    await make(cluster, 'garbage', [missing]);
    await make(cluster, 'owned', [refTo(a)]);
    const collector = new GarbageCollector();
    const { clock, client } = cluster;
    const random = seededRandom(2);
    const pending = clock.pending;
    const informers = new InformerSet(client, { clock, random });
    const started = collector.start({
      client,
      informers,
      clock,
      random,
      log: silentLogger,
      signal: new AbortController().signal,
    });
    await cluster.settle();
    await started;
    await cluster.settle();
    expect(there(cluster, 'a', 'garbage', 'owned')).to.equal('a,owned');
    const stopped = collector.stop();
    await cluster.settle();
    await stopped;
    informers.stopAll();
    await cluster.settle();
    expect(clock.pending, 'timers left').to.equal(pending);
  });

  it('GC-2 asks for an absent owner once, however many dependents it had', async () => {
    await using t = await start();
    const a = await make(t, 'a');
    for (let i = 0; i < 30; i++) await make(t, `d${i}`, [refTo(a)]);
    await t.settle();
    let asked = 0;
    const { server } = t.cluster;
    const handle = server.handle.bind(server);
    server.handle = (request) => {
      if (request.method === 'GET' && request.path.endsWith('/configmaps/a')) asked++;
      return handle(request);
    };
    await t.client.delete(ConfigMap, 'default/a', { propagationPolicy: 'Background' });
    await t.settle();
    expect(there(t, 'd0', 'd29')).to.equal('');
    // Those that are looked at at the same time may each ask.
    expect(asked).to.be.within(1, 20);
  });

  it('GC-2 follows custom kinds as they come, as owners and as dependents', async () => {
    await using t = await start();
    await t.client.create(CustomResourceDefinition, widgets);
    await t.advance('5s');
    const owner = await t.client.create(Widget, { metadata: { namespace: 'default', name: 'w' } });
    await make(t, 'child', [refTo(owner)]);
    const a = await make(t, 'a');
    await t.client.create(Widget, {
      metadata: { namespace: 'default', name: 'x', ownerReferences: [refTo(a)] },
    });
    await t.settle();
    expect(there(t, 'child')).to.equal('child');
    await t.client.delete(Widget, 'default/w');
    await t.client.delete(ConfigMap, 'default/a');
    await t.settle();
    expect(there(t, 'child')).to.equal('');
    expect(t.find(Widget, 'default/x')).to.equal(undefined);
  });

  it('GC-2 keeps what belongs to a kind that is not served', async () => {
    await using t = await start();
    await make(t, 'child', [{ apiVersion: 'example.com/v1', kind: 'Gadget', name: 'g', uid: 'g' }]);
    await t.advance('1h');
    expect(there(t, 'child')).to.equal('child');
  });

  it('GC-2 says so of an owner in another namespace, and deletes what has no other', async () => {
    await using t = await start();
    await t.client.create(Namespace, { metadata: { name: 'elsewhere' } });
    const owner = await make(t, 'owner', [], { namespace: 'elsewhere' });
    await make(t, 'child', [refTo(owner)]);
    await t.settle();
    expect(there(t, 'child')).to.equal('');
    expect(await warnings(t)).to.deep.equal([
      `child OwnerRefInvalidNamespace: ownerRef [v1/ConfigMap, namespace: default, name: owner, uid: ${owner.metadata.uid}] does not exist in namespace "default"`,
    ]);
  });

  it('GC-2 says so of a namespaced owner of a cluster-scoped object, and leaves that alone', async () => {
    await using t = await start();
    const owner = await make(t, 'owner');
    await t.client.create(ClusterRole, { metadata: { name: 'child', ownerReferences: [refTo(owner)] } });
    await t.client.delete(ConfigMap, 'default/owner');
    await t.advance('30m');
    expect(t.find(ClusterRole, 'child')).to.not.equal(undefined);
    expect((await warnings(t))[0]).to.match(/^child OwnerRefInvalidNamespace: ownerRef \[v1\/ConfigMap, /);
  });

  it('GC-3 removes only the reference to the owner that is gone while another is there', async () => {
    await using t = await start();
    const [a, b] = [await make(t, 'a'), await make(t, 'b')];
    await make(t, 'child', [refTo(a), refTo(b)]);
    await t.settle();
    await t.client.delete(ConfigMap, 'default/a');
    await t.settle();
    expect(t.get(ConfigMap, 'default/child').metadata.ownerReferences).to.deep.equal([refTo(b)]);
    await t.client.delete(ConfigMap, 'default/b');
    await t.settle();
    expect(there(t, 'child')).to.equal('');
  });

  it('GC-3 leaves dependents that finalizers hold to those', async () => {
    await using t = await start();
    const a = await make(t, 'a');
    await make(t, 'held', [refTo(a)], { finalizers: ['example.com/hold'] });
    await t.settle();
    await t.client.delete(ConfigMap, 'default/a');
    await t.advance('1m');
    expect(t.get(ConfigMap, 'default/held').metadata.deletionTimestamp).to.be.a('string');
    await free(t, 'held');
    expect(there(t, 'held')).to.equal('');
  });
});

describe('generic-garbage-collector, in the foreground and orphaning', () => {
  const blockingRef = (owner: ConfigMap) => refTo(owner, { blockOwnerDeletion: true });

  it('GC-4 an owner goes after the dependents that block it', async () => {
    await using t = await start();
    const a = await make(t, 'a');
    const b = await make(t, 'b', [blockingRef(a)]);
    await make(t, 'c', [blockingRef(b)], { finalizers: ['example.com/hold'] });
    await make(t, 'loose', [refTo(a)], { finalizers: ['example.com/hold'] });
    await t.settle();
    await t.client.delete(ConfigMap, 'default/a', { propagationPolicy: 'Foreground' });
    await t.advance('1m');
    expect(there(t, 'a', 'b', 'c')).to.equal('a,b,c');
    await free(t, 'c');
    await t.settle();
    expect(there(t, 'a', 'b', 'c', 'loose')).to.equal('loose');
    expect(t.get(ConfigMap, 'default/loose').metadata.deletionTimestamp).to.be.a('string');
  });

  it('GC-4 an owner waits for no dependent that has another owner', async () => {
    await using t = await start();
    const [a, b] = [await make(t, 'a'), await make(t, 'b')];
    await make(t, 'shared', [blockingRef(a), blockingRef(b)]);
    await t.settle();
    await t.client.delete(ConfigMap, 'default/a', { propagationPolicy: 'Foreground' });
    await t.settle();
    expect(there(t, 'a', 'b', 'shared')).to.equal('b,shared');
    expect(t.get(ConfigMap, 'default/shared').metadata.ownerReferences).to.deep.equal([blockingRef(b)]);
  });

  it('GC-3 a circle of owners goes as a whole', async () => {
    await using t = await start();
    const a = await make(t, 'a');
    const b = await make(t, 'b', [blockingRef(a)]);
    await t.client.patch(ConfigMap, 'default/a', (draft) => {
      draft.metadata.ownerReferences = [blockingRef(b)];
    });
    await t.settle();
    await t.client.delete(ConfigMap, 'default/a', { propagationPolicy: 'Foreground' });
    await t.advance('1m');
    expect(there(t, 'a', 'b')).to.equal('');
  });

  it('GC-4 orphans are let go, and live on', async () => {
    await using t = await start();
    const a = await make(t, 'a');
    await make(t, 'child', [refTo(a)]);
    await t.client.create(Secret, {
      metadata: { namespace: 'default', name: 'other', ownerReferences: [refTo(a)] },
    });
    await t.settle();
    await t.client.delete(ConfigMap, 'default/a', { propagationPolicy: 'Orphan' });
    await t.advance('1m');
    expect(there(t, 'a', 'child')).to.equal('child');
    expect(t.get(ConfigMap, 'default/child').metadata.ownerReferences ?? []).to.deep.equal([]);
    expect(t.get(Secret, 'default/other').metadata.ownerReferences ?? []).to.deep.equal([]);
  });
});
