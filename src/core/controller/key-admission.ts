/**
 * The seam between the engine and whoever divides the work: leader election admits every key or none,
 * sharding some of them. A standby keeps its caches full and its queue running; keys that are not its own are
 * dropped unread, and all are looked at again when it gains some.
 */
import type { Observable } from 'rxjs';
import type { RequestKey } from './definition.js';

/** The right to work on a key, for as long as it lasts. */
export interface Term {
  /** Aborted when the right is lost: the run ends. */
  readonly signal: AbortSignal;
  /**
   * Called before every write is sent; decides by the monotonic clock, as a blocked event loop hears of the
   * loss too late. @throws when the right is over
   */
  assertHeld(): void;
}

export interface KeyAdmission {
  /** The term under which the key may be reconciled now; undefined: it is not ours. */
  term(key: RequestKey): Term | undefined;
  /** Keys may have been gained. */
  readonly gained$: Observable<void>;
}
