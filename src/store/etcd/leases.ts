/**
 * Leases of entries that expire, shared by entries that expire at about the same time: an Event costs one write, not
 * two. An entry lives at least as long as was asked for, and at most a twentieth or a second longer.
 *
 * What one lease deletes, it deletes in one revision.
 */
import type { Clock, Random } from '../../api/index.js';
import { type EtcdConnection, EtcdRefusal, refusals } from './connection.js';

interface Lease {
  readonly id: Promise<number>;
  /** Monotonic; who wants to live until later needs another one. */
  readonly usableUntil: number;
  entries: number;
}

/** What one expiry deletes at once stays bounded. */
const maxEntries = 1000;
const maxId = 2 ** 52;

export class Leases {
  readonly #connection: EtcdConnection;
  readonly #clock: Clock;
  readonly #random: Random;
  /** The latest by ttl. */
  readonly #shared = new Map<number, Lease>();

  constructor(connection: EtcdConnection, clock: Clock, random: Random) {
    this.#connection = connection;
    this.#clock = clock;
    this.#random = random;
  }

  /** A lease that lasts at least `ttl` seconds. @throws StoreUnavailable, StoreClosed */
  of(ttl: number): Promise<number> {
    const now = this.#clock.monotonic();
    const known = this.#shared.get(ttl);
    if (known && now < known.usableUntil && known.entries < maxEntries) {
      known.entries++;
      return known.id;
    }
    const slack = Math.max(1, Math.round(ttl / 20));
    const id = this.#grant(Math.ceil(ttl) + slack);
    const lease: Lease = { id, usableUntil: now + slack * 1000, entries: 1 };
    this.#shared.set(ttl, lease);
    id.catch(() => this.forget(ttl));
    return id;
  }

  /** The next entry gets a lease of its own: this one is not there any more. */
  forget(ttl: number): void {
    this.#shared.delete(ttl);
  }

  async #grant(seconds: number): Promise<number> {
    for (;;) {
      const ID = 1 + Math.floor(this.#random.next() * maxId);
      try {
        // A lease that is granted and not used runs out by itself: asking twice does no harm.
        await this.#connection.call('LeaseGrant', { TTL: seconds, ID }, 'read');
        return ID;
      } catch (error) {
        if (!(error instanceof EtcdRefusal && error.message === refusals.leaseExists)) throw error;
      }
    }
  }
}
