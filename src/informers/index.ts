/** Reflector, cache and shared informers. */
export type * from './informer.js';
