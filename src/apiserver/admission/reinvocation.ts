/**
 * A second look at what others have changed (reinvocationPolicy IfNeeded): whoever was asked before somebody's change,
 * and wants to, is asked about it once more; nobody is asked for the first time then.
 */
import type { JsonObject } from '../../api/index.js';

export class Reinvocation {
  #pass = 0;
  #changed = false;
  /** Asked already, and to be asked again should the object change. */
  #reinvocable = new Set<string>();
  readonly #again = new Set<string>();
  #last: JsonObject | undefined;

  /** True when something here has changed the object. */
  get changed(): boolean {
    return this.#changed;
  }

  /** A pass begins with the object as others have left it. */
  begin(object: JsonObject | undefined): void {
    if (this.#pass++ > 0 && object !== this.#last) this.#askAgain();
  }

  end(object: JsonObject | undefined): void {
    this.#last = object;
  }

  /** Whether it is the turn of this one in this pass. */
  isAsked(id: string): boolean {
    return this.#pass === 1 || this.#again.has(id);
  }

  /** It was asked. */
  asked(id: string, outcome: { readonly changed: boolean; readonly reinvoke: boolean }): void {
    if (outcome.changed) {
      this.#changed = true;
      this.#askAgain();
    }
    if (outcome.reinvoke) this.#reinvocable.add(id);
  }

  #askAgain(): void {
    for (const id of this.#reinvocable) this.#again.add(id);
    this.#reinvocable = new Set();
  }
}
