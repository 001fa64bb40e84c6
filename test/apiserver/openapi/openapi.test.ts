import { expect } from 'chai';
import type { JsonObject, JsonValue } from 'gyre/api';
import { customTypeName, openApiV3Document, openApiV3Index } from '#src/apiserver/openapi/document.js';
import { builtins, cronTabs } from '../served-resources.js';

const all = [...builtins, cronTabs];
const document = (group: string, version = 'v1') => openApiV3Document({ group, version }, all);
/** The value at a path of keys; undefined where it ends early. */
const at = (value: JsonValue | undefined, ...path: string[]): JsonValue | undefined =>
  path.reduce<JsonValue | undefined>((v, key) => (v as JsonObject | undefined)?.[key], value);
const keys = (value: JsonValue | undefined) => Object.keys((value ?? {}) as JsonObject);
const parameterNames = (operation: JsonValue | undefined) =>
  (at(operation, 'parameters') as JsonObject[]).map((p) => p['name']);

const apps = document('apps');
const core = document('');
const custom = document('stable.example.com');
const pod = '/api/v1/namespaces/{namespace}/pods/{name}';
const deployment = '/apis/apps/v1/namespaces/{namespace}/deployments/{name}';
const cronTab = '/apis/stable.example.com/v1/namespaces/{namespace}/crontabs/{name}';

describe('openApiV3Index', () => {
  it('gives each group-version a relative URL with its hash', () => {
    const index = openApiV3Index(
      [
        { group: '', version: 'v1' },
        { group: 'apps', version: 'v1' },
      ],
      ({ group }) => `h/${group}`,
    );
    expect(index).to.deep.equal({
      paths: {
        'api/v1': { serverRelativeURL: '/openapi/v3/api/v1?hash=h%2F' },
        'apis/apps/v1': { serverRelativeURL: '/openapi/v3/apis/apps/v1?hash=h%2Fapps' },
      },
    });
  });
});

describe('openApiV3Document: operations', () => {
  it('lets PATCH of built-in kinds take every patch type (API-8)', () => {
    expect(keys(at(apps, 'paths', deployment, 'patch', 'requestBody', 'content'))).to.deep.equal([
      'application/apply-patch+yaml',
      'application/json-patch+json',
      'application/merge-patch+json',
      'application/strategic-merge-patch+json',
    ]);
  });

  it('offers no strategic merge for custom kinds (API-8)', () => {
    expect(keys(at(custom, 'paths', cronTab, 'patch', 'requestBody', 'content'))).to.deep.equal([
      'application/apply-patch+yaml',
      'application/json-patch+json',
      'application/merge-patch+json',
    ]);
  });

  it('names the parameters clients look for (API-10)', () => {
    expect(parameterNames(at(core, 'paths', pod, 'patch'))).to.deep.equal([
      'dryRun',
      'fieldManager',
      'fieldValidation',
      'force',
    ]);
    const list = at(core, 'paths', '/api/v1/namespaces/{namespace}/pods', 'get');
    expect(parameterNames(list)).to.include.members([
      'watch',
      'limit',
      'continue',
      'labelSelector',
      'sendInitialEvents',
    ]);
    expect(parameterNames(at(core, 'paths', pod))).to.deep.equal(['namespace', 'name', 'pretty']);
  });

  it('says of each operation its action and kind', () => {
    const path = '/api/v1/namespaces/{namespace}/pods';
    const described = (p: string, method: string) => [
      at(core, 'paths', p, method, 'x-kubernetes-action'),
      at(core, 'paths', p, method, 'x-kubernetes-group-version-kind', 'kind'),
    ];
    expect(described(path, 'get')).to.deep.equal(['list', 'Pod']);
    expect(described(path, 'post')).to.deep.equal(['post', 'Pod']);
    expect(described(path, 'delete')).to.deep.equal(['deletecollection', 'Pod']);
    expect(described(pod, 'get')).to.deep.equal(['get', 'Pod']);
    expect(described(pod, 'put')).to.deep.equal(['put', 'Pod']);
    expect(described(`${pod}/eviction`, 'post')).to.deep.equal(['post', 'Eviction']);
    expect(described(`${pod}/exec`, 'get')).to.deep.equal(['connect', 'PodExecOptions']);
    expect(described('/api/v1/pods', 'get')).to.deep.equal(['list', 'Pod']);
    expect(
      at(apps, 'paths', `${deployment}/scale`, 'patch', 'x-kubernetes-group-version-kind'),
    ).to.deep.equal({
      group: 'autoscaling',
      kind: 'Scale',
      version: 'v1',
    });
  });

  it('has no operation that discovery does not list', () => {
    expect(keys(at(core, 'paths', '/api/v1/componentstatuses'))).to.deep.equal(['get', 'parameters']);
    expect(keys(at(core, 'paths', '/api/v1/namespaces'))).to.deep.equal(['get', 'post', 'parameters']);
    const reviews = document('authorization.k8s.io');
    expect(keys(at(reviews, 'paths', '/apis/authorization.k8s.io/v1/subjectaccessreviews'))).to.deep.equal([
      'post',
      'parameters',
    ]);
  });

  it('has distinct operation ids', () => {
    const ids = new Set<JsonValue | undefined>();
    let count = 0;
    for (const path of keys(core['paths'])) {
      for (const method of keys(at(core, 'paths', path)).filter((k) => k !== 'parameters')) {
        ids.add(at(core, 'paths', path, method, 'operationId'));
        count++;
      }
    }
    expect(ids.size).to.equal(count);
  });
});

describe('openApiV3Document: schemas', () => {
  it('resolves every reference inside the document, for every group-version', () => {
    for (const { facts } of all) {
      const doc = openApiV3Document(facts, all);
      const known = new Set(keys(at(doc, 'components', 'schemas')));
      const references = [...JSON.stringify(doc).matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)];
      expect(references.length).to.be.greaterThan(0);
      for (const [, name = ''] of references) expect(known.has(name), name).to.equal(true);
    }
  });

  it('holds only what is reachable from its group-version', () => {
    const names = keys(at(apps, 'components', 'schemas'));
    expect(names).to.include.members(['io.k8s.api.apps.v1.DeploymentList', 'io.k8s.api.core.v1.PodSpec']);
    expect(names).to.not.include('io.k8s.api.core.v1.Pod');
    expect(names).to.not.include('io.k8s.api.batch.v1.Job');
  });

  it('tells the kind of each schema that has one', () => {
    const kindOf = (doc: JsonObject, name: string) =>
      at(doc, 'components', 'schemas', name, 'x-kubernetes-group-version-kind');
    expect(kindOf(apps, 'io.k8s.api.apps.v1.Deployment')).to.deep.equal([
      { group: 'apps', kind: 'Deployment', version: 'v1' },
    ]);
    expect(kindOf(apps, 'io.k8s.api.apps.v1.DeploymentList')).to.deep.equal([
      { group: 'apps', kind: 'DeploymentList', version: 'v1' },
    ]);
    expect(kindOf(core, 'io.k8s.api.policy.v1.Eviction')).to.deep.equal([
      { group: 'policy', kind: 'Eviction', version: 'v1' },
    ]);
    expect(kindOf(apps, 'io.k8s.api.apps.v1.DeploymentSpec')).to.equal(undefined);
  });

  it('carries what three-way patches and apply need', () => {
    const properties = at(core, 'components', 'schemas', 'io.k8s.api.core.v1.PodSpec', 'properties');
    expect(at(properties, 'containers')).to.deep.equal({
      type: 'array',
      items: { $ref: '#/components/schemas/io.k8s.api.core.v1.Container' },
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      'x-kubernetes-patch-merge-key': 'name',
      'x-kubernetes-patch-strategy': 'merge',
    });
    expect(at(properties, 'affinity')).to.deep.equal({
      $ref: '#/components/schemas/io.k8s.api.core.v1.Affinity',
    });
    expect(at(properties, 'securityContext')).to.deep.equal({
      allOf: [{ $ref: '#/components/schemas/io.k8s.api.core.v1.PodSecurityContext' }],
      default: {},
    });
  });

  it('spells leaf types as Kubernetes publishes them, and nothing of our own', () => {
    const schema = (name: string) => at(core, 'components', 'schemas', `io.k8s.apimachinery.pkg.${name}`);
    expect(schema('util.intstr.IntOrString')).to.deep.equal({
      format: 'int-or-string',
      oneOf: [{ type: 'integer' }, { type: 'string' }],
    });
    expect(schema('api.resource.Quantity')).to.deep.equal({
      oneOf: [{ type: 'string' }, { type: 'number' }],
    });
    expect(schema('apis.meta.v1.Time')).to.deep.equal({ type: 'string', format: 'date-time' });
    expect(schema('apis.meta.v1.FieldsV1')).to.deep.equal({ type: 'object' });
    expect(JSON.stringify(core)).to.not.match(/"typeName"|"protobuf":/);
  });

  it('publishes a custom kind under its reversed group, with apiVersion, kind and metadata merged in', () => {
    expect(customTypeName(cronTabs.facts)).to.equal('com.example.stable.v1.CronTab');
    const name = 'com.example.stable.v1.CronTab';
    const metadata = { $ref: '#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta' };
    const text = { type: 'string' };
    expect(at(custom, 'components', 'schemas', name)).to.deep.equal({
      type: 'object',
      properties: {
        apiVersion: text,
        kind: text,
        metadata,
        spec: {
          type: 'object',
          required: ['cron'],
          properties: {
            cron: { type: 'string', description: 'when' },
            hosts: { type: 'array', items: text, 'x-kubernetes-list-type': 'set' },
            template: {
              type: 'object',
              'x-kubernetes-embedded-resource': true,
              properties: {
                apiVersion: text,
                kind: text,
                metadata,
                spec: { type: 'object', additionalProperties: text },
              },
            },
          },
        },
      },
      'x-kubernetes-group-version-kind': [{ group: 'stable.example.com', kind: 'CronTab', version: 'v1' }],
    });
    expect(at(custom, 'components', 'schemas', `${name}List`, 'properties', 'items', 'items')).to.deep.equal({
      $ref: `#/components/schemas/${name}`,
    });
    expect(
      at(custom, 'paths', `${cronTab}/scale`, 'get', 'x-kubernetes-group-version-kind', 'kind'),
    ).to.equal('Scale');
  });

  it('is the same every time: its hash may stand for it', () => {
    expect(JSON.stringify(document('apps'))).to.equal(JSON.stringify(apps));
  });
});
