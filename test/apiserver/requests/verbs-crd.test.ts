/** The life of a CustomResourceDefinition and of what it defines (API-15). */
import { expect } from 'chai';
import { type Answer, applyPatch, type Event, mergePatch, told, VirtualServer } from './virtual-server.js';

const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const gizmos = '/apis/example.com/v1/namespaces/default/gizmos';
const table = 'application/json;as=Table;v=v1;g=meta.k8s.io';

const schemaOf = (spec: object, more: object = {}) => ({
  type: 'object',
  properties: { spec: { type: 'object', properties: spec }, status: { type: 'object', ...more } },
});
const version = (name: string, spec: object, more: object = {}) => ({
  name,
  served: true,
  storage: name === 'v1',
  schema: {
    openAPIV3Schema: schemaOf(spec, {
      properties: { replicas: { type: 'integer' }, selector: { type: 'string' } },
    }),
  },
  ...more,
});
const size = { size: { type: 'integer' } };
const definition = (versions: object[], names: object = {}, group = 'example.com') => {
  const all = { plural: 'gizmos', kind: 'Gizmo', shortNames: ['gz'], ...names };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${all.plural}.${group}` },
    spec: { group, scope: 'Namespaced', names: all, versions },
  };
};
const gizmo = (name: string, spec: object = {}, more: object = {}) => ({
  apiVersion: 'example.com/v1',
  kind: 'Gizmo',
  metadata: { name },
  spec,
  ...more,
});
const conditions = (crd: Answer) =>
  Object.fromEntries(
    (crd.status.conditions as { type: string; status: string; reason: string }[]).map((c) => [
      c.type,
      `${c.status} ${c.reason}`,
    ]),
  );

describe('custom resources', () => {
  let server: VirtualServer;
  beforeEach(async () => {
    server = await VirtualServer.start();
  });
  afterEach(() => server[Symbol.asyncDispose]());

  async function define(...versions: object[]): Promise<Answer> {
    await server.post(crds, definition(versions));
    await server.settle();
    return server.get(`${crds}/gizmos.example.com`);
  }
  /** Replaces the definition's versions. */
  async function redefine(...versions: object[]): Promise<void> {
    await server.patch(`${crds}/gizmos.example.com`, { spec: { versions } });
    await server.settle();
  }

  it('API-15: a definition is accepted, then established, then served', async () => {
    const crd = await define(version('v1', size));
    expect(conditions(crd)).to.deep.equal({
      NamesAccepted: 'True NoConflicts',
      Established: 'True InitialNamesAccepted',
    });
    expect(crd.spec.names).to.deep.equal({
      plural: 'gizmos',
      singular: 'gizmo',
      kind: 'Gizmo',
      listKind: 'GizmoList',
      shortNames: ['gz'],
    });
    expect(crd.spec.conversion).to.deep.equal({ strategy: 'None' });
    expect(crd.status.acceptedNames).to.deep.equal(crd.spec.names);
    expect(crd.status.storedVersions).to.deep.equal(['v1']);
    const made = await server.post(gizmos, gizmo('a', { size: 1 }));
    expect(made.metadata.generation).to.equal(1);
    expect((await server.get(gizmos)).kind).to.equal('GizmoList');
  });

  it('API-15: an answer to create does not race its conditions: they are empty until the names are looked at', async () => {
    const crd = await server.post(crds, definition([version('v1', size)]));
    expect(crd.status.conditions).to.deep.equal([]);
  });

  it('API-12: discovery and OpenAPI tell of the kind while it is served', async () => {
    await server.refused(404, 'GET', '/apis/example.com');
    await define(version('v1', size, { subresources: { status: {} } }));
    const group = await server.get('/apis/example.com');
    expect(group.preferredVersion).to.deep.equal({ groupVersion: 'example.com/v1', version: 'v1' });
    const { resources } = await server.get('/apis/example.com/v1');
    expect(resources.map((r: { name: string }) => r.name)).to.deep.equal(['gizmos', 'gizmos/status']);
    expect(resources[0]).to.include({ kind: 'Gizmo', namespaced: true, singularName: 'gizmo' });
    expect((await server.get('/openapi/v3')).paths).to.have.property('apis/example.com/v1');
    await server.delete(`${crds}/gizmos.example.com`);
    await server.settle();
    await server.refused(404, 'GET', '/apis/example.com');
    await server.refused(404, 'GET', '/apis/example.com/v1');
    await server.refused(404, 'GET', gizmos);
    expect((await server.get('/openapi/v3')).paths).to.not.have.property('apis/example.com/v1');
  });

  it('API-15: fields the schema does not know are dropped, unless it preserves them', async () => {
    await define(
      version('v1', {
        ...size,
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      }),
    );
    const made = await server.post(
      gizmos,
      gizmo('a', { size: 1, unknown: 1, free: { any: { thing: [1, null] } } }, { extra: true }),
    );
    expect(made.spec).to.deep.equal({ size: 1, free: { any: { thing: [1, null] } } });
    expect(made).to.not.have.property('extra');
    expect(await server.get(`${gizmos}/a`)).to.deep.equal(made);
  });

  it('API-15: defaults are filled in on write, and on read of what was stored before they were', async () => {
    await define(version('v1', size));
    const before = await server.post(gizmos, gizmo('old', {}));
    await redefine(version('v1', { ...size, color: { type: 'string', default: 'red' } }));
    const read = await server.get(`${gizmos}/old`);
    expect(read.spec).to.deep.equal({ color: 'red' });
    expect(read.metadata.resourceVersion).to.equal(before.metadata.resourceVersion);
    expect((await server.get(gizmos)).items[0]?.spec).to.deep.equal({ color: 'red' });
    const [first] = await server.watch(gizmos);
    expect((first as Event).object).to.have.deep.property('spec', { color: 'red' });
    expect((await server.post(gizmos, gizmo('new', { size: 2 }))).spec).to.deep.equal({
      size: 2,
      color: 'red',
    });
    expect((await server.post(gizmos, gizmo('null', { color: null }))).spec).to.deep.equal({ color: 'red' });
  });

  it('API-15: null is kept where it is allowed and dropped where it is not', async () => {
    await define(
      version('v1', { yes: { type: 'string', nullable: true }, no: { type: 'string', default: 'x' } }),
    );
    expect((await server.post(gizmos, gizmo('a', { yes: null, no: null }))).spec).to.deep.equal({
      yes: null,
      no: 'x',
    });
  });

  it('API-15: a schema that grows stricter refuses the next write, not the read', async () => {
    await define(version('v1', size));
    await server.post(gizmos, gizmo('a', { size: 1 }));
    await redefine(version('v1', { size: { type: 'integer', minimum: 10 } }));
    expect((await server.get(`${gizmos}/a`)).spec.size).to.equal(1);
    await server.refused(422, 'PATCH', `${gizmos}/a`, { spec: { size: 2 } }, mergePatch);
    await server.patch(`${gizmos}/a`, { spec: { size: 10 } });
  });

  it('API-15: a pattern with more ways through a text than there is time refuses it like any other', async () => {
    await define(version('v1', { code: { type: 'string', pattern: '^(a+)+$' } }));
    const began = process.hrtime.bigint();
    const refused = await server.refused(422, 'POST', gizmos, gizmo('a', { code: `${'a'.repeat(50)}b` }));
    expect(Number(process.hrtime.bigint() - began) / 1e6).to.be.lessThan(1_000);
    expect(refused.message).to.match(/spec\.code in body should match '\^\(a\+\)\+\$'$/);
    expect((await server.post(gizmos, gizmo('b', { code: 'a'.repeat(50) }))).spec.code).to.have.length(50);
  });

  it('API-15: with a status subresource the two are written apart and the status counts no generation', async () => {
    await define(version('v1', size, { subresources: { status: {} } }));
    const made = await server.post(gizmos, gizmo('a', { size: 1 }, { status: { replicas: 5 } }));
    expect(made).to.not.have.property('status');
    const status = await server.patch(`${gizmos}/a/status`, { spec: { size: 9 }, status: { replicas: 1 } });
    expect(status.spec.size).to.equal(1);
    expect(status.status).to.deep.equal({ replicas: 1 });
    expect(status.metadata.generation).to.equal(1);
    const spec = await server.patch(`${gizmos}/a`, { spec: { size: 2 }, status: { replicas: 9 } });
    expect(spec.status).to.deep.equal({ replicas: 1 });
    expect(spec.metadata.generation).to.equal(2);
  });

  it('API-15: without one the status is a field like any other', async () => {
    await define(version('v1', size));
    const made = await server.post(gizmos, gizmo('a', {}, { status: { replicas: 5 } }));
    expect(made.status).to.deep.equal({ replicas: 5 });
    const changed = await server.patch(`${gizmos}/a`, { status: { replicas: 6 } });
    expect(changed.metadata.generation).to.equal(2);
    await server.refused(404, 'GET', `${gizmos}/a/status`);
  });

  it('API-14: its scale is where the definition says', async () => {
    const scale = {
      specReplicasPath: '.spec.size',
      statusReplicasPath: '.status.replicas',
      labelSelectorPath: '.status.selector',
    };
    await define(version('v1', size, { subresources: { status: {}, scale } }));
    await server.post(gizmos, gizmo('a', { size: 3 }));
    await server.patch(`${gizmos}/a/status`, { status: { replicas: 2, selector: 'app=a' } });
    const got = await server.get(`${gizmos}/a/scale`);
    expect(got.spec).to.deep.equal({ replicas: 3 });
    expect(got.status).to.deep.equal({ replicas: 2, selector: 'app=a' });
    await server.put(`${gizmos}/a/scale`, { ...got, spec: { replicas: 7 } });
    expect((await server.get(`${gizmos}/a`)).spec.size).to.equal(7);
  });

  it('API-15: a Table shows the columns of the definition', async () => {
    await define(
      version('v1', size, {
        additionalPrinterColumns: [
          { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
          { name: 'Born', type: 'date', jsonPath: '.metadata.creationTimestamp' },
        ],
      }),
    );
    await server.post(gizmos, gizmo('a', { size: 3 }));
    await server.advance('2m');
    const list = await server.get(gizmos, table);
    expect(list.columnDefinitions.map((c: { name: string }) => c.name)).to.deep.equal([
      'Name',
      'Size',
      'Born',
    ]);
    expect(list.rows[0].cells).to.deep.equal(['a', 3, '2m']);
  });

  it('API-15: all served versions are the same objects under different names', async () => {
    await define(version('v1', size), version('v2', size));
    const v2 = gizmos.replace('/v1/', '/v2/');
    const made = await server.post(v2, { ...gizmo('a', { size: 1 }), apiVersion: 'example.com/v2' });
    expect(made.apiVersion).to.equal('example.com/v2');
    const same = await server.get(`${gizmos}/a`);
    expect(same.apiVersion).to.equal('example.com/v1');
    expect(same.metadata.uid).to.equal(made.metadata.uid);
    const events = await server.watch(v2);
    await server.patch(`${gizmos}/a`, { spec: { size: 2 } });
    await server.settle();
    expect(events.map(({ object }) => (object as Answer).apiVersion)).to.deep.equal([
      'example.com/v2',
      'example.com/v2',
    ]);
    await redefine(version('v1', size), { ...version('v2', size), served: false });
    await server.refused(404, 'GET', v2);
    await server.get(`${gizmos}/a`);
  });

  it('API-15: moving the storage version keeps the former one in storedVersions', async () => {
    await define(version('v1', size), version('v2', size));
    await server.post(gizmos, gizmo('a', { size: 1 }));
    await redefine({ ...version('v1', size), storage: false }, { ...version('v2', size), storage: true });
    const crd = await server.get(`${crds}/gizmos.example.com`);
    expect(crd.status.storedVersions).to.deep.equal(['v1', 'v2']);
    expect((await server.get(`${gizmos}/a`)).spec).to.deep.equal({ size: 1 });
    await server.patch(`${gizmos}/a`, { spec: { size: 2 } });
    const gone = { spec: { versions: [{ ...version('v2', size), storage: true }] } };
    const refused = await server.refused(422, 'PATCH', `${crds}/gizmos.example.com`, gone, mergePatch);
    expect(refused.details?.causes?.[0]?.field).to.match(/^status\.storedVersions/);
  });

  it('API-15: names that another kind has are not accepted, and nothing is served under them', async () => {
    await define(version('v1', size));
    await server.post(crds, definition([version('v1', size)], { plural: 'others', singular: 'other' }));
    await server.settle();
    const other = await server.get(`${crds}/others.example.com`);
    expect(conditions(other).NamesAccepted).to.match(/^False /);
    expect(conditions(other).Established).to.equal('False NotAccepted');
    await server.refused(404, 'GET', '/apis/example.com/v1/namespaces/default/others');
    await server.get(gizmos);
  });

  it('API-15: names that become free are accepted for whoever waits for them', async () => {
    await define(version('v1', size));
    await server.post(crds, definition([version('v1', size)], { plural: 'others', singular: 'other' }));
    await server.settle();
    await server.delete(`${crds}/gizmos.example.com`);
    await server.settle();
    const other = await server.get(`${crds}/others.example.com`);
    expect(conditions(other).Established).to.equal('True InitialNamesAccepted');
    await server.get('/apis/example.com/v1/namespaces/default/others');
  });

  it('API-15: a definition that was refused takes nothing with it when it goes', async () => {
    const ingresses = '/apis/networking.k8s.io/v1/namespaces/default/ingresses';
    await server.post(ingresses, {
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      metadata: { name: 'mine' },
      spec: { defaultBackend: { service: { name: 's', port: { number: 80 } } } },
    });
    const names = { plural: 'ingresses', singular: 'ingress', kind: 'Ingress' };
    const crd = definition([version('v1', size)], names, 'networking.k8s.io');
    const annotations = { 'api-approved.kubernetes.io': 'unapproved' };
    await server.post(crds, { ...crd, metadata: { ...crd.metadata, annotations } });
    await server.settle();
    const url = `${crds}/ingresses.networking.k8s.io`;
    expect(conditions(await server.get(url)).NamesAccepted).to.match(/^False /);
    await server.delete(url);
    await server.settle();
    await server.refused(404, 'GET', url);
    await server.get(`${ingresses}/mine`);
  });

  it('API-15: with the definition its objects go, once their finalizers are done', async () => {
    const crd = await define(version('v1', size));
    expect(crd.metadata.finalizers).to.deep.equal(['customresourcecleanup.apiextensions.k8s.io']);
    await server.post(gizmos, gizmo('a'));
    await server.post(
      gizmos,
      gizmo('held', {}, { metadata: { name: 'held', finalizers: ['example.com/x'] } }),
    );
    const events = await server.watch(gizmos);
    await server.delete(`${crds}/gizmos.example.com`);
    await server.settle();
    expect(told(events)).to.deep.equal(['ADDED a', 'ADDED held', 'DELETED a', 'MODIFIED held']);
    expect((await server.get(`${crds}/gizmos.example.com`)).metadata.deletionTimestamp).to.not.equal(
      undefined,
    );
    await server.patch(`${gizmos}/held`, { metadata: { finalizers: null } });
    await server.settle();
    await server.refused(404, 'GET', `${crds}/gizmos.example.com`);
    await server.refused(404, 'GET', gizmos);
    expect(told(events).at(-1)).to.equal('DELETED held');
  });

  it('API-15: nothing new is created while the definition goes', async () => {
    await define(version('v1', size));
    await server.post(
      gizmos,
      gizmo('held', {}, { metadata: { name: 'held', finalizers: ['example.com/x'] } }),
    );
    await server.delete(`${crds}/gizmos.example.com`);
    await server.settle();
    const { status } = await server.ask('POST', gizmos, gizmo('new'));
    expect(status).to.equal(405);
  });

  it('API-15: defined again it begins empty', async () => {
    await define(version('v1', size));
    await server.post(gizmos, gizmo('a'));
    await server.delete(`${crds}/gizmos.example.com`);
    await server.settle();
    await define(version('v1', { color: { type: 'string', default: 'red' } }));
    expect((await server.get(gizmos)).items).to.deep.equal([]);
    expect((await server.post(gizmos, gizmo('a', { size: 1 }))).spec).to.deep.equal({ color: 'red' });
  });

  it('API-9: lists of a custom kind are merged by the keys of its schema', async () => {
    await define(
      version('v1', {
        parts: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: {
            type: 'object',
            required: ['name'],
            properties: { name: { type: 'string' }, size: { type: 'integer' } },
          },
        },
      }),
    );
    const apply = (manager: string, parts: object[]) =>
      server.patch(`${gizmos}/a?fieldManager=${manager}`, gizmo('a', { parts }), applyPatch);
    await apply('one', [{ name: 'x', size: 1 }]);
    expect((await apply('two', [{ name: 'y', size: 2 }])).spec.parts).to.deep.equal([
      { name: 'x', size: 1 },
      { name: 'y', size: 2 },
    ]);
    expect((await apply('one', [])).spec.parts).to.deep.equal([{ name: 'y', size: 2 }]);
    // structured-merge-diff: the order is the applier's; what it does not name keeps its place, before what is new.
    await server.put(`${gizmos}/a`, {
      ...(await server.get(`${gizmos}/a`)),
      spec: { parts: ['a', 'b', 'c', 'x'].map((name) => ({ name })) },
    });
    const applied = await apply('three', [{ name: 'c' }, { name: 'n' }, { name: 'a' }]);
    expect(applied.spec.parts.map((p: { name: string }) => p.name)).to.deep.equal(['b', 'c', 'x', 'n', 'a']);
  });

  it('API-15: hostile keys in an open schema are data and nothing else', async () => {
    await define(version('v1', { free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } }));
    const text =
      '{"apiVersion":"example.com/v1","kind":"Gizmo","metadata":{"name":"a"},"spec":{"free":{"__proto__":{"polluted":"x"},"constructor":{"prototype":{"polluted":"y"}},"toString":1}}}';
    const made = await server.post(gizmos, new TextEncoder().encode(text));
    const free = '{"__proto__":{"polluted":"x"},"constructor":{"prototype":{"polluted":"y"}},"toString":1}';
    expect(JSON.stringify(made.spec.free)).to.equal(free);
    const patched = await server.patch(
      `${gizmos}/a`,
      new TextEncoder().encode('{"spec":{"free":{"__proto__":{"more":1},"constructor":null}}}'),
    );
    expect(JSON.stringify(patched.spec.free)).to.equal(
      '{"__proto__":{"polluted":"x","more":1},"toString":1}',
    );
    const added = await server.patch(
      `${gizmos}/a`,
      [{ op: 'add', path: '/spec/free/__proto__/polluted', value: 'z' }],
      { 'content-type': 'application/json-patch+json' },
    );
    expect(JSON.stringify(added.spec.free)).to.equal('{"__proto__":{"polluted":"z","more":1},"toString":1}');
    const applied = await server.patch(
      `${gizmos}/b?fieldManager=m`,
      new TextEncoder().encode(text.replace('"name":"a"', '"name":"b"')),
      applyPatch,
    );
    expect(JSON.stringify(applied.spec.free)).to.equal(free);
    expect(({} as { polluted?: string }).polluted).to.equal(undefined);
  });
});
