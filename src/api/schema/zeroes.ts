/**
 * What Kubernetes always writes about an object of a built-in kind, though nobody said it: its structs have no notion of absence, so a
 * template's `metadata.creationTimestamp` is null, a fresh ReplicaSet has `status.replicas: 0`, and a node that never reported
 * `nodeInfo.machineID: ""`. Clients that compare what they read field by field count on it.
 */
import { setOwn } from '../json.js';
import type { JsonObject, JsonValue } from '../objects.js';
import { isJsonObject } from './navigate.js';
import type { Schema } from './schema.js';

/** Gives the very same value when nothing is missing. */
export type ZeroFiller = (value: JsonValue) => JsonValue;

const objectMeta = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';
const zeroes: Readonly<Record<string, JsonValue>> = { string: '', integer: 0, number: 0, boolean: false };

/** What fills objects of the kind; undefined when they never lack anything. */
export function zeroFiller(schema: Schema): ZeroFiller | undefined {
  const known = fillers.get(schema);
  if (known) return known.fill;
  const members: [name: string, fill: ZeroFiller][] = [];
  const own: [name: string, zero: JsonValue][] = [];
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    // The object's own metadata is complete; what a spec lacks is filled in when it is written.
    if (name === 'metadata') continue;
    const fill = fillerOf(child, { above: new Set([schema]), structs: name === 'status' });
    if (fill) members.push([name, fill]);
    if (isStruct(child)) own.push([name, fill?.({}) ?? {}]);
  }
  const fill =
    members.length + own.length === 0 ? undefined : (value: JsonValue) => filled(value, members, own);
  fillers.set(schema, { fill });
  return fill;
}

const fillers = new WeakMap<Schema, { readonly fill: ZeroFiller | undefined }>();

/** A field that holds a struct, not a reference to one: it is always there. */
function isStruct({ default: value }: Schema): boolean {
  return isJsonObject(value) && Object.keys(value).length === 0;
}

interface Where {
  /** The types this one is below of: one that holds itself is not followed. */
  readonly above: ReadonlySet<Schema>;
  /** Fills in structs that are absent too. */
  readonly structs: boolean;
}

function fillerOf(schema: Schema, { above, structs }: Where): ZeroFiller | undefined {
  if (above.has(schema)) return undefined;
  const below: Where = { above: new Set([...above, schema]), structs };
  const { items, properties, additionalProperties } = schema;
  if (items) {
    const item = fillerOf(items, below);
    return item && ((value) => mapped(value, item));
  }
  if (!properties) {
    const member =
      typeof additionalProperties === 'object' ? fillerOf(additionalProperties, below) : undefined;
    return member && ((value) => mappedMembers(value, member));
  }
  const own: [name: string, zero: JsonValue][] = [];
  if (schema.typeName === objectMeta) own.push(['creationTimestamp', null]);
  // A struct that is always there, and so are its plain fields.
  else if (isStruct(schema))
    for (const name of schema.required ?? []) {
      const zero = zeroes[properties[name]?.type ?? ''];
      if (zero !== undefined) own.push([name, zero]);
    }
  const members: [name: string, fill: ZeroFiller][] = [];
  for (const [name, child] of Object.entries(properties)) {
    const fill = fillerOf(child, below);
    if (fill) members.push([name, fill]);
    if (structs && isStruct(child)) own.push([name, fill?.({}) ?? {}]);
  }
  if (own.length === 0 && members.length === 0) return undefined;
  return (value) => filled(value, members, own);
}

function filled(
  value: JsonValue,
  members: readonly (readonly [name: string, fill: ZeroFiller])[],
  own: readonly (readonly [name: string, zero: JsonValue])[],
): JsonValue {
  if (!isJsonObject(value)) return value;
  let next: Record<string, JsonValue> | undefined;
  for (const [name, zero] of own) {
    if (Object.hasOwn(value, name)) continue;
    next ??= { ...value };
    setOwn(next, name, zero);
  }
  for (const [name, fill] of members) {
    const member: JsonValue | undefined = Object.hasOwn(value, name)
      ? (value as JsonObject)[name]
      : undefined;
    if (member === undefined) continue;
    const made = fill(member);
    if (made === member) continue;
    next ??= { ...value };
    setOwn(next, name, made);
  }
  return next ?? value;
}

function mapped(value: JsonValue, fill: ZeroFiller): JsonValue {
  if (!Array.isArray(value)) return value;
  let changed = false;
  const next = value.map((item: JsonValue) => {
    const made = fill(item);
    changed ||= made !== item;
    return made;
  });
  return changed ? next : value;
}

function mappedMembers(value: JsonValue, fill: ZeroFiller): JsonValue {
  return isJsonObject(value)
    ? filled(
        value,
        Object.keys(value).map((name) => [name, fill] as const),
        [],
      )
    : value;
}
