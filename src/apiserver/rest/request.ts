/**
 * A request as the server sees it, from a socket or from the same process, and what its path asks for.
 */
import type { HttpMethod, UserInfo } from '../../api/index.js';
import { badRequest } from '../../api/index.js';
import type { RequestRecord } from '../audit/request-record.js';
import { queryFlag } from './query-flag.js';

/** The last two go no further than to what is proxied. */
export type RequestMethod = HttpMethod | 'HEAD' | 'OPTIONS';

export interface ServerRequest {
  readonly method: RequestMethod;
  /** Percent-encoded, without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Raw bytes, or a JSON value that the server owns from now on (in process). */
  readonly body?: { readonly bytes: Uint8Array } | { readonly value: unknown } | undefined;
  /** Who connected; absent in process. */
  readonly sourceIP?: string | undefined;
  /** What the client calls its request, or the listener has called it. */
  readonly auditID?: string | undefined;
  /** What is written of it in the audit log; absent where nothing is. */
  readonly audit?: RequestRecord;
  /** Absent: nobody was authenticated. */
  readonly user?: UserInfo | undefined;
  readonly signal?: AbortSignal;
}

export type ResourceVerb =
  | 'get'
  | 'list'
  | 'watch'
  | 'create'
  | 'update'
  | 'patch'
  | 'delete'
  | 'deletecollection'
  /** A method that is nothing to a resource: only who may do anything may have it proxied. */
  | '';

/** A path below `/api` or `/apis` that names a resource. */
export interface ResourceRequest {
  readonly verb: ResourceVerb;
  readonly group: string;
  readonly version: string;
  /** Plural. */
  readonly resource: string;
  readonly subresource: string;
  /** `''` for cluster scope or all namespaces. */
  readonly namespace: string;
  /** `''` for a collection. */
  readonly name: string;
}

/** What of the core group has an address. */
const proxied: ReadonlySet<string> = new Set(['pods', 'services', 'nodes']);

const proxyPath = /^(\/api\/v1\/(?:namespaces\/[^/]+\/(?:pods|services)|nodes)\/[^/]+\/proxy)(\/.*)?$/;

/** Cuts the path of a proxy request into the server's own part and what is behind it; undefined for any other. */
export function splitProxyPath(path: string): { readonly prefix: string; readonly rest: string } | undefined {
  const [, prefix, rest = ''] = proxyPath.exec(path) ?? [];
  return prefix === undefined ? undefined : { prefix, rest };
}

function decodeSegment(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    throw badRequest(`invalid percent-encoding in the path segment ${JSON.stringify(segment)}`);
  }
}

function verbOf(method: RequestMethod, name: string, watch: boolean): ResourceVerb {
  switch (method) {
    case 'HEAD':
    case 'GET':
      if (watch) return 'watch';
      return name === '' ? 'list' : 'get';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    case 'PATCH':
      return 'patch';
    case 'DELETE':
      return name === '' ? 'deletecollection' : 'delete';
    case 'OPTIONS':
      return '';
  }
}

/**
 * Reads `/api/v1/…` and `/apis/<group>/<version>/…`; undefined for any other path (discovery, health).
 * `namespaces/<ns>` itself and its subresources `status` and `finalize` are the Namespace resource.
 */
export function parseResourcePath(
  method: RequestMethod,
  path: string,
  query: URLSearchParams,
): ResourceRequest | undefined {
  const segments: string[] = [];
  for (const segment of path.split('/')) if (segment !== '') segments.push(decodeSegment(segment));
  let rest: string[];
  let group = '';
  let version: string;
  if (segments[0] === 'api' && segments.length > 2) {
    version = segments[1] as string;
    rest = segments.slice(2);
  } else if (segments[0] === 'apis' && segments.length > 3) {
    group = segments[1] as string;
    version = segments[2] as string;
    rest = segments.slice(3);
  } else return undefined;

  let namespace = '';
  const namespaceItself =
    rest.length === 2 || (rest.length === 3 && (rest[2] === 'status' || rest[2] === 'finalize'));
  if (
    rest[0] === 'namespaces' && group === ''
      ? !namespaceItself && rest.length > 2
      : rest[0] === 'namespaces' && rest.length > 2
  ) {
    namespace = rest[1] as string;
    rest = rest.slice(2);
  }
  const [resource = '', name = '', ...sub] = rest;
  // What follows it is the path of somebody else.
  const isProxy = sub[0] === 'proxy' && group === '' && proxied.has(resource);
  const watch = !isProxy && (queryFlag(query, 'watch') ?? false);
  return {
    verb: verbOf(method, name, watch),
    group,
    version,
    resource,
    subresource: isProxy ? 'proxy' : sub.join('/'),
    namespace: resource === 'namespaces' && group === '' ? name : namespace,
    name,
  };
}
