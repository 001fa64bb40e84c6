/**
 * RFC 6902 with the API's errors and limits. Never changes its input: what no operation touches is shared
 * with the document.
 */
import { ApiError, badRequest, tooLarge } from '../errors.js';
import { copyJson, deepEqualJson, setOwn } from '../json.js';
import type { JsonObject, JsonValue } from '../objects.js';
import { isObject } from './merge-patch.js';

/** API-5. */
const maxOperations = 10_000;
/** All `copy` operations of one patch together: copies of copies grow exponentially. */
const maxCopiedBytes = 3 * 1024 * 1024;
const maxDepth = 1000;

type OperationName = 'add' | 'remove' | 'replace' | 'move' | 'copy' | 'test';

interface Operation {
  readonly op: OperationName;
  readonly path: string;
  readonly from?: string;
  readonly value?: JsonValue;
}

const members: Readonly<Record<OperationName, readonly string[]>> = {
  add: ['path', 'value'],
  remove: ['path'],
  replace: ['path', 'value'],
  move: ['from', 'path'],
  copy: ['from', 'path'],
  test: ['path', 'value'],
};

function checkedOperations(patch: JsonValue): readonly Operation[] {
  if (!Array.isArray(patch))
    throw badRequest(
      'error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch',
    );
  if (patch.length > maxOperations) {
    throw tooLarge(`The allowed maximum operations in a JSON patch is ${maxOperations}, got ${patch.length}`);
  }
  for (const operation of patch as readonly JsonValue[]) {
    if (!isObject(operation)) throw badRequest('error decoding patch: every operation must be an object');
    const { op } = operation;
    const needs =
      typeof op === 'string' && Object.hasOwn(members, op) ? members[op as OperationName] : undefined;
    if (!needs) throw badRequest(`error decoding patch: Unexpected kind: ${String(op ?? 'unknown')}`);
    for (const name of needs) {
      if (!Object.hasOwn(operation, name))
        throw badRequest(`error decoding patch: a ${String(op)} operation needs ${name}`);
      if (name !== 'value') checkPointer(name, operation[name]);
    }
  }
  return patch as unknown as readonly Operation[];
}

function checkPointer(name: string, pointer: JsonValue | undefined): void {
  if (typeof pointer === 'string' && (pointer === '' || pointer.startsWith('/'))) {
    if (pointer.split('/').length > maxDepth)
      throw badRequest(`error decoding patch: ${name} is deeper than ${maxDepth} levels`);
    return;
  }
  throw badRequest(`error decoding patch: ${name} must be a JSON Pointer, not ${JSON.stringify(pointer)}`);
}

/** Why an operation cannot be applied. */
class DoesNotApply extends Error {}

/** What became of a patch: the document it makes, or the operation that could not be applied. */
export type JsonPatchOutcome =
  | { readonly document: JsonValue }
  | { readonly refused: { readonly op: string; readonly path: string; readonly why: string } };

/**
 * Applies the operations in order, all or nothing. A `test` that fails is one that could not be applied.
 * @throws ApiError BadRequest for a malformed patch, RequestEntityTooLarge for more than 10,000 operations or copies of
 *   more than 3 MiB
 */
export function tryJsonPatch(document: JsonValue, patch: JsonValue): JsonPatchOutcome {
  const operations = checkedOperations(copyJson(patch));
  const editor = new Editor(document);
  for (const operation of operations) {
    try {
      editor.apply(operation);
    } catch (error) {
      if (!(error instanceof DoesNotApply)) throw error;
      return { refused: { op: operation.op, path: operation.path, why: error.message } };
    }
  }
  if (isDeeperThan(editor.document, maxDepth))
    throw badRequest(`the patched object is nested deeper than ${maxDepth} levels`);
  return { document: editor.document };
}

/**
 * Applies the operations in order, all or nothing.
 * @throws ApiError as `tryJsonPatch`, and Invalid when an operation cannot be applied (also a failed `test`)
 */
export function applyJsonPatch(document: JsonValue, patch: JsonValue): JsonValue {
  const outcome = tryJsonPatch(document, patch);
  if ('document' in outcome) return outcome.document;
  throw rejected(outcome.refused);
}

/** As the API server answers: about the request, as nothing is known yet of an object. */
function rejected({ why, ...shown }: { op: string; path: string; why: string }): ApiError {
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `the server rejected our request due to an error in our request: ${why}`,
    reason: 'Invalid',
    details: {
      causes: [
        {
          reason: 'FieldValueInvalid',
          message: `Invalid value: ${JSON.stringify(shown)}: ${why}`,
          field: 'patch',
        },
      ],
    },
    code: 422,
  });
}

/** A document under edit: a container is copied before its first change and then edited in place. */
class Editor {
  readonly #owned = new Set<JsonValue>();
  #copied = 0;

  constructor(public document: JsonValue) {}

  apply({ op, path, from = '', value = null }: Operation): void {
    switch (op) {
      case 'add':
        return this.#add(op, path, value);
      case 'remove':
        this.#remove(op, path);
        return;
      case 'replace':
        return this.#replace(op, path, value);
      case 'move': {
        if (path !== from && path.startsWith(`${from}/`))
          throw new DoesNotApply(`${op} operation does not apply: ${from} cannot be moved into itself`);
        const moved = this.#read(op, from);
        if (path === from) return;
        this.#remove(op, from);
        return this.#add(op, path, moved);
      }
      case 'copy': {
        const original = this.#read(op, from);
        this.#copied += sizeOf(original, maxCopiedBytes - this.#copied);
        if (this.#copied > maxCopiedBytes) {
          throw tooLarge(
            `Unable to complete the copy, the accumulated size increase of copy is more than ${maxCopiedBytes} bytes`,
          );
        }
        // What stands in two places now belongs to neither.
        this.#owned.clear();
        return this.#add(op, path, original);
      }
      case 'test': {
        const found = this.#find(tokensOf(path)) ?? null;
        if (!deepEqualJson(found, value)) throw new DoesNotApply(`testing value ${path} failed: test failed`);
      }
    }
  }

  #find(tokens: readonly string[]): JsonValue | undefined {
    let value: JsonValue | undefined = this.document;
    for (const token of tokens) {
      if (Array.isArray(value)) value = isIndex(token) ? (value as JsonValue[])[Number(token)] : undefined;
      else value = isObject(value) && Object.hasOwn(value, token) ? value[token] : undefined;
    }
    return value;
  }

  #read(op: OperationName, path: string): JsonValue {
    const value = this.#find(tokensOf(path));
    if (value === undefined) throw missing(op, path);
    return value;
  }

  /** The container that holds the path's last token, ready to be edited, and that token. */
  #open(
    op: OperationName,
    path: string,
  ): { container: JsonValue[] | Record<string, JsonValue>; last: string } {
    const tokens = tokensOf(path);
    const last = tokens.pop() as string;
    const holder = this.#find(tokens);
    if (typeof holder !== 'object' || holder === null) throw missing(op, path);
    this.document = this.#own(this.document);
    let container = this.document;
    for (const token of tokens) {
      const inner = this.#own((container as Record<string, JsonValue>)[token] as JsonValue);
      place(container, token, inner);
      container = inner;
    }
    return { container: container as JsonValue[] | Record<string, JsonValue>, last };
  }

  #own(value: JsonValue): JsonValue {
    if (this.#owned.has(value)) return value;
    const copy: JsonValue = Array.isArray(value)
      ? [...(value as readonly JsonValue[])]
      : { ...(value as JsonObject) };
    this.#owned.add(copy);
    return copy;
  }

  #add(op: OperationName, path: string, value: JsonValue): void {
    if (path === '') {
      this.document = value;
      return;
    }
    const { container, last } = this.#open(op, path);
    if (!Array.isArray(container)) return setOwn(container, last, value);
    const index = last === '-' ? container.length : isIndex(last) ? Number(last) : -1;
    if (index < 0 || index > container.length)
      throw new DoesNotApply(
        `${op} operation does not apply: doc is missing path: ${JSON.stringify(path)}: Unable to access invalid index: ${last}`,
      );
    container.splice(index, 0, value);
  }

  #remove(op: OperationName, path: string): void {
    this.#read(op, path);
    if (path === '') throw new DoesNotApply(`${op} operation does not apply: the whole document cannot go`);
    const { container, last } = this.#open(op, path);
    if (Array.isArray(container)) container.splice(Number(last), 1);
    else delete container[last];
  }

  #replace(op: OperationName, path: string, value: JsonValue): void {
    this.#read(op, path);
    if (path === '') {
      this.document = value;
      return;
    }
    const { container, last } = this.#open(op, path);
    place(container, last, value);
  }
}

function place(container: unknown, token: string, value: JsonValue): void {
  setOwn(container as Record<string, JsonValue>, token, value);
}

function missing(op: OperationName, path: string): DoesNotApply {
  return new DoesNotApply(
    `${op} operation does not apply: doc is missing path: ${JSON.stringify(path)}: missing value`,
  );
}

function tokensOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function isIndex(token: string): boolean {
  return /^(?:0|[1-9]\d{0,8})$/.test(token);
}

/** About the bytes of a value as JSON; stops counting beyond the limit. */
function sizeOf(value: JsonValue, limit: number): number {
  let size = 0;
  const pending: JsonValue[] = [value];
  for (let next = pending.pop(); next !== undefined && size <= limit; next = pending.pop()) {
    size += typeof next === 'string' ? next.length + 2 : 4;
    if (Array.isArray(next)) for (const item of next as readonly JsonValue[]) pending.push(item);
    else if (isObject(next)) {
      for (const [key, member] of Object.entries(next)) {
        size += key.length + 3;
        pending.push(member);
      }
    }
  }
  return size;
}

/** Level by level, as the value may be too deep to recurse into. */
function isDeeperThan(value: JsonValue, limit: number): boolean {
  let level: JsonValue[] = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > limit) return true;
    level = level.flatMap((node): readonly JsonValue[] => {
      if (Array.isArray(node)) return node as readonly JsonValue[];
      return isObject(node) ? Object.values(node) : [];
    });
  }
  return false;
}
