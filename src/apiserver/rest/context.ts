/** What one resource request carries through the machinery. */
import type { Clock, JsonObject, NodeConnector, Random, UserInfo } from '../../api/index.js';
import type { Allocation, ServiceAllocator } from '../allocation/service-allocator.js';
import type { ServiceAccountTokens } from '../auth/service-account-tokens.js';
import type { AdmissionChain } from '../admission/admission.js';
import type { CachedObject, ResourceCache, StampedObject } from '../cache/resource-cache.js';
import type { WatchCache } from '../cache/watch-cache.js';
import { type ServedResource, storageKey } from '../resource.js';
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

/** A stored object at the version the request asked for. */
export function atRequestVersion(ctx: RequestContext, object: StampedObject): StampedObject {
  return ctx.resource.convert(object, ctx.resource.facts.version) as StampedObject;
}

/** The object a write left behind: the very one the cache shares, unless it was overwritten since. */
export function written(ctx: RequestContext, entry: StoreEntry): StampedObject {
  const cache = resourceCache(ctx);
  const cached = cache.get(entry.key);
  return atRequestVersion(ctx, cached?.revision === entry.revision ? cached.object : cache.serve(entry));
}

/** What goes into the store: the storage version, without the resourceVersion that the store keeps itself. */
export function toStorage(ctx: RequestContext, object: JsonObject): JsonObject {
  const { resourceVersion: _, ...metadata } = object.metadata as JsonObject;
  return { ...ctx.resource.convert(object, ctx.resource.storageVersion), metadata };
}

/** Gives a Service its addresses and ports; for anything else there is nothing to give. @throws ApiError Invalid */
export function allocate(
  { deps, resource, info }: RequestContext,
  object: MutableObject,
  old: JsonObject | undefined,
): Allocation | undefined {
  const isService = resource.facts.group === '' && resource.facts.kind === 'Service';
  return isService && info.subresource === '' ? deps.services.allocate(object, old) : undefined;
}
