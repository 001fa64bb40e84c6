import { expect } from 'chai';
import fc from 'fast-check';
import {
  type ApiError,
  applyJsonPatch,
  copyJson,
  deepFreeze,
  isApiError,
  tryJsonPatch,
} from '#src/api/index.js';
import type { JsonValue } from '#src/api/objects.js';

function failure(document: JsonValue, patch: JsonValue): ApiError {
  try {
    applyJsonPatch(document, patch);
  } catch (error) {
    expect(isApiError(error), String(error)).to.equal(true);
    return error as ApiError;
  }
  throw new Error('was applied');
}

describe('applyJsonPatch', () => {
  const applied: [string, JsonValue, JsonValue, JsonValue][] = [
    ['adds a member', { a: 1 }, [{ op: 'add', path: '/b', value: 2 }], { a: 1, b: 2 }],
    ['add replaces what is there', { a: 1 }, [{ op: 'add', path: '/a', value: null }], { a: null }],
    ['inserts into a list', [1, 3], [{ op: 'add', path: '/1', value: 2 }], [1, 2, 3]],
    ['appends with -', { l: [1] }, [{ op: 'add', path: '/l/-', value: 2 }], { l: [1, 2] }],
    ['removes an item', { l: [1, 2] }, [{ op: 'remove', path: '/l/0' }], { l: [2] }],
    ['replaces an item', { l: [1, 2] }, [{ op: 'replace', path: '/l/1', value: 9 }], { l: [1, 9] }],
    ['replaces the whole', { a: 1 }, [{ op: 'replace', path: '', value: [] }], []],
    ['moves', { a: { b: 1 } }, [{ op: 'move', from: '/a/b', path: '/c' }], { a: {}, c: 1 }],
    [
      'copies, each copy on its own',
      { a: { n: 1 } },
      [
        { op: 'add', path: '/a/m', value: 0 },
        { op: 'copy', from: '/a', path: '/b' },
        { op: 'replace', path: '/a/n', value: 2 },
      ],
      { a: { n: 2, m: 0 }, b: { n: 1, m: 0 } },
    ],
    [
      'unescapes ~1 and ~0',
      { 'a/b': 1, 'c~1': 2 },
      [
        { op: 'remove', path: '/a~1b' },
        { op: 'replace', path: '/c~01', value: 3 },
      ],
      { 'c~1': 3 },
    ],
    [
      'reaches members named like what objects inherit',
      { constructor: { toString: { x: 1 } } },
      [{ op: 'replace', path: '/constructor/toString/x', value: 2 }],
      { constructor: { toString: { x: 2 } } },
    ],
    [
      'tests by value',
      { a: { x: 1, y: [2] } },
      [{ op: 'test', path: '/a', value: { y: [2], x: 1 } }],
      { a: { x: 1, y: [2] } },
    ],
  ];
  for (const [what, document, patch, wanted] of applied) {
    it(what, () => expect(applyJsonPatch(deepFreeze(document), deepFreeze(patch))).to.deep.equal(wanted));
  }

  it('shares what it does not touch with the document', () => {
    const document = deepFreeze({ spec: { big: [1] }, status: { phase: 'x' } });
    const result = applyJsonPatch(document, [
      { op: 'add', path: '/status/phase', value: 'y' },
    ]) as typeof document;
    expect(result.spec).to.equal(document.spec);
    expect(result.status).to.deep.equal({ phase: 'y' });
  });

  const unappliable: [string, JsonValue, RegExp][] = [
    ['a failed test', { op: 'test', path: '/a', value: 2 }, /testing value \/a failed: test failed/],
    [
      'removing what is not there',
      { op: 'remove', path: '/b' },
      /remove operation does not apply: doc is missing path: "\/b"/,
    ],
    [
      'replacing what is not there',
      { op: 'replace', path: '/b', value: 1 },
      /replace operation does not apply/,
    ],
    ['adding below what is not there', { op: 'add', path: '/b/c', value: 1 }, /add operation does not apply/],
    ['an index beyond the end', { op: 'add', path: '/l/5', value: 1 }, /invalid index: 5/],
    ['an index with a leading zero', { op: 'add', path: '/l/00', value: 1 }, /invalid index: 00/],
    ['removing an inherited name', { op: 'remove', path: '/toString' }, /remove operation does not apply/],
    ['moving into itself', { op: 'move', from: '/a', path: '/a/b' }, /into itself/],
    ['removing the whole document', { op: 'remove', path: '' }, /whole document/],
  ];
  for (const [what, operation, message] of unappliable) {
    it(`answers 422 Invalid to ${what}, naming the operation`, () => {
      const document: JsonValue = deepFreeze({ a: 1, l: [] });
      const error = failure(document, [{ op: 'add', path: '/z', value: 1 }, operation]);
      expect([error.code, error.reason]).to.deep.equal([422, 'Invalid']);
      expect(error.message).to.match(/^the server rejected our request due to an error in our request: /);
      expect(error.message).to.match(message);
      expect(error.causes[0]?.field).to.equal('patch');
    });
  }

  it('tryJsonPatch says which operation was refused: a test that fails may be meant', () => {
    const document: JsonValue = deepFreeze({ a: 1 });
    const add: JsonValue = { op: 'add', path: '/b', value: 2 };
    expect(tryJsonPatch(document, [{ op: 'test', path: '/a', value: 1 }, add])).to.deep.equal({
      document: { a: 1, b: 2 },
    });
    expect(tryJsonPatch(document, [add, { op: 'test', path: '/a', value: 2 }])).to.deep.equal({
      refused: { op: 'test', path: '/a', why: 'testing value /a failed: test failed' },
    });
  });

  const malformed: [string, JsonValue][] = [
    ['an object', {}],
    ['an operation that is no object', ['add']],
    ['an unknown operation', [{ op: 'increment', path: '/a' }]],
    ['an inherited operation', [{ op: 'constructor', path: '/a' }]],
    ['a missing path', [{ op: 'remove' }]],
    ['a path that is no pointer', [{ op: 'remove', path: 'a' }]],
    ['an add without a value', [{ op: 'add', path: '/a' }]],
    ['a move without from', [{ op: 'move', path: '/a' }]],
  ];
  for (const [what, patch] of malformed) {
    it(`answers 400 to ${what}`, () => expect(failure({ a: 1 }, patch).code).to.equal(400));
  }

  it('answers 413 to more than 10,000 operations (API-5)', () => {
    const patch = Array.from({ length: 10_001 }, () => ({ op: 'test', path: '', value: {} }));
    expect(failure({}, patch).code).to.equal(413);
    expect(applyJsonPatch({}, patch.slice(1))).to.deep.equal({});
  });

  it('answers 413 to copies of copies, before they fill the memory', () => {
    const double = { op: 'copy', from: '/l', path: '/l/-' };
    expect(
      failure(
        { l: ['0123456789'] },
        Array.from({ length: 60 }, () => double),
      ).code,
    ).to.equal(413);
  });

  it('answers 400 to a result nested too deeply to walk', () => {
    const chain = '/x'.repeat(900);
    const nested = JSON.parse(`${'{"x":'.repeat(900)}1${'}'.repeat(900)}`) as JsonValue;
    expect(
      failure({}, [
        { op: 'add', path: '/x', value: nested },
        { op: 'add', path: chain, value: nested },
      ]).code,
    ).to.equal(400);
  });

  it('writes __proto__ as plain data and pollutes nothing', () => {
    const result = applyJsonPatch({}, [
      { op: 'add', path: '/__proto__', value: {} },
      { op: 'add', path: '/__proto__/polluted', value: true },
    ]) as object;
    expect(Object.hasOwn(result, '__proto__')).to.equal(true);
    expect(({} as { polluted?: boolean }).polluted).to.equal(undefined);
    expect(failure({}, [{ op: 'add', path: '/__proto__/polluted', value: true }]).code).to.equal(422);
  });

  it('never changes document or patch, applied or not (property)', () => {
    const pointer = fc
      .array(fc.constantFrom('a', 'b', '0', '1', '-', '__proto__'), { maxLength: 3 })
      .map((tokens) => tokens.map((token) => `/${token}`).join(''));
    const operation = fc.record({
      op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test'),
      path: pointer,
      from: pointer,
      value: fc.constantFrom<JsonValue>(1, { a: [1, { b: 2 }] }, []),
    });
    const document = fc.constantFrom<JsonValue>({ a: [1, { b: 2 }], b: { a: [] } }, [[1], { a: 1 }]);
    fc.assert(
      fc.property(document, fc.array(operation, { maxLength: 6 }), (given, operations) => {
        const before = JSON.stringify([given, operations]);
        const frozen = deepFreeze(copyJson(given));
        let result: JsonValue | undefined;
        try {
          result = applyJsonPatch(frozen, operations as unknown as JsonValue);
        } catch (error) {
          expect(isApiError(error), String(error)).to.equal(true);
        }
        expect(JSON.stringify([frozen, operations])).to.equal(before);
        // A second time gives the same: nothing of the first run is held on to.
        if (result !== undefined)
          expect(applyJsonPatch(frozen, operations as unknown as JsonValue)).to.deep.equal(result);
      }),
    );
  });
});
