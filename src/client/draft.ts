/**
 * Draft patches: a callback changes a draft, and the difference becomes a JSON patch.
 *
 * The immer instance is our own and does not freeze: what it is given may be shared with a cache.
 */
import { enablePatches, Immer } from 'immer';
import { copyJson, deepEqualJson, type Draft, type JsonValue } from '../api/index.js';

enablePatches();
const immer = new Immer({ autoFreeze: false });

export interface PatchOperation {
  readonly op: 'add' | 'remove' | 'replace';
  /** A JSON Pointer. */
  readonly path: string;
  readonly value?: JsonValue;
}

function pointer(path: readonly (string | number)[]): string {
  return path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/**
 * What `change` does to `object`, as operations in order; none when nothing differs.
 * @throws ApiError BadRequest when the draft was given something JSON cannot carry
 * @throws TypeError when the callback returns a promise
 */
export function draftPatch<T extends object>(object: T, change: (draft: Draft<T>) => void): PatchOperation[] {
  const [next, patches] = immer.produceWithPatches(object, (draft) => {
    const result: unknown = change(draft as Draft<T>);
    if (typeof (result as Promise<unknown> | undefined)?.then === 'function') {
      // It goes on with a draft that is closed: that failure is this one, and must not end the process.
      (result as Promise<unknown>).then(undefined, () => {});
      throw new TypeError('a patch callback must not be async: read first, then patch');
    }
  });
  if (patches.length === 0) return [];
  // Nested class instances produce no patch of their own: refuse them before they are lost silently.
  const copy = copyJson(next);
  // A draft is often given a freshly built value that equals the old one.
  if (deepEqualJson(copy, object)) return [];
  return patches.flatMap(({ op, path, value }): PatchOperation[] => {
    const at = pointer(path);
    if (op === 'remove') return [{ op, path: at }];
    // Assigning undefined removes; a member that was not there is nothing to remove.
    if (value === undefined) return op === 'replace' ? [{ op: 'remove', path: at }] : [];
    return [{ op, path: at, value: copyJson(value) }];
  });
}
