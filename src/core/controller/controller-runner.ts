/**
 * The engine: informers → predicates → mapping → queue → runner → reconcile, and what follows from the
 * outcome. Decorators, builder and Manager stand on it; it needs none of them.
 *
 * An outcome is a value: an error never ends the stream, it comes back as a retry with back-off.
 */
import { BehaviorSubject, type Observable, Subject, type Subscription } from 'rxjs';
import { type Cancel, type Clock, durationMs, groupKind, isConflict, type Random } from '../../api/index.js';
import type { Client } from '../../client/index.js';
import type { Logger } from '../../telemetry/index.js';
import { type Outcome, Runner } from '../queue/runner.js';
import { WorkQueue } from '../queue/workqueue.js';
import { isTermOver } from '../election/term.js';
import { EventRecorder } from '../reconcile/events.js';
import { isTerminalError } from '../reconcile/result.js';
import { type ClusterLinks, linkTo } from './cluster-links.js';
import type { ControllerDefinition, RequestKey, SourceContext } from './definition.js';
import { Intake } from './intake.js';
import type { KeyAdmission } from './key-admission.js';
import type { ControllerObserver } from './observer.js';
import { RunOfKey } from './run-of-key.js';
import { startSources } from './sources.js';
import { describeHeldUp, type HeldUpBy, type InformerSource, initialPriority, Watching } from './watching.js';

export interface ControllerRunnerDeps<T> {
  readonly definition: ControllerDefinition<T>;
  /** Of the cluster the controller is in, as the informers are. */
  readonly client: Client;
  readonly informers: InformerSource;
  /** All clusters it may name. Default: its own alone. */
  readonly clusters?: ClusterLinks;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** How long `stop` waits for reconciles under way, ms. Default 30,000. */
  readonly shutdownBudgetMs?: number;
  /** Says which keys may be worked on here and now. Default: all, always. */
  readonly admission?: KeyAdmission;
  readonly observers?: readonly ControllerObserver[];
}

/** How long caches may take before the controller counts as held up. */
const cacheSyncTimeoutMs = 120_000;

/** How a controller is. `held-up`: it cannot run before somebody else mends what `by` names; it goes on trying. */
export type ControllerState =
  | { readonly phase: 'starting' | 'running' | 'stopped' }
  | { readonly phase: 'held-up'; readonly by: readonly HeldUpBy[] };

export class ControllerRunner<T> {
  readonly #deps: ControllerRunnerDeps<T>;
  readonly #log: Logger;
  readonly #queue: WorkQueue<RequestKey>;
  readonly #intake: Intake;
  readonly #runner: Runner<RequestKey>;
  readonly #events: EventRecorder;
  readonly #outcomes = new Subject<Outcome<RequestKey>>();
  readonly #state = new BehaviorSubject<ControllerState>({ phase: 'starting' });
  readonly #subscriptions: Subscription[] = [];
  readonly #abort = new AbortController();
  #watching: Watching<T> | undefined;
  #runs: RunOfKey<T> | undefined;
  #started: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(deps: ControllerRunnerDeps<T>) {
    const { definition, clock, client, log, observers = [] } = deps;
    this.#deps = deps;
    this.#log = log.with({ controller: definition.name, controllerKind: definition.kind.kind });
    this.#queue = new WorkQueue({ clock, ...queueOptions(definition) });
    this.#intake = new Intake(definition.name, this.#queue, clock, observers, this.#log);
    this.#events = new EventRecorder({
      client: client.with({ fieldManager: definition.name }),
      component: definition.eventSource ?? definition.name,
      clock,
      log: this.#log,
    });
    this.#runner = new Runner({
      queue: this.#queue,
      clock,
      concurrency: definition.maxConcurrent ?? 1,
      timeoutMs: definition.timeout === undefined ? undefined : durationMs(definition.timeout),
      run: (key, signal) => this.#runs?.run(key, signal),
      onOutcome: (outcome) => this.#onOutcome(outcome),
      onStuck: (key) => {
        this.#log.error('reconcile outlived its timeout and has not ended', { object: key });
        for (const observer of observers) observer.onStuck?.(definition.name, key);
      },
    });
  }

  get name(): string {
    return this.#deps.definition.name;
  }

  /** One per reconcile; errors are values here. */
  get outcomes$(): Observable<Outcome<RequestKey>> {
    return this.#outcomes.asObservable();
  }

  /** Replays how the controller is to a new subscriber. */
  get state$(): Observable<ControllerState> {
    return this.#state.asObservable();
  }

  get state(): ControllerState {
    return this.#state.value;
  }

  /** For telemetry: depth, delayed, working and counters. */
  get queue(): Pick<WorkQueue<RequestKey>, 'depth' | 'depthByPriority' | 'delayed' | 'working' | 'counters'> {
    return this.#queue;
  }

  /** Reconciles that outlived their timeout and have not ended. */
  get stuck(): number {
    return this.#runner.stuck;
  }

  /** Wakes a key, as an external source does. */
  enqueue(key: RequestKey): void {
    this.#intake.add(key, { reason: 'source' });
  }

  /**
   * Resolves when every cache is complete and reconciles run, or when the controller is held up: by a kind that
   * is not there, a watch that is forbidden, or caches that take longer than `cacheSyncTimeout`. It goes on
   * trying then and runs by itself once it can; `state$` tells.
   */
  start(): Promise<void> {
    this.#started ??= this.#start();
    return this.#started;
  }

  /** Takes nothing more, waits for what is under way, and leaves nothing alive. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #start(): Promise<void> {
    const { definition, observers = [], ...deps } = this.#deps;
    this.#watching = new Watching(definition, { ...deps, intake: this.#intake, log: this.#log });
    this.#runs = new RunOfKey({
      ...deps,
      definition,
      observers,
      watching: this.#watching,
      intake: this.#intake,
      queue: this.#queue,
      events: this.#events,
      log: this.#log,
    });
    const watching = this.#watching;
    const running = watching.ready.then(() => this.#begin(watching));
    // Whoever stops it before it was ready has what they asked for.
    running.catch(() => {});
    await Promise.race([running, this.#heldUp(watching)]);
  }

  #begin(watching: Watching<T>): void {
    if (this.#stopped) return;
    const { definition, admission, client, clock, random } = this.#deps;
    // A shared informer may have been complete before this controller came.
    this.#addAll('initial');
    if (admission) this.#subscriptions.push(admission.gained$.subscribe(() => this.#addAll('gained')));
    this.#runner.start();
    const bound = (unbound: Client): Client =>
      unbound.with({ fieldManager: definition.name, signal: this.#abort.signal });
    const context: SourceContext = {
      client: bound(client),
      cache: watching.caches,
      cluster: (name) => {
        const link = linkTo(definition, this.#deps.clusters, name);
        return link ? { client: bound(link.client), cache: watching.cachesOf(name) } : context;
      },
      clock,
      random,
      log: this.#log,
      signal: this.#abort.signal,
    };
    startSources(definition, context, (key, trigger) => this.#intake.add(key, trigger));
    this.#state.next({ phase: 'running' });
    this.#log.info('controller running', { objects: watching.primary.cache.size });
  }

  #addAll(reason: 'initial' | 'gained'): void {
    for (const key of this.#watching?.primary.cache.keys() ?? [])
      this.#intake.add(key, { reason }, { priority: initialPriority });
  }

  /** Resolves when the controller cannot run for now; keeps the state until it does. */
  #heldUp(watching: Watching<T>): Promise<void> {
    const { definition, clock } = this.#deps;
    return new Promise((resolve) => {
      const tell = (by: readonly HeldUpBy[]): void => {
        if (this.#state.value.phase === 'running' || this.#stopped) return;
        this.#state.next({ phase: 'held-up', by });
        this.#log.error('controller held up', { by: describeHeldUp(by) });
        resolve();
      };
      const timeoutMs = durationMs(definition.cacheSyncTimeout ?? cacheSyncTimeoutMs);
      const cancel: Cancel = clock.setTimer(timeoutMs, () => {
        if (this.#state.value.phase === 'starting') tell(watching.incomplete);
      });
      let told = '';
      const states = watching.heldUp$.subscribe((by) => {
        // An informer tries again and again: what stands in the way is told once.
        const now = by.map(({ kind, cluster = '', why }) => `${cluster} ${groupKind(kind)} ${why}`).join();
        if (by.length === 0 || now === told) return;
        told = now;
        tell(by);
      });
      const end = (): void => {
        cancel();
        states.unsubscribe();
        resolve();
      };
      this.#abort.signal.addEventListener('abort', end, { once: true });
      watching.ready.then(end, end);
    });
  }

  #onOutcome(outcome: Outcome<RequestKey>): void {
    const { key } = outcome;
    if (outcome.ok) {
      this.#queue.forget(key);
      const again = outcome.result.requeueAfterMs ?? this.#nextTurn(key);
      if (again !== undefined) this.#intake.add(key, { reason: 'requeue' }, { after: again });
    } else if (isTerminalError(outcome.error)) {
      this.#queue.forget(key);
      this.#log.error('reconcile failed for good', { object: key, error: outcome.error.message });
    } else {
      const retryInMs = this.#intake.retry(key);
      const fields = { object: key, retryInMs, error: outcome.error.stack ?? outcome.error.message };
      // Losing a race is everyday life: the newer version is on its way.
      if (isConflict(outcome.error))
        this.#log.debug('reconcile lost a race', { ...fields, error: outcome.error.message });
      // So is losing a lease: whoever has the key now goes on.
      else if (isTermOver(outcome.error) || isTermOver(outcome.error.cause))
        this.#log.debug('reconcile lost its key', { ...fields, error: outcome.error.message });
      else this.#log.error('reconcile failed', fields);
    }
    this.#runs?.ended(outcome);
    try {
      this.#outcomes.next(outcome);
    } catch (error) {
      this.#log.error('an observer of outcomes threw', { error: String(error) });
    }
  }

  /** When an object that is still there has its turn again though nothing happens, ms. */
  #nextTurn(key: RequestKey): number | undefined {
    const { every } = this.#deps.definition;
    if (every === undefined || !this.#watching?.primary.cache.has(key)) return undefined;
    return durationMs(every) * (0.9 + this.#deps.random.next() / 5);
  }

  async #stop(): Promise<void> {
    this.#abort.abort(new DOMException('the controller is stopping', 'AbortError'));
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    this.#watching?.unsubscribe();
    await this.#runner.stop(this.#deps.shutdownBudgetMs ?? 30_000);
    await this.#events.flush();
    this.#watching?.release();
    this.#state.next({ phase: 'stopped' });
    this.#state.complete();
    this.#outcomes.complete();
  }
}

function queueOptions<T>({ fairness, debounce, backoff, retries }: ControllerDefinition<T>) {
  const group = fairness === 'namespace' ? namespaceOf : fairness;
  return {
    ...(group ? { fairness: group } : {}),
    ...(debounce === undefined ? {} : { debounceMs: durationMs(debounce) }),
    ...(backoff?.first === undefined ? {} : { baseDelayMs: durationMs(backoff.first) }),
    ...(backoff?.max === undefined ? {} : { maxDelayMs: durationMs(backoff.max) }),
    ...(retries ? { retries } : {}),
  };
}

/** Cluster-scoped objects are one group. */
function namespaceOf(key: RequestKey): string {
  return key.slice(0, Math.max(0, key.indexOf('/')));
}
