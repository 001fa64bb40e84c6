/** How new the state must be that a request is answered from (API-1), where several servers share a store. */
import type { ResourceRequest } from '../rest/request.js';
import type { WatchCache } from './watch-cache.js';

/**
 * Undefined when the cache will do: nobody else writes, or the request reads and says which version is new enough for
 * it. Otherwise resolves when everything written before is cached; writes start from there as well.
 * @throws StoreUnavailable, StoreClosed
 */
export function freshness(
  cache: WatchCache,
  { verb }: ResourceRequest,
  query: URLSearchParams,
): Promise<void> | undefined {
  const reads = verb === 'get' || verb === 'list' || verb === 'watch';
  const wanted = query.get('resourceVersion') ?? '';
  const newEnough = /^\d+$/.test(wanted) && Number(wanted) <= cache.revision;
  return reads && newEnough ? undefined : cache.fresh();
}
