import { expect } from 'chai';
import fc from 'fast-check';
import { compareFields, FieldSet, fieldsOf, fieldsOfNew, type Schema } from '#src/api/index.js';
import type { JsonObject } from '#src/api/objects.js';

const element = fc.constantFrom(
  'f:spec',
  'f:a',
  'f:.',
  'f:__proto__',
  'k:{"name":"web"}',
  'v:"x"',
  'v:1',
  'i:0',
);
const path = fc.array(element, { minLength: 1, maxLength: 3 });
const setOf = (paths: readonly (readonly string[])[]): FieldSet =>
  paths.reduce((all, [...elements]) => {
    const last = elements.pop() as string;
    let set = new FieldSet(new Set([last]));
    for (const above of elements.reverse()) set = new FieldSet(new Set(), new Map([[above, set]]));
    return all.union(set);
  }, FieldSet.empty);
const sets = fc.array(path, { maxLength: 6 }).map(setOf);

describe('FieldSet', () => {
  it('reads back the FieldsV1 it writes (property)', () => {
    fc.assert(
      fc.property(sets, (set) => {
        const wire = JSON.parse(JSON.stringify(set.toFieldsV1())) as JsonObject;
        expect(FieldSet.fromFieldsV1(wire).equals(set)).to.equal(true);
      }),
    );
  });

  it('obeys the laws of sets (property)', () => {
    fc.assert(
      fc.property(sets, sets, path, (a, b, p) => {
        expect(a.union(b).has(p)).to.equal(a.has(p) || b.has(p));
        expect(a.intersection(b).has(p)).to.equal(a.has(p) && b.has(p));
        expect(a.difference(b).has(p)).to.equal(a.has(p) && !b.has(p));
        expect(a.difference(b).union(a.intersection(b)).equals(a)).to.equal(true);
        expect(a.difference(a).isEmpty).to.equal(true);
        expect(a.union(b).equals(b.union(a))).to.equal(true);
      }),
    );
  });

  it('writes equal sets as equal text (property)', () => {
    fc.assert(
      fc.property(fc.array(path, { maxLength: 5 }), (paths) => {
        const [one, two] = [setOf(paths), setOf([...paths].reverse())];
        expect(JSON.stringify(one.toFieldsV1())).to.equal(JSON.stringify(two.toFieldsV1()));
      }),
    );
  });

  it('marks an element that is owned itself besides what is below it with "."', () => {
    const wire = { 'f:labels': { '.': {}, 'f:app': {} } };
    const set = FieldSet.fromFieldsV1(wire);
    expect(set.paths()).to.deep.equal(['.labels', '.labels.app']);
    expect(set.toFieldsV1()).to.deep.equal(wire);
  });

  it('names paths as conflicts do', () => {
    const set = FieldSet.fromFieldsV1({
      'f:ports': { 'k:{"protocol":"TCP", "containerPort":80}': { 'f:name': {} } },
      'f:finalizers': { 'v:"x"': {} },
    });
    expect(set.paths()).to.deep.equal(['.finalizers[="x"]', '.ports[containerPort=80,protocol="TCP"].name']);
  });

  it('leaves out what is no element', () => {
    const hostile = {
      'k:null': {},
      'k:[1]': {},
      'k:{': {},
      'v:': {},
      'i:x': {},
      spec: {},
      'f:a': 1,
      'f:ok': {},
    };
    expect(FieldSet.fromFieldsV1(hostile as unknown as JsonObject).paths()).to.deep.equal(['.ok']);
  });
});

const text: Schema = { type: 'string' };
const schema: Schema = {
  type: 'object',
  properties: {
    name: text,
    args: { type: 'array', items: text },
    tags: { type: 'array', items: text, 'x-kubernetes-list-type': 'set' },
    labels: { type: 'object', additionalProperties: text },
    selector: { type: 'object', 'x-kubernetes-map-type': 'atomic', additionalProperties: text },
    free: { 'x-kubernetes-preserve-unknown-fields': true },
    ports: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['port', 'protocol'],
      items: {
        type: 'object',
        properties: { port: { type: 'integer' }, protocol: { type: 'string', default: 'TCP' }, name: text },
      },
    },
  },
};

describe('fieldsOf', () => {
  it('follows the topology of the schema, and deduces it where there is none', () => {
    const fields = fieldsOf(
      {
        name: 'x',
        args: ['a'],
        tags: ['t'],
        labels: { app: 'web' },
        selector: { app: 'web' },
        free: { deep: { list: [1] }, empty: {} },
        ports: [{ port: 80, name: 'http' }],
      },
      schema,
    );
    expect(fields.toFieldsV1()).to.deep.equal({
      'f:name': {},
      'f:args': {},
      'f:tags': { 'v:"t"': {} },
      'f:labels': { 'f:app': {} },
      'f:selector': {},
      'f:free': { 'f:deep': { '.': {}, 'f:list': {} }, 'f:empty': {} },
      'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:port': {}, 'f:name': {} } },
    });
  });

  it('refuses an item without any of its keys', () => {
    const keyed: Schema = {
      type: 'object',
      properties: {
        items: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: { type: 'object' },
        },
      },
    };
    expect(() => fieldsOf({ items: [{}] }, keyed)).to.throw(/omits key field "name"/);
  });
});

describe('compareFields', () => {
  const table: [
    string,
    JsonObject,
    JsonObject,
    { added?: string[]; modified?: string[]; removed?: string[] },
  ][] = [
    ['nothing', { name: 'a', args: ['x'] }, { args: ['x'], name: 'a' }, {}],
    ['a leaf', { name: 'a' }, { name: 'b' }, { modified: ['.name'] }],
    ['a list as a whole', { args: ['a'] }, { args: ['a', 'b'] }, { modified: ['.args'] }],
    [
      'values of a set',
      { tags: ['a', 'b'] },
      { tags: ['c', 'a'] },
      { added: ['.tags[="c"]'], removed: ['.tags[="b"]'] },
    ],
    [
      'entries of a map',
      { labels: { a: '1', b: '2' } },
      { labels: { a: '2', c: '3' } },
      { added: ['.labels.c'], modified: ['.labels.a'], removed: ['.labels.b'] },
    ],
    ['a map as a whole', { selector: { a: '1' } }, { selector: { a: '2' } }, { modified: ['.selector'] }],
    ['an item moved', { ports: [{ port: 1 }, { port: 2 }] }, { ports: [{ port: 2 }, { port: 1 }] }, {}],
    [
      'an item removed',
      { ports: [{ port: 1 }] },
      { ports: [] },
      { removed: ['.ports[port=1,protocol="TCP"]', '.ports[port=1,protocol="TCP"].port'] },
    ],
    [
      'indistinguishable items',
      { ports: [{ port: 1 }, { port: 1, name: 'x' }] },
      { ports: [{ port: 1 }, { port: 1, name: 'y' }] },
      { modified: ['.ports[port=1,protocol="TCP"]'] },
    ],
    [
      'a tree that becomes a leaf',
      { free: { a: { b: 1 } } },
      { free: { a: 'x' } },
      { modified: ['.free.a'], removed: ['.free.a.b'] },
    ],
  ];
  for (const [what, before, after, { added = [], modified = [], removed = [] }] of table) {
    it(`tells ${what}`, () => {
      const result = compareFields(before, after, schema);
      expect(result.added.paths()).to.deep.equal(added);
      expect(result.modified.paths()).to.deep.equal(modified);
      expect(result.removed.paths()).to.deep.equal(removed);
    });
  }

  it('calls added what is new with a new object (property)', () => {
    const word = fc.constantFrom('a', 'b', 'c');
    const optional = { requiredKeys: [] };
    const object = fc.record(
      {
        name: word,
        args: fc.array(word),
        tags: fc.uniqueArray(word),
        labels: fc.dictionary(word, word),
        selector: fc.dictionary(word, word),
        free: fc.object({ values: [fc.integer(), fc.string()] }),
        ports: fc.array(fc.record({ port: fc.nat(3), name: word }, { requiredKeys: ['port'] })),
      },
      optional,
    );
    fc.assert(
      fc.property(object, (after) => {
        const { added, modified, removed } = compareFields({}, after as JsonObject, schema);
        expect(modified.isEmpty && removed.isEmpty).to.equal(true);
        expect(fieldsOfNew(after as JsonObject, schema).toFieldsV1()).to.deep.equal(added.toFieldsV1());
      }),
      { numRuns: 500 },
    );
  });

  it('takes time that grows with the change, not with its square', () => {
    const labels = (value: string): JsonObject =>
      ({
        labels: Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`l${i}`, value])),
      }) as JsonObject;
    const { modified } = compareFields(labels('a'), labels('b'), schema);
    expect(modified.children.get('f:labels')?.members.size).to.equal(20_000);
  });
});
