/** Leaving out what Kubernetes does not encode because it is empty. */
import { setOwn } from '../json.js';
import type { JsonValue } from '../objects.js';
import { isJsonObject, memberSchema } from './navigate.js';
import type { Schema } from './schema.js';

/**
 * The value without empty lists and maps of optional fields: the last label taken away leaves no
 * `labels`. Structs stay also when empty, as `emptyDir: {}` means something, and so does everything the
 * schema leaves open. The very same value when there is nothing to leave out.
 */
export function dropEmpty(value: JsonValue, schema: Schema | undefined): JsonValue {
  if (schema === undefined) return value;
  if (Array.isArray(value)) {
    const items = value.map((item: JsonValue) => dropEmpty(item, schema.items));
    return items.some((item, i) => item !== value[i]) ? items : value;
  }
  if (!isJsonObject(value)) return value;
  const keys = Object.keys(value);
  /** Of members that are not the same, undefined for one that is left out: most objects have none. */
  let others: Map<string, JsonValue | undefined> | undefined;
  for (const key of keys) {
    const member = value[key] as JsonValue;
    const child = memberSchema(schema, key);
    const leftOut = isEmpty(member, child) && isOptionalField(schema, key);
    const next = leftOut ? undefined : dropEmpty(member, child);
    if (next !== member) (others ??= new Map()).set(key, next);
  }
  if (!others) return value;
  const kept: Record<string, JsonValue> = {};
  for (const key of keys) {
    const next = others.has(key) ? others.get(key) : value[key];
    if (next !== undefined) setOwn(kept, key, next);
  }
  return kept;
}

function isOptionalField(schema: Schema, key: string): boolean {
  const declared = schema.properties !== undefined && Object.hasOwn(schema.properties, key);
  return declared && !schema.required?.includes(key);
}

function isEmpty(value: JsonValue, schema: Schema | undefined): boolean {
  if (Array.isArray(value)) return schema?.type === 'array' && value.length === 0;
  const isMap = typeof schema?.additionalProperties === 'object' && schema.properties === undefined;
  return isMap && isJsonObject(value) && Object.keys(value).length === 0;
}
