/**
 * Runs controllers together: one cluster, one set of informers, one life.
 *
 * ```ts
 * await Manager.create({ cluster: 'auto' }).provide(Dns, new Dns()).register(WebsiteController).run();
 * ```
 * Guarantees: it starts in order (servers of health and metrics, definitions of custom kinds, informers, Runnables,
 * controllers) and stops in reverse, letting reconciles under way finish within a budget; a start that fails cleans
 * up after itself; nothing is left alive after `stop()`. Each controller writes under its own name, to a server that
 * tells identities apart as its own user.
 */
import { setMaxListeners } from 'node:events';
import { type Clock, type Duration, durationMs, type Random } from '../../api/index.js';
import { type Client, createClient } from '../../client/index.js';
import { InformerSet } from '../../informers/index.js';
import { onTerminationSignal, stderrSink, systemClock, systemRandom } from '../../system/index.js';
import { createLogger, type Logger, type Registry } from '../../telemetry/index.js';
import { type Constructor, construct, dependenciesOf, type Provider } from '../registration/container.js';
import { installCrd } from '../kinds/crd-install.js';
import { type AnyCustomResource, isCustomResource } from '../kinds/custom-resource.js';
import type { AnyControllerDefinition, ControllerDefinition, RequestKey } from '../controller/definition.js';
import type { ControllerObserver } from '../controller/observer.js';
import { type HotLoopOptions, HotLoops } from '../observe/hot-loops.js';
import { Journal, type JournalOptions } from '../observe/journal.js';
import { checkDefinition } from '../controller/definition-checks.js';
import { type ControllerClass, definitionOf, planOf } from '../controller/definition-of.js';
import { ControllerRunner, type ControllerRunnerDeps } from '../controller/controller-runner.js';
import type { InformerSource } from '../controller/watching.js';
import { loadClassValidator, loadInversify } from '../registration/lazy-modules.js';
import { RegistrationError } from '../registration/registration-error.js';
import { isRunnable, type Runnable } from './runnable.js';
import type { Token } from '../registration/token.js';
import type { HealthCheck } from '../telemetry/health-checks.js';
import {
  ManagerTelemetry,
  type TelemetryOptions,
  type WatchedController,
} from '../telemetry/manager-telemetry.js';
import { type ClusterTarget, openTransports, type Transports } from './transports.js';

export interface ManagerOptions extends TelemetryOptions {
  /** Default `'auto'`. */
  readonly cluster?: ClusterTarget;
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

/** After its runs were given up, how long a controller may take to write its last events. */
const stopGraceMs = 5_000;

type AnyDefinition = ControllerDefinition<unknown>;
/** What a Manager runs. */
export type Registrable = ControllerClass | AnyControllerDefinition;
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
  readonly #providers = new Map<Token, unknown>();
  readonly #registered: (ControllerClass | AnyDefinition)[] = [];
  readonly #runnables: Runnable[] = [];
  readonly #names = new Set<string>();
  readonly #journal: Journal | undefined;
  readonly #observers: readonly ControllerObserver[];
  readonly #abort = new AbortController();
  readonly #stopReason = new DOMException('the Manager was stopped', 'AbortError');
  /** What has been started, to be ended in reverse. */
  readonly #undo: (() => Promise<void> | void)[] = [];
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  readonly #ended: Promise<void>;
  #end: () => void = () => {};

  protected constructor(
    options: ManagerOptions,
    newRunner: NewRunner = (deps) => new ControllerRunner(deps),
  ) {
    this.#options = options;
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
    this.#providers.set(token, provider);
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
    if (typeof controller === 'function') {
      this.#claimName(planOf(controller).name);
      dependenciesOf(controller);
    } else {
      checkDefinition(`controller ${JSON.stringify(controller.name)}`, controller as AnyDefinition);
      this.#claimName(controller.name);
    }
    // What reconciles one kind is given objects of that kind alone, so its type may be forgotten here.
    this.#registered.push(controller as ControllerClass | AnyDefinition);
    return this;
  }

  /**
   * Adds what runs beside the controllers; see Runnable.
   * @throws RegistrationError for a name that is taken, TypeError for what is no Runnable
   */
  add(runnable: Runnable): this {
    this.#assertNew('add');
    if (!isRunnable(runnable)) throw new TypeError('a Runnable has a name, start(context) and stop()');
    this.#claimName(runnable.name);
    this.#runnables.push(runnable);
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
   * @throws like `start()`
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
      await this.#ended;
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
      this.#abort.abort(this.#stopReason);
      await this.#starting?.catch(() => {});
      await this.#unwind();
      this.#end();
    })();
    return this.#stopping;
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
      this.#undo.push(() => this.#telemetry.stop());
      await this.#telemetry.start();
      const definitions = await this.#definitions();
      const transports = await openTransports(this.#options.cluster ?? 'auto', {
        clock: this.#clock,
        log: this.#log,
      });
      this.#undo.push(() => transports.close());
      this.#telemetry.connected(transports.host, () => this.#client(transports, this.#identity));
      await this.#installCrds(definitions, transports);
      const informers = new InformerSet(this.#client(transports, this.#identity), this.#deps);
      this.#undo.push(() => informers.stopAll());
      const observed = this.#telemetry.informers(informers);
      await this.#startRunnables(transports, observed);
      await this.#startRunners(definitions, transports, observed);
      this.#telemetry.started();
      this.#log.info('running', { controllers: definitions.map((d) => d.name) });
    } catch (error) {
      this.#abort.abort(error);
      await this.#unwind();
      throw error;
    }
  }

  get #identity(): string {
    return this.#options.name ?? 'gyre';
  }

  /** What timeouts and waits of its clients go by. */
  get #clocks() {
    return { clock: this.#clock, random: this.#random };
  }

  get #deps() {
    return { clock: this.#clock, random: this.#random, log: this.#log };
  }

  #client(transports: Transports, identity: string): Client {
    const client = createClient(transports.of(identity), { fieldManager: identity, ...this.#clocks });
    return this.#telemetry.client(client);
  }

  async #definitions(): Promise<AnyDefinition[]> {
    const classes = this.#registered.filter((c): c is ControllerClass => typeof c === 'function');
    const instances = await construct(this.#providers, classes as Constructor[]);
    const made = new Map(classes.map((cls, i) => [cls, instances[i] as object]));
    return this.#registered.map((c) =>
      typeof c === 'function' ? definitionOf(c, made.get(c) as object) : c,
    );
  }

  async #installCrds(definitions: readonly AnyDefinition[], transports: Transports): Promise<void> {
    const { installCrds = true } = this.#options;
    if (installCrds === false) return;
    const further = installCrds === true ? [] : installCrds;
    const kinds = new Set([...definitions.map((d) => d.kind), ...further].filter(isCustomResource));
    if (kinds.size === 0) return;
    const client = this.#client(transports, this.#identity);
    await this.#together([...kinds], (kind, signal) => installCrd(kind, { client, ...this.#deps, signal }));
  }

  async #startRunnables(transports: Transports, informers: InformerSource): Promise<void> {
    const { signal } = this.#abort;
    for (const runnable of this.#runnables) {
      const { name } = runnable;
      const client = this.#client(transports, name);
      const log = this.#log.with({ runnable: name });
      this.#undo.push(() => this.#stopRunners([{ name, runner: runnable }]));
      await untilAborted(runnable.start({ client, informers, ...this.#deps, log, signal }), signal);
    }
  }

  async #startRunners(
    definitions: readonly AnyDefinition[],
    transports: Transports,
    informers: InformerSource,
  ): Promise<void> {
    const runners = definitions.map((definition) => ({
      name: definition.name,
      runner: this.#newRunner({
        definition,
        client: this.#client(transports, definition.name),
        informers,
        ...this.#deps,
        shutdownBudgetMs: this.#budgetMs,
        observers: this.#observers,
      }),
    }));
    for (const [i, { name, runner }] of runners.entries())
      this.#telemetry.add(name, definitions[i]?.maxConcurrent ?? 1, runner);
    this.#undo.push(() => this.#stopRunners(runners));
    await this.#together(runners, ({ runner }, signal) => untilAborted(runner.start(), signal));
  }

  async #stopRunners(
    runners: readonly { readonly name: string; readonly runner: Pick<Runner, 'stop'> }[],
  ): Promise<void> {
    const running = new Set(runners.map((r) => r.name));
    const all = Promise.all(
      runners.map(async ({ name, runner }) => {
        try {
          await runner.stop();
        } catch (error) {
          this.#log.error('controller did not stop cleanly', { controller: name, error });
        }
        running.delete(name);
      }),
    );
    let cancel = (): void => {};
    const late = new Promise<void>((resolve) => {
      cancel = this.#clock.setTimer(this.#budgetMs + stopGraceMs, resolve);
    });
    await Promise.race([all, late]);
    cancel();
    if (running.size > 0)
      this.#log.error('gave up waiting for controllers to stop', { controllers: [...running] });
  }

  /** Does one thing for all at once; when one fails, the others are aborted and waited for. */
  async #together<T>(
    items: readonly T[],
    act: (item: T, signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const failed = new AbortController();
    const signal = AbortSignal.any([this.#abort.signal, failed.signal]);
    setMaxListeners(0, signal);
    let first: { readonly error: unknown } | undefined;
    await Promise.all(
      items.map(async (item) => {
        try {
          await act(item, signal);
        } catch (error) {
          first ??= { error };
          failed.abort(error);
        }
      }),
    );
    if (first) throw first.error;
  }

  async #unwind(): Promise<void> {
    for (let undo = this.#undo.pop(); undo; undo = this.#undo.pop()) {
      try {
        await undo();
      } catch (error) {
        this.#log.error('could not clean up', { error });
      }
    }
  }

  #claimName(name: string): void {
    if (this.#names.has(name)) {
      throw new RegistrationError(
        `controller ${JSON.stringify(name)}`,
        'is registered twice',
        "give one of them another name, e.g. @Controller(Kind, { name: 'other' })",
      );
    }
    this.#names.add(name);
  }

  #assertNew(what: string): void {
    if (this.#starting) throw new Error(`${what}() after the Manager was started`);
  }
}

/** Settles like the promise, or rejects with the signal's reason if that comes first. */
function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
