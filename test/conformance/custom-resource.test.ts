import { expect } from 'chai';
import { applyPatch, jsonPatch } from '../support/api-calls.js';
import { conformance, type World } from './conformance.js';
import { crd, definitions, establish } from './custom-resources.js';

/** A schema with something to check. */
const fooSchema = {
  type: 'object',
  description: 'Foo CRD for Testing',
  properties: {
    spec: {
      type: 'object',
      description: 'Specification of Foo',
      properties: {
        bars: {
          type: 'array',
          description: 'List of Bars and their specs.',
          items: {
            type: 'object',
            required: ['name'],
            properties: {
              name: { type: 'string', description: 'Name of Bar.' },
              age: { type: 'string', description: 'Age of Bar.' },
              feeling: { type: 'string', enum: ['Great', 'Down'] },
              bazs: { type: 'array', items: { type: 'string' } },
            },
          },
        },
      },
    },
    status: { type: 'object', description: 'Status of Foo' },
  },
};

interface Swagger {
  readonly definitions: Readonly<Record<string, { readonly properties?: Readonly<Record<string, unknown>> }>>;
}
const published = async (k: World): Promise<Swagger['definitions']> =>
  ((await k.get('/openapi/v2')) as unknown as Swagger).definitions;
/** As OpenAPI names a custom kind: the group reversed. */
const typeName = (group: string, version: string, kind: string): string =>
  [...group.split('.').reverse(), version, kind].join('.');

conformance('[sig-api-machinery]', (restate) => {
  restate(
    'CustomResourceDefinition Watch [Privileged:ClusterAdmin] CustomResourceDefinition Watch watch on custom resource definition objects',
    async (k) => {
      const made = await establish(k, crd(k));
      const [a, b] = [
        await k.watch(`${made.at()}?fieldSelector=metadata.name%3Dname1`),
        await k.watch(`${made.at()}?fieldSelector=metadata.name%3Dname2`),
      ];
      for (const [name, seen] of [
        ['name1', a],
        ['name2', b],
      ] as const) {
        await k.post(made.at(), { apiVersion: `${made.group}/v1`, kind: made.kind, metadata: { name } });
        await seen.until('ADDED', (o) => o.metadata.name === name);
      }
      for (const [name, seen] of [
        ['name1', a],
        ['name2', b],
      ] as const) {
        await k.patch(made.at('v1', name), { dummy: 'test' });
        await seen.until('MODIFIED', (o) => o.dummy === 'test');
        await k.delete(made.at('v1', name));
        await seen.until('DELETED', (o) => o.metadata.name === name);
      }
      expect(a.events.map(({ type }) => type)).to.deep.equal(['ADDED', 'MODIFIED', 'DELETED']);
    },
  );

  const simple =
    'CustomResourceDefinition resources [Privileged:ClusterAdmin] Simple CustomResourceDefinition';
  restate(`${simple} creating/deleting custom resource definition objects works`, async (k) => {
    const made = await establish(k, crd(k));
    await k.delete(made.path);
    await k.eventually(() => k.refused(404, 'GET', made.path));
    await k.eventually(() => k.refused(404, 'GET', made.at()));
  });

  restate(`${simple} listing custom resource definition objects works`, async (k) => {
    const label = { [k.namespace]: 'listed' };
    const made = [];
    for (let i = 0; i < 4; i++) {
      const definition = crd(k);
      made.push(
        await establish(k, { ...definition, metadata: { ...definition.metadata, labels: label } } as never),
      );
    }
    const found = `${definitions}?labelSelector=${k.namespace}%3Dlisted`;
    expect((await k.get(found)).items).to.have.length(4);
    await k.delete(found);
    await k.eventually(async () => expect((await k.get(found)).items).to.deep.equal([]));
  });

  restate(
    `${simple} getting/updating/patching custom resource definition status sub-resource works`,
    async (k) => {
      const made = await establish(k, crd(k));
      const condition = {
        type: 'StatusUpdate',
        status: 'True',
        reason: 'E2E',
        message: 'Set from an e2e test',
      };
      const updated = await k.eventually(async () => {
        const now = await k.get(`${made.path}/status`);
        return k.put(`${made.path}/status`, {
          ...now,
          status: { ...now.status, conditions: [...now.status.conditions, condition] },
        });
      });
      expect(updated.status.conditions.map((c: { type: string }) => c.type)).to.include('StatusUpdate');
      const patched = await k.patch(
        `${made.path}/status`,
        [{ op: 'add', path: '/status/conditions', value: [{ ...condition, type: 'StatusPatched' }] }],
        jsonPatch,
      );
      expect(patched.status.conditions[0]).to.include({ type: 'StatusPatched', reason: 'E2E' });
    },
  );

  restate(
    'CustomResourceDefinition resources [Privileged:ClusterAdmin] custom resource defaulting for requests and from storage works',
    async (k) => {
      const schema = (properties: object) => ({ type: 'object', properties });
      const a = { a: { type: 'string', default: 'A' } };
      const made = await establish(k, crd(k, [{ name: 'v1', schema: schema(a) }]));
      const first = await k.post(made.at(), {
        apiVersion: `${made.group}/v1`,
        kind: made.kind,
        metadata: { name: 'foo' },
      });
      expect(first.a, 'on the way in').to.equal('A');
      const setSchema = (properties: object) =>
        k.patch(
          made.path,
          [{ op: 'replace', path: '/spec/versions/0/schema/openAPIV3Schema/properties', value: properties }],
          jsonPatch,
        );
      await setSchema({ ...a, b: { type: 'string', default: 'B' } });
      await k.eventually(async () =>
        expect((await k.get(made.at('v1', 'foo'))).b, 'from storage').to.equal('B'),
      );
      const stored = await k.patch(made.at('v1', 'foo'), { metadata: { labels: { touched: 'yes' } } });
      expect(stored.b).to.equal('B');
      // What was written with the default keeps it; what was only read with it does not.
      await setSchema({
        a: { type: 'string', default: 'A2' },
        b: { type: 'string' },
        c: { type: 'string', default: 'C' },
      });
      await k.eventually(async () => {
        const now = await k.get(made.at('v1', 'foo'));
        expect([now.a, now.b, now.c]).to.deep.equal(['A', 'B', 'C']);
      });
    },
  );

  restate(
    'CustomResourceDefinition resources [Privileged:ClusterAdmin] should include custom resource definition resources in discovery documents',
    async (k) => {
      const { groups } = (await k.get('/apis')) as unknown as {
        groups: { name: string; versions: { groupVersion: string }[] }[];
      };
      const group = groups.find(({ name }) => name === 'apiextensions.k8s.io');
      expect(group?.versions.map((v) => v.groupVersion)).to.include('apiextensions.k8s.io/v1');
      const { resources } = (await k.get('/apis/apiextensions.k8s.io/v1')) as unknown as {
        resources: { name: string }[];
      };
      expect(resources.map((r) => r.name)).to.include('customresourcedefinitions');
    },
  );

  const publishes = 'CustomResourcePublishOpenAPI [Privileged:ClusterAdmin]';
  restate(`${publishes} works for CRD with validation schema`, async function (k) {
    const made = await establish(k, crd(k, [{ name: 'v1', schema: fooSchema }]));
    await k.eventually(async () => {
      const type = (await published(k))[typeName(made.group, 'v1', made.kind)];
      expect(type?.properties).to.have.property('spec');
    });
    const object = (bars: object) => ({
      apiVersion: `${made.group}/v1`,
      kind: made.kind,
      metadata: { name: 'test-foo' },
      spec: { bars: [bars] },
    });
    await k.kubectl(this, ['create', '-f', '-'], { stdin: object({ name: 'test-bar' }) });
    await k.kubectl(this, ['apply', '-f', '-'], { stdin: object({ name: 'test-bar', age: '10' }) });
    for (const [bar, problem] of [
      [{ name: 'test-bar', foo: true }, /unknown field|ValidationError/],
      [{ age: '10' }, /spec\.bars\[0\]\.name|missing required field "name"/],
      [{ name: 'test-bar', feeling: 'NonExistentValue' }, /Unsupported value: "NonExistentValue"/],
    ] as const) {
      const { code, stderr } = await k
        .kubectlOf(this)
        .run(['-n', k.namespace, 'apply', '-f', '-'], { stdin: object(bar) });
      expect(code, JSON.stringify(bar)).to.equal(1);
      expect(stderr).to.match(problem);
    }
    expect(await k.kubectl(this, ['explain', `${made.plural}.spec.bars`])).to.match(
      /List of Bars and their specs/,
    );
    expect(await k.kubectl(this, ['explain', '--recursive', made.plural])).to.match(/bazs\s+<\[\]string>/);
    const { code } = await k.kubectlOf(this).run(['explain', `${made.plural}.spec.bars2`]);
    expect(code).to.equal(1);
  });

  restate(`${publishes} works for CRD without validation schema`, async function (k) {
    const made = await establish(k, crd(k));
    const object = {
      apiVersion: `${made.group}/v1`,
      kind: made.kind,
      metadata: { name: 'test-cr' },
      a: { b: [{ c: 'd' }] },
    };
    await k.kubectl(this, ['create', '-f', '-'], { stdin: object });
    await k.kubectl(this, ['apply', '-f', '-'], { stdin: object });
    expect(await k.kubectl(this, ['explain', made.plural])).to.include(made.kind);
  });

  restate(`${publishes} works for CRD preserving unknown fields at the schema root`, async function (k) {
    const schema = { ...fooSchema, 'x-kubernetes-preserve-unknown-fields': true };
    const made = await establish(k, crd(k, [{ name: 'v1', schema }]));
    const object = {
      apiVersion: `${made.group}/v1`,
      kind: made.kind,
      metadata: { name: 'test-cr' },
      a: { b: [{ c: 'd' }] },
    };
    await k.kubectl(this, ['create', '-f', '-', '--validate=true'], { stdin: object });
    expect((await k.get(made.at('v1', 'test-cr'))).a).to.deep.equal({ b: [{ c: 'd' }] });
  });

  restate(`${publishes} works for CRD preserving unknown fields in an embedded object`, async function (k) {
    const schema = {
      type: 'object',
      description: 'preserve-unknown-properties in nested field for Testing',
      properties: {
        spec: {
          type: 'object',
          description: 'Specification of Waldo',
          'x-kubernetes-preserve-unknown-fields': true,
        },
        status: { type: 'object', properties: { bars: { type: 'array', items: { type: 'string' } } } },
      },
    };
    const made = await establish(k, crd(k, [{ name: 'v1', schema }]));
    const object = {
      apiVersion: `${made.group}/v1`,
      kind: made.kind,
      metadata: { name: 'test-cr' },
      spec: { a: null, b: [{ c: 'd' }] },
    };
    await k.kubectl(this, ['create', '-f', '-', '--validate=true'], { stdin: object });
    expect((await k.get(made.at('v1', 'test-cr'))).spec.b).to.deep.equal([{ c: 'd' }]);
    expect(await k.kubectl(this, ['explain', made.plural])).to.match(
      /preserve-unknown-properties in nested field for\s+Testing/,
    );
  });

  const inOpenApi = async (k: World, group: string, version: string, kind: string, there: boolean) =>
    k.eventually(async () => {
      const types = await published(k);
      if (there) expect(types).to.have.property(typeName(group, version, kind));
      else expect(types).not.to.have.property(typeName(group, version, kind));
    });
  restate(`${publishes} works for multiple CRDs of different groups`, async (k) => {
    for (const made of [await establish(k, crd(k)), await establish(k, crd(k))])
      await inOpenApi(k, made.group, 'v1', made.kind, true);
  });
  restate(`${publishes} works for multiple CRDs of same group but different versions`, async (k) => {
    const both = await establish(k, crd(k, [{ name: 'v1' }, { name: 'v2' }]));
    for (const version of ['v1', 'v2']) await inOpenApi(k, both.group, version, both.kind, true);
    const group = `shared.${k.namespace}.example.com`;
    const one = await establish(k, crd(k, [{ name: 'v4' }], { group }));
    const two = await establish(k, crd(k, [{ name: 'v5' }], { group }));
    await inOpenApi(k, group, 'v4', one.kind, true);
    await inOpenApi(k, group, 'v5', two.kind, true);
  });
  restate(`${publishes} works for multiple CRDs of same group and version but different kinds`, async (k) => {
    const group = `kinds.${k.namespace}.example.com`;
    for (const made of [
      await establish(k, crd(k, [{ name: 'v6' }], { group })),
      await establish(k, crd(k, [{ name: 'v6' }], { group })),
    ])
      await inOpenApi(k, group, 'v6', made.kind, true);
  });
  restate(`${publishes} updates the published spec when one version gets renamed`, async (k) => {
    const made = await establish(k, crd(k, [{ name: 'v2' }, { name: 'v3' }]));
    await inOpenApi(k, made.group, 'v3', made.kind, true);
    await k.patch(made.path, [{ op: 'replace', path: '/spec/versions/1/name', value: 'v4' }], jsonPatch);
    await inOpenApi(k, made.group, 'v4', made.kind, true);
    await inOpenApi(k, made.group, 'v3', made.kind, false);
    await inOpenApi(k, made.group, 'v2', made.kind, true);
  });
  restate(
    `${publishes} removes definition from spec when one version gets changed to not be served`,
    async (k) => {
      const made = await establish(k, crd(k, [{ name: 'v5' }, { name: 'v6alpha1' }]));
      await inOpenApi(k, made.group, 'v6alpha1', made.kind, true);
      await k.patch(made.path, [{ op: 'replace', path: '/spec/versions/1/served', value: false }], jsonPatch);
      await inOpenApi(k, made.group, 'v6alpha1', made.kind, false);
      await inOpenApi(k, made.group, 'v5', made.kind, true);
    },
  );

  const crSchema = {
    type: 'object',
    properties: {
      spec: {
        type: 'object',
        properties: {
          cronSpec: { type: 'string' },
          ports: {
            type: 'array',
            'x-kubernetes-list-map-keys': ['containerPort', 'protocol'],
            'x-kubernetes-list-type': 'map',
            items: {
              type: 'object',
              required: ['containerPort', 'protocol'],
              properties: {
                containerPort: { type: 'integer', format: 'int32' },
                hostIP: { type: 'string' },
                protocol: { type: 'string' },
              },
            },
          },
        },
      },
    },
  };
  const apply = (k: World, url: string, text: string, query: string) =>
    k.ask('PATCH', `${url}?fieldManager=field_validation_test&${query}`, Buffer.from(text), applyPatch);
  const strict = 'fieldValidation=Strict';

  restate('FieldValidation should create/apply a valid CR for CRD with validation schema', async (k) => {
    const made = await establish(k, crd(k, [{ name: 'v1', schema: crSchema }]));
    const text = JSON.stringify({
      apiVersion: `${made.group}/v1`,
      kind: made.kind,
      metadata: { name: 'mytest' },
      spec: { cronSpec: '* * * * */5', ports: [{ containerPort: 80, protocol: 'TCP' }] },
    });
    const { status, body } = await apply(k, made.at('v1', 'mytest'), text, strict);
    expect(status, JSON.stringify(body)).to.equal(201);
  });

  restate(
    'FieldValidation should create/apply a CR with unknown fields for CRD with no validation schema',
    async (k) => {
      const made = await establish(k, crd(k));
      const text = JSON.stringify({
        apiVersion: `${made.group}/v1`,
        kind: made.kind,
        metadata: { name: 'mytest' },
        spec: {
          foo: 'foo1',
          cronSpec: '* * * * */5',
          ports: [{ name: 'x', containerPort: 80, protocol: 'TCP' }],
        },
      });
      const { status, body } = await apply(k, made.at('v1', 'mytest'), text, strict);
      expect(status, JSON.stringify(body)).to.equal(201);
    },
  );

  restate(
    'FieldValidation should create/apply an invalid CR with extra properties for CRD with validation schema',
    async (k) => {
      const made = await establish(k, crd(k, [{ name: 'v1', schema: crSchema }]));
      const text = JSON.stringify({
        apiVersion: `${made.group}/v1`,
        kind: made.kind,
        metadata: { name: 'mytest', finalizers: ['test-finalizer.example.com/one'] },
        spec: {
          foo: 'foo1',
          cronSpec: '* * * * */5',
          ports: [{ name: 'x', containerPort: 80, protocol: 'TCP' }],
        },
      });
      const { status, body } = await apply(k, made.at('v1', 'mytest'), text, strict);
      expect(status).to.be.greaterThan(399);
      expect((body as { message: string }).message).to.match(/unknown field|field not declared in schema/);
    },
  );

  restate('FieldValidation should detect duplicates in a CR when preserving unknown fields', async (k) => {
    const made = await establish(k, crd(k));
    const text = `{"apiVersion":"${made.group}/v1","kind":"${made.kind}","metadata":{"name":"dup"},"spec":{"unknown":"uk1","cronSpec":"* * * * */5","cronSpec":"* * * * */10"}}`;
    const { status, body } = await k.ask('POST', `${made.at()}?${strict}`, Buffer.from(text), {
      'content-type': 'application/json',
    });
    expect(status).to.equal(400);
    expect((body as { message: string }).message).to.include('duplicate field "spec.cronSpec"');
  });

  restate('FieldValidation should detect unknown and duplicate fields of a typed object', async (k) => {
    const text = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"dup","labels":{"app":"nginx"}},
      "spec":{"unknown1":"val1","unknownDupe":"valDupe","unknownDupe":"valDupe2","paused":true,"paused":false,
      "selector":{"matchLabels":{"app":"nginx"}},"template":{"metadata":{"labels":{"app":"nginx"}},
      "spec":{"containers":[{"name":"nginx","image":"nginx:latest","unknownNested":"val1","imagePullPolicy":"Always","imagePullPolicy":"Never"}]}}}}`;
    const { status, body } = await k.ask(
      'POST',
      `${k.at('apps/v1', 'deployments')}?${strict}`,
      Buffer.from(text),
      {
        'content-type': 'application/json',
      },
    );
    expect(status).to.equal(400);
    const { message } = body as { message: string };
    for (const problem of [
      'unknown field "spec.unknown1"',
      'unknown field "spec.unknownDupe"',
      'duplicate field "spec.paused"',
      'unknown field "spec.template.spec.containers[0].unknownNested"',
      'duplicate field "spec.template.spec.containers[0].imagePullPolicy"',
    ])
      expect(message).to.include(problem);
  });

  restate('FieldValidation should detect unknown metadata fields of a typed object', async (k) => {
    const status = await k.refused(400, 'POST', `${k.at('apps/v1', 'deployments')}?${strict}`, {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'my-dep', unknownMeta: 'value', labels: { app: 'nginx' } },
      spec: {
        selector: { matchLabels: { app: 'nginx' } },
        template: {
          metadata: { labels: { app: 'nginx' } },
          spec: { containers: [{ name: 'nginx', image: 'nginx:latest' }] },
        },
      },
    });
    expect(status.message).to.include('unknown field "metadata.unknownMeta"');
  });

  restate(
    'FieldValidation should detect unknown metadata fields in both the root and embedded object of a CR',
    async (k) => {
      const schema = {
        type: 'object',
        properties: {
          spec: {
            type: 'object',
            'x-kubernetes-preserve-unknown-fields': true,
            properties: {
              template: {
                type: 'object',
                'x-kubernetes-embedded-resource': true,
                properties: {
                  metadata: { type: 'object', properties: { name: { type: 'string' } } },
                  spec: { type: 'object' },
                },
              },
            },
          },
        },
      };
      const made = await establish(k, crd(k, [{ name: 'v1', schema }]));
      const status = await k.refused(400, 'POST', `${made.at()}?${strict}`, {
        apiVersion: `${made.group}/v1`,
        kind: made.kind,
        metadata: { name: 'my-cr', unknownMeta: 'value' },
        spec: {
          template: {
            apiVersion: 'foo/v1',
            kind: 'Sub',
            metadata: { name: 'subobject', unknownSubMeta: 'value' },
            spec: {},
          },
        },
      });
      expect(status.message).to.include('unknown field "metadata.unknownMeta"');
      expect(status.message).to.include('unknown field "spec.template.metadata.unknownSubMeta"');
    },
  );
});
