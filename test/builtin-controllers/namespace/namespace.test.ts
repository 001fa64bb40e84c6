/** NS-1: a namespace that is deleted is emptied, and then it goes. */
import { expect } from 'chai';
import { findCondition, isForbidden, kind, type KubernetesObject } from 'gyre';
import type { ApiRequest, Transport } from 'gyre/api';
import { NamespaceController } from 'gyre/controllers';
import { ConfigMap, CustomResourceDefinition, Deployment, Namespace, Pod, Secret } from 'gyre/kinds';
import { TestCluster } from 'gyre/testing';
import { deleteContent } from '#src/builtin-controllers/namespace/content.js';
import { createClient } from 'gyre/client';

const start = () => TestCluster.start({ builtin: false, controllers: [NamespaceController] });
const inDoomed = (name: string, more: object = {}) => ({ metadata: { namespace: 'doomed', name, ...more } });
const conditionsOf = (t: TestCluster) =>
  Object.fromEntries(
    (t.get(Namespace, 'doomed').status?.conditions ?? []).map((c) => [
      c.type,
      `${c.status} ${c.reason}: ${c.message}`,
    ]),
  );

const Widget = kind<KubernetesObject, 'Namespaced'>({
  group: 'example.com',
  version: 'v1',
  kind: 'Widget',
  plural: 'widgets',
  scope: 'Namespaced',
});
const widgets = {
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced' as const,
    names: { kind: 'Widget', plural: 'widgets', singular: 'widget', listKind: 'WidgetList' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object' } },
      },
    ],
  },
};

describe('namespace-controller', () => {
  it('NS-1 deletes everything in a namespace, custom objects too, and then the namespace', async () => {
    await using t = await start();
    await t.client.create(CustomResourceDefinition, widgets);
    await t.advance('1s');
    await t.client.create(Namespace, { metadata: { name: 'doomed' } });
    await t.client.create(ConfigMap, inDoomed('a'));
    await t.client.create(Secret, inDoomed('b'));
    await t.client.create(Widget, inDoomed('c'));
    await t.client.create(ConfigMap, { metadata: { namespace: 'default', name: 'other' } });
    await t.client.delete(Namespace, 'doomed');
    await t.settle();
    expect(t.find(Namespace, 'doomed')).to.equal(undefined);
    expect(t.find(ConfigMap, 'doomed/a')).to.equal(undefined);
    expect(t.find(Secret, 'doomed/b')).to.equal(undefined);
    expect(t.find(Widget, 'doomed/c')).to.equal(undefined);
    expect(t.find(ConfigMap, 'default/other')).to.not.equal(undefined);
    // What is made again under that name is another namespace.
    await t.client.create(Namespace, { metadata: { name: 'doomed' } });
    await t.advance('1h');
    expect(t.get(Namespace, 'doomed').status?.phase).to.equal('Active');
  });

  it('NS-1 waits for objects that finalizers hold, and says so in conditions', async () => {
    await using t = await start();
    await t.client.create(Namespace, { metadata: { name: 'doomed' } });
    await t.client.create(ConfigMap, inDoomed('held', { finalizers: ['example.com/hold'] }));
    await t.client.create(ConfigMap, inDoomed('free'));
    await t.client.delete(Namespace, 'doomed');
    await t.advance('1m');
    expect(t.find(ConfigMap, 'doomed/free')).to.equal(undefined);
    expect(t.get(Namespace, 'doomed').status?.phase).to.equal('Terminating');
    expect(conditionsOf(t)).to.deep.equal({
      NamespaceDeletionDiscoveryFailure: 'False ResourcesDiscovered: All resources successfully discovered',
      NamespaceDeletionGroupVersionParsingFailure:
        'False ParsedGroupVersions: All legacy kube types successfully parsed',
      NamespaceDeletionContentFailure:
        'False ContentDeleted: All content successfully deleted, may be waiting on finalization',
      NamespaceContentRemaining:
        'True SomeResourcesRemain: Some resources are remaining: configmaps. has 1 resource instances',
      NamespaceFinalizersRemaining:
        'True SomeFinalizersRemain: Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances',
    });
    await t.client.patch(ConfigMap, 'doomed/held', (draft) => {
      draft.metadata.finalizers = [];
    });
    await t.advance('9s');
    expect(t.find(Namespace, 'doomed')).to.equal(undefined);
  });

  it('NS-1 takes nothing new in while it is ending', async () => {
    await using t = await start();
    await t.client.create(Namespace, { metadata: { name: 'doomed' } });
    await t.client.create(ConfigMap, inDoomed('held', { finalizers: ['example.com/hold'] }));
    await t.client.delete(Namespace, 'doomed');
    await t.settle();
    const refusal = await t.client.create(ConfigMap, inDoomed('late')).catch((error: unknown) => error);
    expect(isForbidden(refusal)).to.equal(true);
    expect(refusal).to.have.nested.property('status.details.causes[0].reason', 'NamespaceTerminating');
  });

  it('NS-1 gives pods their grace period, and goes on when the last one has ended', async () => {
    await using t = await start();
    await t.client.create(Namespace, { metadata: { name: 'doomed' } });
    await t.client.create(Pod, {
      ...inDoomed('p'),
      spec: { nodeName: 'n1', containers: [{ name: 'c', image: 'i' }], terminationGracePeriodSeconds: 60 },
    });
    await t.client.delete(Namespace, 'doomed');
    await t.settle();
    expect(t.get(Pod, 'doomed/p').metadata.deletionGracePeriodSeconds).to.equal(60);
    expect(t.find(Namespace, 'doomed')).to.not.equal(undefined);
    await t.client.delete(Pod, 'doomed/p', { gracePeriodSeconds: 0 });
    await t.settle();
    expect(t.find(Namespace, 'doomed')).to.equal(undefined);
  });

  it('NS-1 lets go of a namespace that other finalizers still hold, and does not touch those', async () => {
    await using t = await start();
    await t.client.create(Namespace, { metadata: { name: 'doomed', finalizers: ['example.com/mine'] } });
    await t.client.create(Deployment, {
      ...inDoomed('d'),
      spec: {
        selector: { matchLabels: { app: 'd' } },
        template: { metadata: { labels: { app: 'd' } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
      },
    });
    await t.client.delete(Namespace, 'doomed');
    await t.settle();
    const namespace = t.get(Namespace, 'doomed');
    expect(namespace.spec?.finalizers ?? []).to.deep.equal([]);
    expect(namespace.metadata.finalizers).to.deep.equal(['example.com/mine']);
    await t.client.patch(Namespace, 'doomed', (draft) => {
      draft.metadata.finalizers = [];
    });
    expect(t.find(Namespace, 'doomed')).to.equal(undefined);
  });

  it('NS-1 asks what is served once per deletion, however long that takes', async () => {
    await using t = await start();
    let asked = 0;
    const { server } = t.cluster;
    const handle = server.handle.bind(server);
    server.handle = (request) => {
      if (request.path === '/apis') asked++;
      return handle(request);
    };
    await t.client.create(Namespace, { metadata: { name: 'doomed' } });
    await t.client.create(ConfigMap, inDoomed('held', { finalizers: ['example.com/hold'] }));
    await t.client.delete(Namespace, 'doomed');
    await t.advance('10m');
    expect(asked).to.equal(1);
    expect(
      findCondition(t.get(Namespace, 'doomed').status?.conditions as never, 'NamespaceContentRemaining')
        ?.status,
    ).to.equal('True');
  });

  it('NS-1 reports what cannot be deleted, and goes on with the rest', async () => {
    await using t = await TestCluster.start({ builtin: false });
    await t.client.create(Namespace, { metadata: { name: 'doomed' } });
    await t.client.create(ConfigMap, inDoomed('a'));
    await t.client.create(Secret, inDoomed('b'));
    const inner = t.cluster.transport();
    const failing: Transport = {
      ...inner,
      request: (request: ApiRequest) =>
        request.method === 'DELETE' && request.path.endsWith('/configmaps')
          ? Promise.reject(new Error('denied'))
          : inner.request(request),
    };
    const resources = [ConfigMap, Secret].map((of) => ({
      kind: of as never,
      verbs: ['list', 'delete', 'deletecollection'],
      aliases: [],
      preferred: true,
    }));
    const content = await deleteContent(createClient(failing), 'doomed', { resources });
    expect(content.failures).to.deep.equal(['denied']);
    expect(t.find(Secret, 'doomed/b')).to.equal(undefined);
  });
});
