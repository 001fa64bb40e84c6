import { expect } from 'chai';
import { schemaOfKind } from '#src/api/facts/index.js';
import { dropEmpty, type JsonObject, type Schema } from 'gyre/api';

const schemaOf = (kind: string, group = ''): Schema => {
  const schema = schemaOfKind({ group, version: 'v1', kind });
  if (!schema) throw new Error(`no ${kind}`);
  return schema;
};

describe('dropEmpty', () => {
  const rows: readonly [title: string, schema: Schema, value: JsonObject, expected: JsonObject][] = [
    [
      'drops empty maps and lists of optional fields',
      schemaOf('ConfigMap'),
      { metadata: { labels: {}, finalizers: [], annotations: { a: '' } }, data: {} },
      { metadata: { annotations: { a: '' } } },
    ],
    [
      'keeps empty structs',
      schemaOf('Pod'),
      { spec: { securityContext: {}, volumes: [{ name: 'v', emptyDir: {} }] } },
      { spec: { securityContext: {}, volumes: [{ name: 'v', emptyDir: {} }] } },
    ],
    [
      'looks into the items of lists',
      schemaOf('Pod'),
      { spec: { containers: [{ name: 'c', env: [], resources: { limits: {} } }] } },
      { spec: { containers: [{ name: 'c', resources: {} }] } },
    ],
    [
      'keeps what is required',
      schemaOf('EndpointSlice', 'discovery.k8s.io'),
      { metadata: { labels: {} }, endpoints: [] },
      { metadata: {}, endpoints: [] },
    ],
    [
      'keeps empty values of maps',
      { type: 'object', properties: { m: { type: 'object', additionalProperties: { type: 'array' } } } },
      { m: { a: [] } },
      { m: { a: [] } },
    ],
    [
      'keeps what the schema leaves open',
      { type: 'object', properties: { any: { 'x-kubernetes-preserve-unknown-fields': true } } },
      { any: { list: [], map: {} }, unknown: [] },
      { any: { list: [], map: {} }, unknown: [] },
    ],
  ];
  for (const [title, schema, value, expected] of rows) {
    it(title, () => expect(dropEmpty(value, schema)).to.deep.equal(expected));
  }

  it('gives back the very same value when nothing is empty', () => {
    const value = { metadata: { labels: { a: 'b' } }, data: { c: 'd' } };
    expect(dropEmpty(value, schemaOf('ConfigMap'))).to.equal(value);
  });
});
