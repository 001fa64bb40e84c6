import { expect } from 'chai';
import { compilePattern, type Schema, validateSchema } from 'gyre/api';

describe('compilePattern', () => {
  const evil: readonly (readonly [pattern: string, text: string, matches: boolean])[] = [
    ['^(a+)+$', `${'a'.repeat(50)}b`, false],
    ['^(a+)+$', 'a'.repeat(50_000), true],
    ['^(a|a)*$', `${'a'.repeat(50)}b`, false],
    ['^(a|aa)+$', `${'a'.repeat(50)}b`, false],
    ['(x+x+)+y', 'x'.repeat(50), false],
    ['^(([a-z])+.)+[A-Z]([a-z])+$', 'a'.repeat(50), false],
    [`^(a?){50}a{50}$`, 'a'.repeat(49), false],
    ['(?i)^([a-z0-9]+[-._]?)+@', 'a'.repeat(100), false],
    ['a*a*a*b', 'a'.repeat(20_000), false],
    ['\\s+$', `${' '.repeat(50_000)}x`, false],
  ];
  for (const [pattern, text, matches] of evil)
    it(`holds ${pattern} against ${text.length} characters soon`, () => {
      const began = process.hrtime.bigint();
      expect(compilePattern(pattern)?.test(text)).to.equal(matches);
      // JavaScript's own search takes from seconds to longer than the world is old.
      expect(Number(process.hrtime.bigint() - began) / 1e6).to.be.lessThan(1_000);
    });

  it('says the same of a long text as of a short one', () => {
    const pattern = compilePattern('^(?:[a-z]+\\s?)+$');
    for (const [text, matches] of [
      ['word ', true],
      ['word\v', true],
      ['word!', false],
    ] as const)
      for (const times of [1, 100])
        expect(pattern?.test(text.repeat(times)), JSON.stringify(text)).to.equal(matches);
  });

  it('leaves what RE2 does not have to JavaScript', () => {
    expect(compilePattern('^(?!no)')?.test('yes')).to.equal(true);
    expect(compilePattern('^(a)\\1$')?.test('aa')).to.equal(true);
    expect(compilePattern('(')).to.equal(undefined);
  });

  it('a schema with such a pattern refuses in time', () => {
    const schema: Schema = { type: 'array', items: { type: 'string', pattern: '^(a+)+$' } };
    const causes = validateSchema(
      Array.from({ length: 100 }, () => `${'a'.repeat(50)}b`),
      schema,
    );
    expect(causes).to.have.length(100);
  }).timeout(2_000);
});
