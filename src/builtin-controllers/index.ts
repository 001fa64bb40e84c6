/**
 * The Kubernetes controllers, written with the public SDK as a user would: gather from indexes, decide in a
 * pure function, act, report.
 */
export * from './persistent-volume/index.js';
export * from './volume-protection/index.js';
