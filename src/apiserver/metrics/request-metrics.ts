/**
 * What a server says of its requests, with the names and labels of kube-apiserver, so that dashboards and alerts made for it
 * work: https://kubernetes.io/docs/reference/instrumentation/metrics/
 */
import type { Clock } from '../../api/index.js';
import type { CounterSeries, GaugeSeries, HistogramSeries, Registry } from '../../telemetry/index.js';
import type { ResourceRequest, ServerRequest } from '../rest/request.js';

const buckets = [
  0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
];
const about = ['verb', 'group', 'version', 'resource', 'subresource', 'scope', 'component'] as const;
const withDryRun = [
  'verb',
  'dry_run',
  'group',
  'version',
  'resource',
  'subresource',
  'scope',
  'component',
] as const;
/** Custom kinds and their verbs: what a large cluster has, and no more than a monitoring can bear. */
const maxSeries = 10_000;
const component = 'apiserver';

/** Subresources that connect two ends; their requests, and watches, go on for as long as somebody wants. */
const connecting = new Set(['attach', 'exec', 'portforward', 'proxy']);

/** One request, from its beginning to its end. */
export interface Measured {
  /** It has been answered; of a stream or a watch, it is over. */
  readonly ended: (code: number) => void;
}

interface Series {
  readonly seconds: readonly HistogramSeries[];
  readonly running: GaugeSeries;
  readonly byCode: Map<number, CounterSeries>;
  readonly total: (code: number) => CounterSeries;
}

export class RequestMetrics {
  readonly #clock: Clock;
  readonly #total;
  readonly #duration;
  readonly #sli;
  readonly #longRunning;
  readonly #reading: GaugeSeries;
  readonly #mutating: GaugeSeries;
  /** By what a request is about: no labels are put together for one that was seen before. */
  readonly #series = new Map<string, Series>();

  constructor(registry: Registry, clock: Clock) {
    this.#clock = clock;
    this.#total = registry.counter({
      name: 'apiserver_request_total',
      help: 'Requests by verb, dry run, group, version, resource, scope, component and HTTP code of the answer.',
      labels: [...withDryRun, 'code'],
      maxSeries,
    });
    this.#duration = registry.histogram({
      name: 'apiserver_request_duration_seconds',
      help: 'How long requests took, those that go on for as long as somebody wants aside.',
      labels: withDryRun,
      buckets,
      maxSeries,
    });
    this.#sli = registry.histogram({
      name: 'apiserver_request_sli_duration_seconds',
      help: 'How long requests took, without what webhooks and queues are not to be blamed on: here, the same.',
      labels: about,
      buckets,
      maxSeries,
    });
    this.#longRunning = registry.gauge({
      name: 'apiserver_longrunning_requests',
      help: 'Watches and connections that are open.',
      labels: about,
      maxSeries,
    });
    const inflight = registry.gauge({
      name: 'apiserver_current_inflight_requests',
      help: 'Requests that are being served, by whether they may change something.',
      labels: ['request_kind'],
    });
    this.#reading = inflight.of({ request_kind: 'readOnly' });
    this.#mutating = inflight.of({ request_kind: 'mutating' });
  }

  /** @param resource one that is served; undefined: something else was asked for, or a document */
  begin(request: ServerRequest, resource: ResourceRequest | undefined): Measured {
    const began = this.#clock.monotonic();
    const series = this.#seriesOf(request, resource);
    const goesOn =
      resource !== undefined && (resource.verb === 'watch' || connecting.has(resource.subresource));
    const reads = request.method === 'GET' || request.method === 'HEAD';
    const gauge = goesOn ? series.running : reads ? this.#reading : this.#mutating;
    gauge.inc();
    return {
      ended: (code) => {
        gauge.dec();
        let counter = series.byCode.get(code);
        if (!counter) series.byCode.set(code, (counter = series.total(code)));
        counter.inc();
        if (goesOn) return;
        const seconds = (this.#clock.monotonic() - began) / 1000;
        for (const histogram of series.seconds) histogram.observe(seconds);
      },
    };
  }

  #seriesOf(request: ServerRequest, resource: ResourceRequest | undefined): Series {
    const verb = verbOf(request, resource);
    const dryRun = request.query.get('dryRun') === 'All' ? 'All' : '';
    const scope = resource ? scopeOf(resource) : '';
    const { group, version, resource: plural, subresource } = resource ?? nothing;
    const key = `${verb} ${dryRun} ${group}/${version}/${plural}/${subresource} ${scope}`;
    let series = this.#series.get(key);
    if (!series) {
      const labels = { verb, group, version, resource: plural, subresource, scope, component };
      const dry = { ...labels, dry_run: dryRun };
      series = {
        seconds: [this.#duration.of(dry), this.#sli.of(labels)],
        running: this.#longRunning.of(labels),
        byCode: new Map(),
        total: (code) => this.#total.of({ ...dry, code: String(code) }),
      };
      this.#series.set(key, series);
    }
    return series;
  }
}

const nothing = { group: '', version: '', resource: '', subresource: '' };

function verbOf({ method, headers }: ServerRequest, resource: ResourceRequest | undefined): string {
  if (!resource) return method;
  if (connecting.has(resource.subresource)) return 'CONNECT';
  switch (resource.verb) {
    case 'create':
      return 'POST';
    case 'update':
      return 'PUT';
    case 'patch':
      return headers['content-type']?.startsWith('application/apply-patch') ? 'APPLY' : 'PATCH';
    case '':
      return method;
    default:
      return resource.verb.toUpperCase();
  }
}

function scopeOf({ name, namespace, verb }: ResourceRequest): string {
  if (name !== '' || verb === 'create') return 'resource';
  return namespace === '' ? 'cluster' : 'namespace';
}
