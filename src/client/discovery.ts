/**
 * What a server serves, asked of the server: every resource of every version, as kinds that all verbs take.
 *
 * Aggregated discovery (API-12) answers in two requests; servers that do not know it are asked one group
 * version at a time. A group that cannot be asked is reported beside those that can: one broken extension
 * must not hide the rest.
 */
import { type JsonObject, type Kind, kind, type KubernetesObject, parseApiVersion } from '../api/index.js';
import type { APIGroupList, APIResourceList, APIVersions } from '../api/kinds/meta/v1.js';
import type { Client } from './client.js';
import { errorOf } from './errors.js';

/** One resource in one version. */
export interface DiscoveredResource {
  readonly kind: Kind<KubernetesObject>;
  readonly verbs: readonly string[];
  /** What else it may be called on a command line: its singular and short names. */
  readonly aliases: readonly string[];
  /** True for the version its group prefers among those that serve this resource. */
  readonly preferred: boolean;
}

export interface Discovery {
  readonly resources: readonly DiscoveredResource[];
  /** What could not be found out, by group version. */
  readonly failures: ReadonlyMap<string, unknown>;
}

const aggregatedType =
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';

interface AggregatedList {
  readonly kind: 'APIGroupDiscoveryList';
  readonly items: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions: readonly {
      readonly version: string;
      readonly freshness?: string;
      readonly resources?: readonly {
        readonly resource: string;
        readonly responseKind?: { readonly group?: string; readonly version?: string; readonly kind: string };
        readonly scope: string;
        readonly verbs: readonly string[];
        readonly singularResource?: string;
        readonly shortNames?: readonly string[];
      }[];
    }[];
  }[];
}

/**
 * Reads it anew. Only subresources are left out.
 * @throws ApiError, TransportError when not even the list of groups is answered
 */
export async function discover(
  client: Client,
  options: { readonly signal?: AbortSignal } = {},
): Promise<Discovery> {
  const found: Found = { resources: [], seen: new Set(), failures: new Map() };
  for (const path of ['/api', '/apis']) {
    const document = await read(client, path, options.signal);
    if (document.kind === 'APIGroupDiscoveryList')
      addAggregated(found, document as unknown as AggregatedList);
    else await addOneByOne(client, found, document, options.signal);
  }
  return { resources: found.resources, failures: found.failures };
}

interface Found {
  readonly resources: DiscoveredResource[];
  /** Group and plural: the first version that comes is the preferred one. */
  readonly seen: Set<string>;
  readonly failures: Map<string, unknown>;
}

function add(
  { resources, seen }: Found,
  facts: {
    readonly group: string;
    readonly version: string;
    readonly kind: string;
    readonly plural: string;
    readonly namespaced: boolean;
  },
  verbs: readonly string[],
  singular: string | undefined,
  shortNames: readonly string[] = [],
): void {
  const { group, version, plural, namespaced } = facts;
  const id = `${plural}.${group}`;
  const preferred = !seen.has(id);
  seen.add(id);
  const scope = namespaced ? 'Namespaced' : 'Cluster';
  resources.push({
    kind: kind({ group, version, kind: facts.kind, plural, scope }),
    verbs,
    aliases: [singular || facts.kind.toLowerCase(), ...shortNames],
    preferred,
  });
}

function addAggregated(found: Found, { items }: AggregatedList): void {
  for (const { metadata, versions } of items) {
    const group = metadata?.name ?? '';
    for (const { version, freshness, resources = [] } of versions) {
      if (freshness === 'Stale') {
        const groupVersion = group === '' ? version : `${group}/${version}`;
        found.failures.set(groupVersion, new Error('stale GroupVersion discovery'));
      }
      for (const { resource, responseKind, scope, verbs, singularResource, shortNames } of resources) {
        if (!responseKind) continue;
        const facts = { group, version, kind: responseKind.kind, plural: resource };
        add(found, { ...facts, namespaced: scope === 'Namespaced' }, verbs, singularResource, shortNames);
      }
    }
  }
}

async function addOneByOne(
  client: Client,
  found: Found,
  document: JsonObject,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (const groupVersion of groupVersionsOf(document)) {
    const { group, version } = parseApiVersion(groupVersion);
    let list: APIResourceList;
    try {
      const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
      list = (await read(client, path, signal)) as unknown as APIResourceList;
    } catch (error) {
      if (signal?.aborted) throw error;
      found.failures.set(groupVersion, error);
      continue;
    }
    for (const { name, kind: kindName, namespaced, verbs, singularName, shortNames } of list.resources ??
      []) {
      if (name.includes('/')) continue;
      add(
        found,
        { group, version, kind: kindName, plural: name, namespaced },
        verbs,
        singularName,
        shortNames,
      );
    }
  }
}

/** In the order of preference. */
function groupVersionsOf(document: JsonObject): string[] {
  if (document.kind === 'APIVersions') return [...(document as unknown as APIVersions).versions];
  const { groups = [] } = document as unknown as APIGroupList;
  return groups.flatMap(({ preferredVersion, versions }) => {
    const all = versions.map(({ groupVersion }) => groupVersion);
    const first = preferredVersion?.groupVersion;
    return first === undefined ? all : [first, ...all.filter((other) => other !== first)];
  });
}

async function read(client: Client, path: string, signal: AbortSignal | undefined): Promise<JsonObject> {
  const response = await client.transport.request({
    method: 'GET',
    path,
    headers: { accept: aggregatedType },
    ...(signal ? { signal } : {}),
  });
  if (response.status < 200 || response.status >= 300) throw errorOf(response);
  return response.body as JsonObject;
}
