/**
 * Who belongs to whom (RS-8, RS-9, D-1): an owner keeps the children it controls and selects, releases
 * those it no longer selects, and adopts orphans it selects. Children of others are none of its business.
 *
 * Both writes name the child's UID and can be repeated, so that a cache that lags does no harm.
 */
import {
  type Client,
  type CompiledSelector,
  controllerReference,
  isApiError,
  isNotFound,
  type KindOf,
} from 'gyre';

interface Meta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly deletionTimestamp?: string;
}
interface Identified {
  readonly metadata: Meta;
}

export interface Family<O, C> {
  readonly owner: O;
  readonly ownerKind: KindOf<O, 'Namespaced'>;
  readonly childKind: KindOf<C, 'Namespaced'>;
  readonly selector: CompiledSelector;
  /** What the owner controls. */
  readonly controlled: readonly C[];
  /** What nobody controls; those the selector does not match are ignored. */
  readonly orphans: readonly C[];
}

export interface Claims<C> {
  readonly keep: readonly C[];
  readonly adopt: readonly C[];
  readonly release: readonly C[];
}

/** An owner that is being deleted neither adopts nor releases; what is being deleted is not adopted. */
export function decideClaims<O extends Identified, C extends Identified>(family: Family<O, C>): Claims<C> {
  const { owner, selector, controlled, orphans } = family;
  const wanted = (child: C): boolean => selector.matches(child.metadata.labels);
  const leaving = owner.metadata.deletionTimestamp !== undefined;
  return {
    keep: controlled.filter(wanted),
    adopt: leaving ? [] : orphans.filter((o) => wanted(o) && o.metadata.deletionTimestamp === undefined),
    release: leaving ? [] : controlled.filter((child) => !wanted(child)),
  };
}

/**
 * Makes it so, and gives the children the owner has now.
 * @throws the first error of adopting or releasing, after all were tried
 */
export async function claim<O extends Identified, C extends Identified>(
  family: Family<O, C>,
  client: Client,
): Promise<readonly C[]> {
  const { keep, adopt, release } = decideClaims(family);
  if (adopt.length === 0 && release.length === 0) return keep;
  // Its caches may be older than the owner's end: asked live, once, before anything is adopted (RS-9).
  if (adopt.length > 0) await checkAlive(family, client);
  const adopted: C[] = [];
  const results = await Promise.allSettled([
    ...adopt.map(async (child) => {
      if (await patchOwner(family, child, client, adoption(family))) adopted.push(child);
    }),
    ...release.map((child) => patchOwner(family, child, client, releaseFrom(family))),
  ]);
  const failure = results.find((result) => result.status === 'rejected');
  if (failure) throw failure.reason;
  return [...keep, ...adopted];
}

/** @throws Error when the owner is gone, another, or being deleted */
async function checkAlive<O extends Identified, C>(
  { owner, ownerKind, childKind }: Family<O, C>,
  client: Client,
): Promise<void> {
  const { namespace = '', name, uid } = owner.metadata;
  const live = await client.get(ownerKind, { namespace, name });
  const what = `can't adopt ${childKind.plural}: ${ownerKind.kind} ${namespace}/${name}`;
  if (live.metadata.uid !== uid)
    throw new Error(`${what} is gone: got uid ${live.metadata.uid}, wanted ${uid}`);
  if (live.metadata.deletionTimestamp !== undefined)
    throw new Error(`${what} has just been deleted at ${live.metadata.deletionTimestamp}`);
}

function adoption<O extends Identified, C>({ owner, ownerKind }: Family<O, C>): object {
  return controllerReference(owner, ownerKind);
}
function releaseFrom<O extends Identified, C>({ owner }: Family<O, C>): object {
  return { $patch: 'delete', uid: owner.metadata.uid };
}

/** False when the child is gone, or cannot have this owner (any more). */
async function patchOwner<O, C extends Identified>(
  { childKind }: Family<O, C>,
  child: C,
  client: Client,
  reference: object,
): Promise<boolean> {
  const { namespace = '', name, uid } = child.metadata;
  const patch = { metadata: { uid, ownerReferences: [reference] } };
  try {
    await client.patchRaw(childKind, { namespace, name }, { type: 'strategic', patch });
    return true;
  } catch (error) {
    if (isNotFound(error) || isApiError(error, 'Invalid')) return false;
    throw error;
  }
}
