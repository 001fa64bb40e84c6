/** Finding out what a server serves. */
import { expect } from 'chai';
import type { ApiRequest, ApiResponse, Transport } from 'gyre/api';
import { createClient, discover } from 'gyre/client';
import { EmbeddedCluster } from 'gyre/cluster';
import { ConfigMap } from 'gyre/kinds';

const json = { 'content-type': 'application/json' };

/** A server that answers these documents and nothing else. */
function serving(documents: Record<string, unknown>, asked: ApiRequest[] = []): Transport {
  return {
    request: async (request): Promise<ApiResponse> => {
      asked.push(request);
      const body = documents[request.path];
      return body === undefined
        ? { status: 503, headers: json, body: { message: 'no' } }
        : { status: 200, headers: json, body };
    },
    watch: () => Promise.reject(new Error('not asked')),
    close: () => {},
  };
}

const resource = (name: string, kind: string, namespaced = true) => ({
  name,
  kind,
  namespaced,
  singularName: '',
  verbs: ['list'],
});

describe('discover', () => {
  it('API-12 finds every resource of the embedded server in two requests', async () => {
    await using cluster = await EmbeddedCluster.start();
    const asked: ApiRequest[] = [];
    const transport = cluster.transport();
    const noting: Transport = { ...transport, request: (r) => (asked.push(r), transport.request(r)) };
    const { resources, failures } = await discover(createClient(noting));
    expect(asked.map((r) => r.path)).to.deep.equal(['/api', '/apis']);
    expect([...failures]).to.deep.equal([]);
    const of = (plural: string) => resources.filter((r) => r.kind.plural === plural);
    expect(of('pods')[0]).to.deep.include({ preferred: true });
    expect(of('pods')[0]?.kind).to.deep.include({
      group: '',
      version: 'v1',
      kind: 'Pod',
      scope: 'Namespaced',
    });
    expect(of('nodes')[0]?.kind.scope).to.equal('Cluster');
    expect(of('horizontalpodautoscalers').map((r) => [r.kind.version, r.preferred])).to.deep.equal([
      ['v2', true],
      ['v1', false],
    ]);
    expect(resources.some((r) => r.kind.plural.includes('/'))).to.equal(false);
  });

  it('asks one group version at a time where there is no aggregated discovery, and reports what fails', async () => {
    const { resources, failures } = await discover(
      createClient(
        serving({
          '/api': { kind: 'APIVersions', versions: ['v1'] },
          '/api/v1': {
            kind: 'APIResourceList',
            resources: [resource('pods', 'Pod'), resource('pods/log', 'Pod')],
          },
          '/apis': {
            kind: 'APIGroupList',
            groups: [
              {
                name: 'a.example',
                preferredVersion: { groupVersion: 'a.example/v1', version: 'v1' },
                versions: [{ groupVersion: 'a.example/v2' }, { groupVersion: 'a.example/v1' }],
              },
              { name: 'b.example', versions: [{ groupVersion: 'b.example/v1' }] },
            ],
          },
          '/apis/a.example/v1': { kind: 'APIResourceList', resources: [resource('things', 'Thing', false)] },
          '/apis/a.example/v2': { kind: 'APIResourceList', resources: [resource('things', 'Thing', false)] },
        }),
      ),
    );
    expect(
      resources.map(({ kind, preferred }) => [kind.group, kind.version, kind.plural, kind.scope, preferred]),
    ).to.deep.equal([
      ['', 'v1', 'pods', 'Namespaced', true],
      ['a.example', 'v1', 'things', 'Cluster', true],
      ['a.example', 'v2', 'things', 'Cluster', false],
    ]);
    expect([...failures.keys()]).to.deep.equal(['b.example/v1']);
  });
});

describe('a client of metadata', () => {
  it('API-11 gets, lists and watches metadata, and writes as before', async () => {
    await using cluster = await EmbeddedCluster.start();
    const client = cluster.client().with({ metadataOnly: true });
    const key = { namespace: 'default', name: 'a' };
    await client.create(ConfigMap, { metadata: key, data: { big: 'text' } });
    const one = await client.get(ConfigMap, key);
    expect(one).to.not.have.property('data');
    expect(one.metadata.name).to.equal('a');
    for await (const object of client.list(ConfigMap, { namespace: 'default' }))
      expect(object).to.not.have.property('data');
    const { events } = await client.watch(ConfigMap, { namespace: 'default', resourceVersion: '0' });
    for await (const [event] of events) {
      expect(event?.object).to.not.have.property('data');
      break;
    }
    expect((await cluster.client().get(ConfigMap, key)).data).to.deep.equal({ big: 'text' });
  });
});
