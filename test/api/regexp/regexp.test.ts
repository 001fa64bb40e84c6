import { expect } from 'chai';
import fc from 'fast-check';
import { type Pattern, PatternError, Regexp } from 'gyre/api';
import { beginsAtStart, longestWithin, searchSteps } from '#src/api/regexp/effort.js';
import { charactersOf, readRegExp } from '#src/api/regexp/read.js';

const machineOf = (expression: RegExp): Regexp =>
  new Regexp(readRegExp(expression), charactersOf(expression));

const atoms = [
  'a',
  'b',
  'B',
  '1',
  ' ',
  'é',
  '😀',
  '.',
  '\\d',
  '\\D',
  '\\w',
  '\\W',
  '\\s',
  '\\S',
  '\\.',
  '\\n',
  '\\x61',
  '\\u0061',
  '[ab]',
  '[^a]',
  '[a-z\\d]',
  '[\\]b]',
  '[é😀]',
  '^',
  '$',
  '\\b',
  '\\B',
];
const quantifiers = ['', '', '', '*', '+', '?', '*?', '+?', '??', '{2}', '{1,}', '{0,2}', '{1,3}?'];

/** Expressions without quantifiers of what has no width: JavaScript has none in mode `u`. */
const { source } = fc.letrec<{ source: string; part: string }>((tie) => ({
  part: fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...atoms) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(fc.constantFrom('(', '(?:', '(?<name>'), tie('source'))
        .map(([open, inner]) => `${open}${inner})`),
    },
  ),
  source: fc
    .array(
      fc.array(
        fc
          .tuple(tie('part'), fc.constantFrom(...quantifiers))
          .map(([part, times]) => (/^(?:[$^]|\\[bB])$/.test(part) ? part : `${part}${times}`)),
        { maxLength: 3 },
      ),
      { minLength: 1, maxLength: 3 },
    )
    .map((branches) => branches.map((parts) => parts.join('')).join('|')),
}));
const text = fc
  .array(fc.constantFrom('a', 'b', 'A', 'B', '1', ' ', '\n', '\r', '.', ']', 'é', 'É', '😀'), {
    maxLength: 7,
  })
  .map((chars) => chars.join(''));

/** Tries one way after the other; how many steps that took. */
function stepsOfSearch(pattern: Pattern, chars: readonly string[]): number {
  let steps = 0;
  const at = (part: Pattern, from: number, then: (to: number) => boolean): boolean => {
    steps++;
    switch (part.kind) {
      case 'char':
        return (
          from < chars.length && part.test((chars[from] as string).codePointAt(0) ?? 0) && then(from + 1)
        );
      case 'assert':
        return (part.what === 'start' ? from === 0 : from === chars.length) && then(from);
      case 'sequence': {
        const rest = (i: number, to: number): boolean => {
          const next = part.parts[i];
          return next ? at(next, to, (end) => rest(i + 1, end)) : then(to);
        };
        return rest(0, from);
      }
      case 'choice':
        return part.parts.some((each) => at(each, from, then));
      default: {
        const again = (times: number, to: number): boolean =>
          (times < part.max && at(part.part, to, (end) => end > to && again(times + 1, end))) ||
          (times >= part.min && then(to));
        return again(0, from);
      }
    }
  };
  const last = beginsAtStart(pattern) ? 0 : chars.length;
  for (let from = 0; from <= last; from++) if (at(pattern, from, () => true)) break;
  return steps;
}

/** Who tries one way after the other takes no longer than a moment: a few of the expressions made here would take years. */
function endsSoon(pattern: Pattern, length: number): boolean {
  return searchSteps(pattern, length) <= 1_000_000;
}

function isWithinCharacter(text: string, index: number): boolean {
  return index > 0 && (text.codePointAt(index - 1) as number) > 0xffff;
}

describe('regular expressions that cannot run away', () => {
  it('match what JavaScript matches, in every mode', () => {
    fc.assert(
      fc.property(source, text, fc.constantFrom('u', '', 'iu', 'i', 'su'), (each, given, flags) => {
        let expression: RegExp;
        try {
          expression = new RegExp(each, flags);
        } catch {
          // One name, two groups.
          return;
        }
        let pattern: Pattern;
        let machine: Regexp;
        try {
          pattern = readRegExp(expression);
          machine = machineOf(expression);
        } catch (error) {
          expect(error).to.be.instanceOf(PatternError);
          expect(flags).to.include('i');
          return;
        }
        // It does what it does in time, whatever JavaScript would do.
        const matches = machine.test(given);
        if (!endsSoon(pattern, given.length)) return;
        const found = expression.exec(given);
        // V8 finds \B between the halves of a character, where ECMAScript has no place to look.
        if (found && flags.includes('u') && isWithinCharacter(given, found.index)) return;
        expect(matches, `${expression} on ${JSON.stringify(given)}`).to.equal(found !== null);
      }),
      { numRuns: 3_000 },
    );
  });

  for (const [what, expression] of Object.entries({
    'look-ahead': /a(?=b)/u,
    'a negative look-ahead': /a(?!b)/u,
    'look-behind': /(?<=a)b/u,
    'a negative look-behind': /(?<!a)b/u,
    'a back-reference': /(a)\1/u,
    'a back-reference by name': /(?<n>a)\k<n>/u,
    'many lines': /^a$/mu,
    'more instructions than anybody writes': /(?:a{1,999}){1,999}/u,
  }))
    it(`leave ${what} to JavaScript`, () => {
      expect(() => machineOf(expression)).to.throw(PatternError);
    });

  it('read braces and brackets as JavaScript does without mode u', () => {
    for (const [written, yes, no] of [
      ['a{,2}', 'a{,2}', 'aa'],
      [']}{', ']}{', ']}'],
      ['[]', undefined, 'a'],
      ['[^]', '\n', ''],
    ] as const) {
      const machine = machineOf(new RegExp(written));
      if (yes !== undefined) expect(machine.test(yes), written).to.equal(true);
      expect(machine.test(no), written).to.equal(false);
    }
  });
});

describe('the steps of a search that tries one way after the other', () => {
  it('are never more than they are said to be', () => {
    const simple = source.filter((each) => !/[bB]$|\\[bB]/.test(each));
    fc.assert(
      fc.property(simple, fc.stringMatching(/^[ab]{0,7}$/), (each, given) => {
        let pattern: Pattern;
        try {
          pattern = readRegExp(new RegExp(each, 'u'));
        } catch {
          return;
        }
        const chars = [...given];
        if (!endsSoon(pattern, chars.length)) return;
        expect(stepsOfSearch(pattern, chars), `${each} on ${given}`).to.be.at.most(
          searchSteps(pattern, chars.length),
        );
      }),
      { numRuns: 1_000 },
    );
  });

  it('grow as the pattern makes them: the longest text within a million', () => {
    const longest = (expression: RegExp): number => longestWithin(readRegExp(expression), 1_000_000, 2 ** 22);
    expect(longest(/^(?:a+)+$/u)).to.be.lessThan(20);
    expect(longest(/^(?:a|a)*$/u)).to.be.lessThan(20);
    expect(longest(/a*b/u)).to.be.within(300, 1_000);
    expect(longest(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/u)).to.be.greaterThan(100_000);
    expect(longest(/^abc$/u)).to.equal(2 ** 22);
  });
});
