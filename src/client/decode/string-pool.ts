/** Short strings that come again and again, each kept once. A fixed table: a newer string displaces an older one. */
import type { SliceableBytes } from './bytes.js';

export class StringPool {
  readonly #strings: string[];
  readonly #mask: number;
  /** Whether the last string asked for was there already. */
  found = false;

  /** `size` must be a power of two. */
  constructor(size: number) {
    this.#strings = Array.from({ length: size }, () => '');
    this.#mask = size - 1;
  }

  /** The string of these bytes, which must stand for themselves. */
  get(hash: number, bytes: SliceableBytes, start: number, end: number): string {
    // The low bits of the hash are its best mixed; a second chance next door halves what collides.
    const first = (hash ^ (hash >>> 15)) & this.#mask;
    const known = this.#strings[first] as string;
    if (isAt(known, bytes, start, end)) {
      this.found = true;
      return known;
    }
    const second = first ^ 1;
    const other = this.#strings[second] as string;
    if (isAt(other, bytes, start, end)) {
      this.found = true;
      return other;
    }
    this.found = false;
    const text = bytes.latin1Slice(start, end);
    this.#strings[second] = known;
    this.#strings[first] = text;
    return text;
  }
}

function isAt(text: string, bytes: Uint8Array, start: number, end: number): boolean {
  if (text.length !== end - start) return false;
  for (let i = start, j = 0; i < end; i++, j++) if (text.charCodeAt(j) !== bytes[i]) return false;
  return true;
}
