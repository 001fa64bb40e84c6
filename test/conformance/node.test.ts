import { expect } from 'chai';
import { mergePatch } from '../support/api-calls.js';
import { conformance } from './conformance.js';
import { supportsApiOperations } from './operations.js';

const strategicPatch = { 'content-type': 'application/strategic-merge-patch+json' };
const podTemplate = (app: string) => ({
  metadata: { labels: { app } },
  spec: { containers: [{ name: 'nginx', image: 'nginx' }] },
});

conformance('[sig-node]', (restate) => {
  restate('ConfigMap should fail to create ConfigMap with empty key', async (k) => {
    const status = await k.refused(422, 'POST', k.at('v1', 'configmaps'), {
      metadata: { name: 'empty-key' },
      data: { '': 'value-1' },
    });
    expect(status.reason).to.equal('Invalid');
    expect(status.details?.causes?.[0]?.field).to.match(/^data/);
  });

  restate('ConfigMap should run through a ConfigMap lifecycle', async (k) => {
    const labels = { 'test-configmap-static': 'true' };
    const seen = await k.watch(`${k.at('v1', 'configmaps')}?labelSelector=test-configmap-static%3Dtrue`);
    await k.post(k.at('v1', 'configmaps'), {
      metadata: { name: 'lifecycle', labels },
      data: { valueName: 'value' },
    });
    await seen.until('ADDED', (o) => o.metadata.name === 'lifecycle');
    await k.patch(
      k.at('v1', 'configmaps', 'lifecycle'),
      { metadata: { labels: { 'test-configmap': 'patched' } }, data: { valueName: 'value1' } },
      strategicPatch,
    );
    await seen.until('MODIFIED', (o) => o.data.valueName === 'value1');
    const read = await k.get(k.at('v1', 'configmaps', 'lifecycle'));
    expect(read.data).to.deep.equal({ valueName: 'value1' });
    expect(read.metadata.labels).to.include({ 'test-configmap': 'patched' });
    const everywhere = await k.get('/api/v1/configmaps?labelSelector=test-configmap-static%3Dtrue');
    expect(everywhere.items.map((item) => item.data)).to.deep.include({ valueName: 'value1' });
    await k.delete(`${k.at('v1', 'configmaps')}?labelSelector=test-configmap-static%3Dtrue`);
    await seen.until('DELETED', (o) => o.metadata.name === 'lifecycle');
    expect(
      (await k.get(`${k.at('v1', 'configmaps')}?labelSelector=test-configmap-static%3Dtrue`)).items,
    ).to.deep.equal([]);
  });

  restate('Lease lease API should be available', async (k) => {
    const leases = k.at('coordination.k8s.io/v1', 'leases');
    const spec = {
      holderIdentity: 'holder',
      leaseDurationSeconds: 30,
      acquireTime: '2026-11-23T10:00:00.000000Z',
      renewTime: '2026-11-23T10:00:05.000000Z',
      leaseTransitions: 0,
    };
    const made = await k.post(leases, { metadata: { name: 'lease' }, spec });
    expect(made.spec).to.deep.equal(spec);
    const updated = await k.put(`${leases}/lease`, {
      ...made,
      spec: { ...spec, holderIdentity: 'holder2', leaseTransitions: 1 },
    });
    expect(updated.spec.leaseTransitions).to.equal(1);
    const patched = await k.patch(`${leases}/lease`, { spec: { leaseDurationSeconds: 60 } }, strategicPatch);
    expect(patched.spec).to.include({ leaseDurationSeconds: 60, holderIdentity: 'holder2' });
    await k.post(leases, { metadata: { name: 'lease2', labels: { deletecollection: 'true' } }, spec });
    expect((await k.get(leases)).items).to.have.length(2);
    await k.delete(`${leases}?labelSelector=deletecollection%3Dtrue`);
    expect((await k.get(leases)).items.map((item) => item.metadata.name)).to.deep.equal(['lease']);
    await k.delete(`${leases}/lease`);
    await k.refused(404, 'GET', `${leases}/lease`);
  });

  restate('Node Lifecycle should run through the lifecycle of a node', async (k) => {
    const nodes = '/api/v1/nodes';
    const name = `fake-${k.namespace}`;
    const seen = await k.watch(`${nodes}?fieldSelector=metadata.name%3D${name}`);
    await k.post(nodes, {
      metadata: { name, labels: { fake: 'true' } },
      status: { phase: 'Running', conditions: [] },
    });
    await seen.until('ADDED');
    const read = await k.get(`${nodes}/${name}`);
    await k.patch(`${nodes}/${name}`, { metadata: { labels: { patched: 'true' } } }, strategicPatch);
    const newest = await k.patch(
      `${nodes}/${name}/status`,
      { metadata: { annotations: { 'patched-status': 'true' } }, status: { phase: 'Running' } },
      mergePatch,
    );
    expect(newest.metadata.uid).to.equal(read.metadata.uid);
    const updated = await k.eventually(async () => {
      const now = await k.get(`${nodes}/${name}`);
      return k.put(`${nodes}/${name}`, {
        ...now,
        metadata: { ...now.metadata, labels: { ...now.metadata.labels, updated: 'true' } },
      });
    });
    expect(updated.metadata.labels).to.include({ patched: 'true', updated: 'true' });
    await k.delete(`${nodes}?labelSelector=updated%3Dtrue`);
    await seen.until('DELETED');
  });

  restate('PodTemplates should run the lifecycle of PodTemplates', async (k) => {
    const templates = k.at('v1', 'podtemplates');
    await k.post(templates, {
      metadata: { name: 'nginx-pod-template', labels: { 'podtemplate-static': 'true' } },
      template: podTemplate('pt'),
    });
    expect(
      (await k.get('/api/v1/podtemplates?labelSelector=podtemplate-static%3Dtrue')).items,
    ).to.have.length(1);
    await k.patch(
      `${templates}/nginx-pod-template`,
      { metadata: { labels: { podtemplate: 'patched' } } },
      strategicPatch,
    );
    const read = await k.get(`${templates}/nginx-pod-template`);
    expect(read.metadata.labels).to.include({ podtemplate: 'patched' });
    // A template is a pod spec with all its defaults.
    expect(read.template.spec.restartPolicy).to.equal('Always');
    await k.delete(`${templates}/nginx-pod-template`);
    expect((await k.get('/api/v1/podtemplates?labelSelector=podtemplate-static%3Dtrue')).items).to.deep.equal(
      [],
    );
  });

  restate('PodTemplates should delete a collection of pod templates', async (k) => {
    const templates = k.at('v1', 'podtemplates');
    for (const name of ['one', 'two', 'three'])
      await k.post(templates, {
        metadata: { name, labels: { 'podtemplate-set': 'true' } },
        template: podTemplate('pt'),
      });
    expect((await k.get(`${templates}?labelSelector=podtemplate-set%3Dtrue`)).items).to.have.length(3);
    await k.delete(`${templates}?labelSelector=podtemplate-set%3Dtrue`);
    expect((await k.get(`${templates}?labelSelector=podtemplate-set%3Dtrue`)).items).to.deep.equal([]);
  });

  restate('PodTemplates should replace a pod template', async (k) => {
    const templates = k.at('v1', 'podtemplates');
    const made = await k.post(templates, { metadata: { name: 'replaced' }, template: podTemplate('pt') });
    const updated = await k.put(`${templates}/replaced`, {
      ...made,
      metadata: { ...made.metadata, annotations: { updated: 'true' } },
    });
    expect(updated.metadata.annotations).to.deep.equal({ updated: 'true' });
  });

  restate(
    'Pods Extended Pods Set QOS Class should be set on Pods with matching resource requests and limits for memory and cpu',
    async (k) => {
      const resources = { cpu: '100m', memory: '100Mi' };
      const made = await k.post(k.at('v1', 'pods'), {
        metadata: { name: 'qos' },
        spec: {
          containers: [{ name: 'c', image: 'pause', resources: { requests: resources, limits: resources } }],
        },
      });
      expect(made.status.qosClass).to.equal('Guaranteed');
      expect((await k.get(k.at('v1', 'pods', 'qos'))).status.qosClass).to.equal('Guaranteed');
    },
  );

  const ofRuntimeClass = (runtimeClassName: string) => ({
    metadata: { name: 'of-runtime-class' },
    spec: { runtimeClassName, containers: [{ name: 'c', image: 'pause' }] },
  });
  restate(
    'RuntimeClass should reject a Pod requesting a non-existent RuntimeClass [NodeConformance]',
    async (k) => {
      const status = await k.refused(403, 'POST', k.at('v1', 'pods'), ofRuntimeClass(`${k.namespace}-none`));
      expect(status.message).to.include(`pod rejected: RuntimeClass "${k.namespace}-none" not found`);
    },
  );
  restate(
    'RuntimeClass should reject a Pod requesting a deleted RuntimeClass [NodeConformance]',
    async (k) => {
      const classes = '/apis/node.k8s.io/v1/runtimeclasses';
      const name = `${k.namespace}-deleted`;
      await k.post(classes, { metadata: { name }, handler: 'fake' });
      await k.post(k.at('v1', 'pods'), { ...ofRuntimeClass(name), metadata: { name: 'before' } });
      await k.delete(`${classes}/${name}`);
      await k.refused(403, 'POST', k.at('v1', 'pods'), ofRuntimeClass(name));
    },
  );
  restate('RuntimeClass should support RuntimeClasses API operations', (k) =>
    supportsApiOperations(k, {
      groupVersion: 'node.k8s.io/v1',
      plural: 'runtimeclasses',
      kind: 'RuntimeClass',
      namespaced: false,
      object: { handler: 'a-handler' },
    }),
  );

  restate('Secrets should fail to create secret due to empty secret key', async (k) => {
    const status = await k.refused(422, 'POST', k.at('v1', 'secrets'), {
      metadata: { name: 'empty-key' },
      data: { '': 'dmFsdWUtMQ==' },
    });
    expect(status.details?.causes?.[0]?.field).to.match(/^data/);
  });

  restate('Secrets should patch a secret', async (k) => {
    await k.post(k.at('v1', 'secrets'), {
      metadata: { name: 'test-secret', labels: { testsecret: 'true' } },
      data: { key: 'dmFsdWU=' },
      type: 'Opaque',
    });
    expect((await k.get('/api/v1/secrets?labelSelector=testsecret%3Dtrue')).items).to.have.length(1);
    await k.patch(
      k.at('v1', 'secrets', 'test-secret'),
      { metadata: { labels: { 'testsecret-constant': 'true' } }, data: { key: 'dmFsdWUx' } },
      strategicPatch,
    );
    const read = await k.get(k.at('v1', 'secrets', 'test-secret'));
    expect(read.data).to.deep.equal({ key: 'dmFsdWUx' });
    expect(read.metadata.labels).to.include({ 'testsecret-constant': 'true' });
    await k.delete(`${k.at('v1', 'secrets')}?labelSelector=testsecret%3Dtrue`);
    expect((await k.get('/api/v1/secrets?labelSelector=testsecret%3Dtrue')).items).to.deep.equal([]);
  });

  restate(
    'Sysctls [LinuxOnly] [NodeConformance] should reject invalid sysctls [MinimumKubeletVersion:1.21]',
    async (k) => {
      const status = await k.refused(422, 'POST', k.at('v1', 'pods'), {
        metadata: { name: 'sysctls' },
        spec: {
          containers: [{ name: 'c', image: 'pause' }],
          securityContext: {
            sysctls: [
              { name: 'foo-', value: 'bar' },
              { name: 'kernel.shmmax', value: '100000000' },
              { name: 'safe-and-unsafe', value: '100000000' },
              { name: 'bar..', value: '42' },
            ],
          },
        },
      });
      expect(status.message).to.include('Invalid value: "foo-"');
      expect(status.message).to.include('Invalid value: "bar.."');
      expect(status.message).not.to.include('safe-and-unsafe');
      expect(status.message).not.to.include('kernel.shmmax');
    },
  );
});
