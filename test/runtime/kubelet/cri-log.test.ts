import { expect } from 'chai';
import fc from 'fast-check';
import {
  formatLogLine,
  type LogLine,
  LogPrinter,
  type LogView,
  parseLogLine,
  tailStart,
} from '#src/runtime/kubelet/cri-log.js';

const line = (text: string, partial = false, second = 0): LogLine => ({
  time: `2026-01-01T00:00:0${second}.000000001Z`,
  stream: 'stdout',
  text,
  partial,
});

function printed(lines: readonly LogLine[], view: Partial<LogView> = {}): string {
  const printer = new LogPrinter({ timestamps: false, ...view });
  return Buffer.concat(lines.map((l) => printer.print(l))).toString();
}

describe('the log format of CRI', () => {
  it('KL-19 reads back what it writes (property)', () => {
    const text = fc.string({ unit: 'grapheme' }).filter((t) => !t.includes('\n'));
    const stream = fc.constantFrom('stdout' as const, 'stderr' as const);
    fc.assert(
      fc.property(text, stream, fc.boolean(), (content, from, partial) => {
        const given: LogLine = { ...line(content, partial), stream: from };
        const written = formatLogLine(given);
        expect(written.endsWith('\n')).to.equal(true);
        expect(parseLogLine(written.slice(0, -1))).to.deep.equal(given);
      }),
    );
  });

  for (const text of ['', 'x', '2026-01-01T00:00:00Z stdout X y', '2026-01-01T00:00:00Z stdin F y', 'F y']) {
    it(`KL-19 takes ${JSON.stringify(text)} for no line of a log`, () => {
      expect(parseLogLine(text)).to.equal(undefined);
    });
  }

  it('KL-19 joins the parts of a line, and stamps it once', () => {
    const lines = [line('a', true), line('b', true), line('c'), line('d')];
    expect(printed(lines)).to.equal('abc\nd\n');
    expect(printed(lines, { timestamps: true })).to.equal(
      '2026-01-01T00:00:00.000000001Z abc\n2026-01-01T00:00:00.000000001Z d\n',
    );
  });

  it('KL-19 leaves out what is older than asked for', () => {
    const sinceTime = Date.UTC(2026, 0, 1, 0, 0, 2);
    expect(printed([line('old', false, 1), line('new', false, 2)], { sinceTime })).to.equal('new\n');
  });

  it('KL-19 stops at the byte asked for', () => {
    const printer = new LogPrinter({ timestamps: false, limitBytes: 6 });
    expect(Buffer.from(printer.print(line('abc'))).toString()).to.equal('abc\n');
    expect(printer.full).to.equal(false);
    expect(Buffer.from(printer.print(line('def'))).toString()).to.equal('de');
    expect(printer.full).to.equal(true);
  });

  const some = [line('a'), line('b', true), line('b'), line('c', true)];
  for (const [count, start] of [
    [0, 4],
    [1, 3],
    [2, 1],
    [3, 0],
    [9, 0],
  ] as const) {
    it(`KL-19 finds the last ${count} lines, counting parts as one`, () => {
      expect(tailStart(some, count)).to.equal(start);
    });
  }
});
