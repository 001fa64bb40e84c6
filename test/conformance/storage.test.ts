import { expect } from 'chai';
import { mergePatch } from '../support/api-calls.js';
import { conformance } from './conformance.js';
import { supportsApiOperations } from './operations.js';

const strategicPatch = { 'content-type': 'application/strategic-merge-patch+json' };

conformance('[sig-storage]', (restate) => {
  restate('CSIInlineVolumes should run through the lifecycle of a CSIDriver', (k) =>
    supportsApiOperations(k, {
      groupVersion: 'storage.k8s.io/v1',
      plural: 'csidrivers',
      kind: 'CSIDriver',
      namespaced: false,
      object: {
        spec: {
          attachRequired: false,
          podInfoOnMount: true,
          volumeLifecycleModes: ['Persistent', 'Ephemeral'],
        },
      },
    }),
  );

  restate('CSIInlineVolumes should support CSIVolumeSource in Pod API', async (k) => {
    const seen = await k.watch(k.at('v1', 'pods'));
    const csi = { driver: 'inline.csi.example.com', volumeAttributes: { key: 'value' } };
    const made = await k.post(k.at('v1', 'pods'), {
      metadata: { name: 'inline', labels: { csi: 'inline' } },
      spec: {
        terminationGracePeriodSeconds: 0,
        nodeSelector: { no: 'node' },
        containers: [{ name: 'c', image: 'pause', volumeMounts: [{ name: 'v', mountPath: '/mnt' }] }],
        volumes: [{ name: 'v', csi }],
      },
    });
    expect(made.spec.volumes).to.deep.include({ name: 'v', csi });
    expect((await k.get('/api/v1/pods?labelSelector=csi%3Dinline')).items).to.have.length(1);
    await k.patch(
      k.at('v1', 'pods', 'inline'),
      { metadata: { annotations: { patched: 'true' } } },
      strategicPatch,
    );
    expect((await k.get(k.at('v1', 'pods', 'inline'))).spec.volumes).to.deep.include({ name: 'v', csi });
    await k.delete(`${k.at('v1', 'pods')}?labelSelector=csi%3Dinline`);
    await seen.until('DELETED');
  });

  restate('CSINodes CSI Conformance should run through the lifecycle of a csinode', (k) =>
    supportsApiOperations(k, {
      groupVersion: 'storage.k8s.io/v1',
      plural: 'csinodes',
      kind: 'CSINode',
      namespaced: false,
      object: { spec: { drivers: [{ name: 'd.example.com', nodeID: 'n', topologyKeys: ['zone'] }] } },
    }),
  );

  restate('CSIStorageCapacity should support CSIStorageCapacities API operations', (k) =>
    supportsApiOperations(k, {
      groupVersion: 'storage.k8s.io/v1',
      plural: 'csistoragecapacities',
      kind: 'CSIStorageCapacity',
      object: { storageClassName: 'example', nodeTopology: {}, capacity: '1Gi' },
    }),
  );

  for (const [kind, plural, before, after] of [
    ['ConfigMap', 'configmaps', 'one', 'two'],
    ['Secret', 'secrets', 'b25l', 'dHdv'],
  ] as const) {
    const title = `${kind}${kind === 'Secret' ? 's' : ''} should be immutable if \`immutable\` field is set`;
    restate(title, async (k) => {
      const at = k.at('v1', plural, 'immutable');
      let object = await k.post(k.at('v1', plural), {
        metadata: { name: 'immutable' },
        data: { key: before },
      });
      object = await k.put(at, { ...object, data: { key: after } });
      object = await k.put(at, { ...object, immutable: true });
      const forbidden = async (change: object): Promise<void> => {
        const status = await k.refused(422, 'PUT', at, { ...object, ...change });
        expect(status.reason).to.equal('Invalid');
        expect(status.message).to.include('field is immutable when `immutable` is set');
      };
      await forbidden({ data: { key: before } });
      await forbidden({ immutable: false });
      await forbidden({ immutable: undefined });
      // Metadata may change all the same.
      const labelled = await k.put(at, {
        ...object,
        metadata: { ...object.metadata, labels: { label1: 'value1' } },
      });
      expect(labelled.metadata.labels).to.deep.equal({ label1: 'value1' });
      await k.delete(at);
    });
  }

  restate('StorageClasses CSI Conformance should run through the lifecycle of a StorageClass', (k) =>
    supportsApiOperations(k, {
      groupVersion: 'storage.k8s.io/v1',
      plural: 'storageclasses',
      kind: 'StorageClass',
      namespaced: false,
      object: { provisioner: 'e2e.example.com', reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' },
    }),
  );

  const attachment = {
    spec: {
      attacher: 'attacher.example.com',
      nodeName: 'a-node',
      source: { persistentVolumeName: 'a-volume' },
    },
  };
  restate('VolumeAttachment Conformance should run through the lifecycle of a VolumeAttachment', (k) =>
    supportsApiOperations(k, {
      groupVersion: 'storage.k8s.io/v1',
      plural: 'volumeattachments',
      kind: 'VolumeAttachment',
      namespaced: false,
      object: attachment,
    }),
  );
  restate('VolumeAttachment Conformance should apply changes to a volumeattachment status', async (k) => {
    const at = `/apis/storage.k8s.io/v1/volumeattachments/${k.namespace}`;
    const made = await k.post('/apis/storage.k8s.io/v1/volumeattachments', {
      ...attachment,
      metadata: { name: k.namespace },
    });
    expect(made.status).to.deep.equal({ attached: false });
    const patched = await k.patch(`${at}/status`, { status: { attached: true } }, mergePatch);
    expect(patched.status.attached).to.equal(true);
    const detail = { attached: true, attachmentMetadata: { devicePath: '/dev/x' } };
    const updated = await k.put(`${at}/status`, { ...patched, status: detail });
    expect(updated.status).to.deep.equal(detail);
    const newest = await k.get(at);
    await k.put(at, { ...newest, status: { attached: false } });
    // A status is written through its own door alone.
    expect((await k.get(at)).status).to.deep.equal(detail);
    await k.delete(at);
  });
  restate(
    'PersistentVolumes CSI Conformance should run through the lifecycle of a PV and a PVC',
    async (k) => {
      const volume = `pv-${k.namespace}`;
      const pv = `/api/v1/persistentvolumes/${volume}`;
      const claims = k.at('v1', 'persistentvolumeclaims');
      await k.post('/api/v1/persistentvolumes', {
        metadata: { name: volume, labels: { conformance: volume } },
        spec: {
          capacity: { storage: '2Gi' },
          accessModes: ['ReadWriteOnce'],
          persistentVolumeReclaimPolicy: 'Retain',
          storageClassName: volume,
          hostPath: { path: '/tmp/none' },
        },
      });
      await k.post(claims, {
        metadata: { name: 'claim', labels: { conformance: volume } },
        spec: {
          accessModes: ['ReadWriteOnce'],
          storageClassName: volume,
          resources: { requests: { storage: '1Gi' } },
        },
      });
      await k.eventually(async () => expect((await k.get(`${claims}/claim`)).status.phase).to.equal('Bound'));
      expect(
        (await k.get(`/api/v1/persistentvolumes?labelSelector=conformance%3D${volume}`)).items,
      ).to.have.length(1);
      await k.patch(pv, { metadata: { labels: { patched: 'true' } } }, strategicPatch);
      await k.patch(`${claims}/claim`, { metadata: { labels: { patched: 'true' } } }, strategicPatch);
      const newest = await k.get(pv);
      expect(newest.metadata.labels).to.include({ patched: 'true' });
      expect(newest.spec.claimRef).to.include({ namespace: k.namespace, name: 'claim' });
      await k.delete(`${claims}/claim`);
      await k.eventually(() => k.refused(404, 'GET', `${claims}/claim`));
      await k.delete(`/api/v1/persistentvolumes?labelSelector=conformance%3D${volume}`);
      await k.eventually(() => k.refused(404, 'GET', pv));
    },
  );

  restate('PersistentVolumes CSI Conformance should apply changes to a pv/pvc status', async (k) => {
    const volume = `status-${k.namespace}`;
    const claim = k.at('v1', 'persistentvolumeclaims', 'claim');
    await k.post('/api/v1/persistentvolumes', {
      metadata: { name: volume },
      spec: {
        capacity: { storage: '2Gi' },
        accessModes: ['ReadWriteOnce'],
        storageClassName: volume,
        hostPath: { path: '/tmp/none' },
      },
    });
    await k.post(k.at('v1', 'persistentvolumeclaims'), {
      metadata: { name: 'claim' },
      spec: {
        accessModes: ['ReadWriteOnce'],
        storageClassName: volume,
        resources: { requests: { storage: '1Gi' } },
      },
    });
    await k.eventually(async () => expect((await k.get(claim)).status.phase).to.equal('Bound'));
    const condition = {
      type: 'StatusPatched',
      status: 'True',
      reason: 'E2E',
      message: 'patched',
      lastProbeTime: null,
      lastTransitionTime: null,
    };
    const patched = await k.patch(`${claim}/status`, { status: { conditions: [condition] } }, mergePatch);
    expect(patched.status.conditions[0]).to.include({ type: 'StatusPatched', status: 'True' });
    const reading = await k.patch(
      `/api/v1/persistentvolumes/${volume}/status`,
      { status: { message: 'patched', reason: 'E2E' } },
      mergePatch,
    );
    expect(reading.status).to.include({ message: 'patched', reason: 'E2E' });
    await k.delete(claim);
    await k.delete(`/api/v1/persistentvolumes/${volume}`);
  });
});
