/**
 * Metrics as text: the Prometheus text format 0.0.4, and OpenMetrics 1.0 for those who ask for it.
 *
 * https://prometheus.io/docs/instrumenting/exposition_formats,
 * https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
 */
import type { MetricFamily, Sample } from './metric.js';

export type ExpositionFormat = 'prometheus' | 'openmetrics';

export const contentTypes: Readonly<Record<ExpositionFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

/** What an `Accept` header asks for: OpenMetrics where it is wanted at least as much, else the older format. */
export function negotiateFormat(accept: string | undefined): ExpositionFormat {
  let openmetrics = 0;
  let text = 0;
  for (const range of (accept ?? '').split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const of = (name: string): string | undefined =>
      parameters.find((parameter) => parameter.startsWith(`${name}=`))?.slice(name.length + 1);
    const quality = Number(of('q') ?? 1) || 0;
    if (type === 'application/openmetrics-text' && ['1.0.0', '0.0.1', undefined].includes(of('version')))
      openmetrics = Math.max(openmetrics, quality);
    if (type === 'text/plain' || type === 'text/*') text = Math.max(text, quality);
  }
  return openmetrics > 0 && openmetrics >= text ? 'openmetrics' : 'prometheus';
}

export function formatMetrics(
  families: readonly MetricFamily[],
  format: ExpositionFormat = 'prometheus',
): string {
  const open = format === 'openmetrics';
  const lines: string[] = [];
  for (const family of families) {
    // OpenMetrics names the family without the suffix that its samples carry.
    const name = open && family.type === 'counter' ? family.name.replace(/_total$/, '') : family.name;
    lines.push(`# HELP ${name} ${escape(family.help, open)}`, `# TYPE ${name} ${family.type}`);
    for (const { labels, sample } of family.series)
      lines.push(...samplesOf(family.name, labels, sample, open));
  }
  if (open) lines.push('# EOF');
  return lines.map((line) => `${line}\n`).join('');
}

type Labels = readonly (readonly [string, string])[];

function samplesOf(name: string, labels: Labels, sample: Sample, open: boolean): string[] {
  if ('value' in sample) return [`${name}${labelText(labels)} ${numberText(sample.value)}`];
  const bound = (le: number): string => {
    const text = numberText(le);
    // There, bounds are canonical floats: 1.0, not 1.
    return open && /^-?\d+$/.test(text) ? `${text}.0` : text;
  };
  return [
    ...sample.buckets.map(
      ({ le, count }) => `${name}_bucket${labelText([...labels, ['le', bound(le)]])} ${count}`,
    ),
    `${name}_bucket${labelText([...labels, ['le', '+Inf']])} ${sample.count}`,
    `${name}_sum${labelText(labels)} ${numberText(sample.sum)}`,
    `${name}_count${labelText(labels)} ${sample.count}`,
  ];
}

function labelText(labels: Labels): string {
  if (labels.length === 0) return '';
  return `{${labels.map(([name, value]) => `${name}="${escape(value, true)}"`).join(',')}}`;
}

function escape(text: string, quotes: boolean): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return quotes ? escaped.replaceAll('"', '\\"') : escaped;
}

/** As Go writes floats, so that a `le` written by hand matches: 1e-08 and 1e+06, not 1e-8 and 1000000. */
export function numberText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const [mantissa = '0', exponentText = '0'] = value.toExponential().split('e');
  const exponent = Number(exponentText);
  if (exponent >= -4 && exponent < 6) return String(value);
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}
