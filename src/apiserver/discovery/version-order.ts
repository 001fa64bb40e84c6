/** The order in which Kubernetes prefers versions. */

interface KubeVersion {
  readonly stability: number;
  readonly major: number;
  readonly minor: number;
}

const stabilities = ['alpha', 'beta', ''];

function parse(version: string): KubeVersion | undefined {
  const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
  if (!match) return undefined;
  return {
    stability: stabilities.indexOf(match[2] ?? ''),
    major: Number(match[1]),
    minor: Number(match[3] ?? 0),
  };
}

/**
 * Sorts versions as CustomResourceDefinitions document it: stable before beta before alpha, the higher
 * number first, and anything else after them in alphabetical order. `v2, v1, v1beta2, v1alpha1, foo1`.
 */
export function compareKubeVersions(a: string, b: string): number {
  const left = parse(a);
  const right = parse(b);
  if (!left || !right) {
    if (left) return -1;
    if (right) return 1;
    return a < b ? -1 : a > b ? 1 : 0;
  }
  return right.stability - left.stability || right.major - left.major || right.minor - left.minor;
}
