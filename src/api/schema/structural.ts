/**
 * What makes a CRD's schema structural (API-15): a type at every level, nothing that cannot be pruned or
 * defaulted, defaults that are valid themselves.
 */
import { fieldError, type FieldPath } from '../field-error.js';
import { deepEqualJson } from '../json.js';
import type { StatusCause } from '../status.js';
import { compilePattern } from './pattern.js';
import { prune } from './prune.js';
import type { Schema } from './schema.js';
import { validateSchema } from './validate.js';

const maxDepth = 100;
const types = ['object', 'array', 'string', 'integer', 'number', 'boolean'];
/** May not be said inside allOf, anyOf, oneOf and not: they only narrow what is declared outside. */
const structuralOnly: Readonly<Record<string, string>> = {
  type: 'must be empty to be structural',
  additionalProperties: 'must be undefined to be structural',
  default: 'must be undefined to be structural',
  title: 'must be empty to be structural',
  description: 'must be empty to be structural',
  nullable: 'must be false to be structural',
  'x-kubernetes-preserve-unknown-fields': 'must be false to be structural',
  'x-kubernetes-embedded-resource': 'must be false to be structural',
  'x-kubernetes-int-or-string': 'must be false to be structural',
  'x-kubernetes-list-map-keys': 'must be empty to be structural',
  'x-kubernetes-list-type': 'must be undefined to be structural',
  'x-kubernetes-map-type': 'must be undefined to be structural',
  'x-kubernetes-validations': 'must be empty to be structural',
};
const unsupported = [
  '$ref',
  '$schema',
  'id',
  'definitions',
  'dependencies',
  'patternProperties',
  'additionalItems',
  'deprecated',
  'discriminator',
  'readOnly',
  'writeOnly',
  'xml',
] as const;

/** The violations below `path`, the path of the schema itself. */
export function structuralErrors(schema: Schema, path: FieldPath): StatusCause[] {
  const causes: StatusCause[] = [];
  if (schema.type !== 'object') {
    causes.push(
      schema.type === undefined
        ? fieldError.required(path.child('type'), 'must not be empty at the root')
        : fieldError.invalid(path.child('type'), schema.type, 'must be object at the root'),
    );
  }
  level(schema, path, causes, 0, 'root');
  return causes;
}

/** Where a schema stands: messages say so. */
type Place = 'root' | 'field' | 'item';

function level(schema: Schema, path: FieldPath, causes: StatusCause[], depth: number, place: Place): void {
  const root = place === 'root';
  if (typeof schema !== 'object' || schema === null) {
    causes.push(fieldError.invalid(path, schema, 'must be a schema object'));
    return;
  }
  if (depth > maxDepth) {
    causes.push(fieldError.invalid(path, '…', `must not be nested deeper than ${maxDepth} levels`));
    return;
  }
  checkKeywords(schema, path, causes);
  checkType(schema, path, causes, place);
  checkLists(schema, path, causes);
  checkDefault(schema, path, causes);
  checkPattern(schema, path, causes);
  checkExtensions(schema, path, causes);
  for (const [name, branches] of Object.entries({
    allOf: schema.allOf,
    anyOf: schema.anyOf,
    oneOf: schema.oneOf,
  })) {
    branches?.forEach((branch, i) =>
      logic(branch, path.child(name).index(i), causes, mayNameTypes(schema, name, i)),
    );
  }
  if (schema.not) logic(schema.not, path.child('not'), causes, 'nothing');
  if (root && schema.additionalProperties !== undefined)
    causes.push(fieldError.forbidden(path.child('additionalProperties'), 'must not be used at the root'));
  if (
    schema.properties &&
    schema.additionalProperties !== undefined &&
    schema.additionalProperties !== false
  ) {
    causes.push(fieldError.forbidden(path.child('additionalProperties'), 'must not be used with properties'));
  }
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    const at = path.child('properties').key(name);
    if (root && name === 'metadata') checkRootMetadata(child, at, causes);
    else if (root && (name === 'apiVersion' || name === 'kind')) {
      if (child.type !== 'string')
        causes.push(fieldError.invalid(at.child('type'), child.type ?? '', 'must be string'));
    } else level(child, at, causes, depth + 1, 'field');
  }
  if (typeof schema.additionalProperties === 'object') {
    level(schema.additionalProperties, path.child('additionalProperties'), causes, depth + 1, 'field');
  }
  if (schema.items) level(schema.items, path.child('items'), causes, depth + 1, 'item');
}

/** The server says what metadata is; a schema may only narrow the names. */
function checkRootMetadata(schema: Schema, path: FieldPath, causes: StatusCause[]): void {
  if (schema.type !== 'object')
    causes.push(fieldError.invalid(path.child('type'), schema.type ?? '', 'must be object'));
  const { type: _type, properties = {}, description: _description, ...rest } = schema;
  const others = Object.keys(properties).filter((name) => name !== 'name' && name !== 'generateName');
  if (others.length > 0 || Object.keys(rest).length > 0) {
    causes.push(
      fieldError.forbidden(
        path,
        'must not specify anything other than name and generateName, but metadata is implicitly specified',
      ),
    );
  }
}

function checkExtensions(schema: Schema, path: FieldPath, causes: StatusCause[]): void {
  if (schema['x-kubernetes-int-or-string']) {
    for (const name of ['x-kubernetes-preserve-unknown-fields', 'x-kubernetes-embedded-resource'] as const) {
      if (schema[name])
        causes.push(
          fieldError.invalid(path.child(name), true, 'must be false if x-kubernetes-int-or-string is true'),
        );
    }
  }
  if (!schema['x-kubernetes-embedded-resource']) return;
  if (schema.additionalProperties !== undefined) {
    causes.push(
      fieldError.forbidden(
        path.child('additionalProperties'),
        'must not be used if x-kubernetes-embedded-resource is set',
      ),
    );
  }
  if (!schema['x-kubernetes-preserve-unknown-fields'] && Object.keys(schema.properties ?? {}).length === 0) {
    causes.push(
      fieldError.required(
        path.child('properties'),
        'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields',
      ),
    );
  }
}

function checkKeywords(schema: Schema, path: FieldPath, causes: StatusCause[]): void {
  for (const keyword of unsupported) {
    if (Object.hasOwn(schema, keyword))
      causes.push(fieldError.forbidden(path.child(keyword), `${keyword} is not supported`));
  }
  if (schema.uniqueItems) {
    causes.push(
      fieldError.forbidden(
        path.child('uniqueItems'),
        'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
      ),
    );
  }
  if (schema.additionalProperties === false) {
    causes.push(
      fieldError.forbidden(path.child('additionalProperties'), 'additionalProperties cannot be set to false'),
    );
  }
}

function checkType(schema: Schema, path: FieldPath, causes: StatusCause[], place: Place): void {
  const intOrString = schema['x-kubernetes-int-or-string'] === true;
  if (schema.type === undefined) {
    if (schema['x-kubernetes-embedded-resource']) {
      causes.push(
        fieldError.required(path.child('type'), 'must be object if x-kubernetes-embedded-resource is true'),
      );
      return;
    }
    const free = intOrString || schema['x-kubernetes-preserve-unknown-fields'] === true;
    if (!free && place !== 'root') {
      const what = place === 'item' ? 'array items' : 'object fields';
      causes.push(fieldError.required(path.child('type'), `must not be empty for specified ${what}`));
    }
    return;
  }
  if (!types.includes(schema.type))
    causes.push(fieldError.notSupported(path.child('type'), schema.type, types));
  if (intOrString) {
    causes.push(
      fieldError.invalid(
        path.child('type'),
        schema.type,
        'must be empty if x-kubernetes-int-or-string is true',
      ),
    );
  }
  if (schema.type === 'array' && !schema.items)
    causes.push(fieldError.required(path.child('items'), 'must be specified'));
  if (schema['x-kubernetes-embedded-resource'] && schema.type !== 'object') {
    causes.push(
      fieldError.invalid(
        path.child('type'),
        schema.type,
        'must be object if x-kubernetes-embedded-resource is true',
      ),
    );
  }
}

function checkLists(schema: Schema, path: FieldPath, causes: StatusCause[]): void {
  const listType = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'];
  if (listType === undefined) {
    if (keys?.length)
      causes.push(
        fieldError.forbidden(
          path.child('x-kubernetes-list-map-keys'),
          'may only be set if x-kubernetes-list-type is map',
        ),
      );
    return;
  }
  if (!['atomic', 'set', 'map'].includes(listType)) {
    causes.push(
      fieldError.notSupported(path.child('x-kubernetes-list-type'), listType, ['atomic', 'map', 'set']),
    );
    return;
  }
  if (schema.type !== 'array') {
    causes.push(
      fieldError.invalid(
        path.child('type'),
        schema.type ?? '',
        'must be array if x-kubernetes-list-type is specified',
      ),
    );
  }
  if (listType !== 'map') return;
  if (!keys || keys.length === 0) {
    causes.push(
      fieldError.required(
        path.child('x-kubernetes-list-map-keys'),
        'must not be empty if x-kubernetes-list-type is map',
      ),
    );
    return;
  }
  if (schema.items?.type !== 'object') {
    causes.push(
      fieldError.invalid(
        path.child('items').child('type'),
        schema.items?.type ?? '',
        "must be object if parent array's x-kubernetes-list-type is map",
      ),
    );
  }
  keys.forEach((key, i) => {
    const { properties = {} } = schema.items ?? {};
    const declared = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (!declared) {
      causes.push(
        fieldError.invalid(
          path.child('x-kubernetes-list-map-keys').index(i),
          key,
          'entries must all be names of item properties',
        ),
      );
    } else if (declared.default === undefined && !schema.items?.required?.includes(key)) {
      causes.push(
        fieldError.required(
          path.child('items').child('properties').key(key).child('default'),
          'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
        ),
      );
    }
  });
}

function checkDefault(schema: Schema, path: FieldPath, causes: StatusCause[]): void {
  if (schema.default === undefined) return;
  const at = path.child('default');
  if (!deepEqualJson(prune(schema.default, schema), schema.default)) {
    causes.push(fieldError.invalid(at, schema.default, 'must not have unknown fields'));
  }
  causes.push(...validateSchema(schema.default, schema, at));
}

function checkPattern({ pattern }: Schema, path: FieldPath, causes: StatusCause[]): void {
  if (pattern === undefined || compilePattern(pattern)) return;
  causes.push(
    fieldError.invalid(path.child('pattern'), pattern, "must be a valid regular expression, but isn't"),
  );
}

/** What inside a branch may name a type: the branch itself, the branches of its anyOf, or nothing. */
type MayNameTypes = 'itself' | 'anyOf' | 'nothing';

/** Types may only be repeated as the two of an int-or-string: in anyOf, or in the anyOf of the first allOf. */
function mayNameTypes(schema: Schema, junctor: string, index: number): MayNameTypes {
  if (junctor === 'anyOf' && isIntOrString(schema.anyOf)) return 'itself';
  if (junctor === 'allOf' && index === 0 && isIntOrString(schema.allOf?.[0]?.anyOf)) return 'anyOf';
  return 'nothing';
}

function isIntOrString(branches: readonly Schema[] | undefined): boolean {
  return deepEqualJson(branches, [{ type: 'integer' }, { type: 'string' }]);
}

function logic(schema: Schema, path: FieldPath, causes: StatusCause[], types: MayNameTypes): void {
  for (const [keyword, why] of Object.entries(structuralOnly)) {
    const value = (schema as Readonly<Record<string, unknown>>)[keyword];
    if (value === undefined || value === false || (keyword === 'type' && types === 'itself')) continue;
    causes.push(fieldError.forbidden(path.child(keyword), why));
  }
  checkPattern(schema, path, causes);
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    const at = path.child('properties').key(name);
    if (name === 'metadata')
      causes.push(fieldError.forbidden(at, 'must not be specified in a nested context'));
    logic(child, at, causes, 'nothing');
  }
  if (schema.items) logic(schema.items, path.child('items'), causes, 'nothing');
  for (const [name, branches] of Object.entries({
    allOf: schema.allOf,
    anyOf: schema.anyOf,
    oneOf: schema.oneOf,
  })) {
    const below: MayNameTypes = name === 'anyOf' && types === 'anyOf' ? 'itself' : 'nothing';
    branches?.forEach((branch, i) => logic(branch, path.child(name).index(i), causes, below));
  }
  if (schema.not) logic(schema.not, path.child('not'), causes, 'nothing');
}
