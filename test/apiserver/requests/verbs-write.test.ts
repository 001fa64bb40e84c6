/** What writes promise: create, update, patch, delete, dry runs, ownership (API-5 to API-9, GC-1, NS-1). */
import { expect } from 'chai';
import { type Answer, applyPatch, jsonPatch, mergePatch, told, VirtualServer } from './virtual-server.js';

const core = '/api/v1/namespaces/default';
const configMaps = `${core}/configmaps`;
const pods = `${core}/pods`;
const deployments = '/apis/apps/v1/namespaces/default/deployments';

const configMap = (name: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name },
  ...more,
});
const deployment = (name: string, spec: object = {}, more: object = {}) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name },
  spec: {
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
    ...spec,
  },
  ...more,
});
const pod = (name: string, spec: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name },
  spec: { containers: [{ name: 'c', image: 'i' }], ...spec },
});
const versionOf = (object: Answer) => object.metadata.resourceVersion;
const managers = (object: Answer) =>
  (object.metadata.managedFields ?? []).map((m) =>
    [m.manager, m.operation, m.subresource].filter((part) => part !== undefined).join(' '),
  );

describe('writes', () => {
  let server: VirtualServer;
  beforeEach(async () => {
    server = await VirtualServer.start();
  });
  afterEach(() => server[Symbol.asyncDispose]());

  describe('create', () => {
    it('API-5: gives identity: uid, time, version, generation 1; what the client says of them is dropped', async () => {
      const made = await server.post(deployments, {
        ...deployment('d'),
        metadata: {
          name: 'd',
          uid: 'mine',
          creationTimestamp: '2001-01-01T00:00:00Z',
          generation: 7,
          deletionTimestamp: '2001-01-01T00:00:00Z',
        },
      });
      expect(made.metadata.uid).to.match(/^[0-9a-f]{8}-/);
      expect(made.metadata.creationTimestamp).to.equal('2026-01-01T00:00:00Z');
      expect(made.metadata.generation).to.equal(1);
      expect(made.metadata.deletionTimestamp).to.equal(undefined);
      expect(await server.get(`${deployments}/d`)).to.deep.equal(made);
    });

    it('API-5: generateName is cut to 58 and ends in five safe characters; a name beats it', async () => {
      const made = new Set<string>();
      for (let i = 0; i < 20; i++) {
        const { metadata } = await server.post(
          configMaps,
          configMap('', { metadata: { generateName: 'x-' } }),
        );
        expect(metadata.name).to.match(/^x-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
        made.add(metadata.name);
      }
      expect(made.size).to.equal(20);
      const long = configMap('', { metadata: { generateName: 'y'.repeat(100) } });
      expect((await server.post(configMaps, long)).metadata.name).to.have.length(63);
      const named = configMap('', { metadata: { name: 'named', generateName: 'x-' } });
      expect((await server.post(configMaps, named)).metadata.name).to.equal('named');
    });

    it('API-5: a status of its own is not created with the object', async () => {
      const made = await server.post(deployments, deployment('d', {}, { status: { replicas: 9 } }));
      expect(made.status?.replicas).to.equal(undefined);
    });

    it('API-7: a dry run checks and answers as a create would, and stores nothing', async () => {
      const before = versionOf(await server.get(configMaps));
      const made = await server.post(`${configMaps}?dryRun=All`, configMap('dry', { data: { a: '1' } }));
      expect(made.metadata.uid).to.match(/^[0-9a-f]{8}-/);
      expect(made.data).to.deep.equal({ a: '1' });
      expect(versionOf(await server.get(configMaps))).to.equal(before);
      await server.refused(404, 'GET', `${configMaps}/dry`);
      await server.post(configMaps, configMap('there'));
      const status = await server.refused(409, 'POST', `${configMaps}?dryRun=All`, configMap('there'));
      expect(status.reason).to.equal('AlreadyExists');
    });
  });

  describe('update', () => {
    it('API-6: one that changes nothing keeps the version and wakes no watch', async () => {
      const made = await server.post(configMaps, configMap('a', { data: { x: '1' } }));
      const events = await server.watch(`${configMaps}?resourceVersion=${versionOf(made)}`);
      await server.advance('1h');
      expect(versionOf(await server.put(`${configMaps}/a`, made))).to.equal(versionOf(made));
      expect(versionOf(await server.patch(`${configMaps}/a`, { data: { x: '1' } }))).to.equal(
        versionOf(made),
      );
      expect(versionOf(await server.patch(`${configMaps}/a`, [], jsonPatch))).to.equal(versionOf(made));
      expect(told(events)).to.deep.equal([]);
    });

    it('API-6: without a version it replaces whatever is there, with one it wins only against that', async () => {
      const made = await server.post(configMaps, configMap('a', { data: { x: '1' } }));
      const replaced = await server.put(`${configMaps}/a`, configMap('a', { data: { y: '2' } }));
      expect(replaced.data).to.deep.equal({ y: '2' });
      expect(replaced.metadata.uid).to.equal(made.metadata.uid);
      expect((await server.refused(409, 'PUT', `${configMaps}/a`, made)).reason).to.equal('Conflict');
      await server.put(`${configMaps}/a`, { ...made, metadata: replaced.metadata });
    });

    it('API-6: of writers that read the same version exactly one wins', async () => {
      const made = await server.post(configMaps, configMap('a'));
      const codes = await Promise.all(
        Array.from({ length: 8 }, async (_, i) => {
          const body = { ...made, data: { writer: String(i) } };
          return (await server.ask('PUT', `${configMaps}/a`, body)).status;
        }),
      );
      expect(codes.filter((code) => code === 200)).to.have.length(1);
      expect(codes.filter((code) => code === 409)).to.have.length(7);
    });

    it('API-6: the generation counts changes of the spec alone', async () => {
      await server.post(deployments, deployment('d'));
      const generation = async (patch: object, subresource = '') =>
        (await server.patch(`${deployments}/d${subresource}`, patch)).metadata.generation;
      expect(await generation({ metadata: { labels: { a: 'b' }, annotations: { a: 'b' } } })).to.equal(1);
      expect(await generation({ status: { observedGeneration: 1 } }, '/status')).to.equal(1);
      expect(await generation({ spec: { replicas: 3 } })).to.equal(2);
      expect(await generation({ spec: { replicas: 3 } })).to.equal(2);
      expect(await generation({ metadata: { generation: 99 }, spec: { paused: true } })).to.equal(3);
    });

    it('API-14: spec and status are written through different doors', async () => {
      const made = await server.post(deployments, deployment('d', { replicas: 1 }));
      const bySpec = await server.put(`${deployments}/d`, {
        ...made,
        spec: { ...made.spec, replicas: 2 },
        status: { replicas: 9 },
      });
      expect(bySpec.spec.replicas).to.equal(2);
      expect(bySpec.status?.replicas).to.equal(undefined);
      const byStatus = await server.put(`${deployments}/d/status`, {
        ...bySpec,
        metadata: { ...bySpec.metadata, labels: { a: 'b' } },
        spec: { ...bySpec.spec, replicas: 5 },
        status: { replicas: 2 },
      });
      expect(byStatus.spec.replicas).to.equal(2);
      expect(byStatus.status.replicas).to.equal(2);
      expect(byStatus.metadata.labels).to.equal(undefined);
      expect((await server.get(`${deployments}/d/status`)).status.replicas).to.equal(2);
    });

    it('API-6: name, namespace, uid and creation time stay', async () => {
      const made = await server.post(configMaps, configMap('a'));
      for (const [field, value] of [
        ['uid', '00000000-0000-4000-8000-000000000000'],
        ['name', 'b'],
        ['namespace', 'kube-public'],
      ] as const) {
        const { status } = await server.ask(
          'PATCH',
          `${configMaps}/a`,
          { metadata: { [field]: value } },
          mergePatch,
        );
        expect(status, field).to.be.oneOf([400, 409, 422]);
      }
      const later = await server.ask(
        'PATCH',
        `${configMaps}/a`,
        { metadata: { creationTimestamp: '2001-01-01T00:00:00Z' } },
        mergePatch,
      );
      expect(later.status).to.be.oneOf([200, 422]);
      expect(await server.get(`${configMaps}/a`)).to.deep.equal(made);
    });

    it('API-7: a dry run of an update or patch stores nothing', async () => {
      const made = await server.post(configMaps, configMap('a'));
      const dry = await server.patch(`${configMaps}/a?dryRun=All`, { data: { x: '1' } });
      expect(dry.data).to.deep.equal({ x: '1' });
      await server.put(`${configMaps}/a?dryRun=All`, { ...made, data: { y: '1' } });
      expect(await server.get(`${configMaps}/a`)).to.deep.equal(made);
    });
  });

  describe('patch', () => {
    it('API-8: a merge patch replaces lists and removes what is null', async () => {
      await server.post(deployments, deployment('d', { minReadySeconds: 5 }));
      const containers = [{ name: 'other', image: 'j' }];
      const patched = await server.patch(`${deployments}/d`, {
        spec: { minReadySeconds: null, template: { spec: { containers } } },
      });
      expect(patched.spec.minReadySeconds).to.equal(undefined);
      expect(patched.spec.template.spec.containers.map((c: { name: string }) => c.name)).to.deep.equal([
        'other',
      ]);
    });

    it('API-8: a strategic patch merges lists by their key', async () => {
      await server.post(deployments, deployment('d'));
      const containers = [{ name: 'other', image: 'j' }];
      const patched = await server.patch(
        `${deployments}/d`,
        { spec: { template: { spec: { containers } } } },
        { 'content-type': 'application/strategic-merge-patch+json' },
      );
      expect(patched.spec.template.spec.containers.map((c: { name: string }) => c.name)).to.have.members([
        'c',
        'other',
      ]);
    });

    it('API-8: a JSON patch applies all of its operations or none', async () => {
      const made = await server.post(configMaps, configMap('a', { data: { x: '1', y: '2' } }));
      const operations = [
        { op: 'remove', path: '/data/x' },
        { op: 'test', path: '/data/y', value: 'wrong' },
      ];
      await server.refused(422, 'PATCH', `${configMaps}/a`, operations, jsonPatch);
      expect(await server.get(`${configMaps}/a`)).to.deep.equal(made);
      const patched = await server.patch(`${configMaps}/a`, operations.slice(0, 1), jsonPatch);
      expect(patched.data).to.deep.equal({ y: '2' });
    });

    it('API-8: patches that name no version all land, however many come at once', async () => {
      await server.post(configMaps, configMap('a'));
      const keys = ['a', 'b', 'c', 'd', 'e'];
      await Promise.all(keys.map((key) => server.patch(`${configMaps}/a`, { data: { [key]: '1' } })));
      expect(Object.keys((await server.get(`${configMaps}/a`)).data)).to.have.members(keys);
    });
  });

  describe('apply', () => {
    const apply = (manager: string, data: object, query = '') =>
      server.patch(`${configMaps}/a?fieldManager=${manager}${query}`, configMap('a', { data }), applyPatch);

    it('API-9: creates what is not there, and owns it', async () => {
      const { status, body } = await server.ask(
        'PATCH',
        `${configMaps}/a?fieldManager=one`,
        configMap('a', { data: { x: '1' } }),
        applyPatch,
      );
      expect(status).to.equal(201);
      expect(managers(body as Answer)).to.deep.equal(['one Apply']);
      expect((body as Answer).metadata.managedFields?.[0]?.fieldsV1).to.deep.equal({
        'f:data': { 'f:x': {} },
      });
    });

    it('API-9: of two that create at once, the second adds to what the first made', async () => {
      await Promise.all([apply('one', { x: '1' }), apply('two', { y: '1' })]);
      expect((await server.get(`${configMaps}/a`)).data).to.deep.equal({ x: '1', y: '1' });
    });

    it('API-9: the same again changes nothing', async () => {
      const made = await apply('one', { x: '1' });
      await server.advance('1m');
      expect(await apply('one', { x: '1' })).to.deep.equal(made);
    });

    it('API-9: what its manager no longer names goes, unless another owns it too', async () => {
      await apply('one', { x: '1', y: '1' });
      await apply('two', { y: '1' });
      expect((await apply('one', {})).data).to.deep.equal({ y: '1' });
      expect((await apply('two', {})).data ?? {}).to.deep.equal({});
    });

    it('API-9: force moves the ownership; afterwards the former owner is the one in conflict', async () => {
      await apply('one', { x: '1' });
      const url = `${configMaps}/a?fieldManager=two`;
      const body = configMap('a', { data: { x: '2' } });
      const refused = await server.refused(409, 'PATCH', url, body, applyPatch);
      expect(refused.details?.causes).to.deep.equal([
        { reason: 'FieldManagerConflict', message: 'conflict with "one"', field: '.data.x' },
      ]);
      const forced = await apply('two', { x: '2' }, '&force=true');
      expect(forced.data).to.deep.equal({ x: '2' });
      expect(managers(forced)).to.deep.equal(['two Apply']);
      const back = configMap('a', { data: { x: '1' } });
      await server.refused(409, 'PATCH', `${configMaps}/a?fieldManager=one`, back, applyPatch);
    });

    it('API-9: an update takes the fields that it changes', async () => {
      await apply('one', { x: '1', y: '1' });
      const updated = await server.patch(`${configMaps}/a?fieldManager=editor`, { data: { x: '2' } });
      expect(managers(updated)).to.deep.equal(['one Apply', 'editor Update']);
      const fields = Object.fromEntries(
        (updated.metadata.managedFields ?? []).map((m) => [m.manager, m.fieldsV1]),
      );
      expect(fields).to.deep.equal({
        one: { 'f:data': { 'f:y': {} } },
        editor: { 'f:data': { 'f:x': {} } },
      });
    });

    it('API-9: what is written through /status is owned there', async () => {
      await server.post(`${deployments}?fieldManager=maker`, deployment('d'));
      const updated = await server.patch(`${deployments}/d/status?fieldManager=maker`, {
        status: { replicas: 1 },
      });
      expect(managers(updated)).to.deep.equal(['maker Update', 'maker Update status']);
    });

    it('API-9: a dry run changes nothing', async () => {
      const made = await apply('one', { x: '1' });
      expect((await apply('one', { x: '2' }, '&dryRun=All')).data).to.deep.equal({ x: '2' });
      expect(await server.get(`${configMaps}/a`)).to.deep.equal(made);
    });
  });

  describe('delete', () => {
    it('API-7: tells name, kind and uid of what is gone', async () => {
      const made = await server.post(deployments, deployment('d'));
      const status = await server.delete(`${deployments}/d`);
      expect(status).to.include({ kind: 'Status', status: 'Success' });
      expect(status.details).to.deep.equal({
        name: 'd',
        group: 'apps',
        kind: 'deployments',
        uid: made.metadata.uid,
      });
      await server.refused(404, 'DELETE', `${deployments}/d`);
    });

    it('API-7: preconditions protect what came after', async () => {
      const made = await server.post(configMaps, configMap('a'));
      await server.refused(409, 'DELETE', `${configMaps}/a`, { preconditions: { uid: 'other' } });
      await server.refused(409, 'DELETE', `${configMaps}/a`, { preconditions: { resourceVersion: '1' } });
      const { uid, resourceVersion } = made.metadata;
      await server.delete(`${configMaps}/a`, { preconditions: { uid, resourceVersion } });
    });

    it('API-7: a dry run deletes nothing', async () => {
      const made = await server.post(configMaps, configMap('a'));
      await server.delete(`${configMaps}/a?dryRun=All`);
      await server.delete(`${configMaps}/a`, { dryRun: ['All'] });
      expect(await server.get(`${configMaps}/a`)).to.deep.equal(made);
    });

    it('GC-1: finalizers hold the object; the write that removes the last one deletes it', async () => {
      await server.post(
        deployments,
        deployment('d', {}, { metadata: { name: 'd', finalizers: ['example.com/a', 'example.com/b'] } }),
      );
      const events = await server.watch(`${deployments}?fieldSelector=metadata.name%3Dd`);
      const held = await server.delete(`${deployments}/d`);
      expect(held.kind).to.equal('Deployment');
      expect(held.metadata).to.include({
        deletionTimestamp: '2026-01-01T00:00:00Z',
        deletionGracePeriodSeconds: 0,
        generation: 2,
      });
      await server.advance('1m');
      const again = await server.delete(`${deployments}/d`);
      expect(versionOf(again), 'a second delete changes nothing').to.equal(versionOf(held));
      await server.patch(`${deployments}/d`, { metadata: { finalizers: ['example.com/b'] } });
      const last = await server.patch(`${deployments}/d`, { metadata: { finalizers: [] } });
      await server.refused(404, 'GET', `${deployments}/d`);
      await server.settle();
      expect(told(events)).to.deep.equal(['ADDED d', 'MODIFIED d', 'MODIFIED d', 'DELETED d']);
      expect(versionOf(events[3]?.object as Answer)).to.equal(versionOf(last));
    });

    it('API-6: no finalizer is added and no deletion taken back once it has begun', async () => {
      const metadata = { name: 'a', finalizers: ['example.com/a'] };
      await server.post(configMaps, configMap('a', { metadata }));
      const { metadata: held } = await server.delete(`${configMaps}/a`);
      const more = { metadata: { finalizers: ['example.com/a', 'example.com/new'] } };
      const refused = await server.refused(422, 'PATCH', `${configMaps}/a`, more, mergePatch);
      expect(refused.details?.causes?.[0]).to.include({
        field: 'metadata.finalizers',
        reason: 'FieldValueForbidden',
      });
      const takenBack = await server.ask(
        'PATCH',
        `${configMaps}/a`,
        { metadata: { deletionTimestamp: null } },
        mergePatch,
      );
      expect(takenBack.status).to.be.oneOf([200, 422]);
      expect((await server.get(`${configMaps}/a`)).metadata.deletionTimestamp).to.equal(
        held.deletionTimestamp,
      );
    });

    it('GC-1: the propagation policy becomes a finalizer', async () => {
      for (const [propagationPolicy, finalizer] of [
        ['Orphan', 'orphan'],
        ['Foreground', 'foregroundDeletion'],
      ] as const) {
        await server.post(configMaps, configMap(finalizer.toLowerCase()));
        const held = await server.delete(`${configMaps}/${finalizer.toLowerCase()}`, { propagationPolicy });
        expect(held.metadata.finalizers).to.deep.equal([finalizer]);
      }
      await server.post(configMaps, configMap('background'));
      await server.delete(`${configMaps}/background?propagationPolicy=Background`);
      await server.refused(404, 'GET', `${configMaps}/background`);
    });

    it('API-7: a Pod on a node is given its grace; a second delete may only shorten it', async () => {
      await server.post(pods, pod('p', { nodeName: 'n', terminationGracePeriodSeconds: 20 }));
      const held = await server.delete(`${pods}/p`);
      expect(held.metadata).to.include({
        deletionGracePeriodSeconds: 20,
        deletionTimestamp: '2026-01-01T00:00:20Z',
      });
      await server.advance('5s');
      const longer = await server.delete(`${pods}/p`, { gracePeriodSeconds: 60 });
      expect(longer.metadata.deletionTimestamp).to.equal('2026-01-01T00:00:20Z');
      const shorter = await server.delete(`${pods}/p`, { gracePeriodSeconds: 3 });
      expect(shorter.metadata).to.include({
        deletionGracePeriodSeconds: 3,
        deletionTimestamp: '2026-01-01T00:00:08Z',
      });
      expect((await server.delete(`${pods}/p`, { gracePeriodSeconds: 0 })).kind).to.equal('Status');
      await server.refused(404, 'GET', `${pods}/p`);
    });

    it('API-7: a Pod that is nowhere or has ended goes at once; a negative grace is one second', async () => {
      await server.post(pods, pod('nowhere'));
      expect((await server.delete(`${pods}/nowhere`)).kind).to.equal('Status');
      await server.post(pods, pod('done', { nodeName: 'n' }));
      await server.patch(`${pods}/done/status`, { status: { phase: 'Succeeded' } });
      expect((await server.delete(`${pods}/done`)).kind).to.equal('Status');
      await server.post(pods, pod('negative', { nodeName: 'n' }));
      const held = await server.delete(`${pods}/negative`, { gracePeriodSeconds: -5 });
      expect(held.metadata.deletionGracePeriodSeconds).to.equal(1);
    });

    it('API-7: deletecollection takes what the selectors match, in one namespace, and lists it', async () => {
      for (const [name, app] of [
        ['a', 'x'],
        ['b', 'y'],
        ['c', 'x'],
      ])
        await server.post(configMaps, configMap('', { metadata: { name, labels: { app } } }));
      const elsewhere = '/api/v1/namespaces/kube-public/configmaps';
      await server.post(elsewhere, configMap('', { metadata: { name: 'a', labels: { app: 'x' } } }));
      const dry = await server.delete(`${configMaps}?labelSelector=app%3Dx&dryRun=All`);
      expect(dry.items).to.have.length(2);
      const gone = await server.delete(`${configMaps}?labelSelector=app%3Dx`);
      expect(gone.kind).to.equal('ConfigMapList');
      expect(gone.items.map((i) => i.metadata.name)).to.deep.equal(['a', 'c']);
      await server.get(`${configMaps}/b`);
      await server.get(`${elsewhere}/a`);
      await server.delete(`${configMaps}?fieldSelector=metadata.name%3Db`);
      await server.refused(404, 'GET', `${configMaps}/b`);
    });
  });

  describe('scale', () => {
    it('API-14: shows and sets replicas, and nothing else', async () => {
      const made = await server.post(deployments, deployment('d', { replicas: 2 }));
      const scale = await server.get(`${deployments}/d/scale`);
      expect(scale).to.include({ kind: 'Scale', apiVersion: 'autoscaling/v1' });
      expect(scale.spec).to.deep.equal({ replicas: 2 });
      expect(scale.status.selector).to.equal('app=d');
      expect(scale.metadata).to.include({ name: 'd', namespace: 'default', uid: made.metadata.uid });
      const replaced = await server.put(`${deployments}/d/scale`, { ...scale, spec: { replicas: 5 } });
      expect(replaced.spec.replicas).to.equal(5);
      const patched = await server.patch(`${deployments}/d/scale`, { spec: { replicas: 0 } });
      expect(patched.spec.replicas ?? 0).to.equal(0);
      const after = await server.get(`${deployments}/d`);
      expect(after.spec).to.deep.equal({ ...made.spec, replicas: 0 });
      expect(after.metadata.generation).to.equal(3);
    });

    it('API-14: a Scale of an older version is a conflict, a negative one is invalid', async () => {
      await server.post(deployments, deployment('d'));
      const scale = await server.get(`${deployments}/d/scale`);
      await server.patch(`${deployments}/d`, { metadata: { labels: { a: 'b' } } });
      const stale = await server.refused(409, 'PUT', `${deployments}/d/scale`, scale);
      expect(stale.reason).to.equal('Conflict');
      const negative = { spec: { replicas: -1 } };
      const invalid = await server.refused(422, 'PATCH', `${deployments}/d/scale`, negative, mergePatch);
      expect(invalid.details?.causes?.[0]?.field).to.equal('spec.replicas');
      await server.refused(404, 'GET', `${deployments}/nobody/scale`);
    });
  });

  describe('namespaces', () => {
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'n' } };

    it('NS-1: a namespace that is deleted stays until its finalizer is gone', async () => {
      const made = await server.post('/api/v1/namespaces', namespace);
      expect(made.spec.finalizers).to.deep.equal(['kubernetes']);
      expect(made.status.phase).to.equal('Active');
      expect(made.metadata.labels).to.deep.equal({ 'kubernetes.io/metadata.name': 'n' });
      const held = await server.delete('/api/v1/namespaces/n');
      expect(held.metadata.deletionTimestamp).to.equal('2026-01-01T00:00:00Z');
      await server.refused(403, 'POST', '/api/v1/namespaces/n/configmaps', configMap('a'));
      // What is there can still be changed and deleted, and the namespace itself updated.
      await server.patch('/api/v1/namespaces/n', { metadata: { annotations: { a: 'b' } } });
      const emptied = { ...held, spec: { finalizers: [] } };
      const stale = await server.refused(409, 'PUT', '/api/v1/namespaces/n/finalize', emptied);
      expect(stale.reason).to.equal('Conflict');
      const { resourceVersion } = (await server.get('/api/v1/namespaces/n')).metadata;
      await server.put('/api/v1/namespaces/n/finalize', {
        ...emptied,
        metadata: { ...held.metadata, resourceVersion },
      });
      await server.refused(404, 'GET', '/api/v1/namespaces/n');
    });

    it('NS-1: finalizers of the spec change through /finalize alone', async () => {
      const made = await server.post('/api/v1/namespaces', namespace);
      const updated = await server.put('/api/v1/namespaces/n', { ...made, spec: { finalizers: [] } });
      expect(updated.spec.finalizers).to.deep.equal(['kubernetes']);
    });
  });
});
