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
import type { Duration } from '../api/index.js';
import { type ClusterSnapshot, EmbeddedCluster } from '../cluster/index.js';
import type { RuntimeConfig } from '../apiserver/index.js';
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
import { ClusterInTest } from './cluster-in-test.js';
import { seededRandom } from './seeded-random.js';
import { VirtualClock } from './virtual-clock.js';

/** Everything a test has at one moment, its time included: what other tests begin with. */
export interface TestSnapshot {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly local: ClusterSnapshot;
  /** The further clusters by name. */
  readonly remotes: ReadonlyMap<string, ClusterSnapshot>;
}

export interface TestClusterOptions {
  /**
   * Begins where another test cluster was, at its time: `await t.snapshot()`. What is costly to set up is set up once. The
   * controllers begin anew, as after a restart of their process; further clusters are those of the snapshot. Default: empty
   * clusters, at 2026-01-01T00:00:00Z.
   */
  readonly from?: TestSnapshot;
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
  /** Group versions the API servers serve or not, as with EmbeddedCluster: `{ 'api/alpha': true }`. Default: stable ones. */
  readonly runtimeConfig?: RuntimeConfig;
  /** How many simulated nodes there are, in each cluster. Default 1. */
  readonly nodes?: number;
  /** Further clusters by name, as the Manager's `clusters`: each like the first, and empty. Default: none. */
  readonly clusters?: readonly string[];
  /** The same seed gives the same names, UIDs and back-offs. Default 1. */
  readonly seed?: number;
  /** Default: silent. */
  readonly log?: Logger;
  /** What else the Manager of the controllers is created with. */
  readonly manager?: Omit<ManagerOptions, 'cluster' | 'clusters' | 'clock' | 'random' | 'log'>;
}

/** How far start-up may move time before it counts as hanging. */
const startBudgetMs = 60_000;
const startStepMs = 100;

export class TestCluster extends ClusterInTest implements AsyncDisposable {
  readonly #manager: Manager;
  readonly #remotes: ReadonlyMap<string, ClusterInTest>;

  private constructor(local: ClusterInTest, remotes: ReadonlyMap<string, ClusterInTest>, manager: Manager) {
    super(local.cluster, local.clock, local.permissions);
    this.#remotes = remotes;
    this.#manager = manager;
  }

  /** Resolves when the API serves, CRDs are established, and every controller's caches are complete. */
  static async start(options: TestClusterOptions = {}): Promise<TestCluster> {
    const { from, seed = 1 } = options;
    const clock = new VirtualClock(from ? { startAt: from.time } : {});
    // What a fork makes is not named like what it began with.
    const random = seededRandom(from ? seed + from.local.revision : seed);
    const log = options.log ?? silentLogger;
    // Loading modules is real I/O, which no virtual time waits for: have it behind us.
    await Manager.preload();
    const startCluster = async (snapshot: ClusterSnapshot | undefined): Promise<ClusterInTest> => {
      const starting = EmbeddedCluster.start({
        ...(snapshot ? { from: snapshot } : {}),
        clock,
        random,
        log,
        freeze: true,
        controllers: options.builtin ?? true,
        nodes: { simulated: options.nodes ?? 1 },
        ...(options.runtimeConfig ? { runtimeConfig: options.runtimeConfig } : {}),
      });
      return new ClusterInTest(await settled(clock, starting), clock, new PermissionRecorder());
    };
    const local = await startCluster(from?.local);
    const remotes = new Map<string, ClusterInTest>();
    for (const name of new Set([...(from?.remotes.keys() ?? []), ...(options.clusters ?? [])]))
      remotes.set(name, await startCluster(from?.remotes.get(name)));
    const manager = Manager.create({
      explain: true,
      ...options.manager,
      cluster: local.target,
      clusters: Object.fromEntries([...remotes].map(([name, { target }]) => [name, target])),
      clock,
      random,
      log,
    });
    for (const [token, value] of options.provide ?? []) manager.provide(token, value);
    if (options.webhooks)
      manager.add(new WebhookServer({ inProcess: local.cluster.webhooks }, ...options.webhooks));
    for (const controller of options.controllers ?? []) {
      if (isRunnable(controller)) manager.add(controller);
      else manager.register(controller);
    }
    await settled(clock, manager.start());
    return new TestCluster(local, remotes, manager);
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

  /** Another cluster of the Manager. @throws TypeError for a name that was not given */
  remote(name: string): ClusterInTest {
    const found = this.#remotes.get(name);
    if (!found)
      throw new TypeError(
        `there is no cluster ${JSON.stringify(name)}: start with { clusters: ['${name}'] }`,
      );
    return found;
  }

  /** All there is now; the cluster goes on, and what begins with it changes nothing of it. */
  async snapshot(): Promise<TestSnapshot> {
    const time = this.clock.now();
    const local = await this.cluster.snapshot();
    const remotes = new Map<string, ClusterSnapshot>();
    for (const [name, { cluster }] of this.#remotes) remotes.set(name, await cluster.snapshot());
    return { time, local, remotes };
  }

  async stop(): Promise<void> {
    await settled(this.clock, this.#manager.stop());
    for (const { cluster } of [...this.#remotes.values(), this]) await settled(this.clock, cluster.stop());
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
