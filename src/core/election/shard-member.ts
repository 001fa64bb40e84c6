/**
 * One member of a group that divides the keys among itself, with a Lease of its own.
 *
 * Each Lease tells by which members its holder divides the slots (see `rendezvous.ts`): its *ring*, and so the slots
 * it claims. Three rules make the hand-off safe, without anybody in charge:
 *
 * 1. A member stops writing what a new ring takes from it *before* it publishes that ring.
 * 2. It starts writing a slot only when its claim is published, and a look at all Leases that was asked for *after*
 *    that shows no other member alive that claims it. So of two that claim one slot, the later to publish sees
 *    the other's claim and waits. A new member waits until those who had its slots have published a ring with it
 *    (their acknowledgement), or are dead.
 * 3. A member is dead when it said it left, or when its Lease has not changed for its duration; by then its own term
 *    is over (the contract of `timing.ts`). If its term was over, its next renewal counts as joining anew: it has
 *    nothing until it looked again.
 *
 * Guarantees: no two members send a write for one key in overlapping terms, under the contract of `timing.ts`; once the
 * members no longer change, every key has exactly one owner after at most one lease duration and a few retry periods;
 * who joins or leaves moves only its own share. Needs what a quorum read gives: a list that is as new as the moment
 * it was asked for, which a list without a version is.
 */
import { BehaviorSubject, type Observable, Subject } from 'rxjs';
import { type Clock, isApiError, type Random, sleep } from '../../api/index.js';
import { Lease } from '../../api/kinds/coordination/v1.js';
import type { Client } from '../../client/index.js';
import type { Logger } from '../../telemetry/index.js';
import type { KeyAdmission, Term } from '../controller/key-admission.js';
import { heldSpec, releasedSpec, withinTime } from './lease-requests.js';
import {
  MemberTable,
  type OtherMember,
  ringText,
  shardGroupLabel,
  shardRingAnnotation,
} from './member-table.js';
import { hash32, type Ring, ringOf, slotCount, slotOf, slotsOf } from './rendezvous.js';
import { TermOver, TimedTerm } from './term.js';
import type { LeaseTiming } from './timing.js';

export interface ShardMemberOptions {
  /** Of the group. A label value. */
  readonly name: string;
  readonly namespace: string;
  /** Unique among processes that are alive at one time. */
  readonly member: string;
  readonly timing: LeaseTiming;
  readonly client: Client;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

/** How the keys are divided, as this member knows it. */
export interface ShardState {
  readonly member: string;
  /** Who divides the keys, as last published by this member; empty before. */
  readonly members: Ring;
  /** The part of all keys this member may work on now, 0 to 1. */
  readonly share: number;
}

/** A ring and what it gives this member. */
interface Claim {
  readonly ring: Ring;
  readonly text: string;
  readonly mine: (slot: number) => boolean;
}

/** Rings published one right after the other, before a pause; members may come and go faster than that. */
const maxRounds = 4;

export class ShardMember implements KeyAdmission {
  readonly #options: ShardMemberOptions;
  readonly #leaseName: string;
  readonly #table: MemberTable;
  readonly #abort = new AbortController();
  readonly #gained = new Subject<void>();
  readonly #state: BehaviorSubject<ShardState>;
  /** Slots that may be worked on, with a term where one was asked for. */
  readonly #slots = new Map<number, SlotTerm | undefined>();
  /** Every ring that others may read in our Lease: more than one while the outcome of a write is not known. */
  #visible: Claim[] = [];
  #wanted: Claim;
  /** Lasts while our Lease is renewed in time. */
  #membership: TimedTerm | undefined;
  #own: Lease | undefined;
  #running: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: ShardMemberOptions) {
    const { name, member, timing } = options;
    this.#options = options;
    this.#leaseName = leaseNameOf(name, member);
    this.#table = new MemberTable(member, timing);
    this.#wanted = this.#claim(ringOf([member]));
    this.#state = new BehaviorSubject<ShardState>({ member, members: [], share: 0 });
  }

  /** Replays how things are to a new subscriber. */
  get state$(): Observable<ShardState> {
    return this.#state.asObservable();
  }
  get state(): ShardState {
    return this.#state.value;
  }

  get gained$(): Observable<void> {
    return this.#gained.asObservable();
  }

  term(key: string): Term | undefined {
    const slot = slotOf(key);
    if (!this.#slots.has(slot) || !this.#membership?.held) return undefined;
    const term = this.#slots.get(slot) ?? new SlotTerm(this.#membership);
    this.#slots.set(slot, term);
    return term;
  }

  /** Joins the group. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends all terms, then leaves the group. Nothing is left alive. */
  stop(): Promise<void> {
    this.#stopped ??= (async () => {
      this.#abort.abort(new TermOver(`shard group ${this.#where}: stopping`));
      this.#membership?.end('the member is stopping');
      await this.#running;
      if (this.#running) await this.#leave();
      this.#gained.complete();
      this.#state.complete();
    })();
    return this.#stopped;
  }

  get #where(): string {
    return `${this.#options.namespace}/${this.#options.name}`;
  }

  async #run(): Promise<void> {
    const { timing, clock, random, log, member } = this.#options;
    const { signal } = this.#abort;
    log.info(`joining shard group ${this.#where}`, { member });
    while (!signal.aborted) {
      try {
        await this.#round();
      } catch (error) {
        if (signal.aborted) return;
        log.error(`error in shard group ${this.#where}`, { member, error: String(error) });
      }
      // Not all at one instant.
      await sleep(clock, timing.retryMs * (0.9 + random.next() / 10), signal).catch(() => {});
    }
  }

  async #round(): Promise<void> {
    // Whoever does not know the others yet would claim what is theirs.
    if (!this.#membership?.held) await this.#look();
    for (let round = 0; round < maxRounds; round++) {
      const claim = this.#wanted;
      await this.#publish(claim);
      this.#take(claim, await this.#look());
      if (this.#wanted.text === claim.text) break;
    }
    await this.#cleanUp();
  }

  /** Renews our Lease with a ring in it. */
  async #publish(claim: Claim): Promise<void> {
    // From now on others may read it: what it takes from us is given up before it is sent.
    if (!this.#visible.some(({ text }) => text === claim.text)) this.#visible.push(claim);
    this.#withdraw((slot) => !claim.mine(slot));
    const { clock, timing, member, namespace, name } = this.#options;
    const key = `${namespace}/${this.#leaseName}` as const;
    for (let attempt = 0; ; attempt++) {
      const before = this.#own;
      const spec = { ...before?.spec, ...heldSpec(clock, timing, member, before?.spec) };
      const metadata = {
        ...(before?.metadata ?? { namespace, name: this.#leaseName }),
        labels: { ...before?.metadata.labels, [shardGroupLabel]: name },
        annotations: { ...before?.metadata.annotations, [shardRingAnnotation]: claim.text },
      };
      // The term counts from here: whoever sees the change does so later.
      const sentAt = clock.monotonic();
      try {
        this.#own = await this.#ask((client) =>
          before
            ? client.update(Lease, { ...before, metadata, spec })
            : client.create(Lease, { metadata, spec }),
        );
        // Deleted, and made again by this update: meanwhile nobody could read our claims.
        if (before && before.metadata.uid !== this.#own?.metadata.uid)
          this.#membership?.end('its Lease was deleted');
        this.#published(claim, sentAt + timing.renewMs);
        return;
      } catch (error) {
        // A refusal: it is not as it was left. It is read again, once.
        if (attempt > 0 || !isApiError(error)) throw error;
      }
      this.#own = await this.#ask((client) => client.find(Lease, key));
      if (!this.#isOurs(this.#own)) this.#membership?.end('its Lease was changed by somebody else');
    }
  }

  /** As a former write of ours left it whose answer was lost? Else others may not have been able to read our claims. */
  #isOurs(lease: Lease | undefined): boolean {
    const { member, name } = this.#options;
    const { labels, annotations } = lease?.metadata ?? {};
    return (
      lease?.spec?.holderIdentity === member &&
      labels?.[shardGroupLabel] === name &&
      this.#visible.some(({ text }) => text === annotations?.[shardRingAnnotation])
    );
  }

  #published(claim: Claim, until: number): void {
    const { clock, log, member } = this.#options;
    if (this.#abort.signal.aborted) return;
    this.#visible = [claim];
    // Over even if nobody noticed: others may have counted us out, so that we have nothing until we looked again.
    if (!this.#membership?.extend(until)) {
      this.#membership = new TimedTerm({
        clock,
        of: `shard group ${this.#where}`,
        until,
        onOver: (why) => {
          if (!this.#abort.signal.aborted) log.warn(`out of shard group: ${why.message}`, { member });
          this.#withdraw(() => true, why);
          this.#tell();
        },
      });
    }
    if (claim.text !== ringText(this.#state.value.members)) {
      log.info(`keys of shard group ${this.#where} are divided anew`, { member, members: claim.ring });
      this.#tell();
    }
  }

  /** Reads all Leases of the group. Gives the others that may be writing. */
  async #look(): Promise<OtherMember[]> {
    const { clock, namespace, name, member } = this.#options;
    const askedAt = clock.monotonic();
    const leases: Lease[] = [];
    await this.#ask(async (client) => {
      leases.length = 0;
      for await (const lease of client.list(Lease, {
        namespace,
        labelSelector: `${shardGroupLabel}=${name}`,
      }))
        leases.push(lease);
    });
    this.#table.observe(leases, askedAt, clock.monotonic());
    const others = this.#table.alive(askedAt);
    this.#wanted = this.#claim(ringOf([member, ...others.map(({ identity }) => identity)]));
    return others;
  }

  /** What a published claim gives us and nobody else claims, as a look after that shows the others. */
  #take(claim: Claim, others: readonly OtherMember[]): void {
    if (!this.#membership?.held) return;
    const contested = new Set<number>();
    let gained = 0;
    for (let slot = 0; slot < slotCount; slot++) {
      const free = claim.mine(slot) && !others.some((other) => other.claims(slot));
      const had = this.#slots.has(slot);
      if (had && !free) contested.add(slot);
      if (had || !free) continue;
      this.#slots.set(slot, undefined);
      gained++;
    }
    // They will not start while our claim stands, but it will not stand for long.
    this.#withdraw((slot) => contested.has(slot));
    if (gained === 0) return;
    this.#tell();
    this.#gained.next();
  }

  /** Ends what is under way in some slots. */
  #withdraw(which: (slot: number) => boolean, why?: TermOver): void {
    let over = why;
    for (const [slot, term] of this.#slots) {
      if (!which(slot)) continue;
      this.#slots.delete(slot);
      over ??= new TermOver(`shard group ${this.#where}: its keys have gone to another member`);
      term?.end(over);
    }
    if (over && !why) this.#tell();
  }

  /** Leases of members that are long gone. A member that comes back after all makes its own again. */
  async #cleanUp(): Promise<void> {
    for (const { metadata } of this.#table.abandoned(this.#options.clock.monotonic())) {
      const { name, namespace, uid, resourceVersion } = metadata;
      const preconditions = { ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) };
      const key = `${namespace}/${name}` as const;
      // Another member may have been quicker; and untidiness is no reason to stop renewing.
      await this.#ask((client) => client.delete(Lease, key, { preconditions })).catch((error: unknown) => {
        this.#options.log.debug('abandoned lease not deleted', { lease: key, error: String(error) });
      });
    }
  }

  /** Best effort: who does not hear of it waits for the Lease to expire. */
  async #leave(): Promise<void> {
    const { client, clock, timing, member, namespace, log } = this.#options;
    const signal = new AbortController().signal;
    try {
      await withinTime(client, { clock, timing, signal }, async (asking) => {
        const lease = await asking.find(Lease, `${namespace}/${this.#leaseName}`);
        if (lease?.spec?.holderIdentity !== member) return;
        await asking.update(Lease, { ...lease, spec: { ...lease.spec, ...releasedSpec(clock, lease.spec) } });
        log.info(`left shard group ${this.#where}`, { member });
      });
    } catch (error) {
      log.warn(`failed to leave shard group ${this.#where}`, { member, error: String(error) });
    }
  }

  #claim(ring: Ring): Claim {
    const text = ringText(ring);
    const known = [...this.#visible, this.#wanted].find((claim) => claim?.text === text);
    return known ?? { ring, text, mine: slotsOf(this.#options.member, ring) };
  }

  #tell(): void {
    this.#state.next({
      member: this.#options.member,
      members: this.#visible.at(-1)?.ring ?? [],
      share: this.#slots.size / slotCount,
    });
  }

  #ask<R>(ask: (client: Client) => Promise<R>): Promise<R> {
    const { client, clock, timing } = this.#options;
    return withinTime(client, { clock, timing, signal: this.#abort.signal }, ask);
  }
}

/** The right to the keys of one slot: ends with the slot or with the membership. */
class SlotTerm implements Term {
  readonly #membership: TimedTerm;
  readonly #abort = new AbortController();

  constructor(membership: TimedTerm) {
    this.#membership = membership;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  assertHeld(): void {
    this.#membership.assertHeld();
    this.#abort.signal.throwIfAborted();
  }

  end(why: TermOver): void {
    this.#abort.abort(why);
  }
}

/** One Lease per member: an identity may be longer than a name, and written otherwise. */
export function leaseNameOf(group: string, member: string): string {
  const hex = (text: string): string => hash32(text).toString(16).padStart(8, '0');
  return `${group}-${hex(member)}${hex(`${member}/`)}`;
}
