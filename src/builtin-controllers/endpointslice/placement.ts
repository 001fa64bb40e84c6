/**
 * Which endpoint goes into which slice (EP-5). Pure, and sparing: what is in place stays in place, and as
 * few slices as possible are written.
 *
 * Guarantees: every desired endpoint is in exactly one slice afterwards and no other endpoint is in any; no
 * slice holds more than `max`; where everything is as desired already, nothing changes.
 */

export interface PresentSlice<E> {
  readonly endpoints: readonly E[];
  /** It is written in any case, e.g. for its labels. */
  readonly outdated: boolean;
}

export interface Placement<S, E> {
  /** The new content of slices that change. */
  readonly update: ReadonlyMap<S, readonly E[]>;
  /** The content of new ones. */
  readonly create: readonly (readonly E[])[];
  /** Slices in which nothing is left. */
  readonly remove: readonly S[];
}

export interface PlacementRules<E> {
  readonly keyOf: (endpoint: E) => string;
  readonly equal: (a: E, b: E) => boolean;
  readonly max: number;
}

export function place<S extends PresentSlice<E>, E>(
  desired: ReadonlyMap<string, E>,
  present: readonly S[],
  { keyOf, equal, max }: PlacementRules<E>,
): Placement<S, E> {
  const waiting = new Map(desired);
  const update = new Map<S, E[]>();
  const unchanged: S[] = [];
  const remove: S[] = [];
  for (const slice of present) {
    const kept: E[] = [];
    let changed = slice.outdated;
    for (const endpoint of slice.endpoints) {
      const key = keyOf(endpoint);
      const wanted = kept.length < max ? waiting.get(key) : undefined;
      if (wanted === undefined) {
        changed = true;
        continue;
      }
      waiting.delete(key);
      kept.push(wanted);
      changed ||= !equal(wanted, endpoint);
    }
    if (kept.length === 0) remove.push(slice);
    else if (changed) update.set(slice, kept);
    else unchanged.push(slice);
  }

  const take = (count: number): E[] => {
    const taken: E[] = [];
    for (const [key, endpoint] of waiting) {
      if (taken.length >= count) break;
      taken.push(endpoint);
      waiting.delete(key);
    }
    return taken;
  };
  // Slices that are written anyway take in more at no cost, the fullest first.
  for (const content of [...update.values()].sort((a, b) => b.length - a.length)) {
    content.push(...take(max - content.length));
  }
  const create: E[][] = [];
  while (waiting.size > 0) {
    const roomy = waiting.size < max ? closestToFull(unchanged, waiting.size, max) : undefined;
    if (roomy) {
      unchanged.splice(unchanged.indexOf(roomy), 1);
      update.set(roomy, [...roomy.endpoints, ...take(waiting.size)]);
    } else create.push(take(max));
  }
  return { update, create, remove };
}

/** Of the slices that have room for so many more, the fullest. */
function closestToFull<S extends PresentSlice<unknown>>(
  slices: readonly S[],
  more: number,
  max: number,
): S | undefined {
  let best: S | undefined;
  for (const slice of slices) {
    const { length } = slice.endpoints;
    if (length + more <= max && length > (best?.endpoints.length ?? -1)) best = slice;
  }
  return best;
}
