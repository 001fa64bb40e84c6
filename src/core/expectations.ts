/**
 * What a controller has written and its cache does not show yet: until it does, deciding on the cache would do
 * the same work twice.
 *
 * The usual implementation counts events, and goes wrong when one is lost or comes twice. Here each write is
 * remembered by what its answer said: a creation by UID and version, a deletion by UID. One is met when the cache
 * shows it, or has caught up with its version (then the object came and went); duplicates and relists change
 * nothing about that. As one key is never reconciled twice at once, it is enough to remember after the answer.
 * What is not met within the timeout is given up, so that nothing waits for ever (RS-1).
 */
import { type Clock, compareResourceVersion, keyOf, type KindOf } from '../api/index.js';
import type { CacheReader } from './context.js';

interface Written {
  readonly metadata: {
    readonly uid: string;
    readonly name: string;
    readonly namespace?: string;
    readonly resourceVersion: string;
    readonly deletionTimestamp?: string;
  };
}

interface Expected {
  readonly uid: string;
  readonly key: string;
  /** Of a creation; undefined for a deletion. */
  readonly resourceVersion: string | undefined;
  readonly giveUpAt: number;
}

/** Default of the timeout, ms. */
const fiveMinutes = 5 * 60_000;

/** Expectations about the children of one kind, by the UID of their owner: one that comes anew starts without. */
export class Expectations<T> {
  readonly #kind: KindOf<T>;
  readonly #timeoutMs: number;
  readonly #byOwner = new Map<string, Expected[]>();

  constructor(kind: KindOf<T>, { timeoutMs = fiveMinutes }: { readonly timeoutMs?: number } = {}) {
    this.#kind = kind;
    this.#timeoutMs = timeoutMs;
  }

  /** The server has answered a creation with this object. */
  created(owner: string, object: T, clock: Clock): void {
    const { uid, resourceVersion } = (object as Written).metadata;
    this.#expect(owner, {
      uid,
      key: keyOf(object as Written),
      resourceVersion,
      giveUpAt: this.#giveUpAt(clock),
    });
  }

  /** The server has accepted the deletion of this object. */
  deleted(owner: string, object: T, clock: Clock): void {
    const { uid } = (object as Written).metadata;
    const key = keyOf(object as Written);
    this.#expect(owner, { uid, key, resourceVersion: undefined, giveUpAt: this.#giveUpAt(clock) });
  }

  /** True when the cache shows everything that was written for this owner. */
  met(owner: string, cache: CacheReader, clock: Clock): boolean {
    const now = clock.monotonic();
    const open = (this.#byOwner.get(owner) ?? []).filter(
      (expected) => expected.giveUpAt > now && !this.#shown(expected, cache),
    );
    if (open.length === 0) this.#byOwner.delete(owner);
    else this.#byOwner.set(owner, open);
    return open.length === 0;
  }

  /** The owner is gone. */
  forget(owner: string): void {
    this.#byOwner.delete(owner);
  }

  #giveUpAt(clock: Clock): number {
    return clock.monotonic() + this.#timeoutMs;
  }

  #expect(owner: string, expected: Expected): void {
    const known = this.#byOwner.get(owner);
    if (known) known.push(expected);
    else this.#byOwner.set(owner, [expected]);
  }

  #shown({ uid, key, resourceVersion }: Expected, cache: CacheReader): boolean {
    const found = cache.get(this.#kind as KindOf<unknown>, key as never) as Written | undefined;
    const same = found?.metadata.uid === uid;
    if (resourceVersion === undefined) return !same || found.metadata.deletionTimestamp !== undefined;
    if (same) return true;
    const reached = compareResourceVersion(cache.resourceVersion(this.#kind), resourceVersion);
    return reached === 0 || reached === 1;
  }
}
