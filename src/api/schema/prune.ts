/** Dropping what a schema does not know, and telling what that is (API-10, API-15). */
import { setOwn } from '../json.js';
import type { JsonObject, JsonValue } from '../objects.js';
import { isEmbeddedIdentity, isJsonObject, isOpen, joinPath, memberSchema } from './navigate.js';
import type { Schema } from './schema.js';

/** The value without unknown members; the very same value when there are none. */
export function prune(value: JsonValue, schema: Schema): JsonValue {
  return walk(value, schema, '', undefined);
}

/** Paths of the members the schema does not know, outermost only: `spec.foo`, `spec.containers[0].imagee`. */
export function unknownFields(value: JsonValue, schema: Schema): string[] {
  const unknown: string[] = [];
  walk(value, schema, '', unknown);
  return unknown;
}

function walk(value: JsonValue, schema: Schema, path: string, unknown: string[] | undefined): JsonValue {
  if (Array.isArray(value)) {
    const { items } = schema;
    if (!items) return value;
    let changed = false;
    const next = value.map((item: JsonValue, i) => {
      const pruned = walk(item, items, unknown ? joinPath(path, i) : '', unknown);
      changed ||= pruned !== item;
      return pruned;
    });
    return changed ? next : value;
  }
  if (!isJsonObject(value)) return value;
  const open = isOpen(schema);
  /** Made for the first member that is not the same: most objects have none. */
  let next: Record<string, JsonValue> | undefined;
  const keys = Object.keys(value);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    const member = value[key] as JsonValue;
    const child = memberSchema(schema, key);
    let kept: JsonValue | undefined = member;
    if (child) kept = walk(member, child, unknown ? joinPath(path, key) : '', unknown);
    else if (!open && !isEmbeddedIdentity(schema, key)) {
      kept = undefined;
      unknown?.push(joinPath(path, key));
    }
    if (kept !== member) next ??= firstMembers(value, keys, i);
    if (next && kept !== undefined) setOwn(next, key, kept);
  }
  return next ?? value;
}

function firstMembers(value: JsonObject, keys: readonly string[], count: number): Record<string, JsonValue> {
  const members: Record<string, JsonValue> = {};
  for (let i = 0; i < count; i++) setOwn(members, keys[i] as string, value[keys[i] as string]);
  return members;
}
