/** The Client over any Transport: builds requests, maps answers to objects and refusals to errors. */
import type { Duplex } from 'node:stream';
import {
  type ApiRequest,
  type ApiResponse,
  type Clock,
  copyJson,
  extended,
  type Draft,
  type HttpMethod,
  type Input,
  isApiError,
  isNoSuchKind,
  type JsonObject,
  type JsonValue,
  type Key,
  type Kind,
  type KindFacts,
  type KindOf,
  type KubernetesList,
  OutcomeUnknown,
  parseKey,
  type Random,
  type Scope,
  type Transport,
  TransportError,
  type WatchResponse,
} from '../api/index.js';
import type { TokenRequest } from '../api/kinds/authentication/v1.js';
import type { Scale } from '../api/kinds/autoscaling/v1.js';
import { systemClock, systemRandom } from '../system/index.js';
import type {
  AnyObject,
  ApplyOptions,
  Client,
  ClientBinding,
  DeleteOptions,
  GetOptions,
  IssuedToken,
  ListOptions,
  PatchOptions,
  RawPatch,
  RequestObserver,
  RequestOptions,
  TokenOptions,
  WatchOptions,
  WriteOptions,
} from './client.js';
import { attributesOf, observe, type Place } from './observed-request.js';
import { draftPatch, type PatchOperation } from './draft.js';
import { errorOf, noSuchKindOr } from './errors.js';
import { KindLookup } from './kind-lookup.js';
import { withinTimeout } from './request-timeout.js';
import {
  deleteBody,
  identified,
  metadataTypes,
  nameOf,
  namespaceOf,
  type ObjectIdentity,
  patchTypes,
  pathOf,
  placeOf,
  type Query,
  selection,
  subresourceOf,
  typed,
  writeQuery,
} from './request-parts.js';
import type { AttachOptions, ExecOptions, ExecSession } from './streams/exec-session.js';
import type { LogOptions, LogStream } from './streams/log-stream.js';
import { podKind, PodStreams } from './streams/pod-streams.js';
import { type WaitCondition, waitFor, type WaitOptions } from './wait-for.js';

/** Objects per page where the caller does not say (as kubectl). */
const defaultPageSize = 500;

export interface ClientOptions {
  /** Owner of the fields this client sets. Default `gyre`. */
  readonly fieldManager?: string;
  /** What timeouts are measured by. Default: real time. */
  readonly clock?: Clock;
  readonly random?: Random;
}

export function createClient(transport: Transport, options: ClientOptions = {}): Client {
  return new ApiClient(transport, {
    fieldManager: options.fieldManager ?? 'gyre',
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
    kinds: new KindLookup((path) => transport.request({ method: 'GET', path })),
    guards: [],
    signals: [],
    metadataOnly: false,
    dryRun: false,
    hints: {},
    observers: [],
  });
}

interface Binding {
  readonly fieldManager: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Shared by all clients that come of one. */
  readonly kinds: KindLookup;
  readonly signals: readonly AbortSignal[];
  readonly guards: readonly (() => void)[];
  readonly metadataOnly: boolean;
  readonly dryRun: boolean;
  readonly namespace?: string;
  /** What the transport is told about every request. */
  readonly hints: Pick<ApiRequest, 'retry' | 'decoder'>;
  readonly observers: readonly RequestObserver[];
}

const serviceAccountKind: KindFacts<'Namespaced'> = {
  ...podKind,
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
};

class ApiClient implements Client {
  readonly transport: Transport;
  readonly fieldManager: string;
  readonly #binding: Binding;

  constructor(transport: Transport, binding: Binding) {
    this.transport = transport;
    this.fieldManager = binding.fieldManager;
    this.#binding = binding;
  }

  with(bound: ClientBinding): Client {
    const { signal, fieldManager, beforeWrite, metadataOnly, retry, decoder, observer } = bound;
    const namespace = this.#binding.namespace ?? bound.namespace;
    if (bound.namespace !== undefined && bound.namespace !== namespace)
      throw new TypeError(`this client is bound to namespace ${JSON.stringify(namespace)} already`);
    return new ApiClient(this.transport, {
      ...this.#binding,
      ...(namespace === undefined ? {} : { namespace }),
      dryRun: bound.dryRun ?? this.#binding.dryRun,
      fieldManager: fieldManager ?? this.fieldManager,
      signals: signal ? [...this.#binding.signals, signal] : this.#binding.signals,
      guards: beforeWrite ? [...this.#binding.guards, beforeWrite] : this.#binding.guards,
      metadataOnly: metadataOnly ?? this.#binding.metadataOnly,
      hints: {
        ...this.#binding.hints,
        ...(retry === undefined ? {} : { retry }),
        ...(decoder === undefined ? {} : { decoder }),
      },
      observers: observer ? [...this.#binding.observers, observer] : this.#binding.observers,
    });
  }

  async get<T, S extends Scope>(kind: KindOf<T, S>, key: Key<S>, options: GetOptions = {}): Promise<T> {
    const place = { ...parseKey(kind, key), ...subresourceOf(options) };
    return this.#send(kind, 'GET', place, { resourceVersion: options.resourceVersion }, undefined, options);
  }

  async find<T, S extends Scope>(
    kind: KindOf<T, S>,
    key: Key<S>,
    options: GetOptions = {},
  ): Promise<T | undefined> {
    try {
      return await this.get(kind, key, options);
    } catch (error) {
      if (isApiError(error, 'NotFound') && error.name !== 'NoSuchKind') return undefined;
      throw error;
    }
  }

  async *list<T>(kind: KindOf<T>, options: ListOptions = {}): AsyncIterable<T> {
    let token = options.continue;
    do {
      const page: KubernetesList<T> = await this.listPage(kind, {
        ...options,
        ...(token ? { continue: token } : {}),
      });
      yield* page.items;
      token = page.metadata.continue;
    } while (token);
  }

  async listPage<T>(kind: KindOf<T>, options: ListOptions = {}): Promise<KubernetesList<T>> {
    const query = {
      ...selection(options),
      limit: String(options.limit ?? defaultPageSize),
      continue: options.continue,
      // A continue token pins its own version.
      resourceVersion: options.continue ? undefined : options.resourceVersion,
      resourceVersionMatch: options.continue ? undefined : options.resourceVersionMatch,
    };
    const page: KubernetesList<T> = await this.#send(
      kind,
      'GET',
      namespaceOf(options),
      query,
      undefined,
      options,
    );
    return { ...page, items: (page.items ?? []).map((item) => typed(kind, item)) };
  }

  async watch<T>(kind: KindOf<T>, options: WatchOptions = {}): Promise<WatchResponse<T>> {
    const query: Query = {
      watch: 'true',
      ...selection(options),
      resourceVersion: options.resourceVersion,
      resourceVersionMatch: options.resourceVersionMatch,
      allowWatchBookmarks: options.allowWatchBookmarks ? 'true' : undefined,
      sendInitialEvents:
        options.sendInitialEvents === undefined ? undefined : String(options.sendInitialEvents),
      timeoutSeconds: options.timeoutSeconds === undefined ? undefined : String(options.timeoutSeconds),
    };
    const place = this.#within(kind, namespaceOf(options));
    const request: ApiRequest = {
      method: 'GET',
      path: pathOf(kind, place),
      query,
      ...(this.#binding.metadataOnly ? { headers: { accept: metadataTypes.object } } : {}),
      ...this.#signal(options),
      ...this.#binding.hints,
    };
    return this.#open(kind, place, request, options, (opening) => this.transport.watch<T>(opening));
  }

  async create<T>(kind: KindOf<T>, object: Input<NoInfer<T>>, options: WriteOptions = {}): Promise<T> {
    const body = identified(kind, object);
    const { name: _, ...place } = placeOf(kind, body, false);
    const at = options.subresource
      ? { ...place, name: nameOf(body), subresource: options.subresource }
      : place;
    return this.#write(kind, 'POST', at, writeQuery(options, this.fieldManager), { body }, options);
  }

  async update<T>(
    kind: KindOf<T>,
    object: NoInfer<T> | Input<NoInfer<T>>,
    options: WriteOptions = {},
  ): Promise<T> {
    const body = identified(kind, object as object);
    const place = { ...placeOf(kind, body, true), ...subresourceOf(options) };
    return this.#write(kind, 'PUT', place, writeQuery(options, this.fieldManager), { body }, options);
  }

  async patch<T, S extends Scope>(
    kind: KindOf<T, S>,
    target: Key<S> | NoInfer<T>,
    change: (draft: Draft<NoInfer<T>>) => void,
    options: PatchOptions = {},
  ): Promise<T> {
    const isObject = typeof target === 'object' && target !== null && 'metadata' in (target as object);
    const object = isObject ? (target as T) : await this.get(kind, target as Key<S>, options);
    const changes = draftPatch(object as T & object, change as (draft: Draft<T & object>) => void);
    if (changes.length === 0) return object;
    const { metadata } = object as ObjectIdentity;
    const lock: PatchOperation[] =
      (options.optimisticLock ?? true) && metadata?.resourceVersion
        ? // Replacing the version with the one that was read makes a lost race a Conflict, not an Invalid.
          [{ op: 'replace', path: '/metadata/resourceVersion', value: metadata.resourceVersion }]
        : [];
    const place = { ...placeOf(kind, object as JsonObject & object, true), ...subresourceOf(options) };
    const body = [...lock, ...changes] as unknown as JsonValue;
    return this.#write(
      kind,
      'PATCH',
      place,
      writeQuery(options, this.fieldManager),
      { body, type: patchTypes.json },
      options,
    );
  }

  async patchRaw<T, S extends Scope>(
    kind: KindOf<T, S>,
    key: Key<S>,
    { type, patch }: RawPatch,
    options: WriteOptions = {},
  ): Promise<T> {
    const place = { ...parseKey(kind, key), ...subresourceOf(options) };
    const content = { body: copyJson(patch), type: patchTypes[type] };
    return this.#write(kind, 'PATCH', place, writeQuery(options, this.fieldManager), content, options);
  }

  async apply<T>(kind: KindOf<T>, object: Input<NoInfer<T>>, options: ApplyOptions = {}): Promise<T> {
    const body = identified(kind, object);
    const place = { ...placeOf(kind, body, true), ...subresourceOf(options) };
    const query = { ...writeQuery(options, this.fieldManager), force: options.force ? 'true' : 'false' };
    return this.#write(kind, 'PATCH', place, query, { body, type: 'application/apply-patch+yaml' }, options);
  }

  async createSubresource<T, S extends Scope, B>(
    kind: KindOf<T, S>,
    key: Key<S>,
    subresource: string,
    bodyKind: KindOf<B>,
    object: Input<NoInfer<B>>,
    options: WriteOptions = {},
  ): Promise<JsonObject> {
    const body = identified(bodyKind, object);
    const place = { ...parseKey(kind, key), subresource };
    return this.#write(kind, 'POST', place, writeQuery(options, this.fieldManager), { body }, options);
  }

  async delete<T, S extends Scope>(
    kind: KindOf<T, S>,
    key: Key<S>,
    options: DeleteOptions = {},
  ): Promise<void> {
    await this.#write(kind, 'DELETE', parseKey(kind, key), {}, { body: deleteBody(options) }, options);
  }

  async deleteCollection<T>(kind: KindOf<T>, options: ListOptions & DeleteOptions = {}): Promise<void> {
    await this.#write(
      kind,
      'DELETE',
      namespaceOf(options),
      selection(options),
      { body: deleteBody(options) },
      options,
    );
  }

  waitFor<T, S extends Scope>(
    kind: KindOf<T, S>,
    key: Key<S>,
    condition: WaitCondition<T>,
    options?: WaitOptions,
    // The overloads say what each condition gives.
  ): Promise<never> {
    return waitFor(this, this.#binding, kind, key, condition, options) as Promise<never>;
  }

  async kindFor(apiVersion: string, kind: string, options: RequestOptions = {}): Promise<Kind<AnyObject>> {
    const { signal } = this.#signal(options);
    return withinTimeout(
      { what: `discovery of ${apiVersion}`, read: true },
      options.timeout,
      signal,
      this.#binding.clock,
      (until) => this.#binding.kinds.find(apiVersion, kind, until),
    );
  }

  async getScale<T, S extends Scope>(
    kind: KindOf<T, S>,
    key: Key<S>,
    options: RequestOptions = {},
  ): Promise<Scale> {
    return this.#send(kind, 'GET', { ...parseKey(kind, key), subresource: 'scale' }, {}, undefined, options);
  }

  async setScale<T, S extends Scope>(
    kind: KindOf<T, S>,
    key: Key<S>,
    replicas: number,
    options: WriteOptions = {},
  ): Promise<Scale> {
    const place = { ...parseKey(kind, key), subresource: 'scale' };
    const content = { body: { spec: { replicas } }, type: patchTypes.merge };
    return this.#write(kind, 'PATCH', place, writeQuery(options, this.fieldManager), content, options);
  }

  async evict(pod: Key<'Namespaced'>, options: DeleteOptions = {}): Promise<void> {
    const { name, namespace } = parseKey(podKind, pod);
    const body = {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name, namespace },
      deleteOptions: deleteBody(options),
    };
    await this.#write(podKind, 'POST', { name, namespace, subresource: 'eviction' }, {}, { body }, options);
  }

  async createToken(serviceAccount: Key<'Namespaced'>, options: TokenOptions = {}): Promise<IssuedToken> {
    const place = { ...parseKey(serviceAccountKind, serviceAccount), subresource: 'token' };
    const { audiences = [], expirationSeconds, boundTo: boundObjectRef } = options;
    const body = copyJson({
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: { audiences, expirationSeconds, boundObjectRef },
    });
    const { status }: TokenRequest = await this.#write(
      serviceAccountKind,
      'POST',
      place,
      {},
      { body },
      options,
    );
    if (!status) throw new OutcomeUnknown('the server answered a TokenRequest without a token');
    return status;
  }

  logs(pod: Key<'Namespaced'>, options?: LogOptions): LogStream {
    return this.#streams.logs(pod, options);
  }

  exec(pod: Key<'Namespaced'>, options: ExecOptions): Promise<ExecSession> {
    return this.#streams.exec(pod, options);
  }

  attach(pod: Key<'Namespaced'>, options?: AttachOptions): Promise<ExecSession> {
    return this.#streams.attach(pod, options);
  }

  portForward(pod: Key<'Namespaced'>, port: number, options?: RequestOptions): Promise<Duplex> {
    return this.#streams.portForward(pod, port, options);
  }

  get #streams(): PodStreams {
    const { guards, hints, dryRun } = this.#binding;
    const refuse = (): void => {
      if (dryRun) throw new TypeError('what runs in a container cannot be a dry run');
    };
    return new PodStreams({
      transport: this.transport,
      guards: [...guards, refuse],
      open: (place, request, options, send) =>
        this.#open(
          podKind,
          this.#within(podKind, place),
          { ...request, ...this.#signal(options), ...hints },
          options,
          send,
        ),
    });
  }

  #signal(options: RequestOptions): { signal?: AbortSignal } {
    const signals = options.signal ? [...this.#binding.signals, options.signal] : this.#binding.signals;
    if (signals.length === 0) return {};
    return { signal: signals.length === 1 ? (signals[0] as AbortSignal) : AbortSignal.any([...signals]) };
  }

  #accept(method: HttpMethod, { name, subresource }: Place): Pick<ApiRequest, 'headers'> {
    if (!this.#binding.metadataOnly || method !== 'GET' || subresource) return {};
    return { headers: { accept: name === undefined ? metadataTypes.list : metadataTypes.object } };
  }

  async #write<T>(
    kind: KindFacts,
    method: HttpMethod,
    place: Place,
    query: Query,
    content: { readonly body: JsonValue; readonly type?: string },
    options: RequestOptions,
  ): Promise<T> {
    this.#guard();
    const asked = this.#binding.dryRun ? { ...query, dryRun: 'All' } : query;
    return this.#send(kind, method, place, asked, content, options);
  }

  /** The place, in the namespace this client is bound to. @throws TypeError for another one */
  #within(kind: KindFacts, place: Place): Place {
    const { namespace } = this.#binding;
    if (namespace === undefined || kind.scope === 'Cluster' || place.namespace === namespace) return place;
    if (!place.namespace) return { ...place, namespace };
    throw new TypeError(
      `this client is bound to namespace ${JSON.stringify(namespace)}: it does not reach ${kind.plural} in ${JSON.stringify(place.namespace)}`,
    );
  }

  #guard(): void {
    for (const guard of this.#binding.guards) guard();
  }

  /** Opens what goes on after the answer; the timeout ends with the opening. */
  async #open<A extends object>(
    kind: KindFacts,
    place: Place,
    request: ApiRequest,
    options: RequestOptions,
    open: (request: ApiRequest) => Promise<A>,
  ): Promise<A> {
    try {
      return await this.#observed(kind, place, request, options, open, (answer) => ({
        status: 200,
        headers: 'headers' in answer ? (answer.headers as ApiResponse['headers']) : {},
        body: undefined,
      }));
    } catch (error) {
      const told = noSuchKindOr(error, kind);
      if (isNoSuchKind(told)) this.#binding.kinds.forget(kind);
      throw told;
    }
  }

  async #observed<A>(
    kind: KindFacts,
    place: Place,
    asked: ApiRequest,
    { timeout }: RequestOptions,
    send: (request: ApiRequest) => Promise<A>,
    responseOf: (answer: A) => ApiResponse,
  ): Promise<A> {
    const { request, end } = observe(this.#binding.observers, asked, () => attributesOf(kind, place, asked));
    const about = { what: `${request.method} ${request.path}`, read: request.method === 'GET' };
    let answer: A;
    try {
      answer = await withinTimeout(about, timeout, request.signal, this.#binding.clock, (signal) =>
        send(signal && signal !== request.signal ? extended(request, { signal }) : request),
      );
    } catch (error) {
      end({ error });
      throw error;
    }
    end({ response: responseOf(answer) });
    return answer;
  }

  async #send<T>(
    kind: KindFacts,
    method: HttpMethod,
    asked: Place,
    query: Query,
    content: { readonly body: JsonValue; readonly type?: string } | undefined,
    options: RequestOptions,
  ): Promise<T> {
    const place = this.#within(kind, asked);
    const path = pathOf(kind, place);
    const request: ApiRequest = {
      method,
      path,
      query,
      ...(content
        ? { body: content.body, headers: { 'content-type': content.type ?? 'application/json' } }
        : this.#accept(method, place)),
      ...this.#signal(options),
      ...this.#binding.hints,
      // What held when a write was made may be over when its turn to be sent, or sent again, has come.
      ...(content && this.#binding.guards.length > 0 ? { beforeSend: () => this.#guard() } : {}),
    };
    const response = await this.#observed(
      kind,
      place,
      request,
      options,
      (sent) => this.transport.request(sent),
      (answer) => answer,
    );
    if (response.status < 200 || response.status >= 300) {
      const error = errorOf(response, kind);
      if (isNoSuchKind(error)) this.#binding.kinds.forget(kind);
      throw error;
    }
    if (typeof response.body !== 'object' || response.body === null) {
      // Something between us and the server answered in its place.
      const what = `${method} ${path}: the answer is not an object`;
      throw method === 'GET' ? new TransportError(what) : new OutcomeUnknown(what);
    }
    return response.body as T;
  }
}
