/** What a mutation makes of an object: its expression has been evaluated, now it is applied. */
import {
  apiVersionOf,
  ApiError,
  atomicFields,
  decodeErrors,
  type GroupVersionKind,
  internalError,
  type JsonObject,
  type JsonValue,
  mergeConfiguration,
  type Schema,
  tryJsonPatch,
  undeclaredFields,
  unknownFields,
} from '../../../api/index.js';
import { CelError, ListValue, MapValue, toJson, type Value } from '../../cel/index.js';
import { misnamed } from './patch-types.js';

/** A mutation cannot be made: its policy's failurePolicy decides what that means. */
export class MutationFailed extends Error {
  override readonly name = 'MutationFailed';
}

/** What is changed: an object of this kind and schema. */
export interface Patched {
  readonly object: JsonObject;
  readonly kind: GroupVersionKind;
  readonly schema: Schema;
  /** A custom kind has a structural schema: it is checked when the object is. */
  readonly builtin: boolean;
}

function checkNames(value: Value): void {
  const wrong = misnamed(value);
  if (wrong.length > 0) throw new MutationFailed(`type mismatch: ${wrong.join('\n')}`);
}

/**
 * Merges the configuration into the object, as server-side apply would, owned by nobody.
 * @throws MutationFailed
 */
export function applyConfiguration(value: Value, { object, kind, schema, builtin }: Patched): JsonObject {
  checkNames(value);
  const given = toJson(value);
  if (given instanceof CelError) throw new MutationFailed(`invalid return type: ${given.message}`);
  const configuration: JsonObject = {
    ...(given as JsonObject),
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
  };
  const failed = (why: string) => new MutationFailed(`error applying patch: ${why}`);
  const wrong =
    undeclaredFields(configuration, schema) ?? (builtin ? decodeErrors(configuration, schema) : undefined);
  if (wrong !== undefined) throw failed(`failed to convert patch object to typed object: ${wrong}`);
  const atomics = atomicFields(configuration, schema);
  if (atomics.length > 0) {
    const paths = atomics.join(', ');
    throw failed(`invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${paths}`);
  }
  try {
    return mergeConfiguration(object, configuration, schema);
  } catch (error) {
    if (error instanceof ApiError) throw failed(`failed to merge patch: ${error.message}`);
    throw error;
  }
}

/**
 * The object as the operations leave it; the very same one where a `test` among them fails.
 * @throws MutationFailed when they cannot be applied; ApiError InternalError when the kind has not the fields they make
 */
export function applyOperations(value: Value, { object, schema, builtin }: Patched): JsonObject {
  const operations = value instanceof ListValue ? [...value].map(operationOf) : [];
  let outcome: ReturnType<typeof tryJsonPatch>;
  try {
    outcome = tryJsonPatch(object, operations);
  } catch (error) {
    if (error instanceof ApiError) throw new MutationFailed(`JSONPath: ${error.message}`);
    throw error;
  }
  if ('refused' in outcome) {
    if (outcome.refused.op === 'test') return object;
    throw new MutationFailed(`JSONPath: ${outcome.refused.why}`);
  }
  const { document } = outcome;
  if (typeof document !== 'object' || document === null || Array.isArray(document))
    throw internalError('the object was patched away');
  const patched = document as JsonObject;
  const unknown = builtin ? unknownFields(patched, schema) : [];
  if (unknown.length > 0) {
    const list = unknown.map((path) => `unknown field ${JSON.stringify(path)}`).join(', ');
    throw internalError(`strict decoding error: ${list}`);
  }
  return patched;
}

function operationOf(value: Value): JsonObject {
  const part = (name: string): Value | undefined => (value instanceof MapValue ? value.get(name) : undefined);
  const operation: Record<string, JsonValue> = { op: text(part('op')), path: text(part('path')) };
  const from = text(part('from'));
  if (from !== '') operation.from = from;
  const given = part('value');
  if (given === undefined) return operation;
  checkNames(given);
  const json = toJson(given);
  if (json instanceof CelError) {
    throw new MutationFailed(
      `JSONPath valueExpression evaluated to a type that could not marshal to JSON: ${json.message}`,
    );
  }
  return { ...operation, value: json };
}

function text(value: Value | undefined): string {
  return typeof value === 'string' ? value : '';
}
