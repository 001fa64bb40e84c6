/**
 * Schemas of built-in types, inflated from the facts table on first use.
 *
 * One schema per named type: two fields of one type share it (a field that adds a default, say, gets a
 * copy whose `properties` are still the shared ones), and asking again gives the same object. Types may
 * refer to themselves, so `properties` of a named type is resolved when first read; from then on it is a
 * plain property. Schemas are shared: never mutate them.
 */
import type { ProtobufField, Schema } from '../schema/schema.js';
import { type FieldExpression, parseField } from './field.js';
import { leafSchemas } from './leaf-types.js';
import { facts, type TypeEntry } from './table.js';

const inflated = new Map<string, Schema>(leafSchemas);

const scalars: Readonly<Record<string, Schema>> = {
  string: { type: 'string' },
  bytes: { type: 'string', format: 'byte' },
  int32: { type: 'integer', format: 'int32' },
  int64: { type: 'integer', format: 'int64' },
  double: { type: 'number', format: 'double' },
  bool: { type: 'boolean' },
  object: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
};

const packageOf = new Map(Object.entries(facts.packages).map(([short, full]) => [full, short]));

/** `core.v1.Pod` → `io.k8s.api.core.v1.Pod`. */
export function fullTypeName(name: string): string {
  const dot = name.lastIndexOf('.');
  return `${facts.packages[name.slice(0, dot)]}${name.slice(dot)}`;
}

/** The schema of a named type, such as `io.k8s.api.core.v1.PodSpec` or `io.k8s.api.core.v1.PodList`. */
export function schemaOfType(typeName: string): Schema | undefined {
  const known = inflated.get(typeName);
  if (known) return known;
  const dot = typeName.lastIndexOf('.');
  const types = facts.types[packageOf.get(typeName.slice(0, dot)) ?? ''];
  const name = typeName.slice(dot + 1);
  if (types === undefined) return undefined;
  const own = (type: string) => (Object.hasOwn(types, type) ? types[type] : undefined);
  let entry = own(name);
  if (entry === undefined && name.endsWith('List')) {
    const item = name.slice(0, -'List'.length);
    const isKind = own(item)?.['apiVersion'] !== undefined && own(item)?.['metadata'] !== undefined;
    if (isKind) entry = listEntry(`${packageOf.get(typeName.slice(0, dot))}.${item}`);
  }
  if (entry === undefined) return undefined;
  const schema = inflateType(typeName, entry);
  inflated.set(typeName, schema);
  return schema;
}

/** Lists all have one shape, so the table leaves them out. */
function listEntry(itemType: string): TypeEntry {
  return {
    apiVersion: 'string',
    items: `2 []${itemType} !`,
    kind: 'string',
    metadata: '1 meta.v1.ListMeta default={}',
  };
}

function inflateType(typeName: string, entry: TypeEntry): Schema {
  const fields: [name: string, field: FieldExpression][] = [];
  const protobuf: Record<string, ProtobufField> = Object.create(null);
  let hasProtobuf = false;
  let own: Partial<Schema> = {};
  for (const [name, expression] of Object.entries(entry)) {
    if (name === '') {
      own = parseField(`object ${expression}`).extras;
      continue;
    }
    const field = parseField(expression);
    const inline = name.startsWith('~');
    if (!inline) fields.push([name, field]);
    if (field.number !== undefined) {
      hasProtobuf = true;
      protobuf[inline ? name.slice(1) : name] = protobufField(field.number, field, inline);
    }
  }
  const required = fields.filter(([, field]) => field.required).map(([name]) => name);
  const schema: Schema = {
    type: 'object',
    typeName,
    ...own,
    ...(required.length > 0 ? { required } : {}),
    ...(hasProtobuf ? { protobuf } : {}),
  };
  defineLazily(schema, 'properties', () => {
    const properties: Record<string, Schema> = Object.create(null);
    for (const [name, field] of fields) properties[name] = fieldSchema(field);
    return properties;
  });
  return schema;
}

function protobufField(number: number, field: FieldExpression, inline: boolean): ProtobufField {
  const protobufType = (type: string): string => (type.includes('.') ? fullTypeName(type) : type);
  const { type } = field;
  const repeated = type.startsWith('[]');
  return {
    number,
    type: type.startsWith('{}')
      ? `map<string, ${protobufType(type.slice(2))}>`
      : protobufType(repeated ? type.slice(2) : type),
    repeated,
    ...(field.keepsZero ? { keepsZero: true } : {}),
    ...(inline ? { inline: true } : {}),
  };
}

function fieldSchema(field: FieldExpression): Schema {
  const values = field.enumIndex === undefined ? undefined : facts.enums[field.enumIndex];
  const isList = field.type.startsWith('[]');
  const base = typeSchema(field.type, isList ? values : undefined);
  const extras: Partial<Schema> = { ...field.extras, ...(values && !isList ? { enum: values } : {}) };
  return Object.keys(extras).length === 0 ? base : extend(base, extras);
}

function typeSchema(type: string, itemValues?: readonly string[]): Schema {
  if (type.startsWith('[]')) {
    const items = typeSchema(type.slice(2));
    return { type: 'array', items: itemValues ? { ...items, enum: itemValues } : items };
  }
  if (type.startsWith('{}')) return { type: 'object', additionalProperties: typeSchema(type.slice(2)) };
  const schema = scalars[type] ?? schemaOfType(fullTypeName(type));
  if (schema === undefined) throw new Error(`facts.json: no type ${type}`);
  return schema;
}

/** A copy of a schema with more attributes, whose `properties` stay those of the original. */
function extend(base: Schema, extras: Partial<Schema>): Schema {
  const { properties: lazy, ...attributes } = Object.getOwnPropertyDescriptors(base);
  const copy: Schema = Object.defineProperties({}, attributes);
  if (lazy) defineLazily(copy, 'properties', () => base.properties);
  return Object.assign(copy, extras);
}

/** A property computed when first read and plain from then on. */
function defineLazily<K extends keyof Schema>(schema: Schema, name: K, compute: () => Schema[K]): void {
  Object.defineProperty(schema, name, {
    configurable: true,
    enumerable: true,
    get() {
      const value = compute();
      Object.defineProperty(schema, name, { configurable: true, enumerable: true, writable: false, value });
      return value;
    },
  });
}
