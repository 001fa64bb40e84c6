import { expect } from 'chai';
import fc from 'fast-check';
import { exponentialBuckets, type MetricFamily, Registry } from '#src/telemetry/index.js';

const only = (registry: Registry): MetricFamily => registry.collect()[0] as MetricFamily;

describe('metrics registry', () => {
  it('shows a series from the moment it is asked for, at zero', () => {
    const registry = new Registry();
    registry.counter({ name: 'a_total', help: 'a', labels: ['of'] }).of({ of: 'x' });
    expect(only(registry).series).to.deep.equal([{ labels: [['of', 'x']], sample: { value: 0 } }]);
  });

  it('shows a metric without labels from its registration, at zero', () => {
    const registry = new Registry();
    registry.gauge({ name: 'a', help: 'a' });
    registry.histogram({ name: 'b', help: 'b', buckets: [1] });
    expect(registry.collect().map(({ series }) => series.map(({ sample }) => sample))).to.deep.equal([
      [{ value: 0 }],
      [{ buckets: [{ le: 1, count: 0 }], sum: 0, count: 0 }],
    ]);
  });

  it('counts together for all who register the same metric', () => {
    const registry = new Registry();
    const options = { name: 'a_total', help: 'a', labels: ['of'] } as const;
    registry.counter(options).of({ of: 'x' }).inc();
    registry.counter(options).of({ of: 'x' }).inc(2);
    expect(only(registry).series[0]?.sample).to.deep.equal({ value: 3 });
  });

  it('refuses a name that something else has, and names that Prometheus would refuse', () => {
    const registry = new Registry();
    registry.gauge({ name: 'a', help: 'a' });
    const bad = [
      () => registry.gauge({ name: 'a', help: 'a', labels: ['of'] }),
      () => registry.histogram({ name: 'a', help: 'a' }),
      () => registry.gauge({ name: 'a-b', help: 'a' }),
      () => registry.gauge({ name: 'b', help: 'b', labels: ['__name'] }),
      () => registry.histogram({ name: 'b', help: 'b', labels: ['le'] }),
      () => registry.histogram({ name: 'b', help: 'b', buckets: [2, 1] }),
      () => registry.counter({ name: 'count', help: 'does not end in _total' }),
    ];
    for (const register of bad) expect(register).to.throw(TypeError);
  });

  it('never keeps more series than it may: what comes after is counted as _other', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), fc.integer({ min: 1, max: 5 }), (values, maxSeries) => {
        const registry = new Registry();
        const counter = registry.counter({ name: 'a_total', help: 'a', labels: ['x', 'y'], maxSeries });
        for (const x of values) counter.of({ x, y: '' }).inc();
        const { series } = only(registry);
        const total = series.reduce((sum, { sample }) => sum + ('value' in sample ? sample.value : 0), 0);
        return series.length <= maxSeries + 1 && total === values.length;
      }),
    );
    const registry = new Registry();
    const counter = registry.counter({ name: 'a_total', help: 'a', labels: ['x'], maxSeries: 1 });
    for (const x of ['a', 'b', 'c']) counter.of({ x }).inc();
    expect(only(registry).series).to.deep.equal([
      { labels: [['x', 'a']], sample: { value: 1 } },
      { labels: [['x', '_other']], sample: { value: 2 } },
    ]);
  });

  it('takes a label value for what it is, also one that looks like part of an object', () => {
    const registry = new Registry();
    const gauge = registry.gauge({ name: 'a', help: 'a', labels: ['x'] });
    gauge.of({ x: '__proto__' }).set(1);
    gauge.of({ x: 'constructor' }).set(2);
    expect(only(registry).series.map(({ labels }) => labels[0]?.[1])).to.deep.equal([
      '__proto__',
      'constructor',
    ]);
  });

  it('counts an observation in the first bucket whose bound it does not exceed', () => {
    const registry = new Registry();
    const histogram = registry.histogram({ name: 'a', help: 'a', buckets: [1, 2, 4] }).of();
    for (const value of [0.5, 1, 1.5, 4, 9]) histogram.observe(value);
    expect(only(registry).series[0]?.sample).to.deep.equal({
      buckets: [
        { le: 1, count: 2 },
        { le: 2, count: 3 },
        { le: 4, count: 4 },
      ],
      sum: 16,
      count: 5,
    });
  });

  it('never lets a counter fall', () => {
    const counter = new Registry().counter({ name: 'a_total', help: 'a' }).of();
    counter.advanceTo(5);
    counter.advanceTo(3);
    expect(counter.value).to.equal(5);
    expect(() => counter.inc(-1)).to.throw(RangeError);
    expect(() => counter.inc(Number.NaN)).to.throw(RangeError);
  });

  it('asks callbacks before it is collected, until they end; one that throws spoils nothing else', () => {
    const registry = new Registry();
    const gauge = registry.gauge({ name: 'a', help: 'a' }).of();
    registry.onCollect(() => {
      throw new Error('no');
    });
    const end = registry.onCollect(() => gauge.inc());
    registry.collect();
    registry.collect();
    end();
    expect(only(registry).series[0]?.sample).to.deep.equal({ value: 2 });
  });

  it('forgets a series that is removed', () => {
    const registry = new Registry();
    const gauge = registry.gauge({ name: 'a', help: 'a', labels: ['x', 'y'] });
    gauge.of({ x: '1', y: '2' });
    gauge.remove({ x: '1', y: '2' });
    expect(only(registry).series).to.deep.equal([]);
  });

  it('makes buckets that grow by a factor', () => {
    expect(exponentialBuckets(1, 10, 3)).to.deep.equal([1, 10, 100]);
  });
});
