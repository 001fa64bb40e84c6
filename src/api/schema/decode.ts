/**
 * Type errors of built-in objects, worded as Go's JSON decoder words them: a built-in kind is decoded
 * into types before anything validates it.
 */
import type { JsonValue } from '../objects.js';
import { isQuantity } from '../quantity.js';
import { matchesFormat } from './formats.js';
import { isJsonObject, isOpen, joinPath, memberSchema } from './navigate.js';
import type { Schema } from './schema.js';

/** The first type error, or undefined. Nulls are always accepted: Go decodes them to nothing. */
export function decodeErrors(value: JsonValue, schema: Schema): string | undefined {
  return check(value, schema, '', schema.typeName ?? '');
}

function jsonName(value: JsonValue): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value;
}

function goType(schema: Schema): string {
  switch (schema.type) {
    case 'integer':
      return schema.format === 'int64' ? 'int64' : 'int32';
    case 'number':
      return 'float64';
    case 'boolean':
      return 'bool';
    case 'string':
      return schema.format === 'byte' ? '[]uint8' : 'string';
    case 'array':
      return `[]${schema.items ? goType(schema.items) : 'interface {}'}`;
    default:
      return (
        shortType(schema) ??
        (typeof schema.additionalProperties === 'object'
          ? `map[string]${goType(schema.additionalProperties)}`
          : 'object')
      );
  }
}

/** `io.k8s.api.core.v1.Container` → `v1.Container`. */
function shortType(schema: Schema): string | undefined {
  return schema.typeName?.split('.').slice(-2).join('.');
}

function isQuantityType(schema: Schema): boolean {
  return schema.typeName?.endsWith('.resource.Quantity') ?? false;
}

function mismatch(value: JsonValue, schema: Schema, path: string, owner: string): string {
  const shown = typeof value === 'number' && schema.type !== undefined ? `number ${value}` : jsonName(value);
  const what =
    typeof value === 'number' && (schema.type === 'integer' || schema.type === 'number')
      ? shown
      : jsonName(value);
  const struct = owner.split('.').at(-1) ?? '';
  return path === ''
    ? `json: cannot unmarshal ${what} into Go value of type ${goType(schema)}`
    : `json: cannot unmarshal ${what} into Go struct field ${struct}.${path} of type ${goType(schema)}`;
}

function check(value: JsonValue, schema: Schema, path: string, owner: string): string | undefined {
  if (value === null) return undefined;
  if (isQuantityType(schema)) {
    const text = typeof value === 'number' || typeof value === 'string' ? String(value) : undefined;
    if (text !== undefined && isQuantity(text)) return undefined;
    return "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
  }
  if (isOpen(schema) && schema.type === undefined && !schema['x-kubernetes-int-or-string']) return undefined;
  if (schema['x-kubernetes-int-or-string']) {
    const fits = typeof value === 'string' || (typeof value === 'number' && Number.isInteger(value));
    return fits ? undefined : mismatch(value, schema, path, owner);
  }
  switch (schema.type) {
    case 'string':
      if (typeof value !== 'string') return mismatch(value, schema, path, owner);
      if (schema.format === 'byte' && !matchesFormat(value, 'byte')) {
        return `illegal base64 data at input byte ${/[^A-Za-z0-9+/]/.exec(value)?.index ?? value.length}`;
      }
      if (schema.format === 'date-time' && value !== '' && !matchesFormat(value, 'date-time')) {
        return `parsing time ${JSON.stringify(JSON.stringify(value))} as "\\"2006-01-02T15:04:05Z07:00\\"": cannot parse ${JSON.stringify(value)} as "2006"`;
      }
      return undefined;
    case 'integer':
      if (
        typeof value !== 'number' ||
        !Number.isInteger(value) ||
        !matchesFormat(value, schema.format ?? '')
      ) {
        return mismatch(value, schema, path, owner);
      }
      return undefined;
    case 'number':
      return typeof value === 'number' ? undefined : mismatch(value, schema, path, owner);
    case 'boolean':
      return typeof value === 'boolean' ? undefined : mismatch(value, schema, path, owner);
    case 'array': {
      if (!Array.isArray(value)) return mismatch(value, schema, path, owner);
      if (!schema.items) return undefined;
      for (const item of value as readonly JsonValue[]) {
        // Go does not name the index.
        const problem = check(item, schema.items, path, owner);
        if (problem !== undefined) return problem;
      }
      return undefined;
    }
    case 'object': {
      if (!isJsonObject(value)) return mismatch(value, schema, path, owner);
      const within = schema.typeName ?? owner;
      for (const key of Object.keys(value)) {
        const child = memberSchema(schema, key);
        const problem = child && check(value[key] as JsonValue, child, joinPath(path, key), within);
        if (problem !== undefined) return problem;
      }
      return undefined;
    }
    default:
      return undefined;
  }
}
