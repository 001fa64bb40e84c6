/**
 * What a controller is made of, as plain data: decorators and `controllerFor` both produce this, the
 * engine runs it.
 */
import type { Observable } from 'rxjs';
import type { Clock, Duration, KindOf, NamespacedName, Random } from '../../api/index.js';
import type { Client } from '../../client/index.js';
import type { IndexFn } from '../../informers/index.js';
import type { Logger } from '../../telemetry/index.js';
import type { RetryBudget } from '../queue/workqueue.js';
import type { CacheReader, ClusterAccess, Context, ReconcileResult } from '../reconcile/context.js';

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

/** Which objects of a kind are watched. */
export interface Selection {
  /** One namespace; all when absent. */
  readonly namespace?: string;
  /** Several namespaces, instead of one. */
  readonly namespaces?: readonly string[];
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface WatchDefinition<W = unknown> extends Selection {
  readonly kind: KindOf<W>;
  /** `owns`: mapped to the controller owner of the primary kind. `watches`: mapped by `map`. */
  readonly relation: 'owns' | 'watches';
  /** A cluster of the Manager's `clusters`. Default: the one the controller is in. What is owned is there too. */
  readonly cluster?: string;
  readonly map?: MapFn<W>;
  readonly predicate?: Predicate<W>;
  readonly indexes?: Readonly<Record<string, IndexFn<W>>>;
  /**
   * Caches metadata alone (`PartialObjectMetadata`, API-11): what a controller needs that only wants to know
   * that something changed. Recommended for Secrets, whose content then never enters this process's memory.
   */
  readonly metadataOnly?: boolean;
}

/** What a source or timer of a controller may use. */
export interface SourceContext {
  /** Writes under the controller's name. */
  readonly client: Client;
  /** The kinds this controller watches; complete when a source starts. */
  readonly cache: CacheReader;
  /** Another cluster of the Manager. @throws RegistrationError for a name that it does not know */
  cluster(name: string): ClusterAccess;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Aborted when the controller stops. */
  readonly signal: AbortSignal;
}

/** Keys from outside of the cluster: a message bus, a file, another system's notifications. */
export interface SourceDefinition {
  readonly name: string;
  /**
   * Subscribed to once all caches are complete, and again after an error, with back-off. A source that
   * completes is over.
   */
  readonly keys: (context: SourceContext) => Observable<RequestKey | NamespacedName>;
}

/** Something done now and then for the controller as a whole. */
export interface TimerDefinition {
  readonly name: string;
  readonly every: Duration;
  /** May give the keys of objects to reconcile. The next call comes an interval after this one has ended. */
  readonly run: (context: SourceContext) => TimerResult | Promise<TimerResult>;
}
export type TimerResult = readonly (RequestKey | NamespacedName)[] | undefined | void;

/** A permission that the controller needs beyond what its watches and writes show. */
export interface RbacRule {
  /** Default: the core group, `''`. */
  readonly apiGroups?: readonly string[];
  /** Plurals, subresources as `pods/log`. */
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
  /** Where it is needed. Default: the cluster the controller is in. */
  readonly cluster?: string;
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

/** How a controller runs. */
export interface RunSettings extends Selection {
  /**
   * The cluster that the reconciled objects are in, by its name in the Manager's `clusters`: what `ctx.client`,
   * `ctx.cache` and `ctx.apply` mean, and where status and events are written. Default: `local`.
   */
  readonly cluster?: string;
  /** `source.component` of its events, where that is another name. Default: its name. */
  readonly eventSource?: string;
  /** Reconciles in parallel, never two for one key. Default 1. */
  readonly maxConcurrent?: number;
  /** After this long the run's signal aborts and its writes are refused. Default: none. */
  readonly timeout?: Duration;
  /**
   * How long its caches may take to become complete before the controller counts as held up, which is logged and
   * shown; it goes on waiting. Default 2m.
   */
  readonly cacheSyncTimeout?: Duration;
  /** Every object is reconciled again this long (±10 %) after its last success, changed or not. Default: never. */
  readonly every?: Duration;
  /** Groups keys that take turns, so that one noisy group cannot starve the others. Default: no groups. */
  readonly fairness?: 'namespace' | ((key: RequestKey) => string);
  /** A key waits until its object was quiet for so long, ten times that at most. Default: not at all. */
  readonly debounce?: Duration;
  /** The back-off of a failing key: first delay, and the ceiling it doubles up to. Default 5ms and 1000s. */
  readonly backoff?: { readonly first?: Duration; readonly max?: Duration };
  /** A limit for the retries of all keys together. Default: none. */
  readonly retries?: RetryBudget;
  /**
   * Events that the controller's own writes caused, exactly those and no others, wake nothing. For controllers
   * that write what they watch and have decided all they had to when they wrote. Default false.
   */
  readonly ignoreOwnEchoes?: boolean;
  /**
   * While the object has this annotation with the value `true`, it is left alone: no reconcile, no cleanup, no
   * write. `false` switches the contract off. Default `gyre.dev/paused`.
   */
  readonly pausedBy?: string | false;
}

export interface ControllerDefinition<T> extends RunSettings {
  /** Lower-case; the field manager, event source, metric label and in-process identity. */
  readonly name: string;
  readonly kind: KindOf<T>;
  readonly reconcile: (object: T, ctx: Context<T>) => Promise<ReconcileResult> | ReconcileResult;
  readonly cleanups: readonly CleanupDefinition<T>[];
  readonly watches: readonly WatchDefinition[];
  /** Which changes of the primary wake it. Default: generation, labels, annotations, finalizers, deletion. */
  readonly predicate?: Predicate<T>;
  readonly indexes?: Readonly<Record<string, IndexFn<T>>>;
  readonly sources?: readonly SourceDefinition[];
  readonly timers?: readonly TimerDefinition[];
  readonly rbac?: readonly RbacRule[];
}
