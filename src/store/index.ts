/** The object store seam and its drivers. */
export {
  type Archive,
  type ArchiveFiles,
  BadArchive,
  readArchive,
  writeArchive,
} from './backup/archive.js';
export {
  type LifetimeOf,
  restoreSnapshot,
  StoreNotEmpty,
  type StoreSnapshot,
  takeSnapshot,
} from './backup/snapshot.js';
export type { EtcdTls } from './etcd/connection.js';
export { type EtcdStoreOptions, openEtcdStore } from './etcd/etcd-store.js';
export { StoreLocked } from './lmdb/directory-lock.js';
export { type LmdbStoreOptions, openLmdbStore, UnknownStoreFormat } from './lmdb/lmdb-store.js';
export { MemoryStore, type MemoryStoreOptions } from './memory.js';
export { SortedKeys } from './sorted-keys.js';
export * from './store.js';
