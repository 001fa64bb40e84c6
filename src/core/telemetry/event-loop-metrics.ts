/** How late the event loop was: the first thing to look at when everything is slow. */
import type { HistogramSeries, Registry } from '../../telemetry/index.js';

const lagBuckets: readonly number[] = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Observes the longest delay of each half second. @throws TypeError when the name is taken by something else */
export function eventLoopLag(registry: Registry): HistogramSeries {
  return registry
    .histogram({
      name: 'gyre_event_loop_lag_seconds',
      help: 'Longest delay of the event loop in each half second.',
      buckets: lagBuckets,
    })
    .of();
}
