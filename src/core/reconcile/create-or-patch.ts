/** Making an object so, whether it is there or not. For children, `ctx.apply` is simpler; this is for what is shared. */
import {
  type Draft,
  isAlreadyExists,
  isConflict,
  isNotFound,
  type Key,
  type KindOf,
  parseKey,
  type Scope,
} from '../../api/index.js';
import type { Client } from '../../client/index.js';

/** How often a lost race is run again. */
const maxAttempts = 5;

export interface CreatedOrPatched<T> {
  readonly object: T;
  readonly result: 'created' | 'patched' | 'unchanged';
}

/**
 * Calls `change` with a draft of the object, or of one that has nothing but its name, and creates it or sends the
 * difference, with the version that was read. A race that is lost is run again on what is there then; `change` may be
 * called several times.
 * @throws ApiError; Conflict after five lost races
 */
export async function createOrPatch<T, S extends Scope>(
  client: Client,
  kind: KindOf<T, S>,
  key: Key<S>,
  change: (draft: Draft<NoInfer<T>>) => void,
): Promise<CreatedOrPatched<T>> {
  const { namespace, name } = parseKey(kind, key);
  for (let attempt = 1; ; attempt++) {
    try {
      const present = await client.find(kind, key);
      if (present !== undefined) {
        const object = await client.patch(kind, present as NoInfer<T>, change);
        return { object, result: object === present ? 'unchanged' : 'patched' };
      }
      const draft = { metadata: { name, ...(namespace === '' ? {} : { namespace }) } };
      change(draft as unknown as Draft<NoInfer<T>>);
      return { object: await client.create(kind, draft as never), result: 'created' };
    } catch (error) {
      const lost = isConflict(error) || isAlreadyExists(error) || isNotFound(error);
      if (!lost || attempt >= maxAttempts) throw error;
    }
  }
}
