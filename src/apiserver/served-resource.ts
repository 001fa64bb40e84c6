/** One resource at one version, as a server has it: what discovery and OpenAPI are made from. */
import type { ResourceFacts } from '../api/facts/index.js';
import type { Schema } from '../api/index.js';

export interface ServedResource {
  /** A custom resource has no `typeName`: its name in OpenAPI follows from its group. */
  readonly facts: Omit<ResourceFacts, 'typeName'>;
  readonly schema: Schema;
  /** False for a custom resource: it has no strategic merge, and its schema is a structural one. */
  readonly builtin: boolean;
}
