/**
 * Informers as metrics: what they hold, how their connection is, how often it had to be made again.
 *
 * An informer is followed from its first lease to its end; what it held is not shown after that, what it counted is.
 */
import type { KindFacts } from '../../api/index.js';
import type { ConnectionState, Informer, InformerOptions } from '../../informers/index.js';
import type { Registry } from '../../telemetry/index.js';
import { localCluster } from '../controller/cluster-links.js';
import type { InformerSource } from '../controller/watching.js';

const states = ['connecting', 'connected', 'relisting', 'stale', 'unauthorized', 'absent'] as const;
type State = (typeof states)[number];

const labels = ['cluster', 'group', 'resource', 'namespace', 'selector'] as const;
type InformerLabels = Readonly<Record<(typeof labels)[number], string>>;

export class InformerMetrics {
  readonly #families: ReturnType<typeof familiesOf>;
  readonly #followed = new Map<Informer<unknown>, InformerLabels>();
  readonly #uncollect: () => void;

  /** @throws TypeError when a name is taken in the registry by something else */
  constructor(registry: Registry) {
    this.#families = familiesOf(registry);
    this.#uncollect = registry.onCollect(() => {
      const sums = new Map<string, { readonly at: InformerLabels; objects: number }>();
      for (const [{ cache }, at] of this.#followed) {
        const id = JSON.stringify(at);
        const sum = sums.get(id) ?? { at, objects: 0 };
        sum.objects += cache.size;
        sums.set(id, sum);
      }
      for (const { at, objects } of sums.values()) this.#families.objects.of(at).set(objects);
    });
  }

  /** The same informers of a cluster, followed from when they are asked for. */
  observed(source: InformerSource, cluster: string): InformerSource {
    return {
      acquire: (kind, options = {}) => {
        const lease = source.acquire(kind, options);
        this.follow(lease.informer, options, cluster);
        return lease;
      },
    };
  }

  /** Shows an informer until it is stopped; following it twice is harmless. */
  follow(informer: Informer<unknown>, options: InformerOptions = {}, cluster: string = localCluster): void {
    if (this.#followed.has(informer)) return;
    const at = { cluster, ...labelsOf(informer.kind, options) };
    const { relists, reconnects, events, objects, state } = this.#families;
    this.#followed.set(informer, at);
    objects.of(at);
    const relisted = relists.of(at);
    const received = events.of(at);
    for (const reason of ['stale', 'unauthorized', 'absent'] as const) reconnects.of({ ...at, reason });
    for (const each of states) state.of({ ...at, state: each });
    let before: State | undefined;
    informer.events$.subscribe(() => received.inc());
    informer.state$.subscribe({
      next: (now: ConnectionState) => {
        if (now.phase === 'stopped') return;
        if (before) state.of({ ...at, state: before }).set(0);
        state.of({ ...at, state: now.phase }).set(1);
        before = now.phase;
        if (now.phase === 'relisting') relisted.inc();
        if ('error' in now) reconnects.of({ ...at, reason: now.phase }).inc();
      },
      complete: () => {
        this.#followed.delete(informer);
        const shared = [...this.#followed.values()].some(
          (other) => JSON.stringify(other) === JSON.stringify(at),
        );
        if (shared) return;
        objects.remove(at);
        for (const each of states) state.remove({ ...at, state: each });
      },
    });
  }

  /** Reads no cache any more. */
  close(): void {
    this.#uncollect();
    this.#followed.clear();
  }
}

function labelsOf(
  kind: KindFacts,
  { namespace = '', labelSelector, fieldSelector }: InformerOptions,
): Omit<InformerLabels, 'cluster'> {
  const selector = [labelSelector, fieldSelector].filter(Boolean).join(' ');
  return { group: kind.group, resource: kind.plural, namespace, selector };
}

function familiesOf(registry: Registry) {
  const of = (name: string, help: string) => ({ name: `gyre_informer_${name}`, help, labels });
  return {
    objects: registry.gauge(of('objects', 'Objects in the cache.')),
    events: registry.counter(of('events_total', 'Changes of the cache that were told to its readers.')),
    relists: registry.counter(of('relists_total', 'Times that everything was read again.')),
    reconnects: registry.counter({
      ...of(
        'reconnects_total',
        'Times that the watch broke or was refused and is tried again, by what the state is.',
      ),
      labels: [...labels, 'reason'] as const,
    }),
    state: registry.gauge({
      ...of('state', '1 for the state the connection is in, 0 for all others.'),
      labels: [...labels, 'state'] as const,
    }),
  };
}
