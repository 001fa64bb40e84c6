/** The object store seam and its drivers. */
export { MemoryStore, type MemoryStoreOptions } from './memory.js';
export { SortedKeys } from './sorted-keys.js';
export * from './store.js';
