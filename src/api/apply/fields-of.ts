/** The fields an object sets: what a manager that applies it owns. */
import type { JsonObject, JsonValue } from '../objects.js';
import { isJsonObject, memberSchema } from '../schema/navigate.js';
import type { Schema } from '../schema/schema.js';
import { fieldElement, type FieldSet, FieldSetBuilder } from './field-set.js';
import { isDeclaredField, itemElement, topologyOf } from './topology.js';

export function fieldsOf(object: JsonObject, schema: Schema): FieldSet {
  const root = new FieldSetBuilder();
  collectBelow(object, schema, root);
  return root.build();
}

/** The element and what is set below it, as a set of its own. */
export function fieldsOfElement(
  element: string,
  value: JsonValue,
  schema: Schema | undefined,
  ownsItself: boolean,
): FieldSet {
  const root = new FieldSetBuilder();
  collect(element, value, schema, root, ownsItself);
  return root.build();
}

function collect(
  element: string,
  value: JsonValue,
  schema: Schema | undefined,
  into: FieldSetBuilder,
  ownsItself: boolean,
): void {
  const topology = topologyOf(value, schema);
  const isEmptyMap = isJsonObject(value) && Object.keys(value).length === 0;
  if (topology === 'whole' || isEmptyMap || ownsItself) into.add(element);
  if (topology !== 'whole') collectBelow(value, schema, into.child(element));
}

function collectBelow(value: JsonValue, schema: Schema | undefined, into: FieldSetBuilder): void {
  if (Array.isArray(value)) {
    for (const item of value as readonly JsonValue[])
      collect(itemElement(item, schema), item, schema?.items, into, true);
  } else if (isJsonObject(value)) {
    for (const [key, member] of Object.entries(value)) {
      // An entry of a map is owned itself; a declared field only through what it holds.
      collect(fieldElement(key), member, memberSchema(schema, key), into, !isDeclaredField(schema, key));
    }
  }
}
