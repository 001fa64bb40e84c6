/**
 * The API server's memory of the whole store: one upstream watch, fanned out by ourselves. Every read of
 * the latest state and every watch is answered from here.
 *
 * Where others write to the store too, `fresh` asks it how far they are. When the watch has fallen behind what the store
 * still knows, the state is read anew, and who watches here has to list anew as well.
 */
import { type Clock, sleep } from '../../api/index.js';
import {
  Compacted,
  type ObjectStore,
  StoreClosed,
  type StoreEntry,
  type StoreEvent,
  StoreUnavailable,
  type StoreWatch,
} from '../../store/index.js';
import { type Decoder, ResourceCache } from './resource-cache.js';

/** How long history stays readable and watchable (API-4), milliseconds. */
export const defaultHistoryMs = 5 * 60_000;
const reloadPauseMs = 1000;
/** Others may compact between two questions of a start. */
const maxStarts = 5;

/** `/group/plural/`, with the core group written as `core`. */
export function storagePrefix(facts: { readonly group: string; readonly plural: string }): string {
  return `/${facts.group === '' ? 'core' : facts.group}/${facts.plural}/`;
}

export interface WatchCacheOptions {
  /** Drives compaction. */
  readonly clock: Clock;
  /** For how long history is kept, and at most twice as long; milliseconds. Default: five minutes. */
  readonly historyMs?: number;
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
  readonly #closed = new AbortController();

  private constructor(
    readonly store: ObjectStore,
    private readonly options: WatchCacheOptions,
  ) {}

  /** Loads the store's state and follows it. */
  static async open(store: ObjectStore, options: WatchCacheOptions): Promise<WatchCache> {
    for (let start = 1; ; start++) {
      const cache = new WatchCache(store, options);
      try {
        await cache.#load();
        return cache;
      } catch (error) {
        cache.close();
        if (!(error instanceof Compacted) || start >= maxStarts) throw error;
      }
    }
  }

  async #load(): Promise<void> {
    const { store } = this;
    // From the oldest state on, so that who watched a server before this one can resume.
    const oldest = await store.oldestRevision();
    const { entries, revision } = await store.list('/', { revision: oldest });
    this.#startedAt = revision;
    this.#revision = revision;
    for (const entry of entries) this.#resourceOf(entry.key).load(entry);
    await this.#follow(revision);
    this.#scheduleCompaction();
  }

  async #follow(revision: number): Promise<void> {
    this.#watch = await this.store.watch('/', revision, {
      next: (event) => this.#apply(event),
      error: (error) => {
        this.#failure = error;
        if (!(error instanceof StoreClosed)) void this.#reload();
      },
    });
  }

  /** The watch is over and the store is not: reads what is there now, as often as it takes. */
  async #reload(): Promise<void> {
    while (!this.#closed.signal.aborted) {
      try {
        const { entries, revision } = await this.store.list('/');
        this.#replace(entries, revision);
        await this.#follow(revision);
        this.#failure = undefined;
        return;
      } catch (error) {
        if (error instanceof StoreClosed) return;
        await sleep(this.options.clock, reloadPauseMs, this.#closed.signal).catch(() => {});
      }
    }
  }

  #replace(entries: readonly StoreEntry[], revision: number): void {
    this.#revision = revision;
    this.#startedAt = revision;
    const byResource = new Map<ResourceCache, StoreEntry[]>();
    for (const resource of this.#resources.values()) byResource.set(resource, []);
    for (const entry of entries) {
      const resource = this.#resourceOf(entry.key);
      const own = byResource.get(resource);
      if (own) own.push(entry);
      else byResource.set(resource, [entry]);
    }
    for (const [resource, own] of byResource) resource.replace(own, revision);
  }

  /**
   * Resolves when everything that was written before the call is cached, whoever wrote it. Undefined when it is:
   * nobody else writes.
   * @throws StoreUnavailable, StoreClosed
   */
  fresh(): Promise<void> | undefined {
    return this.store.shared ? this.#catchUp() : undefined;
  }

  async #catchUp(): Promise<void> {
    const revision = await this.store.revision();
    if (this.#failure instanceof StoreClosed) throw this.#failure;
    if (this.#failure)
      throw new StoreUnavailable(`the state is being read anew: ${this.#failure.message}`, 'unchanged');
    // Of what others keep in the same place no event comes; a version may be read off it all the same.
    this.#revision = Math.max(this.#revision, revision);
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

  /** True when there is no object at all. */
  get isEmpty(): boolean {
    for (const { size } of this.#resources.values()) if (size > 0) return false;
    return true;
  }

  /** All that anything was stored of, or asked for. */
  resources(): IterableIterator<ResourceCache> {
    return this.#resources.values();
  }

  close(): void {
    this.#closed.abort();
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
    const { clock, historyMs = defaultHistoryMs } = this.options;
    let before = this.#revision;
    const arm = (): void => {
      this.#stopCompaction = clock.setTimer(historyMs, () => {
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
