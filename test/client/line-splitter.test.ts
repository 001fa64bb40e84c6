import { expect } from 'chai';
import fc from 'fast-check';
import { LineSplitter } from '#src/client/line-splitter.js';

const bytes = (text: string) => Buffer.from(text, 'utf8');

describe('LineSplitter', () => {
  it('gives the same lines however the bytes are cut (any text, any chunks)', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'é', '🌊', '\n', '{') });
    fc.assert(
      fc.property(text, fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1 }), (content, sizes) => {
        const splitter = new LineSplitter(1_000);
        const whole = bytes(content);
        const lines: string[] = [];
        for (let at = 0, i = 0; at < whole.length; i++) {
          const size = sizes[i % sizes.length] as number;
          for (const line of splitter.push(whole.subarray(at, at + size))) lines.push(line.toString('utf8'));
          at += size;
        }
        const parts = content.split('\n');
        const rest = parts.pop() as string;
        expect(lines).to.deep.equal(parts.filter((part) => part !== ''));
        expect(splitter.pendingBytes).to.equal(bytes(rest).length);
      }),
    );
  });

  it('gives the lines before the one that is too long, then throws', () => {
    const splitter = new LineSplitter(4);
    const lines: string[] = [];
    expect(() => {
      for (const line of splitter.push(bytes('ab\ncd\nefghi'))) lines.push(String(line));
    }).to.throw(RangeError, 'a line is longer than 4 bytes');
    expect(lines).to.deep.equal(['ab', 'cd']);
  });

  it('refuses a line that grows past the limit chunk by chunk, whole or not', () => {
    const splitter = new LineSplitter(4);
    expect([...splitter.push(bytes('abc'))]).to.deep.equal([]);
    expect(() => [...splitter.push(bytes('de'))]).to.throw(RangeError);
    expect(() => [...new LineSplitter(4).push(bytes('abcde\n'))]).to.throw(RangeError);
    expect([...new LineSplitter(4).push(bytes('abcd\n'))].map(String)).to.deep.equal(['abcd']);
  });
});
