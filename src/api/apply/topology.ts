/**
 * How a schema says that a value is owned: as one whole, member by member, or item by item. What no
 * schema describes is deduced: maps member by member, lists as one whole.
 */
import { badRequest } from '../errors.js';
import { setOwn } from '../json.js';
import type { JsonValue } from '../objects.js';
import { isJsonObject, memberSchema } from '../schema/navigate.js';
import type { Schema } from '../schema/schema.js';
import { keyElement, valueElement } from './field-set.js';

export type Topology = 'whole' | 'members' | 'keyed-items' | 'value-items';

export function topologyOf(value: JsonValue, schema: Schema | undefined): Topology {
  if (Array.isArray(value)) {
    switch (schema?.['x-kubernetes-list-type']) {
      case 'map':
        return 'keyed-items';
      case 'set':
        return 'value-items';
      default:
        return 'whole';
    }
  }
  if (!isJsonObject(value)) return 'whole';
  return schema?.['x-kubernetes-map-type'] === 'atomic' ? 'whole' : 'members';
}

/** True for a member that a type declares, as opposed to an entry of a map. */
export function isDeclaredField(schema: Schema | undefined, key: string): boolean {
  return schema?.properties !== undefined && Object.hasOwn(schema.properties, key);
}

/**
 * True for a member that a type has in every object, set or not: `metadata` of any kind, and of the
 * built-in ones what is required or a struct that is never left out. Nobody makes it appear.
 */
export function isAlwaysThere(schema: Schema | undefined, key: string): boolean {
  const isRoot = schema?.properties?.apiVersion !== undefined && schema.properties.kind !== undefined;
  if (isRoot && key === 'metadata') return true;
  if (schema?.typeName === undefined || !isDeclaredField(schema, key)) return false;
  const initial = memberSchema(schema, key)?.default;
  return (
    (schema.required?.includes(key) ?? false) || (isJsonObject(initial) && Object.keys(initial).length === 0)
  );
}

/**
 * The path element of a list's item.
 * @throws ApiError BadRequest when a key is missing and has no default
 */
export function itemElement(item: JsonValue, schema: Schema | undefined): string {
  if (schema?.['x-kubernetes-list-type'] === 'set') return valueElement(item);
  const keys: Record<string, JsonValue> = {};
  for (const key of schema?.['x-kubernetes-list-map-keys'] ?? []) {
    const given = isJsonObject(item) && Object.hasOwn(item, key) ? item[key] : undefined;
    const value = given ?? memberSchema(schema?.items, key)?.default;
    // An absent key without a default still tells items apart where other keys are there.
    if (value !== undefined && value !== null) setOwn(keys, key, value);
  }
  if (Object.keys(keys).length === 0) {
    const names = schema?.['x-kubernetes-list-map-keys']?.join('", "') ?? '';
    throw badRequest(
      `associative list with keys has an element that omits key field "${names}" (and doesn't have default value)`,
    );
  }
  return keyElement(keys);
}

/** The items of a list by element, in the order of their first one: a list may hold items nobody can tell apart. */
export function groupByElement(
  items: readonly JsonValue[],
  schema: Schema | undefined,
): Map<string, JsonValue[]> {
  const groups = new Map<string, JsonValue[]>();
  for (const item of items) {
    const element = itemElement(item, schema);
    const group = groups.get(element);
    if (group) group.push(item);
    else groups.set(element, [item]);
  }
  return groups;
}
