import { expect } from 'chai';
import { setTimeout as pause } from 'node:timers/promises';
import type { JsonObject } from 'gyre/api';
import type { WebhookHandler } from 'gyre/apiserver';
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
} from '../apiserver/admission/webhook-objects.js';
import { jsonPatch } from '../support/api-calls.js';
import { conformance, type World } from './conformance.js';
import { crd, establish } from './custom-resources.js';

/** Asked about the case's own namespace alone. */
const within = (k: World) => ({
  namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': k.namespace } },
});

/** Serves a webhook and has the API server ask it; gives the path of its configuration. */
async function listen(
  k: World,
  kind: WebhookKind,
  rules: readonly object[],
  decide: (request: ReviewRequest) => object | undefined,
  more: object = within(k),
): Promise<string> {
  const name = `w${Math.trunc(performance.now() * 1000)}.${k.namespace}.example.com`;
  k.cluster.webhooks.register({ url: urlOf(name) }, handler(decide));
  const at = `${configurationsUrl(kind)}/${name}`;
  await k.post(configurationsUrl(kind), configuration(kind, name, [webhook(name, rules, more)]));
  k.afterwards(() => k.ask('DELETE', at));
  return at;
}

const denies = (message: string) => () => ({ allowed: false, status: { message } });
const addsData =
  (key: string) =>
  ({ object }: ReviewRequest) =>
    patchOf(...(object.data === undefined ? [{ op: 'add', path: '/data', value: {} }] : []), {
      op: 'add',
      path: `/data/${key}`,
      value: 'yes',
    });
const configMap = (name: string, data: object = { 'mutation-start': 'yes' }) => ({
  metadata: { name },
  data,
});
const pod = (name: string) => ({
  metadata: { name },
  spec: { nodeSelector: { no: 'node' }, containers: [{ name: 'example', image: 'pause' }] },
});

conformance('[sig-api-machinery]', (restate) => {
  const of = 'AdmissionWebhook [Privileged:ClusterAdmin]';

  restate(`${of} should include webhook resources in discovery documents`, async (k) => {
    const { resources } = (await k.get('/apis/admissionregistration.k8s.io/v1')) as unknown as {
      resources: { name: string }[];
    };
    expect(resources.map(({ name }) => name)).to.include.members([
      'mutatingwebhookconfigurations',
      'validatingwebhookconfigurations',
    ]);
  });

  restate(`${of} should be able to deny pod and configmap creation`, async (k) => {
    await listen(
      k,
      'Validating',
      [rule('pods', 'CREATE'), rule('configmaps', 'CREATE', 'UPDATE')],
      ({ object }) =>
        object.kind === 'Pod' || object.data?.['webhook-e2e-test'] === 'webhook-disallow'
          ? denies('the object contains unwanted content')()
          : undefined,
    );
    const status = await k.refused(400, 'POST', k.at('v1', 'pods'), pod('disallowed'));
    expect(status.message).to.match(/denied the request: the object contains unwanted content/);
    await k.refused(
      400,
      'POST',
      k.at('v1', 'configmaps'),
      configMap('no', { 'webhook-e2e-test': 'webhook-disallow' }),
    );
    await k.post(k.at('v1', 'configmaps'), configMap('allowed', { 'webhook-e2e-test': 'ok' }));
    await k.refused(
      400,
      'PATCH',
      k.at('v1', 'configmaps', 'allowed'),
      { data: { 'webhook-e2e-test': 'webhook-disallow' } },
      {
        'content-type': 'application/merge-patch+json',
      },
    );
  });

  restate(`${of} should be able to deny attaching pod`, async (k) => {
    await k.post(k.at('v1', 'pods'), pod('to-be-attached-pod'));
    await listen(
      k,
      'Validating',
      [{ operations: ['CONNECT'], apiGroups: [''], apiVersions: ['v1'], resources: ['pods/attach'] }],
      denies("attaching to pod 'to-be-attached-pod' is not allowed"),
    );
    const refused = await k.client.attach(`${k.namespace}/to-be-attached-pod`).then(
      () => undefined,
      (error: unknown) => error as Error,
    );
    expect(refused?.message).to.match(/attaching to pod 'to-be-attached-pod' is not allowed/);
  });

  restate(`${of} should be able to deny custom resource creation, update and deletion`, async (k) => {
    const made = await establish(k, crd(k));
    await listen(
      k,
      'Validating',
      [{ ...rule(made.plural, 'CREATE', 'UPDATE', 'DELETE'), apiGroups: [made.group] }],
      ({ object, oldObject, operation }) =>
        (operation === 'DELETE' ? oldObject : object).data?.['webhook-e2e-test'] === 'webhook-disallow'
          ? denies('the custom resource contains unwanted data')()
          : undefined,
    );
    const custom = (name: string, value: string) => ({
      apiVersion: `${made.group}/v1`,
      kind: made.kind,
      metadata: { name },
      data: { 'webhook-e2e-test': value },
    });
    await k.refused(400, 'POST', made.at(), custom('disallowed', 'webhook-disallow'));
    await k.post(made.at(), custom('cr', 'ok'));
    const status = await k.refused(
      400,
      'PATCH',
      made.at('v1', 'cr'),
      { data: { 'webhook-e2e-test': 'webhook-disallow' } },
      {
        'content-type': 'application/merge-patch+json',
      },
    );
    expect(status.message).to.include('the custom resource contains unwanted data');
    await k.delete(made.at('v1', 'cr'));
  });

  restate(`${of} should deny crd creation`, async (k) => {
    await listen(
      k,
      'Validating',
      [{ ...rule('customresourcedefinitions', 'CREATE'), apiGroups: ['apiextensions.k8s.io'] }],
      denies('the crd contains unwanted label'),
      { objectSelector: { matchLabels: { 'webhook-e2e-test': k.namespace } } },
    );
    const definition = crd(k);
    const status = await k.refused(400, 'POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
      ...definition,
      metadata: { ...definition.metadata, labels: { 'webhook-e2e-test': k.namespace } },
    });
    expect(status.message).to.include('the crd contains unwanted label');
  });

  restate(`${of} should unconditionally reject operations on fail closed webhook`, async (k) => {
    const name = `closed.${k.namespace}.example.com`;
    const at = configurationsUrl('Validating');
    await k.post(
      at,
      configuration('Validating', name, [
        {
          ...webhook(name, [rule('configmaps', 'CREATE')], within(k)),
          clientConfig: { url: 'https://127.0.0.1:1/none' },
          failurePolicy: 'Fail',
        },
      ]),
    );
    k.afterwards(() => k.ask('DELETE', `${at}/${name}`));
    const status = await k.refused(500, 'POST', k.at('v1', 'configmaps'), configMap('foo'));
    expect(status.message).to.include(`failed calling webhook "${name}"`);
    expect(status.reason).to.equal('InternalError');
  });

  restate(`${of} should honor timeout`, async (k) => {
    const slow: WebhookHandler = async (review) => {
      await pause(1_500);
      return {
        apiVersion: 'admission.k8s.io/v1',
        kind: 'AdmissionReview',
        response: { uid: (review.request as JsonObject).uid ?? '', allowed: true },
      };
    };
    const name = `slow.${k.namespace}.example.com`;
    k.cluster.webhooks.register({ url: urlOf(name) }, slow);
    const at = configurationsUrl('Validating');
    const set = async (timeoutSeconds: number, failurePolicy: string): Promise<void> => {
      await k.ask('DELETE', `${at}/${name}`);
      await k.post(
        at,
        configuration('Validating', name, [
          webhook(name, [rule('configmaps', 'CREATE')], { ...within(k), timeoutSeconds, failurePolicy }),
        ]),
      );
    };
    k.afterwards(() => k.ask('DELETE', `${at}/${name}`));
    await set(1, 'Fail');
    const status = await k.refused(500, 'POST', k.at('v1', 'configmaps'), configMap('late'));
    expect(status.message).to.match(/context deadline exceeded|timeout/);
    await set(1, 'Ignore');
    await k.post(k.at('v1', 'configmaps'), configMap('ignored'));
    await set(5, 'Fail');
    await k.post(k.at('v1', 'configmaps'), configMap('awaited'));
  });

  restate(`${of} should mutate configmap`, async (k) => {
    await listen(k, 'Mutating', [rule('configmaps', 'CREATE')], addsData('mutation-stage-1'));
    await listen(k, 'Mutating', [rule('configmaps', 'CREATE')], (request) =>
      request.object.data?.['mutation-stage-1'] === 'yes' ? addsData('mutation-stage-2')(request) : undefined,
    );
    const made = await k.post(k.at('v1', 'configmaps'), configMap('mutated'));
    expect(made.data).to.deep.equal({
      'mutation-start': 'yes',
      'mutation-stage-1': 'yes',
      'mutation-stage-2': 'yes',
    });
  });

  restate(`${of} should mutate pod and apply defaults after mutation`, async (k) => {
    await listen(k, 'Mutating', [rule('pods', 'CREATE')], () =>
      patchOf({
        op: 'add',
        path: '/spec/initContainers',
        value: [{ name: 'webhook-added-init-container', image: 'webhook-added-image' }],
      }),
    );
    const made = await k.post(k.at('v1', 'pods'), pod('webhook-to-be-mutated'));
    const [init] = made.spec.initContainers;
    expect(init).to.include({
      name: 'webhook-added-init-container',
      terminationMessagePolicy: 'File',
      imagePullPolicy: 'Always',
    });
  });

  const mutates = async (
    k: World,
    versions: Parameters<typeof crd>[1],
    field = 'data',
  ): Promise<JsonObject> => {
    const made = await establish(k, crd(k, versions));
    await listen(
      k,
      'Mutating',
      [{ ...rule(made.plural, 'CREATE', 'UPDATE'), apiGroups: [made.group] }],
      ({ object }) =>
        patchOf(
          { op: 'add', path: '/data/mutation-stage-1', value: 'yes' },
          ...(object[field]?.['mutation-stage-1']
            ? []
            : [{ op: 'add', path: '/data/mutation-stage-2', value: 'yes' }]),
        ),
    );
    return (await k.post(made.at(), {
      apiVersion: `${made.group}/v1`,
      kind: made.kind,
      metadata: { name: 'cr-instance-1' },
      data: { 'mutation-start': 'yes' },
    })) as unknown as JsonObject;
  };
  restate(`${of} should mutate custom resource`, async (k) => {
    const made = await mutates(k, [{ name: 'v1' }]);
    expect(made.data).to.deep.equal({
      'mutation-start': 'yes',
      'mutation-stage-1': 'yes',
      'mutation-stage-2': 'yes',
    });
  });
  restate(`${of} should mutate custom resource with pruning`, async (k) => {
    const properties = { 'mutation-start': { type: 'string' }, 'mutation-stage-1': { type: 'string' } };
    const schema = { type: 'object', properties: { data: { type: 'object', properties } } };
    const made = await mutates(k, [{ name: 'v1', schema }]);
    expect(made.data).to.deep.equal({ 'mutation-start': 'yes', 'mutation-stage-1': 'yes' });
  });
  restate(`${of} should mutate custom resource with different stored version`, async (k) => {
    const made = await establish(
      k,
      crd(k, [
        { name: 'v1', storage: true },
        { name: 'v2', storage: false },
      ]),
    );
    await listen(k, 'Mutating', [{ ...rule(made.plural, 'CREATE', 'UPDATE'), apiGroups: [made.group] }], () =>
      patchOf({ op: 'add', path: '/data/mutation-stage-1', value: 'yes' }),
    );
    const custom = {
      apiVersion: `${made.group}/v1`,
      kind: made.kind,
      metadata: { name: 'cr' },
      data: { a: 'b' },
    };
    await k.post(made.at('v1'), custom);
    await k.patch(
      made.path,
      [
        { op: 'replace', path: '/spec/versions/0/storage', value: false },
        { op: 'replace', path: '/spec/versions/1/storage', value: true },
      ],
      jsonPatch,
    );
    const patched = await k.eventually(() => k.patch(made.at('v1', 'cr'), { dummy: 'test' }));
    expect(patched.data).to.deep.equal({ a: 'b', 'mutation-stage-1': 'yes' });
    expect((await k.get(made.at('v2', 'cr'))).data).to.deep.equal({ a: 'b', 'mutation-stage-1': 'yes' });
  });

  restate(`${of} should mutate everything except 'skip-me' configmaps`, async function (k) {
    await listen(k, 'Mutating', [rule('configmaps', 'CREATE')], addsData('mutation-stage-1'), {
      ...within(k),
      matchConditions: [{ name: 'skip-me', expression: "object.metadata.name != 'skip-me'" }],
    });
    const skipped = await k.post(k.at('v1', 'configmaps'), configMap('skip-me'));
    expect(skipped.data).to.deep.equal({ 'mutation-start': 'yes' });
    const mutated = await k.post(k.at('v1', 'configmaps'), configMap('mutate-me'));
    expect(mutated.data).to.include({ 'mutation-stage-1': 'yes' });
  });

  restate(
    `${of} should not be able to mutate or prevent deletion of webhook configuration objects`,
    async (k) => {
      const everything = [
        {
          operations: ['*'],
          apiGroups: ['admissionregistration.k8s.io'],
          apiVersions: ['*'],
          resources: ['validatingwebhookconfigurations', 'mutatingwebhookconfigurations'],
        },
      ];
      await listen(k, 'Validating', everything, denies('no'), {});
      await listen(
        k,
        'Mutating',
        everything,
        () => patchOf({ op: 'add', path: '/metadata/labels', value: { sneaky: 'yes' } }),
        {},
      );
      for (const kind of ['Validating', 'Mutating'] as const) {
        const name = `dummy-${kind.toLowerCase()}-${k.namespace}`;
        const made = await k.post(configurationsUrl(kind), configuration(kind, name, []));
        expect(made.metadata.labels).to.equal(undefined);
        await k.delete(`${configurationsUrl(kind)}/${name}`);
      }
    },
  );

  for (const [kind, refuses] of [
    ['validating', true],
    ['mutating', false],
  ] as const) {
    const title = kind === 'validating' ? 'Validating' : 'Mutating';
    const effect =
      (k: World, at: string) =>
      async (happens: boolean): Promise<void> =>
        k.eventually(async () => {
          const { status, body } = await k.ask(
            'POST',
            `${k.at('v1', 'configmaps')}?dryRun=All`,
            configMap('probe'),
          );
          if (refuses) expect(status, at).to.equal(happens ? 400 : 201);
          else expect(Object.keys((body as { data: object }).data), at).to.have.length(happens ? 2 : 1);
        });
    const answer = refuses ? denies('no') : addsData('mutation-stage-1');
    restate(`${of} listing ${kind} webhooks should work`, async (k) => {
      const url = configurationsUrl(title);
      const name = `listed.${k.namespace}.example.com`;
      k.cluster.webhooks.register({ url: urlOf(name) }, handler(answer));
      for (const n of [1, 2, 3])
        await k.post(url, {
          ...configuration(title, `${k.namespace}-${n}`, [
            webhook(name, [rule('configmaps', 'CREATE')], within(k)),
          ]),
          metadata: { name: `${k.namespace}-${n}`, labels: { 'e2e-list-test-uuid': k.namespace } },
        });
      const found = `${url}?labelSelector=e2e-list-test-uuid%3D${k.namespace}`;
      expect((await k.get(found)).items).to.have.length(3);
      await effect(k, 'there')(true);
      await k.delete(found);
      await effect(k, 'gone')(false);
    });
    restate(`${of} patching/updating a ${kind} webhook should work`, async (k) => {
      const at = await listen(k, title, [rule('configmaps', 'CREATE')], answer);
      await effect(k, 'at first')(true);
      const now = await k.get(at);
      await k.put(at, { ...now, webhooks: [{ ...now.webhooks[0], rules: [rule('configmaps', 'UPDATE')] }] });
      await effect(k, 'updated away')(false);
      await k.patch(
        at,
        [{ op: 'replace', path: '/webhooks/0/rules/0/operations', value: ['CREATE'] }],
        jsonPatch,
      );
      await effect(k, 'patched back')(true);
    });
    restate(
      `${of} should be able to create and update ${kind} webhook configurations with match conditions`,
      async (k) => {
        const conditions = (expression: string) => ({
          ...within(k),
          matchConditions: [{ name: 'expression-1', expression }],
        });
        const at = await listen(
          k,
          title,
          [rule('configmaps', 'CREATE')],
          answer,
          conditions("object.metadata.namespace == 'production'"),
        );
        expect((await k.get(at)).webhooks[0].matchConditions).to.have.length(1);
        await effect(k, 'of another namespace')(false);
        const now = await k.get(at);
        const updated = await k.put(at, {
          ...now,
          webhooks: [{ ...now.webhooks[0], ...conditions(`object.metadata.namespace == '${k.namespace}'`) }],
        });
        expect(updated.webhooks[0].matchConditions[0].expression).to.include(k.namespace);
        await effect(k, 'of this namespace')(true);
      },
    );
    restate(`${of} should reject ${kind} webhook configurations with invalid match conditions`, async (k) => {
      const name = `invalid.${k.namespace}.example.com`;
      const status = await k.refused(
        422,
        'POST',
        configurationsUrl(title),
        configuration(title, name, [
          webhook(name, [rule('configmaps', 'CREATE')], {
            matchConditions: [{ name: 'invalid-expression-1', expression: '... [] bad expression' }],
          }),
        ]),
      );
      expect(status.message).to.include('compilation failed');
      expect(status.details?.causes?.[0]?.field).to.equal('webhooks[0].matchConditions[0].expression');
    });
  }

  const converts = async (k: World) => {
    const url = `https://convert.${k.namespace}.example.com/convert`;
    const split = (object: JsonObject, apiVersion: string): JsonObject => {
      const { hostPort, host, port, ...rest } = object as {
        hostPort?: string;
        host?: string;
        port?: string;
      } & JsonObject;
      if (apiVersion.endsWith('/v2')) {
        const [h = '', p = ''] = (hostPort ?? '').split(':');
        return { ...rest, apiVersion, host: host ?? h, port: port ?? p } as JsonObject;
      }
      return { ...rest, apiVersion, hostPort: hostPort ?? `${host}:${port}` } as JsonObject;
    };
    k.cluster.webhooks.register({ url }, (review) => {
      const { uid, desiredAPIVersion, objects } = review.request as {
        uid: string;
        desiredAPIVersion: string;
        objects: JsonObject[];
      };
      return {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'ConversionReview',
        response: {
          uid,
          result: { status: 'Success' },
          convertedObjects: objects.map((object) => split(object, desiredAPIVersion)),
        },
      };
    });
    return establish(
      k,
      crd(k, [{ name: 'v1' }, { name: 'v2' }], {
        conversion: {
          strategy: 'Webhook',
          webhook: { conversionReviewVersions: ['v1'], clientConfig: { url } },
        },
      }),
    );
  };
  restate(
    'CustomResourceConversionWebhook [Privileged:ClusterAdmin] should be able to convert from CR v1 to CR v2',
    async (k) => {
      const made = await converts(k);
      await k.post(made.at('v1'), {
        apiVersion: `${made.group}/v1`,
        kind: made.kind,
        metadata: { name: 'cr' },
        hostPort: 'localhost:8080',
      });
      const read = await k.get(made.at('v2', 'cr'));
      expect([read.host, read.port, read.hostPort]).to.deep.equal(['localhost', '8080', undefined]);
      expect(read.apiVersion).to.equal(`${made.group}/v2`);
    },
  );
  restate(
    'CustomResourceConversionWebhook [Privileged:ClusterAdmin] should be able to convert a non homogeneous list of CRs',
    async (k) => {
      const made = await converts(k);
      const post = (version: string, name: string, fields: object) =>
        k.post(made.at(version), {
          apiVersion: `${made.group}/${version}`,
          kind: made.kind,
          metadata: { name },
          ...fields,
        });
      await post('v1', 'one', { hostPort: 'localhost:8080' });
      await k.patch(
        made.path,
        [
          { op: 'replace', path: '/spec/versions/0/storage', value: false },
          { op: 'replace', path: '/spec/versions/1/storage', value: true },
        ],
        jsonPatch,
      );
      await k.eventually(() => post('v2', 'two', { host: 'localhost', port: '8081' }));
      const v1 = await k.get(made.at('v1'));
      expect(v1.items.map((item) => item.hostPort)).to.deep.equal(['localhost:8080', 'localhost:8081']);
      const v2 = await k.get(made.at('v2'));
      expect(v2.items.map((item) => [item.host, item.port])).to.deep.equal([
        ['localhost', '8080'],
        ['localhost', '8081'],
      ]);
    },
  );
});
