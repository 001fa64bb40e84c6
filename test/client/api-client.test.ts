/** The Client over a scripted Transport: what each verb sends, and what it makes of the answers. */
import { expect } from 'chai';
import {
  type ApiError,
  alreadyExists,
  type ApiResponse,
  conflict,
  expired,
  isApiError,
  isConflict,
  isNoSuchKind,
  isOutcomeUnknown,
  isTransportError,
  noSuchResource,
  notFound,
} from 'gyre/api';
import { type Client, createClient } from 'gyre/client';
import { Binding, ConfigMap, Deployment, Namespace, Pod } from 'gyre/kinds';
import { type Answer, ScriptedTransport } from './scripted-transport.js';

const refusal = (error: ApiError): Partial<ApiResponse> => ({ status: error.code, body: error.status });
const stored = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: {
    name: 'web',
    namespace: 'default',
    uid: 'u',
    resourceVersion: '7',
    creationTimestamp: '2026-01-01T00:00:00Z',
  },
  data: { a: '1' },
} as const;

function clientOf(...answers: Answer[]): { client: Client; transport: ScriptedTransport } {
  const transport = new ScriptedTransport(...answers);
  return { client: createClient(transport), transport };
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}

/** Only what is set: as it would be in the URL. */
const sentQuery = (transport: ScriptedTransport) =>
  Object.fromEntries(Object.entries(transport.last.query ?? {}).filter(([, v]) => v !== undefined));

describe('client: what each verb sends', () => {
  const input = { metadata: { name: 'web', namespace: 'default' }, data: { a: '1' } };
  const identified = { ...input, apiVersion: 'v1', kind: 'ConfigMap' };
  const rows: readonly {
    readonly verb: string;
    readonly call: (client: Client) => Promise<unknown>;
    readonly method: string;
    readonly path: string;
    readonly query?: object;
    readonly type?: string;
    readonly body?: unknown;
  }[] = [
    {
      verb: 'get',
      call: (c) => c.get(ConfigMap, 'default/web', { resourceVersion: '0' }),
      method: 'GET',
      path: '/api/v1/namespaces/default/configmaps/web',
      query: { resourceVersion: '0' },
    },
    {
      verb: 'get of a subresource in a named group',
      call: (c) => c.get(Deployment, { namespace: 'default', name: 'web' }, { subresource: 'scale' }),
      method: 'GET',
      path: '/apis/apps/v1/namespaces/default/deployments/web/scale',
    },
    {
      verb: 'create of what a subresource takes',
      call: (c) =>
        c.createSubresource(Pod, 'default/web', 'binding', Binding, {
          metadata: { name: 'web', namespace: 'default' },
          target: { kind: 'Node', name: 'n' },
        }),
      method: 'POST',
      path: '/api/v1/namespaces/default/pods/web/binding',
      query: { fieldManager: 'gyre' },
      type: 'application/json',
      body: {
        apiVersion: 'v1',
        kind: 'Binding',
        metadata: { name: 'web', namespace: 'default' },
        target: { kind: 'Node', name: 'n' },
      },
    },
    {
      verb: 'get of a cluster-scoped object',
      call: (c) => c.get(Namespace, 'default'),
      method: 'GET',
      path: '/api/v1/namespaces/default',
    },
    {
      verb: 'listPage',
      call: (c) =>
        c.listPage(Pod, { namespace: 'default', labelSelector: 'a=b', fieldSelector: 'x=y', limit: 2 }),
      method: 'GET',
      path: '/api/v1/namespaces/default/pods',
      query: { labelSelector: 'a=b', fieldSelector: 'x=y', limit: '2' },
    },
    {
      verb: 'watch',
      call: (c) =>
        c.watch(Pod, {
          sendInitialEvents: true,
          resourceVersionMatch: 'NotOlderThan',
          allowWatchBookmarks: true,
          timeoutSeconds: 300,
        }),
      method: 'GET',
      path: '/api/v1/pods',
      query: {
        watch: 'true',
        sendInitialEvents: 'true',
        resourceVersionMatch: 'NotOlderThan',
        allowWatchBookmarks: 'true',
        timeoutSeconds: '300',
      },
    },
    {
      verb: 'create',
      call: (c) => c.create(ConfigMap, input, { fieldValidation: 'Strict', dryRun: true }),
      method: 'POST',
      path: '/api/v1/namespaces/default/configmaps',
      query: { fieldManager: 'gyre', fieldValidation: 'Strict', dryRun: 'All' },
      type: 'application/json',
      body: identified,
    },
    {
      verb: 'create with a generated name',
      call: (c) => c.create(ConfigMap, { metadata: { generateName: 'web-', namespace: 'default' } }),
      method: 'POST',
      path: '/api/v1/namespaces/default/configmaps',
      query: { fieldManager: 'gyre' },
      type: 'application/json',
      body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { generateName: 'web-', namespace: 'default' } },
    },
    {
      verb: 'update',
      call: (c) => c.update(ConfigMap, stored),
      method: 'PUT',
      path: '/api/v1/namespaces/default/configmaps/web',
      query: { fieldManager: 'gyre' },
      type: 'application/json',
      body: stored,
    },
    {
      verb: 'update of the status',
      call: (c) => c.update(ConfigMap, stored, { subresource: 'status' }),
      method: 'PUT',
      path: '/api/v1/namespaces/default/configmaps/web/status',
      query: { fieldManager: 'gyre' },
      type: 'application/json',
      body: stored,
    },
    {
      verb: 'patch of an object: the version read is replaced first, so that a lost race is a Conflict',
      call: (c) => c.patch(ConfigMap, stored, (draft) => void (draft.data = { a: '2' })),
      method: 'PATCH',
      path: '/api/v1/namespaces/default/configmaps/web',
      query: { fieldManager: 'gyre' },
      type: 'application/json-patch+json',
      body: [
        { op: 'replace', path: '/metadata/resourceVersion', value: '7' },
        { op: 'replace', path: '/data', value: { a: '2' } },
      ],
    },
    {
      verb: 'patch without the lock',
      call: (c) =>
        c.patch(ConfigMap, stored, (draft) => void delete draft.data?.a, { optimisticLock: false }),
      method: 'PATCH',
      path: '/api/v1/namespaces/default/configmaps/web',
      query: { fieldManager: 'gyre' },
      type: 'application/json-patch+json',
      body: [{ op: 'remove', path: '/data/a' }],
    },
    {
      verb: 'patchRaw',
      call: (c) => c.patchRaw(ConfigMap, 'default/web', { type: 'strategic', patch: { data: { a: null } } }),
      method: 'PATCH',
      path: '/api/v1/namespaces/default/configmaps/web',
      query: { fieldManager: 'gyre' },
      type: 'application/strategic-merge-patch+json',
      body: { data: { a: null } },
    },
    {
      verb: 'apply',
      call: (c) => c.apply(ConfigMap, input, { fieldManager: 'me', force: true }),
      method: 'PATCH',
      path: '/api/v1/namespaces/default/configmaps/web',
      query: { fieldManager: 'me', force: 'true' },
      type: 'application/apply-patch+yaml',
      body: identified,
    },
    {
      verb: 'delete',
      call: (c) =>
        c.delete(ConfigMap, 'default/web', {
          propagationPolicy: 'Foreground',
          preconditions: { uid: 'u' },
          dryRun: true,
        }),
      method: 'DELETE',
      path: '/api/v1/namespaces/default/configmaps/web',
      type: 'application/json',
      body: {
        kind: 'DeleteOptions',
        apiVersion: 'v1',
        propagationPolicy: 'Foreground',
        preconditions: { uid: 'u' },
        dryRun: ['All'],
      },
    },
    {
      verb: 'deleteCollection',
      call: (c) => c.deleteCollection(ConfigMap, { namespace: 'default', labelSelector: 'a' }),
      method: 'DELETE',
      path: '/api/v1/namespaces/default/configmaps',
      query: { labelSelector: 'a' },
      type: 'application/json',
      body: { kind: 'DeleteOptions', apiVersion: 'v1' },
    },
  ];
  for (const { verb, call, method, path, query = {}, type, body } of rows) {
    it(verb, async () => {
      const { client, transport } = clientOf({ body: stored });
      await call(client);
      expect(transport.requests).to.have.length(1);
      expect(transport.last).to.include({ method, path });
      expect(sentQuery(transport)).to.deep.equal(query);
      expect(transport.last.headers?.['content-type']).to.equal(type);
      expect(transport.last.body).to.deep.equal(body);
    });
  }

  it('sends a copy: later changes of the caller are not seen, and nothing of it is frozen', async () => {
    const { client, transport } = clientOf({ body: stored });
    const data: Record<string, string> = { a: '1' };
    await client.create(ConfigMap, { metadata: { name: 'web', namespace: 'default' }, data });
    data.a = '2';
    expect((transport.last.body as typeof stored).data).to.deep.equal({ a: '1' });
  });

  it('refuses what JSON cannot carry before anything is sent', async () => {
    const { client, transport } = clientOf({ body: stored });
    const error = await failureOf(
      client.create(ConfigMap, {
        metadata: { name: 'web', namespace: 'default' },
        data: { at: new Date(0) as unknown as string },
      }),
    );
    expect(isApiError(error, 'BadRequest')).to.equal(true);
    expect((error as Error).message).to.include('data.at');
    expect(transport.requests).to.deep.equal([]);
  });
});

describe('client: keys and names', () => {
  const rows: readonly [string, (client: Client) => Promise<unknown>, RegExp][] = [
    [
      'a namespaced object without a namespace',
      (c) => c.create(ConfigMap, { metadata: { name: 'web' } }),
      /ConfigMap is namespaced: set metadata\.namespace/,
    ],
    [
      'an update without a name',
      (c) => c.update(ConfigMap, { metadata: { namespace: 'default' } }),
      /a ConfigMap needs metadata\.name here/,
    ],
    ['a key without a namespace', (c) => c.get(ConfigMap, 'web' as never), /its key is 'namespace\/name'/],
    ['a key without a name', (c) => c.get(ConfigMap, 'default/'), /needs a name/],
    // It would address the namespace itself.
    ['.. as a name', (c) => c.delete(Pod, 'default/..'), /invalid resource name "\.\.": may not be '\.\.'/],
    ['. as a name', (c) => c.delete(Pod, 'default/.'), /may not be '\.'/],
    ['a slash in a name', (c) => c.get(Pod, 'default/a/b'), /may not contain '\/'/],
    ['a percent sign in a name', (c) => c.get(Namespace, 'a%2fb'), /may not contain '%'/],
    ['.. as a namespace', (c) => c.listPage(Pod, { namespace: '..' }), /invalid namespace "\.\."/],
    ['.. as the namespace of a watch', (c) => c.watch(Pod, { namespace: '..' }), /invalid namespace "\.\."/],
  ];
  for (const [what, call, message] of rows) {
    it(`refuses ${what} before anything is sent`, async () => {
      const { client, transport } = clientOf({ body: stored });
      const error = await failureOf(call(client));
      expect(error).to.be.instanceOf(TypeError);
      expect((error as Error).message).to.match(message);
      expect(transport.requests).to.deep.equal([]);
    });
  }
});

describe('client: draft patches', () => {
  it('reads the object first when given a key', async () => {
    const { client, transport } = clientOf({ body: stored });
    await client.patch(ConfigMap, 'default/web', (draft) => void (draft.data = { b: '2' }));
    expect(transport.requests.map((r) => r.method)).to.deep.equal(['GET', 'PATCH']);
    expect((transport.last.body as unknown[])[0]).to.deep.equal({
      op: 'replace',
      path: '/metadata/resourceVersion',
      value: '7',
    });
  });

  it('sends nothing when nothing differs, and gives the object back', async () => {
    const { client, transport } = clientOf({ body: stored });
    const result = await client.patch(ConfigMap, stored, (draft) => void (draft.data = { a: '1' }));
    expect(result).to.equal(stored);
    expect(transport.requests).to.deep.equal([]);
  });

  it('is a Conflict when the object changed since it was read', async () => {
    const { client } = clientOf(refusal(conflict(ConfigMap, 'web', 'modified')));
    const error = await failureOf(client.patch(ConfigMap, stored, (d) => void (d.data = {})));
    expect(isConflict(error)).to.equal(true);
  });
});

describe('client: refusals', () => {
  it('tells an object that is not there from a kind that is not served', async () => {
    const missing = await failureOf(
      clientOf(refusal(notFound(ConfigMap, 'web'))).client.get(ConfigMap, 'default/web'),
    );
    expect(isApiError(missing, 'NotFound')).to.equal(true);
    expect(isNoSuchKind(missing)).to.equal(false);
    const unserved = await failureOf(
      clientOf(refusal(noSuchResource())).client.get(ConfigMap, 'default/web'),
    );
    expect(isNoSuchKind(unserved)).to.equal(true);
    expect(isNoSuchKind(unserved) && unserved.gvk.kind).to.equal('ConfigMap');
    const unwatched = await failureOf(clientOf(noSuchResource()).client.watch(ConfigMap));
    expect(isNoSuchKind(unwatched)).to.equal(true);
  });

  it('find gives undefined for an object that is not there, and throws for a kind that is not served', async () => {
    const absent = clientOf(refusal(notFound(ConfigMap, 'web'))).client;
    expect(await absent.find(ConfigMap, 'default/web')).to.equal(undefined);
    const unserved = clientOf(refusal(noSuchResource())).client;
    expect(isNoSuchKind(await failureOf(unserved.find(ConfigMap, 'default/web')))).to.equal(true);
  });

  it('a missing namespace on create is NotFound, not NoSuchKind', async () => {
    const { client } = clientOf(refusal(notFound(Namespace, 'nowhere')));
    const error = await failureOf(
      client.create(ConfigMap, { metadata: { name: 'a', namespace: 'nowhere' } }),
    );
    expect(isApiError(error, 'NotFound')).to.equal(true);
    expect(isNoSuchKind(error)).to.equal(false);
  });

  it('tells AlreadyExists from Conflict, both 409', async () => {
    const { client } = clientOf(refusal(alreadyExists(ConfigMap, 'web')));
    const error = await failureOf(client.create(ConfigMap, stored));
    expect(isApiError(error, 'AlreadyExists')).to.equal(true);
    expect(isConflict(error)).to.equal(false);
    expect(error).to.include({ code: 409, message: 'configmaps "web" already exists' });
  });

  it('makes a Status by code of an answer that is none, with its text', async () => {
    const { client } = clientOf({
      status: 503,
      body: ' upstream is down\n',
      headers: { 'retry-after': '3' },
    });
    const error = await failureOf(client.get(ConfigMap, 'default/web'));
    expect(isApiError(error, 'ServiceUnavailable')).to.equal(true);
    expect(error).to.include({ code: 503, message: 'upstream is down', retryAfterSeconds: 3 });
  });

  it('fills in code and reason where a Status lacks them', async () => {
    const { client } = clientOf({ status: 403, body: { kind: 'Status', status: 'Failure', message: 'no' } });
    const error = await failureOf(client.get(ConfigMap, 'default/web'));
    expect(isApiError(error, 'Forbidden')).to.equal(true);
    expect(error).to.include({ code: 403, message: 'no' });
  });

  it('takes a redirect for a refusal, never for an object', async () => {
    const { client } = clientOf({ status: 302, body: 'Moved' });
    expect(await failureOf(client.get(ConfigMap, 'default/web'))).to.include({ code: 302 });
  });

  it('takes a page of text for no answer: a read had no effect, a write may have had one', async () => {
    const { client } = clientOf({ status: 200, body: '<html>please log in</html>' });
    const read = await failureOf(client.get(ConfigMap, 'default/web'));
    expect(isTransportError(read) && !isOutcomeUnknown(read)).to.equal(true);
    const write = await failureOf(client.create(ConfigMap, stored));
    expect(isOutcomeUnknown(write)).to.equal(true);
  });
});

describe('client: lists', () => {
  const page = (names: string[] | null, more?: string): Partial<ApiResponse> => ({
    body: {
      kind: 'ConfigMapList',
      apiVersion: 'v1',
      metadata: { resourceVersion: '9', ...(more ? { continue: more } : {}) },
      items: names?.map((name) => ({ metadata: { ...stored.metadata, name } })) ?? null,
    },
  });
  async function namesOf(list: AsyncIterable<ConfigMap>): Promise<string[]> {
    const names: string[] = [];
    for await (const { metadata } of list) names.push(metadata.name);
    return names;
  }

  it('come page by page, 500 at a time, at the version of the first', async () => {
    const { client, transport } = clientOf(page(['a', 'b'], 'more'), page(['c'], 'last'), page(['d']));
    const list = client.list(ConfigMap, { resourceVersion: '5', resourceVersionMatch: 'NotOlderThan' });
    expect(await namesOf(list)).to.deep.equal(['a', 'b', 'c', 'd']);
    expect(transport.requests.map(({ query }) => query?.limit)).to.deep.equal(['500', '500', '500']);
    expect(transport.requests.map(({ query }) => query?.continue)).to.deep.equal([undefined, 'more', 'last']);
    // A version together with a continue token is refused by servers (API-1).
    expect(transport.requests.map(({ query }) => query?.resourceVersion)).to.deep.equal([
      '5',
      undefined,
      undefined,
    ]);
  });

  it('fetch a page only when it is needed', async () => {
    const { client, transport } = clientOf(page(['a'], 'more'), page(['b']));
    for await (const _ of client.list(ConfigMap)) break;
    expect(transport.requests).to.have.length(1);
  });

  it('throw Expired when the continue token expires mid-way', async () => {
    const { client } = clientOf(page(['a'], 'more'), refusal(expired('the token is too old')));
    const error = await failureOf(namesOf(client.list(ConfigMap)));
    expect(isApiError(error, 'Expired')).to.equal(true);
  });

  it('say what their items are, as objects read one by one do', async () => {
    const { client } = clientOf(page(['a']));
    const { items } = await client.listPage(ConfigMap);
    expect(items[0]).to.include({ apiVersion: 'v1', kind: 'ConfigMap' });
  });

  it('share items that say it already', async () => {
    const { client } = clientOf({ body: { metadata: {}, items: [stored] } });
    expect((await client.listPage(ConfigMap)).items[0]).to.equal(stored);
  });

  it('are empty where a server writes null', async () => {
    expect(await namesOf(clientOf(page(null)).client.list(ConfigMap))).to.deep.equal([]);
  });
});

describe('client.with', () => {
  it('composes: every guard runs before a write and may refuse it, reads are free', async () => {
    const { client, transport } = clientOf({ body: stored });
    const ran: string[] = [];
    let lost = false;
    const bound = client.with({ beforeWrite: () => void ran.push('outer') }).with({
      beforeWrite: () => {
        ran.push('inner');
        if (lost) throw new Error('the lease is lost');
      },
    });
    await bound.get(ConfigMap, 'default/web');
    expect(ran).to.deep.equal([]);
    await bound.create(ConfigMap, stored);
    expect(ran).to.deep.equal(['outer', 'inner']);
    lost = true;
    const sent = transport.requests.length;
    for (const write of [
      () => bound.create(ConfigMap, stored),
      () => bound.update(ConfigMap, stored),
      () => bound.patch(ConfigMap, stored, (draft) => void (draft.data = {})),
      () => bound.patchRaw(ConfigMap, 'default/web', { type: 'merge', patch: {} }),
      () => bound.apply(ConfigMap, stored),
      () => bound.delete(ConfigMap, 'default/web'),
      () => bound.deleteCollection(ConfigMap),
    ]) {
      expect(await failureOf(write())).to.have.property('message', 'the lease is lost');
    }
    expect(transport.requests).to.have.length(sent);
  });

  it('binds dry runs: every write is one, nobody is told otherwise, and what runs in containers is refused', async () => {
    const { client, transport } = clientOf({ body: stored });
    const told: (boolean | undefined)[] = [];
    const bound = client.with({ dryRun: true }).with({
      observer: {
        begin: (_, { dryRun }) => {
          told.push(dryRun);
          return undefined;
        },
      },
    });
    for (const write of [
      () => bound.create(ConfigMap, stored),
      () => bound.update(ConfigMap, stored, { dryRun: false }),
      () => bound.patchRaw(ConfigMap, 'default/web', { type: 'merge', patch: {} }),
      () => bound.apply(ConfigMap, stored),
      () => bound.delete(ConfigMap, 'default/web'),
      () => bound.deleteCollection(ConfigMap, { namespace: 'default' }),
    ]) {
      await write();
      expect(sentQuery(transport).dryRun).to.equal('All');
    }
    expect(told).to.deep.equal([true, true, true, true, true, true]);
    const error = await failureOf(bound.exec('default/web', { command: ['rm', '-r', '/'] }));
    expect(error).to.be.instanceOf(TypeError);
    await bound.get(ConfigMap, 'default/web');
    expect(sentQuery(transport)).to.deep.equal({});
  });

  it('tells observers of a deletion that is a dry run by its options', async () => {
    const { client } = clientOf({ body: stored });
    const told: (boolean | undefined)[] = [];
    const observer = {
      begin: (_: unknown, { dryRun }: { readonly dryRun?: boolean }) => {
        told.push(dryRun);
        return undefined;
      },
    };
    await client.with({ observer }).delete(ConfigMap, 'default/web', { dryRun: true });
    await client.with({ observer }).delete(ConfigMap, 'default/web');
    expect(told).to.deep.equal([true, undefined]);
  });

  it('binds a namespace: lists and watches stay within, other namespaces are refused unsent, cluster scope is free', async () => {
    const { client, transport } = clientOf({ body: stored });
    const bound = client.with({ namespace: 'team' });
    await bound.listPage(ConfigMap);
    expect(transport.last.path).to.equal('/api/v1/namespaces/team/configmaps');
    await bound.get(ConfigMap, 'team/web');
    await bound.get(Namespace, 'other');
    const sent = transport.requests.length;
    for (const reach of [
      () => bound.get(ConfigMap, 'default/web'),
      () => bound.listPage(ConfigMap, { namespace: 'default' }),
      () => bound.watch(ConfigMap, { namespace: 'default' }),
      () => bound.create(ConfigMap, stored),
      () => bound.delete(ConfigMap, 'default/web'),
    ])
      expect(await failureOf(reach())).to.be.instanceOf(TypeError);
    expect(() => bound.with({ namespace: 'default' })).to.throw(
      TypeError,
      /bound to namespace "team" already/,
    );
    expect(transport.requests).to.have.length(sent);
  });

  it('binds a field manager, which one request may override', async () => {
    const { client, transport } = clientOf({ body: stored });
    const bound = client.with({ fieldManager: 'website' });
    expect(bound.fieldManager).to.equal('website');
    await bound.create(ConfigMap, stored);
    expect(sentQuery(transport)).to.deep.equal({ fieldManager: 'website' });
    await bound.create(ConfigMap, stored, { fieldManager: 'other' });
    expect(sentQuery(transport)).to.deep.equal({ fieldManager: 'other' });
    expect(client.fieldManager).to.equal('gyre');
  });

  it('binds signals: any of them refuses the request, with its reason', async () => {
    const { client, transport } = clientOf({ body: stored });
    const [outer, inner, own] = [new AbortController(), new AbortController(), new AbortController()];
    const bound = client.with({ signal: outer.signal }).with({ signal: inner.signal });
    await bound.get(ConfigMap, 'default/web', { signal: own.signal });
    expect(transport.last.signal?.aborted).to.equal(false);
    outer.abort(new Error('stopped'));
    expect(transport.last.signal?.reason).to.have.property('message', 'stopped');
    const error = await failureOf(bound.create(ConfigMap, stored, { signal: own.signal }));
    expect(error).to.have.property('message', 'stopped');
    expect(transport.requests).to.have.length(1);
  });
});

/** Checked by the compiler, never run. */
function compiles(_check: (client: Client) => unknown): void {}

describe('client: types', () => {
  it('keep keys, inputs and results honest for built-in kinds', () => {
    compiles(async (client) => {
      // @ts-expect-error a Pod is namespaced
      client.get(Pod, 'blog');
      // @ts-expect-error misspelt
      client.create(ConfigMap, { metadata: { name: 'a', namespace: 'b' }, dta: {} });
      // @ts-expect-error the values are text
      client.apply(ConfigMap, { metadata: { name: 'a', namespace: 'b' }, data: { a: 1 } });
      // @ts-expect-error there is no such patch
      client.patchRaw(Pod, 'a/b', { type: 'yaml', patch: {} });
      const pod = await client.get(Pod, 'default/web');
      // @ts-expect-error what reads give is shared
      pod.metadata.name = 'x';
      // @ts-expect-error what reads give is shared
      pod.spec?.containers.push({ name: 'x' });
      const maybe = await client.find(Pod, 'default/web');
      // @ts-expect-error it may be undefined
      void maybe.metadata;
    });
  });
});
