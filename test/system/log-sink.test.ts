import { expect } from 'chai';
import { formatJson, formatPretty } from '#src/system/log-sink.js';

const at = Date.UTC(2026, 0, 2, 3, 4, 5, 6);

describe('log sink', () => {
  it('writes one line of JSON with time, level and message first', () => {
    const line = formatJson({ level: 'info', message: 'hello', fields: { n: 1, deep: { a: [true] } } }, at);
    expect(line).to.equal(
      '{"ts":"2026-01-02T03:04:05.006Z","level":"info","msg":"hello","n":1,"deep":{"a":[true]}}',
    );
  });

  it('writes one line for people', () => {
    const line = formatPretty(
      { level: 'warn', message: 'slow down', fields: { key: 'default/blog', why: 'too fast', n: 2 } },
      at,
    );
    expect(line).to.equal('03:04:05.006 WARN  slow down key=default/blog why="too fast" n=2');
  });

  it('never fails: errors give their text, what JSON cannot carry its name', () => {
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    const fields = { error: new Error('boom'), big: 10n, circle, fn: undefined };
    const parsed = JSON.parse(formatJson({ level: 'error', message: 'x', fields }, at)) as Record<
      string,
      unknown
    >;
    expect(parsed.error).to.contain('Error: boom');
    expect(parsed).to.deep.include({ big: '10', circle: { self: '[Circular]' }, fn: null });
    expect(formatPretty({ level: 'error', message: 'x', fields }, at).split('\n')).to.have.lengthOf(1);
  });

  it('keeps secrets out of fields, messages and the text of errors', () => {
    const object = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: 'db' },
      data: { user: 'aHVudGVyMg==' },
    };
    const fields = { object, token: 'hunter2', error: new Error('refused: Bearer hunter2hunter2') };
    const record = { level: 'info', message: 'asked https://me:hunter2@example.com', fields } as const;
    for (const line of [formatJson(record, at), formatPretty(record, at)]) {
      expect(line).not.to.match(/hunter2|aHVudGVyMg/);
      expect(line).to.contain('refused: Bearer <redacted>').and.to.contain('"user":"<redacted>"');
    }
  });
});
