/**
 * The state of a store at one revision: what a backup writes down, and what a fork begins with.
 *
 * Taking one copies nothing where the store keeps its values in memory: entries are shared, as all reads are.
 */
import type { Clock } from '../../api/index.js';
import type { ObjectStore, StoreEntry } from '../store.js';

export interface StoreSnapshot {
  /** Every entry is as it was at this revision. */
  readonly revision: number;
  /** When it was taken, milliseconds since the epoch. */
  readonly time: number;
  /** In key order. */
  readonly entries: readonly StoreEntry[];
}

/** Seconds that what is created under a key lives; undefined for what stays. */
export type LifetimeOf = (key: string) => number | undefined;

/** A snapshot is put into a store that holds nothing; this one does. */
export class StoreNotEmpty extends Error {
  override readonly name = 'StoreNotEmpty';
  constructor() {
    super('the store holds something already: a snapshot is put into an empty one');
  }
}

const pageSize = 10_000;
/** Writes under way at a time: enough for a store that shares a commit among those who come together. */
const writers = 256;

/** @throws Compacted when reading took longer than the store keeps history; StoreUnavailable, StoreClosed */
export async function takeSnapshot(store: ObjectStore, clock: Clock): Promise<StoreSnapshot> {
  const time = clock.now();
  const entries: StoreEntry[] = [];
  let page = await store.list('/', { limit: pageSize });
  const { revision } = page;
  for (;;) {
    for (const entry of page.entries) entries.push(entry);
    if (page.next === undefined) return { revision, time, entries };
    page = await store.list('/', { limit: pageSize, after: page.next, revision });
  }
}

/**
 * Creates every entry of the snapshot. Each gets a version of its own, later than any that the snapshot has seen where
 * the store is younger, so whoever resumes from one of before is told that it is gone. What expires gets its whole time
 * anew.
 *
 * A restore that fails half-way leaves what it has written: put it into a store that can be thrown away.
 * @throws StoreNotEmpty, StoreUnavailable, StoreClosed
 */
export async function restoreSnapshot(
  store: ObjectStore,
  { entries }: StoreSnapshot,
  lifetimeOf: LifetimeOf,
): Promise<void> {
  const { entries: present } = await store.list('/', { limit: 1 });
  if (present.length > 0) throw new StoreNotEmpty();
  const rest = entries.values();
  const write = async (): Promise<void> => {
    for (const { key, value } of rest) {
      const ttl = lifetimeOf(key);
      await store.create(key, value, ttl === undefined ? {} : { ttl });
    }
  };
  await Promise.all(Array.from({ length: Math.min(writers, entries.length) }, write));
  // Nobody watched how it came about. Where others keep their history in the same place it is not ours to forget.
  if (!store.shared) await store.compact(await store.revision());
}
