/**
 * Leader election on one Lease (`coordination.k8s.io/v1`), as client-go's: whoever's name is in it leads, renews it,
 * and hands it back when it stops. All members agree with those written in Go.
 *
 * Guarantees: the contract of `timing.ts`, where all keys are one; a record counts as expired by the local monotonic
 * clock since it last *changed*; every write of the Lease carries the version read, so two never acquire it at once;
 * one attempt at a time; it never ends by itself, unless leadership was lost and `onLost` is `stop`.
 */
import { BehaviorSubject, distinctUntilChanged, filter, map, type Observable } from 'rxjs';
import {
  type Clock,
  isAlreadyExists,
  isConflict,
  isApiError,
  jitter,
  type Random,
  sleep,
} from '../../api/index.js';
import { Lease } from '../../api/kinds/coordination/v1.js';
import type { Client } from '../../client/index.js';
import type { Logger } from '../../telemetry/index.js';
import type { KeyAdmission, Term } from '../controller/key-admission.js';
import { EventRecorder, type EventSubject } from '../reconcile/events.js';
import { heldSpec, promisedMs, releasedSpec, withinTime } from './lease-requests.js';
import { TimedTerm, TermOver } from './term.js';
import { acquireJitter, type LeaseTiming } from './timing.js';

/** Who leads, as this member knows it. */
export interface Leadership {
  readonly leading: boolean;
  /** This member. */
  readonly identity: string;
  /** Who holds the Lease, as last seen; undefined: nobody, or not known yet. */
  readonly leader: string | undefined;
}

export interface LeaderElectorOptions {
  readonly name: string;
  readonly namespace: string;
  /** Unique among processes that are alive at one time. */
  readonly identity: string;
  readonly timing: LeaseTiming;
  /** Empties the Lease on `stop`, so that another takes over at once. Default true. */
  readonly releaseOnStop?: boolean;
  /** After a loss: `stop` competes no more, `standby` does. Default `stop`. */
  readonly onLost?: 'stop' | 'standby';
  /** Counts, under the names of client-go. Default: nobody does. */
  readonly metrics?: {
    leading(is: boolean): void;
    /** A renewal had to read the Lease first, because it was not as it was left. */
    slowpath(): void;
  };
  /** `source.component` of the Events on the Lease. */
  readonly component: string;
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

export class LeaderElector implements KeyAdmission {
  readonly #options: LeaderElectorOptions;
  readonly #where: string;
  readonly #events: EventRecorder;
  readonly #abort = new AbortController();
  readonly #state: BehaviorSubject<Leadership>;
  readonly #term = new BehaviorSubject<TimedTerm | undefined>(undefined);
  /** The Lease as last seen, and when that version was first seen here. */
  #seen: { readonly lease: Lease; readonly at: number } | undefined;
  #running: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #lost = false;

  constructor(options: LeaderElectorOptions) {
    const { client, clock, log, component, identity, namespace, name } = options;
    this.#options = options;
    this.#where = `${namespace}/${name}`;
    this.#events = new EventRecorder({ client, component, clock, log });
    this.#state = new BehaviorSubject<Leadership>({ leading: false, identity, leader: undefined });
    options.metrics?.leading(false);
  }

  /** Replays how things are to a new subscriber. */
  get leadership$(): Observable<Leadership> {
    return this.#state.pipe(distinctUntilChanged((a, b) => a.leading === b.leading && a.leader === b.leader));
  }
  get leadership(): Leadership {
    return this.#state.value;
  }

  /** The term under way, and undefined while another leads; replayed. */
  get term$(): Observable<Term | undefined> {
    return this.#term.asObservable();
  }

  get gained$(): Observable<void> {
    return this.#term.pipe(
      filter((term) => term !== undefined),
      map(() => undefined),
    );
  }

  /** One term for all keys. */
  term(): Term | undefined {
    const term = this.#term.value;
    return term?.held ? term : undefined;
  }

  /** Begins to compete. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends the term, then gives the Lease back. Nothing is left alive. */
  stop(): Promise<void> {
    this.#stopped ??= (async () => {
      this.#abort.abort(new TermOver(`lease ${this.#where}: stopping`));
      this.#term.value?.end('the member is stopping');
      await this.#running;
      if (this.#running && (this.#options.releaseOnStop ?? true)) await this.#release();
      await this.#events.flush();
      this.#state.complete();
      this.#term.complete();
    })();
    return this.#stopped;
  }

  async #run(): Promise<void> {
    const { timing, clock, random, log } = this.#options;
    const { signal } = this.#abort;
    log.info(`attempting to acquire leader lease ${this.#where}...`);
    while (!signal.aborted && !this.#lost) {
      try {
        await this.#attempt();
      } catch (error) {
        if (signal.aborted) return;
        const level = isConflict(error) || isAlreadyExists(error) ? 'debug' : 'error';
        log[level](`error retrieving or updating resource lock ${this.#where}`, { error: String(error) });
      }
      const pause = this.#term.value ? timing.retryMs : jitter(random, timing.retryMs, acquireJitter);
      await sleep(clock, pause, signal).catch(() => {});
    }
  }

  /** Renews what is ours, takes what nobody holds, and leaves what another does. */
  async #attempt(): Promise<void> {
    const { identity, clock, timing, log, namespace, name } = this.#options;
    // Ours a moment ago is most likely ours now; if not, the server says so and the next step looks.
    if (this.#term.value && this.#seen?.lease.spec?.holderIdentity === identity) {
      try {
        return await this.#write(this.#seen.lease);
      } catch (error) {
        if (!isApiError(error)) throw error;
        this.#options.metrics?.slowpath();
      }
    }
    const lease = await this.#ask((asking) => asking.find(Lease, `${namespace}/${name}`));
    if (!lease) {
      this.#seen = undefined;
      const sentAt = clock.monotonic();
      const spec = heldSpec(clock, timing, identity, undefined);
      const made = await this.#ask((asking) => asking.create(Lease, { metadata: { namespace, name }, spec }));
      return this.#acquired(made, sentAt);
    }
    this.#observe(lease);
    const holder = lease.spec?.holderIdentity ?? '';
    const seenAt = this.#seen?.at ?? clock.monotonic();
    const free = holder === '' || clock.monotonic() >= seenAt + promisedMs(lease.spec, timing);
    if (holder === identity || free) return this.#write(lease);
    this.#term.value?.end(`it is held by ${holder}`);
    log.debug(`lock is held by ${holder} and has not yet expired`, { lease: this.#where });
  }

  async #write(lease: Lease): Promise<void> {
    const { identity, clock, timing } = this.#options;
    // The term counts from here: whoever sees the record change does so later.
    const sentAt = clock.monotonic();
    const spec = { ...lease.spec, ...heldSpec(clock, timing, identity, lease.spec) };
    const written = await this.#ask((client) => client.update(Lease, { ...lease, spec }));
    this.#acquired(written, sentAt);
  }

  #acquired(lease: Lease, sentAt: number): void {
    const { identity, clock, timing, log } = this.#options;
    this.#observe(lease);
    const until = sentAt + timing.renewMs;
    if (this.#term.value?.extend(until)) return;
    // Given up meanwhile: `stop` hands it back.
    if (this.#abort.signal.aborted || this.#lost) return;
    const term = new TimedTerm({
      clock,
      of: `lease ${this.#where}`,
      until,
      onOver: (why) => this.#over(why),
    });
    if (!term.held) return term.end('acquired too late');
    log.info(`successfully acquired lease ${this.#where}`, { identity });
    this.#events.record(
      lease as EventSubject,
      Lease,
      'Normal',
      'LeaderElection',
      `${identity} became leader`,
    );
    this.#term.next(term);
    this.#tell();
  }

  #over(why: TermOver): void {
    const { identity, log, onLost = 'stop' } = this.#options;
    const stopping = this.#abort.signal.aborted;
    if (!this.#term.value) return;
    this.#lost = !stopping && onLost === 'stop';
    if (stopping) log.info(`stopped leading ${this.#where}`, { identity });
    else log.error(`failed to renew lease ${this.#where}: ${why.message}`, { identity });
    const lease = this.#seen?.lease;
    if (lease)
      this.#events.record(
        lease as EventSubject,
        Lease,
        'Normal',
        'LeaderElection',
        `${identity} stopped leading`,
      );
    this.#term.next(undefined);
    this.#tell();
  }

  #observe(lease: Lease): void {
    const before = this.#seen?.lease;
    if (before?.metadata.resourceVersion === lease.metadata.resourceVersion) return;
    this.#seen = { lease, at: this.#options.clock.monotonic() };
    const leader = lease.spec?.holderIdentity ?? '';
    if (leader !== '' && leader !== (before?.spec?.holderIdentity ?? ''))
      this.#options.log.info('new leader elected', { leader, lease: this.#where });
    this.#tell();
  }

  #tell(): void {
    const leader = this.#seen?.lease.spec?.holderIdentity;
    const leading = this.#term.value !== undefined;
    if (leading !== this.#state.value.leading) this.#options.metrics?.leading(leading);
    this.#state.next({
      leading,
      identity: this.#options.identity,
      leader: leader === '' ? undefined : leader,
    });
  }

  /** Best effort: who does not hear of it waits for the Lease to expire. */
  async #release(): Promise<void> {
    const { client, clock, timing, identity, namespace, name, log } = this.#options;
    const signal = new AbortController().signal;
    try {
      await withinTime(client, { clock, timing, signal }, async (asking) => {
        const lease = await asking.find(Lease, `${namespace}/${name}`);
        if (lease?.spec?.holderIdentity !== identity) return;
        await asking.update(Lease, { ...lease, spec: { ...lease.spec, ...releasedSpec(clock, lease.spec) } });
        log.info(`released lease ${this.#where}`, { identity });
      });
    } catch (error) {
      log.warn(`failed to release lease ${this.#where}`, { error: String(error) });
    }
  }

  #ask<R>(ask: (client: Client) => Promise<R>): Promise<R> {
    const { client, clock, timing } = this.#options;
    return withinTime(client, { clock, timing, signal: this.#abort.signal }, ask);
  }
}
