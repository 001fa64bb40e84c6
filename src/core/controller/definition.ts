/**
 * What a controller is made of, as plain data: decorators and `controllerFor` both produce this, the
 * engine runs it.
 */
import type { Duration, KindOf, NamespacedName } from '../../api/index.js';
import type { IndexFn } from '../../informers/index.js';
import type { CacheReader, Context, ReconcileResult } from '../reconcile/context.js';

/** The key of an object to reconcile: `'namespace/name'`, or `'name'` for a cluster-scoped kind. */
export type RequestKey = string;

/** Decides whether a change matters. `previous` is absent on a create; `deleted` marks the last known state. */
export type Predicate<T> = (change: {
  readonly object: T;
  readonly previous: T | undefined;
  readonly deleted: boolean;
}) => boolean;

/**
 * Maps a change of another object to the keys it concerns; called with the new and, if any, the old object.
 * `cache` is what the controller itself reads: an index of it finds who waits for such an object.
 */
export type MapFn<W> = (object: W, cache: CacheReader) => readonly (RequestKey | NamespacedName)[];

export interface WatchDefinition<W = unknown> {
  readonly kind: KindOf<W>;
  /** `owns`: mapped to the controller owner of the primary kind. `watches`: mapped by `map`. */
  readonly relation: 'owns' | 'watches';
  readonly map?: MapFn<W>;
  readonly predicate?: Predicate<W>;
  readonly indexes?: Readonly<Record<string, IndexFn<W>>>;
}

export interface CleanupDefinition<T> {
  /** A qualified name, `example.com/thing`. */
  readonly finalizer: string;
  /**
   * Releases what is outside the cluster. The finalizer is removed only after this returned a result
   * without a requeue; it may run more than once.
   */
  readonly cleanup: (object: T, ctx: Context<T>) => Promise<ReconcileResult> | ReconcileResult;
}

/** A definition of whatever kind: what a Manager takes. */
export type AnyControllerDefinition = Omit<
  ControllerDefinition<unknown>,
  'reconcile' | 'cleanups' | 'predicate' | 'indexes'
> & {
  readonly reconcile: (object: never, ctx: never) => Promise<ReconcileResult> | ReconcileResult;
  readonly cleanups: readonly {
    readonly finalizer: string;
    readonly cleanup: (object: never, ctx: never) => Promise<ReconcileResult> | ReconcileResult;
  }[];
  readonly predicate?: (change: never) => boolean;
  readonly indexes?: Readonly<Record<string, (object: never) => readonly string[]>>;
};

export interface ControllerDefinition<T> {
  /** Lower-case; the field manager, event source, metric label and in-process identity. */
  readonly name: string;
  /** `source.component` of its events, where that is another name. Default: `name`. */
  readonly eventSource?: string;
  readonly kind: KindOf<T>;
  readonly reconcile: (object: T, ctx: Context<T>) => Promise<ReconcileResult> | ReconcileResult;
  readonly cleanups: readonly CleanupDefinition<T>[];
  readonly watches: readonly WatchDefinition[];
  /** Which changes of the primary wake it. Default: generation, labels, annotations, finalizers, deletion. */
  readonly predicate?: Predicate<T>;
  readonly indexes?: Readonly<Record<string, IndexFn<T>>>;
  /** One namespace; all when absent. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  /** Reconciles in parallel, never two for one key. Default 1. */
  readonly maxConcurrent?: number;
  /** After this long the run's signal aborts and its writes are refused. Default: none. */
  readonly timeout?: Duration;
}
