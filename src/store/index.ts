/** The object store seam and its drivers. */
export type { EtcdTls } from './etcd/connection.js';
export { type EtcdStoreOptions, openEtcdStore } from './etcd/etcd-store.js';
export { StoreLocked } from './lmdb/directory-lock.js';
export { type LmdbStoreOptions, openLmdbStore, UnknownStoreFormat } from './lmdb/lmdb-store.js';
export { MemoryStore, type MemoryStoreOptions } from './memory.js';
export { SortedKeys } from './sorted-keys.js';
export * from './store.js';
