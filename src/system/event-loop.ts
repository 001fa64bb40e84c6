/** How long the event loop keeps others waiting, in real time. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Cancel } from '../api/index.js';

/** Milliseconds between two looks; a delay shorter than that may be missed. */
const resolution = 20;

/**
 * Calls `report` every `intervalMs` with the longest delay since the last time, ms. Keeps no process alive.
 */
export function sampleEventLoopLag(report: (lagMs: number) => void, intervalMs = 500): Cancel {
  const delays = monitorEventLoopDelay({ resolution });
  delays.enable();
  const timer = setInterval(() => {
    // Without a sample the maximum is 0. What was asked for is no delay.
    const lag = delays.max / 1e6 - resolution;
    delays.reset();
    report(Math.max(0, lag));
  }, intervalMs);
  timer.unref();
  return () => {
    clearInterval(timer);
    delays.disable();
  };
}
