/**
 * Telling watchers of a change: those it may concern, and no others. Of five thousand that each watch the pods of one
 * node, one hears of a pod.
 *
 * It is a filter on the safe side: whoever hears of a change still asks its selectors.
 */
import { isUnreadable } from '../encryption/values.js';
import type { LogEvent, StampedObject } from './resource-cache.js';

/** Objects that have a value in a field; a watcher with such an interest hears of these alone. */
export interface Interest {
  /** Names the field: watchers with one path share its index. */
  readonly path: string;
  readonly value: string;
  readonly of: (object: StampedObject) => string | undefined;
}

/** Called with the position of the event in the log. */
export type Listener = (position: number) => void;

interface Index {
  readonly of: Interest['of'];
  readonly byValue: Map<string, Set<Listener>>;
}

export class Dispatch {
  readonly #all = new Set<Listener>();
  readonly #indexes = new Map<string, Index>();

  /** Until the returned function is called. */
  add(listener: Listener, interest?: Interest): () => void {
    if (!interest) {
      this.#all.add(listener);
      return () => void this.#all.delete(listener);
    }
    const { path, value, of } = interest;
    const index = this.#indexes.get(path) ?? { of, byValue: new Map<string, Set<Listener>>() };
    this.#indexes.set(path, index);
    const listeners = index.byValue.get(value) ?? new Set();
    index.byValue.set(value, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && index.byValue.get(value) === listeners) index.byValue.delete(value);
      if (index.byValue.size === 0 && this.#indexes.get(path) === index) this.#indexes.delete(path);
    };
  }

  /** Whatever they are interested in. */
  tellAll(position: number): void {
    for (const listener of this.#all) listener(position);
    for (const { byValue } of this.#indexes.values())
      for (const listeners of byValue.values()) for (const listener of listeners) listener(position);
  }

  /** An object that leaves what a watcher is interested in concerns it as well. */
  tell({ object, previous }: LogEvent, position: number): void {
    for (const listener of this.#all) listener(position);
    for (const { of, byValue } of this.#indexes.values()) {
      const now = valueIn(of, object);
      const before = previous === undefined ? now : valueIn(of, previous);
      for (const listener of byValue.get(now) ?? []) listener(position);
      if (before !== now) for (const listener of byValue.get(before) ?? []) listener(position);
    }
  }
}

function valueIn(of: Interest['of'], object: StampedObject): string {
  return isUnreadable(object) ? '' : (of(object) ?? '');
}
