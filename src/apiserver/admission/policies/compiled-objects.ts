/** Objects of one kind, compiled: again only where something changed. They are in force with the next request. */
import type { ResourceCache, StampedObject } from '../../cache/resource-cache.js';

export class CompiledObjects<T> {
  #seen = -1;
  #all: readonly T[] = [];
  readonly #known = new WeakMap<StampedObject, T>();

  constructor(
    private readonly objects: ResourceCache,
    private readonly compile: (object: StampedObject) => T,
  ) {}

  /** By name. */
  current(): readonly T[] {
    const { end } = this.objects;
    if (end !== this.#seen) {
      this.#seen = end;
      this.#all = [...this.objects.scan()].map(({ object }) => this.#of(object));
    }
    return this.#all;
  }

  #of(object: StampedObject): T {
    let made = this.#known.get(object);
    if (!made) this.#known.set(object, (made = this.compile(object)));
    return made;
  }
}
