/** Stepping through a schema beside a value. */
import type { JsonObject, JsonValue } from '../objects.js';
import type { Schema } from './schema.js';

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The schema of a member: a declared property, or that of any member; undefined when nothing declares it. */
export function memberSchema(schema: Schema | undefined, key: string): Schema | undefined {
  if (schema?.properties && Object.hasOwn(schema.properties, key)) return schema.properties[key];
  return typeof schema?.additionalProperties === 'object' ? schema.additionalProperties : undefined;
}

/** True when members that nothing declares may stay. */
export function isOpen(schema: Schema): boolean {
  if (schema['x-kubernetes-preserve-unknown-fields'] || schema.additionalProperties === true) return true;
  // A node that says nothing about its type takes any value.
  return (
    schema.type === undefined && schema.properties === undefined && schema.additionalProperties === undefined
  );
}

const embedded = new Set(['apiVersion', 'kind', 'metadata']);

/** True for the identity of an object inside an object, which needs no declaration. */
export function isEmbeddedIdentity(schema: Schema, key: string): boolean {
  return schema['x-kubernetes-embedded-resource'] === true && embedded.has(key);
}

/** `spec.containers[0].name`. */
export function joinPath(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  return path === '' ? key : `${path}.${key}`;
}
