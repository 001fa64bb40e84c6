/**
 * The one place that orders resource versions. They are opaque by contract, but decimal in practice and
 * comparable by KEP-5504; anything else is only ever equal or incomparable.
 */

const decimal = /^(?:0|[1-9][0-9]*)$/;

/**
 * Orders two versions of one resource in one cluster: -1 when `a` is older, 0 when equal, 1 when newer,
 * `undefined` when they cannot be compared (the caller relists).
 */
export function compareResourceVersion(a: string, b: string): -1 | 0 | 1 | undefined {
  if (a === b) return 0;
  if (!decimal.test(a) || !decimal.test(b)) return undefined;
  if (a.length !== b.length) return a.length < b.length ? -1 : 1;
  return a < b ? -1 : 1;
}
