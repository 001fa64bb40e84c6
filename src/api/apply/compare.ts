/** What changed between two versions of an object, as sets of fields. */
import { deepEqualJson } from '../json.js';
import type { JsonObject, JsonValue } from '../objects.js';
import { isJsonObject, memberSchema } from '../schema/navigate.js';
import type { Schema } from '../schema/schema.js';
import { fieldElement, FieldSet, FieldSetBuilder } from './field-set.js';
import { fieldsOfElement } from './fields-of.js';
import { groupByElement, isAlwaysThere, topologyOf } from './topology.js';

export interface Comparison {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

/** Where the changes below one element are collected. */
class Changes {
  constructor(
    readonly added: FieldSetBuilder,
    readonly modified: FieldSetBuilder,
    readonly removed: FieldSetBuilder,
  ) {}

  below(element: string): Changes {
    return new Changes(this.added.child(element), this.modified.child(element), this.removed.child(element));
  }
}

export function compareFields(before: JsonObject, after: JsonObject, schema: Schema): Comparison {
  const changes = new Changes(new FieldSetBuilder(), new FieldSetBuilder(), new FieldSetBuilder());
  compareBelow(before, after, schema, changes);
  return {
    added: changes.added.build(),
    modified: changes.modified.build(),
    removed: changes.removed.build(),
  };
}

function compareBelow(
  before: JsonValue,
  after: JsonValue,
  schema: Schema | undefined,
  changes: Changes,
): void {
  if (before === after) return;
  if (Array.isArray(before) && Array.isArray(after)) {
    const [old, now] = [groupByElement(before, schema), groupByElement(after, schema)];
    for (const element of new Set([...now.keys(), ...old.keys()])) {
      const [was = [], is = []] = [old.get(element), now.get(element)];
      if (was.length <= 1 && is.length <= 1) {
        compareElement(element, was[0], is[0], schema?.items, true, changes);
      } else if (was.length === 0) {
        changes.added.addAll(fieldsOfElement(element, is[0] as JsonValue, schema?.items, true));
      } else if (is.length === 0) {
        for (const item of was) changes.removed.addAll(fieldsOfElement(element, item, schema?.items, true));
      } else if (!deepEqualJson(was, is)) {
        // Items that cannot be told apart change as one.
        changes.modified.add(element);
      }
    }
  } else if (isJsonObject(before) && isJsonObject(after)) {
    for (const key of new Set([...Object.keys(after), ...Object.keys(before)])) {
      compareElement(
        fieldElement(key),
        Object.hasOwn(before, key) ? before[key] : undefined,
        Object.hasOwn(after, key) ? after[key] : undefined,
        memberSchema(schema, key),
        !isAlwaysThere(schema, key),
        changes,
      );
    }
  }
}

function compareElement(
  element: string,
  before: JsonValue | undefined,
  after: JsonValue | undefined,
  schema: Schema | undefined,
  ownsItself: boolean,
  changes: Changes,
): void {
  const fields = (value: JsonValue | undefined): FieldSet =>
    value === undefined ? FieldSet.empty : fieldsOfElement(element, value, schema, ownsItself);
  if (before === undefined || after === undefined) {
    changes.added.addAll(fields(after));
    changes.removed.addAll(fields(before));
    return;
  }
  if (deepEqualJson(before, after)) return;
  const topology = topologyOf(after, schema);
  if (topology !== topologyOf(before, schema)) {
    // A tree became a leaf, or the other way round: what was below is gone.
    const [was, is] = [fields(before), fields(after)];
    changes.removed.addAll(was.difference(is));
    changes.added.addAll(is.difference(was));
    changes.modified.addAll(is.intersection(was));
    changes.modified.add(element);
  } else if (topology === 'whole') changes.modified.add(element);
  else compareBelow(before, after, schema, changes.below(element));
}
