/** The sharing decoder against JSON.parse, on JSON of every kind and on what is none. */
import { expect } from 'chai';
import fc from 'fast-check';
import { SharingDecoder } from 'gyre/client';

const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');

/** As JSON.parse gives it, down to the order of members and the sign of zero. */
function expectSame(actual: unknown, expected: unknown): void {
  if (typeof expected !== 'object' || expected === null) {
    expect(Object.is(actual, expected), `${String(actual)} instead of ${String(expected)}`).to.equal(true);
    return;
  }
  expect(actual).to.be.an(Array.isArray(expected) ? 'array' : 'object');
  expect(Object.getPrototypeOf(actual)).to.equal(Object.getPrototypeOf(expected));
  expect(Object.keys(actual as object)).to.deep.equal(Object.keys(expected));
  for (const key of Object.keys(expected)) {
    const of = (value: unknown): unknown => Object.getOwnPropertyDescriptor(value, key)?.value;
    expectSame(of(actual), of(expected));
  }
}

function expectFrozen(value: unknown): void {
  if (typeof value !== 'object' || value === null) return;
  expect(Object.isFrozen(value)).to.equal(true);
  for (const inner of Object.values(value)) expectFrozen(inner);
}

/** JSON as others write it: with white space, escapes and any number. */
const spelled: fc.Arbitrary<string> = fc.letrec<{ value: string; composite: string }>((tie) => {
  const space = fc.constantFrom('', '', '', ' ', '\n', '\t\r ');
  const string = fc.oneof(
    fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text)),
    fc.string({ unit: 'grapheme' }).map((text) => JSON.stringify(text)),
    fc.constantFrom(
      '"__proto__"',
      '"constructor"',
      '"toString"',
      '"hasOwnProperty"',
      '"metadata"',
      '"spec"',
      '"name"',
      '"0"',
      '"17"',
      '""',
      '"\\u0041\\/\\b\\f\\n\\r\\t\\"\\\\"',
      '"\\ud83d\\ude00"',
      '"\\ud800"',
      '"\\udc00x"',
      '"grüße €😀"',
    ),
  );
  const number = fc.oneof(
    fc.integer().map(String),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => JSON.stringify(n)),
    fc.constantFrom(
      '-0',
      '0',
      '0.0',
      '-0.0e-0',
      '1e400',
      '-1e400',
      '1E+2',
      '123456789012345678901234567890',
      '5e-324',
    ),
    fc.bigInt().map(String),
  );
  const joined = (open: string, close: string, item: fc.Arbitrary<string>): fc.Arbitrary<string> =>
    fc
      .tuple(fc.array(item, { maxLength: 5 }), space, space)
      .map(([items, a, b]) => `${open}${a}${items.join(`${a},${b}`)}${b}${close}`);
  const member = fc.tuple(string, space, tie('value')).map(([key, s, value]) => `${key}${s}:${s}${value}`);
  return {
    value: fc.oneof(
      { depthSize: 'small' },
      string,
      number,
      fc.constantFrom('true', 'false', 'null', '{}', '[]', '[ ]', '{ }'),
      tie('composite'),
    ),
    composite: fc.oneof(joined('[', ']', tie('value')), joined('{', '}', member)),
  };
}).value;

describe('sharing decoder: the same as JSON.parse', () => {
  it('gives what JSON.parse gives, whatever it read before (property)', () => {
    const decoder = new SharingDecoder({ keepManagedFields: true });
    fc.assert(
      fc.property(fc.array(spelled, { minLength: 1, maxLength: 4 }), (texts) => {
        // Twice: what was learned and pooled by the first must not change the second.
        for (const text of [...texts, ...texts]) {
          const value = decoder.decode(bytes(text));
          expectSame(value, JSON.parse(text));
          expectFrozen(value);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('gives what JSON.parse gives of objects much alike, over and over (property)', () => {
    const word = fc.constantFrom('web', 'db', 'x', 'name', '__proto__', 'a\nb');
    const leaf = fc.oneof(word, fc.integer({ min: 0, max: 3 }), fc.constant(null), fc.boolean());
    const tree = fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof(
        { depthSize: 'small' },
        leaf,
        fc.array(tie('node'), { maxLength: 3 }),
        fc.dictionary(word, tie('node'), { maxKeys: 3 }),
      ),
    })).node;
    const pod = fc.record({ metadata: fc.record({ name: word, labels: tree }), spec: tree, status: tree });
    const held = new Map<string, unknown>();
    const decoder = new SharingDecoder({
      maxPoolBytes: 4096,
      known: (namespace, name) => held.get(`${namespace}/${name}`),
    });
    fc.assert(
      fc.property(pod, (value) => {
        const text = JSON.stringify(value);
        const decoded = decoder.decode(bytes(text));
        expectSame(decoded, JSON.parse(text));
        expectFrozen(decoded);
        held.set(`undefined/${value.metadata.name}`, decoded);
      }),
      { numRuns: 3000 },
    );
  });

  it('takes bytes that are part of a larger buffer, and bytes that are no Buffer', () => {
    const inside = new Uint8Array(bytes('xx{"a":[1]}yy')).subarray(2, 11);
    expect(new SharingDecoder().decode(inside)).to.deep.equal({ a: [1] });
  });

  it('lets the last of two members of one name win, in the place of the first', () => {
    const value = new SharingDecoder().decode(bytes('{"a":1,"b":2,"a":{"c":3}}'));
    expect(JSON.stringify(value)).to.equal('{"a":{"c":3},"b":2}');
  });

  it('makes a member of __proto__ and pollutes nothing', () => {
    const decoder = new SharingDecoder();
    const text = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}';
    for (let i = 0; i < 3; i++) {
      const value = decoder.decode(bytes(text)) as object;
      expect(Object.getPrototypeOf(value)).to.equal(Object.prototype);
      expect(Object.keys(value)).to.deep.equal(['__proto__', 'constructor']);
    }
    expect(({} as { polluted?: boolean }).polluted).to.equal(undefined);
  });

  it('reads broken UTF-8 as JSON.parse reads the text it is replaced with', () => {
    const broken = [
      [0xff],
      [0xc3],
      [0xe2, 0x82],
      [0xf0, 0x9f, 0x98],
      [0xed, 0xa0, 0x80],
      [0xc0, 0xaf],
      [0x80, 0x80],
    ];
    const decoder = new SharingDecoder();
    for (const middle of broken) {
      const all = Buffer.concat([bytes('{"a":"x'), Buffer.from(middle), bytes('y","b":1}')]);
      expect(decoder.decode(all)).to.deep.equal(JSON.parse(all.toString('utf8')));
      const outside = Buffer.concat([bytes('{"a":'), Buffer.from(middle), bytes('1}')]);
      expect(() => decoder.decode(outside)).to.throw(SyntaxError);
    }
  });
});

describe('sharing decoder: what is no JSON', () => {
  it('throws a SyntaxError for bytes that end too early, wherever that is, also when it knows what should come', () => {
    const text =
      '{"kind":"Pod","metadata":{"name":"a","labels":{"app":"wéb"},"managedFields":[{"a":"]"}]},' +
      '"spec":{"n":[-1.5e3,true,false,null,"\\u00e9",{"x":{"y":[]}}]}}';
    const whole = bytes(text);
    const decoder = new SharingDecoder();
    for (let round = 0; round < 2; round++) {
      for (let end = 0; end < whole.length; end++) {
        // What follows in memory must not matter.
        expect(() => decoder.decode(whole.subarray(0, end)), String(end)).to.throw(SyntaxError);
      }
      expect(decoder.decode(whole)).to.have.nested.property('metadata.labels.app', 'wéb');
    }
  });

  it('throws a SyntaxError where JSON.parse does, and only there, when a byte is another (property)', () => {
    const decoder = new SharingDecoder({ keepManagedFields: true });
    fc.assert(
      fc.property(
        spelled,
        fc.nat(),
        fc.constantFrom(...'{}[]",:\\ 0-1e.tnu\u0000\u0001x'),
        (text, at, other) => {
          const position = at % (text.length + 1);
          const changed = text.slice(0, position) + other + text.slice(position + 1);
          let expected: unknown;
          try {
            expected = JSON.parse(bytes(changed).toString());
          } catch {
            expect(() => decoder.decode(bytes(changed))).to.throw(SyntaxError);
            return;
          }
          expectSame(decoder.decode(bytes(changed)), expected);
        },
      ),
      { numRuns: 2000 },
    );
  });

  for (const text of [
    '',
    ' ',
    '01',
    '-',
    '1.',
    '.5',
    '1e',
    '+1',
    'nul',
    'tru',
    '{"a"}',
    '{"a":1,}',
    '[1,]',
    '[,1]',
    '{,}',
    '{"a":1 "b":2}',
    '[1 2]',
    '1 2',
    '{}{}',
    '"\n"',
    '"\\x"',
    '"\\u12"',
    '\ufeff{}',
    "{'a':1}",
    '{a:1}',
    '[1}',
    '{"a":[}',
  ])
    it(`refuses ${JSON.stringify(text)}`, () => {
      expect(() => JSON.parse(text) as unknown).to.throw(SyntaxError);
      expect(() => new SharingDecoder().decode(bytes(text))).to.throw(SyntaxError);
    });

  it('refuses what is nested deeper than its bound, without a stack overflow, and works on', () => {
    const nested = (depth: number): Buffer => bytes('['.repeat(depth) + '1' + ']'.repeat(depth));
    const deepest = new SharingDecoder({ maxDepth: 100 }).decode(nested(100));
    expectSame(deepest, JSON.parse(nested(100).toString()));
    const decoder = new SharingDecoder({ maxDepth: 100 });
    expect(() => decoder.decode(nested(101))).to.throw(SyntaxError, 'deeper than 100');
    expect(() => new SharingDecoder().decode(nested(1_000_000))).to.throw(SyntaxError);
    expect(() => decoder.decode(bytes('{"a":'.repeat(100_000)))).to.throw(SyntaxError);
    expect(decoder.decode(bytes('[1]'))).to.deep.equal([1]);
  });
});

interface Pod {
  readonly metadata: { readonly name: string; readonly labels: object; readonly annotations?: object };
  readonly spec: { readonly nodeName: string; readonly containers: readonly object[] };
  readonly status: object;
}

const pod = (i: number, status: object = {}): Buffer =>
  bytes(
    JSON.stringify({
      metadata: {
        name: `pod-${i}`,
        namespace: 'default',
        uid: `uid-${i}`,
        labels: { app: 'web', tier: 'front' },
        managedFields: [{ manager: 'kubelet', fieldsV1: { 'f:status': { '"]}': {} } } }],
      },
      spec: { nodeName: `node-${i}`, containers: [{ name: 'web', image: 'web:1', args: ['--verbose'] }] },
      status: { phase: 'Running', podIP: `10.0.0.${i}`, ...status },
    }),
  );

describe('sharing decoder: what it shares', () => {
  it('gives subtrees with equal bytes as one frozen object, and leaves managedFields out', () => {
    const decoder = new SharingDecoder();
    const [a, b] = [decoder.decode(pod(1)) as Pod, decoder.decode(pod(2)) as Pod];
    expect(a.metadata.labels).to.equal(b.metadata.labels);
    expect(a.spec.containers).to.equal(b.spec.containers);
    expect(a.spec).to.not.equal(b.spec);
    expect(a.metadata).to.not.have.property('managedFields');
    expect(() => Object.assign(a.spec.containers[0] as object, { image: 'other' })).to.throw(TypeError);
  });

  it('keeps managedFields when it is told to, and leaves out only those of the metadata of the object', () => {
    expect(new SharingDecoder({ keepManagedFields: true }).decode(pod(1))).to.have.nested.property(
      'metadata.managedFields',
    );
    const text =
      '{"managedFields":1,"spec":{"metadata":{"managedFields":[2]}},"metadata":{"managedFields":[3],"x":{"managedFields":[4]}}}';
    const decoder = new SharingDecoder();
    for (let i = 0; i < 3; i++) {
      expect(decoder.decode(bytes(text))).to.deep.equal({
        managedFields: 1,
        spec: { metadata: { managedFields: [2] } },
        metadata: { x: { managedFields: [4] } },
      });
    }
  });

  it('gives what did not change as the very object the reader holds, even if it is like no other', () => {
    const held = new Map<string, Pod>();
    const decoder = new SharingDecoder({ known: (namespace, name) => held.get(`${namespace}/${name}`) });
    // Many, so that the decoder has given up to share what is different each time.
    for (let i = 0; i < 500; i++) held.set(`default/pod-${i}`, decoder.decode(pod(i)) as Pod);
    for (const i of [0, 77, 499]) {
      const before = held.get(`default/pod-${i}`) as Pod;
      const now = decoder.decode(pod(i, { restarts: 1 })) as Pod;
      expect(now.spec).to.equal(before.spec);
      expect(now.metadata.labels).to.equal(before.metadata.labels);
      expect(now.status).to.not.equal(before.status);
      expect(now.status).to.deep.include({ restarts: 1, podIP: `10.0.0.${i}` });
    }
  });

  it('tells a change of one value, of one member more or less, and of the order of members', () => {
    const decode = (text: string, held: unknown): { spec: object } =>
      new SharingDecoder({ known: () => held }).decode(bytes(`{"metadata":{"name":"a"},"spec":${text}}`)) as {
        spec: object;
      };
    const before = decode('{"a":0,"b":{"c":[1,2]},"d":"é"}', undefined);
    for (const text of [
      '{"a":-0,"b":{"c":[1,2]},"d":"é"}',
      '{"a":1,"b":{"c":[1,2]},"d":"é"}',
      '{"a":0,"b":{"c":[1]},"d":"é"}',
      '{"a":0,"b":{"c":[1,2,3]},"d":"é"}',
      '{"a":0,"b":{"c":[1,2]}}',
      '{"a":0,"b":{"c":[1,2]},"d":"é","e":null}',
      '{"b":{"c":[1,2]},"a":0,"d":"é"}',
      '{"a":0,"b":{"c":[1,2]},"d":"Ã©"}',
    ]) {
      const now = decode(text, before);
      expect(now.spec, text).to.not.equal(before.spec);
      expectSame(now.spec, JSON.parse(text));
    }
    expect(decode('{"a":0,"b":{"c":[1,2]},"d":"é"}', before).spec).to.equal(before.spec);
  });

  it('takes nothing that is not frozen from what the reader holds', () => {
    const held = JSON.parse(pod(1).toString()) as Pod;
    const decoder = new SharingDecoder({ known: () => held });
    const now = decoder.decode(pod(1)) as Pod;
    expect(now.spec).to.not.equal(held.spec);
    expectFrozen(now);
  });

  it('keeps its pool within bounds, whatever comes', () => {
    const decoder = new SharingDecoder({ maxPoolBytes: 16 * 1024 });
    for (let i = 0; i < 20_000; i++) {
      // In pairs, so that it goes on to think that sharing pays.
      decoder.decode(
        bytes(JSON.stringify({ spec: { data: { value: `value-${i >> 1}`, [`key-${i >> 1}`]: [i >> 1] } } })),
      );
      if (i % 1000 === 0) expect(decoder.pooled.bytes).to.be.at.most(16 * 1024);
    }
    expect(decoder.pooled.entries).to.be.greaterThan(0);
  });
});
