/**
 * Structural schemas as types of CEL, and objects of such schemas as values: which fields there are, by which names,
 * and how large their values can become.
 */
import type { Schema } from '../../api/index.js';
import {
  bool,
  bytes,
  type CelType,
  double,
  duration,
  dyn,
  int,
  listOf,
  mapOf,
  objectType,
  string,
  timestamp,
} from './types.js';
import { fromJson, JsonMap, type ListSemantics, ListValue, MapValue, type Value } from './values.js';
import { parseDuration, parseTimestamp } from './library/time.js';

/** Bytes: nothing in a request can be larger. */
export const maxRequestSize = 3 * 1024 * 1024;

const reserved = new Set([
  'true',
  'false',
  'null',
  'in',
  'as',
  'break',
  'const',
  'continue',
  'else',
  'for',
  'function',
  'if',
  'import',
  'let',
  'loop',
  'package',
  'namespace',
  'return',
  'var',
  'void',
  'while',
]);
const escapes: Readonly<Record<string, string>> = {
  __: '__underscores__',
  '.': '__dot__',
  '-': '__dash__',
  '/': '__slash__',
};

/** How expressions spell a property; undefined when they cannot. */
export function escapeProperty(name: string): string | undefined {
  if (reserved.has(name)) return `__${name}__`;
  if (!/^[A-Za-z_./-][A-Za-z0-9_./-]*$/.test(name)) return undefined;
  const escaped = name.replace(/__|[./-]/g, (part) => escapes[part] ?? part);
  return /^[0-9]/.test(escaped) ? undefined : escaped;
}

/** Types of Kubernetes' own are spelled as they are. */
function spelling({ typeName }: Schema, property: string): string | undefined {
  return typeName === undefined ? escapeProperty(property) : property;
}

const namedMetadata: Schema = {
  type: 'object',
  properties: { name: { type: 'string' }, generateName: { type: 'string' } },
};
const identity: Readonly<Record<string, Schema>> = {
  apiVersion: { type: 'string' },
  kind: { type: 'string' },
  metadata: namedMetadata,
};

/** Properties an expression may name: of an object's metadata only its names. */
function propertiesOf(schema: Schema, root: boolean): Readonly<Record<string, Schema>> {
  return root || schema['x-kubernetes-embedded-resource']
    ? { ...schema.properties, ...identity }
    : (schema.properties ?? {});
}

/** Least bytes of a value in JSON. */
export function minJsonSize(schema: Schema): number {
  if (schema['x-kubernetes-int-or-string']) return 1;
  switch (schema.type) {
    case 'boolean':
      return 4;
    case 'integer':
    case 'number':
      return 1;
    case 'string':
      if (schema.format === 'date-time') return 12;
      if (schema.format === 'date') return 12;
      return schema.format === 'duration' ? 4 : 2;
    case 'object': {
      const { properties = {}, required = [] } = schema;
      return required.reduce((sum, name) => {
        const child = Object.hasOwn(properties, name) ? properties[name] : undefined;
        // Quotes, colon and comma, unless the member fills itself in.
        return child && child.default === undefined ? sum + name.length + minJsonSize(child) + 4 : sum;
      }, 2);
    }
    default:
      return 2;
  }
}

function maxText({ maxLength, format, enum: values }: Schema): number {
  // A character takes up to four bytes.
  if (maxLength !== undefined) return maxLength * 4;
  if (values) return Math.max(0, ...values.map((v) => (typeof v === 'string' ? v.length : 0)));
  switch (format) {
    case 'duration':
      return 30;
    case 'date-time':
      return 32;
    case 'date':
      return 10;
    default:
      return maxRequestSize - 2;
  }
}

/**
 * The type of a schema's values; undefined where expressions cannot look: values of any type.
 * @param root of a whole object, which has the identity every object has
 */
export function celType(schema: Schema, root = false, name = 'object'): CelType | undefined {
  if (schema['x-kubernetes-int-or-string']) return dyn;
  switch (schema.type) {
    case 'boolean':
      return bool;
    case 'integer':
      return int;
    case 'number':
      return double;
    case 'string':
      return textType(schema);
    case 'array': {
      const item = schema.items && celType(schema.items, false, `${name}.@idx`);
      if (!schema.items || !item) return undefined;
      return listOf(
        item,
        schema.maxItems ?? Math.floor((maxRequestSize - 2) / (minJsonSize(schema.items) + 1)),
      );
    }
    case 'object':
      return objectOrMap(schema, root, name);
    default:
      return undefined;
  }
}

function textType(schema: Schema): CelType {
  const max = maxText(schema);
  switch (schema.format) {
    case 'byte':
      return { ...bytes, max };
    case 'duration':
      return { ...duration, max };
    case 'date':
    case 'date-time':
      return { ...timestamp, max };
    default:
      return { ...string, max };
  }
}

function objectOrMap(schema: Schema, root: boolean, name: string): CelType | undefined {
  const { additionalProperties: members } = schema;
  if (typeof members === 'object') {
    const item = celType(members, false, `${name}.@elem`);
    if (!item) return undefined;
    const max = schema.maxProperties ?? Math.floor((maxRequestSize - 2) / (minJsonSize(members) + 6));
    return mapOf({ ...string, max: maxRequestSize - 2 }, item, max);
  }
  const fields = new Map<string, CelType>();
  for (const [property, child] of Object.entries(propertiesOf(schema, root))) {
    const escaped = spelling(schema, property);
    const type = escaped === undefined ? undefined : celType(child, false, `${name}.${property}`);
    if (escaped !== undefined && type) fields.set(escaped, type);
  }
  return objectType(name, fields);
}

/** An object of a schema: fields by their escaped names. */
class SchemaObject extends MapValue {
  constructor(
    private readonly object: Readonly<Record<string, unknown>>,
    private readonly fields: FieldNames,
  ) {
    super();
  }

  override get objectName(): string {
    return 'object';
  }

  override get size(): number {
    return Object.keys(this.object).length;
  }

  override keys(): Value[] {
    return Object.keys(this.object);
  }

  override get(key: Value): Value | undefined {
    if (typeof key !== 'string' || !Object.hasOwn(this.object, key)) return undefined;
    return celValue(this.object[key], this.fields.schemas.get(key));
  }

  override field(name: string): Value | undefined {
    const property = this.fields.properties.get(name);
    return property === undefined ? undefined : this.get(property);
  }
}

interface FieldNames {
  /** By the names expressions use. */
  readonly properties: ReadonlyMap<string, string>;
  readonly schemas: ReadonlyMap<string, Schema>;
}

const fieldNames = { root: new WeakMap<Schema, FieldNames>(), nested: new WeakMap<Schema, FieldNames>() };

function fieldNamesOf(schema: Schema, root: boolean): FieldNames {
  const known = root ? fieldNames.root : fieldNames.nested;
  let names = known.get(schema);
  if (!names) {
    const schemas = new Map(Object.entries(propertiesOf(schema, root)));
    const properties = new Map(
      [...schemas.keys()].flatMap((name) => {
        const escaped = spelling(schema, name);
        return escaped === undefined ? [] : [[escaped, name] as const];
      }),
    );
    known.set(schema, (names = { properties, schemas }));
  }
  return names;
}

/** A value of a schema; what nothing is known of is taken as it is. */
export function celValue(json: unknown, schema: Schema | undefined, root = false): Value {
  if (json === null || json === undefined) return null;
  if (!schema?.type || schema['x-kubernetes-int-or-string']) return fromJson(json);
  switch (typeof json) {
    case 'number':
      return schema.type === 'number' ? json : fromJson(json);
    case 'string':
      return text(json, schema);
    case 'object':
      break;
    default:
      return fromJson(json);
  }
  if (Array.isArray(json)) {
    const { items } = schema;
    return new ListValue(json, (item) => celValue(item, items), semanticsOf(schema));
  }
  const object = json as Readonly<Record<string, unknown>>;
  const { additionalProperties: members } = schema;
  if (typeof members === 'object') return new JsonMap(object, (member) => celValue(member, members));
  return new SchemaObject(object, fieldNamesOf(schema, root));
}

function text(json: string, { format }: Schema): Value {
  switch (format) {
    case 'byte':
      return Buffer.from(json, 'base64');
    case 'duration':
      return parseDuration(json);
    case 'date':
      return parseTimestamp(`${json}T00:00:00Z`);
    case 'date-time':
      return parseTimestamp(json);
    default:
      return json;
  }
}

function semanticsOf(schema: Schema): ListSemantics | undefined {
  const kind = schema['x-kubernetes-list-type'];
  if (kind === 'set') return { kind, identity: (item) => `${typeof item} ${String(item)}` };
  if (kind !== 'map') return undefined;
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  return {
    kind,
    identity: (item) =>
      JSON.stringify(keys.map((key) => (item instanceof MapValue ? String(item.get(key) ?? '') : ''))),
  };
}
