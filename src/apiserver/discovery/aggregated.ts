/**
 * Aggregated discovery: everything about every resource in one document, which clients ask of `/api` and
 * `/apis` with `Accept: application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList` (API-12).
 */
import type { GroupVersionKind } from '../../api/index.js';
import type { Discovered } from '../resource.js';
import { byGroup, type ForeignVersion } from './groups.js';

export interface ApiSubresourceDiscovery {
  readonly subresource: string;
  readonly responseKind: GroupVersionKind;
  readonly verbs: readonly string[];
}
export interface ApiResourceDiscovery {
  /** The plural. */
  readonly resource: string;
  readonly responseKind: GroupVersionKind;
  readonly scope: 'Namespaced' | 'Cluster';
  readonly singularResource: string;
  readonly verbs: readonly string[];
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly subresources?: readonly ApiSubresourceDiscovery[];
}
export interface ApiGroupDiscoveryList {
  readonly kind: 'APIGroupDiscoveryList';
  readonly apiVersion: `apidiscovery.k8s.io/${'v2' | 'v2beta1'}`;
  readonly metadata: Record<string, never>;
  readonly items: readonly {
    /** The group; without a name for the core group. */
    readonly metadata: { readonly name?: string; readonly creationTimestamp: null };
    readonly versions: readonly {
      readonly version: string;
      readonly resources: readonly ApiResourceDiscovery[];
      readonly freshness: 'Current' | 'Stale';
    }[];
  }[];
}

/**
 * The groups of exactly the resources given: those of the core group for `/api`, all others for `/apis`.
 * Clients before 1.30 ask for `v2beta1`, which has the same shape.
 */
export function apiGroupDiscoveryList(
  resources: readonly Discovered[],
  version: 'v2' | 'v2beta1' = 'v2',
  foreign: readonly ForeignVersion[] = [],
): ApiGroupDiscoveryList {
  const isStale = (group: string, of: string): boolean =>
    foreign.some((each) => each.stale && each.group === group && each.version === of);
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: `apidiscovery.k8s.io/${version}`,
    metadata: {},
    items: byGroup(resources, foreign).map(({ group, versions }) => ({
      metadata: { ...(group === '' ? {} : { name: group }), creationTimestamp: null },
      versions: versions.map((v) => ({
        version: v.version,
        resources: v.resources.map(describe),
        freshness: isStale(group, v.version) ? 'Stale' : 'Current',
      })),
    })),
  };
}

function describe({ facts }: Discovered): ApiResourceDiscovery {
  const subresources = facts.subresources.map(({ name, kind, verbs }) => ({
    subresource: name,
    responseKind: kind,
    verbs,
  }));
  return {
    resource: facts.plural,
    responseKind: { group: facts.group, version: facts.version, kind: facts.kind },
    scope: facts.scope,
    singularResource: facts.singular,
    verbs: facts.verbs,
    ...(facts.shortNames.length > 0 ? { shortNames: facts.shortNames } : {}),
    ...(facts.categories.length > 0 ? { categories: facts.categories } : {}),
    ...(subresources.length > 0 ? { subresources } : {}),
  };
}
