/** How long the event loop keeps others waiting, in real time. */
import type { Cancel } from '../api/index.js';

/** Milliseconds between two looks; a delay shorter than that may be missed. */
const lookMs = 20;

/**
 * Calls `report` about every `intervalMs` with the longest delay since the last time, ms. Keeps no process alive.
 *
 * Node's own monitor is not used: what it has not recorded when it is reset is lost.
 */
export function sampleEventLoopLag(report: (lagMs: number) => void, intervalMs = 500): Cancel {
  let last = performance.now();
  let longest = 0;
  let reportAt = last + intervalMs;
  const timer = setInterval(() => {
    const now = performance.now();
    longest = Math.max(longest, now - last - lookMs);
    last = now;
    if (now < reportAt) return;
    report(longest);
    longest = 0;
    reportAt = now + intervalMs;
  }, lookMs);
  timer.unref();
  return () => clearInterval(timer);
}
