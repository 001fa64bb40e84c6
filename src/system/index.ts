/** The only floor that touches real time, chance and signals. */
export { systemClock } from './clock.js';
export { drainMicrotasks } from './drain.js';
export { systemRandom } from './random.js';
export { turnGate } from './turn.js';
export { onTerminationSignal } from './signals.js';
export { type LineFile, openLineFile } from './line-file.js';
export { formatJson, formatPretty, type LogFormat, stderrSink } from './log-sink.js';
export { processMetrics } from './process-metrics.js';
export { sampleEventLoopLag } from './event-loop.js';
