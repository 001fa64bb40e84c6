/**
 * The status of one reconcile: a draft, written once, only if it differs, on top of the newest version.
 *
 * What is sent is this run's own change: fields that others wrote meanwhile stay, and conditions are
 * merged by type. The write carries the version it was computed on; losing the race means reading again
 * and rebasing, not overwriting.
 */
import {
  type Condition,
  copyJson,
  deepEqualJson,
  isConflict,
  isNoSuchKind,
  isNotFound,
  type JsonObject,
  type JsonValue,
  type KindOf,
  mergePatchBetween,
  applyMergePatch,
} from '../../api/index.js';
import type { Client } from '../../client/index.js';
import type { CacheObject } from '../../informers/index.js';

const maxAttempts = 5;

type Status = { [field: string]: unknown };
type WithStatus = CacheObject & {
  readonly status?: JsonObject;
  readonly metadata: { readonly generation?: number };
};

export interface StatusWriterOptions<T> {
  readonly kind: KindOf<T>;
  readonly client: Client;
  /** The object as reconcile sees it. */
  readonly object: T;
  /** The newest version known without asking. */
  readonly newest: () => T | undefined;
}

export class StatusWriter<T> {
  readonly #options: StatusWriterOptions<T>;
  /** What the draft started from, or was last written as. */
  #base: JsonObject;
  #draft: Status | undefined;

  constructor(options: StatusWriterOptions<T>) {
    this.#options = options;
    this.#base = (options.object as WithStatus).status ?? {};
  }

  /** The status as this run wants it; made when first asked for. */
  get draft(): Status {
    this.#draft ??= copyJson(this.#base) as Status;
    return this.#draft;
  }

  /**
   * Writes the difference, if any. An object that is gone is not an error.
   * @throws ApiError, TransportError; BadRequest for a draft that JSON cannot carry
   */
  async flush(): Promise<void> {
    const { kind, client, object, newest } = this.#options;
    const observes = (kind as { observesGeneration?: boolean }).observesGeneration === true;
    if (!this.#draft && !observes) return;
    const wanted = copyJson(this.draft) as JsonObject;
    const { generation } = (object as WithStatus).metadata;
    const mine =
      observes && generation !== undefined ? { ...wanted, observedGeneration: generation } : wanted;
    if (deepEqualJson(mine, this.#base)) return;

    const { uid, namespace = '', name } = (object as WithStatus).metadata;
    const key = kind.scope === 'Namespaced' ? { namespace, name } : { name };
    const cached = newest() as WithStatus | undefined;
    let latest: WithStatus | undefined = cached?.metadata.uid === uid ? cached : (object as WithStatus);
    for (let attempt = 1; ; attempt++) {
      const current = latest.status ?? {};
      const patch =
        current === this.#base
          ? mergePatchBetween(current, mine)
          : mergePatchBetween(current, rebase(this.#base, mine, current));
      if (patch === undefined) break;
      try {
        const { resourceVersion } = latest.metadata;
        await client.patchRaw(
          kind,
          key as never,
          { type: 'merge', patch: { metadata: { resourceVersion }, status: patch } },
          { subresource: 'status' },
        );
        break;
      } catch (error) {
        if (isNotFound(error) && !isNoSuchKind(error)) return;
        if (!isConflict(error) || attempt >= maxAttempts) throw error;
        latest = (await client.find(kind, key as never)) as WithStatus | undefined;
        // Another object of that name is none of this run's business.
        if (!latest || latest.metadata.uid !== uid) return;
      }
    }
    // The draft goes on as it is: an author may hold on to it.
    this.#base = mine;
  }
}

/** `current` with what changed from `base` to `mine`. */
function rebase(base: JsonObject, mine: JsonObject, current: JsonObject): JsonObject {
  const change = mergePatchBetween(base, mine);
  if (change === undefined) return current;
  const merged = applyMergePatch(current, change) as JsonObject;
  if (!Array.isArray(change.conditions)) return merged;
  const conditions = mergeConditions(list(base.conditions), list(mine.conditions), list(current.conditions));
  return { ...merged, conditions: conditions as unknown as JsonValue };
}

function list(conditions: JsonValue | undefined): readonly Condition[] {
  return Array.isArray(conditions) ? (conditions as unknown as Condition[]) : [];
}

/** Conditions this run changed, added or removed; the others as they are now. */
function mergeConditions(
  base: readonly Condition[],
  mine: readonly Condition[],
  current: readonly Condition[],
): Condition[] {
  const find = (conditions: readonly Condition[], type: string) => conditions.find((c) => c.type === type);
  const kept = current.flatMap((condition) => {
    const [before, wanted] = [find(base, condition.type), find(mine, condition.type)];
    if (!wanted) return before ? [] : [condition];
    return [deepEqualJson(before, wanted) ? condition : wanted];
  });
  const added = mine.filter(
    (wanted) => !find(current, wanted.type) && !deepEqualJson(find(base, wanted.type), wanted),
  );
  return [...kept, ...added];
}
