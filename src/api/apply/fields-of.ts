/** The fields an object sets: what a manager that applies it owns. */
import type { JsonObject, JsonValue } from '../objects.js';
import { isJsonObject, memberSchema } from '../schema/navigate.js';
import type { Schema } from '../schema/schema.js';
import { fieldElement, type FieldSet, FieldSetBuilder } from './field-set.js';
import { isAlwaysThere, isDeclaredField, itemElement, topologyOf } from './topology.js';

export function fieldsOf(object: JsonObject, schema: Schema): FieldSet {
  const root = new FieldSetBuilder();
  collectBelow(object, schema, root, applied);
  return root.build();
}

/** The fields of an object that was not there before: what its creator owns, and what `compareFields` calls added. */
export function fieldsOfNew(object: JsonObject, schema: Schema): FieldSet {
  const root = new FieldSetBuilder();
  collectBelow(object, schema, root, appeared);
  return root.build();
}

/** An element that came or went, and what is set below it, as a set of its own. */
export function fieldsOfElement(
  element: string,
  value: JsonValue,
  schema: Schema | undefined,
  ownsItself: boolean,
): FieldSet {
  const root = new FieldSetBuilder();
  collect(element, value, schema, root, ownsItself, appeared);
  return root.build();
}

/** Whether a member is owned itself, beside what it holds. */
type OwnsItself = (parent: Schema | undefined, key: string) => boolean;

/** Who applies a configuration owns an entry of a map; a declared field only through what it holds. */
const applied: OwnsItself = (parent, key) => !isDeclaredField(parent, key);
/** Who makes a map or a list appear owns it too, unless its type has it always. */
const appeared: OwnsItself = (parent, key) => !isAlwaysThere(parent, key);

function collect(
  element: string,
  value: JsonValue,
  schema: Schema | undefined,
  into: FieldSetBuilder,
  ownsItself: boolean,
  ownsMember: OwnsItself,
): void {
  const topology = topologyOf(value, schema);
  const isEmptyMap = isJsonObject(value) && Object.keys(value).length === 0;
  if (topology === 'whole' || isEmptyMap || ownsItself) into.add(element);
  if (topology !== 'whole') collectBelow(value, schema, into.child(element), ownsMember);
}

function collectBelow(
  value: JsonValue,
  schema: Schema | undefined,
  into: FieldSetBuilder,
  ownsMember: OwnsItself,
): void {
  if (Array.isArray(value)) {
    for (const item of value as readonly JsonValue[]) {
      collect(itemElement(item, schema), item, schema?.items, into, true, ownsMember);
    }
  } else if (isJsonObject(value)) {
    for (const key of Object.keys(value)) {
      collect(
        fieldElement(key),
        value[key] as JsonValue,
        memberSchema(schema, key),
        into,
        ownsMember(schema, key),
        ownsMember,
      );
    }
  }
}
