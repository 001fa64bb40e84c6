/** Get, list and watch, in the shape the client asked for (API-1 to API-4, API-11). */
import {
  apiVersionOf,
  badRequest,
  type Clock,
  expired,
  type JsonObject,
  notFound,
  type WatchEvent,
} from '../../api/index.js';
import type { Interest } from '../cache/dispatch.js';
import type { StampedObject } from '../cache/resource-cache.js';
import { WatchStream } from '../cache/watch-stream.js';
import { type TableSubject, tableOf } from '../table/index.js';
import {
  allAtRequestVersion,
  atRequestVersion,
  findCached,
  type RequestContext,
  resourceCache,
} from './context.js';
import { checkNotAhead, listPage } from './list-page.js';
import { negotiateShape, type Shape } from './negotiate.js';
import { checkVersionSyntax, type ListQuery, listQuery } from './options.js';

/** Without timeoutSeconds a watch lasts between these, at random, so that clients do not return together. */
const minWatchMs = 30 * 60_000;

/** @throws ApiError NotFound, NotAcceptable */
export async function getObject(ctx: RequestContext): Promise<JsonObject> {
  const { cache } = ctx.deps;
  const resourceVersion = ctx.request.query.get('resourceVersion') ?? '';
  checkVersionSyntax(resourceVersion);
  checkNotAhead(resourceVersion, cache.revision);
  const cached = findCached(ctx);
  if (!cached) throw notFound(ctx.resource.facts, ctx.info.name);
  const shape = negotiateShape(ctx.request.headers.accept);
  return shaped(ctx, await atRequestVersion(ctx, cached.object), shape);
}

/** One object as the client wants to see it. */
export function shaped(ctx: RequestContext, object: StampedObject, shape: Shape): JsonObject {
  switch (shape) {
    case 'object':
      return object;
    case 'metadata':
      return partialMetadata(object);
    case 'table':
      return table(ctx, [object], { resourceVersion: object.metadata.resourceVersion }, ctx.deps.clock, true);
  }
}

function partialMetadata(object: StampedObject): JsonObject {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
}

function table(
  ctx: RequestContext,
  objects: readonly StampedObject[],
  metadata: { resourceVersion?: string; continue?: string; remainingItemCount?: number },
  clock: Clock,
  withHeaders: boolean,
): JsonObject {
  const include = ctx.request.query.get('includeObject') ?? '';
  if (!['', 'None', 'Metadata', 'Object'].includes(include)) {
    throw badRequest(`unrecognized includeObject value: ${JSON.stringify(include)}`);
  }
  return tableOf(subjectOf(ctx), objects, {
    now: clock.now(),
    includeObject: (include === '' ? 'Metadata' : include) as 'None' | 'Metadata' | 'Object',
    metadata,
    withHeaders,
  }) as unknown as JsonObject;
}

function subjectOf({ resource: { facts, columns, builtin }, info }: RequestContext): TableSubject {
  if (info.subresource === 'scale') return { group: 'autoscaling', kind: 'Scale', builtin: true };
  return { group: facts.group, kind: facts.kind, builtin, ...(columns ? { columns } : {}) };
}

/** The objects a list or watch is about: a namespace, a name, and the selectors. */
function scopeOf(
  ctx: RequestContext,
  query: ListQuery,
): { prefix: string; matches: (object: StampedObject) => boolean; interest?: Interest } {
  const { facts, strategy, builtin, storagePrefix } = ctx.resource;
  const namespaced = facts.scope === 'Namespaced' && ctx.info.namespace !== '';
  const prefix = namespaced ? `${storagePrefix}${ctx.info.namespace}/` : storagePrefix;
  const { labelSelector, fieldSelector } = query;
  const known = new Set(['metadata.name', ...(facts.scope === 'Namespaced' ? ['metadata.namespace'] : [])]);
  const selectable = strategy.selectableFields;
  if (!fieldSelector.isEmpty) {
    const declared = selectable
      ? Object.keys(selectable({ metadata: {}, spec: {}, status: {} } as JsonObject))
      : [];
    for (const { path } of fieldSelector.requirements) {
      if (!known.has(path) && !declared.includes(path)) {
        throw badRequest(
          builtin && !selectable
            ? `${JSON.stringify(path)} is not a known field selector: only "metadata.name", "metadata.namespace"`
            : `field label not supported: ${path}`,
        );
      }
    }
  }
  const { name } = ctx.info;
  const inScope = (object: StampedObject): boolean =>
    (!namespaced || object.metadata.namespace === ctx.info.namespace) &&
    (name === '' || facts.kind === 'Namespace' || object.metadata.name === name);
  const matches = (object: StampedObject): boolean => {
    if (!inScope(object) || !labelSelector.matches(object.metadata.labels)) return false;
    if (fieldSelector.isEmpty) return true;
    const fields = selectable?.(object);
    return fieldSelector.matches((path) => {
      if (path === 'metadata.name') return object.metadata.name;
      if (path === 'metadata.namespace') return object.metadata.namespace;
      return fields?.[path];
    });
  };
  const interest = interestOf(ctx, query, namespaced);
  return { prefix, matches, ...(interest ? { interest } : {}) };
}

/** The narrowest thing that all objects of a watch have in common. */
function interestOf(
  { info, resource }: RequestContext,
  { fieldSelector }: ListQuery,
  namespaced: boolean,
): Interest | undefined {
  const { selectableFields } = resource.strategy;
  const named = ({ metadata }: StampedObject): string => metadata.name;
  if (info.name !== '' && resource.facts.kind !== 'Namespace')
    return { path: 'metadata.name', value: info.name, of: named };
  const fields = fieldSelector.requirements.filter(({ operator }) => operator === '=');
  for (const { path, value } of fields) {
    if (path === 'metadata.name') return { path, value, of: named };
    if (path !== 'metadata.namespace' && selectableFields)
      return { path, value, of: (object) => selectableFields(object)[path] };
  }
  if (!namespaced) return undefined;
  return { path: 'metadata.namespace', value: info.namespace, of: ({ metadata }) => metadata.namespace };
}

/** @throws ApiError BadRequest, Invalid, Expired, NotAcceptable */
export async function listObjects(ctx: RequestContext): Promise<JsonObject> {
  const shape = negotiateShape(ctx.request.headers.accept);
  const query = listQuery(ctx.request.query, false);
  const { prefix, matches } = scopeOf(ctx, query);
  const page = await listPage(ctx, query, prefix, matches);
  const metadata = {
    resourceVersion: String(page.revision),
    ...(page.continueToken === '' ? {} : { continue: page.continueToken }),
    ...(page.remaining === undefined ? {} : { remainingItemCount: page.remaining }),
  };
  const items = await allAtRequestVersion(ctx, page.items);
  switch (shape) {
    case 'object':
      return {
        kind: ctx.resource.facts.listKind,
        apiVersion: apiVersionOf(ctx.resource.facts),
        metadata,
        items,
      };
    case 'metadata':
      return {
        kind: 'PartialObjectMetadataList',
        apiVersion: 'meta.k8s.io/v1',
        metadata,
        items: items.map(partialMetadata),
      };
    case 'table':
      return table(ctx, items, metadata, ctx.deps.clock, true);
  }
}

/** @throws ApiError BadRequest, Invalid, Expired, NotAcceptable */
export function watchObjects(ctx: RequestContext): AsyncIterable<readonly WatchEvent[]> {
  const shape = negotiateShape(ctx.request.headers.accept);
  const query = listQuery(ctx.request.query, true);
  const { prefix, matches, interest } = scopeOf(ctx, query);
  const { cache, clock, random } = ctx.deps;
  const resource = resourceCache(ctx);
  if (cache.failure) throw cache.failure;
  checkNotAhead(query.resourceVersion, cache.revision);

  const fromNow = query.resourceVersion === '' || query.resourceVersion === '0';
  const withInitial = query.sendInitialEvents ?? fromNow;
  const since =
    query.sendInitialEvents === undefined && !fromNow ? Number(query.resourceVersion) : cache.revision;
  const position = resource.positionAfter(since);
  if (position === undefined) {
    // The number is the oldest one that may be asked for.
    throw expired(`too old resource version: ${query.resourceVersion} (${resource.completeSince})`);
  }
  const initial = withInitial
    ? [...resource.scan(prefix)].map(({ object }) => object).filter(matches)
    : undefined;
  let headersSent = false;
  const { conversion, facts } = ctx.resource;
  const prepare = (objects: readonly StampedObject[]): Promise<unknown> | undefined =>
    objects.every((object) => conversion.known(object, facts.version))
      ? undefined
      : conversion.convert(objects, facts.version);
  const shapeEvent = (object: StampedObject, resourceVersion?: string): JsonObject => {
    const converted = conversion.known(object, facts.version) as StampedObject;
    const served =
      resourceVersion === undefined
        ? converted
        : { ...converted, metadata: { ...converted.metadata, resourceVersion } };
    if (shape !== 'table') return shaped(ctx, served, shape);
    // A client prints the header once: only the first table carries the column definitions.
    const withHeaders = !headersSent;
    headersSent = true;
    return table(ctx, [served], { resourceVersion: served.metadata.resourceVersion }, clock, withHeaders);
  };
  return new WatchStream({
    cache: resource,
    position,
    ...(initial ? { initial } : {}),
    endBookmark: query.sendInitialEvents === true && query.allowWatchBookmarks,
    matches,
    ...(interest ? { interest } : {}),
    ...(ctx.resource.builtin ? {} : { prepare }),
    shape: shapeEvent,
    bookmarks: query.allowWatchBookmarks,
    bookmark: (resourceVersion, initialEventsEnd) => bookmark(ctx, resourceVersion, initialEventsEnd, shape),
    revision: () => cache.revision,
    clock,
    timeoutMs: query.timeoutSeconds ? query.timeoutSeconds * 1000 : minWatchMs * (1 + random.next()),
    ...(ctx.request.signal ? { signal: ctx.request.signal } : {}),
  });
}

function bookmark(
  ctx: RequestContext,
  resourceVersion: string,
  initialEventsEnd: boolean,
  shape: Shape,
): JsonObject {
  const metadata: JsonObject = {
    resourceVersion,
    creationTimestamp: null,
    ...(initialEventsEnd ? { annotations: { 'k8s.io/initial-events-end': 'true' } } : {}),
  };
  if (shape === 'table') {
    return {
      kind: 'Table',
      apiVersion: 'meta.k8s.io/v1',
      metadata: { resourceVersion },
      columnDefinitions: [],
      rows: [],
    };
  }
  const { facts } = ctx.resource;
  return shape === 'metadata'
    ? { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata }
    : { kind: facts.kind, apiVersion: apiVersionOf(facts), metadata };
}

/** The names a deletecollection is about. */
export function selectedObjects(ctx: RequestContext): StampedObject[] {
  const query = listQuery(ctx.request.query, false);
  const { prefix, matches } = scopeOf(ctx, query);
  return [...resourceCache(ctx).scan(prefix)].map(({ object }) => object).filter(matches);
}
