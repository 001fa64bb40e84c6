import { expect } from 'chai';
import fc from 'fast-check';
import { FieldSelector, parseFieldSelector } from '#src/api/index.js';

describe('field selectors (API-13)', () => {
  const pod: Record<string, string> = { 'metadata.name': 'web', 'status.phase': 'Running' };
  const fieldOf = (path: string): string | undefined => pod[path];
  const matching: [string, boolean][] = [
    ['', true],
    ['metadata.name=web', true],
    ['metadata.name==web,status.phase!=Failed', true],
    ['metadata.name!=web', false],
    ['spec.nodeName=', true],
    ['spec.nodeName!=', false],
  ];
  for (const [text, wanted] of matching) {
    it(`${JSON.stringify(text)} ${wanted ? 'matches' : 'does not match'}`, () => {
      expect(parseFieldSelector(text).matches(fieldOf)).to.equal(wanted);
    });
  }

  it("refuses what it can't understand", () => {
    expect(() => parseFieldSelector('a=b,metadata.name')).to.throw(
      "invalid selector: 'a=b,metadata.name'; can't understand 'metadata.name'",
    );
    expect(() => parseFieldSelector('a=b=c')).to.throw(
      'invalid field selector: unescaped character in value',
    );
    expect(() => parseFieldSelector('a=b\\x')).to.throw(
      'invalid field selector: invalid escape sequence: \\x',
    );
    expect(() => parseFieldSelector('a=b\\')).to.throw('invalid field selector: invalid escape sequence: \\');
  });

  it('parses its own text back, whatever the values hold (property)', () => {
    const requirement = fc.record({
      path: fc.constantFrom('metadata.name', 'spec.nodeName', 'reason'),
      operator: fc.constantFrom('=' as const, '!=' as const),
      value: fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('\\', ',', '=', '!', 'a') })),
    });
    fc.assert(
      fc.property(fc.array(requirement, { maxLength: 3 }), (requirements) => {
        const selector = new FieldSelector(requirements);
        expect(parseFieldSelector(selector.toString()).requirements).to.deep.equal(requirements);
      }),
    );
  });
});
