/**
 * Runs controllers together: one life, and for each cluster one connection and one set of informers.
 *
 * ```ts
 * await Manager.create({ cluster: 'auto' }).provide(Dns, new Dns()).register(WebsiteController).run();
 * ```
 * Guarantees: it starts in order (servers of health and metrics, definitions of custom kinds, informers, Runnables,
 * controllers, what only a leader runs) and stops in reverse, letting reconciles under way finish within a budget; a
 * start that fails cleans up after itself; nothing is left alive after `stop()`. Each controller writes under its own
 * name, to a server that tells identities apart as its own user.
 */
import { setMaxListeners } from 'node:events';
import { BehaviorSubject, type Observable, pairwise } from 'rxjs';
import { type Clock, type Duration, durationMs, type Random } from '../../api/index.js';
import type { Client } from '../../client/index.js';
import { onTerminationSignal, stderrSink, systemClock, systemRandom } from '../../system/index.js';
import { createLogger, type HealthCheck, type Logger, type Registry } from '../../telemetry/index.js';
import type { Provider } from '../registration/container.js';
import { installCrd } from '../kinds/crd-install.js';
import { type AnyCustomResource, isCustomResource } from '../kinds/custom-resource.js';
import type { ControllerDefinition, RequestKey } from '../controller/definition.js';
import { homeOf, localCluster } from '../controller/cluster-links.js';
import type { ControllerObserver } from '../controller/observer.js';
import { type HotLoopOptions, HotLoops } from '../observe/hot-loops.js';
import { Journal, type JournalOptions } from '../observe/journal.js';
import type { ControllerClass } from '../controller/definition-of.js';
import { ControllerRunner, type ControllerRunnerDeps } from '../controller/controller-runner.js';
import { loadClassValidator, loadInversify } from '../registration/lazy-modules.js';
import type { KeyAdmission, Term } from '../controller/key-admission.js';
import type { LeaderElector, Leadership } from '../election/leader-elector.js';
import { LeadershipLost } from '../election/leadership-lost.js';
import { checkDivision, type DivisionOptions, newIdentity } from '../election/options.js';
import type { ShardState } from '../election/shard-member.js';
import {
  checkClusters,
  type Connection,
  Connections,
  type ClustersOptions,
  namesOfClusters,
} from './connections.js';
import { divisionOf } from './division.js';
import { ElectedRunnables } from './elected-runnables.js';
import { type AnyDefinition, type Registrable, Registrations } from './registrations.js';
import { groupOf, needsLeader, type Runnable, runnableGroups } from './runnable.js';
import { Shutdown, type Stoppable } from './shutdown.js';
import { together, untilAborted } from './until-aborted.js';
import type { Token } from '../registration/token.js';
import {
  ManagerTelemetry,
  type TelemetryOptions,
  type WatchedController,
} from '../telemetry/manager-telemetry.js';
import { uninstall, type UninstallOptions } from './uninstall.js';

export interface ManagerOptions extends ClustersOptions, TelemetryOptions, DivisionOptions {
  /** The identity that installs definitions and fills the shared informers. Default `gyre`. */
  readonly name?: string;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Default: standard error from level info, pretty on a terminal and JSON elsewhere. */
  readonly log?: Logger;
  /**
   * Installs the definitions of the custom kinds that registered controllers reconcile; a list names
   * further ones. Default true.
   */
  readonly installCrds?: boolean | readonly AnyCustomResource[];
  /** How long `stop()` waits for reconciles under way. Default 30s. */
  readonly shutdownBudget?: Duration;
  /** Hear of every run of every controller. */
  readonly observers?: readonly ControllerObserver[];
  /** Keeps the last runs of each object, for `explain()`. Default false. */
  readonly explain?: boolean | Omit<JournalOptions, 'clock'>;
  /** Warns of objects that are reconciled over and over. Default true. */
  readonly hotLoops?: boolean | Pick<HotLoopOptions, 'runs' | 'windowMs' | 'onHotLoop'>;
}

type Runner = Pick<ControllerRunner<unknown>, 'start' | 'stop'> & WatchedController;
type NewRunner = (deps: ControllerRunnerDeps<unknown>) => Runner;

export class Manager implements AsyncDisposable {
  readonly #options: ManagerOptions;
  readonly #newRunner: NewRunner;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #log: Logger;
  readonly #budgetMs: number;
  readonly #telemetry: ManagerTelemetry;
  readonly #registrations: Registrations;
  readonly #journal: Journal | undefined;
  readonly #observers: readonly ControllerObserver[];
  #uninstall: ((how: UninstallOptions) => Promise<void>) | undefined;
  readonly #abort = new AbortController();
  readonly #stopReason = new DOMException('the Manager was stopped', 'AbortError');
  readonly #shutdown: Shutdown;
  readonly #leadership: BehaviorSubject<Leadership>;
  readonly #shards = new BehaviorSubject<ShardState | undefined>(undefined);
  /** Why it ended by itself. */
  #failure: { readonly error: unknown } | undefined;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  readonly #ended: Promise<void>;
  #end: () => void = () => {};

  protected constructor(
    options: ManagerOptions,
    newRunner: NewRunner = (deps) => new ControllerRunner(deps),
  ) {
    checkDivision(options);
    checkClusters(options);
    this.#options = options;
    this.#registrations = new Registrations(namesOfClusters(options));
    this.#newRunner = newRunner;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#log = options.log ?? createLogger(stderrSink());
    const { explain = false, hotLoops = true, observers = [] } = options;
    const clock = this.#clock;
    if (explain) this.#journal = new Journal({ clock, ...(explain === true ? {} : explain) });
    const detector = { clock, log: this.#log, ...(typeof hotLoops === 'object' ? hotLoops : {}) };
    this.#telemetry = new ManagerTelemetry(options, { clock, log: this.#log });
    this.#observers = [
      ...this.#telemetry.observers,
      ...observers,
      ...(this.#journal ? [this.#journal] : []),
      ...(hotLoops ? [new HotLoops(detector)] : []),
    ];
    this.#budgetMs = durationMs(options.shutdownBudget ?? '30s');
    this.#shutdown = new Shutdown(this.#budgetMs, clock, this.#log);
    this.#leadership = new BehaviorSubject<Leadership>({
      leading: options.leaderElection === undefined,
      identity: this.#member(),
      leader: undefined,
    });
    // Everything that starts here listens to it: their number says nothing about a leak.
    setMaxListeners(0, this.#abort.signal);
    this.#ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  /** Loads what `start()` would load, so that a start under virtual time waits for no real I/O. */
  static async preload(): Promise<void> {
    await Promise.all([loadInversify(), loadClassValidator()]);
  }

  /** Does nothing yet: no connection is made before `start()` or `run()`. */
  static create(options: ManagerOptions = {}): Manager {
    return new Manager(options);
  }

  /**
   * Says what `@Inject(token)` is given: a value, `{ useClass }` or `{ useFactory }`. The last one given for
   * a token wins.
   */
  provide<T>(token: Token<T>, provider: Provider<NoInfer<T>>): this {
    this.#assertNew('provide');
    this.#registrations.provide(token, provider);
    return this;
  }

  /**
   * Adds a controller.
   * @throws RegistrationError naming class, decorator or parameter, and the remedy
   */
  register(controller: ControllerClass): this;
  register<T>(definition: ControllerDefinition<T>): this;
  register(controller: Registrable): this;
  register(controller: Registrable): this {
    this.#assertNew('register');
    this.#registrations.register(controller);
    return this;
  }

  /**
   * Adds what runs beside the controllers; see Runnable.
   * @throws RegistrationError for a name that is taken, TypeError for what is no Runnable
   */
  add(runnable: Runnable): this {
    this.#assertNew('add');
    this.#registrations.add(runnable);
    return this;
  }

  /**
   * Adds to `/healthz`: the process is restarted when the check throws, rejects or gives `false` for long.
   * @throws TypeError for a name that is taken
   */
  addHealthCheck(name: string, check: HealthCheck): this {
    this.#telemetry.live.add(name, check);
    return this;
  }

  /**
   * Adds to `/readyz`: no traffic while the check throws, rejects or gives `false`.
   * @throws TypeError for a name that is taken
   */
  addReadyCheck(name: string, check: HealthCheck): this {
    this.#telemetry.ready.add(name, check);
    return this;
  }

  /** What is counted; own metrics may be added. Empty without `metrics` in the options. */
  get metrics(): Registry {
    return this.#telemetry.registry;
  }

  /** Where probes are answered; undefined while they are not. */
  get healthPort(): number | undefined {
    return this.#telemetry.healthPort;
  }

  /** Where metrics are served; undefined while they are not. */
  get metricsPort(): number | undefined {
    return this.#telemetry.metricsPort;
  }

  /**
   * Resolves when every controller has seen the present state and is reconciling. A cluster that cannot be
   * reached, or a kind it does not serve yet, is waited for.
   * @throws RegistrationError, KubeconfigError, ApiError Invalid for a definition the server refuses; the
   * abort reason when stopped meanwhile. Nothing is left running then.
   */
  start(): Promise<void> {
    if (this.#starting)
      return Promise.reject(new Error('this Manager was started before: create another one'));
    this.#starting = this.#start();
    return this.#starting;
  }

  /**
   * Starts, and resolves when everything has ended: after SIGINT or SIGTERM, an abort of `signal`, or
   * `stop()`. A second termination signal ends the process at once.
   * @throws like `start()`; LeadershipLost; what a Runnable that waited for leadership could not start for
   */
  async run({ signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const stop = (): void => void this.stop();
    const unlisten = onTerminationSignal((name) => {
      this.#log.info('stopping', { signal: name });
      stop();
    });
    signal?.addEventListener('abort', stop, { once: true });
    if (signal?.aborted) stop();
    try {
      await this.start();
      await this.ended;
    } catch (error) {
      if (error !== this.#stopReason) throw error;
    } finally {
      await this.stop();
      signal?.removeEventListener('abort', stop);
      unlisten();
    }
  }

  /**
   * Ends in reverse order: controllers first, within the budget, then informers and connections. Calling
   * it twice is harmless.
   */
  stop(): Promise<void> {
    this.#stopping ??= (async () => {
      this.#abort.abort(this.#failure?.error ?? this.#stopReason);
      await this.#starting?.catch(() => {});
      await this.#shutdown.unwind();
      this.#end();
    })();
    return this.#stopping;
  }

  /** Resolves when everything has ended; rejects with why if it ended by itself, e.g. with LeadershipLost. */
  get ended(): Promise<void> {
    return this.#ended.then(() => {
      if (this.#failure) throw this.#failure.error;
    });
  }

  /** Who leads, replayed. Without leader election this Manager always does. */
  get leadership$(): Observable<Leadership> {
    return this.#leadership.asObservable();
  }
  get leadership(): Leadership {
    return this.#leadership.value;
  }

  /** How the keys are divided, replayed; undefined without sharding and before the start. */
  get shards$(): Observable<ShardState | undefined> {
    return this.#shards.asObservable();
  }

  /**
   * Deletes every object of the custom kinds its controllers reconcile, waits until their finalizers have done their
   * work, and deletes the definitions if asked to. It goes on running meanwhile; stop it afterwards.
   * @throws UninstallTimeout naming what is left and what holds it; Error before the Manager was started
   */
  uninstall(options: UninstallOptions = {}): Promise<void> {
    if (!this.#uninstall) return Promise.reject(new Error('uninstall() needs a Manager that was started'));
    return this.#uninstall({ signal: this.#abort.signal, ...options });
  }

  /**
   * Why the last reconciles of an object ran, what they read and wrote, and how they ended, as text.
   * @throws Error unless the Manager was created with `explain`
   */
  explain(controller: string, key: RequestKey): string {
    if (!this.#journal) throw new Error('create the Manager with { explain: true } to ask it why');
    return this.#journal.explain(controller, key);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #start(): Promise<void> {
    try {
      this.#abort.signal.throwIfAborted();
      this.#shutdown.push(() => this.#telemetry.stop());
      await this.#telemetry.start();
      const definitions = await this.#registrations.definitions();
      const deps = { ...this.#deps, identity: this.#identity, telemetry: this.#telemetry };
      const clusters = await Connections.open(this.#options, deps, this.#shutdown);
      const { local } = clusters;
      const client = local.client(this.#identity);
      this.#telemetry.judgedBy(client);
      const { leaderElection } = this.#options;
      const { runnables } = this.#registrations;
      const elected = runnables.filter((runnable) => leaderElection && needsLeader(runnable));
      const localKinds = definitions
        .filter((definition) => homeOf(definition) === localCluster)
        .map(({ kind }) => kind)
        .filter(isCustomResource);
      for (const group of runnableGroups) {
        const members = runnables.filter((r) => groupOf(r) === group && !elected.includes(r));
        await this.#startRunnables(members, local);
        if (group === 'http-servers') await this.#installCrds(localKinds, client);
      }
      await this.#startRunners(definitions, elected, clusters);
      this.#telemetry.started();
      this.#uninstall = (how) =>
        uninstall({ ...how, client, kinds: localKinds, clock: this.#clock, log: this.#log });
      this.#log.info('running', { controllers: definitions.map((d) => d.name) });
    } catch (error) {
      this.#abort.abort(error);
      await this.#shutdown.unwind();
      throw error;
    }
  }

  get #identity(): string {
    return this.#options.name ?? 'gyre';
  }

  /** Who this process is among those it divides the work with. */
  #member(): string {
    const { leaderElection, sharding } = this.#options;
    if (!leaderElection && !sharding) return this.#identity;
    return leaderElection?.identity ?? sharding?.member ?? newIdentity(this.#random);
  }

  get #deps() {
    return { clock: this.#clock, random: this.#random, log: this.#log };
  }

  async #installCrds(reconciled: readonly AnyCustomResource[], client: Client): Promise<void> {
    const { installCrds = true } = this.#options;
    if (installCrds === false) return;
    const further = installCrds === true ? [] : installCrds;
    const kinds = new Set([...reconciled, ...further]);
    if (kinds.size === 0) return;
    await together([...kinds], this.#abort.signal, (kind, signal) =>
      installCrd(kind, { client, ...this.#deps, signal }),
    );
  }

  async #startRunnables(runnables: readonly Runnable[], local: Connection): Promise<void> {
    const { signal } = this.#abort;
    for (const runnable of runnables) {
      this.#shutdown.push(() => this.#shutdown.stopAll([runnable]));
      await untilAborted(this.#startRunnable(runnable, local), signal);
    }
  }

  #startRunnable(runnable: Runnable, local: Connection, term?: Term): Promise<void> {
    const { name } = runnable;
    const client = local.client(name);
    const log = this.#log.with({ runnable: name });
    const signal = term ? AbortSignal.any([this.#abort.signal, term.signal]) : this.#abort.signal;
    return runnable.start({
      client: term ? client.with({ beforeWrite: () => term.assertHeld() }) : client,
      informers: local.informers,
      ...this.#deps,
      log,
      signal,
    });
  }

  /** Controllers run at once, to fill caches and queues; which keys they work on is the division's to say. */
  async #startRunners(
    definitions: readonly AnyDefinition[],
    elected: readonly Runnable[],
    clusters: Connections,
  ): Promise<void> {
    const { local } = clusters;
    const { elector, shard } = divisionOf(this.#options, {
      identity: this.#leadership.value.identity,
      namespace: local.namespace,
      component: this.#identity,
      client: local.client(this.#identity),
      metrics: (name) => this.#telemetry.leadership(name),
      ...this.#deps,
    });
    const division = elector ?? shard;
    // The right to write is given back when nobody is left to use it.
    if (division) this.#shutdown.push(() => division.stop());
    const runners = this.#newRunners(definitions, clusters, division);
    const leading = elector && this.#whileLeading(elector, elected, local);
    this.#shutdown.push(() => this.#shutdown.stopAll(leading ? [leading, ...runners] : runners));
    await together(runners, this.#abort.signal, ({ start }, signal) => untilAborted(start(), signal));
    elector?.leadership$.subscribe((leadership) => this.#leadership.next(leadership));
    shard?.state$.subscribe((state) => this.#shards.next(state));
    division?.start();
  }

  #newRunners(
    definitions: readonly AnyDefinition[],
    clusters: Connections,
    admission: KeyAdmission | undefined,
  ): (Stoppable & Pick<Runner, 'start'>)[] {
    return definitions.map((definition) => {
      const runner = this.#newRunner({
        definition,
        client: clusters.of(definition.cluster).client(definition.name),
        informers: clusters.of(definition.cluster).informers,
        clusters: clusters.links(definition.name),
        ...this.#deps,
        shutdownBudgetMs: this.#budgetMs,
        observers: this.#observers,
        ...(admission ? { admission } : {}),
      });
      this.#telemetry.add(definition.name, definition.maxConcurrent ?? 1, runner);
      return { name: definition.name, start: () => runner.start(), stop: () => runner.stop() };
    });
  }

  /** Runs what only a leader runs, and ends the Manager when leadership is lost for good. */
  #whileLeading(elector: LeaderElector, runnables: readonly Runnable[], local: Connection): Stoppable {
    const { name, onLost = 'stop' } = this.#options.leaderElection ?? {};
    const elected = new ElectedRunnables({
      runnables,
      start: (runnable, term) => this.#startRunnable(runnable, local, term),
      stop: (runnable) => this.#shutdown.stopAll([runnable]),
      onFailed: (error) => this.#fail(error),
    });
    elected.follow(elector.term$);
    elector.term$.pipe(pairwise()).subscribe(([before, now]) => {
      if (before && !now && onLost === 'stop' && !this.#abort.signal.aborted)
        this.#fail(new LeadershipLost(`leader election lost: ${before.signal.reason?.message}`));
    });
    return { name: `leader election ${name}`, stop: () => elected.stop() };
  }

  /** Ends by itself. */
  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#log.error('stopping', { error: String(error) });
    void this.stop();
  }

  #assertNew(what: string): void {
    if (this.#starting) throw new Error(`${what}() after the Manager was started`);
  }
}
