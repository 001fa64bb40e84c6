/** Chance as a dependency: seeded in tests, cryptographic in production. */

export interface Random {
  /** A number in [0, 1). */
  next(): number;
  /** A version-4 UUID. */
  uuid(): string;
}

/** Letters and digits Kubernetes uses in generated names: no vowels, nothing easily confused (API-5). */
export const safeAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** `length` characters of the safe alphabet. */
export function randomSuffix(random: Random, length: number): string {
  let text = '';
  for (let i = 0; i < length; i++) text += safeAlphabet[Math.floor(random.next() * safeAlphabet.length)];
  return text;
}

/** `ms` scaled by a random factor in [1, 1 + maxFactor). */
export function jitter(random: Random, ms: number, maxFactor: number): number {
  return ms * (1 + random.next() * maxFactor);
}
