/**
 * What controllers do, as metrics under the names, labels and buckets of controller-runtime and client-go, so that
 * dashboards and alerts made for those work unchanged. What they do not have is called `gyre_…`.
 *
 * https://github.com/kubernetes-sigs/controller-runtime/tree/main/pkg/internal/controller/metrics and pkg/metrics
 */
import type { Clock } from '../../api/index.js';
import {
  type CounterSeries,
  exponentialBuckets,
  type GaugeSeries,
  type HistogramSeries,
  type Registry,
} from '../../telemetry/index.js';
import type { RequestKey } from '../controller/definition.js';
import type { ControllerObserver, RunInfo, RunObserver } from '../controller/observer.js';
import type { Outcome } from '../queue/runner.js';
import type { WorkQueue } from '../queue/workqueue.js';
import { isTerminalError } from '../reconcile/result.js';

const reconcileBuckets: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.25, 1.5,
  1.75, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9, 10, 15, 20, 25, 30, 40, 50, 60,
];
const queueBuckets = exponentialBuckets(10e-9, 10, 12);

/** `requeue` is there for the dashboards: here, a reconcile always says after how long. */
const results = ['success', 'error', 'requeue', 'requeue_after'] as const;
export type ReconcileResult = (typeof results)[number];

/** What is read from a controller when metrics are collected; ControllerRunner has it. */
export interface ObservedController {
  readonly queue?: Pick<WorkQueue<RequestKey>, 'depthByPriority' | 'counters'>;
  readonly state?: { readonly phase: string };
}

interface Series {
  readonly results: Readonly<Record<ReconcileResult, CounterSeries>>;
  readonly errors: CounterSeries;
  readonly terminalErrors: CounterSeries;
  readonly panics: CounterSeries;
  readonly timeouts: CounterSeries;
  readonly time: HistogramSeries;
  readonly maxConcurrent: GaugeSeries;
  readonly active: GaugeSeries;
  readonly adds: CounterSeries;
  readonly retries: CounterSeries;
  readonly queued: HistogramSeries;
  readonly worked: HistogramSeries;
  readonly unfinished: GaugeSeries;
  readonly longest: GaugeSeries;
  readonly stuck: GaugeSeries;
  readonly heldUp: GaugeSeries;
}

interface Observed {
  readonly series: Series;
  /** When the runs under way began, monotonic ms. */
  readonly running: Map<RequestKey, number>;
  readonly stuck: Set<RequestKey>;
  controller: ObservedController | undefined;
}

export class ControllerMetrics implements ControllerObserver {
  readonly #clock: Clock;
  readonly #families: ReturnType<typeof familiesOf>;
  readonly #observed = new Map<string, Observed>();
  readonly #uncollect: () => void;

  /** @throws TypeError when a name is taken in the registry by something else */
  constructor({ registry, clock }: { readonly registry: Registry; readonly clock: Clock }) {
    this.#clock = clock;
    this.#families = familiesOf(registry);
    this.#uncollect = registry.onCollect(() => this.#refresh());
  }

  /** Puts every series of a controller at zero, and reads its queue from now on. */
  add(name: string, maxConcurrent: number, controller: ObservedController): void {
    const observed = this.#of(name);
    observed.controller = controller;
    observed.series.maxConcurrent.set(maxConcurrent);
    this.#families.depth.of({ name, controller: name, priority: '0' });
  }

  /** Reads no queue any more. */
  close(): void {
    this.#uncollect();
  }

  onRun({ controller, key, queuedMs }: RunInfo): RunObserver {
    const observed = this.#of(controller);
    const { series, running } = observed;
    running.set(key, this.#clock.monotonic());
    series.active.set(running.size);
    series.queued.observe(queuedMs / 1000);
    return { onEnd: (outcome) => this.#ended(observed, outcome) };
  }

  onStuck(controller: string, key: RequestKey): void {
    const { stuck, series } = this.#of(controller);
    stuck.add(key);
    series.stuck.set(stuck.size);
  }

  #ended({ series, running, stuck }: Observed, outcome: Outcome<RequestKey>): void {
    running.delete(outcome.key);
    stuck.delete(outcome.key);
    series.active.set(running.size);
    series.stuck.set(stuck.size);
    series.time.observe(outcome.durationMs / 1000);
    series.worked.observe(outcome.durationMs / 1000);
    series.results[resultLabel(outcome)].inc();
    if (outcome.ok) return;
    series.errors.inc();
    if (isTerminalError(outcome.error)) series.terminalErrors.inc();
    if (outcome.error.name === 'ReconcileTimeout') series.timeouts.inc();
    if (isPanic(outcome.error)) series.panics.inc();
  }

  #refresh(): void {
    const now = this.#clock.monotonic();
    for (const [name, { series, running, controller }] of this.#observed) {
      const ages = [...running.values()].map((began) => (now - began) / 1000);
      series.unfinished.set(ages.reduce((sum, age) => sum + age, 0));
      series.longest.set(ages.reduce((longest, age) => Math.max(longest, age), 0));
      series.heldUp.set(controller?.state?.phase === 'held-up' ? 1 : 0);
      const queue = controller?.queue;
      if (!queue) continue;
      series.adds.advanceTo(queue.counters.adds);
      series.retries.advanceTo(queue.counters.retries);
      for (const [priority, depth] of queue.depthByPriority)
        this.#families.depth.of({ name, controller: name, priority: String(priority) }).set(depth);
    }
  }

  #of(name: string): Observed {
    let observed = this.#observed.get(name);
    if (!observed) {
      const series = seriesOf(this.#families, name);
      observed = { series, running: new Map(), stuck: new Set(), controller: undefined };
      this.#observed.set(name, observed);
    }
    return observed;
  }
}

export function resultLabel(outcome: Outcome<RequestKey>): ReconcileResult {
  if (!outcome.ok) return 'error';
  return outcome.result.requeueAfterMs === undefined ? 'success' : 'requeue_after';
}

/**
 * What Go would call a panic: not a failure that was thrown on purpose, but a mistake in the program that the
 * language found. Failures of I/O that come as a TypeError (`fetch`) carry their cause.
 */
export function isPanic(error: Error): boolean {
  const mistake =
    error instanceof TypeError || error instanceof ReferenceError || error instanceof RangeError;
  return mistake && error.cause === undefined;
}

function familiesOf(registry: Registry) {
  const labels = ['controller'] as const;
  const queueLabels = ['name', 'controller'] as const;
  const of = (name: string, help: string) => ({ name: `controller_runtime_${name}`, help, labels });
  const queue = (name: string, help: string) => ({ name: `workqueue_${name}`, help, labels: queueLabels });
  return {
    total: registry.counter({
      ...of('reconcile_total', 'Reconciles that ended, by result.'),
      labels: ['controller', 'result'] as const,
    }),
    errors: registry.counter(of('reconcile_errors_total', 'Reconciles that failed.')),
    terminalErrors: registry.counter(
      of('terminal_reconcile_errors_total', 'Reconciles that failed for good and are not retried.'),
    ),
    panics: registry.counter(
      of(
        'reconcile_panics_total',
        'Reconciles that failed with a mistake of the program, such as a TypeError.',
      ),
    ),
    timeouts: registry.counter(of('reconcile_timeouts_total', 'Reconciles that took longer than they may.')),
    time: registry.histogram({
      ...of('reconcile_time_seconds', 'Seconds that reconciles took.'),
      buckets: reconcileBuckets,
    }),
    maxConcurrent: registry.gauge(of('max_concurrent_reconciles', 'Reconciles that may run at once.')),
    active: registry.gauge(of('active_workers', 'Reconciles that run now.')),
    depth: registry.gauge({
      ...queue('depth', 'Keys that wait for a worker, by priority.'),
      labels: ['name', 'controller', 'priority'] as const,
    }),
    adds: registry.counter(queue('adds_total', 'Keys added to the queue.')),
    retries: registry.counter(queue('retries_total', 'Keys added again after a failure.')),
    queued: registry.histogram({
      ...queue('queue_duration_seconds', 'Seconds that keys waited for a worker.'),
      buckets: queueBuckets,
    }),
    worked: registry.histogram({
      ...queue('work_duration_seconds', 'Seconds that workers spent on keys.'),
      buckets: queueBuckets,
    }),
    unfinished: registry.gauge(
      queue('unfinished_work_seconds', 'Seconds spent so far on what is still running, all together.'),
    ),
    longest: registry.gauge(
      queue('longest_running_processor_seconds', 'Seconds that the longest of the running has taken so far.'),
    ),
    stuck: registry.gauge({
      name: 'gyre_stuck_reconciles',
      help: 'Reconciles that outlived their timeout, were aborted and have not ended.',
      labels,
    }),
    heldUp: registry.gauge({
      name: 'gyre_controller_held_up',
      help: '1 while a controller cannot run because a kind is absent, forbidden or slow to read.',
      labels,
    }),
  };
}

function seriesOf(families: ReturnType<typeof familiesOf>, controller: string): Series {
  const own = { controller };
  const queue = { name: controller, controller };
  const result = (value: ReconcileResult) => families.total.of({ controller, result: value });
  return {
    results: {
      success: result('success'),
      error: result('error'),
      requeue: result('requeue'),
      requeue_after: result('requeue_after'),
    },
    errors: families.errors.of(own),
    terminalErrors: families.terminalErrors.of(own),
    panics: families.panics.of(own),
    timeouts: families.timeouts.of(own),
    time: families.time.of(own),
    maxConcurrent: families.maxConcurrent.of(own),
    active: families.active.of(own),
    adds: families.adds.of(queue),
    retries: families.retries.of(queue),
    queued: families.queued.of(queue),
    worked: families.worked.of(queue),
    unfinished: families.unfinished.of(queue),
    longest: families.longest.of(queue),
    stuck: families.stuck.of(own),
    heldUp: families.heldUp.of(own),
  };
}
