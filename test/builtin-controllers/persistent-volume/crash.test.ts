/** The binder ended between any two of its writes, and claims and volumes of every kind. */
import { expect } from 'chai';
import fc from 'fast-check';
import { Event, PersistentVolume, PersistentVolumeClaim, StorageClass } from 'gyre/kinds';
import { BinderWorld, expectSoundBinds, type Fault } from './binder-world.js';
import { claim, fresh, refTo, storageClass, volume } from './objects.js';

const hows: readonly Fault['how'][] = ['crash', 'lost', 'refused'];

/** Lives through `how` at the first, second, … write of a life, until there is no such write any more. */
async function eachWrite(
  how: Fault['how'],
  least: number,
  scene: (world: BinderWorld, fault: Fault) => Promise<void>,
): Promise<void> {
  for (let at = 0; ; at++) {
    await using world = await BinderWorld.start();
    await scene(world, { at, how });
    if (world.writes <= at) {
      expect(at, 'writes there were').to.be.at.least(least);
      return;
    }
  }
}

describe('a binder that fails between any two writes', () => {
  for (const how of hows) {
    it(`PV-5 binds claim and volume to each other and nothing else (${how})`, async () => {
      await eachWrite(how, 4, async (world, fault) => {
        await world.client.create(PersistentVolume, fresh(volume('a', { capacity: { storage: '2Gi' } })));
        await world.client.create(PersistentVolume, fresh(volume('b')));
        await world.live();
        await world.client.create(PersistentVolumeClaim, fresh(claim('mine')));
        await world.live(fault);
        const { writes } = world;
        await world.live();
        world.writes = writes;
        const [mine] = await world.claims();
        expect(mine?.status?.phase).to.equal('Bound');
        expect(mine?.spec?.volumeName).to.equal('b');
        expect(mine?.metadata.annotations).to.deep.equal({
          'pv.kubernetes.io/bind-completed': 'yes',
          'pv.kubernetes.io/bound-by-controller': 'yes',
        });
        const [a, b] = await world.persistentVolumes();
        expect(a?.status?.phase).to.equal('Available');
        expect(a?.spec?.claimRef).to.equal(undefined);
        expect(b?.metadata.annotations).to.deep.equal({ 'pv.kubernetes.io/bound-by-controller': 'yes' });
        await expectSoundBinds(world);
      });
    });

    it(`PV-5 completes a user's own pre-bind, keeping it marked as the user's (${how})`, async () => {
      await eachWrite(how, 4, async (world, fault) => {
        await world.client.create(PersistentVolume, fresh(volume('a', { claimRef: refTo('mine') })));
        await world.client.create(PersistentVolumeClaim, fresh(claim('mine', { volumeName: 'a' })));
        await world.live(fault);
        const { writes } = world;
        await world.live();
        world.writes = writes;
        expect((await world.persistentVolumes())[0]?.metadata.annotations).to.equal(undefined);
        const [mine] = await world.claims();
        expect(mine?.status?.phase).to.equal('Bound');
        expect(mine?.metadata.annotations).to.deep.equal({ 'pv.kubernetes.io/bind-completed': 'yes' });
      });
    });

    it(`PV-10 provisions one volume, and deletes it with its data (${how})`, async () => {
      await eachWrite(how, 5, async (world, fault) => {
        await world.client.create(StorageClass, fresh(storageClass('standard')));
        const mine = await world.client.create(
          PersistentVolumeClaim,
          fresh(claim('mine', { storageClassName: 'standard' })),
        );
        await world.live(fault);
        const { writes } = world;
        await world.live();
        const [only, ...others] = await world.persistentVolumes();
        expect(others).to.deep.equal([]);
        expect(only?.metadata.name).to.equal(`pvc-${mine.metadata.uid}`);
        expect([...world.volumes.present]).to.deep.equal([`/volumes/pvc-${mine.metadata.uid}`]);
        await expectSoundBinds(world);
        expect((await world.claims())[0]?.status?.phase).to.equal('Bound');

        await world.client.delete(PersistentVolumeClaim, 'default/mine');
        await world.live(fault);
        world.writes = Math.max(world.writes, writes);
        const tried = world.writes;
        await world.live();
        world.writes = tried;
        expect(await world.persistentVolumes()).to.deep.equal([]);
        expect([...world.volumes.present]).to.deep.equal([]);
      });
    });
  }

  it('PV-7 calls nothing lost on old news: the volume may be newer than the cache', async () => {
    await using world = await BinderWorld.start();
    const { metadata } = await world.client.create(PersistentVolumeClaim, fresh(claim('mine')));
    await world.begin({ late: 'persistentvolumes', lateMs: 60_000 });
    await world.clock.advance('10m');
    await world.client.create(
      PersistentVolume,
      fresh(volume('a', { claimRef: refTo('mine', metadata.uid) })),
    );
    await world.client.patch(PersistentVolumeClaim, 'default/mine', (draft) => {
      draft.metadata.annotations = { 'pv.kubernetes.io/bind-completed': 'yes' };
      (draft.spec ??= {}).volumeName = 'a';
    });
    await world.clock.advance('10m');
    const { items } = await world.client.listPage(Event);
    expect(items.map((e) => e.reason)).to.not.include('ClaimLost');
    expect((await world.claims())[0]?.status?.phase).to.equal('Bound');
    await expectSoundBinds(world);
  });

  it('PV-9 deletes nothing on old news: the policy may have been changed to Retain', async () => {
    await using world = await BinderWorld.start();
    await world.client.create(StorageClass, fresh(storageClass('standard')));
    await world.client.create(PersistentVolumeClaim, fresh(claim('mine', { storageClassName: 'standard' })));
    await world.live();
    const [name = ''] = (await world.persistentVolumes()).map((v) => v.metadata.name);
    world.volumes.failing = { remove: new Error('EACCES') };
    await world.client.delete(PersistentVolumeClaim, 'default/mine');
    await world.live();
    expect((await world.persistentVolumes())[0]?.status?.phase).to.equal('Failed');

    await world.begin({ late: 'persistentvolumes', lateMs: 60_000 });
    await world.clock.advance('10m');
    await world.client.patch(PersistentVolume, name, (draft) => {
      (draft.spec ??= {}).persistentVolumeReclaimPolicy = 'Retain';
    });
    world.volumes.failing = {};
    await world.clock.advance('10m');
    expect(world.volumes.removed).to.deep.equal([]);
    expect(await world.persistentVolumes()).to.have.length(1);
  });

  it('PV-10 removes again what it made when the volume cannot be saved, and starts anew', async () => {
    await using world = await BinderWorld.start();
    await world.client.create(StorageClass, fresh(storageClass('standard')));
    const { metadata } = await world.client.create(
      PersistentVolumeClaim,
      fresh(claim('mine', { storageClassName: 'standard' })),
    );
    let attempts = 0;
    world.denied = ({ method, path }) => {
      const isSave = method === 'POST' && path.endsWith('/persistentvolumes');
      if (isSave) attempts++;
      return isSave;
    };
    await world.begin();
    expect([...world.volumes.present]).to.deep.equal([`/volumes/pvc-${metadata.uid}`]);
    await world.clock.advance('29s');
    expect([attempts, world.volumes.removed]).to.deep.equal([4, []]);
    await world.clock.advance('2s');
    expect(world.volumes.removed).to.deep.equal([`/volumes/pvc-${metadata.uid}`]);
    world.denied = () => false;
    await world.clock.advance('5m');
    expect((await world.claims())[0]?.status?.phase).to.equal('Bound');
    const { items } = await world.client.listPage(Event);
    expect(items.map((e) => `${e.reason}: ${e.message}`)).to.include(
      'ProvisioningFailed: Error creating provisioned PV object for claim default/mine: denied. Deleting the volume.',
    );
  });

  it('PV-2 PV-3 PV-5 for any claims and volumes, failing anywhere: never two claims on one volume, never one that does not satisfy', async () => {
    const modes = fc.subarray(['ReadWriteOnce', 'ReadOnlyMany', 'ReadWriteMany'] as const, { minLength: 1 });
    const size = fc.integer({ min: 1, max: 4 }).map((n) => `${n}Gi`);
    const names = ['c0', 'c1', 'c2', 'c3'];
    const volumes = fc.array(
      fc.record({
        accessModes: modes,
        storage: size,
        ref: fc.option(fc.constantFrom(...names), { freq: 3, nil: undefined }),
      }),
      { minLength: 1, maxLength: 5 },
    );
    const claims = fc.array(
      fc.record({
        accessModes: modes,
        request: size,
        named: fc.option(fc.constantFrom('v0', 'v1'), { freq: 4, nil: undefined }),
      }),
      { minLength: 1, maxLength: 4 },
    );
    const faults = fc.array(
      fc.record({
        at: fc.integer({ min: 0, max: 12 }),
        how: fc.constantFrom(...hows),
        late: fc.constantFrom(undefined, 'persistentvolumes' as const, 'persistentvolumeclaims' as const),
      }),
      { maxLength: 2 },
    );
    await fc.assert(
      fc.asyncProperty(volumes, claims, faults, async (pvs, pvcs, failing) => {
        await using world = await BinderWorld.start();
        for (const [i, { storage, ref, ...spec }] of pvs.entries()) {
          const claimRef = ref === undefined ? {} : { claimRef: refTo(ref) };
          await world.client.create(
            PersistentVolume,
            fresh(volume(`v${i}`, { ...spec, capacity: { storage }, ...claimRef })),
          );
        }
        const asked: string[] = [];
        for (const [i, { named, ...spec }] of pvcs.entries()) {
          if (named !== undefined) asked.push(`c${i}`);
          const volumeName = named === undefined ? {} : { volumeName: named };
          await world.client.create(PersistentVolumeClaim, fresh(claim(`c${i}`, { ...spec, ...volumeName })));
        }
        for (const fault of failing) await world.live(fault);
        await world.live();
        const before = [await world.claims(), await world.persistentVolumes()];
        await expectSoundBinds(world, asked);
        await world.live();
        expect(world.writes, 'nothing is left to write').to.equal(0);
        expect([await world.claims(), await world.persistentVolumes()]).to.deep.equal(before);
      }),
      { numRuns: 60 },
    );
  }).timeout(60_000);
});
