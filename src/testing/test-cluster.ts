/**
 * A cluster for a unit test: in process, in memory, under a clock that moves only when told to.
 *
 * ```ts
 * await using t = await TestCluster.start({ controllers: [WebsiteController], provide: [[Dns, fakeDns]] });
 * await t.apply(Website.of('default/blog', { image: 'nginx:1.27', replicas: 3 }));
 * await t.advance('10m');
 * expect(t.get(Website, 'default/blog').status?.readyReplicas).to.equal(3);
 * ```
 *
 * What is read is frozen: a reconciler that mutates what it was given fails here, at the line that does.
 */
import {
  ApiError,
  copyJson,
  type Duration,
  type JsonObject,
  type Key,
  type KindOf,
  keyOf,
  notFound,
  parseKey,
  resourcePath,
  type Scope,
  type Status,
  type Transport,
  type UserInfo,
} from '../api/index.js';
import type { Client } from '../client/index.js';
import { EmbeddedCluster } from '../cluster/index.js';
import {
  type AdmissionDefinition,
  type ConversionDefinition,
  isRunnable,
  Manager,
  type ManagerOptions,
  PermissionRecorder,
  type Registrable,
  type Runnable,
  type Token,
  WebhookServer,
} from '../core/index.js';
import { type Logger, silentLogger } from '../telemetry/index.js';
import { seededRandom } from './seeded-random.js';
import { VirtualClock } from './virtual-clock.js';

export interface TestClusterOptions {
  /** Controller classes, definitions and Runnables to run. */
  readonly controllers?: readonly (Registrable | Runnable)[];
  /** Webhooks that the API server asks from the start. */
  readonly webhooks?: readonly (AdmissionDefinition | ConversionDefinition)[];
  /** Tokens and what stands for them. */
  readonly provide?: readonly (readonly [token: Token<unknown>, value: unknown])[];
  /**
   * Runs the controllers of Kubernetes, the scheduler and simulated nodes too, so that a Deployment ends in ready
   * pods. `false`: the API server alone. Default true.
   */
  readonly builtin?: boolean;
  /** How many simulated nodes there are. Default 1. */
  readonly nodes?: number;
  /** The same seed gives the same names, UIDs and back-offs. Default 1. */
  readonly seed?: number;
  /** Default: silent. */
  readonly log?: Logger;
  /** What else the Manager of the controllers is created with. */
  readonly manager?: Omit<ManagerOptions, 'cluster' | 'clock' | 'random' | 'log'>;
}

/** How far start-up may move time before it counts as hanging. */
const startBudgetMs = 60_000;
const startStepMs = 100;

/** An object that says what it is. */
type Described = {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: { readonly name?: string; readonly namespace?: string };
};

export class TestCluster implements AsyncDisposable {
  readonly clock: VirtualClock;
  /** As a cluster admin; its promises settle without time moving. */
  readonly client: Client;
  readonly cluster: EmbeddedCluster;
  readonly #manager: Manager;

  private constructor(
    clock: VirtualClock,
    cluster: EmbeddedCluster,
    manager: Manager,
    /** What the controllers under test asked the API server for, as RBAC sees it. */
    readonly permissions: PermissionRecorder,
  ) {
    this.clock = clock;
    this.cluster = cluster;
    this.client = cluster.client();
    this.#manager = manager;
  }

  /** Resolves when the API serves, CRDs are established, and every controller's caches are complete. */
  static async start(options: TestClusterOptions = {}): Promise<TestCluster> {
    const clock = new VirtualClock();
    const random = seededRandom(options.seed ?? 1);
    const log = options.log ?? silentLogger;
    // Loading modules is real I/O, which no virtual time waits for: have it behind us.
    await Manager.preload();
    const cluster = await settled(
      clock,
      EmbeddedCluster.start({
        clock,
        random,
        log,
        freeze: true,
        controllers: options.builtin ?? true,
        nodes: { simulated: options.nodes ?? 1 },
      }),
    );
    const permissions = new PermissionRecorder();
    const manager = Manager.create({
      explain: true,
      ...options.manager,
      cluster: (identity) => permissions.transport(cluster.target(identity)),
      clock,
      random,
      log,
    });
    for (const [token, value] of options.provide ?? []) manager.provide(token, value);
    if (options.webhooks)
      manager.add(new WebhookServer({ inProcess: cluster.webhooks }, ...options.webhooks));
    for (const controller of options.controllers ?? []) {
      if (isRunnable(controller)) manager.add(controller);
      else manager.register(controller);
    }
    await settled(clock, manager.start());
    return new TestCluster(clock, cluster, manager, permissions);
  }

  /** Server-side apply as `kubectl apply --server-side` does it; then everything that follows now has happened. */
  async apply(object: Described): Promise<void> {
    const facts = this.cluster.server.kindOf(object);
    if (!facts)
      throw new TypeError(
        `${object.apiVersion} ${object.kind} is not served: register its controller or create its CRD first`,
      );
    const { namespace, name } = parseKey(facts, keyOf(object) as Key);
    const response = await this.cluster.transport().request({
      method: 'PATCH',
      path: resourcePath(facts, { namespace, name }),
      query: { fieldManager: 'kubectl', fieldValidation: 'Strict' },
      headers: { 'content-type': 'application/apply-patch+yaml' },
      body: copyJson(object) as JsonObject,
    });
    if (response.status >= 400) throw new ApiError(response.body as Status);
    await this.settle();
  }

  /** The object as it is now. @throws ApiError NotFound */
  get<T, S extends Scope>(kind: KindOf<T, S>, key: Key<S>): T {
    const found = this.find(kind, key);
    if (found === undefined) throw notFound(kind, parseKey(kind, key).name);
    return found;
  }

  /** The object as it is now, if there is one. */
  find<T, S extends Scope>(kind: KindOf<T, S>, key: Key<S>): T | undefined {
    return this.cluster.server.peek(kind, parseKey(kind, key)) as T | undefined;
  }

  /** Why a controller under test ran for an object the last times, what it read and wrote: for a test that fails. */
  explain(controller: string, key: string): string {
    return this.#manager.explain(controller, key);
  }

  /** Moves time, running everything that falls due on the way. */
  advance(by: Duration): Promise<void> {
    return this.clock.advance(by);
  }

  /** Runs everything that is due now. */
  settle(): Promise<void> {
    return this.clock.settle();
  }

  /** The in-process way in, as somebody. */
  transport(user: UserInfo): Transport {
    return this.cluster.transport(user);
  }

  clientAs(user: UserInfo): Client {
    return this.cluster.client(user);
  }

  async stop(): Promise<void> {
    await settled(this.clock, this.#manager.stop());
    await settled(this.clock, this.cluster.stop());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** Waits for a promise, moving time as far as it needs. */
async function settled<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  let pending = true;
  const outcome = promise.finally(() => {
    pending = false;
  });
  outcome.catch(() => {});
  await clock.settle();
  for (let waited = 0; pending; waited += startStepMs) {
    if (waited > startBudgetMs) throw new Error(`not settled after ${startBudgetMs} ms of virtual time`);
    await clock.advance(startStepMs);
  }
  return outcome;
}
