import { expect } from 'chai';
import { conformance, type World } from './conformance.js';

const selected = (k: World, value: string) =>
  `${k.at('v1', 'configmaps')}?labelSelector=watch-this-configmap%3D${value}`;
const map = (name: string, label: string, data: object = {}) => ({
  metadata: { name, labels: { 'watch-this-configmap': label } },
  data,
});
const mutate = (k: World, name: string, value: string) =>
  k.patch(k.at('v1', 'configmaps', name), { data: { mutation: value } });

conformance('[sig-api-machinery]', (restate) => {
  restate('Watchers should observe add, update, and delete watch notifications on configmaps', async (k) => {
    const a = await k.watch(selected(k, 'multiple-watchers-A'));
    const b = await k.watch(selected(k, 'multiple-watchers-B'));
    const both = await k.watch(
      `${k.at('v1', 'configmaps')}?labelSelector=watch-this-configmap%20in%20(multiple-watchers-A,multiple-watchers-B)`,
    );
    await k.post(k.at('v1', 'configmaps'), map('a', 'multiple-watchers-A'));
    for (const seen of [a, both]) await seen.until('ADDED', (o) => o.metadata.name === 'a');
    await mutate(k, 'a', '1');
    for (const seen of [a, both]) await seen.until('MODIFIED', (o) => o.data.mutation === '1');
    await mutate(k, 'a', '2');
    for (const seen of [a, both]) await seen.until('MODIFIED', (o) => o.data.mutation === '2');
    await k.delete(k.at('v1', 'configmaps', 'a'));
    for (const seen of [a, both]) await seen.until('DELETED', (o) => o.data.mutation === '2');
    expect(b.events, 'of others').to.deep.equal([]);
    await k.post(k.at('v1', 'configmaps'), map('b', 'multiple-watchers-B'));
    for (const seen of [b, both]) await seen.until('ADDED', (o) => o.metadata.name === 'b');
    expect(a.events.map(({ type }) => type)).to.deep.equal(['ADDED', 'MODIFIED', 'MODIFIED', 'DELETED']);
  });

  restate('Watchers should be able to start watching from a specific resource version', async (k) => {
    await k.post(k.at('v1', 'configmaps'), map('m', 'from-resource-version'));
    const first = await mutate(k, 'm', '1');
    await mutate(k, 'm', '2');
    await k.delete(k.at('v1', 'configmaps', 'm'));
    const seen = await k.watch(
      `${selected(k, 'from-resource-version')}&resourceVersion=${first.metadata.resourceVersion}`,
    );
    await seen.until('DELETED');
    expect(seen.events.map(({ type }) => type)).to.deep.equal(['MODIFIED', 'DELETED']);
  });

  restate(
    'Watchers should be able to restart watching from the last resource version observed by the previous watch',
    async (k) => {
      const first = await k.watch(selected(k, 'watch-closed-and-restarted'));
      await k.post(k.at('v1', 'configmaps'), map('m', 'watch-closed-and-restarted'));
      await first.until('ADDED');
      await mutate(k, 'm', '1');
      const last = await first.until('MODIFIED');
      await mutate(k, 'm', '2');
      await k.delete(k.at('v1', 'configmaps', 'm'));
      const second = await k.watch(
        `${selected(k, 'watch-closed-and-restarted')}&resourceVersion=${last.metadata.resourceVersion}`,
      );
      await second.until('DELETED');
      expect(second.events.map(({ type }) => type)).to.deep.equal(['MODIFIED', 'DELETED']);
    },
  );

  restate(
    'Watchers should observe an object deletion if it stops meeting the requirements of the selector',
    async (k) => {
      const seen = await k.watch(selected(k, 'label-changed-and-restored'));
      const label = (value: string) =>
        k.patch(k.at('v1', 'configmaps', 'm'), { metadata: { labels: { 'watch-this-configmap': value } } });
      await k.post(k.at('v1', 'configmaps'), map('m', 'label-changed-and-restored'));
      await mutate(k, 'm', '1');
      await label('wrong-value');
      await seen.until('DELETED');
      await mutate(k, 'm', '2');
      await label('label-changed-and-restored');
      await mutate(k, 'm', '3');
      await k.delete(k.at('v1', 'configmaps', 'm'));
      await seen.until('DELETED', () => true, 5);
      expect(seen.events.map(({ type }) => type)).to.deep.equal([
        'ADDED',
        'MODIFIED',
        'DELETED',
        'ADDED',
        'MODIFIED',
        'DELETED',
      ]);
    },
  );

  restate('Watchers should receive events on concurrent watches in same order', async (k) => {
    const writes = 40;
    const watchers = [];
    const { metadata } = await k.get(k.at('v1', 'configmaps'));
    for (let i = 0; i < 10; i++)
      watchers.push(await k.watch(`${k.at('v1', 'configmaps')}?resourceVersion=${metadata.resourceVersion}`));
    for (let i = 0; i < writes; i++) {
      const name = `m${i % 5}`;
      if (i < 5) await k.post(k.at('v1', 'configmaps'), map(name, 'order'));
      else await mutate(k, name, String(i));
    }
    const orders = await Promise.all(
      watchers.map(async (seen) => {
        await seen.until('MODIFIED', (o) => o.data.mutation === String(writes - 1));
        return seen.events.map(
          ({ object }) => (object as { metadata: { resourceVersion: string } }).metadata.resourceVersion,
        );
      }),
    );
    for (const order of orders) expect(order).to.deep.equal(orders[0]);
    expect(orders[0]).to.have.length.at.least(writes);
  });

  const gc = 'Garbage collector';
  const workload = (kind: 'Deployment' | 'ReplicationController', replicas: number) => {
    const template = {
      metadata: { labels: { app: 'gc-test' } },
      spec: { nodeSelector: { no: 'node' }, containers: [{ name: 'nginx', image: 'nginx' }] },
    };
    const selector = kind === 'Deployment' ? { matchLabels: { app: 'gc-test' } } : { app: 'gc-test' };
    return { metadata: { name: 'simpletest' }, spec: { replicas, selector, template } };
  };
  restate(`${gc} should delete RS created by deployment when not orphaning`, async (k) => {
    await k.post(k.at('apps/v1', 'deployments'), workload('Deployment', 2));
    await k.eventually(async () =>
      expect((await k.get(k.at('apps/v1', 'replicasets'))).items).to.have.length(1),
    );
    await k.delete(k.at('apps/v1', 'deployments', 'simpletest'), { propagationPolicy: 'Background' });
    await k.eventually(async () =>
      expect((await k.get(k.at('apps/v1', 'replicasets'))).items).to.deep.equal([]),
    );
  });
  restate(
    `${gc} should orphan RS created by deployment when deleteOptions.PropagationPolicy is Orphan`,
    async (k) => {
      await k.post(k.at('apps/v1', 'deployments'), workload('Deployment', 2));
      await k.eventually(async () =>
        expect((await k.get(k.at('apps/v1', 'replicasets'))).items).to.have.length(1),
      );
      await k.delete(k.at('apps/v1', 'deployments', 'simpletest'), { propagationPolicy: 'Orphan' });
      await k.eventually(() => k.refused(404, 'GET', k.at('apps/v1', 'deployments', 'simpletest')));
      const { items } = await k.get(k.at('apps/v1', 'replicasets'));
      expect(items).to.have.length(1);
      expect(items[0]?.metadata).not.to.have.property('ownerReferences');
    },
  );
  restate(`${gc} should orphan pods created by rc if delete options say so`, async (k) => {
    const count = 20;
    await k.post(k.at('v1', 'replicationcontrollers'), workload('ReplicationController', count));
    await k.eventually(async () => expect((await k.get(k.at('v1', 'pods'))).items).to.have.length(count));
    await k.delete(k.at('v1', 'replicationcontrollers', 'simpletest'), { propagationPolicy: 'Orphan' });
    await k.eventually(() => k.refused(404, 'GET', k.at('v1', 'replicationcontrollers', 'simpletest')));
    const { items } = await k.get(k.at('v1', 'pods'));
    expect(items).to.have.length(count);
    for (const { metadata } of items) expect(metadata).not.to.have.property('ownerReferences');
  });
});
