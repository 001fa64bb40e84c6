/** What one resource request carries through the machinery. */
import {
  type Clock,
  isApiError,
  type JsonObject,
  type NodeConnector,
  type Random,
  type Transport,
  type UserInfo,
} from '../../api/index.js';
import type { Allocation, ServiceAllocator } from '../allocation/service-allocator.js';
import { allocateClaimed } from '../allocation/service-claims.js';
import type { ServiceAccountTokens } from '../auth/service-account-tokens.js';
import type { AdmissionChain } from '../admission/admission.js';
import type { CachedObject, ResourceCache, StampedObject } from '../cache/resource-cache.js';
import type { WatchCache } from '../cache/watch-cache.js';
import { convertTo, type ServedResource, storageKey } from '../resource.js';
import type { StoreEntry } from '../../store/index.js';
import type { ResourceRequest, ServerRequest } from './request.js';

/** What all requests of a server share. */
export interface RestDeps {
  readonly cache: WatchCache;
  readonly admission: AdmissionChain;
  readonly services: ServiceAllocator;
  readonly tokens: ServiceAccountTokens;
  /** The way to the nodes; undefined while there is none. */
  readonly nodes: () => NodeConnector | undefined;
  /** The server's own way in, for what it writes on behalf of a request. */
  readonly asServer: () => Transport;
  readonly clock: Clock;
  readonly random: Random;
}

export interface RequestContext {
  readonly deps: RestDeps;
  readonly request: ServerRequest;
  readonly info: ResourceRequest;
  readonly resource: ServedResource;
  readonly user: UserInfo;
  /** Sent as `Warning` headers. */
  readonly warnings: string[];
}

/** A JSON object that belongs to this request alone and may be changed. */
export type MutableObject = { [key: string]: unknown };

export function resourceCache(ctx: RequestContext): ResourceCache {
  return ctx.deps.cache.resource(ctx.resource.storagePrefix);
}

export function keyFor(ctx: RequestContext, name: string = ctx.info.name): string {
  return storageKey(ctx.resource, ctx.info.namespace, name);
}

export function findCached(ctx: RequestContext, name: string = ctx.info.name): CachedObject | undefined {
  return resourceCache(ctx).get(keyFor(ctx, name));
}

/** A stored object at the version the request asked for. @throws ApiError when it cannot be converted */
export function atRequestVersion(
  { resource }: RequestContext,
  object: StampedObject,
): StampedObject | Promise<StampedObject> {
  return convertTo(resource, object, resource.facts.version) as StampedObject | Promise<StampedObject>;
}

/** Stored objects at the version the request asked for. @throws ApiError when one cannot be converted */
export async function allAtRequestVersion(
  { resource }: RequestContext,
  objects: readonly StampedObject[],
): Promise<readonly StampedObject[]> {
  const { conversion, facts } = resource;
  const known = objects.map((object) => conversion.known(object, facts.version));
  const all = known.includes(undefined) ? await conversion.convert(objects, facts.version) : known;
  return all as readonly StampedObject[];
}

/**
 * The object a write left behind: the very one the cache shares, unless it was overwritten since. What cannot
 * be converted back is answered as it was sent: the write has happened.
 * @param sent what was written, at the version of the request
 */
export function written(
  ctx: RequestContext,
  entry: StoreEntry,
  sent: JsonObject,
): StampedObject | Promise<StampedObject> {
  const cache = resourceCache(ctx);
  const cached = cache.get(entry.key);
  const stored = cached?.revision === entry.revision ? cached.object : cache.serve(entry);
  const asSent = (error: unknown): StampedObject => {
    if (!isApiError(error)) throw error;
    const metadata = { ...(sent.metadata as JsonObject), resourceVersion: String(entry.revision) };
    return { ...sent, metadata } as StampedObject;
  };
  try {
    const known = atRequestVersion(ctx, stored);
    return known instanceof Promise ? known.catch(asSent) : known;
  } catch (error) {
    return asSent(error);
  }
}

/**
 * What goes into the store: the storage version, without the resourceVersion that the store keeps itself.
 * @throws ApiError when it cannot be converted
 */
export function toStorage(
  { resource }: RequestContext,
  object: JsonObject,
): JsonObject | Promise<JsonObject> {
  const stored = convertTo(resource, object, resource.storageVersion);
  return stored instanceof Promise ? stored.then(withoutVersion) : withoutVersion(stored);
}

function withoutVersion(stored: JsonObject): JsonObject {
  const { resourceVersion, ...metadata } = stored.metadata as JsonObject;
  return resourceVersion === undefined ? stored : { ...stored, metadata };
}

/**
 * Gives a Service its addresses and ports; for anything else there is nothing to give.
 * @throws ApiError Invalid; StoreUnavailable
 */
export async function allocate(
  { deps, resource, info }: RequestContext,
  object: MutableObject,
  old: JsonObject | undefined,
): Promise<Allocation | undefined> {
  const isService = resource.facts.group === '' && resource.facts.kind === 'Service';
  if (!isService || info.subresource !== '') return undefined;
  return deps.cache.store.shared
    ? allocateClaimed(deps.services, deps.cache, object, old)
    : deps.services.allocate(object, old);
}

/** What admission is given of the request itself: its way into the audit log, where one is kept, and its end. */
export function ofRequest({ request }: RequestContext): {
  readonly annotate?: (key: string, value: string) => void;
  readonly signal: () => AbortSignal | undefined;
} {
  const signal = (): AbortSignal | undefined => request.signal;
  return request.audit ? { annotate: request.audit.annotate, signal } : { signal };
}

/** The subresources that write an object's status and leave its spec as it is. */
export function writesStatus(subresource: string): boolean {
  return subresource === 'status' || subresource === 'approval';
}
