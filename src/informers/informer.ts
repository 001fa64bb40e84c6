/**
 * What an informer is to its readers: a cache that follows the server, and the changes that led there.
 *
 * Guarantees: one writer, many readers; `ready` resolves once the first complete state is in the cache;
 * a relist swaps the cache atomically and reports what vanished as deletes with the last known state;
 * objects are shared and must not be mutated. It never ends by itself: failures are states, shown in
 * `state$`, and are retried with jittered back-off until `stop()`.
 */
import type { Observable } from 'rxjs';
import type { KindFacts } from '../api/index.js';

/** The least an informer needs of an object. */
export interface CacheObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
}

/** A synchronous, read-only view of the objects of one kind, as of the last event received. */
export interface Cache<T> {
  /** `'namespace/name'`, or `'name'` for a cluster-scoped kind. */
  get(key: string): T | undefined;
  list(options?: { readonly namespace?: string; readonly labelSelector?: string }): readonly T[];
  /** The objects whose index function gave `value`. @throws Error for an index that was never added */
  by(index: string, value: string): readonly T[];
  has(key: string): boolean;
  keys(): IterableIterator<string>;
  readonly size: number;
  /** The resourceVersion the cache has caught up with; `''` before it is ready. */
  readonly resourceVersion: string;
}

/** Gives the values under which an object is found again. */
export type IndexFn<T> = (object: T) => readonly string[];

/** A change of the cache, told after it was made. */
export type CacheEvent<T> =
  | {
      readonly type: 'Apply';
      readonly key: string;
      readonly object: T;
      readonly previous: T | undefined;
      readonly initial: boolean;
    }
  /** `object` is the last known state. */
  | { readonly type: 'Delete'; readonly key: string; readonly object: T };

export type ConnectionState =
  | { readonly phase: 'connecting' | 'connected' | 'relisting' | 'stopped' }
  /** Kept retrying; `error` says why the last attempt failed, `retryInMs` when the next one starts. */
  | {
      readonly phase: 'stale' | 'unauthorized' | 'absent';
      readonly error: unknown;
      readonly retryInMs: number;
    };

export interface Informer<T> {
  readonly kind: KindFacts;
  readonly cache: Cache<T>;
  /** Resolves when the first complete state is in the cache; rejects only when stopped before that. */
  readonly ready: Promise<void>;
  readonly isReady: boolean;
  /** Replays the current state to a new subscriber. */
  readonly state$: Observable<ConnectionState>;
  /**
   * Changes from now on. A subscriber that needs the present state too reads `cache` first: both are
   * synchronous, so nothing falls between.
   */
  readonly events$: Observable<CacheEvent<T>>;
  /** Adds an index over present and future objects; adding the same name again is ignored. */
  addIndex(name: string, fn: IndexFn<T>): void;
  start(): void;
  /** Ends the watch; the cache keeps its last state. */
  stop(): void;
}

export interface InformerOptions {
  /** One namespace; all when absent. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}
