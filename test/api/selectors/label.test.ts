import { expect } from 'chai';
import fc from 'fast-check';
import { compileLabelSelector, everything, isApiError, parseLabelSelector } from '#src/api/index.js';

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(isApiError(error, 'BadRequest'), String(error)).to.equal(true);
    return (error as Error).message;
  }
  throw new Error('was accepted');
}

const key = fc.constantFrom('app', 'tier', 'example.com/zone', 'in', 'x1');
const value = fc.constantFrom('', 'a', 'b', 'web-1', 'in');
const labels = fc.dictionary(key, value);
const requirement = fc.oneof(
  fc.record({ key, operator: fc.constantFrom('Exists', 'DoesNotExist') }),
  fc.record({
    key,
    operator: fc.constantFrom('In', 'NotIn'),
    values: fc.uniqueArray(value, { minLength: 1, maxLength: 3 }),
  }),
);

describe('label selectors', () => {
  const matching: [string, Record<string, string>, boolean][] = [
    ['', {}, true],
    ['app=web', { app: 'web' }, true],
    ['app==web', { app: 'web' }, true],
    ['app=web', { app: 'db' }, false],
    ['app=web', {}, false],
    ['app!=web', {}, true],
    ['app!=web', { app: 'web' }, false],
    ['app=', { app: '' }, true],
    ['app', { app: '' }, true],
    ['app', {}, false],
    ['!app', {}, true],
    [' app in ( a , b ) , tier notin (x) ', { app: 'b' }, true],
    ['app in (a,b),tier notin (x)', { app: 'b', tier: 'x' }, false],
    ['app in ()', { app: '' }, true],
    ['app in (a,)', { app: '' }, true],
    ['n>3', { n: '4' }, true],
    ['n>3', { n: '3' }, false],
    ['n<3', { n: 'two' }, false],
    ['toString', {}, false],
  ];
  for (const [text, given, wanted] of matching) {
    it(`${JSON.stringify(text)} ${wanted ? 'matches' : 'does not match'} ${JSON.stringify(given)}`, () => {
      expect(parseLabelSelector(text).matches(given)).to.equal(wanted);
    });
  }

  const refused: [string, RegExp][] = [
    ['=a', /^found '=', expected: !, identifier, or 'end of string'$/],
    ['a,', /^found '', expected: identifier after ','$/],
    ['a,,b', /^found ',', expected: identifier after ','$/],
    ['a=b c', /^found 'c', expected: ',' or 'end of string'$/],
    ['a b', /^unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt$/],
    ['a in b', /^unable to parse requirement: found 'b'/],
    ['a in (x y)', /^unable to parse requirement: found 'y'/],
    ['a in (x', /^unable to parse requirement: found ''/],
    ['a>x', /^unable to parse requirement: values\[0\]: Invalid value: "x": for 'Gt', 'Lt' operators/],
    ['a_/b=c', /^unable to parse requirement: key: Invalid value: "a_\/b": prefix part/],
    ['a=-b', /^unable to parse requirement: values\[0\]\[a\]: Invalid value: "-b": a valid label must be/],
    [`${'a'.repeat(64)}`, /name part must be no more than 63 bytes/],
  ];
  for (const [text, message] of refused) {
    it(`refuses ${JSON.stringify(text.slice(0, 20))}`, () => {
      expect(refusal(() => parseLabelSelector(text))).to.match(message);
    });
  }

  it('a compiled object matches as its text does, and the text is stable (property)', () => {
    const plain = requirement.filter((r) => r.key !== 'in');
    fc.assert(
      fc.property(fc.array(plain, { maxLength: 4 }), labels, (matchExpressions, given) => {
        const compiled = compileLabelSelector({ matchExpressions });
        const parsed = parseLabelSelector(compiled.toString());
        expect(parsed.matches(given)).to.equal(compiled.matches(given));
        expect(parsed.toString()).to.equal(compiled.toString());
      }),
    );
  });

  it('an empty object is everything', () => {
    expect(compileLabelSelector({})).to.equal(everything);
    expect(everything.isEmpty).to.equal(true);
  });

  for (const operator of ['in', 'Equals', 'constructor', '__proto__']) {
    it(`refuses the operator ${operator}`, () => {
      expect(refusal(() => compileLabelSelector({ matchExpressions: [{ key: 'a', operator }] }))).to.equal(
        `${JSON.stringify(operator)} is not a valid label selector operator`,
      );
    });
  }
});
