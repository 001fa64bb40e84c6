/**
 * The metrics of a program, by name.
 *
 * Guarantees: one metric per name; asking for one that is there already, with the same labels, gives that one, so
 * that two who count the same thing count together.
 */
import {
  Counter,
  Gauge,
  Histogram,
  type HistogramOptions,
  type MetricFamily,
  type MetricOptions,
  type MetricType,
} from './metric.js';

interface Registered {
  readonly type: MetricType;
  readonly labels: readonly string[];
  readonly buckets?: readonly number[];
  collect(): MetricFamily;
}

export class Registry {
  readonly #metrics = new Map<string, Registered>();
  readonly #callbacks = new Set<() => void>();

  /** @throws TypeError for a bad name, or one that is taken by something else */
  counter<L extends string = never>(options: MetricOptions<L>): Counter<L> {
    return this.#one(options.name, new Counter(options));
  }

  /** @throws TypeError for a bad name, or one that is taken by something else */
  gauge<L extends string = never>(options: MetricOptions<L>): Gauge<L> {
    return this.#one(options.name, new Gauge(options));
  }

  /** @throws TypeError for a bad name or buckets, or a name that is taken by something else */
  histogram<L extends string = never>(options: HistogramOptions<L>): Histogram<L> {
    return this.#one(options.name, new Histogram(options));
  }

  /**
   * Calls `refresh` before every collection, for gauges of what is known elsewhere. One that throws spoils its own
   * numbers alone. Returns what ends it.
   */
  onCollect(refresh: () => void): () => void {
    const callback = (): void => refresh();
    this.#callbacks.add(callback);
    return () => void this.#callbacks.delete(callback);
  }

  /** Everything as it is now, by name. */
  collect(): readonly MetricFamily[] {
    for (const refresh of this.#callbacks) {
      try {
        refresh();
      } catch {
        // A scrape must not fail for a gauge: what is stale shows by not moving.
      }
    }
    return [...this.#metrics.entries()].sort(byName).map(([, metric]) => metric.collect());
  }

  #one<M extends Registered>(name: string, made: M): M {
    const there = this.#metrics.get(name);
    if (!there) {
      this.#metrics.set(name, made);
      // Without labels there is one series, and it exists from the start.
      if (made.labels.length === 0) (made as unknown as { of(): unknown }).of();
      return made;
    }
    const shape = ({ type, labels, buckets }: Registered): string => JSON.stringify([type, labels, buckets]);
    if (shape(there) !== shape(made))
      throw new TypeError(`the metric ${name} is registered already, with another type, labels or buckets`);
    return there as M;
  }
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
