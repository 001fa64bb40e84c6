/**
 * From JSON to the values of CEL: whole numbers are `int` where the schema says integer, or says nothing; a string with the
 * format of a time or a duration is one. Names that CEL cannot write are escaped as Kubernetes does
 * (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#validation-rules).
 */
import type { JsonObject, JsonValue, Schema } from '../../api/index.js';

const reserved = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);
const escapes: readonly (readonly [string, string])[] = [
  ['__', '__underscores__'],
  ['.', '__dot__'],
  ['-', '__dash__'],
  ['/', '__slash__'],
];

/** How a property is called in CEL; undefined when it cannot be. */
export function escaped(name: string): string | undefined {
  if (reserved.has(name)) return `__${name}__`;
  const text = name.replace(
    /__|[.\-/]/g,
    (found) => escapes.find(([plain]) => plain === found)?.[1] ?? found,
  );
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(text) ? text : undefined;
}

const durationPattern = /^[-+]?(?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h))+$/;

/** Makes `timestamp` and `duration` values of their texts. */
export interface Moments {
  duration(text: string): unknown;
}

/** @param schema what is known of the value; absent for objects of any kind */
export function toCel(value: JsonValue | undefined, schema: Schema | undefined, moments: Moments): unknown {
  switch (typeof value) {
    case 'number':
      return schema?.type === 'number' || !Number.isSafeInteger(value) ? value : BigInt(value);
    case 'string':
      return ofText(value, schema, moments);
    case 'object':
      if (value === null) return null;
      if (Array.isArray(value)) return value.map((item) => toCel(item, schema?.items, moments));
      return ofObject(value as JsonObject, schema, moments);
    default:
      return value ?? null;
  }
}

function ofText(text: string, schema: Schema | undefined, moments: Moments): unknown {
  switch (schema?.format) {
    case 'date-time':
    case 'date': {
      const time = new Date(text);
      return Number.isNaN(time.getTime()) ? text : time;
    }
    case 'duration':
      return durationPattern.test(text) ? moments.duration(text) : text;
    case 'byte':
      return new Uint8Array(Buffer.from(text, 'base64'));
    default:
      return text;
  }
}

function ofObject(object: JsonObject, schema: Schema | undefined, moments: Moments): unknown {
  // A map has whatever keys it has; a structure has names, which CEL must be able to write.
  const properties = schema?.properties;
  const values = typeof schema?.additionalProperties === 'object' ? schema.additionalProperties : undefined;
  const entries: [string, unknown][] = [];
  for (const [name, value] of Object.entries(object)) {
    const own = properties && Object.hasOwn(properties, name) ? properties[name] : undefined;
    const called = properties ? escaped(name) : name;
    if (called === undefined) continue;
    // What is null and may not be counts as absent, as it does when it is stored.
    if (value === null && own && !own.nullable) continue;
    entries.push([called, toCel(value, own ?? values, moments)]);
  }
  return new Map(entries);
}

/** The longest list or map within: what bounds how often a comprehension runs. */
export function longestWithin(value: unknown): number {
  if (Array.isArray(value))
    return value.reduce<number>((most, item) => Math.max(most, longestWithin(item)), value.length);
  if (value instanceof Map) {
    let most = value.size;
    for (const item of value.values()) most = Math.max(most, longestWithin(item));
    return most;
  }
  return 1;
}

/** From a CEL value to JSON, for what messages and patches give. */
export function fromCel(value: unknown): JsonValue {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(fromCel);
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, item]) => [String(key), fromCel(item)]));
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fromCel(item)]));
  return value as JsonValue;
}
