/**
 * Applying an owned child: identity filled in, and no request when nothing would change.
 *
 * A request is saved only when both hold: this process has applied the very same configuration to the
 * very same object before, and the cached object still says what the server answered then about everything the
 * configuration speaks of. The first apply of a child in a process is always sent.
 */
import {
  copyJson,
  deepEqualJson,
  type Input,
  type JsonObject,
  type JsonValue,
  type KindOf,
  keyOf,
  groupKind,
  type PartialObjectMeta,
} from '../../api/index.js';
import type { Client } from '../../client/index.js';
import type { ApplyChildOptions } from './context.js';
import { checkOwnable, controllerReference, withController } from './owner-references.js';

interface Applied {
  readonly configuration: JsonObject;
  /** What the server made of it: quantities in their canonical form, defaults in list items, nothing for what is empty. */
  readonly answered: JsonValue | undefined;
  readonly uid: string;
}

interface Identified {
  readonly metadata: { readonly uid: string };
}

/** What one controller has applied, by primary; forgotten with the primary. */
export class AppliedMemory {
  readonly #byPrimary = new Map<string, Map<string, Applied>>();

  get(primary: string, child: string): Applied | undefined {
    return this.#byPrimary.get(primary)?.get(child);
  }
  set(primary: string, child: string, applied: Applied): void {
    const children = this.#byPrimary.get(primary) ?? new Map<string, Applied>();
    children.set(child, applied);
    this.#byPrimary.set(primary, children);
  }
  forget(primary: string): void {
    this.#byPrimary.delete(primary);
  }
  get size(): number {
    return this.#byPrimary.size;
  }
}

export interface ApplyChildDeps {
  readonly client: Client;
  readonly memory: AppliedMemory;
  readonly owner: {
    readonly metadata: { readonly name: string; readonly uid: string; readonly namespace?: string };
  };
  readonly ownerKind: KindOf<unknown>;
  /** The child as the cache has it; undefined too when the kind is not watched. */
  readonly cached: (kind: KindOf<unknown>, key: string) => unknown;
}

/** @throws TypeError for a child that the owner cannot own; ApiError */
export async function applyChild<C>(
  deps: ApplyChildDeps,
  kind: KindOf<C>,
  input: Input<NoInfer<C>>,
  { owned = true, ...options }: ApplyChildOptions = {},
): Promise<C> {
  const { owner, ownerKind, client, memory } = deps;
  if (owned) checkOwnable(owner, ownerKind, input as { metadata?: PartialObjectMeta }, kind);
  const { metadata } = input as { readonly metadata: PartialObjectMeta };
  const namespace =
    kind.scope === 'Namespaced' ? (metadata.namespace ?? owner.metadata.namespace) : undefined;
  const configuration = copyJson({
    ...(input as object),
    metadata: {
      ...metadata,
      namespace,
      ...(owned
        ? { ownerReferences: withController(metadata.ownerReferences, controllerReference(owner, ownerKind)) }
        : {}),
    },
  }) as JsonObject;
  const key = keyOf(configuration as { metadata: { namespace?: string; name?: string } });
  const child = `${groupKind(kind)}/${key}`;

  const before = memory.get(owner.metadata.uid, child);
  const cached = deps.cached(kind as KindOf<unknown>, key) as (C & Identified) | undefined;
  const saved =
    before !== undefined &&
    cached !== undefined &&
    cached.metadata.uid === before.uid &&
    options.dryRun !== true &&
    deepEqualJson(before.configuration, configuration) &&
    (before.answered === undefined || contains(cached as unknown as JsonValue, before.answered));
  if (saved) return cached;

  // A controller is the authority over its children: it takes fields back instead of failing.
  const applied = await client.apply(kind, configuration as unknown as Input<NoInfer<C>>, {
    force: true,
    ...options,
  });
  if (options.dryRun !== true) {
    memory.set(owner.metadata.uid, child, {
      configuration,
      answered: project(applied as unknown as JsonValue, configuration),
      uid: (applied as unknown as Identified).metadata.uid,
    });
  }
  return applied;
}

/** What `object` says about the fields of `configuration`; lists are taken whole. */
function project(object: JsonValue | undefined, configuration: JsonValue): JsonValue | undefined {
  const isRecord = (value: JsonValue | undefined): value is JsonObject =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isRecord(object) || !isRecord(configuration)) return object;
  const said: Record<string, JsonValue> = Object.create(null) as Record<string, JsonValue>;
  for (const [key, value] of Object.entries(configuration)) {
    const one = Object.hasOwn(object, key) ? project(object[key], value) : undefined;
    if (one !== undefined) said[key] = one;
  }
  return said;
}

/** True when `object` says everything `configuration` says. */
export function contains(object: JsonValue | undefined, configuration: JsonValue): boolean {
  if (Array.isArray(configuration)) {
    if (!Array.isArray(object) || object.length !== configuration.length) return false;
    return configuration.every((item: JsonValue, i) => contains(object[i] as JsonValue, item));
  }
  if (typeof configuration === 'object' && configuration !== null) {
    if (typeof object !== 'object' || object === null || Array.isArray(object)) return false;
    return Object.entries(configuration).every(
      ([key, value]) => Object.hasOwn(object, key) && contains((object as JsonObject)[key], value),
    );
  }
  return object === configuration;
}
