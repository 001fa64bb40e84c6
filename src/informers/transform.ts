/** What an object loses on its way into a cache. */
import type { CacheObject } from './informer.js';

export type Transform<T> = (object: T) => T;

/** Drops `metadata.managedFields`: half of an object's size, of use to nobody who reads a cache. */
export function stripManagedFields<T extends CacheObject>(object: T): T {
  if (!('managedFields' in object.metadata)) return object;
  // The object may be shared with others in this process: copy on the way, never delete.
  const { managedFields: _, ...metadata } = object.metadata as T['metadata'] & { managedFields?: unknown };
  return { ...object, metadata };
}
