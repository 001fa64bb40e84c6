/**
 * Counters, gauges and histograms with labels.
 *
 * Guarantees: a series exists from the moment it is asked for, at zero, so that a rate can be told from the first
 * increase; a metric never has more than `maxSeries` series and one more, in which every label is `_other` and
 * which takes whatever comes after: labels made of user data cannot exhaust the memory of process or monitoring.
 */
export type LabelValues<L extends string> = Readonly<Record<L, string>>;
/** No argument for a metric without labels, else one value for each label. */
export type LabelArguments<L extends string> = [L] extends [never] ? [] : [labels: LabelValues<L>];

export interface MetricOptions<L extends string> {
  /** As Prometheus wants it: `[a-zA-Z_:][a-zA-Z0-9_:]*`; counters end in `_total`, times in `_seconds`. */
  readonly name: string;
  /** One sentence for the people who read it. */
  readonly help: string;
  readonly labels?: readonly L[];
  /** Combinations of label values that are kept apart. Default 1000. */
  readonly maxSeries?: number;
}

export interface HistogramOptions<L extends string> extends MetricOptions<L> {
  /** Upper bounds, ascending, without infinity. Default: `defaultBuckets`. */
  readonly buckets?: readonly number[];
}

/** For times of network services, in seconds: what Prometheus' own clients take when not told otherwise. */
export const defaultBuckets: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** `count` bounds, each `factor` times the one before. */
export function exponentialBuckets(start: number, factor: number, count: number): readonly number[] {
  const buckets: number[] = [];
  for (let bound = start; buckets.length < count; bound *= factor) buckets.push(bound);
  return buckets;
}

export type MetricType = 'counter' | 'gauge' | 'histogram';

/** What a series shows when it is collected. */
export type Sample =
  | { readonly value: number }
  | {
      /** Observations at or below each bound; what is above all of them is only in `count`. */
      readonly buckets: readonly { readonly le: number; readonly count: number }[];
      readonly sum: number;
      readonly count: number;
    };

/** A metric with everything it knew when it was collected. */
export interface MetricFamily {
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  readonly labels: readonly string[];
  readonly series: readonly {
    readonly labels: readonly (readonly [name: string, value: string])[];
    readonly sample: Sample;
  }[];
}

interface Series {
  sample(): Sample;
}

const defaultMaxSeries = 1000;
const overflow = '_other';

abstract class Metric<L extends string, S extends Series> {
  abstract readonly type: MetricType;
  readonly name: string;
  readonly help: string;
  readonly labels: readonly L[];
  readonly #maxSeries: number;
  readonly #series = new Map<string, { readonly values: readonly string[]; readonly series: S }>();

  /** @throws TypeError for a name or label that Prometheus would refuse */
  constructor({ name, help, labels = [], maxSeries = defaultMaxSeries }: MetricOptions<L>) {
    checkNames(name, labels);
    this.name = name;
    this.help = help;
    this.labels = labels;
    this.#maxSeries = maxSeries;
  }

  /** The series of these label values, made at zero when there is none. Keep it where it is used often. */
  of(...[labels]: LabelArguments<L>): S {
    const values = this.labels.map((label) => String((labels as LabelValues<L> | undefined)?.[label] ?? ''));
    const found = this.#series.get(idOf(values));
    if (found) return found.series;
    if (this.#series.size < this.#maxSeries) return this.#add(values);
    const others = values.map(() => overflow);
    return this.#series.get(idOf(others))?.series ?? this.#add(others);
  }

  /** Forgets the series of what is gone for good. */
  remove(...[labels]: LabelArguments<L>): void {
    this.#series.delete(
      idOf(this.labels.map((label) => String((labels as LabelValues<L> | undefined)?.[label] ?? ''))),
    );
  }

  collect(): MetricFamily {
    const { name, help, type, labels } = this;
    const series = [...this.#series.values()].map((entry) => ({
      labels: labels.map((label, i) => [label, entry.values[i] as string] as const),
      sample: entry.series.sample(),
    }));
    return { name, help, type, labels, series };
  }

  protected abstract create(): S;

  #add(values: readonly string[]): S {
    const series = this.create();
    this.#series.set(idOf(values), { values, series });
    return series;
  }
}

export class CounterSeries implements Series {
  #value = 0;

  get value(): number {
    return this.#value;
  }
  /** @throws RangeError for what would make it less */
  inc(by = 1): void {
    if (!(by >= 0)) throw new RangeError(`a counter never falls: ${by}`);
    this.#value += by;
  }
  /** For what is counted elsewhere: raises it to `total`, and never lowers it. */
  advanceTo(total: number): void {
    if (total > this.#value) this.#value = total;
  }
  sample(): Sample {
    return { value: this.#value };
  }
}

export class GaugeSeries implements Series {
  #value = 0;

  get value(): number {
    return this.#value;
  }
  set(value: number): void {
    this.#value = value;
  }
  inc(by = 1): void {
    this.#value += by;
  }
  dec(by = 1): void {
    this.#value -= by;
  }
  sample(): Sample {
    return { value: this.#value };
  }
}

export class HistogramSeries implements Series {
  readonly #bounds: readonly number[];
  /** By bucket, not cumulative; the last one is above all bounds. */
  readonly #counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let low = 0;
    let high = bounds.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (value <= (bounds[middle] as number)) high = middle;
      else low = middle + 1;
    }
    this.#counts[low] = (this.#counts[low] as number) + 1;
    this.#sum += value;
  }

  sample(): Sample {
    let count = 0;
    const buckets = this.#bounds.map((le, i) => {
      count += this.#counts[i] as number;
      return { le, count };
    });
    return { buckets, sum: this.#sum, count: count + (this.#counts[this.#bounds.length] as number) };
  }
}

/** Counts what happened; rates are made of it. */
export class Counter<L extends string = never> extends Metric<L, CounterSeries> {
  readonly type = 'counter';
  /** @throws TypeError for a name that does not end in `_total`: OpenMetrics knows no other counters */
  constructor(options: MetricOptions<L>) {
    super(options);
    if (!options.name.endsWith('_total'))
      throw new TypeError(`the counter ${options.name} must end in _total`);
  }
  protected override create(): CounterSeries {
    return new CounterSeries();
  }
}

/** Says how much there is now. */
export class Gauge<L extends string = never> extends Metric<L, GaugeSeries> {
  readonly type = 'gauge';
  protected override create(): GaugeSeries {
    return new GaugeSeries();
  }
}

/** Counts observations by size. */
export class Histogram<L extends string = never> extends Metric<L, HistogramSeries> {
  readonly type = 'histogram';
  readonly buckets: readonly number[];
  /** @throws TypeError for bounds that do not ascend or are not finite */
  constructor({ buckets = defaultBuckets, ...options }: HistogramOptions<L>) {
    super(options);
    const ascending = buckets.every(
      (le, i) => Number.isFinite(le) && (i === 0 || le > (buckets[i - 1] as number)),
    );
    if (!ascending) throw new TypeError(`the buckets of ${options.name} must be finite and ascend`);
    this.buckets = buckets;
  }
  protected override create(): HistogramSeries {
    return new HistogramSeries(this.buckets);
  }
}

function idOf(values: readonly string[]): string {
  return values.length === 1 ? (values[0] as string) : JSON.stringify(values);
}

function checkNames(name: string, labels: readonly string[]): void {
  if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name))
    throw new TypeError(`not a metric name: ${JSON.stringify(name)}`);
  for (const label of labels) {
    if (!/^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/.test(label) || label === 'le')
      throw new TypeError(`not a label of ${name}: ${JSON.stringify(label)}`);
  }
  if (new Set(labels).size !== labels.length) throw new TypeError(`${name} has a label twice`);
}
