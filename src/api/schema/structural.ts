/**
 * What makes a CRD's schema structural (API-15): a type at every level, nothing that cannot be pruned or
 * defaulted, defaults that are valid themselves.
 */
import { fieldError, type FieldPath } from '../field-error.js';
import { deepEqualJson } from '../json.js';
import type { StatusCause } from '../status.js';
import { prune } from './prune.js';
import type { Schema } from './schema.js';
import { validateSchema } from './validate.js';

const maxDepth = 100;
const types = ['object', 'array', 'string', 'integer', 'number', 'boolean'];
/** May not be said inside allOf, anyOf, oneOf and not: they only narrow what is declared outside. */
const structuralOnly = [
  'type',
  'additionalProperties',
  'default',
  'description',
  'title',
  'nullable',
  'x-kubernetes-preserve-unknown-fields',
  'x-kubernetes-embedded-resource',
  'x-kubernetes-list-type',
  'x-kubernetes-list-map-keys',
] as const;
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
  level(schema, path, causes, 0, true);
  return causes;
}

function level(schema: Schema, path: FieldPath, causes: StatusCause[], depth: number, root: boolean): void {
  if (typeof schema !== 'object' || schema === null) {
    causes.push(fieldError.invalid(path, schema, 'must be a schema object'));
    return;
  }
  if (depth > maxDepth) {
    causes.push(fieldError.invalid(path, '…', `must not be nested deeper than ${maxDepth} levels`));
    return;
  }
  checkKeywords(schema, path, causes);
  checkType(schema, path, causes, root);
  checkLists(schema, path, causes);
  checkDefault(schema, path, causes);
  if (schema.pattern !== undefined) checkPattern(schema.pattern, path, causes);
  for (const [name, branches] of Object.entries({
    allOf: schema.allOf,
    anyOf: schema.anyOf,
    oneOf: schema.oneOf,
  })) {
    branches?.forEach((branch, i) =>
      logic(branch, path.child(name).index(i), causes, isIntOrStringBranch(schema, name)),
    );
  }
  if (schema.not) logic(schema.not, path.child('not'), causes, false);
  if (
    schema.properties &&
    schema.additionalProperties !== undefined &&
    schema.additionalProperties !== false
  ) {
    causes.push(fieldError.forbidden(path.child('additionalProperties'), 'must not be used with properties'));
  }
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    if (root && (name === 'apiVersion' || name === 'kind' || name === 'metadata')) continue;
    level(child, path.child('properties').key(name), causes, depth + 1, false);
  }
  if (typeof schema.additionalProperties === 'object') {
    level(schema.additionalProperties, path.child('additionalProperties'), causes, depth + 1, false);
  }
  if (schema.items) level(schema.items, path.child('items'), causes, depth + 1, false);
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

function checkType(schema: Schema, path: FieldPath, causes: StatusCause[], root: boolean): void {
  const intOrString = schema['x-kubernetes-int-or-string'] === true;
  if (schema.type === undefined) {
    const free = intOrString || schema['x-kubernetes-preserve-unknown-fields'] === true;
    if (!free && !root)
      causes.push(fieldError.required(path.child('type'), 'must not be empty for specified object fields'));
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
    const declared = schema.items?.properties?.[key];
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

function checkPattern(pattern: string, path: FieldPath, causes: StatusCause[]): void {
  try {
    new RegExp(pattern);
  } catch {
    causes.push(
      fieldError.invalid(path.child('pattern'), pattern, "must be a valid regular expression, but isn't"),
    );
  }
}

/** `anyOf: [{type: integer}, {type: string}]` is the one place where branches may say a type. */
function isIntOrStringBranch(schema: Schema, name: string): boolean {
  return schema['x-kubernetes-int-or-string'] === true && (name === 'anyOf' || name === 'allOf');
}

function logic(schema: Schema, path: FieldPath, causes: StatusCause[], mayType: boolean): void {
  for (const keyword of structuralOnly) {
    if (!Object.hasOwn(schema, keyword) || (mayType && keyword === 'type')) continue;
    causes.push(fieldError.forbidden(path.child(keyword), 'must be empty to be structural'));
  }
  for (const [name, child] of Object.entries(schema.properties ?? {}))
    logic(child, path.child('properties').key(name), causes, false);
  if (schema.items) logic(schema.items, path.child('items'), causes, false);
  for (const [name, branches] of Object.entries({
    allOf: schema.allOf,
    anyOf: schema.anyOf,
    oneOf: schema.oneOf,
  })) {
    branches?.forEach((branch, i) => logic(branch, path.child(name).index(i), causes, mayType));
  }
  if (schema.not) logic(schema.not, path.child('not'), causes, false);
}
