/**
 * Which old value a new one is to be compared with: by name in objects, by key in lists of type map; items of other lists
 * have no past (API-16).
 */
import type { JsonObject, JsonValue, Schema } from '../../../api/index.js';

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The old value of a member; undefined where there is none to compare with. */
export function oldMember(old: JsonValue | undefined, schema: Schema, name: string): JsonValue | undefined {
  if (schema['x-kubernetes-map-type'] === 'atomic' || !isObject(old)) return undefined;
  return Object.hasOwn(old, name) ? old[name] : undefined;
}

/** The old item of the same keys. */
export function oldItem(old: JsonValue | undefined, schema: Schema, item: JsonValue): JsonValue | undefined {
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  if (schema['x-kubernetes-list-type'] !== 'map' || keys.length === 0) return undefined;
  if (!Array.isArray(old) || !isObject(item)) return undefined;
  const same = (other: JsonValue): boolean =>
    isObject(other) && keys.every((key) => keyOf(other, key, schema) === keyOf(item, key, schema));
  return (old as readonly JsonValue[]).find(same);
}

function keyOf(item: JsonObject, key: string, { items }: Schema): JsonValue | undefined {
  return Object.hasOwn(item, key) ? item[key] : items?.properties?.[key]?.default;
}

/** Whether values below a schema node have a past at all, seen from its parent. */
export function correlates(schema: Schema, within: 'items' | 'members'): boolean {
  return within === 'items'
    ? schema['x-kubernetes-list-type'] === 'map'
    : schema['x-kubernetes-map-type'] !== 'atomic';
}
