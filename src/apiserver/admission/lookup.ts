/** What admission asks about other objects: as of now, from the server's own cache. */
import type { CachedObject, StampedObject } from '../cache/resource-cache.js';
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
  list<T = StampedObject>(kind: GroupPlural, namespace?: string): Iterable<T> {
    const prefix = storagePrefix(kind);
    const resource = this.cache.resource(prefix);
    // As it is in most clusters for most of what admission asks about.
    if (resource.size === 0) return [];
    return objectsOf<T>(resource.scan(namespace === undefined ? prefix : `${prefix}${namespace}/`));
  }
}

function* objectsOf<T>(cached: Iterable<CachedObject>): Iterable<T> {
  for (const { object } of cached) yield object as unknown as T;
}
