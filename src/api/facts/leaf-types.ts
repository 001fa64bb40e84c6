/**
 * Types whose JSON is not an object of known fields. Each has its own protobuf message, so a decoder
 * recognises them by `typeName`.
 */
import type { Schema } from '../schema/schema.js';

const machinery = 'io.k8s.apimachinery.pkg';
const apiextensions = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1';

/** The names of the leaf types, as OpenAPI spells them. */
export const leafTypeNames = {
  /** A string such as `500m`, or a number. */
  quantity: `${machinery}.api.resource.Quantity`,
  intOrString: `${machinery}.util.intstr.IntOrString`,
  time: `${machinery}.apis.meta.v1.Time`,
  microTime: `${machinery}.apis.meta.v1.MicroTime`,
  fieldsV1: `${machinery}.apis.meta.v1.FieldsV1`,
  /** Any JSON object, usually of a kind. */
  rawExtension: `${machinery}.runtime.RawExtension`,
  /** Any JSON value. */
  json: `${apiextensions}.JSON`,
  jsonSchemaPropsOrArray: `${apiextensions}.JSONSchemaPropsOrArray`,
  jsonSchemaPropsOrBool: `${apiextensions}.JSONSchemaPropsOrBool`,
  jsonSchemaPropsOrStringArray: `${apiextensions}.JSONSchemaPropsOrStringArray`,
} as const;

const anyValue = { 'x-kubernetes-preserve-unknown-fields': true } as const;

/** The schemas of the leaf types, by name. */
export const leafSchemas: ReadonlyMap<string, Schema> = new Map<string, Schema>(
  [
    [leafTypeNames.quantity, { oneOf: [{ type: 'string' }, { type: 'number' }] }],
    [leafTypeNames.intOrString, { 'x-kubernetes-int-or-string': true, format: 'int-or-string' }],
    [leafTypeNames.time, { type: 'string', format: 'date-time' }],
    [leafTypeNames.microTime, { type: 'string', format: 'date-time' }],
    [leafTypeNames.fieldsV1, { type: 'object', ...anyValue }],
    [leafTypeNames.rawExtension, { type: 'object', ...anyValue }],
    [leafTypeNames.json, anyValue],
    [leafTypeNames.jsonSchemaPropsOrArray, anyValue],
    [leafTypeNames.jsonSchemaPropsOrBool, anyValue],
    [leafTypeNames.jsonSchemaPropsOrStringArray, anyValue],
  ].map(([typeName, schema]) => [
    typeName as string,
    { ...(schema as Schema), typeName: typeName as string },
  ]),
);
