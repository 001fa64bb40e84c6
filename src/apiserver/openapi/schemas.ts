/**
 * Component schemas of an OpenAPI v3 document: the types that are reachable from what a document speaks
 * of, each under its name and referred to by `$ref`.
 */
import { leafTypeNames, schemaOfType } from '../../api/facts/index.js';
import type { GroupVersionKind, JsonObject, JsonValue, Schema } from '../../api/index.js';

type MutableObject = Record<string, JsonValue>;

const metaType = (name: string): string => `io.k8s.apimachinery.pkg.apis.meta.v1.${name}`;
export const objectMetaType = metaType('ObjectMeta');
export const listMetaType = metaType('ListMeta');
export const deleteOptionsType = metaType('DeleteOptions');
export const statusType = metaType('Status');
/** Known to OpenAPI only: any object. */
export const patchType = metaType('Patch');

/** What is ours alone, or handled apart from the plain attributes. */
const notAttributes = new Set<string>([
  'typeName',
  'protobuf',
  'properties',
  'items',
  'additionalProperties',
  'allOf',
  'anyOf',
  'oneOf',
  'not',
]);

/** Marks of leaf types that OpenAPI says otherwise, or not at all. */
const leafMarks = new Set<string>(['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-int-or-string']);

/** Collects component schemas; a reference brings its type and all that is reachable from it. */
export class ComponentSchemas {
  private readonly components = new Map<string, MutableObject>();

  /** `{ $ref }` to a built-in type. */
  ref(typeName: string): JsonObject {
    if (!this.components.has(typeName)) {
      const component: MutableObject = {};
      // Known before it is filled: types may contain themselves.
      this.components.set(typeName, component);
      const schema = schemaOfType(typeName);
      Object.assign(component, schema ? this.leafOrObject(typeName, schema) : { type: 'object' });
    }
    return { $ref: `#/components/schemas/${typeName}` };
  }

  /** Adds a component under a name of its own and returns the `$ref` to it. */
  define(name: string, component: JsonObject): JsonObject {
    this.components.set(name, { ...component });
    return { $ref: `#/components/schemas/${name}` };
  }

  /** Says that a component describes a kind; clients find the schema of a kind by it. */
  addKind(name: string, { group, kind, version }: GroupVersionKind): void {
    const component = this.components.get(name);
    if (!component) throw new Error(`no component ${name}`);
    const known = (component['x-kubernetes-group-version-kind'] ?? []) as readonly JsonObject[];
    if (known.some((k) => k['group'] === group && k['version'] === version && k['kind'] === kind)) return;
    component['x-kubernetes-group-version-kind'] = [...known, { group, kind, version }];
  }

  /** The schema of a custom resource: its structural schema, with what every object has merged in. */
  customResource(schema: Schema): JsonObject {
    return { ...this.convert(schema), ...this.objectProperties(schema, this.ref(objectMetaType)) };
  }

  /** By name, sorted. */
  toJSON(): JsonObject {
    return Object.fromEntries([...this.components].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  private leafOrObject(typeName: string, schema: Schema): JsonObject {
    const converted = this.convert(schema);
    const attributes = Object.entries(converted).filter(([name]) => !leafMarks.has(name));
    return {
      ...Object.fromEntries(attributes),
      ...(typeName === leafTypeNames.intOrString ? { oneOf: [{ type: 'integer' }, { type: 'string' }] } : {}),
    };
  }

  private objectProperties(schema: Schema, metadata: JsonObject): JsonObject {
    const own = this.properties(schema);
    const { apiVersion: _, kind: __, metadata: ___, ...rest } = own;
    return {
      type: 'object',
      properties: { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata, ...rest },
    };
  }

  private properties(schema: Schema): JsonObject {
    return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([n, s]) => [n, this.use(s)]));
  }

  /** A schema where it is used: a `$ref` when it has a name, with what the use adds to the type. */
  private use(schema: Schema): JsonObject {
    if (schema.typeName === undefined) {
      const converted = this.convert(schema);
      return schema['x-kubernetes-embedded-resource']
        ? { ...converted, ...this.objectProperties(schema, this.ref(objectMetaType)) }
        : converted;
    }
    const ref = this.ref(schema.typeName);
    const type = schemaOfType(schema.typeName);
    if (schema === type) return ref;
    const added: MutableObject = {};
    for (const [name, value] of Object.entries(schema)) {
      if (notAttributes.has(name) || type?.[name as keyof Schema] === value) continue;
      added[name] = value as JsonValue;
    }
    return Object.keys(added).length === 0 ? ref : { allOf: [ref], ...added };
  }

  private convert(schema: Schema): JsonObject {
    const out: MutableObject = Object.fromEntries(
      Object.entries(schema).filter(([name]) => !notAttributes.has(name)),
    );
    if (schema.properties) out['properties'] = this.properties(schema);
    if (schema.items) out['items'] = this.use(schema.items);
    if (schema.additionalProperties !== undefined) {
      const { additionalProperties } = schema;
      out['additionalProperties'] =
        typeof additionalProperties === 'boolean' ? additionalProperties : this.use(additionalProperties);
    }
    for (const union of ['allOf', 'anyOf', 'oneOf'] as const) {
      const members = schema[union];
      if (members) out[union] = members.map((member) => this.use(member));
    }
    if (schema.not) out['not'] = this.use(schema.not);
    return out;
  }
}
