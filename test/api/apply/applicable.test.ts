/** What a configuration cannot say: fields nobody declares, parts that only change as a whole. */
import { expect } from 'chai';
import { atomicFields, type JsonObject, type Schema, undeclaredFields } from '#src/api/index.js';

const text: Schema = { type: 'string' };
const schema: Schema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        keyed: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: {
            type: 'object',
            properties: { name: text, args: { type: 'array', items: text } },
          },
        },
        set: { type: 'array', 'x-kubernetes-list-type': 'set', items: text },
        list: { type: 'array', 'x-kubernetes-list-type': 'atomic', items: text },
        plain: {
          type: 'array',
          items: { type: 'object', properties: { list: { type: 'array', items: text } } },
        },
        labels: { type: 'object', additionalProperties: { type: 'array', items: text } },
        whole: { type: 'object', 'x-kubernetes-map-type': 'atomic', additionalProperties: text },
        open: { 'x-kubernetes-preserve-unknown-fields': true },
      },
    },
  },
};

describe('a configuration that is applied', () => {
  const rows: readonly (readonly [spec: JsonObject, atomics: readonly string[]])[] = [
    [{}, []],
    [{ set: ['a'], labels: { a: ['b'] }, keyed: [{ name: 'x' }] }, []],
    [{ list: ['a'] }, ['.spec.list']],
    [{ whole: { a: 'b' } }, ['.spec.whole']],
    [{ keyed: [{ name: 'x' }, { name: 'y', args: [] }] }, ['.spec.keyed[1].args']],
    [{ plain: [{ list: ['a'] }] }, ['.spec.plain', '.spec.plain[0].list']],
    [{ open: ['a'] }, ['.spec.open']],
    [{ open: { any: ['a'] } }, []],
    [{ list: null }, []],
  ];
  for (const [spec, atomics] of rows)
    it(`API-9 ${JSON.stringify(spec)} replaces ${atomics.join(' and ') || 'nothing as a whole'}`, () => {
      expect(atomicFields({ spec }, schema)).to.deep.equal(atomics);
    });

  it('API-9 fields nobody declares are told, all of them', () => {
    expect(undeclaredFields({ spec: { set: ['a'], open: { any: 1 } } }, schema)).to.equal(undefined);
    expect(undeclaredFields({ spec: { nope: 1 } }, schema)).to.equal(
      '.spec.nope: field not declared in schema',
    );
    expect(undeclaredFields({ nope: 1, spec: { nein: 1 } }, schema)).to.equal(
      'errors:\n  .nope: field not declared in schema\n  .spec.nein: field not declared in schema',
    );
  });
});
