/** What is stored for a while only: entries of these keys go by themselves. */
import { storagePrefix } from './cache/watch-cache.js';

const lifetimes: readonly (readonly [prefix: string, seconds: number])[] = [
  // Events are forgotten after an hour (OC-18). Those of both groups are stored here.
  [storagePrefix({ group: '', plural: 'events' }), 3600],
  // What one of several servers is about to give out: longer than a write takes.
  ['/gyre.dev/serviceclaims/', 60],
];

/** Seconds that what is stored under a key lives; undefined for what stays. */
export function lifetimeOf(key: string): number | undefined {
  return lifetimes.find(([prefix]) => key.startsWith(prefix))?.[1];
}
