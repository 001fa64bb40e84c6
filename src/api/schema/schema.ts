/**
 * The schema node that every schema-driven algorithm walks: pruning, defaulting, validation, unknown
 * fields, strategic merge, server-side apply, protobuf decoding. A CRD's structural schema *is* this
 * shape; a built-in kind's is inflated from the facts table, where named types are shared and may be
 * recursive (`properties` and `items` are then resolved on first access).
 */
import type { JsonValue } from '../objects.js';

export type SchemaType = 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';

export interface ValidationRule {
  readonly rule: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: string;
  readonly fieldPath?: string;
  readonly optionalOldSelf?: boolean;
}

export interface Schema {
  /** Absent for int-or-string and for values of any type. */
  readonly type?: SchemaType;
  readonly format?: string;
  readonly title?: string;
  readonly description?: string;
  readonly nullable?: boolean;
  readonly default?: JsonValue;
  readonly enum?: readonly JsonValue[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly required?: readonly string[];

  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: boolean;
  readonly exclusiveMaximum?: boolean;
  readonly multipleOf?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: boolean;
  readonly minProperties?: number;
  readonly maxProperties?: number;
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly not?: Schema;
  readonly example?: JsonValue;

  readonly 'x-kubernetes-preserve-unknown-fields'?: boolean;
  readonly 'x-kubernetes-embedded-resource'?: boolean;
  readonly 'x-kubernetes-int-or-string'?: boolean;
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  readonly 'x-kubernetes-map-type'?: 'atomic' | 'granular';
  readonly 'x-kubernetes-validations'?: readonly ValidationRule[];
  /** Strategic merge of built-in kinds (API-8): e.g. `name`. */
  readonly 'x-kubernetes-patch-merge-key'?: string;
  /** Comma-separated: `merge`, `replace`, `retainKeys`, `merge,retainKeys`. */
  readonly 'x-kubernetes-patch-strategy'?: string;

  /** Built-in kinds only: the name of the shared type, e.g. `io.k8s.api.core.v1.PodSpec`. */
  readonly typeName?: string;
  /** Built-in kinds only: how each property is encoded in protobuf, by property or inline message name. */
  readonly protobuf?: Readonly<Record<string, ProtobufField>>;
}

export interface ProtobufField {
  readonly number: number;
  /** A proto scalar (`string`, `int32`, `bool`, `bytes`, …), `map<string, X>` or a message name. */
  readonly type: string;
  readonly repeated: boolean;
  /** An encoded zero means something other than absence: it is kept when decoding. */
  readonly keepsZero?: boolean;
  /** The key is not a property: the message's fields are flattened into this object. */
  readonly inline?: boolean;
}
