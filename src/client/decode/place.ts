/**
 * What a decoder has learned of one place in the objects of a kind, such as `spec.containers[].env`: which members
 * come in which order, and whether what stands there repeats.
 */
import { Habit } from './habit.js';
import type { PoolEntry } from './subtree-pool.js';

/** A key at a place, and what is known of its values. */
export class Member {
  /** The one that followed last time. */
  next: Member | undefined;
  readonly isProto: boolean;

  constructor(
    readonly key: string,
    /** `"key":` as it stands in compact JSON; empty when it cannot be foretold. */
    readonly bytes: Uint8Array,
    readonly place: Place,
    /** Its values are left out. */
    readonly skipped: boolean,
  ) {
    this.isProto = key === '__proto__';
  }
}

export type PlaceRole = 'root' | 'metadata' | 'other';

export class Place {
  /** The member that came first last time. */
  first: Member | undefined;
  readonly members = new Map<string, Member>();
  /** The place of an array's items. */
  items: Place | undefined;
  /** Which subtree of the pool stood here last. */
  last: PoolEntry | undefined;
  readonly sharing: Habit = new Habit();
  readonly interning: Habit = new Habit();

  constructor(readonly role: PlaceRole) {}
}
