/** Filling in a schema's defaults (API-15). */
import { copyJson, setOwn } from '../json.js';
import type { JsonValue } from '../objects.js';
import { isJsonObject, memberSchema } from './navigate.js';
import type { Schema } from './schema.js';

/**
 * The value with defaults for absent members. A null that the schema does not allow counts as absent: a
 * member goes, and gets its default where there is one; an item of a list is replaced by the default of
 * items. The very same value when nothing is missing.
 */
export function applyDefaults(value: JsonValue, schema: Schema): JsonValue {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (!items) return value;
    let changed = false;
    const next = value.map((item: JsonValue) => {
      const given = item === null && !items.nullable ? copyJson(items.default ?? null) : item;
      const filled = applyDefaults(given, items);
      changed ||= filled !== item;
      return filled;
    });
    return changed ? next : value;
  }
  if (!isJsonObject(value)) return value;
  let changed = false;
  const next: Record<string, JsonValue> = {};
  for (const [key, member] of Object.entries(value)) {
    const child = memberSchema(schema, key);
    if (member === null && child && !child.nullable) {
      changed = true;
      if (!isDeclared(schema, key) && child.default !== undefined)
        setOwn(next, key, applyDefaults(copyJson(child.default), child));
      continue;
    }
    const filled = child ? applyDefaults(member, child) : member;
    changed ||= filled !== member;
    setOwn(next, key, filled);
  }
  if (schema.properties && declaresDefaults(schema)) {
    for (const [key, child] of Object.entries(schema.properties)) {
      if (child.default === undefined || Object.hasOwn(next, key)) continue;
      changed = true;
      setOwn(next, key, applyDefaults(copyJson(child.default), child));
    }
  }
  return changed ? next : value;
}

function isDeclared(schema: Schema, key: string): boolean {
  return schema.properties !== undefined && Object.hasOwn(schema.properties, key);
}

const withDefaults = new WeakMap<Schema, boolean>();

function declaresDefaults(schema: Schema): boolean {
  let known = withDefaults.get(schema);
  if (known === undefined) {
    known = Object.values(schema.properties ?? {}).some((child) => child.default !== undefined);
    withDefaults.set(schema, known);
  }
  return known;
}
