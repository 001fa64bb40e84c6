/**
 * Strategic merge patch (API-8): a merge patch that knows which lists are merged by key or as sets. The
 * schema says so (`x-kubernetes-patch-strategy`, `-merge-key`); directives in the patch say the rest:
 * `$patch: replace|delete|merge`, `$retainKeys`, `$deleteFromPrimitiveList/<field>`,
 * `$setElementOrder/<field>`. Never changes its input.
 */
import { badRequest } from '../errors.js';
import { setOwn } from '../json.js';
import type { JsonObject, JsonValue } from '../objects.js';
import { memberSchema } from '../schema/navigate.js';
import type { Schema } from '../schema/schema.js';
import { isObject } from './merge-patch.js';

const deletePrefix = '$deleteFromPrimitiveList/';
const orderPrefix = '$setElementOrder/';

function strategies(schema: Schema | undefined): readonly string[] {
  return (schema?.['x-kubernetes-patch-strategy'] ?? '').split(',');
}

/**
 * @throws ApiError BadRequest for directives that make no sense and list items without their merge key
 */
export function applyStrategicMergePatch(target: JsonObject, patch: JsonObject, schema: Schema): JsonObject {
  return mergeObjects(target, patch, schema);
}

function mergeObjects(
  target: JsonObject | undefined,
  patch: JsonObject,
  schema: Schema | undefined,
): JsonObject {
  const directive = patch.$patch;
  // Only an item of a list goes altogether; an object stays, empty.
  if (directive === 'delete') return {};
  if (directive !== undefined && directive !== 'replace' && directive !== 'merge') {
    throw badRequest(`unknown patch type: ${String(directive)} in map: ${JSON.stringify(patch)}`);
  }
  const base = directive === 'replace' ? undefined : target;
  const result: Record<string, JsonValue> = {};
  for (const [key, value] of Object.entries(base ?? {})) setOwn(result, key, value);
  retainKeys(result, patch);
  for (const [key, value] of Object.entries(patch)) {
    if (key === '$patch' || key === '$retainKeys') continue;
    if (key.startsWith(deletePrefix) || key.startsWith(orderPrefix)) continue;
    const current = Object.hasOwn(result, key) ? result[key] : undefined;
    const merged = mergeField(current, value, memberSchema(schema, key), patch, key);
    if (merged === undefined) delete result[key];
    else setOwn(result, key, merged);
  }
  // Directives may stand alone, for a field the patch does not set otherwise.
  for (const key of Object.keys(patch)) {
    const field = key.startsWith(deletePrefix)
      ? key.slice(deletePrefix.length)
      : key.startsWith(orderPrefix)
        ? key.slice(orderPrefix.length)
        : undefined;
    if (field === undefined || Object.hasOwn(patch, field)) continue;
    const current = Object.hasOwn(result, field) ? result[field] : undefined;
    if (!Array.isArray(current)) continue;
    setOwn(result, field, mergeLists(current, [], memberSchema(schema, field), patch, field));
  }
  return result;
}

/** `$retainKeys` lists every member that may stay: a union's other arms go. */
function retainKeys(result: Record<string, JsonValue>, patch: JsonObject): void {
  const retained = patch.$retainKeys;
  if (retained === undefined) return;
  if (!Array.isArray(retained)) throw badRequest('invalid patch: $retainKeys must be a list');
  for (const key of Object.keys(patch)) {
    if (!key.startsWith('$') && patch[key] !== null && !retained.includes(key)) {
      throw badRequest(
        `invalid patch: $retainKeys does not list ${JSON.stringify(key)}, which the patch sets`,
      );
    }
  }
  for (const key of Object.keys(result)) if (!retained.includes(key)) delete result[key];
}

function mergeField(
  current: JsonValue | undefined,
  value: JsonValue,
  schema: Schema | undefined,
  patch: JsonObject,
  key: string,
): JsonValue | undefined {
  if (value === null) return undefined;
  if (isObject(value)) {
    if (isObject(current) && !strategies(schema).includes('replace'))
      return mergeObjects(current, value, schema);
    return mergeObjects(undefined, value, schema);
  }
  if (Array.isArray(value)) {
    if (strategies(schema).includes('merge')) {
      return mergeLists(Array.isArray(current) ? current : [], value, schema, patch, key);
    }
    return value.map((item) => (isObject(item) ? withoutDirectives(item) : item));
  }
  return value;
}

function withoutDirectives(item: JsonObject): JsonObject {
  return mergeObjects(undefined, item, undefined);
}

function mergeLists(
  current: readonly JsonValue[],
  items: readonly JsonValue[],
  schema: Schema | undefined,
  patch: JsonObject,
  field: string,
): readonly JsonValue[] {
  const key = schema?.['x-kubernetes-patch-merge-key'];
  const order = patch[orderPrefix + field];
  const removed = patch[deletePrefix + field];
  if (order !== undefined && !Array.isArray(order))
    throw badRequest(`invalid patch: ${orderPrefix}${field} must be a list`);
  if (removed !== undefined && !Array.isArray(removed))
    throw badRequest(`invalid patch: ${deletePrefix}${field} must be a list`);
  const merged =
    key === undefined
      ? mergePrimitives(current, items, removed)
      : mergeByKey(current, items, key, schema?.items);
  return inOrder(merged, (order as readonly JsonValue[] | undefined) ?? items, current, key);
}

function mergePrimitives(
  current: readonly JsonValue[],
  items: readonly JsonValue[],
  removed: JsonValue | undefined,
): readonly JsonValue[] {
  const gone = new Set(
    ((removed as readonly JsonValue[] | undefined) ?? []).map((item) => JSON.stringify(item)),
  );
  const kept = current.filter((item) => !gone.has(JSON.stringify(item)));
  return [...new Map([...kept, ...items].map((item) => [JSON.stringify(item), item])).values()];
}

function mergeByKey(
  current: readonly JsonValue[],
  items: readonly JsonValue[],
  key: string,
  schema: Schema | undefined,
): readonly JsonValue[] {
  for (const item of items) {
    if (!isObject(item))
      throw badRequest(`invalid patch: an item of a list merged by ${JSON.stringify(key)} must be an object`);
    if (item.$patch === 'merge') throw badRequest('merging lists cannot yet be specified in the patch');
    if (item.$patch !== 'replace' && !Object.hasOwn(item, key)) {
      throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`);
    }
  }
  const given = items as readonly JsonObject[];
  // One such item says that the other items of the patch are the whole list.
  const base = given.some((item) => item.$patch === 'replace') ? [] : current;
  const deleted = new Set(
    given.filter((item) => item.$patch === 'delete').map((item) => identityOf(item, key)),
  );
  const result = base.filter((item) => !deleted.has(identityOf(item, key)));
  const places = new Map<string, number>();
  result.forEach((item, i) => {
    const identity = identityOf(item, key);
    if (!places.has(identity)) places.set(identity, i);
  });
  for (const item of given) {
    if (item.$patch === 'replace' || item.$patch === 'delete') continue;
    const identity = identityOf(item, key);
    const at = places.get(identity);
    const before = at === undefined ? undefined : result[at];
    const merged = mergeObjects(isObject(before) ? before : undefined, item, schema);
    if (at === undefined) places.set(identity, result.push(merged) - 1);
    else result[at] = merged;
  }
  return result;
}

/** What tells the items of a list apart: the merge key's value, or a primitive itself. */
function identityOf(item: JsonValue, key: string | undefined): string {
  if (key === undefined) return JSON.stringify(item);
  return isObject(item) && Object.hasOwn(item, key) ? JSON.stringify(item[key]) : '';
}

/**
 * Items named by the order (`$setElementOrder`, else the patch's own items) stand in that order; the others keep their place relative to their old
 * neighbours: each goes before the first ordered item that used to follow it.
 */
function inOrder(
  items: readonly JsonValue[],
  order: readonly JsonValue[],
  previous: readonly JsonValue[],
  key: string | undefined,
): readonly JsonValue[] {
  const identity = (item: JsonValue): string => identityOf(item, key);
  const wanted = order.map(identity);
  const rank = new Map(wanted.map((id, i) => [id, i]));
  const ordered = items
    .filter((item) => rank.has(identity(item)))
    .sort((a, b) => (rank.get(identity(a)) ?? 0) - (rank.get(identity(b)) ?? 0));
  const others = items.filter((item) => !rank.has(identity(item)));
  const place = new Map(previous.map((item, i) => [identity(item), i]));
  const result: JsonValue[] = [];
  let next = 0;
  for (const item of ordered) {
    const own = place.get(identity(item));
    while (next < others.length && own !== undefined) {
      const other = place.get(identity(others[next] as JsonValue));
      if (other === undefined || other > own) break;
      result.push(others[next++] as JsonValue);
    }
    result.push(item);
  }
  return [...result, ...others.slice(next)];
}
