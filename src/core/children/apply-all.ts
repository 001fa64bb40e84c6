/**
 * Applying all the children an object wants, and deleting those of former runs that it does not want any more.
 *
 * ```ts
 * class SiteStatus { @Inventory() @IsOptional() inventory?: InventoryEntry[] }
 * …
 * const { waiting } = await applyAll(site, ctx, [child(ConfigMap, config), child(Deployment, web)]);
 * ```
 * Guarantees:
 * - Children are applied in order; the first that fails ends it, and nothing is deleted then.
 * - What is not wanted any more is deleted in the reverse order of its making, whatever kind it is of, also when the code
 *   that made it is gone. Never an object that belongs to somebody else, not even under the same name.
 * - A crash at any point leaves nothing that a later run would not find: the inventory names a child before it is made,
 *   and until it is gone.
 * - Children in the owner's namespace have its owner reference. Others, cluster-scoped ones and those in other
 *   namespaces, cannot; they are labelled, and go with `deleteAll` in a `@Finalizer`.
 */
import { type Input, isNotFound, type KindOf, type PartialObjectMeta } from '../../api/index.js';
import { done, requeueAfter, type Result } from '../reconcile/result.js';
import type { Context } from '../reconcile/context.js';
import {
  entryOf,
  idOf,
  type InventoryEntry,
  InventoryField,
  kindOfEntry,
  type Owned,
  ownerLabel,
} from './inventory.js';

interface Owner {
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly uid: string };
}

/** A child that is wanted; made with `child`. */
export interface Child {
  readonly kind: KindOf<unknown>;
  readonly input: object;
}

/** Ties an input to its kind. */
export function child<C>(kind: KindOf<C>, input: Input<NoInfer<C>>): Child {
  return { kind: kind as KindOf<unknown>, input: input as object };
}

export interface ApplyAllOptions {
  /** The status field that holds the inventory. Default `inventory`. */
  readonly field?: string;
  /** Children that stay though they are not among those applied. Default: none. */
  readonly keep?: readonly Child[];
  /** `false`: what is not wanted any more stays for now, and is remembered. Default true. */
  readonly prune?: boolean;
}

export interface AppliedAll {
  /** In the order of the children. */
  readonly objects: readonly unknown[];
  /** Deleted in this run. */
  readonly pruned: readonly InventoryEntry[];
  /** Deleted, and not gone yet: finalizers hold them. Their end wakes the controller only if it watches them. */
  readonly waiting: readonly InventoryEntry[];
}

/** @throws ApiError; TypeError for a status without the inventory field */
export async function applyAll<T extends Owner>(
  owner: T,
  ctx: Context<T>,
  children: readonly Child[],
  { field = 'inventory', keep = [], prune: prunes = true }: ApplyAllOptions = {},
): Promise<AppliedAll> {
  const inventory = new InventoryField(ctx, field);
  const wanted = [...children, ...keep].map((each) => entryOfChild(owner, each));
  const ids = new Set(wanted.map(idOf));
  if (ids.size < wanted.length) throw new TypeError('two children have the same kind, namespace and name');
  const former = inventory.entries;
  const known = new Set(former.map(idOf));
  const made = wanted.filter((entry) => !known.has(idOf(entry)));
  if (made.length > 0) {
    inventory.set([...former, ...made]);
    await ctx.flush();
  }
  const objects: unknown[] = [];
  for (const each of children) objects.push(await applyOne(owner, ctx, each));
  const unwanted = former.filter((entry) => !ids.has(idOf(entry)));
  if (!prunes) {
    inventory.set([...unwanted, ...wanted]);
    return { objects, pruned: [], waiting: [] };
  }
  const { pruned, waiting } = await prune(owner, ctx, unwanted);
  inventory.set([...waiting, ...wanted]);
  return { objects, pruned, waiting };
}

/**
 * Deletes all that the inventory names, the newest first, each gone before the next is deleted. For a `@Finalizer`:
 * `return deleteAll(site, ctx)`.
 */
export async function deleteAll<T extends Owner>(
  owner: T,
  ctx: Context<T>,
  { field = 'inventory' }: Pick<ApplyAllOptions, 'field'> = {},
): Promise<Result> {
  const inventory = new InventoryField(ctx, field);
  for (let left = [...inventory.entries]; left.length > 0; ) {
    const { waiting } = await prune(owner, ctx, left.slice(-1));
    if (waiting.length > 0) {
      inventory.set(left);
      return requeueAfter('2s');
    }
    left = left.slice(0, -1);
    inventory.set(left);
  }
  return done;
}

function entryOfChild(owner: Owner, { kind, input }: Child): InventoryEntry {
  const { metadata = {} } = input as { readonly metadata?: PartialObjectMeta };
  if (!metadata.name)
    throw new TypeError(`a child of kind ${kind.kind} has no name: generated names cannot be found again`);
  return entryOf(kind, metadata.namespace ?? owner.metadata.namespace, metadata.name);
}

async function applyOne<T extends Owner>(
  owner: T,
  ctx: Context<T>,
  { kind, input }: Child,
): Promise<unknown> {
  const { metadata = {} } = input as { readonly metadata?: PartialObjectMeta };
  const { namespace } = owner.metadata;
  const foreign =
    namespace !== undefined &&
    (kind.scope === 'Cluster' || (metadata.namespace !== undefined && metadata.namespace !== namespace));
  const labelled = {
    ...input,
    metadata: { ...metadata, labels: { ...metadata.labels, [ownerLabel]: owner.metadata.uid } },
  };
  return ctx.apply(kind, labelled as never, foreign ? { owned: false } : {});
}

/** Deletes what is still there and ours, the last first. */
async function prune<T extends Owner>(
  owner: T,
  { client }: Context<T>,
  entries: readonly InventoryEntry[],
): Promise<Pick<AppliedAll, 'pruned' | 'waiting'>> {
  const pruned: InventoryEntry[] = [];
  const waiting: InventoryEntry[] = [];
  for (const entry of [...entries].reverse()) {
    const kind = kindOfEntry(entry);
    const key = (
      entry.namespace === undefined ? { name: entry.name } : { namespace: entry.namespace, name: entry.name }
    ) as never;
    const present = await find(client, kind, key);
    if (!present || !belongs(present, owner)) continue;
    if (present.metadata.deletionTimestamp === undefined) {
      await client
        .delete(kind, key, { preconditions: { uid: present.metadata.uid }, propagationPolicy: 'Background' })
        .catch((error: unknown) => {
          if (!isNotFound(error)) throw error;
        });
      pruned.push(entry);
    }
    const left = await find(client, kind, key);
    if (left?.metadata.uid === present.metadata.uid) waiting.unshift(entry);
  }
  return { pruned, waiting };
}

/** A kind that is not served any more has no objects. */
async function find(
  client: Context<unknown>['client'],
  kind: KindOf<Owned>,
  key: never,
): Promise<Owned | undefined> {
  try {
    return await client.get(kind, key);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function belongs({ metadata }: Owned, { metadata: owner }: Owner): boolean {
  return (
    metadata.labels?.[ownerLabel] === owner.uid ||
    (metadata.ownerReferences ?? []).some(({ uid }) => uid === owner.uid)
  );
}
