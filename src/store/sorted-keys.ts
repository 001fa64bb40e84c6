/**
 * Keys in order, for prefix scans. A flat sorted array: lookups are a binary search, inserts move
 * pointers, which beats a tree up to several hundred thousand keys.
 */
export class SortedKeys {
  readonly #keys: string[] = [];

  get size(): number {
    return this.#keys.length;
  }

  /** The first index whose key is not less than `key`. */
  #lowerBound(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[middle] as string) < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  add(key: string): void {
    const last = this.#keys.length - 1;
    if (last < 0 || (this.#keys[last] as string) < key) {
      this.#keys.push(key);
      return;
    }
    const at = this.#lowerBound(key);
    if (this.#keys[at] !== key) this.#keys.splice(at, 0, key);
  }

  delete(key: string): void {
    const at = this.#lowerBound(key);
    if (this.#keys[at] === key) this.#keys.splice(at, 1);
  }

  /** Keys that start with `prefix`, in order, from the first one after `after` (exclusive). */
  *scan(prefix: string, after?: string): IterableIterator<string> {
    let at = this.#lowerBound(after !== undefined && after > prefix ? after : prefix);
    if (after !== undefined && this.#keys[at] === after) at++;
    for (; at < this.#keys.length; at++) {
      const key = this.#keys[at] as string;
      if (!key.startsWith(prefix)) return;
      yield key;
    }
  }
}
