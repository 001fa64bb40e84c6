import { expect } from 'chai';
import { PersistentVolume, PersistentVolumeClaim, StorageClass } from 'gyre/kinds';
import { TestCluster } from 'gyre/testing';

const claim = (name: string, spec: object = {}) => ({
  metadata: { namespace: 'default', name },
  spec: { accessModes: ['ReadWriteOnce'] as const, resources: { requests: { storage: '1Gi' } }, ...spec },
});

describe('admission of storage', () => {
  let t: TestCluster;
  const storageClass = (name: string, isDefault: boolean) =>
    t.client.create(StorageClass, {
      metadata: {
        name,
        annotations: { 'storageclass.kubernetes.io/is-default-class': String(isDefault) },
      },
      provisioner: 'example.com/none',
    });
  const classOf = (name: string) => t.get(PersistentVolumeClaim, `default/${name}`).spec?.storageClassName;

  beforeEach(async () => {
    t = await TestCluster.start({ builtin: false });
  });
  afterEach(() => t.stop());

  it('PV-11 a claim without a class gets the default one, of several the newest', async () => {
    await t.client.create(PersistentVolumeClaim, claim('none-yet'));
    await storageClass('plain', false);
    await storageClass('older', true);
    await t.advance('10s');
    await storageClass('newer', true);
    await t.client.create(PersistentVolumeClaim, claim('any'));
    expect([classOf('none-yet'), classOf('any')]).to.deep.equal([undefined, 'newer']);
  });

  it('PV-11 a claim that names a class, or none on purpose, keeps it', async () => {
    await storageClass('standard', true);
    await t.client.create(PersistentVolumeClaim, claim('named', { storageClassName: 'slow' }));
    await t.client.create(PersistentVolumeClaim, claim('without', { storageClassName: '' }));
    expect([classOf('named'), classOf('without')]).to.deep.equal(['slow', '']);
  });

  it('PV-11 new claims and volumes are protected, once', async () => {
    await t.client.create(PersistentVolumeClaim, claim('data'));
    await t.client.create(PersistentVolume, {
      metadata: { name: 'volume', finalizers: ['example.com/mine', 'kubernetes.io/pv-protection'] },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        hostPath: { path: '/tmp/x' },
      },
    });
    expect(t.get(PersistentVolumeClaim, 'default/data').metadata.finalizers).to.deep.equal([
      'kubernetes.io/pvc-protection',
    ]);
    expect(t.get(PersistentVolume, 'volume').metadata.finalizers).to.deep.equal([
      'example.com/mine',
      'kubernetes.io/pv-protection',
    ]);
  });
});
