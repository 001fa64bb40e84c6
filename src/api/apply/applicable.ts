/** What a configuration says that cannot be applied: fields nobody declares, and parts that only change as a whole. */
import type { JsonObject, JsonValue } from '../objects.js';
import { isJsonObject } from '../schema/navigate.js';
import { unknownFields } from '../schema/prune.js';
import type { Schema } from '../schema/schema.js';
import { isDeclaredField } from './topology.js';

/** In the words of structured merge; undefined when every field is one of the schema. */
export function undeclaredFields(configuration: JsonObject, schema: Schema): string | undefined {
  const unknown = unknownFields(configuration, schema).map(
    (path) => `.${path}: field not declared in schema`,
  );
  if (unknown.length < 2) return unknown[0];
  return `errors:\n${unknown.map((line) => `  ${line}`).join('\n')}`;
}

/**
 * Paths of lists, maps and structs that are one whole: who sets them replaces everything in them, also what he does
 * not know of. Entries of a map are looked at no further.
 */
export function atomicFields(configuration: JsonObject, schema: Schema): string[] {
  return atomicsOf(configuration, schema, '');
}

function atomicsOf(value: JsonValue, schema: Schema, path: string): string[] {
  if (Array.isArray(value)) {
    const { items, 'x-kubernetes-list-type': type } = schema;
    const own = type === 'map' || type === 'set' ? [] : [path];
    const below = (value as readonly JsonValue[]).flatMap((item, i) =>
      items ? atomicsOf(item, items, `${path}[${i}]`) : [],
    );
    return [...own, ...below];
  }
  if (!isJsonObject(value)) return [];
  const own = schema['x-kubernetes-map-type'] === 'atomic' ? [path] : [];
  const below = Object.entries(value).flatMap(([key, member]) =>
    isDeclaredField(schema, key)
      ? atomicsOf(member, (schema.properties as Record<string, Schema>)[key] as Schema, `${path}.${key}`)
      : [],
  );
  return [...own, ...below];
}
