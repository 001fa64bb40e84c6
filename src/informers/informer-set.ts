/** Informers shared by everybody who wants the same objects: one watch, however many readers. */
import { groupKind, type KindFacts, type KindOf } from '../api/index.js';
import type { Client } from '../client/index.js';
import type { CacheObject, Informer, InformerOptions } from './informer.js';
import { createInformer, type InformerDeps } from './reflecting-informer.js';

export interface InformerLease<T> {
  readonly informer: Informer<T>;
  /** The informer stops when its last lease is released; calling it twice is harmless. */
  release(): void;
}

interface Entry {
  readonly informer: Informer<CacheObject>;
  readonly options: InformerOptions;
  leases: number;
}

/** One informer of a set. */
export interface InformerOverview {
  readonly kind: KindFacts;
  readonly options: InformerOptions;
  readonly objects: number;
  readonly isReady: boolean;
  readonly leases: number;
}

export class InformerSet {
  readonly #entries = new Map<string, Entry>();
  readonly #transforms = new Map<NonNullable<InformerOptions['transform']>, number>();

  constructor(
    private readonly client: Client,
    private readonly deps: InformerDeps,
  ) {}

  /** The informer of these objects, started with its first lease. */
  acquire<T>(kind: KindOf<T>, options: InformerOptions = {}): InformerLease<T> {
    const id = JSON.stringify([
      // The version too: readers of another one would be handed objects of the wrong shape.
      groupKind(kind),
      kind.version,
      options.namespace ?? '',
      options.namespaces ? [...new Set(options.namespaces)].sort() : '',
      options.labelSelector ?? '',
      options.fieldSelector ?? '',
      options.metadataOnly === true,
      options.keepManagedFields === true,
      options.resync ?? '',
      this.#numberOf(options.transform),
    ]);
    let entry = this.#entries.get(id);
    if (!entry) {
      const informer = createInformer(
        this.client,
        kind as unknown as KindOf<CacheObject>,
        options,
        this.deps,
      );
      entry = { informer, options, leases: 0 };
      this.#entries.set(id, entry);
      informer.start();
    }
    entry.leases++;
    const held = entry;
    let released = false;
    return {
      informer: held.informer as unknown as Informer<T>,
      release: () => {
        if (released) return;
        released = true;
        if (--held.leases > 0) return;
        held.informer.stop();
        if (this.#entries.get(id) === held) this.#entries.delete(id);
      },
    };
  }

  /** What is watched now, how it is, and by how many. */
  get overview(): readonly InformerOverview[] {
    return [...this.#entries.values()].map(({ informer, leases, options }) => ({
      kind: informer.kind,
      options,
      objects: informer.cache.size,
      isReady: informer.isReady,
      leases,
    }));
  }

  /** The same function is the same transform. */
  #numberOf(transform: InformerOptions['transform']): number {
    if (!transform) return 0;
    const number = this.#transforms.get(transform) ?? this.#transforms.size + 1;
    this.#transforms.set(transform, number);
    return number;
  }

  /** Stops all, leased or not. */
  stopAll(): void {
    for (const { informer } of this.#entries.values()) informer.stop();
    this.#entries.clear();
  }
}
