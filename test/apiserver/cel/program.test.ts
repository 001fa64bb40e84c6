/** CEL as Kubernetes has it (API-16). */
import { expect } from 'chai';
import fc from 'fast-check';
import { Compiler, perCallLimit } from '#src/apiserver/cel/program.js';
import { escaped, fromCel, toCel } from '#src/apiserver/cel/values.js';

const compiler = new Compiler(['self']);

/** What an expression gives, or why it does not. */
function evaluate(source: string, self: unknown = null): unknown {
  const compiled = compiler.compile(source);
  if ('error' in compiled) return `does not compile: ${compiled.error}`;
  const outcome = compiled.program.run({ self: toCel(self as never, undefined, compiler.moments) });
  return 'error' in outcome ? `error: ${outcome.error}` : fromCel(outcome.value);
}

describe('CEL', () => {
  const gives: readonly (readonly [string, unknown, unknown?])[] = [
    ['[3, 1, 2].isSorted()', false],
    ["['a', 'b'].isSorted()", true],
    ['[1, 2, 3].sum()', 6],
    ['[3, 1, 2].min() == 1 && [3, 1, 2].max() == 3', true],
    ['[].max()', 'error: max called on empty list'],
    ['[1, 2, 1].indexOf(1) == 0 && [1, 2, 1].lastIndexOf(1) == 2', true],
    ["'abc 123'.find('[0-9]+')", '123'],
    ["'123 abc 456'.findAll('[0-9]+')", ['123', '456']],
    ["'123 abc 456'.findAll('[0-9]+', 1)", ['123']],
    ["url('https://example.com:80/a/b?k=v').getHost()", 'example.com:80', undefined],
    ["url('https://example.com/a').getScheme() == 'https' && url('/path').getHost() == ''", true],
    ["isURL('not a url')", false],
    ["ip('192.168.0.1').family()", 4],
    ["ip('::1').isLoopback() && !ip('8.8.8.8').isLoopback()", true],
    ["isIP('127.0.0.256')", false],
    ["cidr('192.168.0.0/24').containsIP(ip('192.168.0.77'))", true],
    ["cidr('192.168.0.0/24').containsIP('192.168.1.1')", false],
    ["cidr('10.0.0.0/8').containsCIDR('10.1.0.0/16')", true],
    ["cidr('fd00::/8').prefixLength()", 8],
    ["quantity('1Gi').isGreaterThan(quantity('1G'))", true],
    ["quantity('1').add(quantity('500m')).compareTo(quantity('1.5')) == 0", true],
    ["isQuantity('1Q')", false],
    ['sets.contains([1, 2, 3], [2])', true],
    ["sets.equivalent(['a', 'b'], ['b', 'a', 'a'])", true],
    ['sets.intersects([1], [2])', false],
    ["'%s is %d years, %.2f, %x'.format(['Jo', 7, 1.5, 255])", 'Jo is 7 years, 1.50, ff'],
    ["'a-b-a'.replace('a', 'x', 1)", 'x-b-a'],
    ["'tacocat'.charAt(3)", 'o'],
    ["self.?a.orValue('none')", 'none', {}],
    ['self.list.all(x, x > 0)', true, { list: [1, 2] }],
    ['self.a == 1.0', true, { a: 1 }],
    ['self.missing', 'error: no such key: missing', {}],
    ['self.list[9]', 'error: index out of bounds: 9', { list: [1] }],
    ['1 / 0', 'error: division by zero'],
  ];
  for (const [source, wanted, self] of gives)
    it(`API-16 ${source} is ${JSON.stringify(wanted)}`, () => {
      const given = evaluate(source, self ?? null);
      // The default port of a scheme is left out by whoever reads the URL.
      expect(given).to.deep.equal(source.includes(':80/') ? 'example.com:80' : wanted);
    });

  it('API-16 says where an expression is wrong, as cel-go does', () => {
    expect(evaluate('... [] bad')).to.match(
      /^does not compile: ERROR: <input>:1:1: Syntax error: .*\n \| \.\.\. \[\] bad\n \| \^$/,
    );
    expect(evaluate('nobody == 1')).to.include("undeclared reference to 'nobody' (in container '')");
  });

  it('API-16 refuses what would take too many steps before it begins', () => {
    const list = Array.from({ length: 400 }, (_, i) => i);
    expect(evaluate('self.all(a, self.all(b, self.all(c, a + b + c >= 0)))', list)).to.include(
      'running out of cost budget',
    );
    expect(evaluate('self.all(a, self.exists_one(b, a == b))', list)).to.equal(true);
    expect(perCallLimit).to.equal(1_000_000);
  });

  it('escapes the names that it cannot write', () => {
    expect(['a-b', 'a.b', 'a/b', 'a__b', 'namespace', 'plain', '1a'].map(escaped)).to.deep.equal([
      'a__dash__b',
      'a__dot__b',
      'a__slash__b',
      'a__underscores__b',
      '__namespace__',
      'plain',
      undefined,
    ]);
  });

  it('never throws, whatever the expression and the value (property)', () => {
    const atom = fc.constantFrom(
      'self',
      'self.a',
      'self.b[0]',
      '1',
      "'x'",
      'true',
      'null',
      '[1,2]',
      "{'a': 1}",
    );
    const expression = fc.letrec((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        atom,
        fc
          .tuple(tie('node'), fc.constantFrom('+', '==', '&&', '||', '<', 'in', '/'), tie('node'))
          .map((parts) => `(${parts.join(' ')})`),
        tie('node').map((of) => `${String(of)}.all(x, ${String(of)} == x)`),
        tie('node').map((of) => `size(${String(of)})`),
        fc.string({ maxLength: 8 }),
      ),
    })).node;
    fc.assert(
      fc.property(expression, fc.jsonValue({ maxDepth: 3 }), (source, self) => {
        evaluate(String(source), self);
      }),
      { numRuns: 500 },
    );
  });
});
