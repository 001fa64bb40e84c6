import { expect } from 'chai';
import fc from 'fast-check';
import { WireWriter } from '#src/apiserver/codec/wire-writer.js';
import { bytes, double, int, msg, str } from './wire-writer.js';

const written = (write: (out: WireWriter) => void): number[] => {
  const out = new WireWriter();
  write(out);
  return [...out.bytes];
};

describe('WireWriter', () => {
  it('writes what is written last first, and messages with their length in front', () => {
    const got = written((out) => {
      out.double(5, -1.5);
      out.message(4, () => {
        out.bool(19, true);
        out.message(1, () => {});
      });
      out.int64(3, -7);
      out.string(2, 'ünï💥');
    });
    expect(got).to.deep.equal([
      ...str(2, 'ünï💥'),
      ...int(3, -7),
      ...msg(4, msg(1), int(19, 1)),
      ...double(5, -1.5),
    ]);
  });

  it('writes every integer that a number holds, under every field number', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 29 - 1 }), fc.maxSafeInteger(), (number, value) => {
        expect(written((out) => out.int64(number, value))).to.deep.equal([...int(number, value)]);
      }),
    );
  });

  it('grows as far as it is written', () => {
    const long = 'x'.repeat(300_000);
    const got = written((out) => {
      out.string(2, 'after');
      out.message(1, () => {
        for (let i = 0; i < 3; i++) out.string(7, long);
      });
    });
    const text = [...str(7, long)];
    expect(
      Buffer.from(got).equals(Buffer.from([...bytes(1, [...text, ...text, ...text]), ...str(2, 'after')])),
    ).to.equal(true);
  });
});
