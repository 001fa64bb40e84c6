/**
 * Keeps an index of one resource true without a hand in its writes: whoever reads the index has it brought up to date
 * first, from the log of what changed since. Work grows with the changes, not with what there is.
 */
import type { ResourceCache, StampedObject } from './resource-cache.js';

export interface Indexed {
  /** Forgets everything: all objects follow. */
  clear(): void;
  /** The object as it is now, in place of what was there under the key; undefined when it is gone. */
  set(key: string, object: StampedObject | undefined): void;
}

export class Follower {
  #position: number | undefined;

  constructor(
    private readonly cache: ResourceCache,
    private readonly index: Indexed,
  ) {}

  /** Afterwards the index is that of the latest state. */
  catchUp(): void {
    const { cache, index } = this;
    if (this.#position === undefined || !cache.holds(this.#position)) {
      index.clear();
      for (const { key, object } of cache.scan()) index.set(key, object);
      this.#position = cache.end;
      return;
    }
    for (; this.#position < cache.end; this.#position++) {
      const event = cache.at(this.#position);
      if (event) index.set(event.key, event.type === 'DELETED' ? undefined : event.object);
    }
  }
}
