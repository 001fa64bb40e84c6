/** Which ReplicaSet is of which template (D-2). */
import { deepEqualJson, safeAlphabet } from 'gyre';
import type { PodTemplateSpec } from 'gyre/kinds/core/v1';

/** The label that tells the ReplicaSets of one Deployment apart, and their pods. */
export const hashLabel = 'pod-template-hash';

/** True when two templates make the same pods: the hash label does not count. */
export function sameTemplate(a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean {
  return deepEqualJson(withoutHash(a), withoutHash(b));
}

function withoutHash({ metadata, ...template }: PodTemplateSpec = {}): object {
  const labels = Object.entries(metadata?.labels ?? {}).filter(([key]) => key !== hashLabel);
  // Clients written in Go send `creationTimestamp: null`.
  const rest = Object.entries({ ...metadata, labels: null }).filter(([, value]) => value !== null);
  return { ...template, metadata: [Object.fromEntries(rest), Object.fromEntries(labels)] };
}

/**
 * A short name for a template: 32 bits (FNV-1a) of its canonical JSON and of the number of collisions met
 * so far, in letters and digits that form no words.
 */
export function templateHash(template: PodTemplateSpec, collisionCount: number | undefined): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(canonical([withoutHash(template), collisionCount ?? 0]))) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  let text = '';
  for (let digit = 0; digit < 7; digit++) {
    text += safeAlphabet[hash % safeAlphabet.length];
    hash = Math.floor(hash / safeAlphabet.length);
  }
  return text;
}

/** JSON whose members are in order. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`);
  return `{${members.join()}}`;
}
