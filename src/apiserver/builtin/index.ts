/** What is particular about each built-in kind: defaults, validation, immutability (OC-16, OC-17, API-5 to API-7). */
export type { MutableObject } from './given.js';
export {
  maxAnnotationBytes,
  type ObjectMetaRules,
  validateObjectMeta,
  validateObjectMetaUpdate,
} from './metadata.js';
export { strategyFor } from './registry.js';
export type { KindStrategy } from './strategy.js';
