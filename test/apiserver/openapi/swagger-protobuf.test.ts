/** The document of OpenAPI v2 in protobuf, read by the numbers that gnostic gives its fields. */
import { expect } from 'chai';
import type { JsonObject } from 'gyre/api';
import { WireReader, wireTypes } from '#src/apiserver/codec/wire-reader.js';
import { openApiV3Document } from '#src/apiserver/openapi/document.js';
import { swaggerOf } from '#src/apiserver/openapi/swagger.js';
import { acceptsProtobufV2, protobufOfSwagger } from '#src/apiserver/openapi/swagger-protobuf.js';
import { HttpsCluster } from '../http/https-cluster.js';
import { builtins, cronTabs } from '../served-resources.js';

type Fields = Map<number, (Uint8Array | number)[]>;

/** A message by the numbers of its fields. */
function fieldsOf(bytes: Uint8Array): Fields {
  const reader = new WireReader(bytes);
  const fields: Fields = new Map();
  while (!reader.done) {
    const { number, wireType } = reader.tag();
    const value =
      wireType === wireTypes.bytes
        ? reader.bytes()
        : wireType === wireTypes.fixed64
          ? reader.double()
          : reader.int64();
    fields.set(number, [...(fields.get(number) ?? []), value]);
  }
  return fields;
}

/** The one field at a path of numbers. */
function at(bytes: Uint8Array, ...path: number[]): Uint8Array {
  return path.reduce((message, number) => {
    const [one, ...more] = (fieldsOf(message).get(number) ?? []) as Uint8Array[];
    expect([one !== undefined, more.length], `field ${number} of ${path}`).to.deep.equal([true, 0]);
    return one as Uint8Array;
  }, bytes);
}
const has = (bytes: Uint8Array, number: number): boolean => fieldsOf(bytes).has(number);
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
const texts = (bytes: Uint8Array, number: number): string[] =>
  ((fieldsOf(bytes).get(number) ?? []) as Uint8Array[]).map(text);
/** Messages of a name and a value. */
const entries = (bytes: Uint8Array, number: number): Map<string, Uint8Array> =>
  new Map(
    ((fieldsOf(bytes).get(number) ?? []) as Uint8Array[]).map((each) => [text(at(each, 1)), at(each, 2)]),
  );
/** Of what begins with `x-`. */
const extension = (bytes: Uint8Array, number: number, name: string): unknown =>
  JSON.parse(text(at(entries(bytes, number).get(name) as Uint8Array, 2)));

const ofSchemas = (definitions: JsonObject): Map<string, Uint8Array> =>
  entries(at(protobufOfSwagger({ swagger: '2.0', definitions }), 9), 1);

describe('OpenAPI v2 in protobuf', () => {
  const all = [...builtins, cronTabs];
  const versions = new Map(
    all.map(({ facts: { group, version } }) => [`${group}/${version}`, { group, version }]),
  );
  const swagger = swaggerOf([...versions.values()].map((gv) => openApiV3Document(gv, all)));
  const document = protobufOfSwagger(swagger);
  const definitions = entries(at(document, 9), 1);
  const paths = entries(at(document, 8), 2);

  it('is of the older form, by its name and version', () => {
    expect(text(at(document, 1))).to.equal('2.0');
    expect([text(at(document, 2, 1)), text(at(document, 2, 2))]).to.deep.equal([
      'Kubernetes',
      (swagger.info as { version: string }).version,
    ]);
    expect(text(at(document, 13, 1, 2, 2, 3))).to.equal('header');
  });

  it('has all that the document in JSON has, in its order', () => {
    expect([...definitions.keys()]).to.deep.equal(Object.keys(swagger.definitions as JsonObject));
    expect([...paths.keys()]).to.deep.equal(Object.keys(swagger.paths as JsonObject));
  });

  it('a kind has its group, version and kind, its properties in order, and references', () => {
    const deployment = definitions.get('io.k8s.api.apps.v1.Deployment') as Uint8Array;
    expect(extension(deployment, 31, 'x-kubernetes-group-version-kind')).to.deep.equal([
      { group: 'apps', kind: 'Deployment', version: 'v1' },
    ]);
    expect(texts(at(deployment, 22), 1)).to.deep.equal(['object']);
    const properties = entries(at(deployment, 25), 1);
    expect([...properties.keys()]).to.deep.equal(['apiVersion', 'kind', 'metadata', 'spec', 'status']);
    expect(text(at(properties.get('spec') as Uint8Array, 1))).to.equal(
      '#/definitions/io.k8s.api.apps.v1.DeploymentSpec',
    );
    const spec = definitions.get('io.k8s.api.apps.v1.DeploymentSpec') as Uint8Array;
    expect(texts(spec, 19)).to.deep.equal(['selector', 'template']);
    const replicas = entries(at(spec, 25), 1).get('replicas') as Uint8Array;
    expect([text(at(replicas, 2)), text(at(replicas, 22, 1)), text(at(replicas, 5, 2))]).to.deep.equal([
      'int32',
      'integer',
      '1',
    ]);
    const quantity = definitions.get('io.k8s.apimachinery.pkg.api.resource.Quantity') as Uint8Array;
    expect(text(at(quantity, 22, 1))).to.equal('string');
  });

  it('lists, maps and what strategic merge goes by', () => {
    const spec = definitions.get('io.k8s.api.core.v1.PodSpec') as Uint8Array;
    const properties = entries(at(spec, 25), 1);
    const containers = properties.get('containers') as Uint8Array;
    expect(text(at(containers, 23, 1, 1))).to.equal('#/definitions/io.k8s.api.core.v1.Container');
    expect(extension(containers, 31, 'x-kubernetes-patch-merge-key')).to.equal('name');
    expect(text(at(properties.get('nodeSelector') as Uint8Array, 21, 1, 22, 1))).to.equal('string');
    expect(texts(properties.get('restartPolicy') as Uint8Array, 20).length).to.equal(3);
  });

  it('an operation names its kind, what it takes, and its parameters by their place', () => {
    const item = paths.get('/apis/apps/v1/namespaces/{namespace}/deployments/{name}') as Uint8Array;
    expect([...fieldsOf(item).keys()]).to.have.members([2, 3, 5, 8, 9]);
    const patch = at(item, 8);
    expect(extension(patch, 13, 'x-kubernetes-group-version-kind')).to.deep.equal({
      group: 'apps',
      kind: 'Deployment',
      version: 'v1',
    });
    expect(texts(patch, 7)).to.include('application/strategic-merge-patch+json');
    const parameters = fieldsOf(patch).get(8) as Uint8Array[];
    const named = (inner: number) =>
      parameters.flatMap((each) => {
        const found = fieldsOf(at(each, 1)).get(inner) as Uint8Array[] | undefined;
        return found ? [found[0] as Uint8Array] : [];
      });
    expect(named(2).map((query) => text(at(query, 3, 4)))).to.deep.equal([
      'dryRun',
      'fieldManager',
      'fieldValidation',
      'force',
    ]);
    expect(named(1).map((body) => text(at(body, 5, 1)))).to.deep.equal([
      '#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.Patch',
    ]);
    const common = fieldsOf(item).get(9) as Uint8Array[];
    expect(common.slice(0, 2).map((each) => text(at(each, 1, 2, 4, 4)))).to.deep.equal(['namespace', 'name']);
    expect(text(at(common.at(-1) as Uint8Array, 1, 2, 3, 4))).to.equal('pretty');
    const answers = entries(at(patch, 9), 1);
    expect([...answers.keys()]).to.deep.equal(['200', '201', '401']);
    expect(text(at(answers.get('200') as Uint8Array, 1, 2, 1, 1))).to.match(/Deployment$/);
  });

  it('everything a custom kind may say of a value has its field', () => {
    const properties = entries(
      at(
        ofSchemas({
          Thing: {
            properties: {
              number: { type: 'number', multipleOf: 0.5, maximum: 9, minimum: -1, exclusiveMinimum: true },
              text: { type: 'string', pattern: '^a$', minLength: 1, maxLength: 2, title: 't', example: 'a' },
              list: { type: 'array', items: {}, minItems: 1, maxItems: 300, uniqueItems: true },
              open: { type: 'object', additionalProperties: true, minProperties: 1, maxProperties: 2 },
              shut: { type: 'object', additionalProperties: false },
              all: { allOf: [{ title: 'a' }, { title: 'b' }] },
              unknown: { nobody: 'knows', nothing: null, __proto__x: 1 },
            },
          },
        }).get('Thing') as Uint8Array,
        25,
      ),
      1,
    );
    const numbers = (name: string) =>
      Object.fromEntries(
        [...fieldsOf(properties.get(name) as Uint8Array)].flatMap(([number, [value]]) =>
          typeof value === 'number' ? [[number, value]] : [],
        ),
      );
    expect(numbers('number')).to.deep.equal({ 6: 0.5, 7: 9, 9: -1, 10: 1 });
    expect(numbers('text')).to.deep.equal({ 11: 2, 12: 1 });
    expect(numbers('list')).to.deep.equal({ 14: 300, 15: 1, 16: 1 });
    expect(numbers('open')).to.deep.equal({ 17: 2, 18: 1 });
    expect(text(at(properties.get('text') as Uint8Array, 13))).to.equal('^a$');
    expect(fieldsOf(at(properties.get('open') as Uint8Array, 21)).get(2)).to.deep.equal([1]);
    expect(fieldsOf(at(properties.get('shut') as Uint8Array, 21)).get(2)).to.deep.equal([0]);
    expect(fieldsOf(properties.get('all') as Uint8Array).get(24)).to.have.length(2);
    expect(fieldsOf(properties.get('unknown') as Uint8Array).size).to.equal(0);
  });

  it('has values as YAML that every parser takes', () => {
    const value = (given: string): string =>
      text(at(ofSchemas({ A: { default: given } }).get('A') as Uint8Array, 5, 2));
    expect(value('a\u007f\u2028\ufeffb\tc')).to.equal('"a\\u007f\\u2028\\ufeffb\\tc"');
    expect(value('half \ud800 of it')).to.equal('"half \ufffd of it"');
    expect(value('💥')).to.equal('"💥"');
  });

  it('is what clients ask for by its media type', () => {
    expect(acceptsProtobufV2('application/com.github.proto-openapi.spec.v2@v1.0+protobuf')).to.equal(true);
    expect(acceptsProtobufV2('application/json, */*')).to.equal(false);
    expect(acceptsProtobufV2(undefined)).to.equal(false);
  });

  describe('as it is served', function () {
    this.timeout(20_000);
    let https: HttpsCluster;
    before(async () => {
      https = await HttpsCluster.start();
    });
    after(() => https[Symbol.asyncDispose]());
    const accept = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf';
    const ask = (headers: Readonly<Record<string, string>> = {}) =>
      https.ask('/openapi/v2', { headers: { accept, ...headers } });

    it('is told by its ETag, is compressed, and changes with the custom kinds', async () => {
      const first = await ask();
      expect(first.headers).to.include({
        'content-type': 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf',
        vary: 'Accept',
      });
      expect(has(first.bytes, 9)).to.equal(true);
      const etag = String(first.headers.etag);
      const again = await ask({ 'if-none-match': etag });
      expect([again.code, again.bytes.length]).to.deep.equal([304, 0]);
      const packed = await ask({ 'accept-encoding': 'gzip' });
      expect(packed.headers['content-encoding']).to.equal('gzip');
      expect(packed.bytes.length).to.be.lessThan(first.bytes.length / 4);
      const json = await https.ask('/openapi/v2');
      expect(json.headers.etag).to.not.equal(etag);

      const definition = {
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: 'things.wire.example.com' },
        spec: {
          group: 'wire.example.com',
          scope: 'Namespaced',
          names: { plural: 'things', kind: 'Thing' },
          versions: [
            { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } },
          ],
        },
      };
      const { code } = await https.ask('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
        method: 'POST',
        body: definition,
      });
      expect(code).to.equal(201);
      let changed = await ask({ 'if-none-match': etag });
      for (let i = 0; i < 100 && changed.code === 304; i++) changed = await ask({ 'if-none-match': etag });
      expect([...entries(at(changed.bytes, 9), 1).keys()]).to.include('com.example.wire.v1.Thing');
    });
  });
});
