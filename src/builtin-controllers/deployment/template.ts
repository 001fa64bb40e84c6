/** Which ReplicaSet is of which template (D-2). Pure. */
import type { Deployment, ReplicaSet } from 'gyre/kinds';
import type { PodTemplateSpec } from 'gyre/kinds/core/v1';

export const hashLabel = 'pod-template-hash';

/** Letters and digits that make no words. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** The text of a value that is the same for equal values: members in key order. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${members.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(',')}}`;
}

/** 32 bits of FNV-1a over template and collision count, in the safe alphabet. */
export function templateHash(template: PodTemplateSpec, collisionCount: number | undefined): string {
  let hash = 0x811c9dc5;
  const text = canonical(template) + (collisionCount === undefined ? '' : String(collisionCount));
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return [...String(hash >>> 0)].map((digit) => alphabet[Number(digit)]).join('');
}

/** Equal but for the hash label. */
export function sameTemplate(a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean {
  return canonical(withoutHash(a)) === canonical(withoutHash(b));
}

function withoutHash(template: PodTemplateSpec | undefined): PodTemplateSpec {
  const { [hashLabel]: _, ...labels } = template?.metadata?.labels ?? {};
  return { ...template, metadata: { ...template?.metadata, labels } } as PodTemplateSpec;
}

const byAge = (a: ReplicaSet, b: ReplicaSet): number => {
  const [x, y] = [a.metadata.creationTimestamp ?? '', b.metadata.creationTimestamp ?? ''];
  return x === y ? (a.metadata.name < b.metadata.name ? -1 : 1) : x < y ? -1 : 1;
};

/** Oldest first. */
export function sortedByAge(sets: readonly ReplicaSet[]): ReplicaSet[] {
  return [...sets].sort(byAge);
}

/** The ReplicaSet of the Deployment's own template: the oldest, if there are several. */
export function newReplicaSetOf(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  return sortedByAge(sets).find((set) => sameTemplate(set.spec?.template, deployment.spec.template));
}
