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
  let changed = false;
  const below = (member: JsonValue, child: Schema | undefined): JsonValue => {
    const next = dropEmpty(member, child);
    changed ||= next !== member;
    return next;
  };
  if (Array.isArray(value)) {
    const items = value.map((item: JsonValue) => below(item, schema.items));
    return changed ? items : value;
  }
  if (!isJsonObject(value)) return value;
  const kept: Record<string, JsonValue> = {};
  for (const [key, member] of Object.entries(value)) {
    if (isOptionalField(schema, key) && isEmpty(member, memberSchema(schema, key))) changed = true;
    else setOwn(kept, key, below(member, memberSchema(schema, key)));
  }
  return changed ? kept : value;
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
