/**
 * What an informer is to its readers: a cache that follows the server, and the changes that led there.
 *
 * Guarantees: one writer, many readers; `ready` resolves once the first complete state is in the cache;
 * a relist swaps the cache atomically and reports what vanished as deletes with the last known state;
 * objects are shared and must not be mutated. It never ends by itself: failures are states, shown in
 * `state$`, and are retried with jittered back-off until `stop()`.
 */
import type { Observable } from 'rxjs';
import type { Duration, KindFacts } from '../api/index.js';

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
      /** It was there already when the list was read: the first one, or one after a gap. */
      readonly initial: boolean;
      /** Nothing changed: it is told again, as `resync` asks. */
      readonly resync?: true;
    }
  | {
      readonly type: 'Delete';
      readonly key: string;
      /** The state it went with; where it went while nobody watched, the last one known. */
      readonly object: T;
      /** It was missing from a list: what happened to it since `object` is not known. */
      readonly finalStateUnknown?: true;
    };

/** What a refused informer may not do, as RBAC names it. */
export interface MissingPermission {
  readonly verb: string;
  readonly group: string;
  /** The plural. */
  readonly resource: string;
  /** Absent: in all namespaces. */
  readonly namespace?: string;
}

export type ConnectionState =
  | { readonly phase: 'connecting' | 'connected' | 'relisting' | 'stopped' }
  /** Kept retrying; `error` says why the last attempt failed, `retryInMs` when the next one starts. */
  | {
      readonly phase: 'stale' | 'unauthorized' | 'absent';
      readonly error: unknown;
      readonly retryInMs: number;
      /** With `unauthorized`, when it is a permission that is missing and not an identity. */
      readonly missing?: MissingPermission;
    };

/** Counted since the informer was made. */
export interface InformerStats {
  /** Complete views received. */
  readonly relists: number;
  /** Attempts that failed, or watches that broke. */
  readonly failures: number;
  /** Changes of the cache. */
  readonly events: number;
  /** Streams that were given up for a line that could not be read, or was too long. */
  readonly badLines: number;
}

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
  readonly stats: InformerStats;
  /** Adds an index over present and future objects; adding the same name again is ignored. */
  addIndex(name: string, fn: IndexFn<T>): void;
  start(): void;
  /** Ends the watch; the cache keeps its last state. */
  stop(): void;
}

/** What one watch is asked for. */
export interface WatchedSelection {
  /** One namespace; all when absent. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface InformerOptions extends WatchedSelection {
  /** Several namespaces, each watched by itself, in one cache. Instead of `namespace`; an empty list is none at all. */
  readonly namespaces?: readonly string[];
  /** Caches metadata alone (`PartialObjectMetadata`, API-11). Default false. */
  readonly metadataOnly?: boolean;
  /** Keeps `metadata.managedFields`, half of an object's size. Default false. */
  readonly keepManagedFields?: boolean;
  /**
   * What every object becomes on its way into the cache. It must keep name, namespace, uid, resourceVersion and labels, and
   * not change what it is given. Where it throws, or gives no object, the object is kept as it came.
   */
  readonly transform?: (object: never) => unknown;
  /** Every object is told again once in this time, spread over it. Default: never. */
  readonly resync?: Duration;
}
