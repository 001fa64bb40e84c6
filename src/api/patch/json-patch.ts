/** RFC 6902 with the API's errors. Never changes its input. */
import { applyPatch, type Operation } from 'rfc6902';
import { badRequest, invalid, tooLarge } from '../errors.js';
import { fieldError, FieldPath } from '../field-error.js';
import { copyJson } from '../json.js';
import type { JsonValue } from '../objects.js';

/** API-5. */
const maxOperations = 10_000;

const kinds: Readonly<Record<string, readonly string[]>> = {
  add: ['path', 'value'],
  remove: ['path'],
  replace: ['path', 'value'],
  move: ['from', 'path'],
  copy: ['from', 'path'],
  test: ['path', 'value'],
};

function checkOperations(patch: JsonValue): asserts patch is JsonValue & readonly JsonValue[] {
  if (!Array.isArray(patch))
    throw badRequest(
      'error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch',
    );
  if (patch.length > maxOperations) {
    throw tooLarge(`The allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`);
  }
  for (const operation of patch as readonly JsonValue[]) {
    if (typeof operation !== 'object' || operation === null || Array.isArray(operation)) {
      throw badRequest('error decoding patch: every operation must be an object');
    }
    const given = operation as { readonly [key: string]: JsonValue };
    const needs =
      typeof given.op === 'string' && Object.hasOwn(kinds, given.op) ? kinds[given.op] : undefined;
    if (!needs) throw badRequest(`error decoding patch: Unexpected kind: ${String(given.op ?? 'unknown')}`);
    for (const field of needs) {
      if (!Object.hasOwn(given, field))
        throw badRequest(`error decoding patch: a ${String(given.op)} operation needs ${field}`);
      if (
        field !== 'value' &&
        (typeof given[field] !== 'string' || !/^(\/.*)?$/s.test(given[field] as string))
      ) {
        throw badRequest(
          `error decoding patch: ${field} must be a JSON Pointer, not ${JSON.stringify(given[field])}`,
        );
      }
    }
  }
}

/**
 * Applies the operations in order, all or nothing.
 * @throws ApiError BadRequest for a malformed patch, Invalid when an operation cannot be applied (also a
 *   failed `test`), RequestEntityTooLarge for more than 10,000 operations
 */
export function applyJsonPatch(document: JsonValue, patch: JsonValue): JsonValue {
  checkOperations(patch);
  // Values are copied in, so that applying never changes the patch or ties the result to it.
  const root = { document: copyJson(document) };
  const operations = (copyJson(patch) as unknown as Operation[]).map((operation) => {
    const { path, from } = operation as { path: string; from?: string };
    return {
      ...operation,
      path: `/document${path}`,
      ...(from === undefined ? {} : { from: `/document${from}` }),
    } as Operation;
  });
  for (const [i, error] of applyPatch(root, operations).entries()) {
    if (!error) continue;
    const operation = (patch as readonly { op: string; path: string }[])[i];
    const why =
      operation?.op === 'test'
        ? `testing value ${operation.path} failed: test failed`
        : `${operation?.op} operation does not apply: doc is missing path: ${JSON.stringify(operation?.path)}: missing value`;
    throw invalid({ group: '', kind: '' }, '', [fieldError.invalid(FieldPath.of('patch'), operation, why)]);
  }
  return root.document;
}
