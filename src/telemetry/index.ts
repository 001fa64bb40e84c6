/** Interfaces for what a program tells about itself, with small pure defaults. */
export { type HealthCheck, HealthChecks, type HealthReport, reportText } from './health/health-checks.js';
export { answerHealth, type HealthAnswer, type HealthEndpoints } from './health/health-endpoints.js';
export * from './logger.js';
export * from './metrics/exposition.js';
export * from './metrics/metric.js';
export { Registry } from './metrics/registry.js';
export { redacted, redactSecrets, redactText } from './redact.js';
export { createTracer, type FinishedSpan, type SimpleTracerOptions } from './trace/simple-tracer.js';
export * from './trace/traceparent.js';
export * from './trace/tracer.js';
