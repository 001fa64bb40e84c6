/** Webhooks as metrics, under the names, labels and buckets of controller-runtime. */
import type { Registry } from '../../telemetry/index.js';

/** What a webhook server tells. */
export interface WebhookMetrics {
  /** Puts the series of a webhook, named by its path, at zero. */
  add(webhook: string): void;
  /** A request has come; call what it gives with the HTTP status code and the seconds it took. */
  begin(webhook: string): (code: number, seconds: number) => void;
  /** A webhook failed with a mistake of the program. */
  panicked(): void;
  /** A conversion failed with a mistake of the program. */
  conversionPanicked(): void;
}

/** @throws TypeError when a name is taken in the registry by something else */
export function webhookMetrics(registry: Registry): WebhookMetrics {
  const latency = registry.histogram({
    name: 'controller_runtime_webhook_latency_seconds',
    help: 'Seconds that answering admission requests took.',
    labels: ['webhook'],
  });
  const total = registry.counter({
    name: 'controller_runtime_webhook_requests_total',
    help: 'Admission requests that were answered, by HTTP status code.',
    labels: ['webhook', 'code'],
  });
  const inFlight = registry.gauge({
    name: 'controller_runtime_webhook_requests_in_flight',
    help: 'Admission requests that are being answered now.',
    labels: ['webhook'],
  });
  const panics = registry.counter({
    name: 'controller_runtime_webhook_panics_total',
    help: 'Admission requests that failed with a mistake of the program.',
  });
  const conversionPanics = registry.counter({
    name: 'controller_runtime_conversion_webhook_panics_total',
    help: 'Conversion requests that failed with a mistake of the program.',
  });
  return {
    add: (webhook) => {
      latency.of({ webhook });
      inFlight.of({ webhook });
      for (const code of ['200', '500']) total.of({ webhook, code });
    },
    begin: (webhook) => {
      inFlight.of({ webhook }).inc();
      return (code, seconds) => {
        inFlight.of({ webhook }).dec();
        total.of({ webhook, code: String(code) }).inc();
        latency.of({ webhook }).observe(seconds);
      };
    },
    panicked: () => panics.of().inc(),
    conversionPanicked: () => conversionPanics.of().inc(),
  };
}
