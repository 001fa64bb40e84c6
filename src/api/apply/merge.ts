/** Merging an applied configuration into the live object, and taking out what is no longer applied. */
import { badRequest } from '../errors.js';
import { setOwn } from '../json.js';
import type { JsonObject, JsonValue } from '../objects.js';
import { isJsonObject, memberSchema } from '../schema/navigate.js';
import type { Schema } from '../schema/schema.js';
import { fieldElement, type FieldSet } from './field-set.js';
import { itemElement, itemsByElement, topologyOf } from './topology.js';

/** The live object with everything the configuration sets. Never changes its input. */
export function mergeConfiguration(live: JsonObject, applied: JsonObject, schema: Schema): JsonObject {
  return mergeValues(live, applied, schema) as JsonObject;
}

function mergeValues(live: JsonValue | undefined, applied: JsonValue, schema: Schema | undefined): JsonValue {
  const topology = topologyOf(applied, schema);
  if (topology === 'members') {
    if (!isJsonObject(live)) return mergeValues({}, applied, schema);
    const result: Record<string, JsonValue> = {};
    for (const [key, value] of Object.entries(live)) setOwn(result, key, value);
    for (const [key, value] of Object.entries(applied as JsonObject)) {
      setOwn(
        result,
        key,
        mergeValues(Object.hasOwn(result, key) ? result[key] : undefined, value, memberSchema(schema, key)),
      );
    }
    return result;
  }
  if (topology === 'whole') return applied;
  return mergeLists(Array.isArray(live) ? live : [], applied as readonly JsonValue[], schema);
}

/**
 * Items of the configuration stand in its order; the others stay where they were between the items that
 * both lists have, and before what is new (structured-merge-diff typed/merge.go).
 */
function mergeLists(
  live: readonly JsonValue[],
  applied: readonly JsonValue[],
  schema: Schema | undefined,
): JsonValue[] {
  const old = itemsByElement(live, schema);
  const wanted = itemsByElement(applied, schema);
  if (wanted.size !== applied.length)
    throw badRequest(
      `duplicate entries in a list that is merged by key: ${JSON.stringify([...wanted.keys()])}`,
    );
  const result: JsonValue[] = [];
  const others = old.entries();
  let next = others.next();
  /** Takes over what only the live list has, up to an item that both have. */
  const takeOthers = (until: string | undefined): void => {
    for (; !next.done && next.value[0] !== until; next = others.next()) {
      const [element, item] = next.value;
      if (!wanted.has(element)) result.push(item);
    }
  };
  const shared = [...wanted.keys()].filter((element) => old.has(element));
  let turn = 0;
  for (const [element, item] of wanted) {
    takeOthers(shared[turn]);
    if (element === shared[turn]) turn++;
    result.push(mergeValues(old.get(element), item, schema?.items));
  }
  takeOthers(undefined);
  return result;
}

/**
 * The object without the fields of `gone` that `kept` does not hold, itself or through something below.
 * What becomes empty that way goes too.
 */
export function removeFields(object: JsonObject, gone: FieldSet, kept: FieldSet, schema: Schema): JsonObject {
  return (removeBelow(object, gone, kept, schema) ?? {}) as JsonObject;
}

function removeBelow(
  value: JsonValue,
  gone: FieldSet,
  kept: FieldSet | undefined,
  schema: Schema | undefined,
): JsonValue | undefined {
  if (gone.isEmpty) return value;
  const next = (element: string, member: JsonValue, child: Schema | undefined): JsonValue | undefined => {
    const keptBelow = kept?.children.get(element);
    const isKept = keptBelow !== undefined || (kept?.members.has(element) ?? false);
    if (gone.members.has(element) && !isKept) return undefined;
    const below = gone.children.get(element);
    if (!below) return member;
    const rest = removeBelow(member, below, keptBelow, child);
    return rest === undefined && isKept ? emptyOf(member) : rest;
  };
  if (Array.isArray(value)) {
    const items: JsonValue[] = [];
    let changed = false;
    for (const item of value as readonly JsonValue[]) {
      const rest = next(itemElement(item, schema), item, schema?.items);
      if (rest !== undefined) items.push(rest);
      changed ||= rest !== item;
    }
    if (!changed) return value;
    return items.length === 0 ? undefined : items;
  }
  if (!isJsonObject(value)) return value;
  const result: Record<string, JsonValue> = {};
  let changed = false;
  for (const [key, member] of Object.entries(value)) {
    const rest = next(fieldElement(key), member, memberSchema(schema, key));
    if (rest !== undefined) setOwn(result, key, rest);
    changed ||= rest !== member;
  }
  if (!changed) return value;
  return Object.keys(result).length === 0 ? undefined : result;
}

function emptyOf(value: JsonValue): JsonValue {
  return Array.isArray(value) ? [] : {};
}
