/**
 * Whether something that costs effort pays: it is tried for a while, dropped when it seldom succeeds, and tried
 * again later. So a decoder learns which parts of a kind repeat, instead of being told.
 */
const window = 64;
/** Successes in a window that are worth the effort. */
const enough = 16;
const shortestRest = 1024;
const longestRest = 65_536;

export class Habit {
  #tries = 0;
  #successes = 0;
  #rest = 0;
  #nextRest = shortestRest;

  /** False: do without this time. */
  shouldTry(): boolean {
    if (this.#rest > 0) {
      this.#rest--;
      return false;
    }
    return true;
  }

  report(success: boolean): void {
    if (success) this.#successes++;
    if (++this.#tries < window) return;
    if (this.#successes < enough) {
      this.#rest = this.#nextRest;
      this.#nextRest = Math.min(longestRest, this.#nextRest * 4);
    } else this.#nextRest = shortestRest;
    this.#tries = 0;
    this.#successes = 0;
  }
}
