/**
 * The API server: every request, from a socket or from the same process, goes the same way: who is it,
 * may it, what does it ask for, and one answer.
 *
 * `handle` never throws: what goes wrong becomes a Status.
 */
import { createHash } from 'node:crypto';
import {
  badRequest,
  type Clock,
  type GroupVersionKind,
  internalError,
  isApiError,
  type JsonObject,
  type KindFacts,
  methodNotAllowed,
  type NodeConnector,
  notAcceptable,
  noSuchResource,
  parseApiVersion,
  type Random,
  type Transport,
  unauthorized,
  type UserInfo,
  type WebhookDialer,
} from '../api/index.js';
import type { ObjectStore } from '../store/index.js';
import { type Logger, Registry, silentLogger } from '../telemetry/index.js';
import { ServiceAllocator } from './allocation/service-allocator.js';
import { Aggregator, type Backend } from './aggregation/aggregator.js';
import { dialBackend, forward, type FrontProxy, identityHeaders } from './aggregation/backend.js';
import { LocalApiServices } from './aggregation/local-services.js';
import { apiServiceStrategy } from './aggregation/strategy.js';
import { audited, AuditLog, type AuditOptions, recorded } from './audit/audit.js';
import { AdmissionChain } from './admission/admission.js';
import { webhookConfigurationStrategies } from './admission/webhooks/configuration.js';
import { WebhookAdmission } from './admission/webhooks/webhook-admission.js';
import { admissionPlugins } from './admission/plugins.js';
import { validatingPolicyStrategies } from './admission/policies/validating-configuration.js';
import { MutatingPolicyAdmission } from './admission/policies/mutating-admission.js';
import { mutatingPolicyStrategies } from './admission/policies/mutating-configuration.js';
import { Authenticator, withGroup } from './auth/authenticator.js';
import { authorizationOf, type Authorizer, forbiddenError } from './auth/authorizer.js';
import { BootstrapTokens } from './auth/bootstrap-tokens.js';
import { actingUser } from './auth/impersonation.js';
import { NodeAuthorizer } from './auth/node/node-authorizer.js';
import { mastersGroup, RbacAuthorizer } from './auth/rbac.js';
import { ServiceAccountTokens } from './auth/service-account-tokens.js';
import { UnionAuthorizer } from './auth/union.js';
import { nodeRules } from './bootstrap/roles/for-components.js';
import { publishEndpoints, type ServerAddress } from './bootstrap/own-endpoints.js';
import { KnownObjects } from './bootstrap/known-objects.js';
import { ensureSystemObjects } from './bootstrap/system-objects.js';
import { builtinDecoder } from './builtin/served.js';
import { freshness } from './cache/freshness.js';
import { storeFailure } from './cache/store-failure.js';
import { storagePrefix, WatchCache } from './cache/watch-cache.js';
import { CrdController } from './crd/crd-controller.js';
import { crdStrategy } from './crd/strategy.js';
import type { EncryptionConfiguration } from './encryption/configuration.js';
import { EncryptedStore } from './encryption/encrypted-store.js';
import { isUnreadable } from './encryption/values.js';
import { DiscoveryDocuments } from './discovery/documents.js';
import { FlowControl } from './flow-control/flow-control.js';
import { flowStrategies } from './flow-control/strategies.js';
import { healthEndpoints } from './health.js';
import { inProcessTransport } from './in-process.js';
import { buildInfo } from './metrics/build-info.js';
import { type Measured, RequestMetrics } from './metrics/request-metrics.js';
import { storageMetrics } from './metrics/storage-metrics.js';
import { OwnDocuments } from './own-documents.js';
import { ResourceRegistry, type ServedResource, storageKey } from './resource.js';
import { checkRuntimeConfig, type RuntimeConfig } from './runtime-config.js';
import { isStream, type ServerResponse, statusResponse, type StreamGranted, whenOver } from './response.js';
import { answerReview, isReview, type ReviewDeps } from './review/reviews.js';
import { decodeBody } from './rest/body.js';
import type { RequestContext, RestDeps } from './rest/context.js';
import { decodeObject } from './rest/decode-object.js';
import { dispatch, objectTypes } from './rest/dispatch.js';
import { podExec, podPortForward } from './rest/pod-streams.js';
import { negotiateShape } from './rest/negotiate.js';
import { proxyRequest, unavailable } from './rest/proxy.js';
import { writeQuery } from './rest/options.js';
import { admitConnect } from './rest/connect.js';
import { parseResourcePath, type ResourceRequest, type ServerRequest } from './rest/request.js';
import { warningHeader } from './rest/warnings.js';
import { HttpsWebhookDialer } from './webhooks/https-dialer.js';
import { InProcessWebhooks } from './webhooks/in-process-webhooks.js';
import { serviceResolver } from './webhooks/service-resolver.js';

export interface ApiServerOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly log?: Logger;
  /** Static bearer tokens. */
  readonly tokens?: ReadonlyMap<string, UserInfo>;
  /** Who shows no credentials is `system:anonymous`, and may what rules allow him; `false`: he is 401. Default true. */
  readonly anonymousAuth?: boolean;
  /** Default: what a node may, and RBAC over the objects in the cluster. */
  readonly authorizer?: Authorizer;
  /** Where cluster addresses of Services come from; the first is that of `kubernetes`. Default 127.96.0.0/12. */
  readonly serviceCidr?: string;
  /** Signs the tokens of service accounts: a P-256 private key, PEM. Default: made when first needed. */
  readonly serviceAccountKey?: string;
  /** Whom service-account tokens are from, and for. Default `https://kubernetes.default.svc.cluster.local`. */
  readonly serviceAccountIssuer?: string;
  /**
   * For how long every version of every object can be read and watched from, and at most twice as long; milliseconds. It is kept in
   * memory. Default: five minutes, as in Kubernetes (API-4).
   */
  readonly historyMs?: number;
  /** What is encrypted at rest, and how: the first provider writes, all read. Default: nothing is. */
  readonly encryption?: EncryptionConfiguration;
  /**
   * Requests that are served at a time, shared out among the priority levels; members of `system:masters` are not counted. 0:
   * as many as come. Default 600.
   */
  readonly maxRequestsInFlight?: number;
  /** Where the server counts, beside what others count there: served at `/metrics`. Default: one of its own. */
  readonly metrics?: Registry;
  /** What is written of which request, and where to. Default: nothing is. */
  readonly audit?: AuditOptions;
  /**
   * Freezes every object that is served in process, so that a reader who mutates it fails at once. Costs
   * time per write: for tests. Default false.
   */
  readonly freeze?: boolean;
  /** Group versions that are served or not, where that differs from the default: stable ones are. */
  readonly runtimeConfig?: RuntimeConfig;
  /** Admission plugins to do without, by name: `ServiceAccount`. Default none. */
  readonly disableAdmissionPlugins?: readonly string[];
  /** Pods get a volume with the token of their service account, for an API server they can reach. Default true. */
  readonly mountServiceAccountTokens?: boolean;
  /** Answers discovery in two documents to clients that ask for it (API-12). Default true. */
  readonly aggregatedDiscovery?: boolean;
  /** Calls webhooks that are not of this process. Default: over HTTPS, services by their endpoints. */
  readonly webhooks?: WebhookDialer;
  /** How the server shows who it is to the servers of aggregated APIs. Default: it shows nothing. */
  readonly frontProxy?: FrontProxy;
  /** PEM: who signs the certificates of clients; published for the servers of aggregated APIs. */
  readonly clientCa?: string;
}

/** The identity the server uses for its own writes. */
const serverUser: UserInfo = withGroup({ username: 'system:apiserver', groups: [mastersGroup] });

/** Whom service-account tokens are from where nobody says otherwise. */
const serviceAccountIssuer = 'https://kubernetes.default.svc.cluster.local';

/** Nobody has to be allowed to ask: a load balancer is given no rights. */
const healthPaths = /^\/(?:healthz|livez|readyz)\/?$/;

/** Subresources that become a stream of their own. */
const streamed = new Set(['attach', 'exec', 'portforward', 'proxy']);

/** Subresources whose requests go on for as long as somebody wants: they take nobody's place. */
const longRunning = new Set([...streamed, 'log']);

/** What a request has gathered on its way to its answer. */
interface Way {
  readonly warnings: string[];
  headers: Readonly<Record<string, string>> | undefined;
  measured: Measured | undefined;
}

export class ApiServer {
  readonly authenticator: Authenticator;
  /** Where webhooks of this process are registered, and all others called through. */
  readonly webhooks: InProcessWebhooks;
  readonly #https: HttpsWebhookDialer;
  readonly #registry: ResourceRegistry;
  readonly #rest: RestDeps;
  readonly #authorizer: Authorizer;
  readonly #review: ReviewDeps;
  readonly #documents: OwnDocuments;
  readonly #crds: CrdController;
  readonly #aggregator: Aggregator;
  readonly #localServices: LocalApiServices;
  readonly #log: Logger;
  readonly #audit: AuditLog | undefined;
  readonly #flow: FlowControl | undefined;
  readonly #numbers: Registry;
  readonly #metrics: RequestMetrics;
  #nodes: NodeConnector | undefined;
  /** `host:port`, once it is reached from outside. */
  #address: string | undefined;
  #ready = false;

  private constructor(options: ApiServerOptions, cache: WatchCache) {
    this.#log = options.log ?? silentLogger;
    this.#audit = options.audit && new AuditLog(options.audit, options);
    const { clock, maxRequestsInFlight: maxInFlight = 600 } = options;
    this.#numbers = options.metrics ?? new Registry();
    this.#metrics = new RequestMetrics(this.#numbers, clock);
    buildInfo(this.#numbers);
    storageMetrics(this.#numbers, cache);
    if (maxInFlight > 0) this.#flow = new FlowControl({ cache, clock, maxInFlight, registry: this.#numbers });
    const strategies = [
      crdStrategy,
      ...webhookConfigurationStrategies,
      ...validatingPolicyStrategies,
      ...mutatingPolicyStrategies,
      ...flowStrategies,
      apiServiceStrategy,
    ];
    this.#registry = ResourceRegistry.withBuiltins(strategies, options.runtimeConfig);
    const resolve = serviceResolver(cache, options.random);
    this.#https = new HttpsWebhookDialer({ clock, resolve });
    const asServer = (): Transport => inProcessTransport(this, serverUser);
    this.#aggregator = new Aggregator({
      cache,
      clock,
      resolve,
      log: this.#log.with({ component: 'aggregator' }),
      transport: asServer,
      frontProxy: options.frontProxy,
    });
    this.#localServices = new LocalApiServices({ registry: this.#registry, cache, transport: asServer });
    this.webhooks = new InProcessWebhooks({ clock: options.clock, next: options.webhooks ?? this.#https });
    const tokens = new ServiceAccountTokens({
      clock: options.clock,
      random: options.random,
      issuer: options.serviceAccountIssuer ?? serviceAccountIssuer,
      key: options.serviceAccountKey,
      find: (plural, namespace, name) => {
        const prefix = storagePrefix({ group: '', plural });
        const key = namespace === '' ? name : `${namespace}/${name}`;
        const object = cache.resource(prefix).get(prefix + key)?.object;
        return object && !isUnreadable(object) ? object.metadata : undefined;
      },
    });
    this.authenticator = new Authenticator({
      accounts: tokens,
      bootstrap: new BootstrapTokens(cache, options.clock),
      anonymous: options.anonymousAuth ?? true,
      ...(options.tokens ? { tokens: options.tokens } : {}),
    });
    this.#authorizer =
      options.authorizer ??
      new UnionAuthorizer([new NodeAuthorizer(cache, nodeRules), new RbacAuthorizer(cache)]);
    const disabled = options.disableAdmissionPlugins ?? [];
    const policies = {
      cache,
      authorizer: this.#authorizer,
      isServer: (user: UserInfo) => user === serverUser,
      otherVersions: (resource: ServedResource) => this.#registry.otherVersions(resource),
      resourceOf: ({ group, version, kind }: GroupVersionKind) =>
        this.#registry.inGroupVersion(group, version).find(({ facts }) => facts.kind === kind),
    };
    // A policy that nobody can see or take back is not in force.
    const mutates =
      !disabled.includes(MutatingPolicyAdmission.pluginName) &&
      this.#registry.all().some(({ facts }) => facts.kind === MutatingPolicyAdmission.pluginName);
    this.#rest = {
      cache,
      admission: new AdmissionChain(
        admissionPlugins({
          ...policies,
          random: options.random,
          disabled,
          mountTokens: options.mountServiceAccountTokens ?? true,
          transport: asServer,
        }),
        new WebhookAdmission({
          ...policies,
          dialer: this.webhooks,
          random: options.random,
          log: this.#log.with({ component: 'admission' }),
        }),
        mutates ? new MutatingPolicyAdmission(policies) : undefined,
      ),
      services: new ServiceAllocator({
        random: options.random,
        ...(options.serviceCidr === undefined ? {} : { cidr: options.serviceCidr }),
        stored: () => cache.resource(storagePrefix({ group: '', plural: 'services' })).objects(),
      }),
      tokens,
      nodes: () => this.#nodes,
      asServer,
      clock: options.clock,
      random: options.random,
    };
    this.#review = {
      authorizer: this.#authorizer,
      prove: (token, audiences) => this.authenticator.prove(token, audiences),
    };
    const discovery = new DiscoveryDocuments(
      this.#registry,
      (content) => createHash('sha256').update(content).digest('hex'),
      options.aggregatedDiscovery ?? true,
      this.#aggregator,
    );
    this.#documents = new OwnDocuments({
      numbers: this.#numbers,
      health: healthEndpoints({ cache, clock, log: this.#log, isStarted: () => this.#ready }),
      discovery,
      tokens,
      store: options.store,
      clock,
      address: () => this.#address,
    });
    this.#crds = new CrdController({
      cache,
      registry: this.#registry,
      dialer: this.webhooks,
      random: options.random,
      transport: asServer(),
      clock,
      log: this.#log.with({ component: 'crd' }),
      served: () => this.#localServices.sync(),
    });
  }

  /**
   * Loads the state, serves it, and creates what every cluster has.
   * @throws BadRuntimeConfig, BadEncryptionConfiguration
   */
  static async start(options: ApiServerOptions): Promise<ApiServer> {
    const { encryption, store, clock } = options;
    checkRuntimeConfig(options.runtimeConfig ?? {});
    const sealed = encryption ? new EncryptedStore(store, encryption, options.random) : store;
    const cache = await WatchCache.open(sealed, {
      clock,
      decoderOf: builtinDecoder,
      ...(options.freeze ? { freeze: true } : {}),
      ...(options.historyMs === undefined ? {} : { historyMs: options.historyMs }),
    });
    const isNew = cache.isEmpty;
    // Where requests are counted or written down, those of a start are in it every time.
    const byRequests = options.audit !== undefined || options.metrics !== undefined;
    const server = new ApiServer(options, cache);
    try {
      await server.#crds.start();
      const about = { registry: server.#registry, cache, clock, random: options.random, byRequests };
      const known = isNew ? new KnownObjects(about) : undefined;
      const maker = { transport: inProcessTransport(server, serverUser), known };
      await ensureSystemObjects(maker, {
        serviceAddress: server.#rest.services.firstAddress,
        frontProxy: options.frontProxy,
        clientCa: options.clientCa,
      });
      await server.#localServices.sync(known);
      server.#aggregator.start();
    } catch (error) {
      await server.stop();
      throw error;
    }
    server.#ready = true;
    return server;
  }

  /** Stops following the store; watches end. The store itself is its owner's to close. */
  async stop(): Promise<void> {
    this.#ready = false;
    this.#aggregator.stop();
    await this.#crds.stop();
    this.#rest.cache.close();
    this.#https.close();
  }

  /** Tells the cluster where this server is reached: the endpoints of the Service `kubernetes`. @throws ApiError */
  async advertise(at: ServerAddress): Promise<void> {
    this.#address = `${at.address}:${at.port}`;
    await publishEndpoints(inProcessTransport(this, serverUser), at);
  }

  /** A name for a request that its client has not named: its answer carries it as `Audit-Id`. */
  newAuditID(): string {
    return this.#rest.random.uuid();
  }

  /** Gives the server its way to the nodes: logs and exec go there. */
  connectNodes(nodes: NodeConnector): void {
    this.#nodes = nodes;
  }

  /** The in-process way in, as this user. */
  transport(user: UserInfo): Transport {
    return inProcessTransport(this, withGroup(user));
  }

  /**
   * What is stored under a key right now, read without asking anybody's permission: for tests and tools.
   * @throws TypeError when a conversion webhook would have to be asked for this version
   */
  peek(kind: KindFacts, at: { readonly namespace: string; readonly name: string }): JsonObject | undefined {
    const resource = this.#registry.find(kind.group, kind.version, kind.plural);
    if (!resource) return undefined;
    const found = this.#rest.cache
      .resource(resource.storagePrefix)
      .get(storageKey(resource, at.namespace, at.name));
    if (!found) return undefined;
    const object = resource.conversion.known(found.object, kind.version);
    if (object) return object;
    throw new TypeError(
      `${kind.plural} ${JSON.stringify(at.name)} is stored at ${String(found.object.apiVersion)}, and only its conversion webhook knows what it is at ${kind.version}: read it with a client`,
    );
  }

  /** How an object of this apiVersion and kind is addressed; undefined when it is not served. */
  kindOf(object: { readonly apiVersion?: string; readonly kind?: string }): KindFacts | undefined {
    const { group, version } = parseApiVersion(object.apiVersion ?? '');
    return this.#registry.inGroupVersion(group, version).find(({ facts }) => facts.kind === object.kind)
      ?.facts;
  }

  /** Answers a request; whatever is wrong with it is an answer too. */
  handle(request: ServerRequest): Promise<ServerResponse> {
    const record = this.#audit?.receive(request);
    if (!record) return this.#answer(request);
    return this.#answer(recorded(request, record)).then((answer) => audited(record, answer));
  }

  async #answer(request: ServerRequest): Promise<ServerResponse> {
    const way: Way = { warnings: [], headers: undefined, measured: undefined };
    let response: ServerResponse;
    try {
      response = await this.#route(request, way);
    } catch (error) {
      response = this.#failure(request, error);
    }
    const { warnings, headers, measured } = way;
    const answer = measured ? whenOver(response, () => measured.ended(response.code)) : response;
    if (!headers && warnings.length === 0) return answer;
    const told: Record<string, string> = { ...answer.headers, ...headers };
    if (warnings.length > 0) told.warning = warningHeader(warnings);
    return { ...answer, headers: told };
  }

  /** What a request for a stream asks for: an upgrade, or a proxied one. A refusal is a plain answer. Never throws. */
  async handleUpgrade(request: ServerRequest): Promise<StreamGranted | ServerResponse> {
    const record = this.#audit?.receive(request);
    if (!record) return this.#upgrade(request);
    const answer = await this.#upgrade(recorded(request, record));
    if (!isStream(answer)) return audited(record, answer);
    if (!('proxy' in answer)) record.started(101);
    return {
      ...answer,
      ended: (code) => {
        answer.ended?.(code);
        record.complete(code);
      },
    };
  }

  async #upgrade(request: ServerRequest): Promise<StreamGranted | ServerResponse> {
    let measured: Measured | undefined;
    try {
      const info = parseResourcePath(request.method, request.path, request.query);
      const backend = info && this.#aggregator.find(info);
      if (!info || !(backend || streamed.has(info.subresource))) return await this.#answer(request);
      measured = this.#metrics.begin(request, this.#served(info));
      const granted = backend
        ? await this.#grantBackend(request, info, backend)
        : await this.#grant(request, info);
      return { ...granted, ended: measured.ended };
    } catch (error) {
      const refusal = this.#failure(request, error);
      measured?.ended(refusal.code);
      return refusal;
    }
  }

  async #grant(request: ServerRequest, info: ResourceRequest): Promise<StreamGranted> {
    const user = this.#userOf(request);
    await freshness(this.#rest.cache, info, request.query);
    const ctx = this.#resourceContext(request, user, info, []);
    if (info.subresource === 'proxy') {
      const proxy = proxyRequest(ctx);
      await admitConnect(ctx, proxy.path);
      return { proxy };
    }
    await admitConnect(ctx);
    return info.subresource === 'portforward' ? { portForward: podPortForward(ctx) } : { exec: podExec(ctx) };
  }

  /** What a connection to somebody else's API may become is theirs to say. */
  async #grantBackend(
    request: ServerRequest,
    info: ResourceRequest,
    { available, spec }: Backend,
  ): Promise<StreamGranted> {
    const user = this.#userOf(request);
    this.#authorize(request, user, info);
    if (!available) throw unavailable('service unavailable');
    const reach = await this.#aggregator.ready();
    return {
      proxy: {
        scheme: 'http',
        prefix: '',
        path: request.path,
        headers: identityHeaders(user),
        dial: (signal) => dialBackend(spec, reach, signal),
      },
    };
  }

  /** Passes the request on to whoever serves its group version. @throws ApiError ServiceUnavailable */
  async #onBackend(
    request: ServerRequest,
    user: UserInfo,
    { available, spec }: Backend,
  ): Promise<ServerResponse> {
    // As Kubernetes says it: clients have words of their own for this code.
    if (!available)
      return {
        code: 503,
        headers: { 'content-type': 'text/plain; charset=utf-8' },
        body: 'service unavailable\n',
      };
    return forward(spec, request, user, await this.#aggregator.ready());
  }

  /** What is asked for when it is something that is served: names that clients make up are no labels. */
  #served(info: ResourceRequest): ResourceRequest | undefined {
    const { group, version, resource, subresource } = info;
    const backend = this.#aggregator.find(info);
    if (backend) return backend.served.resources.some(({ plural }) => plural === resource) ? info : undefined;
    const facts = this.#registry.find(group, version, resource)?.facts;
    const known = subresource === '' || facts?.subresources.some(({ name }) => name === subresource);
    return facts && known ? info : undefined;
  }

  #failure(request: ServerRequest, error: unknown): ServerResponse {
    let refusal = isApiError(error) ? error : storeFailure(error);
    if (!refusal) {
      const cause = error instanceof Error ? error : new Error(String(error));
      request.audit?.panicked(cause.message);
      this.#log.error('request failed', {
        method: request.method,
        path: request.path,
        error: cause.stack ?? cause.message,
      });
      refusal = internalError(cause.message);
    }
    return statusResponse(refusal.status);
  }

  /** Whom the request acts for. @throws ApiError Unauthorized, Forbidden */
  #userOf({ user, headers, audit }: ServerRequest): UserInfo {
    if (!user) {
      audit?.unauthenticated(headers.authorization ? 'bearer' : 'x509');
      throw unauthorized();
    }
    const acting = actingUser(user, headers, this.#authorizer);
    if (acting !== user) audit?.impersonates(acting);
    return acting;
  }

  async #route(request: ServerRequest, way: Way): Promise<ServerResponse> {
    const user = this.#userOf(request);
    const health = healthPaths.test(request.path) ? await this.#documents.health(request) : undefined;
    if (health) return health;
    const info = parseResourcePath(request.method, request.path, request.query);
    const resource = info && info.resource !== '' ? info : undefined;
    way.measured = this.#metrics.begin(request, resource && this.#served(resource));
    const serve = (): Promise<ServerResponse> | ServerResponse =>
      resource ? this.#onResource(request, user, resource, way.warnings) : this.#onDocument(request, user);
    if (!this.#flow || (resource && longRunning.has(resource.subresource))) return serve();
    const { path, method } = request;
    const verb = resource?.verb ?? method.toLowerCase();
    const entered = this.#flow.enter({ user, verb, path, resource }, () => request.signal);
    const place = entered instanceof Promise ? await entered : entered;
    way.headers = place.headers;
    try {
      // A watch has its place until it has begun.
      return await serve();
    } finally {
      place.release();
    }
  }

  /** Whose document it is, where it is that of a group version that somebody else serves. */
  #backendOf(path: string): Backend | undefined {
    const [, group, version] = /^(?:\/openapi\/v3)?\/apis\/([^/]+)\/([^/]+)$/.exec(path) ?? [];
    return group === undefined || version === undefined
      ? undefined
      : this.#aggregator.find({ group, version });
  }

  async #onDocument(request: ServerRequest, user: UserInfo): Promise<ServerResponse> {
    const path = request.path.length > 1 ? request.path.replace(/\/$/, '') : request.path;
    const decision = this.#authorizer.authorizeNonResource({
      user,
      verb: request.method.toLowerCase(),
      path,
    });
    request.audit?.decided(decision);
    if (!decision.allowed) {
      const message = `forbidden: User ${JSON.stringify(user.username)} cannot ${request.method.toLowerCase()} path ${JSON.stringify(path)}`;
      return statusResponse({
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message,
        reason: 'Forbidden',
        details: {},
        code: 403,
      });
    }
    const backend = this.#backendOf(path);
    if (backend) return this.#onBackend(request, user, backend);
    const document = await this.#documents.answer(path, request);
    if (!document) throw noSuchResource();
    return document;
  }

  /** @throws ApiError Forbidden */
  #authorize(request: ServerRequest, user: UserInfo, info: ResourceRequest): void {
    const asked = authorizationOf(info, user, request.query);
    const decision = this.#authorizer.authorize(asked);
    request.audit?.decided(decision);
    if (!decision.allowed) throw forbiddenError(asked, decision);
  }

  /** Authorized, and about something that is served. @throws ApiError Forbidden, NotFound, MethodNotAllowed */
  #resourceContext(
    request: ServerRequest,
    user: UserInfo,
    info: ResourceRequest,
    warnings: string[],
  ): RequestContext {
    const { group, verb, namespace, name } = info;
    this.#authorize(request, user, info);
    const resource = this.#registry.find(group, info.version, info.resource);
    if (!resource) throw noSuchResource();
    const isNamespace = resource.facts.group === '' && resource.facts.kind === 'Namespace';
    if (resource.facts.scope === 'Cluster' && namespace !== '' && !isNamespace) throw noSuchResource();
    if (resource.facts.scope === 'Namespaced' && namespace === '' && name !== '') throw noSuchResource();
    if (resource.facts.scope === 'Namespaced' && namespace === '' && verb !== 'list' && verb !== 'watch') {
      // Across all namespaces there is only reading: a collection is emptied in one namespace at a time.
      throw resource.builtin ? methodNotAllowed() : noSuchResource();
    }
    if (resource.deprecation !== undefined) warnings.push(resource.deprecation);
    return { deps: this.#rest, request, info, resource, user, warnings };
  }

  async #onResource(
    request: ServerRequest,
    user: UserInfo,
    info: ResourceRequest,
    warnings: string[],
  ): Promise<ServerResponse> {
    const caughtUp = freshness(this.#rest.cache, info, request.query);
    if (caughtUp) await caughtUp;
    const backend = this.#aggregator.find(info);
    if (backend) {
      this.#authorize(request, user, info);
      return this.#onBackend(request, user, backend);
    }
    const ctx = this.#resourceContext(request, user, info, warnings);
    if (isReview(ctx.resource.facts.kind)) return this.#onReview(ctx);
    const result = await dispatch(ctx);
    if ('watch' in result) return { code: 200, headers: {}, watch: result.watch };
    if ('stream' in result)
      return { code: 200, headers: { 'content-type': 'text/plain' }, stream: result.stream };
    return { code: result.code, headers: {}, body: result.body };
  }

  async #onReview(ctx: RequestContext): Promise<ServerResponse> {
    if (ctx.info.verb !== 'create') throw methodNotAllowed();
    // What is answered and not kept has no metadata to show alone, and no columns.
    if (negotiateShape(ctx.request.headers.accept) !== 'object')
      throw notAcceptable('only the following media types are accepted: application/json');
    const write = writeQuery(ctx.request.query, ctx.request.headers['user-agent'], 'CreateOptions');
    const review = decodeObject(ctx, await decodeBody(ctx.request, objectTypes), write.fieldValidation);
    if (typeof review !== 'object') throw badRequest('a review must be an object');
    return { code: 201, headers: {}, body: answerReview(ctx, review as JsonObject, this.#review) };
  }
}
