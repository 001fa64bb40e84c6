/** Messages in expressions: `Object.spec{replicas: 3}`, where they stand, and what is wrong with them. */
import { expect } from 'chai';
import fc from 'fast-check';
import {
  CelError,
  dyn,
  Environment,
  fromJson,
  isProgram,
  type MessageTypes,
  objectType,
  openObjectType,
  string,
  toJson,
} from '#src/apiserver/cel/index.js';
import { readMessages } from '#src/apiserver/cel/message-syntax.js';

const pair = objectType(
  'Pair',
  new Map([
    ['left', string],
    ['right', dyn],
  ]),
);
const messages: MessageTypes = (name) => {
  if (name === 'Pair')
    return {
      type: pair,
      field: (field) => pair.fields?.get(field),
      unset: (field) => (field === 'left' ? '' : null),
    };
  if (name !== 'T' && !name.startsWith('T.')) return undefined;
  return { type: openObjectType(name), field: () => dyn, unset: () => null };
};
const environment = new Environment({ o: dyn }, { messages });
const variables = { o: fromJson({ a: 1, l: ['x', 'y'] }) };

function run(expression: string): unknown {
  const program = environment.compile(expression);
  if (!isProgram(program)) return program.failure.replace('compilation failed: ', '').split('\n')[0];
  const { value } = program.evaluate(variables);
  const json = value instanceof CelError ? value : toJson(value);
  return json instanceof CelError ? `error: ${json.message}` : json;
}

const tables: Readonly<Record<string, readonly (readonly [string, unknown])[]>> = {
  'are made': [
    ['T{}', {}],
    ['T{a: 1, b: "x",}', { a: 1, b: 'x' }],
    [
      'T{spec: T.spec{list: [T.spec.list{n: 1}, T.spec.list{n: 2}]}}',
      { spec: { list: [{ n: 1 }, { n: 2 }] } },
    ],
    ['T { a : {"k": T.a {}} }', { a: { k: {} } }],
    ['T{a: // {a brace\n "}" + \'{\'}', { a: '}{' }],
    ['T{a: """{"{"}"""}', { a: '{"{"}' }],
    ['T{a: r"\\{"}', { a: '\\{' }],
    ['T{namespace: "n", if: 1}', { namespace: 'n', if: 1 }],
    ['o.l.map(x, T{name: x})', [{ name: 'x' }, { name: 'y' }]],
    ['o.a == 1 ? T{a: {"x": 1}[o.a == 1 ? "x" : "y"]} : T{}', { a: 1 }],
    ['true ? T{} : T{a: 1}', {}],
    ['{"a": T{}, "b": {"c": 1}}', { a: {}, b: { c: 1 } }],
  ],
  'leave out fields that are none': [
    ['T{?a: optional.of(1), ?b: optional.none(), c: 2}', { a: 1, c: 2 }],
    ['T{?a: o.?nope, ?b: o.?a}', { b: 1 }],
    ['T{?a: o.a}', "error: cannot initialize optional entry 'a' from non-optional value"],
    [
      'T{?a: 1}',
      "ERROR: <input>:1:4: expected type of field 'a' is 'optional_type(dyn)' but provided type is 'int'",
    ],
  ],
  'have fields': [
    ['T{a: 1}.a', 1],
    ['has(T{a: 1}.a)', true],
    ['has(T{}.a)', false],
    ['T{}.a', null],
    ['Pair{right: 1}.left', ''],
    ['Pair{left: "x"}.left + "y"', 'xy'],
    ['type(T.spec{}) == type(T.spec{a: 1})', true],
    ['Pair{left: o.a}', "error: unexpected type int for Pair 'left' field"],
  ],
  'are equal to their like': [
    ['T{a: 1} == T{a: 1}', true],
    ['T{a: 1} == T{a: 2}', false],
    ['[T{a: 1}, 1][0] == [{"a": 1}, 1][0]', false],
    ['[T{}, 1][0] == [T.spec{}, 1][0]', false],
    ['[T{}, 1][0] == [T{}, 1][0]', true],
  ],
  'are told what is wrong with them, where it stands': [
    ['U{a: 1}', "ERROR: <input>:1:2: undeclared reference to 'U' (in container '')"],
    ['o{}', "ERROR: <input>:1:2: undeclared reference to 'o' (in container '')"],
    ['Pair{left: "", wrong: 1}', "ERROR: <input>:1:16: undefined field 'wrong'"],
    [
      'Pair{left: 1}',
      "ERROR: <input>:1:6: expected type of field 'left' is 'string' but provided type is 'int'",
    ],
    ['T{a: 1, a: 2}', "ERROR: <input>:1:9: field 'a' is given twice"],
    ['T{a: nope}', "ERROR: <input>:1:6: undeclared reference to 'nope' (in container '')"],
    ['T{a: 1, b: T.b{c: nope}}', "ERROR: <input>:1:19: undeclared reference to 'nope' (in container '')"],
    ['T{"a": 1}', 'ERROR: <input>:1:3: Syntax error: a field of a message must be a name, not "a"'],
    ['T{1: 1}', 'ERROR: <input>:1:3: Syntax error: a field of a message must be a name, not 1'],
    ['T{a.b: 1}', 'ERROR: <input>:1:4: Syntax error: a field of a message must be a name'],
    ['T{a}', 'ERROR: <input>:1:4: Syntax error: Expected COLON, got RBRACE'],
    ['T{??a: 1}', 'ERROR: <input>:1:4: Syntax error: a field of a message must be a name, not ?'],
    ['o.a().b{c: 1}', 'ERROR: <input>:1:8: Syntax error: only the name of a type has fields'],
    ['T[{"a": 1}]', "ERROR: <input>:1:1: undeclared reference to 'T' (in container '')"],
    ['T{a: 1', 'ERROR: <input>:1:7: Syntax error: Expected RBRACE, got EOF'],
    ['(T){}', "ERROR: <input>:1:4: Syntax error: Unexpected character: '{'"],
    ['{"a": 1}{}', "ERROR: <input>:1:9: Syntax error: Unexpected character: '{'"],
  ],
  'become JSON, or cannot': [
    [
      'T{a: 1.5, b: null, c: b"hi", d: duration("90s"), e: timestamp("2024-01-02T03:04:05Z"), f: 3u}',
      {
        a: 1.5,
        b: null,
        c: 'aGk=',
        d: '90s',
        e: '2024-01-02T03:04:05Z',
        f: 3,
      },
    ],
    ['T{a: {1: 2}}', 'error: a key of type int is none of JSON: it must be a string'],
    ['T{a: 9223372036854775807}', 'error: 9223372036854775807 is too large for a number of JSON'],
    ['T{a: double("NaN")}', 'error: NaN is no number of JSON'],
    ['T{a: type(1)}', 'error: unsupported conversion of type to JSON'],
    ['T{a: optional.of(1)}', 'error: unsupported conversion of optional_type to JSON'],
  ],
};

describe('messages in expressions', () => {
  for (const [what, rows] of Object.entries(tables)) {
    for (const [expression, result] of rows)
      it(`API-16 ${what}: ${expression.replaceAll('\n', '⏎')}`, () => {
        expect(run(expression)).to.deep.equal(result);
      });
  }

  it('API-16 are counted into the cost of an expression', () => {
    const cost = (expression: string): number => {
      const program = environment.compile(expression);
      if (!isProgram(program)) throw new TypeError(program.failure);
      return program.evaluate(variables).cost;
    };
    expect(cost('[T{}, T{}]') - cost('[1, 1]')).to.equal(80);
  });

  it('API-16 are unknown where nobody brings their types', () => {
    const program = new Environment({}).compile('Object{}');
    expect(program).to.have.property('failure').that.contains("undeclared reference to 'Object'");
  });

  it('API-16 a text is read to its end, and every place in it is one of the original', () => {
    const pieces = fc.constantFrom(
      'a',
      'T',
      '{',
      '}',
      '?',
      ':',
      ',',
      '"',
      "'",
      '\\',
      '//',
      '\n',
      ' ',
      '.',
      '[',
      ']',
      'in',
      '1',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 40 }), (parts) => {
        const text = parts.join('');
        const read = readMessages(text);
        if ('message' in read) return read.at >= 0 && read.at < text.length;
        let last = 0;
        for (let at = 0; at <= read.text.length; at++) {
          const place = read.original(at);
          if (place < last || place > text.length) return false;
          last = place;
        }
        return last === text.length;
      }),
    );
  });
});
