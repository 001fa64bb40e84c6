import { expect } from 'chai';
import { formatMetrics, negotiateFormat, Registry } from '#src/telemetry/index.js';
import { numberText } from '#src/telemetry/metrics/exposition.js';

function sample(): Registry {
  const registry = new Registry();
  registry.counter({ name: 'b_total', help: 'Back\\slash\nand "quotes".', labels: ['path'] });
  registry
    .counter({ name: 'b_total', help: '', labels: ['path'] })
    .of({ path: 'C:\\a\n"b"' })
    .inc(2);
  registry
    .histogram({ name: 'c_seconds', help: 'c', labels: ['of'], buckets: [0.5, 1] })
    .of({ of: 'x' })
    .observe(0.7);
  registry.gauge({ name: 'a', help: 'a' }).of().set(-1.5);
  return registry;
}

describe('metrics as text', () => {
  it('writes the Prometheus text format 0.0.4, sorted by name', () => {
    expect(formatMetrics(sample().collect())).to.equal(
      `# HELP a a
# TYPE a gauge
a -1.5
# HELP b_total Back\\\\slash\\nand "quotes".
# TYPE b_total counter
b_total{path="C:\\\\a\\n\\"b\\""} 2
# HELP c_seconds c
# TYPE c_seconds histogram
c_seconds_bucket{of="x",le="0.5"} 0
c_seconds_bucket{of="x",le="1"} 1
c_seconds_bucket{of="x",le="+Inf"} 1
c_seconds_sum{of="x"} 0.7
c_seconds_count{of="x"} 1
`,
    );
  });

  it('writes OpenMetrics: families of counters without _total, bounds as floats, an end', () => {
    const text = formatMetrics(sample().collect(), 'openmetrics');
    expect(text).to.contain('# TYPE b counter\nb_total{').and.to.contain('le="1.0"');
    expect(text).to.contain('# HELP b Back\\\\slash\\nand \\"quotes\\".');
    expect(text.endsWith('# EOF\n')).to.equal(true);
  });

  it('writes numbers as Go does', () => {
    const numbers = [0, 1, 0.005, 1e-8, 9.999999999999999e-6, 1e-4, 1234.5, 1e6, 1234567, -0.5];
    expect(numbers.map(numberText).join(' ')).to.equal(
      '0 1 0.005 1e-08 9.999999999999999e-06 0.0001 1234.5 1e+06 1.234567e+06 -0.5',
    );
    expect([Number.NaN, Infinity, -Infinity].map(numberText)).to.deep.equal(['NaN', '+Inf', '-Inf']);
  });

  it('gives OpenMetrics only to those who ask for it', () => {
    const asked = (accept?: string) => negotiateFormat(accept);
    expect(asked()).to.equal('prometheus');
    expect(asked('*/*')).to.equal('prometheus');
    expect(asked('text/html')).to.equal('prometheus');
    expect(
      asked('application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'),
    ).to.equal('openmetrics');
    expect(asked('application/openmetrics-text; version=1.0.0; q=0.3, text/plain; q=0.9')).to.equal(
      'prometheus',
    );
    expect(asked('application/openmetrics-text; version=2.0.0')).to.equal('prometheus');
    expect(asked('application/openmetrics-text; q=0')).to.equal('prometheus');
  });
});
