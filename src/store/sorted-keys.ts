/**
 * Keys in order, for prefix scans: sorted runs of bounded length, themselves in order. A lookup is two binary
 * searches, and an insert moves the pointers of one run, however many keys there are.
 */

/** A run that grows beyond it is cut in two. */
const maxRun = 512;

export class SortedKeys {
  /** None is empty. */
  readonly #runs: string[][] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** The last run that begins at or before the key; 0 when none does. */
  #runOf(key: string): number {
    const runs = this.#runs;
    let low = 0;
    let high = runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (((runs[middle] as string[])[0] as string) <= key) low = middle + 1;
      else high = middle;
    }
    return Math.max(0, low - 1);
  }

  add(key: string): void {
    const runs = this.#runs;
    const index = this.#runOf(key);
    const run = runs[index];
    if (!run) {
      runs.push([key]);
      this.#size = 1;
      return;
    }
    const at = lowerBound(run, key);
    if (run[at] === key) return;
    this.#size++;
    // Keys that come in order leave full runs behind.
    if (at === run.length && run.length >= maxRun) {
      runs.splice(index + 1, 0, [key]);
      return;
    }
    if (at === run.length) run.push(key);
    else run.splice(at, 0, key);
    if (run.length > maxRun) runs.splice(index + 1, 0, run.splice(maxRun >>> 1));
  }

  delete(key: string): void {
    const index = this.#runOf(key);
    const run = this.#runs[index];
    if (!run) return;
    const at = lowerBound(run, key);
    if (run[at] !== key) return;
    this.#size--;
    if (run.length === 1) this.#runs.splice(index, 1);
    else run.splice(at, 1);
  }

  /** Keys that start with `prefix`, in order, from the first one after `after` (exclusive). */
  *scan(prefix: string, after?: string): IterableIterator<string> {
    const from = after !== undefined && after > prefix ? after : prefix;
    let index = this.#runOf(from);
    let run = this.#runs[index];
    let at = run ? lowerBound(run, from) : 0;
    for (; run; run = this.#runs[++index], at = 0) {
      for (; at < run.length; at++) {
        const key = run[at] as string;
        if (key === after) continue;
        if (!key.startsWith(prefix)) return;
        yield key;
      }
    }
  }
}

/** The first index whose key is not less than `key`. */
function lowerBound(run: readonly string[], key: string): number {
  let low = 0;
  let high = run.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((run[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
