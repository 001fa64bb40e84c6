/** Kinds known only by name at run time. */
import { expect } from 'chai';
import {
  type ApiRequest,
  type ApiResponse,
  isNoSuchKind,
  noSuchResource,
  type Transport,
  TransportError,
} from 'gyre/api';
import { createClient } from 'gyre/client';
import { CustomResourceDefinition } from 'gyre/kinds';
import { TestCluster } from 'gyre/testing';

const resource = (name: string, kind: string, namespaced = true) => ({
  name,
  kind,
  namespaced,
  singularName: '',
  verbs: [],
});

describe('kindFor', () => {
  const serving = (answer: (request: ApiRequest) => Partial<ApiResponse> | Error) => {
    const asked: string[] = [];
    const transport: Transport = {
      request: async (request) => {
        asked.push(request.path);
        const given = answer(request);
        if (given instanceof Error) throw given;
        return { status: 200, headers: {}, body: {}, ...given };
      },
      watch: () => Promise.reject(new Error('not asked')),
      close: () => {},
    };
    return { asked, client: createClient(transport) };
  };
  const failureOf = (promise: Promise<unknown>) => promise.catch((error: unknown) => error);
  const apps = {
    resources: [resource('deployments', 'Deployment'), resource('deployments/status', 'Deployment')],
  };

  it('asks once for a group version, also for those who ask at the same time and for clients that come of it', async () => {
    const { asked, client } = serving(() => ({ body: apps }));
    const [kind] = await Promise.all([
      client.kindFor('apps/v1', 'Deployment'),
      client.with({ fieldManager: 'x' }).kindFor('apps/v1', 'Deployment'),
    ]);
    expect(await client.kindFor('apps/v1', 'Deployment')).to.equal(kind);
    expect(kind).to.deep.include({
      group: 'apps',
      version: 'v1',
      kind: 'Deployment',
      plural: 'deployments',
      scope: 'Namespaced',
    });
    expect(asked).to.deep.equal(['/apis/apps/v1']);
  });

  it('asks anew for what is not in what is kept; what is not served is NoSuchKind', async () => {
    let resources = [resource('nodes', 'Node', false)];
    const { asked, client } = serving(() => ({ body: { resources } }));
    expect((await client.kindFor('v1', 'Node')).scope).to.equal('Cluster');
    expect(await failureOf(client.kindFor('v1', 'Pod'))).to.satisfy(isNoSuchKind);
    resources = [...resources, resource('pods', 'Pod')];
    expect((await client.kindFor('v1', 'Pod')).plural).to.equal('pods');
    expect(asked).to.deep.equal(['/api/v1', '/api/v1', '/api/v1']);
    const none = serving(() => ({ status: 404, body: noSuchResource().status }));
    const error = (await failureOf(none.client.kindFor('example.com/v1', 'Widget'))) as Error;
    expect(error).to.satisfy(isNoSuchKind);
    expect(error.message).to.equal('the server does not serve the kind "Widget" in example.com/v1');
  });

  it('forgets a kind that the server says it does not serve', async () => {
    let served = true;
    const { asked, client } = serving(({ path }) => {
      if (path === '/apis/apps/v1') return { body: served ? apps : { resources: [] } };
      return { status: 404, body: noSuchResource().status };
    });
    const kind = await client.kindFor('apps/v1', 'Deployment');
    served = false;
    expect(await failureOf(client.get(kind, 'a/b'))).to.satisfy(isNoSuchKind);
    expect(await failureOf(client.kindFor('apps/v1', 'Deployment'))).to.satisfy(isNoSuchKind);
    expect(asked.filter((path) => path === '/apis/apps/v1')).to.have.length(2);
  });

  it('a failure is not kept', async () => {
    let fails = true;
    const { client } = serving(() => (fails ? new TransportError('refused') : { body: apps }));
    expect(await failureOf(client.kindFor('apps/v1', 'Deployment'))).to.be.instanceOf(TransportError);
    fails = false;
    expect((await client.kindFor('apps/v1', 'Deployment')).plural).to.equal('deployments');
  });

  it('finds a custom kind once it is installed, in process, and takes all verbs', async () => {
    await using t = await TestCluster.start();
    expect(await failureOf(t.client.kindFor('example.com/v1', 'Widget'))).to.satisfy(isNoSuchKind);
    await t.client.create(CustomResourceDefinition, {
      metadata: { name: 'widgets.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: 'widgets', kind: 'Widget' },
        versions: [
          {
            name: 'v1',
            served: true,
            storage: true,
            schema: {
              openAPIV3Schema: {
                type: 'object',
                properties: { spec: { type: 'object', properties: { size: { type: 'integer' } } } },
              },
            },
          },
        ],
      },
    } as never);
    await t.advance('5s');
    const Widget = await t.client.kindFor('example.com/v1', 'Widget');
    await t.client.create(Widget, {
      metadata: { name: 'a', namespace: 'default' },
      spec: { size: 3 },
    } as never);
    expect((await t.client.get(Widget, 'default/a')).spec).to.deep.equal({ size: 3 });
  });
});
