/** What is particular about a built-in kind: everything the REST machinery asks it while it writes. */
import type { JsonObject, StatusCause, UserInfo } from '../../api/index.js';
import type { MutableObject } from './given.js';

/** About the write itself. */
export interface Written {
  readonly user: UserInfo;
  /** As metadata has times. */
  readonly now: string;
  /** `''`, `status`, `approval`. */
  readonly subresource: string;
}

/**
 * The behaviour of one kind. Every function is pure apart from the object it is handed to change; objects
 * are decoded, their types checked and unknown fields dropped.
 */
export interface KindStrategy {
  readonly group: string;
  readonly kind: string;
  /** Fills in defaults, in place; called on every write, after decoding and after merging a patch. */
  applyDefaults?(object: MutableObject): void;
  /** What a new object is given beyond metadata. A status of its own has been dropped before. */
  prepareForCreate?(object: MutableObject, written: Written): void;
  /** Carries over what an update may leave out without meaning to change it. */
  prepareForUpdate?(object: MutableObject, old: JsonObject): void;
  /**
   * Puts back what a write of the status may not change beyond the spec, which stays as it was. Default: nothing; as in
   * Kubernetes, the metadata of most built-in kinds can be written with the status.
   */
  prepareForStatusUpdate?(object: MutableObject, old: JsonObject, written: Written): void;
  validate?(object: JsonObject): StatusCause[];
  /** Only what depends on the old object: `validate` is called as well. */
  validateUpdate?(object: JsonObject, old: JsonObject, subresource: string): StatusCause[];
  validateStatusUpdate?(object: JsonObject, old: JsonObject, subresource: string): StatusCause[];
  /** Why a metadata.name is refused. Default: DNS subdomain. */
  nameRule?: (name: string) => string[];
  /** PUT without a resourceVersion is allowed. Default true. */
  allowUnconditionalUpdate?: boolean;
  /** PUT creates what does not exist. Default false. */
  allowCreateOnUpdate?: boolean;
  /** metadata.generation counts changes of the spec. Default false. */
  hasGeneration?: boolean;
  /** Fields that field selectors may name beyond name and namespace (API-13): path to value. */
  selectableFields?(object: JsonObject): Readonly<Record<string, string>>;
  /** Seconds a graceful delete waits (API-7); undefined: none. */
  gracePeriodSeconds?(object: JsonObject): number | undefined;
  /** What the client is told although the write succeeds. */
  warnings?(object: JsonObject): string[];
}
