/** Dropping what a schema does not know, and telling what that is (API-10, API-15). */
import { setOwn } from '../json.js';
import type { JsonValue } from '../objects.js';
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
  let changed = false;
  const next: Record<string, JsonValue> = {};
  for (const [key, member] of Object.entries(value)) {
    const child = memberSchema(schema, key);
    if (!child) {
      if (open || isEmbeddedIdentity(schema, key)) setOwn(next, key, member);
      else {
        changed = true;
        unknown?.push(joinPath(path, key));
      }
      continue;
    }
    const pruned = walk(member, child, unknown ? joinPath(path, key) : '', unknown);
    changed ||= pruned !== member;
    setOwn(next, key, pruned);
  }
  return changed ? next : value;
}
