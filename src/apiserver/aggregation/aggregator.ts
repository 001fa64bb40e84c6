/**
 * The group versions that others serve: finds who it is for a request, looks now and then whether they do, says so in the
 * conditions of their APIServices, and knows what they serve for discovery (API-12).
 *
 * A backend that does not answer is asked again after a second, then less and less often; one that does, every half minute.
 */
import {
  type Cancel,
  type Clock,
  isApiError,
  type JsonObject,
  timestamp,
  type Transport,
  type UserInfo,
} from '../../api/index.js';
import type { Agent } from 'node:https';
import type { APIService, APIServiceCondition } from '../../api/kinds/apiregistration/v1.js';
import type { APIResourceList } from '../../api/kinds/meta/v1.js';
import type { Logger } from '../../telemetry/index.js';
import { given } from '../builtin/given.js';
import type { ForeignVersion } from '../discovery/groups.js';
import { Follower } from '../cache/follower.js';
import { storagePrefix, type WatchCache } from '../cache/watch-cache.js';
import type { ServiceAddress, ServiceReference } from '../webhooks/https-dialer.js';
import { type BackendDeps, type BackendSpec, forward, type FrontProxy, serverNameOf } from './backend.js';
import { factsOf, type ServedByBackend } from './backend-facts.js';
import { availableCondition, type GroupVersion, registrationGroup } from './objects.js';

export interface AggregatorDeps {
  readonly cache: WatchCache;
  readonly clock: Clock;
  readonly log: Logger;
  /** Acts as the server itself. */
  readonly transport: () => Transport;
  readonly resolve: (service: ServiceReference) => ServiceAddress;
  readonly frontProxy: FrontProxy | undefined;
}

const prefix = storagePrefix({ group: registrationGroup, plural: 'apiservices' });
const checkMs = 30_000;
const firstRetryMs = 1000;
const timeoutMs = 5000;
/** Who looks whether a backend answers. */
const aggregatorUser: UserInfo = { username: 'system:kube-aggregator', groups: ['system:masters'] };

export class Backend {
  /** What it was last seen to serve. */
  served: ServedByBackend = { resources: [], openApi: undefined };
  available = false;

  constructor(
    readonly name: string,
    readonly spec: BackendSpec,
    /** Of the object it was made of: another spec is another backend. */
    readonly version: string,
  ) {}
}

interface Watched {
  backend: Backend;
  readonly cancel: Cancel;
}

export class Aggregator {
  readonly #deps: AggregatorDeps;
  readonly #backends = new Map<string, Backend>();
  readonly #byGroupVersion = new Map<string, Backend>();
  readonly #watched = new Map<string, Watched>();
  readonly #follower: Follower;
  readonly #stop = new AbortController();
  #stopListening: () => void = () => {};
  #agent: Agent | undefined;
  /** Grows with every change of what is served. */
  #generation = 0;

  constructor(deps: AggregatorDeps) {
    this.#deps = deps;
    this.#follower = new Follower(deps.cache.resource(prefix), {
      clear: () => {
        this.#backends.clear();
        this.#byGroupVersion.clear();
      },
      set: (key, object) => this.#set(key.slice(prefix.length), object),
    });
  }

  start(): void {
    this.#stopListening = this.#deps.cache.resource(prefix).onAppend(() => this.#follow());
    this.#follow();
  }

  stop(): void {
    this.#stop.abort();
    this.#stopListening();
    for (const { cancel } of this.#watched.values()) cancel();
    this.#watched.clear();
    this.#agent?.destroy();
  }

  get generation(): number {
    this.#follower.catchUp();
    return this.#generation;
  }

  /** Who serves the group version; undefined when this server itself does, or nobody. */
  find({ group, version }: GroupVersion): Backend | undefined {
    this.#follower.catchUp();
    return this.#byGroupVersion.size === 0 ? undefined : this.#byGroupVersion.get(`${group}/${version}`);
  }

  all(): readonly Backend[] {
    this.#follower.catchUp();
    return [...this.#backends.values()];
  }

  foreign(): readonly ForeignVersion[] {
    return this.all().map(({ spec: { group, version }, served, available }) => ({
      group,
      version,
      resources: served.resources.map((facts) => ({ facts })),
      stale: !available,
      openApi: served.openApi,
    }));
  }

  /** How a backend is reached. */
  get reach(): BackendDeps {
    const { resolve, frontProxy } = this.#deps;
    return { resolve, frontProxy, agent: () => this.#agent as Agent };
  }

  /** Loads what is needed to reach backends, once there are any. */
  async ready(): Promise<BackendDeps> {
    if (!this.#agent) {
      const { Agent: HttpsAgent } = await import('node:https');
      this.#agent ??= new HttpsAgent({ keepAlive: true });
    }
    return this.reach;
  }

  #set(name: string, object: JsonObject | undefined): void {
    const before = this.#backends.get(name);
    if (before) this.#byGroupVersion.delete(`${before.spec.group}/${before.spec.version}`);
    this.#backends.delete(name);
    const { spec, status } = object ? given<APIService>(object) : {};
    if (spec?.service?.name && spec.service.namespace) {
      const { group = '', version = '', caBundle, insecureSkipTLSVerify = false } = spec;
      const { name: serviceName, namespace, port } = spec.service;
      const service = { name: serviceName, namespace, ...(port === undefined ? {} : { port }) };
      const described = { group, version, service, caBundle, insecure: insecureSkipTLSVerify };
      const identity = JSON.stringify(described);
      const backend =
        before?.version === identity ? before : new Backend(name, described as BackendSpec, identity);
      const available = isAvailable(status?.conditions as readonly APIServiceCondition[] | undefined);
      if (backend !== before || available !== backend.available) this.#generation++;
      backend.available = available;
      this.#backends.set(name, backend);
      this.#byGroupVersion.set(`${group}/${version}`, backend);
    } else if (before) this.#generation++;
  }

  /** Begins to look after backends that are new, and leaves those that are gone. */
  #follow(): void {
    this.#follower.catchUp();
    for (const [name, { backend, cancel }] of this.#watched) {
      if (this.#backends.get(name) === backend) continue;
      cancel();
      this.#watched.delete(name);
    }
    for (const [name, backend] of this.#backends) {
      if (!this.#watched.has(name)) this.#check(backend, firstRetryMs);
    }
  }

  /** Looks at the backend now, and again later. */
  #check(backend: Backend, retryMs: number): void {
    const { clock, log } = this.#deps;
    let cancel: Cancel = () => {};
    this.#watched.set(backend.name, { backend, cancel: () => cancel() });
    void this.#look(backend)
      .catch((error: unknown) => {
        log.warn('an aggregated API was not looked at', { apiService: backend.name, error: String(error) });
        return false;
      })
      .then((available) => {
        if (this.#stop.signal.aborted || this.#watched.get(backend.name)?.backend !== backend) return;
        const next = available ? firstRetryMs : Math.min(retryMs * 2, checkMs);
        cancel = clock.setTimer(available ? checkMs : retryMs, () => this.#check(backend, next));
      });
  }

  async #look(backend: Backend): Promise<boolean> {
    const condition = await this.#conditionOf(backend);
    const now = timestamp(this.#deps.clock);
    const available = condition === undefined;
    const { reason, message } = condition ?? { reason: 'Passed', message: 'all checks passed' };
    const present = this.#deps.cache.resource(prefix).get(prefix + backend.name)?.object;
    if (!present || this.#stop.signal.aborted) return available;
    const { status } = given<APIService>(present);
    const conditions = (status?.conditions ?? []) as readonly APIServiceCondition[];
    const before = conditions.find(({ type }) => type === 'Available');
    const wanted = availableCondition(available, reason, message, now);
    if (before?.status === wanted.status && before.reason === reason && before.message === message)
      return available;
    const lastTransitionTime = before?.status === wanted.status ? (before.lastTransitionTime ?? now) : now;
    await this.#deps.transport().request({
      method: 'PATCH',
      path: `/apis/${registrationGroup}/v1/apiservices/${encodeURIComponent(backend.name)}/status`,
      query: { fieldManager: 'kube-aggregator' },
      headers: { 'content-type': 'application/merge-patch+json' },
      body: {
        status: {
          conditions: [
            ...conditions.filter(({ type }) => type !== 'Available'),
            { ...wanted, lastTransitionTime },
          ] as unknown as JsonObject[],
        },
      },
    });
    return available;
  }

  /** Why it is not available; undefined when it is. */
  async #conditionOf(backend: Backend): Promise<{ reason: string; message: string } | undefined> {
    const { resolve } = this.#deps;
    const { spec } = backend;
    const { service } = spec;
    try {
      resolve(service);
    } catch (error) {
      return unresolved(error as Error, service);
    }
    const path = `/apis/${spec.group}/${spec.version}`;
    const url = `https://${serverNameOf(spec)}:${service.port ?? 443}${path}`;
    const failed = (why: string) => ({
      reason: 'FailedDiscoveryCheck',
      message: `failing or missing response from ${url}: ${why}`,
    });
    try {
      const list = await this.#read<APIResourceList>(spec, path);
      if (typeof list === 'number') return failed(`bad status from ${url}: ${list}`);
      const resources = factsOf(spec, list);
      const index = await this.#read<{ paths?: Record<string, { serverRelativeURL?: string }> }>(
        spec,
        '/openapi/v3',
      ).catch(() => 404);
      const openApi = typeof index === 'number' ? undefined : index.paths?.[path.slice(1)]?.serverRelativeURL;
      if (
        JSON.stringify([resources, openApi]) !==
        JSON.stringify([backend.served.resources, backend.served.openApi])
      ) {
        backend.served = { resources, openApi };
        this.#generation++;
      }
      return undefined;
    } catch (error) {
      return failed(isApiError(error) ? (error.status.message ?? '') : (error as Error).message);
    }
  }

  /** A document of the backend, or the code it answers instead. */
  async #read<T>(spec: BackendSpec, path: string): Promise<T | number> {
    const deadline = new AbortController();
    const cancel = this.#deps.clock.setTimer(timeoutMs, () =>
      deadline.abort(new Error('context deadline exceeded')),
    );
    try {
      const { code, stream } = await forward(
        spec,
        {
          method: 'GET',
          path,
          query: new URLSearchParams(),
          headers: { accept: 'application/json' },
          signal: AbortSignal.any([deadline.signal, this.#stop.signal]),
        },
        aggregatorUser,
        await this.ready(),
      );
      const chunks: Uint8Array[] = [];
      for await (const chunk of stream) chunks.push(chunk);
      if (code < 200 || code > 299) return code;
      return JSON.parse(Buffer.concat(chunks).toString('utf8')) as T;
    } finally {
      cancel();
    }
  }
}

function isAvailable(conditions: readonly APIServiceCondition[] = []): boolean {
  return conditions.some(({ type, status }) => type === 'Available' && status === 'True');
}

function unresolved(
  { message }: Error,
  { name, namespace, port = 443 }: ServiceReference,
): { reason: string; message: string } {
  const quoted = `service/${name} in ${JSON.stringify(namespace)}`;
  if (message.includes('not found'))
    return { reason: 'ServiceNotFound', message: `${quoted} is not present` };
  if (message.startsWith('no service port'))
    return { reason: 'ServicePortError', message: `${quoted} is not listening on port ${port}` };
  return {
    reason: 'MissingEndpoints',
    message: `endpoints for ${quoted} have no addresses with port name ""`,
  };
}
