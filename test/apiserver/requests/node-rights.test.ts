/** What a kubelet may read and write: its own, and what the pods on its node need (API-18). */
import { expect } from 'chai';
import type { HttpMethod, Status, UserInfo } from 'gyre/api';
import { mergePatch, VirtualServer } from './virtual-server.js';

const node = (name: string): UserInfo => ({ username: `system:node:${name}`, groups: ['system:nodes'] });
const one = node('one');
const two = node('two');
const pods = '/api/v1/namespaces/default/pods';
const secrets = '/api/v1/namespaces/default/secrets';
const mirror = 'kubernetes.io/config.mirror';

describe('nodes', () => {
  let k: VirtualServer;
  beforeEach(async () => {
    k = await VirtualServer.start();
    await k.post('/api/v1/nodes', { metadata: { name: 'one' } });
    await k.post('/api/v1/nodes', { metadata: { name: 'two' } });
    for (const name of ['named', 'pull', 'env', 'volume', 'other', 'opens'])
      await k.post(secrets, { metadata: { name } });
    for (const name of ['settings', 'other'])
      await k.post('/api/v1/namespaces/default/configmaps', { metadata: { name } });
    await k.post('/api/v1/namespaces/default/persistentvolumeclaims', {
      metadata: { name: 'claim' },
      spec: {
        accessModes: ['ReadWriteOnce'],
        resources: { requests: { storage: '1Gi' } },
        volumeName: 'disk',
      },
    });
    await k.post('/api/v1/persistentvolumes', {
      metadata: { name: 'disk' },
      spec: {
        capacity: { storage: '1Gi' },
        accessModes: ['ReadWriteOnce'],
        csi: {
          driver: 'd',
          volumeHandle: 'h',
          nodeStageSecretRef: { name: 'opens', namespace: 'default' },
        },
        claimRef: { namespace: 'default', name: 'claim' },
      },
    });
  });
  afterEach(() => k[Symbol.asyncDispose]());

  const podOn = (nodeName: string | undefined, name = 'p') =>
    k.post(pods, {
      metadata: { name },
      spec: {
        ...(nodeName ? { nodeName } : {}),
        imagePullSecrets: [{ name: 'pull' }],
        serviceAccountName: 'default',
        containers: [
          {
            name: 'c',
            image: 'i',
            env: [{ name: 'A', valueFrom: { secretKeyRef: { name: 'env', key: 'a' } } }],
            envFrom: [{ configMapRef: { name: 'settings' } }],
          },
        ],
        volumes: [
          { name: 'a', secret: { secretName: 'volume' } },
          { name: 'b', projected: { sources: [{ secret: { name: 'named' } }] } },
          { name: 'c', persistentVolumeClaim: { claimName: 'claim' } },
        ],
      },
    });

  async function code(user: UserInfo, method: HttpMethod, url: string, body?: unknown): Promise<number> {
    const headers = method === 'PATCH' ? mergePatch : undefined;
    return (await k.ask(method, url, body, headers, user)).status;
  }
  async function why(user: UserInfo, method: HttpMethod, url: string, body?: unknown): Promise<string> {
    const headers = method === 'PATCH' ? mergePatch : undefined;
    const { status, body: answer } = await k.ask(method, url, body, headers, user);
    expect(status, JSON.stringify(answer)).to.equal(403);
    return (answer as Status).message ?? '';
  }

  const related = [
    ...['named', 'pull', 'env', 'volume', 'opens'].map((name) => `${secrets}/${name}`),
    '/api/v1/namespaces/default/configmaps/settings',
    '/api/v1/namespaces/default/persistentvolumeclaims/claim',
    '/api/v1/persistentvolumes/disk',
    `${pods}/p`,
  ];
  for (const url of related)
    it(`API-18 reads ${url} from when a pod that needs it is bound to it until that is gone`, async () => {
      expect(await code(one, 'GET', url)).to.equal(403);
      await podOn('one');
      expect(await code(one, 'GET', url)).to.equal(200);
      expect(await code(two, 'GET', url)).to.equal(403);
      await k.delete(`${pods}/p`, { gracePeriodSeconds: 0 });
      expect(await code(one, 'GET', url)).to.equal(403);
    });

  it('API-18 a pod that has no node yet gives nobody anything to read', async () => {
    await podOn(undefined);
    expect(await code(one, 'GET', `${secrets}/env`)).to.equal(403);
    expect(
      (await k.ask('POST', `${pods}/p/binding`, { metadata: { name: 'p' }, target: { name: 'two' } })).status,
    ).to.equal(201);
    expect(await code(two, 'GET', `${secrets}/env`)).to.equal(200);
    expect(await code(one, 'GET', `${secrets}/env`)).to.equal(403);
  });

  it('API-18 one of two pods that need it is enough', async () => {
    await podOn('one');
    await podOn('one', 'q');
    await k.delete(`${pods}/p`, { gracePeriodSeconds: 0 });
    expect(await code(one, 'GET', `${secrets}/env`)).to.equal(200);
  });

  it('API-18 says what is missing', async () => {
    expect(await why(one, 'GET', `${secrets}/other`)).to.equal(
      `secrets "other" is forbidden: User "system:node:one" cannot get resource "secrets" in API group "" in the namespace "default": no relationship found between node 'one' and this object`,
    );
    expect(await why(one, 'GET', secrets)).to.include(': No Object name found');
    expect(await why(one, 'GET', '/api/v1/secrets')).to.include(
      'can only read namespaced object of this type',
    );
    expect(await why(one, 'DELETE', `${secrets}/other`)).to.include(': can only read resources of this type');
    expect(await why(one, 'GET', '/api/v1/nodes')).to.include(
      `node 'one' cannot read all nodes, only its own Node object`,
    );
    expect(await why(node(''), 'GET', '/api/v1/nodes/one')).to.include(
      ': unknown node for user "system:node:"',
    );
  });

  it('API-18 lists and watches one secret by its name, and pods by its own', async () => {
    await podOn('one');
    const list = (url: string, selector: string) =>
      code(one, 'GET', `${url}?fieldSelector=${encodeURIComponent(selector)}`);
    expect(await list(secrets, 'metadata.name=env')).to.equal(200);
    expect(await list(secrets, 'metadata.name=other')).to.equal(403);
    expect(await list('/api/v1/pods', 'spec.nodeName=one')).to.equal(200);
    expect(await list('/api/v1/pods', 'spec.nodeName=two')).to.equal(403);
    expect(await list('/api/v1/pods', 'spec.nodeName!=one')).to.equal(403);
    expect(await list('/api/v1/nodes', 'metadata.name=one')).to.equal(200);
    expect(await list('/api/v1/nodes', 'metadata.name=two')).to.equal(403);
  });

  it('API-18 what every node needs is there for all, and nothing else', async () => {
    expect(await code(one, 'GET', '/api/v1/services')).to.equal(200);
    expect(await code(one, 'GET', '/apis/node.k8s.io/v1/runtimeclasses')).to.equal(200);
    expect(await code(one, 'GET', '/api')).to.equal(200);
    expect(await code(one, 'GET', '/apis/apps/v1/deployments')).to.equal(403);
    expect(await code(one, 'GET', '/api/v1/namespaces')).to.equal(403);
    // A name alone makes nobody a node.
    expect(await code({ username: 'system:node:one' }, 'GET', '/api/v1/nodes/one')).to.equal(403);
  });

  describe('write', () => {
    it('API-18 its own Node: not another, no taints, no labels that draw pods', async () => {
      await k.delete('/api/v1/nodes/one');
      const create = (labels: object, name = 'one') =>
        k.ask('POST', '/api/v1/nodes', { metadata: { name, labels } }, undefined, one);
      expect((await create({}, 'three')).status).to.equal(403);
      const bad = await create({ 'node-restriction.kubernetes.io/a': 'b', 'x.k8s.io/y': 'z', fine: 'yes' });
      expect((bad.body as Status).message).to.equal(
        'nodes "one" is forbidden: node "one" is not allowed to set the following labels: node-restriction.kubernetes.io/a, x.k8s.io/y',
      );
      const good = {
        'kubernetes.io/hostname': 'one',
        'node.kubernetes.io/gpu': 'yes',
        'example.com/zone': 'a',
      };
      expect((await create(good)).status).to.equal(201);
      const patch = (body: object, which = 'one') =>
        k.ask('PATCH', `/api/v1/nodes/${which}`, body, mergePatch, one);
      expect((await patch({ metadata: { labels: { a: 'b' } } })).status).to.equal(200);
      expect(
        ((await patch({ metadata: { labels: { 'foo.kubernetes.io/a': 'b' } } })).body as Status).message,
      ).to.equal('nodes "one" is forbidden: is not allowed to modify labels: foo.kubernetes.io/a');
      expect(
        ((await patch({ spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } })).body as Status).message,
      ).to.equal('nodes "one" is forbidden: node "one" is not allowed to modify taints');
      expect(((await patch({ metadata: { labels: { a: 'b' } } }, 'two')).body as Status).message).to.equal(
        'nodes "two" is forbidden: node "one" is not allowed to modify node "two"',
      );
      expect(await code(one, 'PATCH', '/api/v1/nodes/one/status', { status: { phase: 'Running' } })).to.equal(
        200,
      );
      expect(await code(one, 'PATCH', '/api/v1/nodes/two/status', { status: { phase: 'Running' } })).to.equal(
        403,
      );
      expect(await code(one, 'DELETE', '/api/v1/nodes/one')).to.equal(403);
    });

    it('API-18 the status of its pods, without their labels; deletes and evicts them; no spec', async () => {
      await podOn('one');
      await podOn('two', 'q');
      const status = { status: { phase: 'Running' } };
      expect(await code(one, 'PATCH', `${pods}/p/status`, status)).to.equal(200);
      expect(await why(one, 'PATCH', `${pods}/q/status`, status)).to.equal(
        'pods "q" is forbidden: node "one" can only update pod status for pods with spec.nodeName set to itself',
      );
      expect(await why(one, 'PATCH', `${pods}/p/status`, { metadata: { labels: { a: 'b' } } })).to.include(
        'node "one" cannot update labels through pod status',
      );
      expect(await code(one, 'PATCH', `${pods}/p`, { metadata: { labels: { a: 'b' } } })).to.equal(403);
      const eviction = (name: string) => ({ metadata: { name } });
      expect(await why(one, 'POST', `${pods}/q/eviction`, eviction('q'))).to.equal(
        'pods "q" is forbidden: node one can only evict pods with spec.nodeName set to itself',
      );
      expect(await why(one, 'DELETE', `${pods}/q`)).to.include('can only delete pods with spec.nodeName set');
      expect(await code(two, 'POST', `${pods}/q/eviction`, eviction('q'))).to.equal(201);
      expect(await code(one, 'DELETE', `${pods}/p`)).to.equal(200);
    });

    it('API-18 mirror pods of its own, which give it nothing to read', async () => {
      const { uid } = (await k.get('/api/v1/nodes/one')).metadata;
      const owner = { apiVersion: 'v1', kind: 'Node', name: 'one', uid, controller: true };
      const pod = (metadata: object, spec: object = {}) => ({
        metadata: { name: 'static', annotations: { [mirror]: 'x' }, ownerReferences: [owner], ...metadata },
        spec: { nodeName: 'one', containers: [{ name: 'c', image: 'i' }], ...spec },
      });
      const cases: readonly [object, string][] = [
        [pod({ annotations: {} }), 'pod does not have "kubernetes.io/config.mirror" annotation'],
        [pod({}, { nodeName: 'two' }), 'can only create pods with spec.nodeName set to itself'],
        [pod({ ownerReferences: [] }), 'can only create pods with an owner reference set to itself'],
        [pod({ ownerReferences: [{ ...owner, uid: 'x' }] }), 'node one UID mismatch'],
        [pod({ ownerReferences: [{ ...owner, controller: false }] }), 'with a controller owner reference'],
        [pod({}, { imagePullSecrets: [{ name: 'pull' }] }), 'can not create pods that reference secrets'],
        [
          pod({}, { volumes: [{ name: 'v', configMap: { name: 'settings' } }] }),
          'can not create pods that reference configmaps',
        ],
        [
          pod({}, { volumes: [{ name: 'v', persistentVolumeClaim: { claimName: 'claim' } }] }),
          'can not create pods that reference persistentvolumeclaims',
        ],
      ];
      for (const [body, message] of cases) expect(await why(one, 'POST', pods, body)).to.include(message);
      expect(await code(one, 'POST', pods, pod({}))).to.equal(201);
    });

    it('API-18 tokens for accounts of its pods, bound to those', async () => {
      await k.ask('POST', '/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
      const { uid } = (await podOn('one')).metadata;
      const url = '/api/v1/namespaces/default/serviceaccounts/default/token';
      const bound = (ref?: object) => ({
        spec: ref ? { boundObjectRef: { apiVersion: 'v1', kind: 'Pod', ...ref } } : {},
      });
      expect(await why(two, 'POST', url, bound({ name: 'p', uid }))).to.include('no relationship found');
      expect(await why(one, 'POST', url, bound())).to.include('node requested token not bound to a pod');
      expect(await why(one, 'POST', url, bound({ name: 'p' }))).to.include('a pod binding without a uid');
      expect(await why(one, 'POST', url, bound({ name: 'p', uid: 'x' }))).to.include(
        'does not match the UID in record',
      );
      await podOn('two', 'q');
      const other = (await k.get(`${pods}/q`)).metadata.uid;
      expect(await why(one, 'POST', url, bound({ name: 'q', uid: other }))).to.include(
        'node requested token bound to a pod scheduled on a different node',
      );
      expect(await code(one, 'POST', url, bound({ name: 'p', uid }))).to.equal(201);
    });

    it('API-18 its own Lease and CSINode', async () => {
      const leases = '/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases';
      expect(await code(one, 'POST', leases, { metadata: { name: 'one' } })).to.equal(201);
      expect(await why(one, 'POST', leases, { metadata: { name: 'two' } })).to.include(
        'can only access node lease with the same name as the requesting node',
      );
      expect(await code(one, 'GET', `${leases}/one`)).to.equal(200);
      expect(await why(two, 'GET', `${leases}/one`)).to.include('with the same name as the requesting node');
      expect(await why(one, 'GET', '/apis/coordination.k8s.io/v1/namespaces/default/leases/one')).to.include(
        'can only access leases in the "kube-node-lease" system namespace',
      );
      const csiNodes = '/apis/storage.k8s.io/v1/csinodes';
      expect(
        await code(one, 'POST', csiNodes, { metadata: { name: 'one' }, spec: { drivers: [] } }),
      ).to.equal(201);
      expect(
        await code(one, 'POST', csiNodes, { metadata: { name: 'two' }, spec: { drivers: [] } }),
      ).to.equal(403);
    });
  });

  it('API-18 a right to one name is also a right to list and watch that name', async () => {
    await k.post('/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles', {
      metadata: { name: 'r' },
      rules: [{ apiGroups: [''], resources: ['secrets'], resourceNames: ['env'], verbs: ['list'] }],
    });
    await k.post('/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings', {
      metadata: { name: 'r' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'r' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'jane' }],
    });
    const jane = { username: 'jane' };
    expect(await code(jane, 'GET', `${secrets}?fieldSelector=metadata.name%3Denv`)).to.equal(200);
    expect(await code(jane, 'GET', `${secrets}?fieldSelector=metadata.name%3Dother`)).to.equal(403);
    expect(await code(jane, 'GET', secrets)).to.equal(403);
  });
});
