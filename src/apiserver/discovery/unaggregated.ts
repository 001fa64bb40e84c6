/**
 * Discovery one document at a time: `/api`, `/apis`, `/apis/<group>`, `/api/v1` and
 * `/apis/<group>/<version>` (API-12). `kubectl auth can-i` and `drain` still read `/api/v1` this way.
 */
import { apiVersionOf } from '../../api/index.js';
import type {
  APIGroup,
  APIGroupList,
  APIResource,
  APIResourceList,
  APIVersions,
} from '../../api/kinds/meta/v1.js';
import type { Discovered } from '../resource.js';
import { byGroup, type ForeignVersion, type GroupResources } from './groups.js';

/** `/api`. `serverAddress` is the host and port clients reach this server at. */
export function apiVersions(serverAddress: string): APIVersions {
  return {
    kind: 'APIVersions',
    apiVersion: 'v1',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress }],
  };
}

function describeGroup({ group, versions }: GroupResources): Omit<APIGroup, 'apiVersion' | 'kind'> {
  const all = versions.map(({ version }) => ({ groupVersion: apiVersionOf({ group, version }), version }));
  const [preferredVersion] = all;
  return { name: group, versions: all, ...(preferredVersion ? { preferredVersion } : {}) };
}

/** `/apis`: every group but the core one. */
export function apiGroupList(
  resources: readonly Discovered[],
  foreign: readonly ForeignVersion[] = [],
): Omit<APIGroupList, 'groups'> & { readonly groups: readonly Omit<APIGroup, 'apiVersion' | 'kind'>[] } {
  const groups = byGroup(resources, foreign).filter(({ group }) => group !== '');
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(describeGroup) };
}

/** `/apis/<group>`; undefined when nothing is served in the group. */
export function apiGroup(
  group: string,
  resources: readonly Discovered[],
  foreign: readonly ForeignVersion[] = [],
): APIGroup | undefined {
  const [found] = byGroup(
    resources.filter((r) => r.facts.group === group),
    foreign.filter((each) => each.group === group),
  );
  return found && { kind: 'APIGroup', apiVersion: 'v1', ...describeGroup(found) };
}

/** `/api/v1`, `/apis/<group>/<version>`: the resources of that version and their subresources. */
export function apiResourceList(
  groupVersion: { readonly group: string; readonly version: string },
  resources: readonly Discovered[],
): APIResourceList {
  const { group, version } = groupVersion;
  const [found] = byGroup(resources.filter((r) => r.facts.group === group && r.facts.version === version));
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersionOf(groupVersion),
    resources: found?.versions[0]?.resources.flatMap(describeResource) ?? [],
  };
}

function describeResource({ facts }: Discovered): readonly APIResource[] {
  const namespaced = facts.scope === 'Namespaced';
  return [
    {
      name: facts.plural,
      singularName: facts.singular,
      namespaced,
      kind: facts.kind,
      verbs: facts.verbs,
      ...(facts.shortNames.length > 0 ? { shortNames: facts.shortNames } : {}),
      ...(facts.categories.length > 0 ? { categories: facts.categories } : {}),
    },
    ...facts.subresources.map(({ name, kind, verbs }) => ({
      name: `${facts.plural}/${name}`,
      singularName: '',
      namespaced,
      // Said only where it differs from the list's own.
      ...(kind.group !== facts.group || kind.version !== facts.version
        ? { group: kind.group, version: kind.version }
        : {}),
      kind: kind.kind,
      verbs,
    })),
  ];
}
