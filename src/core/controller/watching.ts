/**
 * What a controller watches: the informers it holds, the caches it reads, and the way from a change of some object
 * to the keys it concerns.
 */
import { combineLatest, map, type Observable, type Subscription } from 'rxjs';
import { groupKind, keyOf, type KindFacts, type KindOf, type NamespacedName } from '../../api/index.js';
import {
  type CacheEvent,
  type CacheObject,
  type Informer,
  type InformerLease,
  type InformerOptions,
  stripManagedFields,
} from '../../informers/index.js';
import type { Logger } from '../../telemetry/index.js';
import { controllerOf, refersTo } from '../reconcile/owner-references.js';
import { WatchedCaches } from '../reconcile/watched-caches.js';
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
  readonly namespace?: string;
  /** `forbidden`: a permission is missing. `absent`: nobody serves the kind. `slow`: not complete in time. */
  readonly why: 'forbidden' | 'absent' | 'slow';
  readonly error?: unknown;
}

interface Held {
  readonly kind: KindFacts;
  readonly selection: Selection;
  readonly lease: InformerLease<unknown>;
}

export class Watching<T> {
  readonly caches: WatchedCaches;
  readonly primary: Informer<T>;
  readonly #held: Held[] = [];
  readonly #subscriptions: Subscription[] = [];

  constructor(
    private readonly definition: ControllerDefinition<T>,
    private readonly informers: InformerSource,
    private readonly intake: Intake,
    private readonly log: Logger,
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
        this.#wake(event.key, kind, event, 'primary');
      },
    }) as Informer<T>;
    for (const watch of definition.watches) this.#watch(watch);
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
          const { kind, selection, lease } = held[i] as Held;
          if (lease.informer.isReady || (state.phase !== 'unauthorized' && state.phase !== 'absent'))
            return [];
          return [
            {
              kind,
              ...(selection.namespace === undefined ? {} : { namespace: selection.namespace }),
              why: state.phase === 'absent' ? 'absent' : 'forbidden',
              error: state.error,
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
      .map(({ kind }) => ({ kind, why: 'slow' as const }));
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
    const namespace = watch.namespace ?? (kind.scope === 'Cluster' ? undefined : this.definition.namespace);
    const selection: Selection = { ...watch, ...(namespace === undefined ? {} : { namespace }) };
    this.#hold(kind, selection, {
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
          for (const key of this.#mapped(watch, state)) this.#wake(key, kind, event, relation);
      },
    });
  }

  #hold(
    kind: KindOf<unknown>,
    { namespace, labelSelector, fieldSelector }: Selection,
    options: {
      readonly metadataOnly?: boolean;
      readonly indexes: WatchDefinition['indexes'];
      readonly handle: (event: CacheEvent<unknown>) => void;
    },
  ): Informer<unknown> {
    const { metadataOnly = false } = options;
    const selectors = {
      ...(labelSelector === undefined ? {} : { labelSelector }),
      ...(fieldSelector === undefined ? {} : { fieldSelector }),
    };
    const lease = this.informers.acquire(kind, {
      ...selectors,
      ...(namespace === undefined ? {} : { namespace }),
      ...(metadataOnly ? { metadataOnly } : {}),
    });
    this.#held.push({ kind, selection: namespace === undefined ? {} : { namespace }, lease });
    const { informer } = lease;
    const watched = this.caches.add(kind, informer.cache, {
      ...selectors,
      ...(namespace === undefined ? {} : { namespaces: [namespace] }),
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
        this.log.error('an event was not handled', {
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

  #wake(key: RequestKey, kind: KindFacts, event: CacheEvent<unknown>, reason: Trigger['reason']): void {
    const initial = event.type === 'Apply' && event.initial;
    this.intake.add(
      key,
      triggerOf(kind, event, initial && event.previous === undefined ? 'initial' : reason),
      initial ? { priority: initialPriority } : undefined,
    );
  }
}

function triggerOf(kind: KindFacts, event: CacheEvent<unknown>, reason: Trigger['reason']): Trigger {
  const { resourceVersion } = (event.object as CacheObject).metadata;
  const before = event.type === 'Apply' ? event.previous : undefined;
  const updated = before === undefined ? 'create' : 'update';
  return {
    reason,
    object: { group: kind.group, kind: kind.kind, key: event.key, resourceVersion },
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

/** What is missing, for a log line or a check: `secrets: forbidden (…)`. */
export function describeHeldUp(by: readonly HeldUpBy[]): string {
  return by
    .map(({ kind, namespace, why, error }) => {
      const where = namespace === undefined ? '' : ` in namespace ${namespace}`;
      const text = error === undefined ? '' : ` (${error instanceof Error ? error.message : String(error)})`;
      return `${groupKind(kind)}${where}: ${why}${text}`;
    })
    .join('; ');
}
