/**
 * `GET /gyre.dev/v1/backup`: all that is stored, at one version, as a file (`readArchive` of `gyre/store` reads it). For
 * whoever may read that path, which is whoever may do everything. What is encrypted at rest is encrypted in it.
 */
import type { Clock } from '../api/index.js';
import { type ObjectStore, takeSnapshot, writeArchive } from '../store/index.js';
import type { ServerResponse } from './response.js';

export const backupPath = '/gyre.dev/v1/backup';

/** @throws StoreUnavailable, StoreClosed */
export async function backupOf(store: ObjectStore, clock: Clock): Promise<ServerResponse> {
  const snapshot = await takeSnapshot(store, clock);
  return {
    code: 200,
    headers: { 'content-type': 'application/gzip' },
    stream: writeArchive({ snapshot, files: {} }),
  };
}
