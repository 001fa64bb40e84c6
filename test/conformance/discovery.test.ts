import { expect } from 'chai';
import { conformance, type World } from './conformance.js';
import { crd, establish, type Made } from './custom-resources.js';
import { supportsApiOperations } from './operations.js';

const aggregatedType = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

interface Group {
  readonly name: string;
  readonly versions: readonly { readonly groupVersion: string; readonly version: string }[];
  readonly preferredVersion: { readonly groupVersion: string; readonly version: string };
}
interface Aggregated {
  readonly metadata: { readonly name?: string };
  readonly versions: readonly {
    readonly version: string;
    readonly resources: readonly { readonly resource: string; readonly responseKind: { kind: string } }[];
  }[];
}

const groupsOf = async (k: World): Promise<readonly Group[]> =>
  ((await k.get('/apis')) as unknown as { groups: Group[] }).groups;

async function aggregated(k: World, path: string): Promise<readonly Aggregated[]> {
  const { status, headers, body } = await k.ask('GET', path, undefined, { accept: aggregatedType });
  expect(status).to.equal(200);
  expect(headers['content-type']).to.equal(aggregatedType);
  return (body as { items: Aggregated[] }).items;
}

const find = (items: readonly Aggregated[], group: string, version: string, resource: string) =>
  items
    .find(({ metadata }) => (metadata.name ?? '') === group)
    ?.versions.find((v) => v.version === version)
    ?.resources.find((r) => r.resource === resource);

async function findsBuiltins(k: World): Promise<void> {
  const items = await aggregated(k, '/apis');
  for (const [group, version, resource, kind] of [
    ['apps', 'v1', 'deployments', 'Deployment'],
    ['apps', 'v1', 'replicasets', 'ReplicaSet'],
    ['batch', 'v1', 'jobs', 'Job'],
    ['apiextensions.k8s.io', 'v1', 'customresourcedefinitions', 'CustomResourceDefinition'],
    ['admissionregistration.k8s.io', 'v1', 'mutatingwebhookconfigurations', 'MutatingWebhookConfiguration'],
  ] as const)
    expect(find(items, group, version, resource)?.responseKind.kind, resource).to.equal(kind);
  const core = await aggregated(k, '/api');
  expect(find(core, '', 'v1', 'pods')?.responseKind.kind).to.equal('Pod');
}

async function findsCustom(k: World, made: Made): Promise<void> {
  await k.eventually(async () => {
    const items = await aggregated(k, '/apis');
    expect(find(items, made.group, 'v1', made.plural)?.responseKind.kind).to.equal(made.kind);
  });
}

conformance('[sig-api-machinery]', (restate) => {
  restate('AggregatedDiscovery should support aggregated discovery interface', findsBuiltins);
  restate(
    'AggregatedDiscovery should support raw aggregated discovery endpoint Accept headers',
    async (k) => {
      await findsBuiltins(k);
      // Clients that know no aggregation get the plain forms.
      const plain = await k.ask('GET', '/apis', undefined, { accept: 'application/json' });
      expect((plain.body as { kind: string }).kind).to.equal('APIGroupList');
      const both = await k.ask('GET', '/apis', undefined, { accept: `${aggregatedType},application/json` });
      expect((both.body as { kind: string }).kind).to.equal('APIGroupDiscoveryList');
    },
  );
  restate('AggregatedDiscovery should support aggregated discovery interface for CRDs', async (k) => {
    const made = await establish(k, crd(k));
    await findsCustom(k, made);
  });
  restate('AggregatedDiscovery should support raw aggregated discovery request for CRDs', async (k) => {
    const made = await establish(k, crd(k));
    await findsCustom(k, made);
    await k.delete(made.path);
    await k.eventually(async () => {
      expect(find(await aggregated(k, '/apis'), made.group, 'v1', made.plural)).to.equal(undefined);
    });
  });

  restate('Discovery should locate the groupVersion and a resource within each APIGroup', async (k) => {
    const groups = await groupsOf(k);
    for (const [group, resource] of [
      ['admissionregistration.k8s.io', 'validatingwebhookconfigurations'],
      ['apiextensions.k8s.io', 'customresourcedefinitions'],
      ['apiregistration.k8s.io', 'apiservices'],
      ['apps', 'deployments'],
      ['authentication.k8s.io', 'tokenreviews'],
      ['authorization.k8s.io', 'selfsubjectaccessreviews'],
      ['autoscaling', 'horizontalpodautoscalers'],
      ['batch', 'jobs'],
      ['certificates.k8s.io', 'certificatesigningrequests'],
      ['coordination.k8s.io', 'leases'],
      ['discovery.k8s.io', 'endpointslices'],
      ['events.k8s.io', 'events'],
      ['networking.k8s.io', 'ingresses'],
      ['node.k8s.io', 'runtimeclasses'],
      ['policy', 'poddisruptionbudgets'],
      ['scheduling.k8s.io', 'priorityclasses'],
    ] as const) {
      const found = groups.find(({ name }) => name === group);
      expect(found, group).not.to.equal(undefined);
      const { groupVersion } = found?.preferredVersion ?? { groupVersion: '' };
      const { resources } = (await k.get(`/apis/${groupVersion}`)) as unknown as {
        resources: { name: string }[];
      };
      expect(resources.map(({ name }) => name)).to.include(resource);
    }
  });

  restate('Discovery should validate PreferredVersion for each APIGroup', async (k) => {
    for (const { name } of await groupsOf(k)) {
      const group = (await k.get(`/apis/${name}`)) as unknown as Group;
      expect(
        group.versions.map(({ version }) => version),
        name,
      ).to.include(group.preferredVersion.version);
    }
  });

  restate('server version should find the server version', async (k) => {
    const { major, minor } = (await k.get('/version')) as unknown as { major: string; minor: string };
    expect(major).to.match(/^\d+$/);
    expect(minor).to.match(/^\d+\+?$/);
  });

  restate(
    'Servers with support for API chunking should return chunks of results for list calls',
    async (k) => {
      const templates = k.at('v1', 'podtemplates');
      const names = Array.from({ length: 40 }, (_, i) => `template-${String(i).padStart(4, '0')}`);
      for (const name of names)
        await k.post(templates, {
          metadata: { name },
          template: { spec: { containers: [{ name: 'test', image: 'test2' }] } },
        });
      for (const limit of [7, 13, 39]) {
        const seen: string[] = [];
        let version: string | undefined;
        let token = '';
        do {
          const page = await k.get(
            `${templates}?limit=${limit}${token ? `&continue=${encodeURIComponent(token)}` : ''}`,
          );
          version ??= page.metadata.resourceVersion;
          expect(page.metadata.resourceVersion, 'every page is of one version').to.equal(version);
          expect(page.items.length).to.be.at.most(limit);
          seen.push(...page.items.map((item) => item.metadata.name));
          token = page.metadata.continue ?? '';
          if (token) expect(page.metadata.remainingItemCount).to.equal(names.length - seen.length);
          else expect(page.metadata.remainingItemCount).to.equal(undefined);
        } while (token);
        expect(seen).to.deep.equal(names);
      }
      const all = await k.get(`${templates}?resourceVersion=0`);
      expect(all.items).to.have.length(names.length);
    },
  );

  restate(
    'Servers with support for API chunking should support continue listing from the last key if the original version has been compacted away, though the list is inconsistent [Slow]',
    async (k) => {
      const templates = k.at('v1', 'podtemplates');
      for (let i = 0; i < 12; i++)
        await k.post(templates, {
          metadata: { name: `template-${String(i).padStart(4, '0')}` },
          template: { spec: { containers: [{ name: 'test', image: 'test2' }] } },
        });
      const first = await k.get(`${templates}?limit=5`);
      await k.post(templates, {
        metadata: { name: 'template-0009a' },
        template: { spec: { containers: [{ name: 'test', image: 'test2' }] } },
      });
      await k.compact();
      const expired = await k.refused(
        410,
        'GET',
        `${templates}?limit=5&continue=${encodeURIComponent(first.metadata.continue ?? '')}`,
      );
      expect(expired.reason).to.equal('Expired');
      const inconsistent = expired.metadata.continue ?? '';
      expect(inconsistent, 'a token to go on with').not.to.equal('');
      const rest = await k.get(`${templates}?continue=${encodeURIComponent(inconsistent)}`);
      expect(rest.items.map((item) => item.metadata.name)).to.include('template-0009a');
      expect(rest.items).to.have.length(8);
      expect(rest.metadata.resourceVersion).not.to.equal(first.metadata.resourceVersion);
    },
  );

  restate(
    'Servers with support for Table transformation should return a 406 for a backend which does not implement metadata',
    async (k) => {
      const { status, body } = await k.ask(
        'POST',
        '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
        { spec: { resourceAttributes: { namespace: 'default', verb: 'list', resource: 'pods' } } },
        { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
      );
      expect(status, JSON.stringify(body)).to.equal(406);
    },
  );

  const spec = (priority: number) => ({
    matchingPrecedence: priority,
    priorityLevelConfiguration: { name: 'global-default' },
    distinguisherMethod: { type: 'ByUser' },
    rules: [
      {
        subjects: [{ kind: 'User', user: { name: 'example-e2e-non-existent-user' } }],
        nonResourceRules: [{ verbs: ['*'], nonResourceURLs: ['*'] }],
      },
    ],
  });
  const status = { conditions: [{ type: 'Dangling', status: 'False', reason: 'E2E', message: 'e2e' }] };
  restate('API priority and fairness should support FlowSchema API operations', (k) =>
    supportsApiOperations(k, {
      groupVersion: 'flowcontrol.apiserver.k8s.io/v1',
      plural: 'flowschemas',
      kind: 'FlowSchema',
      namespaced: false,
      object: { spec: spec(10_000) },
      status,
    }),
  );
  restate('API priority and fairness should support PriorityLevelConfiguration API operations', (k) =>
    supportsApiOperations(k, {
      groupVersion: 'flowcontrol.apiserver.k8s.io/v1',
      plural: 'prioritylevelconfigurations',
      kind: 'PriorityLevelConfiguration',
      namespaced: false,
      object: {
        spec: {
          type: 'Limited',
          limited: { nominalConcurrencyShares: 2, limitResponse: { type: 'Reject' } },
        },
      },
      status: { conditions: [{ type: 'E2E', status: 'True', reason: 'E2E', message: 'e2e' }] },
    }),
  );

  restate('Namespaces [Serial] should patch a Namespace', async (k) => {
    const at = `/api/v1/namespaces/${k.namespace}`;
    const patched = await k.patch(at, { metadata: { labels: { testLabel: 'testValue' } } });
    expect(patched.metadata.labels).to.include({ testLabel: 'testValue' });
    expect((await k.get(at)).metadata.labels).to.include({
      testLabel: 'testValue',
      'kubernetes.io/metadata.name': k.namespace,
    });
  });
  restate('Namespaces [Serial] should apply an update to a Namespace', async (k) => {
    const at = `/api/v1/namespaces/${k.namespace}`;
    const updated = await k.eventually(async () => {
      const now = await k.get(at);
      return k.put(at, {
        ...now,
        metadata: { ...now.metadata, labels: { ...now.metadata.labels, updated: 'yes' } },
      });
    });
    expect(updated.metadata.labels).to.include({ updated: 'yes' });
  });
  restate('Namespaces [Serial] should apply changes to a namespace status', async (k) => {
    const at = `/api/v1/namespaces/${k.namespace}/status`;
    const condition = {
      type: 'StatusPatch',
      status: 'True',
      reason: 'E2E',
      message: 'Patched by an e2e test',
    };
    const patched = await k.patch(at, {
      metadata: { annotations: { e2e: 'patched' } },
      status: { conditions: [condition] },
    });
    expect(patched.status.conditions[0]).to.include({ type: 'StatusPatch' });
    const updated = await k.eventually(async () => {
      const now = await k.get(at);
      return k.put(at, {
        ...now,
        status: {
          ...now.status,
          conditions: [...now.status.conditions, { ...condition, type: 'StatusUpdate' }],
        },
      });
    });
    expect(updated.status.conditions.map((c: { type: string }) => c.type)).to.deep.equal([
      'StatusPatch',
      'StatusUpdate',
    ]);
  });
  restate('Namespaces [Serial] should apply a finalizer to a Namespace', async (k) => {
    const name = `${k.namespace}-finalized`;
    const at = `/api/v1/namespaces/${name}`;
    await k.post('/api/v1/namespaces', { metadata: { name } });
    const fake = 'e2e.example.com/fakeFinalizer';
    const updated = await k.eventually(async () => {
      const now = await k.get(at);
      return k.put(`${at}/finalize`, { ...now, spec: { finalizers: [...now.spec.finalizers, fake] } });
    });
    expect(updated.spec.finalizers).to.include(fake);
    await k.eventually(async () => {
      const now = await k.get(at);
      await k.put(`${at}/finalize`, {
        ...now,
        spec: { finalizers: now.spec.finalizers.filter((f: string) => f !== fake) },
      });
    });
    await k.delete(at);
    await k.eventually(() => k.refused(404, 'GET', at));
  });
  restate(
    'Namespaces [Serial] should ensure that all services are removed when a namespace is deleted',
    async (k) => {
      const name = `${k.namespace}-gone`;
      const at = `/api/v1/namespaces/${name}`;
      await k.post('/api/v1/namespaces', { metadata: { name } });
      await k.post(`${at}/services`, { metadata: { name: 'test-service' }, spec: { ports: [{ port: 80 }] } });
      await k.delete(at);
      await k.eventually(() => k.refused(404, 'GET', at));
      await k.post('/api/v1/namespaces', { metadata: { name } });
      await k.refused(404, 'GET', `${at}/services/test-service`);
      await k.delete(at);
    },
  );
});
