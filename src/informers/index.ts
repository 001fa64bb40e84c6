/**
 * Informers: a cache that follows the server, and never goes silent.
 *
 * `reflector` is the pure state machine, `watcher$` its stream, `createInformer` a cache on top,
 * `InformerSet` what shares one between readers.
 */
export { ObjectCache } from './cache.js';
export type * from './informer.js';
export { type InformerLease, type InformerOverview, InformerSet } from './informer-set.js';
export { byField, byLabel, byOwnerUid } from './indexes.js';
export { createInformer, type InformerDeps } from './reflecting-informer.js';
export { stripManagedFields } from './transform.js';
export { type WatcherEvent, watcher$ } from './watcher.js';
