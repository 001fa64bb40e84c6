/** Merging an applied configuration into the live object, and taking out what is no longer applied. */
import { badRequest } from '../errors.js';
import { setOwn } from '../json.js';
import type { JsonObject, JsonValue } from '../objects.js';
import { isJsonObject, memberSchema } from '../schema/navigate.js';
import type { Schema } from '../schema/schema.js';
import { elementText, fieldElement, FieldSet } from './field-set.js';
import { groupByElement, isDeclaredField, itemElement, topologyOf } from './topology.js';

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
  const old = groupByElement(live, schema);
  const wanted = groupByElement(applied, schema);
  for (const [element, items] of wanted) {
    if (items.length > 1) throw badRequest(`duplicate entries for key ${elementText(element)}`);
  }
  const result: JsonValue[] = [];
  const others = old.entries();
  let next = others.next();
  /** Takes over what only the live list has, up to an item that both have. */
  const takeOthers = (until: string | undefined): void => {
    for (; !next.done && next.value[0] !== until; next = others.next()) {
      const [element, items] = next.value;
      if (!wanted.has(element)) result.push(...items);
    }
  };
  const shared = [...wanted.keys()].filter((element) => old.has(element));
  let turn = 0;
  for (const [element, [item]] of wanted) {
    takeOthers(shared[turn]);
    if (element === shared[turn]) turn++;
    const current = old.get(element);
    // Items that cannot be told apart are no base for a merge.
    const base = current?.length === 1 ? current[0] : undefined;
    result.push(mergeValues(base, item as JsonValue, schema?.items));
  }
  takeOthers(undefined);
  return result;
}

/** Metadata is there whoever owns what in it. */
const metadata = new FieldSet(new Set([fieldElement('metadata')]));

/**
 * The object without the fields of `gone` that `kept` does not hold. A declared field stays as long as
 * anybody owns it or something in it, and goes with everything in it otherwise: a probe whose handler is no
 * longer applied does not stay behind with its defaults. An item of a list and an entry of a map go as soon
 * as nobody owns them themselves, whatever others own in them. What becomes empty goes too.
 */
export function removeFields(object: JsonObject, gone: FieldSet, kept: FieldSet, schema: Schema): JsonObject {
  return (removeBelow(object, gone, kept.union(metadata), schema) ?? {}) as JsonObject;
}

function removeBelow(
  value: JsonValue,
  gone: FieldSet,
  kept: FieldSet,
  schema: Schema | undefined,
): JsonValue | undefined {
  if (gone.isEmpty) return value;
  const next = (
    element: string,
    member: JsonValue,
    child: Schema | undefined,
    isDeclared: boolean,
  ): JsonValue | undefined => {
    const [goneBelow, keptBelow = FieldSet.empty] = [gone.children.get(element), kept.children.get(element)];
    const isKeptItself = kept.members.has(element);
    const isKept = isKeptItself || !keptBelow.isEmpty;
    if (
      isDeclared
        ? !isKept && (gone.members.has(element) || goneBelow)
        : !isKeptItself && gone.members.has(element)
    )
      return undefined;
    if (!goneBelow) return member;
    const rest = removeBelow(member, goneBelow, keptBelow, child);
    return rest === undefined && isKept ? emptyOf(member) : rest;
  };
  if (Array.isArray(value)) {
    const items: JsonValue[] = [];
    let changed = false;
    for (const item of value as readonly JsonValue[]) {
      const rest = next(itemElement(item, schema), item, schema?.items, false);
      if (rest !== undefined) items.push(withKeys(rest, item, schema));
      changed ||= rest !== item;
    }
    if (!changed) return value;
    return items.length === 0 ? undefined : items;
  }
  if (!isJsonObject(value)) return value;
  const result: Record<string, JsonValue> = {};
  let changed = false;
  for (const [key, member] of Object.entries(value)) {
    const rest = next(fieldElement(key), member, memberSchema(schema, key), isDeclaredField(schema, key));
    if (rest !== undefined) setOwn(result, key, rest);
    changed ||= rest !== member;
  }
  if (!changed) return value;
  return Object.keys(result).length === 0 ? undefined : result;
}

/** What stays of an item keeps its keys, whoever owned them: without them it is no item. */
function withKeys(rest: JsonValue, item: JsonValue, schema: Schema | undefined): JsonValue {
  if (rest === item || !isJsonObject(rest) || !isJsonObject(item)) return rest;
  const lost = (schema?.['x-kubernetes-list-map-keys'] ?? []).filter(
    (key) => Object.hasOwn(item, key) && !Object.hasOwn(rest, key),
  );
  if (lost.length === 0) return rest;
  const keyed: Record<string, JsonValue> = { ...rest };
  for (const key of lost) setOwn(keyed, key, item[key]);
  return keyed;
}

function emptyOf(value: JsonValue): JsonValue {
  return Array.isArray(value) ? [] : {};
}
