/** Requests to the API server as metrics, under the names, labels and buckets of client-go. */
import { type Clock, isApiError } from '../../api/index.js';
import type { RequestObserver } from '../../client/index.js';
import type { Registry } from '../../telemetry/index.js';

/** https://github.com/kubernetes/component-base/blob/master/metrics/prometheus/restclient/metrics.go */
const latencyBuckets: readonly number[] = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60];

/** What client-go calls a request that got no answer. */
const noAnswer = '<error>';

export interface RequestMetricsOptions {
  readonly registry: Registry;
  readonly clock: Clock;
  /** Host and port of the server, as a label. */
  readonly host: string;
}

/** Counts and times every request. A watch counts when it was answered; how long it lives is no latency. */
export function requestMetrics({ registry, clock, host }: RequestMetricsOptions): RequestObserver {
  const total = registry.counter({
    name: 'rest_client_requests_total',
    help: 'Requests to the API server, by status code, method and host.',
    labels: ['code', 'method', 'host'],
  });
  const latency = registry.histogram({
    name: 'rest_client_request_duration_seconds',
    help: 'Seconds until the API server had answered, by method and host.',
    labels: ['verb', 'host'],
    buckets: latencyBuckets,
  });
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']) latency.of({ verb: method, host });
  return {
    begin: ({ method }, { verb }) => {
      const began = clock.monotonic();
      return {
        end: (result) => {
          total.of({ code: codeOf(result), method, host }).inc();
          if (verb !== 'watch')
            latency.of({ verb: method, host }).observe((clock.monotonic() - began) / 1000);
        },
      };
    },
  };
}

/** The status code of how a request ended; `<error>` when there was none. */
export function codeOf(
  result: { readonly response: { readonly status: number } } | { readonly error: unknown },
): string {
  if ('response' in result) return String(result.response.status);
  return isApiError(result.error) ? String(result.error.code) : noAnswer;
}
