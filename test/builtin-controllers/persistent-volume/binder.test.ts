/** Claims and volumes in a cluster, judged by what is there and what `kubectl describe` says. */
import { expect } from 'chai';
import {
  LocalVolumes,
  PersistentVolumeClaimController,
  PersistentVolumeClaimProtectionController,
  PersistentVolumeController,
  PersistentVolumeProtectionController,
  VolumeInUse,
} from 'gyre/controllers';
import { Event, PersistentVolume, PersistentVolumeClaim, Pod, StorageClass } from 'gyre/kinds';
import { TestCluster } from 'gyre/testing';
import { claim, fresh, isDefault, pod, RememberedVolumes, refTo, storageClass, volume } from './objects.js';

async function start(volumes = new RememberedVolumes()): Promise<TestCluster> {
  return TestCluster.start({
    builtin: false,
    controllers: [
      PersistentVolumeClaimController,
      PersistentVolumeController,
      PersistentVolumeClaimProtectionController,
      PersistentVolumeProtectionController,
    ],
    provide: [[LocalVolumes, volumes]],
  });
}
const protection = 'kubernetes.io/pv-protection';

/** A volume goes although it is bound: somebody took its protection away. */
async function lose(t: TestCluster, name: string): Promise<void> {
  await t.client.delete(PersistentVolume, name);
  await t.client.patch(PersistentVolume, name, (draft) => {
    delete draft.metadata.finalizers;
  });
}

const create = {
  volume: async (t: TestCluster, ...args: Parameters<typeof volume>) => {
    const made = await t.client.create(PersistentVolume, fresh(volume(...args)));
    await t.settle();
    return made;
  },
  claim: async (t: TestCluster, ...args: Parameters<typeof claim>) => {
    const made = await t.client.create(PersistentVolumeClaim, fresh(claim(...args)));
    await t.settle();
    return made;
  },
  storageClass: async (t: TestCluster, ...args: Parameters<typeof storageClass>) => {
    await t.client.create(StorageClass, fresh(storageClass(...args)));
    await t.settle();
  },
};
const claimOf = (t: TestCluster, name = 'mine') => t.get(PersistentVolumeClaim, `default/${name}`);
const phaseOf = (t: TestCluster, name: string) => t.get(PersistentVolume, name).status?.phase;
async function drop(t: TestCluster, name = 'mine'): Promise<void> {
  await t.client.delete(PersistentVolumeClaim, `default/${name}`);
  await t.settle();
}
/** `Type Reason: message` of all events about an object. */
async function eventsOf(t: TestCluster, name: string): Promise<string[]> {
  const { items } = await t.client.listPage(Event);
  return items
    .filter((e) => e.involvedObject.name === name)
    .map((e) => `${e.type} ${e.reason}: ${e.message}`);
}

describe('the PersistentVolume binder', () => {
  it('PV-1 never looks for another volume for a claim that was bound', async () => {
    await using t = await start();
    await create.volume(t, 'a');
    await create.claim(t, 'mine');
    await lose(t, 'a');
    await create.volume(t, 'b');
    await t.advance('30m');
    expect(claimOf(t).status?.phase).to.equal('Lost');
    expect(phaseOf(t, 'b')).to.equal('Available');
  });

  it('PV-2 PV-3 gives each claim the smallest volume that fits', async () => {
    await using t = await start();
    for (const storage of ['1Gi', '5Gi', '10Gi'])
      await create.volume(t, `v${storage.toLowerCase()}`, { capacity: { storage } });
    await create.claim(t, 'medium', { request: '3Gi' });
    await create.claim(t, 'small', { request: '1Mi' });
    await create.claim(t, 'large', { request: '6Gi' });
    await create.claim(t, 'huge', { request: '6Gi' });
    expect(claimOf(t, 'medium').spec?.volumeName).to.equal('v5gi');
    expect(claimOf(t, 'small').spec?.volumeName).to.equal('v1gi');
    expect(claimOf(t, 'large').spec?.volumeName).to.equal('v10gi');
    expect(claimOf(t, 'huge').status?.phase).to.equal('Pending');
  });

  it('PV-3 binds a waiting claim as soon as a volume comes that fits', async () => {
    await using t = await start();
    await create.claim(t, 'mine', { request: '2Gi' });
    await create.volume(t, 'small');
    expect(claimOf(t).status?.phase).to.equal('Pending');
    await create.volume(t, 'fitting', { capacity: { storage: '2Gi' } });
    expect(claimOf(t).spec?.volumeName).to.equal('fitting');
    expect(claimOf(t).status?.phase).to.equal('Bound');
  });

  it('PV-4 waits for the volume a claim names, and refuses what does not fit or is taken', async () => {
    await using t = await start();
    await create.volume(t, 'b');
    await create.claim(t, 'mine', { volumeName: 'a', request: '2Gi' });
    expect(claimOf(t).status?.phase).to.equal('Pending');
    await create.volume(t, 'a', { capacity: { storage: '2Gi' } });
    expect(claimOf(t).status?.phase).to.equal('Bound');

    await create.claim(t, 'late', { volumeName: 'a' });
    await create.claim(t, 'greedy', { volumeName: 'b', request: '2Gi' });
    await t.advance('1m');
    expect(claimOf(t, 'late').status?.phase).to.equal('Pending');
    expect(await eventsOf(t, 'late')).to.deep.equal([
      'Warning FailedBinding: volume "a" already bound to a different claim.',
    ]);
    expect(await eventsOf(t, 'greedy')).to.deep.equal([
      'Warning VolumeMismatch: Cannot bind to requested volume "b": requested PV is too small',
    ]);
    expect(phaseOf(t, 'b')).to.equal('Available');
  });

  it('PV-5 leaves both sides with what a bind writes', async () => {
    await using t = await start();
    await create.volume(t, 'a', {
      accessModes: ['ReadWriteOnce', 'ReadOnlyMany'],
      capacity: { storage: '3Gi' },
    });
    const { metadata } = await create.claim(t, 'mine');
    const [v, c] = [t.get(PersistentVolume, 'a'), claimOf(t)];
    expect(v.spec?.claimRef).to.deep.include({
      apiVersion: 'v1',
      kind: 'PersistentVolumeClaim',
      namespace: 'default',
      name: 'mine',
      uid: metadata.uid,
    });
    expect(v.metadata.annotations).to.deep.equal({ 'pv.kubernetes.io/bound-by-controller': 'yes' });
    expect(v.status?.phase).to.equal('Bound');
    expect(c.spec?.volumeName).to.equal('a');
    expect(c.metadata.annotations).to.deep.equal({
      'pv.kubernetes.io/bind-completed': 'yes',
      'pv.kubernetes.io/bound-by-controller': 'yes',
    });
    expect(c.status).to.deep.equal({
      phase: 'Bound',
      accessModes: ['ReadWriteOnce', 'ReadOnlyMany'],
      capacity: { storage: '3Gi' },
    });
  });

  it("PV-5 keeps a user's promise Available until its claim comes, and for it alone", async () => {
    await using t = await start();
    await create.volume(t, 'a', { claimRef: refTo('mine'), storageClassName: 'x' });
    await create.claim(t, 'other', { storageClassName: 'x' });
    expect(phaseOf(t, 'a')).to.equal('Available');
    expect(claimOf(t, 'other').status?.phase).to.equal('Pending');
    const { metadata } = await create.claim(t, 'mine');
    expect(claimOf(t).spec?.volumeName).to.equal('a');
    expect(t.get(PersistentVolume, 'a').spec?.claimRef?.uid).to.equal(metadata.uid);
    expect(t.get(PersistentVolume, 'a').metadata.annotations).to.equal(undefined);
  });

  it('PV-6 gives an open claim the default class, also one that becomes default later', async () => {
    await using t = await start();
    await create.claim(t, 'mine');
    await create.claim(t, 'classless', { storageClassName: '' });
    expect(await eventsOf(t, 'mine')).to.deep.equal([
      'Normal FailedBinding: no persistent volumes available for this claim and no storage class is set',
    ]);
    await create.storageClass(t, 'standard');
    expect(claimOf(t).spec?.storageClassName).to.equal(undefined);
    await t.client.patch(StorageClass, 'standard', (draft) => {
      draft.metadata.annotations = { ...isDefault };
    });
    await t.settle();
    expect(claimOf(t).spec?.storageClassName).to.equal('standard');
    expect(claimOf(t).status?.phase).to.equal('Bound');
    expect(claimOf(t, 'classless').status?.phase).to.equal('Pending');
  });

  it('PV-6 waits for a first consumer, then for its pod to be scheduled, then provisions', async () => {
    const volumes = new RememberedVolumes();
    await using t = await start(volumes);
    await create.storageClass(t, 'late', { volumeBindingMode: 'WaitForFirstConsumer' });
    await create.volume(t, 'static', { storageClassName: 'late' });
    await create.claim(t, 'mine', { storageClassName: 'late' });
    expect(await eventsOf(t, 'mine')).to.deep.equal([
      'Normal WaitForFirstConsumer: waiting for first consumer to be created before binding',
    ]);
    expect(phaseOf(t, 'static'), 'the scheduler chooses').to.equal('Available');
    await t.client.delete(PersistentVolume, 'static');
    await t.client.create(Pod, fresh(pod('p', 'mine')));
    await t.settle();
    expect((await eventsOf(t, 'mine')).at(-1)).to.equal(
      'Normal WaitForPodScheduled: waiting for pod p to be scheduled',
    );
    expect(volumes.present.size).to.equal(0);
    await t.client.patch(PersistentVolumeClaim, 'default/mine', (draft) => {
      draft.metadata.annotations = { 'volume.kubernetes.io/selected-node': 'local' };
    });
    await t.settle();
    expect(claimOf(t).status?.phase).to.equal('Bound');
  });

  it('PV-7 tells a claim that its volume is lost, once, and finds it again when that comes back', async () => {
    await using t = await start();
    await create.volume(t, 'a');
    const { metadata } = await create.claim(t, 'mine');
    await lose(t, 'a');
    await t.advance('30m');
    expect(claimOf(t).status).to.deep.equal({ phase: 'Lost' });
    expect(await eventsOf(t, 'mine')).to.deep.equal([
      'Warning ClaimLost: Bound claim has lost its PersistentVolume. Data on the volume is lost!',
    ]);
    await create.volume(t, 'a');
    expect(claimOf(t).status).to.deep.include({ phase: 'Bound', capacity: { storage: '1Gi' } });
    expect(t.get(PersistentVolume, 'a').spec?.claimRef?.uid).to.equal(metadata.uid);
  });

  it('PV-7 binds again to a volume that forgot its claim, and is misbound to one of another UID', async () => {
    await using t = await start();
    await create.volume(t, 'a');
    const { metadata } = await create.claim(t, 'mine');
    await t.client.patch(PersistentVolume, 'a', (draft) => {
      delete draft.spec?.claimRef;
    });
    await t.settle();
    expect(t.get(PersistentVolume, 'a').spec?.claimRef?.uid).to.equal(metadata.uid);
    expect(claimOf(t).status?.phase).to.equal('Bound');
    await t.client.patch(PersistentVolume, 'a', (draft) => {
      (draft.spec ??= {}).claimRef = { namespace: 'default', name: 'other', uid: 'uid-other' };
    });
    await t.settle();
    expect(claimOf(t).status?.phase).to.equal('Lost');
    expect(await eventsOf(t, 'mine')).to.deep.equal([
      'Warning ClaimMisbound: Two claims are bound to the same volume, this one is bound incorrectly',
    ]);
  });

  it('PV-8 PV-9 releases a volume whose claim is gone, and Retain keeps it from the next one', async () => {
    await using t = await start();
    await create.volume(t, 'a');
    const { metadata } = await create.claim(t, 'mine');
    await drop(t);
    expect(phaseOf(t, 'a')).to.equal('Released');
    await create.claim(t, 'mine');
    await t.advance('30m');
    expect(claimOf(t).status?.phase).to.equal('Pending');
    expect(phaseOf(t, 'a')).to.equal('Released');
    expect(t.get(PersistentVolume, 'a').spec?.claimRef?.uid).to.equal(metadata.uid);
    await t.client.patch(PersistentVolume, 'a', (draft) => {
      delete draft.spec?.claimRef;
    });
    await t.settle();
    expect(claimOf(t).status?.phase, 'freed by hand').to.equal('Bound');
  });

  it('PV-8 frees a volume whose claim went elsewhere', async () => {
    await using t = await start();
    await create.claim(t, 'mine', { volumeName: 'b' });
    await create.volume(t, 'a', { claimRef: refTo('mine', claimOf(t).metadata.uid) });
    await create.volume(t, 'b');
    expect(claimOf(t).spec?.volumeName).to.equal('b');
    expect(phaseOf(t, 'a')).to.equal('Available');
    expect(t.get(PersistentVolume, 'a').spec?.claimRef).to.deep.equal(refTo('mine'));
  });

  it('PV-9 calls what it cannot delete Failed, and tells once', async () => {
    await using t = await start();
    await create.volume(t, 'a', { persistentVolumeReclaimPolicy: 'Delete' });
    await create.claim(t, 'mine');
    await drop(t);
    await t.advance('30m');
    const message = 'error getting deleter volume plugin for volume "a": no deletable volume plugin matched';
    expect(t.get(PersistentVolume, 'a').status).to.deep.equal({ phase: 'Failed', message });
    expect(await eventsOf(t, 'a')).to.deep.equal([`Warning VolumeFailedDelete: ${message}`]);
  });
});

describe('the local-path provisioner', () => {
  async function provisioned(
    volumes: RememberedVolumes,
    ...args: Parameters<typeof storageClass>
  ): Promise<TestCluster> {
    const t = await start(volumes);
    await create.storageClass(t, ...args);
    await create.claim(t, 'mine', { storageClassName: args[0], request: '7Gi' });
    return t;
  }
  const nameOf = (t: TestCluster) => `pvc-${claimOf(t).metadata.uid}`;

  it('PV-10 makes a volume of the size asked for and promises it to the claim', async () => {
    const volumes = new RememberedVolumes();
    await using t = await provisioned(volumes, 'standard');
    const name = nameOf(t);
    const of = t.get(PersistentVolume, name);
    expect(of.spec).to.deep.include({
      accessModes: ['ReadWriteOnce'],
      capacity: { storage: '7Gi' },
      hostPath: { path: `/volumes/${name}`, type: 'DirectoryOrCreate' },
      persistentVolumeReclaimPolicy: 'Delete',
      storageClassName: 'standard',
    });
    expect(of.metadata.annotations).to.deep.equal({
      'pv.kubernetes.io/bound-by-controller': 'yes',
      'pv.kubernetes.io/provisioned-by': 'gyre.dev/local-path',
    });
    expect(of.metadata.finalizers).to.deep.equal(['kubernetes.io/pv-controller', protection]);
    expect(of.status?.phase).to.equal('Bound');
    expect(claimOf(t).metadata.annotations).to.include({
      'volume.kubernetes.io/storage-provisioner': 'gyre.dev/local-path',
      'volume.beta.kubernetes.io/storage-provisioner': 'gyre.dev/local-path',
    });
    expect(claimOf(t).status).to.deep.include({ phase: 'Bound', capacity: { storage: '7Gi' } });
    expect(await eventsOf(t, 'mine')).to.deep.equal([
      `Normal ProvisioningSucceeded: Successfully provisioned volume ${name} using gyre.dev/local-path`,
    ]);
    const { items } = await t.client.listPage(Event);
    expect(items[0]?.source?.component).to.equal('persistentvolume-controller');
  });

  it('PV-9 Delete removes the data, then the volume', async () => {
    const volumes = new RememberedVolumes();
    await using t = await provisioned(volumes, 'standard');
    const name = nameOf(t);
    await drop(t);
    expect(t.find(PersistentVolume, name)).to.equal(undefined);
    expect(volumes.removed).to.deep.equal([`/volumes/${name}`]);
  });

  it('PV-9 Retain keeps the data and the volume', async () => {
    const volumes = new RememberedVolumes();
    await using t = await provisioned(volumes, 'kept', { reclaimPolicy: 'Retain' });
    const name = nameOf(t);
    expect(t.get(PersistentVolume, name).metadata.finalizers).to.deep.equal([protection]);
    await drop(t);
    await t.advance('30m');
    expect(phaseOf(t, name)).to.equal('Released');
    expect([...volumes.present]).to.deep.equal([`/volumes/${name}`]);
  });

  it('PV-10 holds a volume that is deleted first until its claim and its data are gone', async () => {
    const volumes = new RememberedVolumes();
    await using t = await provisioned(volumes, 'standard');
    const name = nameOf(t);
    await t.client.delete(PersistentVolume, name);
    await t.advance('30m');
    expect(claimOf(t).status?.phase).to.equal('Bound');
    expect(volumes.removed).to.deep.equal([]);
    await drop(t);
    expect(t.find(PersistentVolume, name)).to.equal(undefined);
    expect(volumes.removed).to.deep.equal([`/volumes/${name}`]);
  });

  it('PV-10 follows a policy that is changed later', async () => {
    const volumes = new RememberedVolumes();
    await using t = await provisioned(volumes, 'standard');
    const name = nameOf(t);
    await t.client.patch(PersistentVolume, name, (draft) => {
      (draft.spec ??= {}).persistentVolumeReclaimPolicy = 'Retain';
    });
    await t.settle();
    expect(t.get(PersistentVolume, name).metadata.finalizers).to.deep.equal([protection]);
    await drop(t);
    expect(volumes.removed).to.deep.equal([]);
    await t.client.patch(PersistentVolume, name, (draft) => {
      (draft.spec ??= {}).persistentVolumeReclaimPolicy = 'Delete';
    });
    await t.settle();
    expect(t.find(PersistentVolume, name)).to.equal(undefined);
    expect(volumes.removed).to.deep.equal([`/volumes/${name}`]);
  });

  it('PV-9 tries a failed deletion again at every sync until it works', async () => {
    const volumes = new RememberedVolumes();
    await using t = await provisioned(volumes, 'standard');
    const name = nameOf(t);
    volumes.failing = { remove: new Error('EACCES: permission denied') };
    await drop(t);
    expect(t.get(PersistentVolume, name).status).to.deep.equal({
      phase: 'Failed',
      message: 'EACCES: permission denied',
    });
    expect(await eventsOf(t, name)).to.deep.equal(['Warning VolumeFailedDelete: EACCES: permission denied']);
    volumes.failing = {};
    await t.advance('15s');
    expect(t.find(PersistentVolume, name)).to.equal(undefined);
  });

  it('PV-9 a volume in use is no failure', async () => {
    const volumes = new RememberedVolumes();
    await using t = await provisioned(volumes, 'standard');
    const name = nameOf(t);
    volumes.failing = { remove: new VolumeInUse('still mounted') };
    await drop(t);
    expect(phaseOf(t, name)).to.equal('Released');
    expect(await eventsOf(t, name)).to.deep.equal(['Normal VolumeDelete: still mounted']);
    volumes.failing = {};
    await t.advance('15s');
    expect(t.find(PersistentVolume, name)).to.equal(undefined);
  });

  it('PV-9 Recycle empties the volume and offers it again', async () => {
    const volumes = new RememberedVolumes();
    await using t = await provisioned(volumes, 'kept', { reclaimPolicy: 'Retain' });
    const name = nameOf(t);
    await t.client.patch(PersistentVolume, name, (draft) => {
      (draft.spec ??= {}).persistentVolumeReclaimPolicy = 'Recycle';
    });
    await drop(t);
    expect(volumes.removed).to.deep.equal([`/volumes/${name}`]);
    expect([...volumes.present]).to.deep.equal([`/volumes/${name}`]);
    expect(phaseOf(t, name)).to.equal('Available');
    expect(t.get(PersistentVolume, name).spec?.claimRef).to.equal(undefined);
    expect(await eventsOf(t, name)).to.deep.equal(['Normal VolumeRecycled: Volume recycled']);
  });

  it('PV-10 provisions nothing where a volume of that name exists', async () => {
    const volumes = new RememberedVolumes();
    await using t = await start(volumes);
    await create.claim(t, 'mine', { storageClassName: 'standard' });
    await create.volume(t, nameOf(t), { capacity: { storage: '1Mi' } });
    await create.storageClass(t, 'standard');
    await t.advance('30m');
    expect(volumes.present.size).to.equal(0);
    expect((await eventsOf(t, 'mine')).join()).to.not.match(/ProvisioningSucceeded/);
  });

  it('PV-10 tells a failure and tries again', async () => {
    const volumes = new RememberedVolumes();
    volumes.failing = { create: new Error('ENOSPC: no space left on device') };
    await using t = await provisioned(volumes, 'standard');
    expect(claimOf(t).status?.phase).to.equal('Pending');
    expect(await eventsOf(t, 'mine')).to.deep.equal([
      'Warning ProvisioningFailed: Failed to provision volume with StorageClass "standard": ENOSPC: no space left on device',
    ]);
    volumes.failing = {};
    await t.advance('1m');
    expect(claimOf(t).status?.phase).to.equal('Bound');
  });

  it('PV-10 asks the scheduler again when a chosen node fails', async () => {
    const volumes = new RememberedVolumes();
    volumes.failing = { create: new Error('ENOSPC') };
    await using t = await provisioned(volumes, 'late', { volumeBindingMode: 'WaitForFirstConsumer' });
    await t.client.patch(PersistentVolumeClaim, 'default/mine', (draft) => {
      draft.metadata.annotations = { 'volume.kubernetes.io/selected-node': 'full' };
    });
    await t.advance('1m');
    expect(claimOf(t).metadata.annotations).to.not.have.property('volume.kubernetes.io/selected-node');
    expect(claimOf(t).status?.phase).to.equal('Pending');
  });

  it('PV-10 does not pretend to block devices, selectors or copies', async () => {
    const volumes = new RememberedVolumes();
    await using t = await start(volumes);
    await create.storageClass(t, 'standard');
    await create.claim(t, 'block', { storageClassName: 'standard', volumeMode: 'Block' });
    await create.claim(t, 'picky', { storageClassName: 'standard', selector: { matchLabels: { a: 'b' } } });
    await t.advance('30m');
    expect(await eventsOf(t, 'block')).to.deep.equal([
      'Warning ProvisioningFailed: Failed to provision volume with StorageClass "standard": gyre.dev/local-path does not support block volumes',
    ]);
    expect(await eventsOf(t, 'picky')).to.have.length(1);
    expect(volumes.present.size).to.equal(0);
  });

  it('PV-10 leaves a claim of an external class to that provisioner, named in both annotations', async () => {
    const volumes = new RememberedVolumes();
    await using t = await provisioned(volumes, 'csi', { provisioner: 'csi.example.com' });
    expect(claimOf(t).metadata.annotations).to.deep.equal({
      'volume.kubernetes.io/storage-provisioner': 'csi.example.com',
      'volume.beta.kubernetes.io/storage-provisioner': 'csi.example.com',
    });
    expect((await eventsOf(t, 'mine'))[0]).to.match(/^Normal ExternalProvisioning: Waiting for a volume/);
    expect(volumes.present.size).to.equal(0);
    await create.volume(
      t,
      nameOf(t),
      {
        capacity: { storage: '7Gi' },
        storageClassName: 'csi',
        claimRef: refTo('mine', claimOf(t).metadata.uid),
      },
      { annotations: { 'pv.kubernetes.io/provisioned-by': 'csi.example.com' } },
    );
    expect(claimOf(t).status?.phase).to.equal('Bound');
  });
});
