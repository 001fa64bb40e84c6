/**
 * The API server's memory of the whole store: one upstream watch, fanned out by ourselves. Every read of
 * the latest state and every watch is answered from here.
 */
import type { Clock } from '../../api/index.js';
import type { ObjectStore, StoreEvent, StoreWatch } from '../../store/index.js';
import { type Decoder, ResourceCache } from './resource-cache.js';

/** How long history stays readable and watchable (API-4), milliseconds. */
const compactionIntervalMs = 5 * 60_000;

/** `/group/plural/`, with the core group written as `core`. */
export function storagePrefix(facts: { readonly group: string; readonly plural: string }): string {
  return `/${facts.group === '' ? 'core' : facts.group}/${facts.plural}/`;
}

export interface WatchCacheOptions {
  /** Drives compaction. */
  readonly clock: Clock;
  /** Freezes what is served. Default false. */
  readonly freeze?: boolean;
  /** How objects of a resource are served from the start, by its prefix. */
  readonly decoderOf?: (prefix: string) => Decoder | undefined;
}

export class WatchCache {
  readonly #resources = new Map<string, ResourceCache>();
  #watch: StoreWatch | undefined;
  #stopCompaction: (() => void) | undefined;
  #startedAt = 0;
  #revision = 0;
  #failure: Error | undefined;

  private constructor(
    readonly store: ObjectStore,
    private readonly options: WatchCacheOptions,
  ) {}

  /** Loads the store's state and follows it. */
  static async open(store: ObjectStore, options: WatchCacheOptions): Promise<WatchCache> {
    const cache = new WatchCache(store, options);
    // From the oldest state on, so that who watched a server before this one can resume.
    const oldest = await store.oldestRevision();
    const { entries, revision } = await store.list('/', { revision: oldest });
    cache.#startedAt = revision;
    cache.#revision = revision;
    for (const entry of entries) cache.#resourceOf(entry.key).load(entry);
    cache.#watch = await store.watch('/', revision, {
      next: (event) => cache.#apply(event),
      error: (error) => {
        cache.#failure = error;
      },
    });
    cache.#scheduleCompaction();
    return cache;
  }

  /** The latest revision seen: what a list is a snapshot of. */
  get revision(): number {
    return this.#revision;
  }

  /** Set when the store has ended the upstream watch: reads are no longer fresh. */
  get failure(): Error | undefined {
    return this.#failure;
  }

  resource(prefix: string): ResourceCache {
    let resource = this.#resources.get(prefix);
    if (!resource) {
      const { freeze = false, decoderOf } = this.options;
      resource = new ResourceCache(prefix, this.#startedAt, freeze, decoderOf?.(prefix));
      this.#resources.set(prefix, resource);
    }
    return resource;
  }

  close(): void {
    this.#watch?.close();
    this.#stopCompaction?.();
  }

  #apply(event: StoreEvent): void {
    this.#revision = event.revision;
    this.#resourceOf(event.key).apply(event);
  }

  #resourceOf(key: string): ResourceCache {
    const end = key.indexOf('/', key.indexOf('/', 1) + 1);
    return this.resource(key.slice(0, end + 1));
  }

  /** Every interval, forgets what is older than one interval. */
  #scheduleCompaction(): void {
    let before = this.#revision;
    const arm = (): void => {
      this.#stopCompaction = this.options.clock.setTimer(compactionIntervalMs, () => {
        const target = before;
        before = this.#revision;
        for (const resource of this.#resources.values()) resource.compact(target);
        this.#startedAt = Math.max(this.#startedAt, target);
        this.store.compact(target).catch(() => {
          // A store that is gone reports through its watch.
        });
        arm();
      });
    };
    arm();
  }
}
