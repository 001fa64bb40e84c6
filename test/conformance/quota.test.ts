import { expect } from 'chai';
import { jsonPatch } from '../support/api-calls.js';
import { conformance, type World } from './conformance.js';

const hard = {
  pods: '5',
  services: '10',
  'services.nodeports': '1',
  'services.loadbalancers': '1',
  replicationcontrollers: '10',
  resourcequotas: '1',
  cpu: '1',
  memory: '500Mi',
  configmaps: '10',
  secrets: '10',
  persistentvolumeclaims: '10',
  'requests.storage': '10Gi',
  'ephemeral-storage': '50Gi',
  'count/replicasets.apps': '5',
  'requests.example.com/dongle': '3',
};
const quotas = (k: World) => k.at('v1', 'resourcequotas');

/** Makes a quota and waits until it has been counted for the first time. */
async function counted(k: World, spec: object, name = 'test-quota'): Promise<Record<string, string>> {
  await k.post(quotas(k), { metadata: { name }, spec });
  return k.eventually(async () => {
    const { status } = await k.get(`${quotas(k)}/${name}`);
    expect(status.hard).to.have.keys(Object.keys((spec as { hard: object }).hard));
    return status.used as Record<string, string>;
  });
}
const uses = (k: World, wanted: Record<string, string>, name = 'test-quota') =>
  k.eventually(async () => {
    const { status } = await k.get(`${quotas(k)}/${name}`);
    expect(status.used).to.include(wanted);
  });

const pod = (name: string, requests: object = {}, more: object = {}) => ({
  metadata: { name },
  spec: {
    nodeSelector: { no: 'node' },
    containers: [{ name: 'pause', image: 'pause', resources: { requests, limits: requests } }],
    ...more,
  },
});
const template = { metadata: { labels: { app: 'q' } }, spec: pod('x', { cpu: '10m', memory: '1Mi' }).spec };

conformance('[sig-api-machinery] ResourceQuota', (restate) => {
  restate('should create a ResourceQuota and ensure its status is promptly calculated.', async (k) => {
    const used = await counted(k, { hard });
    expect(used).to.include({ resourcequotas: '1', pods: '0', services: '0' });
  });

  restate('should create a ResourceQuota and capture the life of a service.', async (k) => {
    await counted(k, { hard });
    const service = (name: string, type: string, more: object = {}) => ({
      metadata: { name },
      spec: { type, ports: [{ port: 80 }], ...more },
    });
    await k.post(k.at('v1', 'services'), service('cluster', 'ClusterIP'));
    await k.post(k.at('v1', 'services'), service('node', 'NodePort'));
    const status = await k.refused(403, 'POST', k.at('v1', 'services'), service('balanced', 'LoadBalancer'));
    expect(status.message).to.include(
      'exceeded quota: test-quota, requested: services.nodeports=1, used: services.nodeports=1, limited: services.nodeports=1',
    );
    await k.post(
      k.at('v1', 'services'),
      service('portless', 'LoadBalancer', { allocateLoadBalancerNodePorts: false }),
    );
    await uses(k, { services: '3', 'services.nodeports': '1', 'services.loadbalancers': '1' });
    for (const name of ['cluster', 'node', 'portless']) await k.delete(k.at('v1', 'services', name));
    await uses(k, { services: '0', 'services.nodeports': '0', 'services.loadbalancers': '0' });
  });

  for (const [kind, plural, body] of [
    ['secret', 'secrets', { data: { a: 'YQ==' } }],
    ['configMap', 'configmaps', { data: { a: 'b' } }],
  ] as const)
    restate(`should create a ResourceQuota and capture the life of a ${kind}.`, async (k) => {
      await k.eventually(async () => expect((await k.get(k.at('v1', 'configmaps'))).items).to.have.length(1));
      const before = await counted(k, { hard });
      const more = (n: number) => ({ [plural]: String(Number(before[plural]) + n) });
      await k.post(k.at('v1', plural), { metadata: { name: 'counted' }, ...body });
      await uses(k, more(1));
      await k.delete(k.at('v1', plural, 'counted'));
      await uses(k, more(0));
    });

  restate('should create a ResourceQuota and capture the life of a pod.', async (k) => {
    await counted(k, { hard });
    const asks = { cpu: '500m', memory: '252Mi', 'ephemeral-storage': '30Gi', 'example.com/dongle': '2' };
    await k.post(k.at('v1', 'pods'), pod('test-pod', asks));
    await uses(k, {
      pods: '1',
      cpu: '500m',
      memory: '252Mi',
      'ephemeral-storage': '30Gi',
      'requests.example.com/dongle': '2',
    });
    const large = await k.refused(
      403,
      'POST',
      k.at('v1', 'pods'),
      pod('fail-pod', { cpu: '600m', memory: '100Mi' }),
    );
    expect(large.message).to.include(
      'exceeded quota: test-quota, requested: cpu=600m, used: cpu=500m, limited: cpu=1',
    );
    const extended = { cpu: '500m', memory: '100Mi', 'ephemeral-storage': '10Gi', 'example.com/dongle': '2' };
    await k.refused(403, 'POST', k.at('v1', 'pods'), pod('fail-pod-for-extended-resource', extended));
    const silent = await k.refused(403, 'POST', k.at('v1', 'pods'), pod('silent'));
    expect(silent.message).to.include(
      'failed quota: test-quota: must specify cpu for: pause; memory for: pause',
    );
    await uses(k, { pods: '1', cpu: '500m' });
    await k.delete(k.at('v1', 'pods', 'test-pod'));
    await uses(k, { pods: '0', cpu: '0', memory: '0', 'requests.example.com/dongle': '0' });
  });

  restate('should create a ResourceQuota and capture the life of a replication controller.', async (k) => {
    await counted(k, { hard });
    await k.post(k.at('v1', 'replicationcontrollers'), {
      metadata: { name: 'test-rc' },
      spec: { replicas: 0, selector: { app: 'q' }, template },
    });
    await uses(k, { replicationcontrollers: '1' });
    await k.delete(k.at('v1', 'replicationcontrollers', 'test-rc'));
    await uses(k, { replicationcontrollers: '0' });
  });

  restate('should create a ResourceQuota and capture the life of a replica set.', async (k) => {
    await counted(k, { hard });
    await k.post(k.at('apps/v1', 'replicasets'), {
      metadata: { name: 'test-rs' },
      spec: { replicas: 0, selector: { matchLabels: { app: 'q' } }, template },
    });
    await uses(k, { 'count/replicasets.apps': '1' });
    await k.delete(k.at('apps/v1', 'replicasets', 'test-rs'));
    await uses(k, { 'count/replicasets.apps': '0' });
  });

  restate('should verify ResourceQuota with terminating scopes.', async (k) => {
    const some = {
      pods: '5',
      'requests.cpu': '1',
      'requests.memory': '500Mi',
      'limits.cpu': '2',
      'limits.memory': '1Gi',
    };
    await counted(k, { hard: some, scopes: ['Terminating'] }, 'terminating');
    await counted(k, { hard: some, scopes: ['NotTerminating'] }, 'not-terminating');
    const asks = { cpu: '500m', memory: '200Mi' };
    await k.post(k.at('v1', 'pods'), pod('lasting', asks));
    await uses(k, { pods: '1', 'requests.cpu': '500m', 'limits.memory': '200Mi' }, 'not-terminating');
    await uses(k, { pods: '0', 'requests.cpu': '0' }, 'terminating');
    await k.delete(k.at('v1', 'pods', 'lasting'));
    await uses(k, { pods: '0', 'requests.cpu': '0' }, 'not-terminating');
    await k.post(k.at('v1', 'pods'), pod('ending', asks, { activeDeadlineSeconds: 3600 }));
    await uses(k, { pods: '1', 'requests.cpu': '500m' }, 'terminating');
    await uses(k, { pods: '0' }, 'not-terminating');
  });

  restate('should verify ResourceQuota with best effort scope.', async (k) => {
    await counted(k, { hard: { pods: '5' }, scopes: ['BestEffort'] }, 'best-effort');
    await counted(k, { hard: { pods: '5' }, scopes: ['NotBestEffort'] }, 'not-best-effort');
    await k.post(k.at('v1', 'pods'), pod('best'));
    await uses(k, { pods: '1' }, 'best-effort');
    await uses(k, { pods: '0' }, 'not-best-effort');
    await k.delete(k.at('v1', 'pods', 'best'));
    await uses(k, { pods: '0' }, 'best-effort');
    await k.post(k.at('v1', 'pods'), pod('burst', { cpu: '10m', memory: '1Mi' }));
    await uses(k, { pods: '1' }, 'not-best-effort');
    await uses(k, { pods: '0' }, 'best-effort');
  });

  restate('should be able to update and delete ResourceQuota.', async (k) => {
    const made = await k.post(quotas(k), {
      metadata: { name: 'q' },
      spec: { hard: { cpu: '1', memory: '500Mi' } },
    });
    expect(made.spec.hard.cpu).to.equal('1');
    const updated = await k.eventually(async () => {
      const now = await k.get(`${quotas(k)}/q`);
      return k.put(`${quotas(k)}/q`, { ...now, spec: { hard: { cpu: '2', memory: '1Gi' } } });
    });
    expect(updated.spec.hard).to.deep.equal({ cpu: '2', memory: '1Gi' });
    await k.delete(`${quotas(k)}/q`);
    await k.refused(404, 'GET', `${quotas(k)}/q`);
  });

  restate('should manage the lifecycle of a ResourceQuota', async (k) => {
    await k.post(quotas(k), {
      metadata: { name: 'q', labels: { [k.namespace]: 'q' } },
      spec: { hard: { pods: '1' } },
    });
    const found = `/api/v1/resourcequotas?labelSelector=${k.namespace}%3Dq`;
    expect((await k.get(found)).items).to.have.length(1);
    const patched = await k.patch(`${quotas(k)}/q`, {
      metadata: { labels: { patched: 'yes' } },
      spec: { hard: { memory: '750Mi' } },
    });
    expect(patched.spec.hard).to.deep.equal({ pods: '1', memory: '750Mi' });
    await k.delete(`${quotas(k)}?labelSelector=${k.namespace}%3Dq`);
    expect((await k.get(found)).items).to.deep.equal([]);
  });

  restate('should apply changes to a resourcequota status', async (k) => {
    await counted(k, { hard: { cpu: '500m', memory: '500Mi' } }, 'q');
    const patched = await k.patch(
      `${quotas(k)}/q/status`,
      [{ op: 'replace', path: '/status/used', value: { cpu: '99m', memory: '1Mi' } }],
      jsonPatch,
    );
    expect(patched.status.used).to.deep.equal({ cpu: '99m', memory: '1Mi' });
    const updated = await k.eventually(async () => {
      const now = await k.get(`${quotas(k)}/q/status`);
      return k.put(`${quotas(k)}/q/status`, {
        ...now,
        status: { ...now.status, hard: { cpu: '1', memory: '1Gi' } },
      });
    });
    expect(updated.status.hard).to.deep.equal({ cpu: '1', memory: '1Gi' });
    expect(updated.spec.hard).to.deep.equal({ cpu: '500m', memory: '500Mi' });
  });
});

conformance('[sig-apps] ReplicationController', (restate) => {
  restate('should surface a failure condition on a common issue like exceeded quota', async (k) => {
    await counted(k, { hard: { pods: '2' } }, 'condition-test');
    await k.post(k.at('v1', 'replicationcontrollers'), {
      metadata: { name: 'condition-test' },
      spec: { replicas: 3, selector: { app: 'q' }, template },
    });
    const at = k.at('v1', 'replicationcontrollers', 'condition-test');
    const failure = async (): Promise<{ reason: string; message: string } | undefined> =>
      (await k.get(at)).status.conditions?.find((c: { type: string }) => c.type === 'ReplicaFailure');
    await k.eventually(async () => expect(await failure()).to.include({ reason: 'FailedCreate' }));
    await k.patch(at, { spec: { replicas: 2 } });
    await k.eventually(async () => expect(await failure()).to.equal(undefined));
  });
});
