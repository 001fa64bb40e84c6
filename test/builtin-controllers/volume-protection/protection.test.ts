/** Storage object in use protection. The finalizers are put on by hand, as admission does. */
import { expect } from 'chai';
import { Manager } from 'gyre';
import { EmbeddedCluster } from 'gyre/cluster';
import {
  LocalVolumes,
  PersistentVolumeClaimController,
  PersistentVolumeClaimProtectionController,
  PersistentVolumeController,
  PersistentVolumeProtectionController,
} from 'gyre/controllers';
import { PersistentVolume, PersistentVolumeClaim, Pod } from 'gyre/kinds';
import { seededRandom, TestCluster, VirtualClock } from 'gyre/testing';
import { silentLogger } from '#src/telemetry/index.js';
import { lagging } from '../persistent-volume/lagging.js';
import { claim, fresh, pod, RememberedVolumes, volume } from '../persistent-volume/objects.js';

const key = 'default/mine';

async function start(): Promise<TestCluster> {
  const t = await TestCluster.start({
    builtin: false,
    controllers: [PersistentVolumeClaimProtectionController, PersistentVolumeProtectionController],
  });
  const mine = fresh(claim('mine'));
  await t.client.create(PersistentVolumeClaim, {
    ...mine,
    metadata: { ...mine.metadata, finalizers: ['kubernetes.io/pvc-protection', 'example.com/other'] },
  });
  return t;
}
async function run(t: TestCluster, name: string, more: { readonly nodeName?: string } = {}): Promise<void> {
  await t.client.create(Pod, fresh(pod(name, 'mine', more)));
  await t.settle();
}
async function remove(t: TestCluster): Promise<void> {
  await t.client.delete(PersistentVolumeClaim, key);
  await t.settle();
}
async function endPod(t: TestCluster, name: string, phase: 'Succeeded' | 'Failed'): Promise<void> {
  await t.client.patchRaw(
    Pod,
    `default/${name}`,
    { type: 'merge', patch: { status: { phase } } },
    { subresource: 'status' },
  );
  await t.settle();
}
const finalizersOf = (t: TestCluster) => t.get(PersistentVolumeClaim, key).metadata.finalizers;
const kept = ['kubernetes.io/pvc-protection', 'example.com/other'];
const free = ['example.com/other'];

describe('storage object in use protection', () => {
  it('PV-11 leaves the finalizer on a claim that is not being deleted', async () => {
    await using t = await start();
    await t.advance('1h');
    expect(finalizersOf(t)).to.deep.equal(kept);
  });

  it('PV-11 takes only its own finalizer off a deleted claim that nobody uses', async () => {
    await using t = await start();
    await remove(t);
    expect(finalizersOf(t)).to.deep.equal(free);
  });

  it('PV-11 keeps a deleted claim until the last scheduled pod that uses it is gone', async () => {
    await using t = await start();
    await run(t, 'a', { nodeName: 'n' });
    await run(t, 'b', { nodeName: 'n' });
    await remove(t);
    expect(finalizersOf(t)).to.deep.equal(kept);
    await t.client.delete(Pod, 'default/a', { gracePeriodSeconds: 0 });
    await t.settle();
    expect(finalizersOf(t)).to.deep.equal(kept);
    await t.client.delete(Pod, 'default/b', { gracePeriodSeconds: 0 });
    await t.settle();
    expect(finalizersOf(t)).to.deep.equal(free);
  });

  for (const phase of ['Succeeded', 'Failed'] as const)
    it(`PV-11 is not held by a pod that ${phase}`, async () => {
      await using t = await start();
      await run(t, 'a', { nodeName: 'n' });
      await remove(t);
      expect(finalizersOf(t)).to.deep.equal(kept);
      await endPod(t, 'a', phase);
      expect(finalizersOf(t)).to.deep.equal(free);
    });

  it('PV-11 is not held by a pod without a node', async () => {
    await using t = await start();
    await run(t, 'a');
    await remove(t);
    expect(finalizersOf(t)).to.deep.equal(free);
  });

  it('PV-11 is held by the pod of a generic ephemeral volume', async () => {
    await using t = await start();
    const { spec, ...rest } = fresh(pod('mi', 'unused', { nodeName: 'n' }));
    const { spec: template } = fresh(claim('mine'));
    const volumes = [{ name: 'ne', ephemeral: { volumeClaimTemplate: { spec: template ?? {} } } }];
    await t.client.create(Pod, { ...rest, spec: { ...spec, volumes } });
    await t.client.create(PersistentVolumeClaim, {
      ...fresh(claim('mi-ne')),
      metadata: { name: 'mi-ne', namespace: 'default', finalizers: kept },
    });
    await t.settle();
    await t.client.delete(PersistentVolumeClaim, 'default/mi-ne');
    await t.settle();
    expect(t.get(PersistentVolumeClaim, 'default/mi-ne').metadata.finalizers).to.deep.equal(kept);
  });

  it('PV-11 asks the server before it lets go: a pod may be newer than the cache', async () => {
    const clock = new VirtualClock();
    await Manager.preload();
    await using cluster = await EmbeddedCluster.start({ clock, random: seededRandom(1), freeze: true });
    const client = cluster.client();
    const manager = Manager.create({
      cluster: () => lagging(cluster.transport(), 'pods', clock, 60_000),
      clock,
      random: seededRandom(2),
      log: silentLogger,
    }).register(PersistentVolumeClaimProtectionController);
    void manager.start();
    await clock.advance('5m');
    const mine = fresh(claim('mine'));
    await client.create(PersistentVolumeClaim, { ...mine, metadata: { ...mine.metadata, finalizers: kept } });
    await client.create(Pod, fresh(pod('a', 'mine', { nodeName: 'n' })));
    await client.delete(PersistentVolumeClaim, key);
    await clock.advance('10m');
    expect((await client.get(PersistentVolumeClaim, key)).metadata.finalizers).to.deep.equal(kept);
    await client.delete(Pod, 'default/a', { gracePeriodSeconds: 0 });
    await clock.advance('10m');
    expect((await client.get(PersistentVolumeClaim, key)).metadata.finalizers).to.deep.equal(free);
    const stopping = manager.stop();
    await clock.advance('2m');
    await stopping;
  });

  it('PV-11 keeps a deleted volume while it is Bound, and lets it go then', async () => {
    await using t = await TestCluster.start({
      builtin: false,
      controllers: [
        PersistentVolumeClaimController,
        PersistentVolumeController,
        PersistentVolumeProtectionController,
        PersistentVolumeClaimProtectionController,
      ],
      provide: [[LocalVolumes, new RememberedVolumes()]],
    });
    const { metadata, ...rest } = fresh(volume('a'));
    await t.client.create(PersistentVolume, {
      ...rest,
      metadata: { ...metadata, finalizers: ['kubernetes.io/pv-protection'] },
    });
    await t.client.create(PersistentVolumeClaim, fresh(claim('mine')));
    await t.settle();
    await t.client.delete(PersistentVolume, 'a');
    await t.advance('1h');
    expect(t.get(PersistentVolume, 'a').status?.phase).to.equal('Bound');
    await t.client.delete(PersistentVolumeClaim, key);
    await t.settle();
    expect(t.find(PersistentVolume, 'a')).to.equal(undefined);
  });
});
