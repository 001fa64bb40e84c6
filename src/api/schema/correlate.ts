/** Which old element of a list a new one stands for. */
import type { JsonValue } from '../objects.js';
import { isJsonObject, memberSchema } from './navigate.js';
import type { Schema } from './schema.js';

/**
 * The old element with the keys of a new one: lists by their `x-kubernetes-list-map-keys`. Nothing is known of
 * elements of any other list.
 */
export function correlate(
  old: JsonValue | undefined,
  schema: Schema,
): (item: JsonValue) => JsonValue | undefined {
  if (schema['x-kubernetes-list-type'] !== 'map' || !Array.isArray(old)) return () => undefined;
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const identity = (item: JsonValue): string =>
    JSON.stringify(
      keys.map((key) =>
        isJsonObject(item) && Object.hasOwn(item, key) ? item[key] : memberSchema(schema.items, key)?.default,
      ),
    );
  const byKeys = new Map((old as readonly JsonValue[]).map((item) => [identity(item), item]));
  return (item) => byKeys.get(identity(item));
}
