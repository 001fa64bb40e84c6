/** Which group versions are served: `--runtime-config` of kube-apiserver. */
import { expect } from 'chai';
import { isInvalid } from 'gyre/api';
import { EmbeddedCluster } from 'gyre/cluster';
import { MutatingAdmissionPolicy } from 'gyre/kinds';
import { MemoryStore } from 'gyre/store';
import { TestCluster, VirtualClock } from 'gyre/testing';
import { BadRuntimeConfig, readRuntimeConfig, type RuntimeConfig } from 'gyre/apiserver';
import { servedBy } from '#src/apiserver/runtime-config.js';
import { VirtualServer } from './requests/virtual-server.js';

const alpha = 'admissionregistration.k8s.io/v1alpha1';

describe('runtime config', () => {
  const resource = (group: string, version: string, plural = 'things') => ({ group, version, plural });
  const served: readonly (readonly [config: RuntimeConfig, of: ReturnType<typeof resource>, boolean])[] = [
    [{}, resource('g', 'v1'), true],
    [{}, resource('g', 'v2'), true],
    [{}, resource('g', 'v1beta1'), false],
    [{}, resource('g', 'v1alpha1'), false],
    [{ 'g/v1alpha1': true }, resource('g', 'v1alpha1'), true],
    [{ 'g/v1alpha1': true }, resource('other', 'v1alpha1'), false],
    [{ 'api/alpha': true }, resource('g', 'v2alpha3'), true],
    [{ 'api/alpha': true }, resource('g', 'v1beta1'), false],
    [{ 'api/beta': true }, resource('g', 'v1beta1'), true],
    [{ 'api/all': true }, resource('g', 'v1alpha1'), true],
    [{ 'api/all': true, 'api/alpha': false }, resource('g', 'v1alpha1'), false],
    [{ 'api/alpha': false, 'api/all': true }, resource('g', 'v1alpha1'), false],
    [{ 'api/alpha': true, 'g/v1alpha1': false }, resource('g', 'v1alpha1'), false],
    [{ 'g/v1': false }, resource('g', 'v1'), false],
    [{ 'api/ga': false }, resource('g', 'v1'), false],
    [{ 'g/v1/things': false }, resource('g', 'v1'), false],
    [{ 'g/v1/things': false }, resource('g', 'v1', 'others'), true],
    [{ 'g/v1': false, 'g/v1/things': true }, resource('g', 'v1'), true],
    [{ 'api/ga': false }, resource('', 'v1'), true],
  ];
  for (const [config, of, expected] of served)
    it(`${JSON.stringify(config)} ${expected ? 'serves' : 'leaves out'} ${of.plural} of ${of.group}/${of.version}`, () => {
      expect(servedBy(config)(of)).to.equal(expected);
    });

  const texts: readonly (readonly [string, RuntimeConfig])[] = [
    ['', {}],
    [`${alpha}=true`, { [alpha]: true }],
    [`${alpha}`, { [alpha]: true }],
    ['api/alpha=true, apps/v1=false', { 'api/alpha': true, 'apps/v1': false }],
    ['api/all=1,apps/v1/daemonsets=F', { 'api/all': true, 'apps/v1/daemonsets': false }],
  ];
  for (const [text, config] of texts)
    it(`reads ${JSON.stringify(text)}`, () => {
      expect(readRuntimeConfig(text)).to.deep.equal(config);
    });

  const bad: readonly (readonly [text: string, why: string])[] = [
    ['api/alpha=yes', 'invalid value of api/alpha: "yes"'],
    ['api=true', 'invalid key "api"'],
    ['v1=true', 'invalid key "v1"'],
    ['a/b/c/d=true', 'invalid key "a/b/c/d"'],
    ['=true', 'invalid key ""'],
    ['nope.example.com/v1=true', 'unknown API group "nope.example.com"'],
    ['apps/v9=true', 'unknown API group version apps/v9'],
    ['apps/v1/boats=false', 'unknown resource "boats" of apps/v1'],
    ['api/all=false', 'apiregistration.k8s.io/v1 cannot be turned off: the server itself needs it'],
    [
      'rbac.authorization.k8s.io/v1=false',
      'rbac.authorization.k8s.io/v1 cannot be turned off: the server itself needs it',
    ],
  ];
  for (const [text, why] of bad)
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(() => readRuntimeConfig(text)).to.throw(BadRuntimeConfig, why);
    });

  it('a server does not start with one it does not understand', async () => {
    const starting = VirtualServer.start({ runtimeConfig: { 'apps/v9': true } });
    const error = await starting.then(
      () => undefined,
      (refused: Error) => refused,
    );
    expect(error).to.be.instanceOf(BadRuntimeConfig);
  });
});

describe('group versions that are served', () => {
  let server: VirtualServer;
  const start = async (runtimeConfig: RuntimeConfig): Promise<void> => {
    server = await VirtualServer.start({ runtimeConfig });
  };
  afterEach(() => server[Symbol.asyncDispose]());

  const versionsOf = async (group: string): Promise<string[]> =>
    (await server.get(`/apis/${group}`)).versions.map(({ version }: { version: string }) => version);
  const aggregatedVersionsOf = async (group: string): Promise<string[]> => {
    const accept = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
    const { items } = await server.get('/apis', accept);
    const versions = items.find(({ metadata }) => metadata.name === group)?.versions ?? [];
    return versions.map(({ version }: { version: string }) => version);
  };
  const group = 'admissionregistration.k8s.io';

  it('API-12 what is off is in no document, and answers 404', async () => {
    await start({});
    expect(await versionsOf(group)).to.deep.equal(['v1']);
    expect(await aggregatedVersionsOf(group)).to.deep.equal(['v1']);
    expect((await server.get('/openapi/v3')).paths).not.to.have.property(`apis/${alpha}`);
    expect(JSON.stringify(await server.get('/openapi/v2'))).not.to.contain('MutatingAdmissionPolicy');
    await server.refused(404, 'GET', `/apis/${alpha}`);
    await server.refused(404, 'GET', `/openapi/v3/apis/${alpha}`);
    await server.refused(404, 'GET', `/apis/${alpha}/mutatingadmissionpolicies`);
    await server.refused(
      404,
      'GET',
      '/apis/apiregistration.k8s.io/v1/apiservices/v1alpha1.admissionregistration.k8s.io',
    );
  });

  it('API-12 what is turned on is in every document, after the stable version', async () => {
    await start({ [alpha]: true });
    expect(await versionsOf(group)).to.deep.equal(['v1', 'v1alpha1']);
    expect(await aggregatedVersionsOf(group)).to.deep.equal(['v1', 'v1alpha1']);
    expect((await server.get('/openapi/v3')).paths).to.have.property(`apis/${alpha}`);
    const { resources } = await server.get(`/apis/${alpha}`);
    expect(resources.map(({ name }: { name: string }) => name)).to.deep.equal([
      'mutatingadmissionpolicies',
      'mutatingadmissionpolicybindings',
    ]);
    const { components } = await server.get(`/openapi/v3/apis/${alpha}`);
    expect(components.schemas).to.have.property(
      'io.k8s.api.admissionregistration.v1alpha1.MutatingAdmissionPolicy',
    );
    await server.get('/apis/apiregistration.k8s.io/v1/apiservices/v1alpha1.admissionregistration.k8s.io');
  });

  it('API-12 a stable version that is turned off goes too, as do single resources', async () => {
    await start({ 'batch/v1': false, 'apps/v1/daemonsets': false });
    await server.refused(404, 'GET', '/apis/batch');
    await server.refused(404, 'GET', '/apis/apps/v1/daemonsets');
    expect((await server.get('/apis/apps/v1/deployments')).items).to.deep.equal([]);
  });
});

describe('what was turned on once', () => {
  const put = (cluster: EmbeddedCluster, path: string, body: object) =>
    cluster.transport().request({ method: 'POST', path, body: structuredClone(body) });

  it('API-17 is kept when it is turned off, and without effect', async () => {
    const store = new MemoryStore({ clock: new VirtualClock() });
    const start = (runtimeConfig: RuntimeConfig) =>
      EmbeddedCluster.start({ store, controllers: false, runtimeConfig });
    const labelled = async (cluster: EmbeddedCluster, name: string): Promise<unknown> => {
      const metadata = { name };
      const path = '/api/v1/namespaces/default/configmaps';
      const { body } = await put(cluster, path, { apiVersion: 'v1', kind: 'ConfigMap', metadata });
      return (body as { metadata: { labels?: unknown } }).metadata.labels;
    };
    const on = await start({ [alpha]: true });
    await put(on, `/apis/${alpha}/mutatingadmissionpolicies`, {
      metadata: { name: 'p' },
      spec: {
        reinvocationPolicy: 'Never',
        matchConstraints: {
          resourceRules: [
            { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] },
          ],
        },
        mutations: [
          {
            patchType: 'ApplyConfiguration',
            applyConfiguration: { expression: 'Object{metadata: Object.metadata{labels: {"a": "b"}}}' },
          },
        ],
      },
    });
    await put(on, `/apis/${alpha}/mutatingadmissionpolicybindings`, {
      metadata: { name: 'p' },
      spec: { policyName: 'p' },
    });
    expect(await labelled(on, 'first')).to.deep.equal({ a: 'b' });
    await on.stop();
    const off = await start({});
    expect(await labelled(off, 'second')).to.equal(undefined);
    await off.stop();
    const again = await start({ 'api/alpha': true });
    expect(await labelled(again, 'third')).to.deep.equal({ a: 'b' });
    await again.stop();
  });

  it('TestCluster serves what it is told to', async () => {
    await using t = await TestCluster.start({ builtin: false, runtimeConfig: { 'api/alpha': true } });
    const metadata = { name: 'p' };
    const refused = t.client.create(MutatingAdmissionPolicy, { metadata, spec: {} });
    const error = await refused.catch((given: Error) => given);
    expect(isInvalid(error)).to.equal(true);
  });
});
