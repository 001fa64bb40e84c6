/** What expressions mean (API-16): the language, and the libraries of Kubernetes 1.32. */
import { expect } from 'chai';
import {
  CelError,
  dyn,
  Environment,
  fromJson,
  int,
  isProgram,
  OptionalValue,
  string,
  type Value,
} from '#src/apiserver/cel/index.js';
import { ListValue, MapValue, Uint } from '#src/apiserver/cel/values.js';

const environment = new Environment({ o: dyn, s: string, n: int });
const variables: Readonly<Record<string, Value>> = {
  o: fromJson({ a: 1, f: 1.5, l: [3, 1, 2], t: ['b', 'a'], m: { x: 'y' }, nothing: null }),
  s: 'hello',
  n: 5n,
};

function plain(value: Value): unknown {
  if (value instanceof CelError) return `error: ${value.message}`;
  if (value instanceof ListValue) return [...value].map(plain);
  if (value instanceof MapValue) {
    return Object.fromEntries(value.keys().map((key) => [String(key), plain(value.get(key) ?? null)]));
  }
  if (value instanceof OptionalValue)
    return value.value === undefined ? 'none' : { some: plain(value.value) };
  return value instanceof Uint ? `${value.value}u` : value;
}

function run(expression: string): unknown {
  const program = environment.compile(expression);
  return isProgram(program) ? plain(program.evaluate(variables).value) : program.failure.split('\n')[0];
}

const tables: Readonly<Record<string, readonly (readonly [string, unknown])[]>> = {
  numbers: [
    ['1 + 2 * 3', 7n],
    ['7 / 2', 3n],
    ['-7 % 3', -1n],
    ['1.0 / 4.0', 0.25],
    ['1u + 2u', '3u'],
    ['1u - 2u', 'error: unsigned integer overflow'],
    ['9223372036854775807 + 1', 'error: integer overflow'],
    ['-9223372036854775808', -(2n ** 63n)],
    ['1 / 0', 'error: division by zero'],
    ['1 % 0', 'error: modulus by zero'],
    ['n < 5.5 && n >= 5u', true],
    ['o.a == 1.0', true],
    ['int(2.9) + int("3")', 5n],
    ['double("1.5") + double(1)', 2.5],
    ['uint(3)', '3u'],
    ['string(1.0) + string(true) + string(5)', '1true5'],
    ['int("x")', "error: type conversion error from 'string' to 'int'"],
  ],
  logic: [
    ['dyn(1) == "a"', false],
    ['[dyn(1), dyn("a")].exists(x, x == "a")', true],
    ['true || o.zz', true],
    ['o.zz || true', true],
    ['false && o.zz', false],
    ['o.zz && true', 'error: no such key: zz'],
    ['n > 3 ? "big" : "small"', 'big'],
    ['!(n == 5)', false],
  ],
  fields: [
    ['o.a', 1n],
    ['o["a"]', 1n],
    ['o.zz', 'error: no such key: zz'],
    ['o.l[5]', 'error: index out of bounds: 5'],
    ['has(o.a) && !has(o.zz)', true],
    ['has(o.zz.y)', 'error: no such key: zz'],
    ['"x" in o.m && 3 in o.l', true],
    ['o.nothing == null', true],
    ['{"a": 1, "a": 2}', 'error: Failed with repeated key'],
    [
      '{1: 2}[1.0]',
      "compilation failed: ERROR: <input>:1:7: found no matching overload for '_[_]' applied to '(map(int, int), double)'",
    ],
  ],
  macros: [
    ['o.l.all(x, x > 0)', true],
    ['o.l.exists(x, x > 2)', true],
    ['o.l.exists_one(x, x > 1)', false],
    ['o.l.map(x, x * 2)', [6n, 2n, 4n]],
    ['o.l.map(x, x > 1, x * 2)', [6n, 4n]],
    ['o.l.filter(x, x > 1)', [3n, 2n]],
    ['o.m.all(k, k == "x")', true],
    ['o.l.all(i, v, v > i - 5)', true],
    ['o.l.exists(i, v, i == 1 && v == 1)', true],
    ['o.l.existsOne(i, v, v == 1)', true],
    ['o.l.transformList(i, v, i * v)', [0n, 1n, 4n]],
    ['o.l.transformList(i, v, i > 0, v)', [1n, 2n]],
    ['o.m.transformMap(k, v, k + v)', { x: 'xy' }],
    ['o.m.transformMapEntry(k, v, {v: k})', { y: 'x' }],
    ['cel.bind(x, n + 1, x * x)', 36n],
    ['[1, 2].exists(x, 1 / (x - 1) > 0)', true],
    ['[1, 2].all(x, 1 / (x - 1) > 0)', 'error: division by zero'],
  ],
  optionals: [
    ['o.?zz.orValue("d")', 'd'],
    ['o.?m.?x', { some: 'y' }],
    ['o.?zz.?y', 'none'],
    ['o.l[?1].value()', 1n],
    ['o.l[?9].hasValue()', false],
    ['optional.none().value()', 'error: optional.none() dereference'],
    ['optional.of(1).or(optional.of(2))', { some: 1n }],
    ['optional.ofNonZeroValue("").hasValue()', false],
    ['optional.of(2).optMap(x, x + 1)', { some: 3n }],
    ['optional.of(2).optFlatMap(x, optional.none())', 'none'],
  ],
  strings: [
    ['s.charAt(1) + s.substring(3) + s.substring(0, 1)', 'eloh'],
    ['s.indexOf("l") + s.lastIndexOf("l") + s.indexOf("z")', 4n],
    ['s.upperAscii().lowerAscii()', 'hello'],
    ['s.replace("l", "L") + s.replace("l", "L", 1)', 'heLLoheLlo'],
    ['"a,b,c".split(",", 2)', ['a', 'b,c']],
    ['["a", "b"].join("-") + ["c"].join()', 'a-bc'],
    ['"  x ".trim()', 'x'],
    ['"%s %d %.2f %x %b %e".format(["a", 1, 2.5, 255, 5, 1000.0])', 'a 1 2.50 ff 101 1.000000e+03'],
    ['"%s".format([[1, "a", null]])', '[1, a, null]'],
    ['strings.quote("a\\"b")', '"a\\"b"'],
    ['s.size() + size("日本")', 7n],
    ['s.startsWith("he") && s.endsWith("lo") && s.contains("ell")', true],
    ['s.charAt(9)', 'error: index out of range: 9'],
  ],
  lists: [
    ['o.l.isSorted() || [1, 2].isSorted()', true],
    ['o.l.sum() + [1].sum()', 7n],
    ['o.l.min() + o.l.max()', 4n],
    ['["b", "a"].min()', 'a'],
    ['[].max()', 'error: max called on empty list'],
    ['[1, 2, 1].indexOf(1) + [1, 2, 1].lastIndexOf(1)', 2n],
    ['[1] + [2]', [1n, 2n]],
    ['[1, 2] == [1, 2] && [1, 2] != [2, 1]', true],
    ['sets.contains([1, 2], [2]) && sets.equivalent([1, 1], [1]) && !sets.intersects([1], [2])', true],
  ],
  'regular expressions': [
    ['s.matches("^h.+o$")', true],
    ['"abc 123 45".find("[0-9]+")', '123'],
    ['"abc 123 45".findAll("[0-9]+")', ['123', '45']],
    ['"abc 123 45".findAll("[0-9]+", 1)', ['123']],
    ['"x".find("[0-9]+")', ''],
    ['"aXb".matches("(?i)^AxB$") && "a.b".matches(r"\\w\\.\\w") && "é".matches(r"^\\pL$")', true],
    ['"aaa".find("a+?") + "aaa".find("a{2}")', 'aaa'],
    ['"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!".matches("^(a+)+$")', false],
    ['"x".matches("(")', 'error: error parsing regexp: missing closing ): `(`'],
  ],
  addresses: [
    ['url("https://ex.com:80/p%20q?a=1&a=2").getScheme()', 'https'],
    ['url("https://ex.com:80/p%20q?a=1&a=2").getHost()', 'ex.com:80'],
    ['url("https://[::1]:80/").getHostname() + url("https://[::1]:80/").getPort()', '::180'],
    ['url("https://ex.com:80/p%20q?a=1&a=2").getEscapedPath()', '/p%20q'],
    ['url("https://ex.com/?a=1&a=2").getQuery()', { a: ['1', '2'] }],
    ['isURL("/path") && !isURL("no url")', true],
    [
      'ip("127.0.0.1").isLoopback() && ip("fe80::1").isLinkLocalUnicast() && ip("8.8.8.8").isGlobalUnicast()',
      true,
    ],
    ['string(ip("2001:DB8:0:0:0:0:0:1"))', '2001:db8::1'],
    ['isIP("1.2.3") || isIP("::ffff:1.2.3.4")', false],
    ['ip.isCanonical("::1") && !ip.isCanonical("0::1")', true],
    ['cidr("10.0.0.0/8").containsIP("10.1.2.3") && !cidr("10.0.0.0/8").containsIP(ip("::1"))', true],
    ['cidr("10.0.0.0/8").containsCIDR("10.1.0.0/16")', true],
    ['string(cidr("10.1.2.3/8").masked())', '10.0.0.0/8'],
    ['cidr("::/0").prefixLength()', 0n],
  ],
  'quantities, formats and times': [
    ['quantity("1Gi").isGreaterThan(quantity("1G"))', true],
    ['quantity("1").add(quantity("500m")).isInteger() || quantity("2").sub(1).asInteger() == 1', true],
    ['quantity("1k") == quantity("1000") && isQuantity("1Mi") && !isQuantity("x")', true],
    ['quantity("50m").asApproximateFloat()', 0.05],
    ['format.dns1123Label().validate("a").hasValue()', false],
    ['format.named("dns1123Label").value().validate("A").value().size() > 0', true],
    ['format.named("nope").hasValue()', false],
    ['timestamp("2024-02-29T03:04:05Z").getDayOfYear()', 59n],
    ['timestamp("2024-02-29T03:04:05Z").getHours("-05:00")', 22n],
    ['timestamp("2024-01-01T00:00:00Z") + duration("90m") == timestamp("2024-01-01T01:30:00Z")', true],
    ['string(duration("1h30m"))', '5400s'],
    ['duration("90m").getHours() + duration("90m").getMinutes()', 91n],
  ],
};

const refused: readonly (readonly [string, string])[] = [
  ['nope', "1:1: undeclared reference to 'nope' (in container '')"],
  ['s + 1', "1:3: found no matching overload for '_+_' applied to '(string, int)'"],
  ['1 == 1.0', "1:3: found no matching overload for '_==_' applied to '(int, double)'"],
  ['n.foo', "1:2: type 'int' does not support field selection"],
  ['s.startsWith(1)', "1:13: found no matching overload for 'startsWith' applied to 'string.(int)'"],
  [
    'n.all(x, true)',
    "1:1: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)",
  ],
  ['n ? 1 : 2', "1:3: found no matching overload for '_?_:_' applied to '(int, int, int)'"],
  ['s && true', "1:3: found no matching overload for '_&&_' applied to '(string, bool)'"],
];

describe('CEL expressions', () => {
  for (const [what, rows] of Object.entries(tables)) {
    describe(what, () => {
      for (const [expression, value] of rows) {
        it(`API-16 ${expression}`, () => expect(run(expression)).to.deep.equal(value));
      }
    });
  }

  for (const [expression, why] of refused) {
    it(`API-16 ${expression} is refused where it is wrong`, () => {
      expect(run(expression)).to.equal(`compilation failed: ERROR: <input>:${why}`);
    });
  }

  it('API-16 everything that is wrong is told', () => {
    const failed = environment.compile('foo + bar');
    expect((failed as { failure: string }).failure).to.equal(
      "compilation failed: ERROR: <input>:1:1: undeclared reference to 'foo' (in container '')\n | foo + bar\n | ^\n" +
        "ERROR: <input>:1:7: undeclared reference to 'bar' (in container '')\n | foo + bar\n | ......^",
    );
  });

  it('API-16 an expression beyond its budget is given up', () => {
    const ten = '[1,2,3,4,5,6,7,8,9,10]';
    const nested = 'abcdefgh'.split('').reduce((inner, v) => `${ten}.map(${v}, ${inner})`, '1');
    const program = environment.compile(nested);
    const outcome = isProgram(program) && program.evaluate(variables);
    expect(outcome).to.include({ exceeded: true });
    expect(plain((outcome as { value: Value }).value)).to.equal(
      'error: operation cancelled: actual cost limit exceeded',
    );
  });

  it('API-16 patterns that are long to follow count for what they are', () => {
    const ten = '[1,2,3,4,5,6,7,8,9,10]';
    const text = `"${'a'.repeat(2000)}"`;
    const program = environment.compile(
      `${ten}.map(a, ${ten}.map(b, ${ten}.map(c, ${text}.matches("(a?){1000}(a?){1000}b"))))`,
    );
    expect(isProgram(program) && program.evaluate(variables).exceeded).to.equal(true);
  });

  it('API-16 a growing list or text ends at the budget', () => {
    const doubled = (from: string) =>
      Array.from({ length: 40 }, (_, i) => i).reduce((inner) => `cel.bind(x, ${inner}, x + x)`, from);
    for (const start of ['[1]', '"a"']) {
      const program = environment.compile(doubled(start));
      expect(isProgram(program) && program.evaluate(variables).exceeded).to.equal(true);
    }
  });
});
