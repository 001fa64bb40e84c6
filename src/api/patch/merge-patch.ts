/** RFC 7396: members replace, null removes. Never changes its input; untouched subtrees are shared. */
import { deepEqualJson, setOwn } from '../json.js';
import type { JsonObject, JsonValue } from '../objects.js';

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function applyMergePatch(target: JsonValue | undefined, patch: JsonValue): JsonValue {
  if (!isObject(patch)) return patch;
  const result: Record<string, JsonValue> = {};
  if (isObject(target)) for (const [key, value] of Object.entries(target)) setOwn(result, key, value);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else setOwn(result, key, applyMergePatch(Object.hasOwn(result, key) ? result[key] : undefined, value));
  }
  return result;
}

/** The merge patch that turns `from` into `to`; undefined when they are equal. Null members cannot be told. */
export function mergePatchBetween(from: JsonObject, to: JsonObject): JsonObject | undefined {
  const patch: Record<string, JsonValue> = {};
  for (const key of Object.keys(from)) if (!Object.hasOwn(to, key)) setOwn(patch, key, null);
  for (const [key, value] of Object.entries(to)) {
    const before = Object.hasOwn(from, key) ? from[key] : undefined;
    if (before !== undefined && deepEqualJson(before, value)) continue;
    const inner = isObject(before) && isObject(value) ? mergePatchBetween(before, value) : value;
    if (inner !== undefined) setOwn(patch, key, inner);
  }
  return Object.keys(patch).length === 0 ? undefined : patch;
}
