/**
 * What a Manager tells about itself: metrics, traces, health, and the servers that answer for them.
 *
 * Guarantees: nothing is kept that was not asked for; the servers are the first to start and the last to stop, so
 * that a start that takes long can be watched; readiness says that the caches are complete, whoever leads, and
 * controllers that are held up do not hold it up.
 */
import { type Clock, type Duration, durationMs } from '../../api/index.js';
import type { Client, RequestObserver } from '../../client/index.js';
import { sampleEventLoopLag, systemClock } from '../../system/index.js';
import {
  answerHealth,
  contentTypes,
  formatMetrics,
  HealthChecks,
  type Logger,
  negotiateFormat,
  Registry,
} from '../../telemetry/index.js';
import type { ControllerObserver } from '../controller/observer.js';
import type { InformerSource } from '../controller/watching.js';
import { ControllerMetrics, type ObservedController } from './controller-metrics.js';
import { delegatedAuth, type EndpointAuth } from './delegated-auth.js';
import { eventLoopLag } from './event-loop-metrics.js';

import {
  type EndpointAnswer,
  type EndpointOptions,
  type EndpointRequest,
  HttpEndpoint,
} from './http-endpoint.js';
import { InformerMetrics } from './informer-metrics.js';
import { type LeaderMetrics, leaderMetrics } from './leader-metrics.js';
import { ReconcileTracing, type TracingOptions } from './reconcile-tracing.js';
import { requestMetrics } from './request-metrics.js';

export interface HealthOptions extends EndpointOptions {
  /** How long the event loop may have been blocked before `/healthz` fails. Default 10s. */
  readonly maxEventLoopLag?: Duration;
}

export interface MetricsOptions extends Omit<EndpointOptions, 'port'> {
  /** Serves `/metrics` here; 0: any that is free. Default: metrics are kept, in `manager.metrics`, and not served. */
  readonly port?: number;
  /** Where metrics are kept. Default: one of the Manager's own. */
  readonly registry?: Registry;
  /** `'delegated'`: the cluster says who may read (TokenReview, SubjectAccessReview). Default: everybody. */
  readonly auth?: 'delegated' | EndpointAuth;
}

export interface TelemetryOptions {
  /** Serves `/healthz`, `/livez` and `/readyz`. Default: no. */
  readonly health?: HealthOptions;
  /** Keeps metrics, and serves them where a port is given. Default: no. */
  readonly metrics?: MetricsOptions;
  /** Traces reconciles and their requests. Default: no. */
  readonly tracing?: TracingOptions;
}

/** What is asked of a controller; ControllerRunner has it. */
export interface WatchedController extends ObservedController {
  readonly stuck?: number;
}

const defaultMaxLagMs = 10_000;

interface Controller {
  readonly name: string;
  readonly maxConcurrent: number;
  readonly controller: WatchedController;
}

export class ManagerTelemetry {
  readonly registry: Registry;
  /** What follows the runs of every controller. */
  readonly observers: readonly ControllerObserver[];
  readonly live: HealthChecks;
  readonly ready: HealthChecks;
  readonly #options: TelemetryOptions;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #controllers: Controller[] = [];
  readonly #metrics:
    | { readonly controllers: ControllerMetrics; readonly informers: InformerMetrics }
    | undefined;
  readonly #health: HttpEndpoint | undefined;
  readonly #scrapes: HttpEndpoint | undefined;
  #client: Client | undefined;
  #started = false;
  /** The longest delay of the event loop in the last half second. */
  #lagMs = 0;
  #stopSampling = (): void => {};

  constructor(options: TelemetryOptions, { clock, log }: { readonly clock: Clock; readonly log: Logger }) {
    const { health, metrics, tracing } = options;
    this.#options = options;
    this.#clock = clock;
    this.#log = log;
    this.registry = metrics?.registry ?? new Registry();
    if (metrics) {
      const { registry } = this;
      this.#metrics = {
        controllers: new ControllerMetrics({ registry, clock }),
        informers: new InformerMetrics(registry),
      };
    }
    this.observers = [
      ...(this.#metrics ? [this.#metrics.controllers] : []),
      ...(tracing ? [new ReconcileTracing(tracing)] : []),
    ];
    this.live = new HealthChecks('healthz', { clock, log });
    this.ready = new HealthChecks('readyz', { clock, log });
    this.#addChecks();
    if (health) this.#health = new HttpEndpoint('health', health, (request) => this.#probe(request), log);
    if (metrics?.port !== undefined) {
      const at = { ...metrics, port: metrics.port };
      const auth = metrics.auth === 'delegated' ? this.#delegated() : metrics.auth;
      this.#scrapes = new HttpEndpoint('metrics', at, (request) => this.#scrape(request, auth), log);
    }
  }

  /** undefined while nothing listens. */
  get healthPort(): number | undefined {
    return this.#health?.port;
  }
  get metricsPort(): number | undefined {
    return this.#scrapes?.port;
  }

  /** Opens the ports. @throws Error for one that cannot be had; none is left open then */
  async start(): Promise<void> {
    this.#sample();
    try {
      await this.#health?.start();
      await this.#scrapes?.start();
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.#stopSampling();
    await this.#scrapes?.stop();
    await this.#health?.stop();
    this.#metrics?.controllers.close();
    this.#metrics?.informers.close();
  }

  /** What counts the requests to a host; undefined without metrics. */
  requests(host: string): RequestObserver | undefined {
    return this.#metrics && requestMetrics({ registry: this.registry, clock: this.#clock, host });
  }

  /** The same informers, with what they do counted. */
  informers(source: InformerSource, cluster: string): InformerSource {
    return this.#metrics?.informers.observed(source, cluster) ?? source;
  }

  /** Whom to ask who may read the metrics. */
  judgedBy(client: Client): void {
    this.#client = client;
  }

  /** Puts the metrics of a controller at zero; its health counts from now on. */
  add(name: string, maxConcurrent: number, controller: WatchedController): void {
    this.#metrics?.controllers.add(name, maxConcurrent, controller);
    this.#controllers.push({ name, maxConcurrent, controller });
  }

  /** What shows whether this process holds the lease of that name; undefined without metrics. */
  leadership(name: string): LeaderMetrics | undefined {
    return this.#metrics && leaderMetrics(this.registry, name);
  }

  /** All there is to start was started; whether it may work is not asked. */
  started(): void {
    this.#started = true;
  }

  #addChecks(): void {
    this.ready.add('started', () => this.#started);
    this.ready.add('informers', () =>
      this.#expectNone('without complete caches', ({ controller }) => controller.state?.phase === 'starting'),
    );
    const maxLagMs = durationMs(this.#options.health?.maxEventLoopLag ?? defaultMaxLagMs);
    this.live.add('event-loop', () => {
      if (this.#lagMs > maxLagMs)
        throw new Error(`the event loop was blocked for ${Math.round(this.#lagMs)} ms`);
    });
    this.live.add('controllers', () =>
      this.#expectNone(
        'with every worker stuck',
        ({ controller, maxConcurrent }) => (controller.stuck ?? 0) >= maxConcurrent,
      ),
    );
  }

  #expectNone(what: string, is: (controller: Controller) => boolean): void {
    const found = this.#controllers.filter(is);
    if (found.length > 0) throw new Error(`${what}: ${found.map(({ name }) => name).join(', ')}`);
  }

  /** Real time alone has an event loop that can be late. */
  #sample(): void {
    const { health, metrics } = this.#options;
    if (this.#clock !== systemClock || !(health || metrics)) return;
    const observed = metrics ? eventLoopLag(this.registry) : undefined;
    this.#stopSampling = sampleEventLoopLag((lagMs) => {
      this.#lagMs = lagMs;
      observed?.observe(lagMs / 1000);
    });
  }

  async #probe({ path, query }: EndpointRequest): Promise<EndpointAnswer> {
    const endpoints = { healthz: this.live, livez: this.live, readyz: this.ready };
    return (await answerHealth(endpoints, path, query)) ?? { status: 404, body: 'not found\n' };
  }

  async #scrape(request: EndpointRequest, auth: EndpointAuth | undefined): Promise<EndpointAnswer> {
    if (request.path !== '/metrics') return { status: 404, body: 'not found\n' };
    const refusal = await auth?.(request);
    if (refusal) return refusal;
    const format = negotiateFormat(request.headers.accept);
    return {
      status: 200,
      body: formatMetrics(this.registry.collect(), format),
      contentType: contentTypes[format],
    };
  }

  #delegated(): EndpointAuth {
    return delegatedAuth({
      client: () => this.#client,
      clock: this.#clock,
      onError: (error) => this.#log.error('could not judge who reads metrics', { error }),
    });
  }
}
