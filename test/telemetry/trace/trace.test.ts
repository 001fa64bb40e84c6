import { expect } from 'chai';
import fc from 'fast-check';
import { seededRandom, VirtualClock } from 'gyre/testing';
import {
  contextOf,
  createTracer,
  type FinishedSpan,
  formatTraceparent,
  noopTracer,
  parseTraceparent,
  rootContext,
  spanKey,
} from '#src/telemetry/index.js';

const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length });
const traceId = 'a'.repeat(32);
const spanId = 'b'.repeat(16);

describe('traceparent', () => {
  it('reads what it wrote (property)', () => {
    fc.assert(
      fc.property(hex(32), hex(16), fc.integer({ min: 0, max: 255 }), (trace, span, traceFlags) => {
        fc.pre(/[^0]/.test(trace) && /[^0]/.test(span));
        const context = { traceId: trace, spanId: span, traceFlags };
        expect(parseTraceparent(formatTraceparent(context))).to.deep.equal({ ...context, isRemote: true });
      }),
    );
  });

  it('takes nothing that the specification calls invalid', () => {
    const invalid = [
      undefined,
      42,
      '',
      `ff-${traceId}-${spanId}-01`,
      `00-${'0'.repeat(32)}-${spanId}-01`,
      `00-${traceId}-${'0'.repeat(16)}-01`,
      `00-${traceId.toUpperCase()}-${spanId}-01`,
      `00-${traceId}-${spanId}-01-more`,
      `00-${traceId}-${spanId}`,
    ];
    for (const text of invalid) expect(parseTraceparent(text), String(text)).to.equal(undefined);
    expect(parseTraceparent(`01-${traceId}-${spanId}-01-more`)?.spanId).to.equal(spanId);
  });

  it('writes nothing for a span of the tracer that traces nothing', () => {
    expect(formatTraceparent(noopTracer.startSpan('x').spanContext())).to.equal(undefined);
  });
});

describe('tracer', () => {
  it('tells each span once, when it ends, with its parent, links and times', async () => {
    const spans: FinishedSpan[] = [];
    const clock = new VirtualClock();
    const tracer = createTracer({ clock, random: seededRandom(1), onEnd: (span) => spans.push(span) });
    const cause = { traceId, spanId, traceFlags: 1 };
    const parent = tracer.startSpan('parent', {
      root: true,
      links: [{ context: cause }],
      attributes: { a: 1 },
    });
    const child = tracer.startSpan('child', {}, contextOf(parent));
    await clock.advance(5);
    child.setStatus({ code: 2, message: 'no' });
    child.recordException(new Error('no'));
    child.end();
    child.end();
    parent.end();
    expect(spans.map(({ name }) => name)).to.deep.equal(['child', 'parent']);
    const [inner, outer] = spans as [FinishedSpan, FinishedSpan];
    expect(inner.parent).to.deep.equal(outer.context);
    expect(inner.context.traceId).to.equal(outer.context.traceId);
    expect(inner).to.deep.include({ status: { code: 2, message: 'no' }, exceptions: ['Error: no'] });
    expect(inner.endedAt - inner.startedAt).to.equal(5);
    expect(outer).to.deep.include({ parent: undefined, links: [cause], attributes: { a: 1 } });
  });

  it('keeps contexts apart', () => {
    const key = Symbol('own');
    const one = rootContext.setValue(key, 1);
    expect([rootContext.getValue(key), one.getValue(key), one.deleteValue(key).getValue(key)]).to.deep.equal([
      undefined,
      1,
      undefined,
    ]);
    expect(rootContext.getValue(spanKey)).to.equal(undefined);
  });
});
