/** What list and watch promise: snapshots, pages, resumption (API-1 to API-4) and shapes (API-11). */
import { expect } from 'chai';
import { type Answer, type Event, told, VirtualServer } from './virtual-server.js';

const configMaps = '/api/v1/namespaces/default/configmaps';
const configMap = (name: string, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, ...more },
});
const names = (list: Answer) => list.items.map(({ metadata }) => metadata.name);
const table = 'application/json;as=Table;v=v1;g=meta.k8s.io';
const metadataOnly = 'application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io';
const metadataList = 'application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io';

describe('list', () => {
  let server: VirtualServer;
  beforeEach(async () => {
    server = await VirtualServer.start();
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      await server.post(configMaps, configMap(name, { labels: { vowel: String('ae'.includes(name)) } }));
    }
  });
  afterEach(() => server[Symbol.asyncDispose]());

  it('API-1: the list has the version of the snapshot, objects have versions of their own', async () => {
    const list = await server.get(configMaps);
    expect(list).to.include({ kind: 'ConfigMapList', apiVersion: 'v1' });
    expect(names(list)).to.deep.equal(['a', 'b', 'c', 'd', 'e']);
    expect(list.metadata.resourceVersion).to.equal(list.items[4]?.metadata.resourceVersion);
    expect(new Set(list.items.map((i) => i.metadata.resourceVersion)).size).to.equal(5);
  });

  it('API-1: an exact version is read as it was, any other is the latest', async () => {
    const then = (await server.get(configMaps)).metadata.resourceVersion;
    await server.delete(`${configMaps}/a`);
    const exact = await server.get(`${configMaps}?resourceVersion=${then}&resourceVersionMatch=Exact`);
    expect(names(exact)).to.deep.equal(['a', 'b', 'c', 'd', 'e']);
    expect(exact.metadata.resourceVersion).to.equal(then);
    for (const query of [
      '',
      '?resourceVersion=0',
      `?resourceVersion=${then}`,
      `?resourceVersion=${then}&resourceVersionMatch=NotOlderThan`,
    ]) {
      expect(names(await server.get(configMaps + query)), query).to.deep.equal(['b', 'c', 'd', 'e']);
    }
  });

  it('API-1: an exact version that is forgotten is 410 Expired', async () => {
    const then = (await server.get(configMaps)).metadata.resourceVersion;
    await server.delete(`${configMaps}/a`);
    await server.advance('11m');
    const status = await server.refused(
      410,
      'GET',
      `${configMaps}?resourceVersion=${then}&resourceVersionMatch=Exact`,
    );
    expect(status.reason).to.equal('Expired');
  });

  it('API-4: pages are one snapshot, whatever is written between them', async () => {
    const first = await server.get(`${configMaps}?limit=2`);
    expect(names(first)).to.deep.equal(['a', 'b']);
    expect(first.metadata.remainingItemCount).to.equal(3);
    await server.delete(`${configMaps}/c`);
    await server.post(configMaps, configMap('bb'));
    await server.patch(`${configMaps}/d`, { data: { changed: 'yes' } });
    const second = await server.get(`${configMaps}?limit=2&continue=${first.metadata.continue}`);
    expect(names(second)).to.deep.equal(['c', 'd']);
    expect(second.items[1]?.data).to.equal(undefined);
    expect(second.metadata.remainingItemCount).to.equal(1);
    expect(second.metadata.resourceVersion).to.equal(first.metadata.resourceVersion);
    const last = await server.get(`${configMaps}?limit=2&continue=${second.metadata.continue}`);
    expect(names(last)).to.deep.equal(['e']);
    expect(last.metadata.continue).to.equal(undefined);
    expect(last.metadata.remainingItemCount).to.equal(undefined);
  });

  it('API-4: a page of a selection does not say how many remain', async () => {
    const page = await server.get(`${configMaps}?limit=1&labelSelector=vowel%3Dtrue`);
    expect(names(page)).to.deep.equal(['a']);
    expect(page.metadata.remainingItemCount).to.equal(undefined);
    const rest = await server.get(
      `${configMaps}?limit=1&labelSelector=vowel%3Dtrue&continue=${page.metadata.continue}`,
    );
    expect(names(rest)).to.deep.equal(['e']);
    expect(rest.metadata.continue).to.equal(undefined);
  });

  it('API-4: a page of a snapshot that is forgotten is 410, with a token that goes on at the latest', async () => {
    const first = await server.get(`${configMaps}?limit=2`);
    await server.delete(`${configMaps}/c`);
    await server.advance('11m');
    const status = await server.refused(
      410,
      'GET',
      `${configMaps}?limit=2&continue=${first.metadata.continue}`,
    );
    expect(status.reason).to.equal('Expired');
    const rest = await server.get(`${configMaps}?limit=2&continue=${status.metadata.continue}`);
    expect(names(rest)).to.deep.equal(['d', 'e']);
    expect(rest.metadata.resourceVersion).to.not.equal(first.metadata.resourceVersion);
  });

  it('API-4: a token of one namespace opens no other', async () => {
    const first = await server.get(`${configMaps}?limit=1`);
    const elsewhere = await server.get(
      `/api/v1/namespaces/kube-public/configmaps?continue=${first.metadata.continue}`,
    );
    expect(names(elsewhere)).to.not.include('b');
  });

  it('API-13: names and namespaces can be selected everywhere', async () => {
    const one = await server.get(
      '/api/v1/configmaps?fieldSelector=metadata.name%3Db,metadata.namespace%3Ddefault',
    );
    expect(names(one)).to.deep.equal(['b']);
    expect(names(await server.get(`${configMaps}?fieldSelector=metadata.name!%3Db`))).to.deep.equal([
      'a',
      'c',
      'd',
      'e',
    ]);
  });

  it('API-11: a Table has a row for each object, with its metadata', async () => {
    const list = await server.get(`${configMaps}?limit=2`, table);
    expect(list).to.include({ kind: 'Table', apiVersion: 'meta.k8s.io/v1' });
    expect(list.columnDefinitions.map((c: { name: string }) => c.name)).to.deep.equal([
      'Name',
      'Data',
      'Age',
    ]);
    expect(list.rows).to.have.length(2);
    expect(list.rows[0].cells.slice(0, 2)).to.deep.equal(['a', 0]);
    expect(list.rows[0].object).to.include({ kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1' });
    expect(list.metadata.remainingItemCount).to.equal(3);
    const none = await server.get(`${configMaps}/a?includeObject=None`, table);
    expect(none.rows[0].object ?? null).to.equal(null);
    const whole = await server.get(`${configMaps}/a?includeObject=Object`, table);
    expect(whole.rows[0].object).to.include({ kind: 'ConfigMap', apiVersion: 'v1' });
  });

  it('API-11: PartialObjectMetadata has metadata and nothing else', async () => {
    await server.patch(`${configMaps}/a`, { data: { secret: 'x' } });
    const one = await server.get(`${configMaps}/a`, metadataOnly);
    expect(Object.keys(one)).to.have.members(['kind', 'apiVersion', 'metadata']);
    expect(one.metadata.labels).to.deep.equal({ vowel: 'true' });
    const list = await server.get(configMaps, metadataList);
    expect(list.kind).to.equal('PartialObjectMetadataList');
    expect(list.items.every((i) => i.kind === 'PartialObjectMetadata' && i.data === undefined)).to.equal(
      true,
    );
  });
});

describe('watch', () => {
  let server: VirtualServer;
  beforeEach(async () => {
    server = await VirtualServer.start();
  });
  afterEach(() => server[Symbol.asyncDispose]());
  const last = (events: readonly Event[]) => events.at(-1)?.object as Answer;

  it('API-1: from the version of a list it tells every later change once and in order', async () => {
    await server.post(configMaps, configMap('before'));
    const { resourceVersion } = (await server.get(configMaps)).metadata;
    await server.post(configMaps, configMap('a'));
    const events = await server.watch(`${configMaps}?resourceVersion=${resourceVersion}`);
    await server.patch(`${configMaps}/a`, { data: { x: '1' } });
    await server.delete(`${configMaps}/a`);
    await server.settle();
    expect(told(events)).to.deep.equal(['ADDED a', 'MODIFIED a', 'DELETED a']);
    const versions = events.map(({ object }) => Number((object as Answer).metadata.resourceVersion));
    expect(versions).to.deep.equal([...versions].sort((a, b) => a - b));
    expect(new Set(versions).size).to.equal(3);
    expect(last(events).data).to.deep.equal({ x: '1' });
  });

  it('API-2: without a version it begins with what is there, as ADDED', async () => {
    await server.post(configMaps, configMap('a'));
    await server.post(configMaps, configMap('b'));
    for (const query of ['', '?resourceVersion=0']) {
      expect(told(await server.watch(configMaps + query)), query).to.deep.equal(['ADDED a', 'ADDED b']);
    }
  });

  it('API-2: sendInitialEvents ends with a bookmark that says so, at a version a watch can go on from', async () => {
    await server.post(configMaps, configMap('a'));
    const events = await server.watch(
      `${configMaps}?sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`,
    );
    expect(told(events)).to.deep.equal(['ADDED a', 'BOOKMARK']);
    const end = last(events);
    expect(end.metadata.annotations).to.deep.equal({ 'k8s.io/initial-events-end': 'true' });
    expect(end).to.include({ kind: 'ConfigMap', apiVersion: 'v1' });
    await server.post(configMaps, configMap('b'));
    await server.settle();
    expect(told(events)).to.deep.equal(['ADDED a', 'BOOKMARK', 'ADDED b']);
    const resumed = await server.watch(`${configMaps}?resourceVersion=${end.metadata.resourceVersion}`);
    expect(told(resumed)).to.deep.equal(['ADDED b']);
  });

  it('API-2: bookmarks come about once a minute and only when asked for', async () => {
    const silent = await server.watch(configMaps);
    const events = await server.watch(`${configMaps}?allowWatchBookmarks=true`);
    await server.post('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'n' } });
    await server.advance('3m');
    expect(told(silent)).to.deep.equal([]);
    expect(told(events)).to.deep.equal(['BOOKMARK', 'BOOKMARK', 'BOOKMARK']);
    const now = (await server.get(configMaps)).metadata.resourceVersion;
    expect(last(events).metadata.resourceVersion).to.equal(now);
  });

  it('API-2: timeoutSeconds ends the watch, otherwise it lasts 30 to 60 minutes', async () => {
    const short = await server.watch(`${configMaps}?timeoutSeconds=5`);
    const long = await server.watch(configMaps);
    await server.advance('4s');
    expect(short.ended).to.equal(undefined);
    await server.advance('2s');
    expect(short.ended).to.equal(true);
    await server.advance('29m');
    expect(long.ended).to.equal(undefined);
    await server.advance('31m');
    expect(long.ended).to.equal(true);
  });

  it('API-2: a version that is forgotten is 410 Expired', async () => {
    const { resourceVersion } = (await server.get(configMaps)).metadata;
    await server.post(configMaps, configMap('a'));
    await server.advance('11m');
    const outcome = await server.watch(`${configMaps}?resourceVersion=${resourceVersion}`).then(
      (events) => told(events),
      (error: { reason: string; message: string }) => [error.reason, error.message],
    );
    const now = (await server.get(configMaps)).metadata.resourceVersion;
    expect(outcome).to.deep.equal(['Expired', `too old resource version: ${resourceVersion} (${now})`]);
  });

  it('API-2: a watch that has read everything outlives the compaction', async () => {
    const events = await server.watch(configMaps);
    await server.post(configMaps, configMap('a'));
    await server.advance('11m');
    await server.post(configMaps, configMap('b'));
    await server.settle();
    expect(told(events)).to.deep.equal(['ADDED a', 'ADDED b']);
  });

  it('API-3: leaving a selector is DELETED with the state before and the new version, entering is ADDED', async () => {
    await server.post(configMaps, configMap('a', { labels: { app: 'x' } }));
    await server.post(configMaps, configMap('b'));
    const events = await server.watch(`${configMaps}?labelSelector=app%3Dx`);
    const left = await server.patch(`${configMaps}/a`, { metadata: { labels: { app: 'y' } } });
    await server.patch(`${configMaps}/a`, { data: { unseen: 'yes' } });
    await server.patch(`${configMaps}/b`, { metadata: { labels: { app: 'x' } } });
    await server.patch(`${configMaps}/b`, { data: { seen: 'yes' } });
    await server.delete(`${configMaps}/b`);
    await server.delete(`${configMaps}/a`);
    await server.settle();
    expect(told(events)).to.deep.equal(['ADDED a', 'DELETED a', 'ADDED b', 'MODIFIED b', 'DELETED b']);
    const gone = events[1]?.object as Answer;
    expect(gone.metadata.labels).to.deep.equal({ app: 'x' });
    expect(gone.metadata.resourceVersion).to.equal(left.metadata.resourceVersion);
  });

  it('API-3: a watch of one name tells of that one alone', async () => {
    const events = await server.watch(`${configMaps}?fieldSelector=metadata.name%3Da`);
    await server.post(configMaps, configMap('a'));
    await server.post(configMaps, configMap('ab'));
    await server.post('/api/v1/namespaces/kube-public/configmaps', configMap('a'));
    await server.settle();
    expect(told(events)).to.deep.equal(['ADDED a']);
  });

  it('API-11: a watch of Tables describes its columns once', async () => {
    await server.post(configMaps, configMap('a'));
    const events = await server.watch(configMaps, table);
    await server.post(configMaps, configMap('b'));
    await server.settle();
    expect(events).to.have.length(2);
    const tables = events.map(({ object }) => object as Answer);
    expect(tables.map((t) => t.kind)).to.deep.equal(['Table', 'Table']);
    expect(tables.map((t) => (t.columnDefinitions?.length ?? 0) > 0)).to.deep.equal([true, false]);
    expect(tables.map((t) => t.rows[0].cells[0])).to.deep.equal(['a', 'b']);
  });

  it('API-11: a watch of metadata carries no data', async () => {
    await server.post(configMaps, { ...configMap('a'), data: { x: '1' } });
    const events = await server.watch(configMaps, metadataOnly);
    expect(last(events)).to.include({ kind: 'PartialObjectMetadata' });
    expect(last(events).data).to.equal(undefined);
  });
});
