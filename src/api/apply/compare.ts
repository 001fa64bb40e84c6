/** What changed between two versions of an object, as sets of fields. */
import { deepEqualJson } from '../json.js';
import type { JsonObject, JsonValue } from '../objects.js';
import { isJsonObject, memberSchema } from '../schema/navigate.js';
import type { Schema } from '../schema/schema.js';
import { fieldElement, FieldSet } from './field-set.js';
import { fieldsOfElement } from './fields-of.js';
import { isAlwaysThere, itemsByElement, topologyOf } from './topology.js';

export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

const same: Comparison = { added: FieldSet.empty, modified: FieldSet.empty, removed: FieldSet.empty };

export function compareFields(before: JsonObject, after: JsonObject, schema: Schema): Comparison {
  return compareBelow(before, after, schema);
}

function compareBelow(before: JsonValue, after: JsonValue, schema: Schema | undefined): Comparison {
  if (before === after) return same;
  let result = same;
  const merge = (part: Comparison): void => {
    result = {
      added: result.added.union(part.added),
      modified: result.modified.union(part.modified),
      removed: result.removed.union(part.removed),
    };
  };
  if (Array.isArray(before) && Array.isArray(after)) {
    const [old, now] = [itemsByElement(before, schema), itemsByElement(after, schema)];
    for (const [element, item] of now)
      merge(compareElement(element, old.get(element), item, schema?.items, true));
    for (const [element, item] of old)
      if (!now.has(element)) merge(compareElement(element, item, undefined, schema?.items, true));
  } else if (isJsonObject(before) && isJsonObject(after)) {
    for (const [key, value] of Object.entries(after)) {
      const old = Object.hasOwn(before, key) ? before[key] : undefined;
      merge(
        compareElement(fieldElement(key), old, value, memberSchema(schema, key), !isAlwaysThere(schema, key)),
      );
    }
    for (const [key, value] of Object.entries(before)) {
      if (Object.hasOwn(after, key)) continue;
      merge(
        compareElement(
          fieldElement(key),
          value,
          undefined,
          memberSchema(schema, key),
          !isAlwaysThere(schema, key),
        ),
      );
    }
  }
  return result;
}

function compareElement(
  element: string,
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  schema: Schema | undefined,
  ownsItself: boolean,
): Comparison {
  if (before === undefined && after === undefined) return same;
  if (before === undefined)
    return { ...same, added: fieldsOfElement(element, after as JsonValue, schema, ownsItself) };
  if (after === undefined) return { ...same, removed: fieldsOfElement(element, before, schema, ownsItself) };
  if (deepEqualJson(before, after)) return same;
  const topology = topologyOf(after, schema);
  if (topology === 'whole' || topology !== topologyOf(before, schema)) {
    return { ...same, modified: new FieldSet(new Set([element])) };
  }
  const below = compareBelow(before, after, schema);
  const lift = (set: FieldSet): FieldSet =>
    set.isEmpty ? FieldSet.empty : new FieldSet(new Set(), new Map([[element, set]]));
  return { added: lift(below.added), modified: lift(below.modified), removed: lift(below.removed) };
}
