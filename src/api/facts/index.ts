/**
 * What is known of the built-in kinds of Kubernetes 1.32, as data: the resources a server serves and the
 * schema of every type. Loading it parses a table of about 100 KB, so only what serves or merges objects
 * imports it; `gyre/kinds` does not.
 */
export { schemaOfType } from './inflate.js';
export { leafTypeNames } from './leaf-types.js';
export {
  builtinResources,
  type ResourceFacts,
  schemaOfKind,
  serverPreferredVersions,
  type SubresourceFacts,
} from './resources.js';
