/** One page of a list at one revision, and the token that continues it (API-1, API-4). */
import { badRequest, expired, timeoutError, tooLargeVersion } from '../../api/index.js';
import { Compacted, FutureRevision } from '../../store/index.js';
import type { StampedObject } from '../cache/resource-cache.js';
import { type RequestContext, resourceCache } from './context.js';
import type { ListQuery } from './options.js';

export interface ListPage {
  readonly items: readonly StampedObject[];
  readonly revision: number;
  readonly continueToken: string;
  /** Only told without selectors (API-4). */
  readonly remaining: number | undefined;
}

interface Token {
  readonly v: 'meta.k8s.io/v1';
  /** -1: the version is gone, go on at the latest. */
  readonly rv: number;
  /** Relative to the resource's prefix, so that a token cannot leave it. */
  readonly start: string;
}

function encodeToken(rv: number, start: string): string {
  const token: Token = { v: 'meta.k8s.io/v1', rv, start };
  return Buffer.from(JSON.stringify(token)).toString('base64url');
}

function decodeToken(text: string): Token {
  try {
    const token = JSON.parse(Buffer.from(text, 'base64url').toString('utf8')) as Token;
    if (token.v === 'meta.k8s.io/v1' && Number.isInteger(token.rv) && typeof token.start === 'string')
      return token;
  } catch {
    // Falls through to the refusal.
  }
  throw badRequest('continue key is not valid');
}

/** Refuses a version that has not happened yet, as Kubernetes does after waiting for it. */
export function checkNotAhead(resourceVersion: string, latest: number): void {
  if (resourceVersion !== '' && Number(resourceVersion) > latest) {
    throw tooLargeVersion(resourceVersion, latest);
  }
}

/** @throws ApiError Expired, Timeout, BadRequest */
export async function listPage(
  ctx: RequestContext,
  query: ListQuery,
  prefix: string,
  matches: (object: StampedObject) => boolean,
): Promise<ListPage> {
  const { cache } = ctx.deps;
  const resource = resourceCache(ctx);
  if (cache.failure) throw cache.failure;
  checkNotAhead(query.resourceVersion, cache.revision);

  let revision = cache.revision;
  let after: string | undefined;
  if (query.continueToken !== '') {
    const token = decodeToken(query.continueToken);
    after = resource.prefix + token.start;
    if (token.rv > 0) revision = token.rv;
  } else if (
    query.resourceVersionMatch === 'Exact' ||
    (query.resourceVersionMatch === '' && query.limit > 0 && Number(query.resourceVersion) > 0)
  ) {
    revision = Number(query.resourceVersion);
  }

  const limit = query.limit > 0 ? query.limit : Number.POSITIVE_INFINITY;
  const selective = !query.labelSelector.isEmpty || !query.fieldSelector.isEmpty;
  const items: StampedObject[] = [];
  let lastKey = '';
  let more = 0;
  for (const { key, object } of await objectsAt(ctx, prefix, after, revision, query)) {
    if (items.length < limit) {
      if (!matches(object)) continue;
      items.push(object);
      lastKey = key;
    } else if (selective ? matches(object) : true) {
      more++;
      if (selective) break;
    }
  }
  return {
    items,
    revision,
    continueToken: more > 0 ? encodeToken(revision, lastKey.slice(resource.prefix.length)) : '',
    remaining: more > 0 && !selective ? more : undefined,
  };
}

async function objectsAt(
  ctx: RequestContext,
  prefix: string,
  after: string | undefined,
  revision: number,
  query: ListQuery,
): Promise<Iterable<{ readonly key: string; readonly object: StampedObject }>> {
  const { cache } = ctx.deps;
  const resource = resourceCache(ctx);
  // The walk is synchronous, so the cache cannot move under it.
  if (revision === cache.revision) return resource.scan(prefix, after);
  try {
    const { entries } = await cache.store.list(prefix, {
      revision,
      ...(after === undefined ? {} : { after }),
    });
    return entries.map((entry) => ({ key: entry.key, object: resource.serve(entry) }));
  } catch (error) {
    if (error instanceof Compacted) {
      const continued = query.continueToken !== '';
      throw expired(
        continued
          ? 'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.'
          : `The resourceVersion for the provided list is too old.`,
        continued ? encodeToken(-1, decodeToken(query.continueToken).start) : undefined,
      );
    }
    if (error instanceof FutureRevision) throw timeoutError(error.message, 1);
    throw error;
  }
}
