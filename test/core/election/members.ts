/**
 * Members of an election in one process, each with a clock of its own that runs at its own rate and stands still
 * while its event loop is blocked, and a network of its own that is slow and loses answers. What they send is
 * recorded, to see whether two ever sent in overlapping terms.
 */
import { type Clock, OutcomeUnknown, type Random, type Transport, TransportError } from 'gyre';
import type { VirtualClock } from 'gyre/testing';
import type { Term } from '#src/core/controller/key-admission.js';

export class MemberClock implements Clock {
  #blockedUntil = 0;
  #dead = false;
  /** Timers set and neither fired nor cancelled. */
  pending = 0;

  constructor(
    readonly real: VirtualClock,
    readonly rate: number,
    readonly offset: number,
  ) {}

  /** Wall clocks of members have nothing to do with each other. */
  now(): number {
    return this.real.now() + this.offset * 1000;
  }
  monotonic(): number {
    return this.offset + this.real.monotonic() * this.rate;
  }
  setTimer(ms: number, fn: () => void): () => void {
    let cancelled = false;
    let over = false;
    const end = (): void => {
      if (!over) this.pending--;
      over = true;
    };
    this.pending++;
    const fire = (): void => {
      if (cancelled || this.#dead) return;
      const left = this.#blockedUntil - this.real.monotonic();
      if (left > 0) this.real.setTimer(left, fire);
      else {
        end();
        fn();
      }
    };
    const cancel = this.real.setTimer(Math.max(0, ms) / this.rate, fire);
    return () => {
      cancelled = true;
      end();
      cancel();
    };
  }

  get running(): boolean {
    return !this.#dead && this.#blockedUntil <= this.real.monotonic();
  }
  get dead(): boolean {
    return this.#dead;
  }
  /** Nothing of this member runs for so long, in real time; then `first` does. */
  block(ms: number, first?: () => void): void {
    this.#blockedUntil = Math.max(this.#blockedUntil, this.real.monotonic() + ms);
    if (first)
      this.real.setTimer(ms, () => {
        if (!this.#dead) first();
      });
  }
  kill(): void {
    this.#dead = true;
  }
}

export interface NetworkFaults {
  /** A request has reached the server, or its answer a member: somebody may have gained or lost something. */
  turn(): void;
  /** Of a request or an answer, ms. */
  latency(): number;
  lost(): boolean;
}

/** A slow network between a member and the server. Nothing reaches a member that is blocked or dead. */
export function faultyTransport(inner: Transport, clock: MemberClock, faults: NetworkFaults): Transport {
  const pass = (ms: number): Promise<void> => new Promise((resolve) => clock.real.setTimer(ms, resolve));
  const reach = (): Promise<void> => new Promise((resolve) => clock.setTimer(0, resolve));
  return {
    async request(request) {
      const { signal: _, ...sent } = request;
      await pass(1 + faults.latency());
      if (faults.lost()) {
        await reach();
        throw new TransportError('lost on the way there');
      }
      faults.turn();
      const answer = await inner.request(sent);
      faults.turn();
      await pass(1 + faults.latency());
      await reach();
      clock.real.setTimer(0, () => faults.turn());
      if (!faults.lost()) return answer;
      throw request.method === 'GET'
        ? new TransportError('lost on the way back')
        : new OutcomeUnknown('lost');
    },
    watch: () => Promise.reject(new Error('no watches here')),
    close: () => {},
  };
}

interface Sending {
  readonly member: string;
  readonly term: Term;
  /** Real time of the first check that passed, and of the last sending. */
  from: number;
  to: number;
}

/** What was sent, by key. */
export class Sendings {
  readonly #byKey = new Map<string, Sending[]>();
  count = 0;

  add(key: string, member: string, term: Term, checkedAt: number, sentAt: number): void {
    this.count++;
    const all = this.#byKey.get(key) ?? [];
    this.#byKey.set(key, all);
    const known = all.find((sending) => sending.term === term);
    if (known) known.to = Math.max(known.to, sentAt);
    else all.push({ member, term, from: checkedAt, to: sentAt });
  }

  /** Pairs of terms of different members in which writes of one key were sent in turns. */
  overlaps(): string[] {
    const found: string[] = [];
    for (const [key, all] of this.#byKey)
      for (const [i, a] of all.entries())
        for (const b of all.slice(i + 1))
          if (a.member !== b.member && a.from <= b.to && b.from <= a.to)
            found.push(`${key}: ${a.member} ${a.from}..${a.to}, ${b.member} ${b.from}..${b.to}`);
    return found;
  }
}

/** Something that holds on to terms and writes under them as long as it may, as a reconcile does. */
export class Writer {
  readonly #terms = new Map<string, Term>();

  constructor(
    readonly member: string,
    readonly clock: MemberClock,
    readonly admission: { term(key: string): Term | undefined },
    readonly keys: readonly string[],
    readonly sendings: Sendings,
    readonly random: Random,
  ) {}

  /** Begins to write now and then. */
  start(everyMs: number): void {
    const again = (): void => {
      this.write(0);
      this.clock.setTimer(everyMs * (0.5 + this.random.next()), again);
    };
    again();
  }

  /** Writes what it may, each key after a check; the process stands still for `pauseMs` between check and sending. */
  write(pauseMs: number): void {
    if (!this.clock.running) return;
    const at = this.clock.real.monotonic();
    for (const key of this.keys) {
      // A run that is under way goes on with the term it has.
      const term = this.#terms.get(key) ?? this.admission.term(key);
      if (!term) continue;
      this.#terms.set(key, term);
      try {
        term.assertHeld();
      } catch {
        this.#terms.delete(key);
        continue;
      }
      this.sendings.add(key, this.member, term, at, at + pauseMs);
    }
    if (pauseMs > 0) this.clock.block(pauseMs);
  }
}
