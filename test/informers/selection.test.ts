/** What an informer may be asked for: namespaces, metadata, transforms, indexes, resync; judged on a real API server. */
import { expect } from 'chai';
import { controllerFor, done, ownerIndex } from 'gyre';
import {
  byField,
  byLabel,
  byOwnerUid,
  type CacheEvent,
  type CacheObject,
  createInformer,
  type Informer,
  type InformerOptions,
  InformerSet,
} from 'gyre/informers';
import { ConfigMap, Namespace, Pod, Secret } from 'gyre/kinds';
import { seededRandom, TestCluster } from 'gyre/testing';

interface Started<T> {
  readonly t: TestCluster;
  readonly informer: Informer<T>;
  readonly events: CacheEvent<T>[];
}

async function start(options: InformerOptions, namespaces: readonly string[] = ['a', 'b', 'c']) {
  const t = await TestCluster.start({ builtin: false });
  for (const name of namespaces) await t.client.create(Namespace, { metadata: { name } });
  const informer = createInformer<ConfigMap>(t.client, ConfigMap, options, {
    clock: t.clock,
    random: seededRandom(1),
  });
  const events: CacheEvent<ConfigMap>[] = [];
  informer.events$.subscribe((event) => events.push(event));
  informer.start();
  await t.settle();
  await informer.ready;
  return { t, informer, events } satisfies Started<ConfigMap>;
}
const make = (t: TestCluster, namespace: string, name: string, labels = {}, data = {}) =>
  t.client.create(ConfigMap, { metadata: { name, namespace, labels }, data });

describe('an informer of several namespaces', () => {
  it('holds those of each and no others, as one cache', async () => {
    const { t, informer, events } = await start({ namespaces: ['a', 'b', 'a'] });
    for (const namespace of ['a', 'b', 'c']) await make(t, namespace, 'x', { in: namespace });
    await t.settle();
    expect([...informer.cache.keys()].sort()).to.deep.equal(['a/x', 'b/x']);
    expect(informer.cache.size).to.equal(2);
    expect(informer.cache.has('c/x')).to.equal(false);
    expect(informer.cache.list({ namespace: 'b' })).to.have.length(1);
    expect(informer.cache.list({ namespace: 'c' })).to.deep.equal([]);
    expect(informer.cache.list({ labelSelector: 'in=a' })).to.have.length(1);
    informer.addIndex('in', byLabel('in'));
    expect(informer.cache.by('in', 'b').map(({ metadata }) => metadata.namespace)).to.deep.equal(['b']);
    await t.client.delete(ConfigMap, 'a/x');
    await t.settle();
    expect(events.map(({ type, key }) => `${type} ${key}`)).to.deep.equal([
      'Apply a/x',
      'Apply b/x',
      'Delete a/x',
    ]);
    informer.stop();
    await t.stop();
  });

  it('has caught up with what all of them have', async () => {
    const { t, informer } = await start({ namespaces: ['a', 'b'] });
    const { metadata } = await make(t, 'a', 'x');
    await t.settle();
    expect(BigInt(informer.cache.resourceVersion) < BigInt(metadata.resourceVersion)).to.equal(true);
    await t.advance('2m'); // a bookmark comes to the quiet one
    expect(BigInt(informer.cache.resourceVersion) >= BigInt(metadata.resourceVersion)).to.equal(true);
    informer.stop();
    await t.stop();
  });

  it('is what a controller watches too', async () => {
    const runs: string[] = [];
    const controller = controllerFor(ConfigMap)
      .named('some')
      .with({ namespaces: ['a', 'b'] })
      .owns(Secret)
      .reconcile(async (object, ctx) => {
        runs.push(`${object.metadata.namespace}/${object.metadata.name}`);
        if (object.metadata.name === 'x') {
          await ctx.apply(Secret, { metadata: { name: 'child' } });
          expect(ctx.cache.by(Secret, ownerIndex, object.metadata.uid)).to.have.length(1);
        }
        return done;
      });
    await using t = await TestCluster.start({ builtin: false, controllers: [controller] });
    for (const name of ['a', 'b', 'c']) {
      await t.client.create(Namespace, { metadata: { name } });
      await make(t, name, 'x');
    }
    await t.settle();
    expect([...new Set(runs)].sort()).to.deep.equal(['a/x', 'b/x']);
  });

  it('is refused beside one namespace, and for what has none', async () => {
    await using t = await TestCluster.start({ builtin: false });
    const deps = { clock: t.clock, random: seededRandom(1) };
    expect(() => createInformer(t.client, ConfigMap, { namespace: 'a', namespaces: ['b'] }, deps)).to.throw(
      TypeError,
      /not both/,
    );
    expect(() => createInformer(t.client, Namespace as never, { namespaces: ['b'] }, deps)).to.throw(
      TypeError,
      /cluster-scoped/,
    );
  });
});

describe('an informer of metadata', () => {
  it('never holds what a Secret says, and a controller reads its own writes as metadata too', async () => {
    const seen: string[] = [];
    const controller = controllerFor(ConfigMap)
      .named('metadata')
      .owns(Secret, { metadataOnly: true })
      .reconcile(async (object, ctx) => {
        if (object.metadata.namespace !== 'default' || object.metadata.name !== 'x') return done;
        await ctx.apply(Secret, { metadata: { name: 'child' }, stringData: { password: 'hunter2' } });
        seen.push(JSON.stringify(ctx.cache.list(Secret)));
        return done;
      });
    await using t = await TestCluster.start({ builtin: false, controllers: [controller] });
    await make(t, 'default', 'x');
    await t.advance('1m');
    expect(seen.length).to.be.greaterThan(1);
    for (const text of seen) {
      expect(text).to.include('PartialObjectMetadata').and.to.include('"name":"child"');
      expect(text).to.not.include(Buffer.from('hunter2').toString('base64'));
    }
  });
});

describe('a transform', () => {
  it('makes what is cached; managedFields are gone unless they are kept', async () => {
    const { t, informer } = await start({
      namespace: 'a',
      transform: (object: ConfigMap) => ({
        ...object,
        data: { size: String(Object.keys(object.data ?? {}).length) },
      }),
    });
    await make(t, 'a', 'x', {}, { one: '1', two: '2' });
    await t.settle();
    expect(informer.cache.get('a/x')?.data).to.deep.equal({ size: '2' });
    expect(informer.cache.get('a/x')?.metadata).to.not.have.property('managedFields');
    informer.stop();
    await t.stop();
    const kept = await start({ namespace: 'a', keepManagedFields: true });
    await make(kept.t, 'a', 'x', {}, { k: 'v' });
    await kept.t.settle();
    expect(kept.informer.cache.get('a/x')?.metadata.managedFields).to.have.length(1);
    kept.informer.stop();
    await kept.t.stop();
  });

  it('that throws, or gives something else, leaves the object as it came', async () => {
    for (const transform of [
      () => {
        throw new Error('no');
      },
      () => undefined,
      (object: ConfigMap) => ({ ...object, metadata: { ...object.metadata, name: 'other' } }),
    ]) {
      const { t, informer } = await start({ namespace: 'a', transform });
      await make(t, 'a', 'x', {}, { one: '1' });
      await t.settle();
      expect(informer.cache.get('a/x')?.data).to.deep.equal({ one: '1' });
      informer.stop();
      await t.stop();
    }
  });
});

describe('resync', () => {
  it('tells every object once in its time, a few at a time, and ends with the informer', async () => {
    const { t, informer, events } = await start({ namespace: 'a', resync: '1h' });
    for (let i = 0; i < 120; i++) await make(t, 'a', `x${i}`);
    await t.settle();
    // What came meanwhile waits for the next round.
    await t.advance('1h');
    events.length = 0;
    let most = 0;
    for (let minute = 0; minute < 60; minute++) {
      const before = events.length;
      await t.advance('1m');
      most = Math.max(most, events.length - before);
    }
    expect(new Set(events.map(({ key }) => key)).size).to.equal(120);
    expect(events).to.have.length(120);
    expect(most).to.be.at.most(50);
    expect(events.every((event) => event.type === 'Apply' && event.resync === true)).to.equal(true);
    informer.stop();
    events.length = 0;
    await t.advance('3h');
    expect(events).to.deep.equal([]);
    await t.stop();
  });
});

describe('index functions', () => {
  const pod = {
    metadata: {
      name: 'p',
      labels: { app: 'web' },
      ownerReferences: [{ uid: 'u1' }, { uid: 'u2' }],
    },
    spec: {
      nodeName: 'n1',
      hostNetwork: true,
      volumes: [
        { persistentVolumeClaim: { claimName: 'c1' } },
        { emptyDir: {} },
        { persistentVolumeClaim: { claimName: 'c2' } },
      ],
    },
  };
  it('find by owner, label and any field, through lists', () => {
    expect(byOwnerUid(pod)).to.deep.equal(['u1', 'u2']);
    expect(byLabel('app')(pod)).to.deep.equal(['web']);
    expect(byLabel('constructor')(pod)).to.deep.equal([]);
    expect(byField('spec.nodeName')(pod)).to.deep.equal(['n1']);
    expect(byField('spec.hostNetwork')(pod)).to.deep.equal(['true']);
    expect(byField('spec.volumes.persistentVolumeClaim.claimName')(pod)).to.deep.equal(['c1', 'c2']);
    for (const path of ['spec.absent', 'spec', 'spec.nodeName.x', '__proto__.x', 'spec.volumes.emptyDir'])
      expect(byField(path)(pod), path).to.deep.equal([]);
  });
});

describe('InformerSet', () => {
  it('shares one watch among those who ask for the same, and starts and stops at run time', async () => {
    await using t = await TestCluster.start({ builtin: false });
    let watches = 0;
    const inner = t.cluster.transport();
    const { createClient } = await import('gyre/client');
    const client = createClient({
      request: (request) => inner.request(request),
      watch: (request) => {
        watches++;
        return inner.watch(request);
      },
      close: () => {},
    });
    const set = new InformerSet(client, { clock: t.clock, random: seededRandom(1) });
    const transform = (object: CacheObject) => object;
    const same = [
      set.acquire(ConfigMap, { labelSelector: 'a=b', transform }),
      set.acquire(ConfigMap, { transform, labelSelector: 'a=b' }),
    ];
    expect(same[0]?.informer).to.equal(same[1]?.informer);
    const others = [
      set.acquire(ConfigMap, { labelSelector: 'a=b' }),
      set.acquire(ConfigMap, { fieldSelector: 'metadata.name=x' }),
      set.acquire(ConfigMap, { namespaces: ['a', 'b'] }),
      set.acquire(ConfigMap, { namespaces: ['b', 'a'] }),
      set.acquire(ConfigMap, { metadataOnly: true }),
      set.acquire(Pod),
    ];
    expect(new Set(others.map(({ informer }) => informer)).size).to.equal(5);
    await t.settle();
    expect(watches).to.equal(1 + 2 + 2 + 1 + 1);
    expect(set.overview.map(({ leases }) => leases)).to.deep.equal([2, 1, 1, 2, 1, 1]);
    same[0]?.release();
    same[0]?.release();
    expect(set.overview).to.have.length(6);
    same[1]?.release();
    expect(set.overview).to.have.length(5);
    const again = set.acquire(ConfigMap, { labelSelector: 'a=b', transform });
    await t.settle();
    await again.informer.ready;
    expect(watches).to.equal(8);
    set.stopAll();
  });
});

describe('one shape', () => {
  it('is what get, list, watch and cache give: plain JSON with the same members', async () => {
    const { t, informer } = await start({ namespace: 'a', keepManagedFields: true });
    await make(t, 'a', 'x', { l: 'v' }, { k: 'v' });
    await t.settle();
    const got = await t.client.get(ConfigMap, 'a/x');
    const [listed] = (await t.client.listPage(ConfigMap, { namespace: 'a' })).items;
    const { events } = await t.client.watch(ConfigMap, {
      namespace: 'a',
      sendInitialEvents: true,
      resourceVersionMatch: 'NotOlderThan',
      allowWatchBookmarks: true,
    });
    let watched: unknown;
    for await (const batch of events) {
      watched = batch[0]?.object;
      break;
    }
    for (const other of [listed, watched, informer.cache.get('a/x')]) expect(other).to.deep.equal(got);
    expect(got.metadata.creationTimestamp).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    informer.stop();
    await t.stop();
  });
});
