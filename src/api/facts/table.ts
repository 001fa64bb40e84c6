/**
 * The format of facts.json: one compact table of every built-in type and resource of Kubernetes 1.32,
 * written by scripts/generate-facts.mjs. This file names its parts; `inflate.ts` and `resources.ts` read
 * them.
 *
 * A type maps its JSON fields to expressions: words separated by one space.
 *
 *     "containers": "2 []core.v1.Container ! list=map:name key=name patch=merge"
 *
 * | word            | meaning                                                                          |
 * |-----------------|----------------------------------------------------------------------------------|
 * | `2`             | protobuf field number; absent when the field is flattened from an inline message |
 * | `[]T`, `{}T`    | list of T, map from string to T                                                  |
 * | `T`             | `string bytes int32 int64 double bool object`, or a type `<package>.<version>.<Type>` |
 * | `!`             | required                                                                         |
 * | `?`             | optional, and its explicit zero is kept when decoding protobuf                   |
 * | `list=…`        | `atomic`, `set` or `map:<key>,<key>`                                             |
 * | `map=…`         | `atomic` or `granular`                                                           |
 * | `key=`, `patch=`| merge key and strategy of strategic merge (API-8)                                |
 * | `enum=n`        | one of the n-th list of `enums` (or a list of them)                              |
 * | `default=…`     | JSON; always the last word, the only one that may hold spaces                    |
 *
 * The field `""` holds words about the type itself; `~name` is a protobuf message whose fields JSON
 * flattens into this type.
 */
import json from './facts.json' with { type: 'json' };

export type TypeEntry = Readonly<Record<string, string>>;

export interface ResourceEntry {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** `<package>.<version>.<Type>`. */
  readonly type: string;
  /** Space-separated; `*` for all that a plain collection has. */
  readonly verbs: string;
  readonly shortNames?: string;
  readonly categories?: string;
  /** By name: `<apiVersion> <Kind>` and space-separated verbs. */
  readonly subresources?: Readonly<Record<string, readonly [kind: string, verbs: string]>>;
}

export interface FactsTable {
  /** The minor version described. */
  readonly kubernetes: string;
  /** `core.v1` → `io.k8s.api.core.v1`. */
  readonly packages: Readonly<Record<string, string>>;
  readonly enums: readonly (readonly string[])[];
  /** By package, then by type. */
  readonly types: Readonly<Record<string, Readonly<Record<string, TypeEntry>>>>;
  /** Groups in the order a server lists them; versions, preferred first. */
  readonly groups: readonly (readonly [group: string, versions: readonly string[]])[];
  readonly resources: readonly ResourceEntry[];
  /** Kinds that are only bodies, `<apiVersion> <Kind>` → type. */
  readonly bodies: Readonly<Record<string, string>>;
}

export const facts: FactsTable = json as unknown as FactsTable;
