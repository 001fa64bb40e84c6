import { expect } from 'chai';
import fc from 'fast-check';
import { countLogged, encodeLog, maxLineBytes } from '#src/runtime/process/cri-log.js';

const encode = (text: string, final = false) => {
  const { lines, consumed } = encodeLog(Buffer.from(text), 'stdout', 0, final);
  return { lines: lines.toString(), consumed };
};
const stamp = '1970-01-01T00:00:00.000000000Z';

describe('CRI log', () => {
  it('KL-19 writes whole lines as F and waits for the end of the last', () => {
    expect(encode('a\n\nb')).to.deep.equal({
      lines: `${stamp} stdout F a\n${stamp} stdout F \n`,
      consumed: 3,
    });
  });

  it('KL-19 writes what is left at the end as P', () => {
    expect(encode('b', true)).to.deep.equal({ lines: `${stamp} stdout P b\n`, consumed: 1 });
  });

  it('KL-19 splits lines at 16384 bytes', () => {
    const { lines } = encode(`${'x'.repeat(maxLineBytes + 1)}\n`);
    expect(lines.split('\n').map((line) => [line.slice(31, 39), line.length - 40])).to.deep.equal([
      ['stdout P', maxLineBytes],
      ['stdout F', 1],
      ['', -40],
    ]);
  });

  it('tells from a log how much of the output is in it, wherever writing stopped (property)', () => {
    const text = fc.array(fc.constantFrom('a', ' ', 'stderr F ', '\n', 'y'.repeat(maxLineBytes)), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(text, text, fc.boolean(), (out, err, final) => {
        const a = encodeLog(Buffer.from(out.join('')), 'stdout', 0, final);
        const b = encodeLog(Buffer.from(err.join('')), 'stderr', 0, final);
        const counted = countLogged(Buffer.concat([a.lines, b.lines]));
        expect(counted).to.deep.equal({ stdout: a.consumed, stderr: b.consumed });
      }),
    );
  });
});
