/**
 * Cluster addresses and node ports where several servers share a store: no two give out the same one.
 *
 * Each server finds what is free in what it has cached, so two may find the same at one moment. Whoever wants it claims it in the
 * store first, where one of them fails; then it looks again at everything written before its claim, and only then writes the
 * Service. Claims go with the write; those of a server that died on the way go by themselves.
 */
import { copyJson, internalError, type JsonObject, type JsonValue } from '../../api/index.js';
import { KeyExists, type ObjectStore, type StoreEntry } from '../../store/index.js';
import type { WatchCache } from '../cache/watch-cache.js';
import { lifetimeOf } from '../lifetime.js';
import type { Allocation, ServiceAllocator } from './service-allocator.js';

const prefix = '/gyre.dev/serviceclaims/';
const maxAttempts = 32;

/**
 * Fills in what the Service is to be given, in place.
 * @throws ApiError Invalid when it asks for what is taken or out of range, or nothing is left; StoreUnavailable
 */
export async function allocateClaimed(
  services: ServiceAllocator,
  cache: WatchCache,
  object: { [key: string]: unknown },
  old: JsonObject | undefined,
): Promise<Allocation> {
  const wanted = object.spec;
  /** What others were quicker to claim. */
  const busy = new Set<string>();
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    object.spec = copyJson(wanted as JsonValue);
    const allocation = services.allocate(object, old, busy);
    if (allocation.given.length === 0) return allocation;
    const claims = await claim(cache.store, allocation.given, busy);
    if (claims) {
      try {
        await cache.fresh();
        if (services.isFree(allocation.given, object)) return claimed(allocation, cache.store, claims);
      } catch (error) {
        allocation.done();
        release(cache.store, claims);
        throw error;
      }
      release(cache.store, claims);
    }
    allocation.done();
  }
  throw internalError('the Service was not given what it needs: other servers were quicker too often');
}

/** All of them, or none: what somebody else holds is then told in `busy`. */
async function claim(
  store: ObjectStore,
  given: readonly string[],
  busy: Set<string>,
): Promise<StoreEntry[] | undefined> {
  const claims: StoreEntry[] = [];
  for (const each of given) {
    try {
      const key = prefix + each;
      const ttl = lifetimeOf(key) as number;
      claims.push(await store.create(key, {}, { ttl }));
    } catch (error) {
      release(store, claims);
      if (!(error instanceof KeyExists)) throw error;
      busy.add(each);
      return undefined;
    }
  }
  return claims;
}

function claimed(allocation: Allocation, store: ObjectStore, claims: readonly StoreEntry[]): Allocation {
  return {
    given: allocation.given,
    done: () => {
      allocation.done();
      release(store, claims);
    },
  };
}

/** What cannot be given back now goes in a minute. */
function release(store: ObjectStore, claims: readonly StoreEntry[]): void {
  for (const { key, revision } of claims) store.delete(key, revision).catch(() => {});
}
