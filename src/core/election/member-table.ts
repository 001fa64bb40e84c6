/**
 * What a member of a shard group knows of the others from their Leases: who may still be writing, and which slots
 * each of them may write.
 *
 * A member counts as alive until it says itself that it left, or until its Lease has not changed for as long as
 * that Lease promises: seen here, by the local monotonic clock. A Lease that vanished tells nothing about its
 * holder, who goes on counting as alive until then.
 */
import type { Lease } from '../../api/kinds/coordination/v1.js';
import { promisedMs } from './lease-requests.js';
import { type Ring, ringOf, slotCount, slotsOf } from './rendezvous.js';
import type { LeaseTiming } from './timing.js';

/** Says on a member's Lease which group it belongs to. */
export const shardGroupLabel = 'gyre.dev/shard-group';
/** Says on a member's Lease by which members it divides the slots: what it may write, all may read here. */
export const shardRingAnnotation = 'gyre.dev/shard-ring';

export interface OtherMember {
  readonly identity: string;
  readonly lease: Lease;
  /** May it write keys of this slot, for all we know? */
  readonly claims: (slot: number) => boolean;
}

interface Seen extends OtherMember {
  readonly released: boolean;
  /** When this version of its Lease was first seen here: monotonic, when the answer had arrived. */
  readonly changedAt: number;
  readonly promisedMs: number;
}

export class MemberTable {
  readonly #self: string;
  readonly #timing: LeaseTiming;
  readonly #seen = new Map<string, Seen>();
  /** By text: all members of a settled group say the same. */
  #claims = new Map<string, (slot: number) => boolean>();

  constructor(self: string, timing: LeaseTiming) {
    this.#self = self;
    this.#timing = timing;
  }

  /** Takes in all Leases of the group, as an answer has them that was asked for and arrived at these times. */
  observe(leases: readonly Lease[], askedAt: number, arrivedAt: number): void {
    const there = new Set<string>();
    const claims = new Map<string, (slot: number) => boolean>();
    for (const lease of leases) {
      const { uid, resourceVersion } = lease.metadata;
      const id = uid ?? '';
      there.add(id);
      const before = this.#seen.get(id);
      const changed = before?.lease.metadata.resourceVersion !== resourceVersion;
      this.#seen.set(id, changed ? this.#read(lease, before, arrivedAt, claims) : (before as Seen));
    }
    for (const [id, seen] of this.#seen)
      if (!there.has(id) && !mayWrite(seen, askedAt)) this.#seen.delete(id);
    this.#claims = claims;
  }

  /** Who may still be writing, given that what was observed last had been asked for at `askedAt`. */
  alive(askedAt: number): OtherMember[] {
    return [...this.#seen.values()].filter((seen) => seen.identity !== this.#self && mayWrite(seen, askedAt));
  }

  /** Leases nobody has any use for: their holders have not been alive for a long time. */
  abandoned(askedAt: number): Lease[] {
    return [...this.#seen.values()]
      .filter((seen) => seen.identity !== this.#self)
      .filter((seen) => askedAt - seen.changedAt >= abandonedAfter * this.#timing.leaseMs + seen.promisedMs)
      .map((seen) => seen.lease);
  }

  #read(
    lease: Lease,
    before: Seen | undefined,
    changedAt: number,
    claims: Map<string, (slot: number) => boolean>,
  ): Seen {
    const holder = lease.spec?.holderIdentity ?? '';
    const identity = holder || (before?.identity ?? '');
    const text = lease.metadata.annotations?.[shardRingAnnotation] ?? '';
    const id = JSON.stringify([identity, text]);
    const known = claims.get(id) ?? this.#claims.get(id) ?? claimsOf(identity, text);
    claims.set(id, known);
    return {
      identity,
      lease,
      claims: known,
      released: holder === '',
      changedAt,
      promisedMs: promisedMs(lease.spec, this.#timing),
    };
  }
}

/** In lease durations. Whoever cleans up is in no hurry: a member that comes back makes its Lease again. */
const abandonedAfter = 4;

/**
 * `at` must not be later than when the answer was asked for: what it says may be that old, and a renewal that
 * came after it must not be overlooked.
 */
function mayWrite(seen: Seen, at: number): boolean {
  return !seen.released && at - seen.changedAt < seen.promisedMs;
}

export function ringText(ring: Ring): string {
  return JSON.stringify({ slots: slotCount, members: ring });
}

/** A member whose ring cannot be read may write anything. */
function claimsOf(identity: string, text: string): (slot: number) => boolean {
  const ring = parseRing(text);
  return ring ? slotsOf(identity, ring) : () => true;
}

function parseRing(text: string): Ring | undefined {
  try {
    const { slots, members } = JSON.parse(text) as { readonly slots?: unknown; readonly members?: unknown };
    if (slots !== slotCount || !Array.isArray(members)) return undefined;
    return members.every((m) => typeof m === 'string') ? ringOf(members as string[]) : undefined;
  } catch {
    return undefined;
  }
}
