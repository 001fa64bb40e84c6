/** A data directory out of a backup: all of it, or nothing. */
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../api/index.js';
import { lifetimeOf } from '../apiserver/index.js';
import { openLmdbStore, restoreSnapshot, StoreNotEmpty, type StoreSnapshot } from '../store/index.js';

/** Where the embedded store lives. */
export function storePath(dataDir: string): string {
  return join(dataDir, 'store');
}

/**
 * Puts a snapshot into the embedded store of a data directory that has none. It is made beside its place and moved there as
 * a whole: a restore that was cut off leaves no store, and the next one begins anew.
 * @throws StoreNotEmpty when there is a store
 */
export async function restoreEmbedded(dataDir: string, snapshot: StoreSnapshot, clock: Clock): Promise<void> {
  const path = storePath(dataDir);
  if (existsSync(path)) throw new StoreNotEmpty();
  const making = join(dataDir, 'store.restoring');
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  rmSync(making, { recursive: true, force: true });
  const store = await openLmdbStore({ path: making, clock });
  try {
    await restoreSnapshot(store, snapshot, lifetimeOf);
    await store.close();
    renameSync(making, path);
  } catch (error) {
    await store.close();
    rmSync(making, { recursive: true, force: true });
    throw error;
  }
}
