/** Admission webhooks of the same process, under virtual time (API-17). */
import { expect } from 'chai';
import type { ApiResponse, JsonObject } from 'gyre/api';
import { EmbeddedCluster } from 'gyre/cluster';
import { MemoryStore } from 'gyre/store';
import { seededRandom, VirtualClock } from 'gyre/testing';
import { jsonPatch, VirtualServer } from '../requests/virtual-server.js';
import {
  configuration,
  configurationsUrl,
  handler,
  patchOf,
  type ReviewRequest,
  rule,
  urlOf,
  webhook,
  type WebhookKind,
} from './webhook-objects.js';

const maps = '/api/v1/namespaces/default/configmaps';
const configMap = (name: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  ...more,
});
const setData = (key: string, value: string) => ({ op: 'add', path: `/data/${key}`, value });

describe('admission webhooks', () => {
  let server: VirtualServer;
  beforeEach(async () => {
    server = await VirtualServer.start();
  });
  afterEach(() => server[Symbol.asyncDispose]());

  const install = (kind: WebhookKind, name: string, ...hooks: object[]) =>
    server.post(configurationsUrl(kind), configuration(kind, name, hooks));

  /** Installs one webhook about config maps and gives what it is asked. */
  async function listen(
    kind: WebhookKind,
    name: string,
    decide: (request: ReviewRequest) => object | undefined = () => undefined,
    more: object = {},
  ): Promise<ReviewRequest[]> {
    const seen: ReviewRequest[] = [];
    server.webhooks.register(
      { url: urlOf(name) },
      handler((request) => {
        seen.push(request);
        return decide(request);
      }),
    );
    await install(kind, name, webhook(name, [rule('configmaps')], more));
    return seen;
  }

  /** A request whose webhooks take time. */
  async function afterTime(by: string, request: Promise<ApiResponse>): Promise<ApiResponse> {
    await server.advance(by);
    return request;
  }

  it('API-17 a validating webhook is told everything about the request', async () => {
    const seen = await listen('Validating', 'all.example.com');
    await server.post(`${maps}?dryRun=All&fieldManager=me`, configMap('a', { data: { k: 'v' } }));
    const [request] = seen;
    expect(request).to.deep.include({
      operation: 'CREATE',
      name: 'a',
      namespace: 'default',
      kind: { group: '', version: 'v1', kind: 'ConfigMap' },
      resource: { group: '', version: 'v1', resource: 'configmaps' },
      requestKind: { group: '', version: 'v1', kind: 'ConfigMap' },
      requestResource: { group: '', version: 'v1', resource: 'configmaps' },
      dryRun: true,
      oldObject: null,
      options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', dryRun: ['All'], fieldManager: 'me' },
    });
    expect(request?.userInfo).to.deep.include({ username: 'admin' });
    expect(request?.object).to.deep.include({ kind: 'ConfigMap', apiVersion: 'v1', data: { k: 'v' } });
    expect(request?.uid).to.match(/^[0-9a-f-]{36}$/);
  });

  it('API-17 an update shows old and new, a delete the old alone', async () => {
    await server.post(maps, configMap('a', { data: { k: '1' } }));
    const seen = await listen('Validating', 'all.example.com');
    await server.patch(`${maps}/a`, { data: { k: '2' } });
    await server.delete(`${maps}/a`);
    expect(seen.map((r) => [r.operation, r.object?.data, r.oldObject?.data])).to.deep.equal([
      ['UPDATE', { k: '2' }, { k: '1' }],
      ['DELETE', undefined, { k: '2' }],
    ]);
    expect(seen[1]?.options).to.include({ kind: 'DeleteOptions' });
  });

  it('API-17 a denial carries the webhook’s message, reason and code, and nothing is written', async () => {
    await listen('Validating', 'no.example.com', () => ({
      allowed: false,
      status: { message: 'not today', reason: 'Forbidden', code: 403 },
    }));
    const status = await server.refused(403, 'POST', maps, configMap('a'));
    expect(status).to.include({
      message: 'admission webhook "no.example.com" denied the request: not today',
      reason: 'Forbidden',
      status: 'Failure',
    });
    await server.refused(404, 'GET', `${maps}/a`);
  });

  it('API-17 a denial without explanation is a 400 that says so', async () => {
    await listen('Validating', 'no.example.com', () => ({ allowed: false }));
    const status = await server.refused(400, 'POST', maps, configMap('a'));
    expect(status.message).to.equal(
      'admission webhook "no.example.com" denied the request without explanation',
    );
  });

  it('API-17 a denial never looks like a success', async () => {
    await listen('Validating', 'no.example.com', () => ({
      allowed: false,
      status: { status: 'Success', code: 200 },
    }));
    const status = await server.refused(400, 'POST', maps, configMap('a'));
    expect(status.status).to.equal('Failure');
  });

  it('API-17 a denied update or delete leaves the object as it is', async () => {
    await server.post(maps, configMap('a', { data: { k: '1' } }));
    const before = await server.get(`${maps}/a`);
    await listen('Mutating', 'no.example.com', () => ({ allowed: false }));
    await server.refused(
      400,
      'PATCH',
      `${maps}/a`,
      { data: { k: '2' } },
      { 'content-type': 'application/merge-patch+json' },
    );
    await server.refused(400, 'DELETE', `${maps}/a`);
    expect(await server.get(`${maps}/a`)).to.deep.equal(before);
  });

  it('API-17 mutating webhooks change the object one after the other, by the name of their configuration', async () => {
    const order: string[] = [];
    const add = (name: string) => (request: ReviewRequest) => {
      order.push(`${name} sees ${Object.keys(request.object?.data ?? {}).join()}`);
      return patchOf(setData(name, '1'));
    };
    await listen('Mutating', 'b.example.com', add('b'));
    await listen('Mutating', 'a.example.com', add('a'));
    const made = await server.post(maps, configMap('x', { data: { own: '1' } }));
    expect(made.data).to.deep.equal({ own: '1', a: '1', b: '1' });
    expect(order).to.deep.equal(['a sees own', 'b sees own,a']);
    expect((await server.get(`${maps}/x`)).data).to.deep.equal(made.data);
  });

  it('API-17 what a webhook makes of an object gets defaults, is pruned, and is validated', async () => {
    const seen: JsonObject[] = [];
    server.webhooks.register(
      { url: urlOf('svc.example.com') },
      handler(({ object }) =>
        object.metadata.name === 'bad'
          ? patchOf({ op: 'add', path: '/spec/ports/0/port', value: 0 })
          : patchOf(
              { op: 'add', path: '/spec/ports/-', value: { name: 'b', port: 81 } },
              { op: 'add', path: '/spec/nonsense', value: 1 },
            ),
      ),
    );
    server.webhooks.register(
      { url: urlOf('later.example.com') },
      handler(({ object }) => void seen.push(object.spec)),
    );
    await install('Mutating', 'a', webhook('svc.example.com', [rule('services', 'CREATE')]));
    await install('Validating', 'b', webhook('later.example.com', [rule('services', 'CREATE')]));
    const service = (name: string) => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name },
      spec: { ports: [{ name: 'a', port: 80 }], selector: { app: 'x' } },
    });
    const made = await server.post('/api/v1/namespaces/default/services', service('good'));
    expect(made.spec.ports[1]).to.deep.equal({ name: 'b', port: 81, protocol: 'TCP', targetPort: 81 });
    expect(made.spec).to.not.have.property('nonsense');
    expect(seen[0]).to.have.nested.property('ports[1].targetPort', 81);
    const status = await server.refused(422, 'POST', '/api/v1/namespaces/default/services', service('bad'));
    expect(status.message).to.contain('spec.ports[0].port');
  });

  it('API-17 a webhook cannot change who an object is', async () => {
    await listen('Mutating', 'who.example.com', ({ operation }) =>
      operation === 'CREATE'
        ? patchOf(
            { op: 'replace', path: '/metadata/name', value: 'other' },
            { op: 'replace', path: '/metadata/uid', value: 'mine' },
          )
        : undefined,
    );
    const made = await server.post(maps, configMap('a'));
    expect(made.metadata.name).to.equal('a');
    expect(made.metadata.uid).to.not.equal('mine');
    await server.refused(404, 'GET', `${maps}/other`);
  });

  for (const [what, response, why] of [
    [
      'a patch that does not fit',
      patchOf({ op: 'remove', path: '/data/none' }),
      /^Internal error occurred: /,
    ],
    [
      'a patch without a type',
      { patch: 'W10=' },
      /received invalid webhook response: webhook returned response.patch but not response.patchType$/,
    ],
    [
      'somebody else’s uid',
      { uid: 'other' },
      /received invalid webhook response: expected response.uid="[^"]+", got "other"$/,
    ],
    [
      'another kind of object',
      patchOf({ op: 'replace', path: '/kind', value: 'Secret' }),
      /^Internal error occurred: /,
    ],
    ['no object at all', patchOf({ op: 'replace', path: '', value: 7 }), /^Internal error occurred: /],
  ] as const) {
    it(`API-17 ${what} is a 500, and nothing is written`, async () => {
      await listen('Mutating', 'bad.example.com', () => response);
      const status = await server.refused(500, 'POST', maps, configMap('a'));
      expect(status.message).to.match(why);
      await server.refused(404, 'GET', `${maps}/a`);
    });
  }

  it('API-17 a validating webhook may not patch', async () => {
    await listen('Validating', 'v.example.com', () => patchOf(setData('a', 'b')));
    const status = await server.refused(500, 'POST', maps, configMap('a', { data: {} }));
    expect(status.message).to.equal(
      'Internal error occurred: failed calling webhook "v.example.com": received invalid webhook response: validating webhook may not return response.patch',
    );
  });

  it('API-17 failurePolicy: Fail refuses when the webhook cannot be asked, Ignore goes on', async () => {
    server.webhooks.register({ url: urlOf('down.example.com') }, () => {
      throw new Error('out of order');
    });
    await install('Validating', 'down', webhook('down.example.com', [rule('configmaps')]));
    const status = await server.refused(500, 'POST', maps, configMap('a'));
    expect(status).to.include({
      reason: 'InternalError',
      message:
        'Internal error occurred: failed calling webhook "down.example.com": failed to call webhook: an error on the server ("out of order") has prevented the request from succeeding',
    });
    const url = `${configurationsUrl('Validating')}/down`;
    await server.patch(url, [{ op: 'add', path: '/webhooks/0/failurePolicy', value: 'Ignore' }], jsonPatch);
    await server.post(maps, configMap('a'));
  });

  it('API-17 a webhook that takes longer than its timeoutSeconds has not answered', async () => {
    let aborted = false;
    server.webhooks.register({ url: urlOf('slow.example.com') }, (_, { signal }) => {
      signal.addEventListener('abort', () => {
        aborted = true;
      });
      return new Promise<never>(() => {});
    });
    await install(
      'Validating',
      'slow',
      webhook('slow.example.com', [rule('configmaps')], { timeoutSeconds: 3 }),
    );
    let answered = false;
    const asked = server.ask('POST', maps, configMap('a')).finally(() => {
      answered = true;
    });
    await server.advance('2s');
    expect(answered).to.equal(false);
    const { status, body } = await afterTime('1s', asked);
    expect([status, (body as { message: string }).message]).to.deep.equal([
      500,
      'Internal error occurred: failed calling webhook "slow.example.com": failed to call webhook: Post "https://slow.example.com/review?timeout=3s": context deadline exceeded',
    ]);
    expect(aborted).to.equal(true);
    await server.refused(404, 'GET', `${maps}/a`);
  });

  it('API-17 configurations are followed live, and never asked about themselves', async () => {
    const seen = await listen('Validating', 'live.example.com', () => ({ allowed: false }), {
      rules: [rule('*')],
    });
    const url = `${configurationsUrl('Validating')}/live.example.com`;
    await server.refused(400, 'POST', maps, configMap('a'));
    const narrowed = [{ op: 'replace', path: '/webhooks/0/rules/0/resources', value: ['secrets'] }];
    await server.patch(url, narrowed, jsonPatch);
    await server.post(maps, configMap('a'));
    await server.patch(
      url,
      [{ op: 'replace', path: '/webhooks/0/rules/0/resources', value: ['*'] }],
      jsonPatch,
    );
    await server.refused(400, 'POST', maps, configMap('b'));
    await server.delete(url);
    await server.post(maps, configMap('b'));
    expect(seen.map((r) => r.resource.resource)).to.deep.equal(['configmaps', 'configmaps']);
  });

  it('API-17 namespaceSelector goes by the labels of the namespace, its name among them', async () => {
    const selector = {
      namespaceSelector: {
        matchExpressions: [
          { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kube-system'] },
        ],
      },
    };
    await listen('Validating', 'ns.example.com', () => ({ allowed: false }), selector);
    await server.refused(400, 'POST', maps, configMap('a'));
    await server.post('/api/v1/namespaces/kube-system/configmaps', configMap('a'));
  });

  it('API-17 namespaceSelector judges a namespace that is written by its own labels', async () => {
    const name = 'ns.example.com';
    server.webhooks.register(
      { url: urlOf(name) },
      handler(() => ({ allowed: false })),
    );
    const namespaceSelector = { matchLabels: { guarded: 'yes' } };
    await install('Validating', name, webhook(name, [rule('namespaces', 'CREATE')], { namespaceSelector }));
    const namespace = (n: string, labels: object) => ({
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: n, labels },
    });
    await server.post('/api/v1/namespaces', namespace('free', {}));
    await server.refused(400, 'POST', '/api/v1/namespaces', namespace('held', { guarded: 'yes' }));
  });

  it('API-17 objectSelector takes the old object or the new', async () => {
    const objectSelector = { matchLabels: { watched: 'yes' } };
    const seen = await listen('Validating', 'o.example.com', () => undefined, { objectSelector });
    await server.post(maps, configMap('plain'));
    await server.post(maps, configMap('a', { metadata: { name: 'a', labels: { watched: 'yes' } } }));
    await server.patch(`${maps}/a`, { metadata: { labels: { watched: 'no' } } });
    await server.patch(`${maps}/a`, { data: { k: 'v' } });
    expect(seen.map((r) => `${r.operation} ${r.name}`)).to.deep.equal(['CREATE a', 'UPDATE a']);
  });

  it('API-17 a webhook with side effects refuses dry runs', async () => {
    const clock = new VirtualClock();
    const store = new MemoryStore({ clock });
    await using cluster = await EmbeddedCluster.start({
      controllers: false,
      clock,
      random: seededRandom(),
      store,
    });
    // Only what was stored before they were forbidden can still have them.
    const old = webhook('old.example.com', [rule('configmaps')], { sideEffects: 'Some' });
    const key = '/admissionregistration.k8s.io/validatingwebhookconfigurations/old';
    await store.create(key, configuration('Validating', 'old', [old]));
    const { status, body } = await cluster.transport().request({
      method: 'POST',
      path: maps,
      query: { dryRun: 'All' },
      body: configMap('a'),
    });
    expect(status).to.equal(400);
    expect(body).to.include({
      reason: 'BadRequest',
      message: 'admission webhook "old.example.com" does not support dry run',
    });
  });

  it('API-17 reinvocationPolicy IfNeeded: asked again when somebody later has changed the object', async () => {
    const calls: string[] = [];
    const once = (name: string) => (request: ReviewRequest) => {
      calls.push(name);
      return request.object.data[name] ? undefined : patchOf(setData(name, '1'));
    };
    await listen('Mutating', 'a.example.com', once('a'), { reinvocationPolicy: 'IfNeeded' });
    await listen('Mutating', 'b.example.com', once('b'));
    await listen('Mutating', 'c.example.com', once('c'), { reinvocationPolicy: 'IfNeeded' });
    const made = await server.post(maps, configMap('x', { data: { own: '1' } }));
    expect(made.data).to.deep.equal({ own: '1', a: '1', b: '1', c: '1' });
    expect(calls).to.deep.equal(['a', 'b', 'c', 'a']);
  });

  it('API-17 nobody is asked twice when nothing has changed', async () => {
    const calls = await listen('Mutating', 'a.example.com', () => patchOf(), {
      reinvocationPolicy: 'IfNeeded',
    });
    await server.post(maps, configMap('x'));
    expect(calls).to.have.length(1);
  });

  it('API-17 warnings reach the client, with a refusal too', async () => {
    await listen('Mutating', 'a.example.com', () => ({ warnings: ['careful', 'careful'] }));
    await listen('Validating', 'b.example.com', ({ name }) => ({
      warnings: ['say "hi"'],
      allowed: name !== 'bad',
    }));
    const headers = '299 - "careful", 299 - "say \\"hi\\""';
    expect((await server.ask('POST', maps, configMap('a'))).headers.warning).to.equal(headers);
    const refused = await server.ask('POST', maps, configMap('bad'));
    expect([refused.status, refused.headers.warning]).to.deep.equal([400, headers]);
  });

  it('API-17 too many warnings are each cut to 256 characters, and end at 4096', async () => {
    const warnings = Array.from({ length: 30 }, (_, i) => `${i} `.padEnd(300, '.'));
    await listen('Validating', 'w.example.com', () => ({ warnings }));
    const { headers } = await server.ask('POST', maps, configMap('a'));
    const told = [...(headers.warning ?? '').matchAll(/299 - "([^"]*)"/g)].map(([, text = '']) => text);
    expect(told).to.deep.equal(warnings.slice(0, 16).map((text) => text.slice(0, 256)));
  });

  it('API-17 status is asked about as a subresource, and its spec may not be changed', async () => {
    const seen: ReviewRequest[] = [];
    server.webhooks.register(
      { url: urlOf('s.example.com') },
      handler((request) => {
        seen.push(request);
        return patchOf(
          { op: 'add', path: '/spec/finalizers/-', value: 'sneaky.example.com/finalizer' },
          { op: 'add', path: '/status/conditions', value: [{ type: 'Seen', status: 'True' }] },
        );
      }),
    );
    await server.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'n' } });
    await install('Mutating', 's', webhook('s.example.com', [rule('namespaces/status', 'UPDATE')]));
    const made = await server.patch('/api/v1/namespaces/n/status', { status: { conditions: [] } });
    expect(seen[0]).to.include({ subResource: 'status', name: 'n' });
    expect(made.status.conditions[0]).to.include({ type: 'Seen' });
    expect(made.spec.finalizers).to.deep.equal(['kubernetes']);
  });

  it('API-17 a scale is asked about as a Scale, and a changed one is taken over', async () => {
    const seen: ReviewRequest[] = [];
    server.webhooks.register(
      { url: urlOf('scale.example.com') },
      handler((request) => {
        seen.push(request);
        return patchOf({ op: 'replace', path: '/spec/replicas', value: 2 });
      }),
    );
    const deployments = '/apis/apps/v1/namespaces/default/deployments';
    await server.post(deployments, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'd' },
      spec: {
        selector: { matchLabels: { a: 'b' } },
        template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      },
    });
    await install('Mutating', 's', webhook('scale.example.com', [rule('*/scale', 'UPDATE')]));
    await server.patch(`${deployments}/d/scale`, { spec: { replicas: 5 } });
    expect(seen).to.have.length(1);
    expect(seen[0]?.kind).to.deep.equal({ group: 'autoscaling', version: 'v1', kind: 'Scale' });
    expect(seen[0]?.object.spec).to.deep.equal({ replicas: 5 });
    expect(seen[0]?.oldObject.spec).to.deep.equal({ replicas: 1 });
    expect((await server.get(`${deployments}/d`)).spec.replicas).to.equal(2);
  });

  it('API-17 a binding is asked about as a Binding that is created', async () => {
    const seen: ReviewRequest[] = [];
    server.webhooks.register(
      { url: urlOf('bind.example.com') },
      handler((request) => {
        seen.push(request);
        return { allowed: false };
      }),
    );
    const pods = '/api/v1/namespaces/default/pods';
    const spec = { containers: [{ name: 'c', image: 'i' }] };
    await server.post(pods, { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p' }, spec });
    await install('Validating', 'bind', webhook('bind.example.com', [rule('pods/binding', 'CREATE')]));
    const binding = { apiVersion: 'v1', kind: 'Binding', target: { kind: 'Node', name: 'n' } };
    await server.refused(400, 'POST', `${pods}/p/binding`, { ...binding, metadata: { name: 'p' } });
    expect(seen[0]?.kind).to.deep.equal({ group: '', version: 'v1', kind: 'Binding' });
    expect(seen[0]?.object.target).to.deep.equal({ kind: 'Node', name: 'n' });
    expect((await server.get(`${pods}/p`)).spec.nodeName).to.equal(undefined);
  });

  it('API-17 exec and attach are asked about as CONNECT', async () => {
    const clock = new VirtualClock();
    await using cluster = await EmbeddedCluster.start({ controllers: false, clock, random: seededRandom() });
    const seen: ReviewRequest[] = [];
    cluster.webhooks.register(
      { url: urlOf('connect.example.com') },
      handler((request) => {
        seen.push(request);
        return { allowed: false, status: { message: 'no attaching' } };
      }),
    );
    const hook = webhook('connect.example.com', [rule('pods/attach', 'CONNECT')]);
    await cluster.transport().request({
      method: 'POST',
      path: configurationsUrl('Validating'),
      body: configuration('Validating', 'connect', [hook]),
    });
    const open = (subresource: string) =>
      cluster.server.handleUpgrade({
        method: 'GET',
        path: `/api/v1/namespaces/default/pods/p/${subresource}`,
        query: new URLSearchParams('stdin=true&tty=true&container=c&command=sh'),
        headers: {},
        user: { username: 'admin', groups: ['system:masters'] },
      });
    const words = async (subresource: string) =>
      ((await open(subresource)) as { body: { message: string } }).body.message;
    expect(await words('attach')).to.equal(
      'admission webhook "connect.example.com" denied the request: no attaching',
    );
    expect(await words('exec')).to.equal('pods "p" not found');
    expect(seen[0]?.object).to.deep.equal({
      kind: 'PodAttachOptions',
      apiVersion: 'v1',
      stdin: true,
      tty: true,
      container: 'c',
      command: ['sh'],
    });
    expect(seen[0]).to.include({ operation: 'CONNECT', name: 'p', subResource: 'attach' });
  });

  it('API-17 the server’s own writes are not asked about', async () => {
    const seen = await listen('Validating', 'crd.example.com', undefined, {
      rules: [rule('*/*')],
    });
    await server.post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'as.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: 'as', kind: 'A' },
        versions: [
          { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } },
        ],
      },
    });
    await server.settle();
    expect(seen.map((r) => `${r.operation} ${r.subResource ?? ''}`)).to.deep.equal(['CREATE ']);
  });

  it('API-17 a failing webhook leaves nothing half done: no object, no address, no version', async () => {
    const services = '/api/v1/namespaces/default/services';
    const name = 'last.example.com';
    const { metadata } = await server.get(services);
    server.webhooks.register({ url: urlOf(name) }, () => ({}));
    await install('Validating', 'last', webhook(name, [rule('services')]));
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 's' },
      spec: { clusterIP: '127.96.0.77', ports: [{ port: 80 }] },
    };
    const { resourceVersion } = (await server.get(services)).metadata;
    const status = await server.refused(500, 'POST', services, service);
    expect(status.message).to.contain('received invalid webhook response: webhook response was absent');
    const after = await server.get(services);
    expect(after.metadata.resourceVersion).to.equal(resourceVersion);
    expect(Number(resourceVersion)).to.be.greaterThan(Number(metadata.resourceVersion));
    await server.delete(`${configurationsUrl('Validating')}/last`);
    expect((await server.post(services, service)).spec.clusterIP).to.equal('127.96.0.77');
  });

  it('API-17 a namespace that is not there is said before any webhook is asked', async () => {
    const seen = await listen('Mutating', 'a.example.com');
    await server.refused(404, 'POST', '/api/v1/namespaces/nowhere/configmaps', configMap('a'));
    expect(seen).to.deep.equal([]);
  });

  it('API-17 what a handler does with a review touches nothing of the server’s', async () => {
    let kept: ReviewRequest | undefined;
    await listen('Validating', 'a.example.com', (request) => {
      kept = request;
      request.object.data.k = 'changed';
      return undefined;
    });
    await server.post(maps, configMap('a', { data: { k: 'v' } }));
    expect(kept?.object.data.k).to.equal('changed');
    expect((await server.get(`${maps}/a`)).data.k).to.equal('v');
  });
});
