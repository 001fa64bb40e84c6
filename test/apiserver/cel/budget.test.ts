/** Random expressions (API-16): compiling and running them never throws, and always ends within the budget. */
import { expect } from 'chai';
import fc from 'fast-check';
import {
  dyn,
  Environment,
  fromJson,
  int,
  isProgram,
  perCallLimit,
  string,
} from '#src/apiserver/cel/index.js';
import { regexp } from '#src/apiserver/cel/regexp.js';

const environment = new Environment({ o: dyn, s: string, n: int });

const { expression } = fc.letrec<{ expression: string }>((tie) => {
  const some = tie('expression');
  const leaf = fc.constantFrom(
    'o',
    's',
    'n',
    '1',
    '1.5',
    '2u',
    '"a"',
    "b'x'",
    'true',
    'null',
    'o.a',
    'o.l',
    'o.m',
    '[]',
    '{}',
    'x',
    'optional.none()',
  );
  const binary = fc
    .tuple(some, fc.constantFrom('+', '-', '*', '/', '%', '==', '!=', '<', '>=', 'in', '&&', '||'), some)
    .map(([a, op, b]) => `(${a} ${op} ${b})`);
  const method = fc
    .tuple(
      some,
      fc.constantFrom(
        'size',
        'sum',
        'min',
        'isSorted',
        'trim',
        'value',
        'hasValue',
        'join',
        'getHours',
        'lowerAscii',
      ),
    )
    .map(([a, name]) => `${a}.${name}()`);
  const methodOf = fc
    .tuple(
      some,
      fc.constantFrom(
        'matches',
        'find',
        'findAll',
        'split',
        'format',
        'indexOf',
        'contains',
        'charAt',
        'substring',
        'orValue',
      ),
      some,
    )
    .map(([a, name, b]) => `${a}.${name}(${b})`);
  const macro = fc
    .tuple(some, fc.constantFrom('all', 'exists', 'map', 'filter', 'exists_one', 'optMap'), some)
    .map(([a, name, b]) => `${a}.${name}(x, ${b})`);
  const call = fc
    .tuple(
      fc.constantFrom(
        'int',
        'string',
        'double',
        'type',
        'timestamp',
        'duration',
        'quantity',
        'ip',
        'cidr',
        'url',
        'dyn',
      ),
      some,
    )
    .map(([name, a]) => `${name}(${a})`);
  return {
    expression: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      leaf,
      binary,
      method,
      methodOf,
      macro,
      call,
      fc.tuple(some, some, some).map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
      fc.tuple(some, some).map(([a, b]) => `[${a}, ${b}]`),
      fc.tuple(some, some).map(([a, b]) => `{${a}: ${b}}`),
      fc.tuple(some, some).map(([a, b]) => `${a}[${b}]`),
      fc.tuple(some, some).map(([a, b]) => `cel.bind(x, ${a}, ${b})`),
      some.map((a) => `has(${a}.b)`),
      some.map((a) => `${a}.?b`),
    ),
  };
});

const variables = { o: fromJson({ a: 1, l: [1, 'a', null, { b: 2 }], m: { b: 'c' } }), s: 'hello', n: 5n };

describe('any CEL expression', () => {
  it('API-16 compiles or not, and runs, without throwing and within its budget', () => {
    let ran = 0;
    fc.assert(
      fc.property(expression, (text) => {
        const program = environment.compile(text);
        if (!isProgram(program)) return;
        ran++;
        const { cost, exceeded, value } = program.evaluate(variables, 20_000);
        expect(value).to.not.equal(undefined);
        // The last step may go beyond, and then it is over.
        expect(exceeded).to.equal(cost > 20_000);
      }),
      { numRuns: 2000, seed: 1 },
    );
    expect(ran).to.be.greaterThan(200);
  });

  it('API-16 text of any kind is an expression or a problem', () => {
    const odd = fc.array(
      fc.constantFrom(
        '(',
        ')',
        '[',
        ']',
        '{',
        '}',
        '.',
        ',',
        '"',
        "'",
        '\\',
        '?',
        ':',
        '!',
        '-',
        'a',
        '1',
        ' ',
        'b"',
        '//',
        '\n',
        'in',
        '&&',
      ),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(odd, (parts) => {
        const program = environment.compile(parts.join(''));
        if (isProgram(program)) program.evaluate(variables);
        else expect(program.failure).to.match(/^compilation failed: ERROR: <input>:\d+:\d+: /);
      }),
      { numRuns: 2000, seed: 2 },
    );
  });

  it('API-16 nesting beyond what can be read is a problem', () => {
    for (const text of [
      '!'.repeat(50_000) + 'true',
      '('.repeat(50_000),
      `${'[1,'.repeat(5000)}`,
      'a'.repeat(200_000),
      '1' + '+1'.repeat(30_000),
    ])
      expect(() => {
        const program = environment.compile(text);
        if (isProgram(program)) program.evaluate(variables);
      }).to.not.throw();
    expect(perCallLimit).to.equal(1_000_000);
  });

  it('API-16 regular expressions find what those of JavaScript find', () => {
    const part = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '(?:a|b)', '\\w', '\\b', '(ab)', '^', '$');
    const pattern = fc
      .array(fc.tuple(part, fc.constantFrom('', '*', '+', '?', '+?', '{1,2}')), { maxLength: 5 })
      .map((parts) => parts.map(([p, q]) => (/^[\^$]$|^\\b$/.test(p) ? p : p + q)).join(''));
    const text = fc
      .array(fc.constantFrom('a', 'b', 'c', ' '), { maxLength: 8 })
      .map((chars) => chars.join(''));
    fc.assert(
      fc.property(pattern, text, (source, given) => {
        const [ours = null] = regexp(source).findAll(given, 1);
        expect(ours).to.equal(new RegExp(source, 'u').exec(given)?.[0] ?? null);
      }),
      { numRuns: 3000, seed: 3 },
    );
  });
});
