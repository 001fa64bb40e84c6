/** The EndpointSlice controller in a cluster. */
import { expect } from 'chai';
import { EndpointSliceController } from 'gyre/controllers';
import { EndpointSlice, Node, Pod, Service } from 'gyre/kinds';
import { TestCluster } from 'gyre/testing';
import { SliceTracker } from '#src/builtin-controllers/endpointslice/slice-tracker.js';
import { node, pod, service, setStatus, store } from './objects.js';

const start = () => TestCluster.start({ builtin: false, controllers: [EndpointSliceController] });

async function slices(t: TestCluster, of = 'web'): Promise<EndpointSlice[]> {
  await t.settle();
  const found: EndpointSlice[] = [];
  const labelSelector = `kubernetes.io/service-name=${of}`;
  for await (const slice of t.client.list(EndpointSlice, { namespace: 'default', labelSelector }))
    found.push(slice);
  return found;
}
const states = async (t: TestCluster) =>
  (await slices(t))
    .flatMap(({ endpoints }) => endpoints)
    .map((e) => `${e.targetRef?.name} ${e.addresses[0]} ${e.conditions?.ready ? 'ready' : 'unready'}`)
    .sort();

describe('endpointslice-controller', () => {
  it('EP-1 EP-2 follows pods: ready, unready, relabelled, terminating, gone', async () => {
    await using t = await start();
    await store(t.client, node('n1', 'zone-a'));
    await store(t.client, service());
    await store(t.client, pod('a', { node: 'n1' }));
    await store(t.client, pod('b', { ip: '10.64.0.2', ready: false }));
    await store(t.client, pod('c', { ip: '10.64.0.3', labels: { app: 'other' } }));
    expect(await states(t)).to.deep.equal(['a 10.64.0.1 ready', 'b 10.64.0.2 unready']);
    await setStatus(t.client, 'b', pod('b', { ip: '10.64.0.2' }).status);
    await t.client.patch(Pod, 'default/c', (draft) => {
      draft.metadata.labels = { app: 'web' };
    });
    expect(await states(t)).to.deep.equal(['a 10.64.0.1 ready', 'b 10.64.0.2 ready', 'c 10.64.0.3 ready']);
    await t.client.delete(Pod, 'default/a');
    expect(await states(t)).to.include('a 10.64.0.1 unready');
    await t.client.delete(Pod, 'default/a', { gracePeriodSeconds: 0 });
    await t.client.patch(Pod, 'default/c', (draft) => {
      draft.metadata.labels = {};
    });
    expect(await states(t)).to.deep.equal(['b 10.64.0.2 ready']);
  });

  it('EP-3 takes a pod in once its node is known', async () => {
    await using t = await start();
    await store(t.client, service());
    await store(t.client, pod('a', { node: 'n1' }));
    expect(await states(t)).to.deep.equal([]);
    await store(t.client, node('n1'));
    expect(await states(t)).to.deep.equal(['a 10.64.0.1 ready']);
  });

  it('EP-2 follows the zone of a node', async () => {
    await using t = await start();
    await store(t.client, node('n1', 'zone-a'));
    await store(t.client, service());
    await store(t.client, pod('a', { node: 'n1' }));
    await t.settle();
    await t.client.patch(Node, 'n1', (draft) => {
      draft.metadata.labels = { 'topology.kubernetes.io/zone': 'zone-b' };
    });
    expect((await slices(t))[0]?.endpoints[0]?.zone).to.equal('zone-b');
  });

  it('EP-5 keeps one placeholder slice for a Service without endpoints, and mends what others break', async () => {
    await using t = await start();
    await store(t.client, service());
    const [placeholder, ...others] = await slices(t);
    expect(others).to.deep.equal([]);
    expect(placeholder?.ports ?? []).to.deep.equal([]);
    await t.client.delete(EndpointSlice, { namespace: 'default', name: placeholder?.metadata.name ?? '' });
    expect(await slices(t)).to.have.lengthOf(1);
    await store(t.client, pod('a'));
    const [slice] = await slices(t);
    await t.client.patchRaw(
      EndpointSlice,
      { namespace: 'default', name: slice?.metadata.name ?? '' },
      { type: 'merge', patch: { endpoints: [] } },
    );
    expect(await states(t)).to.deep.equal(['a 10.64.0.1 ready']);
  });

  it('EP-5 spreads 250 pods over three slices', async () => {
    await using t = await start();
    await store(t.client, service());
    for (let i = 0; i < 250; i++) await store(t.client, pod(`p${i}`, { ip: `10.64.1.${i}` }));
    expect(await states(t)).to.have.lengthOf(250);
    expect(await slices(t)).to.have.lengthOf(3);
  });

  it('EP-6 leaves Services without a selector and ExternalNames alone', async () => {
    await using t = await start();
    const { selector: _, ...bare } = service().spec ?? {};
    await store(t.client, { ...service({}, { name: 'bare' }), spec: bare });
    await t.client.create(Service, {
      metadata: { namespace: 'default', name: 'alias' },
      spec: { type: 'ExternalName', externalName: 'example.com', selector: { app: 'web' } },
    });
    await store(t.client, pod('a'));
    expect(await slices(t, 'bare')).to.deep.equal([]);
    expect(await slices(t, 'alias')).to.deep.equal([]);
  });

  it('EP-6 writes nothing when nothing changes', async () => {
    await using t = await start();
    await store(t.client, service());
    await store(t.client, pod('a'));
    const before = await slices(t);
    await t.client.patch(Service, 'default/web', (draft) => {
      draft.metadata.annotations = { note: 'x' };
    });
    await t.advance('1h');
    expect((await slices(t)).map((s) => s.metadata.resourceVersion)).to.deep.equal(
      before.map((s) => s.metadata.resourceVersion),
    );
  });
});

describe('slice tracker', () => {
  const of = service();
  const slice = (version: string) => ({ metadata: { uid: 'u', resourceVersion: version } }) as EndpointSlice;

  it('EP-6 is ahead of a cache until that shows what was written, or something newer', () => {
    const tracker = new SliceTracker();
    expect(tracker.isAheadOf(of, [])).to.equal(false);
    tracker.wrote(of, slice('9'));
    expect(tracker.isAheadOf(of, [])).to.equal(true);
    expect(tracker.isAheadOf(of, [slice('8')])).to.equal(true);
    expect(tracker.isAheadOf(of, [slice('10')])).to.equal(false);
    expect(tracker.isAheadOf(of, [])).to.equal(false);
  });

  it('EP-6 is ahead of a cache that still shows what was removed', () => {
    const tracker = new SliceTracker();
    tracker.removed(of, slice('9'));
    expect(tracker.isAheadOf(of, [slice('9')])).to.equal(true);
    expect(tracker.isAheadOf(of, [])).to.equal(false);
  });

  it('EP-6 takes the word of the server for a slice that somebody else removed', () => {
    const tracker = new SliceTracker();
    tracker.wrote(of, slice('9'));
    tracker.learned(of, []);
    expect(tracker.isAheadOf(of, [])).to.equal(false);
  });
});
