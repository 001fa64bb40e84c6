/**
 * The service proxy in user space (KP-3): every ClusterIP and NodePort is a listener of this process on a
 * loopback address, relaying to the ready endpoints of the EndpointSlices.
 *
 * Guarantees: what is listened on follows Services and slices, and nothing else; connections under way are
 * left alone when endpoints change; a port that cannot be had is reported as an Event about its Service and
 * tried again. What survives a restart of the process: nothing, clients connect anew.
 */
import { type Cancel, type Clock, keyOf, type Random, type Shared } from '../../api/index.js';
import { EndpointSlice } from '../../api/kinds/discovery/v1.js';
import { Service } from '../../api/kinds/core/v1.js';
import type { Client } from '../../client/index.js';
import { EventRecorder } from '../../core/index.js';
import type { CacheEvent, InformerLease, InformerSet } from '../../informers/index.js';
import type { Logger } from '../../telemetry/index.js';
import { Balancer } from './balancer.js';
import { type ProxyView, ruleKey, rulesOf, type ServicePortRule, serviceNameLabel } from './service-ports.js';
import { TcpPort } from './tcp-port.js';
import { UdpPort } from './udp-port.js';

export interface ServiceProxyContext {
  readonly client: Client;
  readonly informers: Pick<InformerSet, 'acquire'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** A port that could not be had is tried again after this long, ms, and ever more rarely. */
const retry = { firstMs: 1_000, mostMs: 300_000 };
const serviceIndex = 'service';

/** A rule in force: its listener, once there is one, and where connections go. */
interface Port {
  readonly owner: string;
  readonly rule: ServicePortRule;
  readonly balancer: Balancer;
  listener?: { close(abort: boolean): void };
  closed: boolean;
  cancelRetry: Cancel;
  retryMs: number;
  /** What was told last about why it cannot be had. */
  told: string;
}

export class ServiceProxy {
  readonly name = 'service-proxy';
  readonly #view: ProxyView;
  readonly #ports = new Map<string, Port>();
  #context: ServiceProxyContext | undefined;
  #events: EventRecorder | undefined;
  #services: InformerLease<Service> | undefined;
  #slices: InformerLease<EndpointSlice> | undefined;
  readonly #undo: (() => void)[] = [];

  constructor(view: ProxyView) {
    this.#view = view;
  }

  /** Resolves when the rules of every present Service are known; their ports open right after. */
  async start(context: ServiceProxyContext): Promise<void> {
    const { client, clock, informers, log } = context;
    this.#context = context;
    this.#events = new EventRecorder({ client, component: this.name, clock, log });
    const services = informers.acquire(Service);
    const slices = informers.acquire(EndpointSlice);
    [this.#services, this.#slices] = [services, slices];
    slices.informer.addIndex(serviceIndex, (slice) => {
      const key = serviceOf(slice);
      return key === undefined ? [] : [key];
    });
    const serviceEvents = services.informer.events$.subscribe(({ key }) => this.#sync(key));
    const sliceEvents = slices.informer.events$.subscribe((event) => this.#onSlice(event));
    this.#undo.push(
      () => serviceEvents.unsubscribe(),
      () => sliceEvents.unsubscribe(),
      () => services.release(),
      () => slices.release(),
    );
    await Promise.all([services.informer.ready, slices.informer.ready]);
    for (const key of services.informer.cache.keys()) this.#sync(key);
  }

  /** Closes every port and connection. */
  async stop(): Promise<void> {
    for (const undo of this.#undo.splice(0)) undo();
    for (const key of this.#ports.keys()) this.#close(key, true);
    await this.#events?.flush();
  }

  /** What is listened on right now, as `tcp/127.96.0.10:80`. */
  get listening(): readonly string[] {
    return [...this.#ports].filter(([, port]) => port.listener).map(([key]) => key);
  }

  #onSlice(event: CacheEvent<EndpointSlice>): void {
    const states = [event.object, ...(event.type === 'Apply' && event.previous ? [event.previous] : [])];
    for (const key of new Set(states.map(serviceOf))) if (key !== undefined) this.#sync(key);
  }

  /** Makes the ports of one Service what they should be. */
  #sync(service: string): void {
    const object = this.#services?.informer.cache.get(service);
    const slices = this.#slices?.informer.cache.by(serviceIndex, service) ?? [];
    const rules = new Map(
      (object ? rulesOf(object, slices, this.#view) : []).map((rule) => [ruleKey(rule), rule]),
    );
    for (const [key, port] of this.#ports) {
      if (port.owner === service && !rules.has(key)) this.#close(key, false);
    }
    for (const [key, rule] of rules) {
      const port = this.#ports.get(key) ?? this.#open(key, service, rule);
      // Two Services may name one external address: whoever came first keeps it.
      if (port.owner === service) port.balancer.update(rule.targets, rule.affinityMs);
    }
  }

  #open(key: string, owner: string, rule: ServicePortRule): Port {
    const { clock, random } = this.#context as ServiceProxyContext;
    const port: Port = {
      owner,
      rule,
      balancer: new Balancer(clock, random),
      closed: false,
      cancelRetry: () => {},
      retryMs: retry.firstMs,
      told: '',
    };
    this.#ports.set(key, port);
    void this.#listen(port);
    return port;
  }

  async #listen(port: Port): Promise<void> {
    const { clock, log } = this.#context as ServiceProxyContext;
    const { protocol, address, port: number } = port.rule;
    const listen = protocol === 'TCP' ? TcpPort.listen : UdpPort.listen;
    try {
      const listener = await listen(address, number, port.balancer, clock);
      if (port.closed) listener.close(true);
      else port.listener = listener;
    } catch (error) {
      if (port.closed) return;
      const message = refusal(error as NodeJS.ErrnoException, port.rule);
      if (message !== port.told) {
        port.told = message;
        log.warn('a service port cannot be listened on', { service: port.owner, error: message });
        const service = this.#services?.informer.cache.get(port.owner);
        if (service) this.#events?.record(service, Service, 'Warning', 'PortNotListening', message);
      }
      port.cancelRetry = clock.setTimer(port.retryMs, () => void this.#listen(port));
      port.retryMs = Math.min(retry.mostMs, port.retryMs * 2);
    }
  }

  #close(key: string, abort: boolean): void {
    const port = this.#ports.get(key);
    if (!port) return;
    this.#ports.delete(key);
    port.closed = true;
    port.cancelRetry();
    port.listener?.close(abort);
  }
}

function serviceOf(slice: Shared<EndpointSlice>): string | undefined {
  const name = slice.metadata.labels?.[serviceNameLabel];
  if (name === undefined) return undefined;
  return keyOf({ metadata: { name, namespace: slice.metadata.namespace ?? '' } });
}

/** What went wrong and what helps, in one line. */
function refusal({ code, message }: NodeJS.ErrnoException, rule: ServicePortRule): string {
  const where = `${rule.address}:${rule.port}/${rule.protocol}`;
  switch (code) {
    case 'EACCES':
      return `cannot listen on ${where}: ports below 1024 need root, or net.ipv4.ip_unprivileged_port_start lowered`;
    case 'EADDRINUSE':
      return `cannot listen on ${where}: another program has it`;
    case 'EADDRNOTAVAIL':
      return `cannot listen on ${where}: this machine has no such address`;
    default:
      return `cannot listen on ${where}: ${message}`;
  }
}
