/**
 * From a decoded body to an object of the resource's kind: identity and types checked, unknown fields
 * reported and dropped, defaults filled in (API-10, API-15).
 */
import {
  apiVersionOf,
  applyDefaults,
  badRequest,
  copyJson,
  decodeErrors,
  dropEmpty,
  type JsonObject,
  type JsonValue,
  prune,
  type Schema,
  unknownFields,
  zeroFiller,
} from '../../api/index.js';
import { asObject, type DecodedBody } from './body.js';
import type { MutableObject, RequestContext } from './context.js';
import type { FieldValidation } from './options.js';

type AboutResource = Pick<RequestContext, 'resource'>;

/** A field that the API does not know, or that stands twice. */
export class StrictDecodingError extends Error {
  override readonly name = 'StrictDecodingError';
  constructor(readonly problems: readonly string[]) {
    super(`strict decoding error: ${problems.join(', ')}`);
  }
}

/** What null becomes where a list cannot do without a value, as in Go. */
function zeroOf(schema: Schema | undefined): JsonValue {
  switch (schema?.type) {
    case 'string':
      return '';
    case 'integer':
    case 'number':
      return 0;
    case 'boolean':
      return false;
    case 'array':
      return [];
    case 'object':
      return {};
    default:
      return schema?.properties ? {} : null;
  }
}

/**
 * Removes null members and gives null items their zero value, as decoding into a Go struct does; what a
 * schema leaves open is kept.
 */
export function dropNulls(value: JsonValue, schema: Schema | undefined): JsonValue {
  if (typeof value !== 'object' || value === null || schema?.['x-kubernetes-preserve-unknown-fields'])
    return value;
  if (Array.isArray(value)) {
    let changed = false;
    const items = value.map((item) => {
      const next = item === null ? zeroOf(schema?.items) : dropNulls(item, schema?.items);
      changed ||= next !== item;
      return next;
    });
    return changed ? items : value;
  }
  /** Made for the first member that is not the same: most objects have none. */
  let entries: [string, JsonValue][] | undefined;
  const properties = schema?.properties;
  const additional =
    typeof schema?.additionalProperties === 'object' ? schema.additionalProperties : undefined;
  const object = value as JsonObject;
  const keys = Object.keys(object);
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    const member = object[key] as JsonValue;
    const child = properties && Object.hasOwn(properties, key) ? properties[key] : additional;
    const next = member === null ? null : dropNulls(member, child);
    if (next !== member || member === null)
      entries ??= keys.slice(0, i).map((before) => [before, object[before] as JsonValue]);
    if (entries && next !== null) entries.push([key, next]);
  }
  return entries ? (Object.fromEntries(entries) as JsonObject) : value;
}

/** The problems strict validation reports about a value of this resource. */
export function strictProblems(
  ctx: RequestContext,
  value: JsonValue,
  duplicates: readonly string[],
): string[] {
  return [
    ...duplicates,
    ...unknownFields(value, ctx.resource.schema).map((path) => `unknown field ${JSON.stringify(path)}`),
  ];
}

/** Refuses, warns or stays silent about strict problems. @throws StrictDecodingError when Strict */
export function reportStrict(
  ctx: RequestContext,
  problems: readonly string[],
  validation: FieldValidation,
): void {
  if (problems.length === 0 || validation === 'Ignore') return;
  if (validation === 'Strict') throw new StrictDecodingError(problems);
  ctx.warnings.push(...problems);
}

/**
 * Checks types and drops what the schema does not know. The result may share structure with the input.
 * @param pruned the value without that, where somebody has it already
 * @throws Error worded as Go's decoder words it
 */
export function decodeTyped(
  ctx: AboutResource,
  value: JsonObject,
  pruned: JsonObject = prune(value, ctx.resource.schema) as JsonObject,
): JsonObject {
  const { schema, builtin } = ctx.resource;
  const problem = builtin
    ? decodeErrors(value, schema)
    : decodeErrors(pick(value, ['apiVersion', 'kind', 'metadata']), identitySchema(schema));
  if (problem !== undefined) throw new Error(problem);
  if (builtin) return dropNulls(pruned, schema) as JsonObject;
  const metadata = dropNulls(pruned.metadata ?? {}, schema.properties?.metadata);
  return { ...pruned, metadata };
}

function pick(value: JsonObject, keys: readonly string[]): JsonObject {
  return Object.fromEntries(
    keys.filter((k) => Object.hasOwn(value, k)).map((k) => [k, value[k] as JsonValue]),
  );
}

/** Of a custom kind only the identity is decoded into types; the rest is validated by its schema. */
function identitySchema(schema: Schema): Schema {
  const { apiVersion, kind, metadata } = schema.properties ?? {};
  return {
    type: 'object',
    properties: { ...(apiVersion && { apiVersion }), ...(kind && { kind }), ...(metadata && { metadata }) },
  };
}

/**
 * Fills in defaults, of built-in kinds also what they always say: a body without that is no other than one with it.
 * The result is the request's own to change.
 */
export function withDefaults(ctx: AboutResource, value: JsonObject): MutableObject {
  const { builtin, schema } = ctx.resource;
  const defaulted = builtin
    ? (dropEmpty(value, schema) as JsonObject)
    : (applyDefaults(withPlainMetadata(value, schema), schema) as JsonObject);
  const fill = builtin ? zeroFiller(schema) : undefined;
  const own = copyJson(fill ? fill(defaulted) : defaulted) as MutableObject;
  ctx.resource.strategy.applyDefaults?.(own);
  return own;
}

/** A custom object is what its schema says; its metadata is that of every object. */
function withPlainMetadata(value: JsonObject, schema: Schema): JsonObject {
  const metadata = value.metadata ?? {};
  const plain = dropEmpty(metadata, schema.properties?.metadata);
  return plain === metadata ? value : { ...value, metadata: plain };
}

/** The 400 of a body that is not what it should be. */
function cannotBeHandled(ctx: RequestContext, kind: string, version: string, error: Error): Error {
  return badRequest(
    `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${ctx.resource.facts.kind}: ${error.message}`,
  );
}

/**
 * The body of a create or update as an object of the resource's kind, without defaults.
 * @throws ApiError BadRequest
 */
export function decodeObject(
  ctx: RequestContext,
  body: DecodedBody | undefined,
  validation: FieldValidation,
): JsonObject {
  const value = asObject(body, 'the body of the request');
  const { facts, builtin } = ctx.resource;
  const expected = apiVersionOf(facts);
  const { apiVersion, kind } = value;
  for (const [field, given] of Object.entries({ apiVersion, kind })) {
    if (given !== undefined && given !== null && typeof given !== 'string') {
      throw badRequest(
        `couldn't get version/kind; json parse error: json: cannot unmarshal ${jsonTypeName(given)} into Go struct field .${field} of type string`,
      );
    }
  }
  if (!builtin && !kind) throw badRequest(`Object 'Kind' is missing in '${excerpt(value)}'`);
  if (apiVersion && apiVersion !== expected) {
    throw badRequest(
      `the API version in the data (${String(apiVersion)}) does not match the expected API version (${expected})`,
    );
  }
  if (kind && kind !== facts.kind) {
    throw cannotBeHandled(
      ctx,
      String(kind),
      facts.version,
      new Error(`the kind ${String(kind)} is not ${facts.kind}`),
    );
  }
  const typed = { ...value, apiVersion: expected, kind: facts.kind };
  try {
    const pruned = prune(typed, ctx.resource.schema) as JsonObject;
    const decoded = decodeTyped(ctx, typed, pruned);
    if (body && !body.protobuf) {
      const isKnown = pruned === typed;
      reportStrict(ctx, isKnown ? body.duplicates : strictProblems(ctx, typed, body.duplicates), validation);
    }
    return decoded;
  } catch (error) {
    throw cannotBeHandled(ctx, facts.kind, facts.version, error as Error);
  }
}

function jsonTypeName(value: unknown): string {
  return Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
}

function excerpt(value: JsonObject): string {
  const text = JSON.stringify(value);
  return text.length > 300 ? `${text.slice(0, 300)}…` : text;
}
