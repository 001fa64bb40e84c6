import { expect } from 'chai';
import fc from 'fast-check';
import { copyJson, deepEqualJson, deepFreeze, isApiError, parseJsonStrict } from '#src/api/index.js';

const limits = { maxDepth: 100 };

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(isApiError(error, 'BadRequest'), String(error)).to.equal(true);
    return (error as Error).message;
  }
  throw new Error('was accepted');
}

describe('copyJson', () => {
  it('is what JSON.parse(JSON.stringify()) is, for every JSON value, and shares nothing (property)', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const copy = copyJson(value);
        expect(copy).to.deep.equal(JSON.parse(JSON.stringify(value)));
        if (typeof value === 'object' && value !== null) expect(copy).not.to.equal(value);
      }),
    );
  });

  it('leaves out undefined members and keeps null', () => {
    expect(copyJson({ a: undefined, b: null })).to.deep.equal({ b: null });
  });

  it('has no minus zero, as JSON has none', () => {
    expect(Object.is(copyJson(-0), 0)).to.equal(true);
  });

  class Website {
    image = 'nginx';
  }
  const cycle: Record<string, unknown> = {};
  cycle.self = cycle;
  const refused: [string, unknown, RegExp][] = [
    ['a Date', { spec: { at: new Date(0) } }, /^spec\.at: .*Date.*toISOString/],
    ['NaN', { spec: { n: Number.NaN } }, /^spec\.n: NaN/],
    ['an infinity', [1, Number.POSITIVE_INFINITY], /^\[1\]: Infinity/],
    ['undefined in an array', { a: [undefined] }, /^a\[0\]: .*undefined/],
    ['a hole in an array', { a: Object.assign([], { length: 1 }) }, /^a\[0\]: .*undefined/],
    ['a function', { a: { run: () => 1 } }, /^a\.run: .*function/],
    ['a bigint', { a: 1n }, /^a: .*bigint/],
    ['a symbol', { a: Symbol('s') }, /^a: .*symbol/],
    ['a class instance', { spec: new Website() }, /^spec: .*Website/],
    ['a Map', { spec: new Map() }, /^spec: .*Map/],
    ['a cycle', cycle, /deeper/],
  ];
  for (const [what, value, message] of refused) {
    it(`refuses ${what}, naming the field`, () => {
      expect(refusal(() => copyJson(value))).to.match(message);
    });
  }

  it('keeps a __proto__ member as plain data', () => {
    const hostile: unknown = JSON.parse('{"__proto__":{"polluted":true}}');
    const copy = copyJson(hostile) as object;
    expect(Object.hasOwn(copy, '__proto__')).to.equal(true);
    expect(Object.getPrototypeOf(copy)).to.equal(Object.prototype);
    expect(({} as { polluted?: boolean }).polluted).to.equal(undefined);
  });
});

describe('deepEqualJson', () => {
  it('holds between a value and its copy with members reversed (property)', () => {
    const reversed = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(reversed);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, member]) => [key, reversed(member)]),
      );
    };
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const json = copyJson(value);
        expect(deepEqualJson(json, reversed(json))).to.equal(true);
      }),
    );
  });

  it('tells arrays from objects, absent from null and own from inherited members', () => {
    expect(deepEqualJson([], {})).to.equal(false);
    expect(deepEqualJson({ a: null }, { b: null })).to.equal(false);
    expect(deepEqualJson({ toString: 1 }, { valueOf: 1 })).to.equal(false);
  });
});

describe('deepFreeze', () => {
  it('freezes what is below', () => {
    const frozen = deepFreeze({ a: [{ b: 1 }] });
    expect(Object.isFrozen(frozen.a[0])).to.equal(true);
  });
});

describe('parseJsonStrict', () => {
  it('parses what JSON.stringify writes, without complaint (property)', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 10 }), (value) => {
        const text = JSON.stringify(value);
        const { value: parsed, duplicates } = parseJsonStrict(text, limits);
        expect(parsed).to.deep.equal(JSON.parse(text));
        expect(duplicates).to.deep.equal([]);
      }),
    );
  });

  const repeated: [string, string[]][] = [
    ['{"spec":{"replicas":1,"replicas":2}}', ['duplicate field "spec.replicas"']],
    ['{"a":[{"x":1},{"x":1,"x":2}]}', ['duplicate field "a[1].x"']],
    ['{"a":1,"a":2,"a":3}', ['duplicate field "a"']],
    ['{"a":{"b":1},"c":{"b":1}}', []],
    ['{"a":"a","b":["a","a"]}', []],
    ['{"a":1,"\\u0061":2}', ['duplicate field "a"']],
    ['{"a\\"":1,"b":"}{,:\\"","b":2}', ['duplicate field "b"']],
  ];
  for (const [text, duplicates] of repeated) {
    it(`reports ${JSON.stringify(duplicates)} of ${text}`, () => {
      expect(parseJsonStrict(text, limits).duplicates).to.deep.equal(duplicates);
    });
  }

  it('lets the last of repeated members count', () => {
    expect(parseJsonStrict('{"a":1,"a":2}', limits).value).to.deep.equal({ a: 2 });
  });

  it('reports at most a hundred duplicates', () => {
    const members = Array.from({ length: 300 }, (_, i) => `"m${i}":1,"m${i}":2`).join(',');
    expect(parseJsonStrict(`{${members}}`, limits).duplicates).to.have.length(100);
  });

  for (const text of ['', '{', '{"a"', '"\\', '[1,]', '{"a":}', 'nul', '[}', ']', '\u0000', '{"a":1}x']) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      refusal(() => parseJsonStrict(text, limits));
    });
  }

  it('refuses nesting beyond the limit, however deep, without overflowing the stack', () => {
    expect(refusal(() => parseJsonStrict('['.repeat(1_000_000), limits))).to.match(/deeper than 100/);
    expect(parseJsonStrict(`${'['.repeat(100)}${']'.repeat(100)}`, limits).duplicates).to.deep.equal([]);
  });

  it('refuses a number that would become an infinity', () => {
    for (const number of ['1e999', '-1e999', '9'.repeat(400)]) {
      expect(refusal(() => parseJsonStrict(`{"a":${number}}`, limits))).to.match(/cannot unmarshal number/);
    }
    expect(parseJsonStrict('{"a":1e308,"b":-0.5,"c":1E-5}', limits).value).to.deep.equal({
      a: 1e308,
      b: -0.5,
      c: 1e-5,
    });
  });
});
