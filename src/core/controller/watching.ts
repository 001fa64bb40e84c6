/**
 * What a controller watches: the informers it holds, the caches it reads, and the way from a change of some object
 * to the keys it concerns.
 */
import { combineLatest, map, type Observable, type Subscription } from 'rxjs';
import { groupKind, keyOf, type KindFacts, type KindOf, type NamespacedName } from '../../api/index.js';
import {
  type CacheEvent,
  type CacheObject,
  type ConnectionState,
  type Informer,
  type InformerLease,
  type InformerOptions,
  type MissingPermission,
  stripManagedFields,
} from '../../informers/index.js';
import type { Logger } from '../../telemetry/index.js';
import { controllerOf, refersTo } from '../reconcile/owner-references.js';
import { WatchedCaches } from '../reconcile/watched-caches.js';
import { type ClusterLinks, homeOf, linkTo, localCluster } from './cluster-links.js';
import type {
  ControllerDefinition,
  Predicate,
  RequestKey,
  Selection,
  WatchDefinition,
} from './definition.js';
import type { Intake } from './intake.js';
import type { Trigger } from './observer.js';
import { pauseChanged } from './pause.js';
import { defaultPredicate } from './predicates.js';

/** The index every owned kind has: the UID of an object's controller. */
export const ownerIndex = 'owner';

/** Keys of the first list and of relists wait for those that something just happened to. */
export const initialPriority = -100;

/** Who gives informers; InformerSet does. */
export interface InformerSource {
  acquire<O>(kind: KindOf<O>, options?: InformerOptions): InformerLease<O>;
}

/** Why a controller cannot run yet. */
export interface HeldUpBy {
  readonly kind: KindFacts;
  /** Absent: the one the controller is in. */
  readonly cluster?: string;
  /** With `forbidden`: the permission to ask for. */
  readonly missing?: MissingPermission;
  /**
   * `forbidden`: a permission is missing. `absent`: nobody serves the kind. `slow`: not complete in time.
   * `unreachable`: another cluster than the Manager's own does not answer.
   */
  readonly why: 'forbidden' | 'absent' | 'slow' | 'unreachable';
  readonly error?: unknown;
}

interface Held {
  readonly kind: KindFacts;
  /** Absent: the one the controller is in. */
  readonly cluster: string | undefined;
  readonly lease: InformerLease<unknown>;
}

export interface WatchingDeps {
  /** Of the cluster the controller is in. */
  readonly informers: InformerSource;
  /** All clusters by name; its own may be among them. */
  readonly clusters?: ClusterLinks;
  readonly intake: Intake;
  readonly log: Logger;
}

export class Watching<T> {
  readonly caches: WatchedCaches;
  readonly primary: Informer<T>;
  /** What is watched in other clusters, by their names. */
  readonly #elsewhere = new Map<string, WatchedCaches>();
  readonly #held: Held[] = [];
  readonly #subscriptions: Subscription[] = [];

  constructor(
    private readonly definition: ControllerDefinition<T>,
    private readonly deps: WatchingDeps,
  ) {
    const { kind, indexes, predicate = defaultPredicate, pausedBy } = definition;
    this.caches = new WatchedCaches(definition.name);
    const matters = predicate as Predicate<T>;
    this.primary = this.#hold(kind, definition, {
      indexes: indexes as never,
      handle: (event) => {
        // However it filters, a controller must hear that it may go on.
        const resumed = event.type === 'Apply' && pauseChanged(pausedBy, event.previous, event.object);
        if (!resumed && !this.#matters(matters, event as CacheEvent<T>)) return;
        this.#wake(event.key, { kind }, event, 'primary');
      },
    }) as Informer<T>;
    for (const watch of definition.watches) this.#watch(watch);
  }

  /** What is watched in another cluster; nothing, if no watch says so. */
  cachesOf(cluster: string): WatchedCaches {
    const { name } = this.definition;
    const caches = this.#elsewhere.get(cluster) ?? new WatchedCaches(name, cluster);
    this.#elsewhere.set(cluster, caches);
    return caches;
  }

  /** Resolves when every cache is complete; rejects when stopped before that. */
  get ready(): Promise<unknown> {
    return Promise.all(this.#held.map(({ lease }) => lease.informer.ready));
  }

  /** What keeps the caches from being complete and needs somebody else to mend it; empty: nothing. */
  get heldUp$(): Observable<readonly HeldUpBy[]> {
    const held = [...this.#held];
    return combineLatest(held.map(({ lease }) => lease.informer.state$)).pipe(
      map((states) =>
        states.flatMap((state, i): HeldUpBy[] => {
          const { kind, cluster, lease } = held[i] as Held;
          const why = this.#hindrance(state.phase, cluster);
          if (lease.informer.isReady || !why) return [];
          return [
            {
              kind,
              ...(cluster ? { cluster } : {}),
              ...('missing' in state && state.missing ? { missing: state.missing } : {}),
              why,
              ...('error' in state ? { error: state.error } : {}),
            },
          ];
        }),
      ),
    );
  }

  /** Kinds whose caches are not complete. */
  get incomplete(): readonly HeldUpBy[] {
    return this.#held
      .filter(({ lease }) => !lease.informer.isReady)
      .map(({ kind, cluster }) => ({ kind, ...(cluster ? { cluster } : {}), why: 'slow' as const }));
  }

  /** The Manager's own cluster is waited for: without it nothing can be done anyway. */
  #hindrance(
    phase: ConnectionState['phase'],
    cluster = homeOf(this.definition),
  ): HeldUpBy['why'] | undefined {
    if (phase === 'absent') return 'absent';
    if (phase === 'unauthorized') return 'forbidden';
    return phase === 'stale' && cluster !== localCluster ? 'unreachable' : undefined;
  }

  /** Hears of nothing any more; what is cached stays readable until `release`. */
  unsubscribe(): void {
    for (const subscription of this.#subscriptions.splice(0)) subscription.unsubscribe();
  }

  release(): void {
    for (const { lease } of this.#held.splice(0)) lease.release();
  }

  #watch(watch: WatchDefinition): void {
    const { kind, relation } = watch;
    // Where the controller is bound to a namespace, so is what it watches, unless it says otherwise.
    const own = watch.namespace !== undefined || watch.namespaces !== undefined || kind.scope === 'Cluster';
    const { namespace, namespaces } = own ? watch : this.definition;
    const { cluster, labelSelector, fieldSelector } = watch;
    this.#hold(kind, present({ namespace, namespaces, labelSelector, fieldSelector }), {
      cluster,
      metadataOnly: watch.metadataOnly === true,
      indexes: {
        ...watch.indexes,
        [ownerIndex]: (object) => {
          const uid = controllerOf(object as CacheObject)?.uid;
          return uid === undefined ? [] : [uid];
        },
      },
      handle: (event) => {
        if (watch.predicate && !this.#matters(watch.predicate, event)) return;
        // Both states are mapped: an object that moved wakes the one it left too.
        const states =
          event.type === 'Apply' && event.previous !== undefined
            ? [event.object, event.previous]
            : [event.object];
        for (const state of states)
          for (const key of this.#mapped(watch, state)) this.#wake(key, watch, event, relation);
      },
    });
  }

  #hold(
    kind: KindOf<unknown>,
    selection: Selection,
    options: {
      readonly cluster?: string | undefined;
      readonly metadataOnly?: boolean;
      readonly indexes: WatchDefinition['indexes'];
      readonly handle: (event: CacheEvent<unknown>) => void;
    },
  ): Informer<unknown> {
    const { namespace, namespaces, labelSelector, fieldSelector } = selection;
    const { metadataOnly = false, cluster: name = homeOf(this.definition) } = options;
    const link = linkTo(this.definition, this.deps.clusters, name);
    const cluster = link && name;
    const caches = link ? this.cachesOf(name) : this.caches;
    const lease = (link ?? this.deps).informers.acquire(kind, {
      ...present({ namespace, namespaces, labelSelector, fieldSelector }),
      ...(metadataOnly ? { metadataOnly } : {}),
    });
    this.#held.push({ kind, cluster, lease });
    const { informer } = lease;
    const watched = caches.add(kind, informer.cache, {
      ...present({
        namespaces: namespace === undefined ? namespaces : [namespace],
        labelSelector,
        fieldSelector,
      }),
      project: metadataOnly ? metadataOf : stripManagedFields,
      echoes: this.definition.ignoreOwnEchoes === true,
    });
    for (const [name, fn] of Object.entries(options.indexes ?? {})) {
      informer.addIndex(name, fn);
      watched.addIndex(name, fn);
    }
    const guarded = (event: CacheEvent<unknown>): void => {
      try {
        options.handle(event);
      } catch (error) {
        // A predicate or map function of the author's: the watch goes on without it.
        this.deps.log.error('an event was not handled', {
          object: event.key,
          error: String((error as Error).stack ?? error),
        });
      }
    };
    this.#subscriptions.push(
      informer.events$.subscribe((event) =>
        watched.onEvent(event as CacheEvent<CacheObject>, () => guarded(event)),
      ),
    );
    return informer;
  }

  #matters<O>(predicate: Predicate<O>, event: CacheEvent<O>): boolean {
    if (event.type === 'Delete')
      return predicate({ object: event.object, previous: undefined, deleted: true });
    return predicate({ object: event.object, previous: event.previous, deleted: false });
  }

  #mapped(watch: WatchDefinition, object: unknown): readonly RequestKey[] {
    if (watch.relation === 'watches') return (watch.map?.(object, this.caches) ?? []).map(requestKey);
    const { kind } = this.definition;
    const reference = controllerOf(object as CacheObject);
    if (!reference || !refersTo(reference, kind)) return [];
    const { namespace } = (object as CacheObject).metadata;
    const key = kind.scope === 'Namespaced' ? `${namespace}/${reference.name}` : reference.name;
    // The owner may have been replaced by another of the same name: then this child is none of its own.
    const owner = this.caches.find(kind)?.get(key) as CacheObject | undefined;
    return owner && owner.metadata.uid !== reference.uid ? [] : [key];
  }

  #wake(
    key: RequestKey,
    watch: Pick<WatchDefinition, 'kind' | 'cluster'>,
    event: CacheEvent<unknown>,
    reason: Trigger['reason'],
  ): void {
    const initial = event.type === 'Apply' && event.initial;
    this.deps.intake.add(
      key,
      triggerOf(watch, event, initial && event.previous === undefined ? 'initial' : reason),
      initial ? { priority: initialPriority } : undefined,
    );
  }
}

function triggerOf(
  { kind, cluster }: Pick<WatchDefinition, 'kind' | 'cluster'>,
  event: CacheEvent<unknown>,
  reason: Trigger['reason'],
): Trigger {
  const { resourceVersion } = (event.object as CacheObject).metadata;
  const before = event.type === 'Apply' ? event.previous : undefined;
  const updated = before === undefined ? 'create' : 'update';
  return {
    reason,
    object: {
      group: kind.group,
      kind: kind.kind,
      key: event.key,
      resourceVersion,
      ...(cluster ? { cluster } : {}),
    },
    change: event.type === 'Delete' ? 'delete' : updated,
    now: event.object,
    ...(before === undefined ? {} : { before }),
  };
}

/** An own write as a cache of metadata has it. */
function metadataOf(object: CacheObject): CacheObject {
  const { metadata } = stripManagedFields(object);
  return { apiVersion: 'meta.k8s.io/v1', kind: 'PartialObjectMetadata', metadata } as CacheObject;
}

/** The key as text. */
export function requestKey(key: RequestKey | NamespacedName): RequestKey {
  return typeof key === 'string' ? key : keyOf({ metadata: key });
}

/** What is missing, for a log line or a check: `Secret: forbidden: needs watch of secrets in all namespaces (…)`. */
export function describeHeldUp(by: readonly HeldUpBy[]): string {
  return by
    .map(({ kind, cluster, missing, why, error }) => {
      const needs = missing ? `: needs ${describePermission(missing)}` : '';
      const text = error === undefined ? '' : ` (${error instanceof Error ? error.message : String(error)})`;
      return `${groupKind(kind)}${cluster ? ` in cluster ${cluster}` : ''}: ${why}${needs}${text}`;
    })
    .join('; ');
}

function describePermission({ verb, group, resource, namespace }: MissingPermission): string {
  const where = namespace === undefined ? 'all namespaces' : `namespace ${namespace}`;
  return `${verb} of ${group === '' ? resource : `${resource}.${group}`} in ${where}`;
}

/** The members that are there. */
function present<T extends object>(members: { readonly [K in keyof T]: T[K] | undefined }): Partial<T> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Partial<T>;
}
