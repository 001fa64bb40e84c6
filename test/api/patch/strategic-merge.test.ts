import { expect } from 'chai';
import fc from 'fast-check';
import { applyStrategicMergePatch, deepFreeze, isApiError, type Schema } from '#src/api/index.js';
import type { JsonObject } from '#src/api/objects.js';

const text: Schema = { type: 'string' };
const schema: Schema = {
  type: 'object',
  properties: {
    metadata: {
      type: 'object',
      properties: {
        finalizers: { type: 'array', items: text, 'x-kubernetes-patch-strategy': 'merge' },
        labels: { type: 'object', additionalProperties: text },
      },
    },
    spec: {
      type: 'object',
      properties: {
        containers: {
          type: 'array',
          'x-kubernetes-patch-strategy': 'merge',
          'x-kubernetes-patch-merge-key': 'name',
          items: {
            type: 'object',
            properties: {
              name: text,
              image: text,
              args: { type: 'array', items: text },
              ports: {
                type: 'array',
                'x-kubernetes-patch-strategy': 'merge',
                'x-kubernetes-patch-merge-key': 'containerPort',
                items: { type: 'object', properties: { containerPort: { type: 'integer' }, name: text } },
              },
            },
          },
        },
        strategy: {
          type: 'object',
          'x-kubernetes-patch-strategy': 'retainKeys',
          properties: { type: text, rollingUpdate: { type: 'object', properties: { maxSurge: text } } },
        },
        exact: { type: 'object', 'x-kubernetes-patch-strategy': 'replace', properties: { a: text, b: text } },
      },
    },
  },
};
const patched = (target: JsonObject, patch: JsonObject): JsonObject =>
  applyStrategicMergePatch(deepFreeze(target), deepFreeze(patch), schema);
const containers = (...items: JsonObject[]): JsonObject => ({ spec: { containers: items } });
const a = { name: 'a', image: '1' };
const b = { name: 'b', image: '1' };

describe('applyStrategicMergePatch (API-8)', () => {
  const table: [string, JsonObject, JsonObject, JsonObject][] = [
    [
      'merges an item by its key, in place',
      containers(a, b),
      containers({ name: 'b', image: '2' }),
      containers(a, { name: 'b', image: '2' }),
    ],
    [
      'puts a new item first, as Kubernetes does',
      containers(a, b),
      containers({ name: 'c' }),
      containers({ name: 'c' }, a, b),
    ],
    ['deletes an item', containers(a, b), containers({ $patch: 'delete', name: 'a' }), containers(b)],
    [
      'ignores the deletion of an item that is not there',
      containers(a),
      containers({ $patch: 'delete', name: 'x' }),
      containers(a),
    ],
    [
      'replaces a list',
      containers(a, b),
      containers({ $patch: 'replace' }, { name: 'c' }),
      containers({ name: 'c' }),
    ],
    ['empties a list', containers(a, b), containers({ $patch: 'replace' }), containers()],
    [
      'merges lists inside items',
      containers({ ...a, ports: [{ containerPort: 80 }] }),
      containers({ name: 'a', ports: [{ containerPort: 80, name: 'http' }] }),
      containers({ ...a, ports: [{ containerPort: 80, name: 'http' }] }),
    ],
    [
      'replaces a list that is not merged',
      containers({ ...a, args: ['x'] }),
      containers({ name: 'a', args: ['y'] }),
      containers({ ...a, args: ['y'] }),
    ],
    [
      'drops directives from a list that comes new',
      {},
      containers({ $patch: 'delete', name: 'x' }, { name: 'c' }),
      containers({ name: 'c' }),
    ],
    [
      'removes a member with null',
      { metadata: { labels: { x: '1', y: '2' } } },
      { metadata: { labels: { x: null } } },
      { metadata: { labels: { y: '2' } } },
    ],
    [
      'replaces a map',
      { metadata: { labels: { x: '1' } } },
      { metadata: { labels: { $patch: 'replace', z: '3' } } },
      { metadata: { labels: { z: '3' } } },
    ],
    [
      'empties a map with delete',
      { metadata: { labels: { x: '1' } } },
      { metadata: { labels: { $patch: 'delete' } } },
      { metadata: { labels: {} } },
    ],
    [
      'replaces an object whose strategy is replace',
      { spec: { exact: { a: '1' } } },
      { spec: { exact: { b: '2' } } },
      { spec: { exact: { b: '2' } } },
    ],
    [
      'merges a list of primitives as a set',
      { metadata: { finalizers: ['a', 'b'] } },
      { metadata: { finalizers: ['b', 'c'] } },
      { metadata: { finalizers: ['a', 'b', 'c'] } },
    ],
    [
      'takes items out of a list of primitives',
      { metadata: { finalizers: ['a', 'b'] } },
      { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } },
      { metadata: { finalizers: ['b'] } },
    ],
    [
      'orders a list of primitives',
      { metadata: { finalizers: ['a', 'b', 'c'] } },
      { metadata: { '$setElementOrder/finalizers': ['c', 'a'] } },
      { metadata: { finalizers: ['b', 'c', 'a'] } },
    ],
    [
      'orders a list by key',
      containers(a, b),
      {
        spec: {
          '$setElementOrder/containers': [{ name: 'b' }, { name: 'c' }, { name: 'a' }],
          containers: [{ name: 'c' }],
        },
      },
      containers(b, { name: 'c' }, a),
    ],
    [
      'retains only the keys listed',
      { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '1' } } } },
      { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } },
      { spec: { strategy: { type: 'Recreate' } } },
    ],
  ];
  for (const [what, target, patch, wanted] of table) {
    it(what, () => expect(patched(target, patch)).to.deep.equal(wanted));
  }

  const refused: [string, JsonObject][] = [
    ['an item without its merge key', containers({ image: '2' })],
    ['an item that is no object', { spec: { containers: ['a'] } }],
    ['an unknown directive', { spec: { $patch: 'explode' } }],
    ['a merge directive in a list', containers({ $patch: 'merge', name: 'a' })],
    ['a retained key that is not listed', { spec: { strategy: { $retainKeys: [], type: 'Recreate' } } }],
    ['an order that is no list', { metadata: { '$setElementOrder/finalizers': 'a', finalizers: [] } }],
  ];
  for (const [what, patch] of refused) {
    it(`refuses ${what}`, () => {
      try {
        patched(containers(a), patch);
      } catch (error) {
        expect(isApiError(error, 'BadRequest'), String(error)).to.equal(true);
        return;
      }
      throw new Error('was applied');
    });
  }

  it('is idempotent on lists merged by key, keeps keys unique and nobody else out (property)', () => {
    const item = fc.record({
      name: fc.constantFrom('a', 'b', 'c', 'd'),
      image: fc.constantFrom('1', '2'),
    });
    const items = fc.uniqueArray(item, { selector: (i) => i.name, maxLength: 4 });
    fc.assert(
      fc.property(items, items, (live, patch) => {
        const once = patched(containers(...live), containers(...patch));
        expect(patched(once, containers(...patch))).to.deep.equal(once);
        const result = (once.spec as { containers: readonly { name: string; image: string }[] }).containers;
        const wanted = new Map([...live, ...patch].map((i) => [i.name as string, i]));
        expect(result).to.have.length(wanted.size);
        for (const i of result) expect(i).to.deep.equal(wanted.get(i.name));
      }),
    );
  });

  it('merges thousands of items without comparing each with each', () => {
    const many = Array.from({ length: 20_000 }, (_, i) => ({ name: `c${i}`, image: '1' }));
    const patch = many.map((item) => ({ ...item, image: '2' }));
    const result = applyStrategicMergePatch(containers(...many), containers(...patch), schema);
    expect((result.spec as { containers: unknown }).containers).to.deep.equal(patch);
  });

  it('writes __proto__ as plain data', () => {
    const patch = JSON.parse('{"metadata":{"labels":{"__proto__":{"polluted":"1"}}}}') as JsonObject;
    patched({ metadata: { labels: {} } }, patch);
    expect(({} as { polluted?: string }).polluted).to.equal(undefined);
  });
});
