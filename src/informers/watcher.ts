/** The view as a stream: the lowest of the composable operators. */
import { Observable } from 'rxjs';
import type { KindOf } from '../api/index.js';
import type { Client } from '../client/index.js';
import type { CacheObject, WatchedSelection } from './informer.js';
import { type DriverDeps, ReflectorDriver } from './reflector-driver.js';

/** Between Init and InitDone comes a complete view, to be swapped in at once. */
export type WatcherEvent<T> =
  | { readonly type: 'Init' }
  | { readonly type: 'InitApply'; readonly object: T }
  | { readonly type: 'InitDone'; readonly resourceVersion: string }
  | { readonly type: 'Apply'; readonly object: T }
  | { readonly type: 'Delete'; readonly object: T };

/**
 * Follows a kind for as long as somebody is subscribed. It neither ends nor fails by itself: what goes
 * wrong is retried, and shows as another Init.
 */
export function watcher$<T extends CacheObject>(
  client: Client,
  kind: KindOf<T>,
  options: WatchedSelection,
  deps: DriverDeps,
): Observable<WatcherEvent<T>> {
  return new Observable((subscriber) => {
    const driver = new ReflectorDriver<T>(client, kind, options, deps, (event) => {
      if (event.type !== 'State' && event.type !== 'Progress') subscriber.next(event);
    });
    driver.start();
    return () => driver.stop();
  });
}
