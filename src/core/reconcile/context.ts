/**
 * What a reconcile may use, bound to that one run: after its abort, timeout or end every write through
 * it is refused.
 */
import type { Clock, Draft, Input, Key, KindFacts, KindOf, Random, Scope } from '../../api/index.js';
import type { ApplyOptions, Client } from '../../client/index.js';
import type { Logger } from '../../telemetry/index.js';
import type { Result } from './result.js';

/** The type of an object's status. */
export type StatusOf<T> = T extends { readonly status?: infer S } ? NonNullable<S> : never;

/** Synchronous reads of kinds this controller watches. */
export interface CacheReader {
  /** @throws UnwatchedKind for a kind that no decorator of this controller names */
  get<T, S extends Scope>(kind: KindOf<T, S>, key: Key<S>): T | undefined;
  list<T>(
    kind: KindOf<T>,
    options?: { readonly namespace?: string; readonly labelSelector?: string },
  ): readonly T[];
  /** The objects found under `value` in a named index; `'owner'` (the controller owner's UID) is always there. */
  by<T>(kind: KindOf<T>, index: string, value: string): readonly T[];
  /** The resourceVersion that the cache of this kind has caught up with; `''` before it is ready. */
  resourceVersion(kind: KindFacts): string;
}

/** A cluster besides the one that a controller is in. Keys and versions of one mean nothing in another. */
export interface ClusterAccess {
  /** Live reads and writes there, under the controller's name and bound as its own client is. */
  readonly client: Client;
  /** What the controller watches there. */
  readonly cache: CacheReader;
}

export type EventType = 'Normal' | 'Warning';

/** What `ctx.apply` may be told besides. */
export interface ApplyChildOptions extends ApplyOptions {
  /**
   * `false`: no owner reference is set. For what cannot have one, cluster-scoped children of a namespaced owner and those
   * in other namespaces; a finalizer must see to their end. Default true.
   */
  readonly owned?: boolean;
}

export interface Context<T> {
  /** The kind that is reconciled. */
  readonly kind: KindFacts;
  /** Live reads and writes. */
  readonly client: Client;
  readonly cache: CacheReader;
  /**
   * Another cluster of the Manager, by its name in `clusters`; `local` is the Manager's own.
   * @throws RegistrationError for a name that it does not know
   */
  cluster(name: string): ClusterAccess;
  /**
   * The status as this run wants it. Written once at the end, also when reconcile throws, and only if it
   * differs; rebased on the newest version, so that other writers' fields survive.
   */
  readonly status: Draft<StatusOf<T>>;
  /** Writes the status now. */
  flush(): Promise<void>;
  /**
   * Sets one condition of the status; `lastTransitionTime` moves only when the status value changes.
   * @throws TypeError when the kind has no status
   */
  condition(type: string, status: boolean | 'Unknown', reason: string, message?: string): void;
  /** Records an Event about the object; similar ones are aggregated (OC-18). */
  event(type: EventType, reason: string, message: string): void;
  /**
   * Server-side apply of a child: the owner reference, namespace and field manager are filled in. Nothing
   * is sent when the cached child already has everything the input says.
   */
  apply<C>(kind: KindOf<C>, input: Input<NoInfer<C>>, options?: ApplyChildOptions): Promise<C>;
  readonly clock: Clock;
  readonly random: Random;
  /** Carries controller, object and reconcileID. */
  readonly log: Logger;
  /** Aborted on timeout and on stop. */
  readonly signal: AbortSignal;
}

/** Writes a reconciler's decision about one object. A property, not a method: the wrong kind must not compile. */
export interface Reconciler<T> {
  readonly reconcile: (object: T, ctx: Context<T>) => Promise<ReconcileResult> | ReconcileResult;
}
export type ReconcileResult = Result | undefined | void;
