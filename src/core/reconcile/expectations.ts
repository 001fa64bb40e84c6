/**
 * What a controller has written and its cache may not show yet.
 *
 * A reconcile reads its own writes anyway (own-writes.ts): what it wrote through its context meets its expectation
 * at once. This is for what is written past it, by a client of the author's own or by another process.
 *
 * A controller that creates children under generated names must not decide on a cache that lags behind its
 * own writes: it would create the same children again. So it writes down each answer of the server, and
 * decides again once the cache shows them all.
 *
 * ```ts
 * const pod = await ctx.client.create(Pod, podFor(owner));
 * this.expectations.wrote(owner, Pod, pod);
 * …
 * if (!this.expectations.satisfied(owner, ctx.cache)) return requeueAfter('5s');   // events wake it earlier
 * ```
 *
 * Kubernetes counts: it expects n creations before it writes and subtracts each event it sees. A count is
 * wrong after an event that came twice, or one that a relist swallowed. Here nothing is counted: an
 * expectation names one object, by the UID and version in the answer of the write, and looking at the cache
 * tells whether it is met. So it does not matter how often, in what order or through which relist the news
 * came, nor whether it came before the answer did. What makes that possible is that one key is never
 * reconciled twice at once: between a write and the note about it nobody asks.
 *
 * Guarantees:
 * - A write is met when the cache has that object at that version or a newer one, or has caught up with that
 *   version altogether (the object may be gone again). A deletion is met when the cache has no object of that
 *   UID, or one that is being deleted.
 * - What is not met is given up after five minutes (RS-1), so that a lost watch cannot stop a controller.
 * - Expectations belong to the UID of their owner: another owner of the same name starts without any (RS-7).
 * - Memory is bounded by the writes of the last five minutes.
 *
 * A write whose outcome is unknown has no answer to note. List the children live instead, and note each one that
 * is there.
 */
import {
  type Clock,
  compareResourceVersion,
  type Duration,
  durationMs,
  keyOf,
  type KindOf,
  type PartialObjectMeta,
} from '../../api/index.js';
import type { CacheReader } from './context.js';

export interface ExpectationsOptions {
  readonly clock: Clock;
  /** After this long an expectation is given up. Default 5m (RS-1). */
  readonly expireAfter?: Duration;
}

interface Identified {
  readonly metadata: { readonly uid: string };
}
interface Child {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly deletionTimestamp?: string;
  };
}

type Expected =
  | { readonly type: 'written'; readonly child: ChildRef; readonly resourceVersion: string }
  | { readonly type: 'deleted'; readonly child: ChildRef };
interface ChildRef {
  readonly uid: string;
  readonly key: string;
}
type Expectation = Expected & { readonly kind: KindOf<Child>; readonly expiresAt: number };

/** What is expected of one owner's children, by UID of the child. */
interface Owned {
  readonly expected: Map<string, Expectation>;
  /** When the last of them expires. */
  expiresAt: number;
}

export class Expectations {
  readonly #clock: Clock;
  readonly #ttlMs: number;
  /** By UID of the owner, in the order of their last note. */
  readonly #owners = new Map<string, Owned>();

  constructor({ clock, expireAfter = '5m' }: ExpectationsOptions) {
    this.#clock = clock;
    this.#ttlMs = durationMs(expireAfter);
  }

  /** The server answered a create, update or patch with this object. */
  wrote<T extends object>(owner: Identified, kind: KindOf<T>, child: T): void {
    const { uid, resourceVersion } = (child as unknown as Child).metadata;
    this.#note(owner, kind, {
      type: 'written',
      child: { uid, key: keyOf(child as { metadata: PartialObjectMeta }) },
      resourceVersion,
    });
  }

  /** The server accepted the deletion of this object. */
  deleted<T extends object>(owner: Identified, kind: KindOf<T>, child: T): void {
    const { uid } = (child as unknown as Child).metadata;
    this.#note(owner, kind, {
      type: 'deleted',
      child: { uid, key: keyOf(child as { metadata: PartialObjectMeta }) },
    });
  }

  /** True when the cache shows all that was noted for this owner, or what is missing has expired. */
  satisfied(owner: Identified, cache: Pick<CacheReader, 'get' | 'resourceVersion'>): boolean {
    const owned = this.#owners.get(owner.metadata.uid);
    if (!owned) return true;
    const { expected } = owned;
    const now = this.#clock.monotonic();
    for (const [id, expectation] of expected) {
      if (expectation.expiresAt <= now || isMet(expectation, cache)) expected.delete(id);
      // One that is missing is enough to know; the others are looked at when it has come.
      else return false;
    }
    this.#owners.delete(owner.metadata.uid);
    return true;
  }

  /** Owners of which something is expected. */
  get size(): number {
    return this.#owners.size;
  }

  #note<T>(owner: Identified, kind: KindOf<T>, what: Expected): void {
    const { uid } = owner.metadata;
    const now = this.#clock.monotonic();
    const expiresAt = now + this.#ttlMs;
    const owned = this.#owners.get(uid) ?? { expected: new Map<string, Expectation>(), expiresAt };
    owned.expected.set(what.child.uid, { ...what, kind: kind as unknown as KindOf<Child>, expiresAt });
    owned.expiresAt = expiresAt;
    // The owner noted last stands last: those at the front are the first to expire.
    this.#owners.delete(uid);
    this.#owners.set(uid, owned);
    for (const [other, theirs] of this.#owners) {
      if (theirs.expiresAt > now) break;
      this.#owners.delete(other);
    }
  }
}

function isMet(expectation: Expectation, cache: Pick<CacheReader, 'get' | 'resourceVersion'>): boolean {
  const { kind } = expectation;
  const { uid, key } = expectation.child;
  const cached = cache.get(kind, key as never);
  const known = cached?.metadata.uid === uid ? cached : undefined;
  if (expectation.type === 'deleted') return !known || known.metadata.deletionTimestamp !== undefined;
  const { resourceVersion } = expectation;
  // Of versions that cannot be compared, the one the cache has is taken to be the newer one.
  if (known && compareResourceVersion(known.metadata.resourceVersion, resourceVersion) !== -1) return true;
  const order = compareResourceVersion(cache.resourceVersion(kind), resourceVersion);
  return order === 0 || order === 1;
}
