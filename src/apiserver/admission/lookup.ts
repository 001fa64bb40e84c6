/** What admission asks about other objects: as of now, from the server's own cache. */
import type { StampedObject } from '../cache/resource-cache.js';
import { storagePrefix, type WatchCache } from '../cache/watch-cache.js';

interface GroupPlural {
  readonly group: string;
  readonly plural: string;
}

export class Lookup {
  constructor(private readonly cache: WatchCache) {}

  /** @param namespace '' for what has none */
  get<T = StampedObject>(kind: GroupPlural, namespace: string, name: string): T | undefined {
    const prefix = storagePrefix(kind);
    const key = namespace === '' ? `${prefix}${name}` : `${prefix}${namespace}/${name}`;
    return this.cache.resource(prefix).get(key)?.object as T | undefined;
  }

  /** Of one namespace, or all there are. */
  *list<T = StampedObject>(kind: GroupPlural, namespace?: string): IterableIterator<T> {
    const prefix = storagePrefix(kind);
    const within = namespace === undefined ? prefix : `${prefix}${namespace}/`;
    for (const { object } of this.cache.resource(prefix).scan(within)) yield object as unknown as T;
  }
}
