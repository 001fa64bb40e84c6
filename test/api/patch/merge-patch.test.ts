import { expect } from 'chai';
import fc from 'fast-check';
import { applyMergePatch, copyJson, deepFreeze, mergePatchBetween } from '#src/api/index.js';
import type { JsonObject, JsonValue } from '#src/api/objects.js';

describe('applyMergePatch', () => {
  // The examples of RFC 7396, appendix A.
  const examples: [string, string, string][] = [
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b"}', '{"a":null}', '{}'],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"c"}', '{"a":["b"]}', '{"a":["b"]}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['{"a":[{"b":"c"}]}', '{"a":[1]}', '{"a":[1]}'],
    ['["a","b"]', '["c","d"]', '["c","d"]'],
    ['{"a":"foo"}', 'null', 'null'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ['[1,2]', '{"a":"b","c":null}', '{"a":"b"}'],
    ['{}', '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
  ];
  for (const [target, patch, wanted] of examples) {
    it(`${target} with ${patch} is ${wanted}`, () => {
      const result = applyMergePatch(
        deepFreeze(JSON.parse(target) as JsonValue),
        JSON.parse(patch) as JsonValue,
      );
      expect(result).to.deep.equal(JSON.parse(wanted));
    });
  }

  it('shares what it does not touch', () => {
    const target = { spec: { a: 1 }, status: {} };
    expect((applyMergePatch(target, { status: { b: 1 } }) as typeof target).spec).to.equal(target.spec);
  });

  it('writes __proto__ as plain data', () => {
    const patch = JSON.parse('{"__proto__":{"polluted":true}}') as JsonValue;
    const result = applyMergePatch({}, patch) as object;
    expect(Object.hasOwn(result, '__proto__')).to.equal(true);
    expect(({} as { polluted?: boolean }).polluted).to.equal(undefined);
  });

  it('the patch between two objects turns one into the other (property)', () => {
    const leaf = fc.oneof(fc.integer(), fc.string(), fc.array(fc.integer(), { maxLength: 2 }));
    const { tree } = fc.letrec<{ tree: JsonObject }>((tie) => ({
      tree: fc.dictionary(fc.constantFrom('a', 'b', 'c', '__proto__'), fc.oneof(leaf, tie('tree')), {
        maxKeys: 3,
      }) as fc.Arbitrary<JsonObject>,
    }));
    fc.assert(
      fc.property(tree, tree, (given, wanted) => {
        const [from, to] = [copyJson(given) as JsonObject, copyJson(wanted) as JsonObject];
        const patch = mergePatchBetween(deepFreeze(from), to);
        expect(applyMergePatch(from, patch ?? {})).to.deep.equal(to);
        expect(mergePatchBetween(to, to)).to.equal(undefined);
      }),
    );
  });
});
