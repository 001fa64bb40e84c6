/** The object store seam and its drivers. */
export * from './store.js';
