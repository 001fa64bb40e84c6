/** Resources ordered by group and version, the way every form of discovery lists them. */
import type { Discovered } from '../resource.js';
import { compareKubeVersions } from './version-order.js';

export interface VersionResources {
  readonly version: string;
  /** By plural. */
  readonly resources: readonly Discovered[];
}
export interface GroupResources {
  readonly group: string;
  /** The preferred version first. */
  readonly versions: readonly VersionResources[];
}

/** What another server serves (aggregation). */
export interface ForeignVersion {
  readonly group: string;
  readonly version: string;
  readonly resources: readonly Discovered[];
  /** It cannot be reached: this is what it served before, if anything. */
  readonly stale: boolean;
  /** Where its OpenAPI document is; undefined when it has none. */
  readonly openApi: string | undefined;
}

/** Groups in order of first appearance; what others serve comes last, and in place of what this server has there. */
export function byGroup(
  resources: readonly Discovered[],
  foreign: readonly ForeignVersion[] = [],
): readonly GroupResources[] {
  const groups = new Map<string, Map<string, Discovered[]>>();
  const versionsOf = (group: string): Map<string, Discovered[]> => {
    const versions = groups.get(group) ?? new Map<string, Discovered[]>();
    groups.set(group, versions);
    return versions;
  };
  for (const resource of resources) {
    const { group, version } = resource.facts;
    const versions = versionsOf(group);
    const list = versions.get(version);
    if (list) list.push(resource);
    else versions.set(version, [resource]);
  }
  for (const { group, version, resources: theirs } of foreign) versionsOf(group).set(version, [...theirs]);
  return [...groups].map(([group, versions]) => ({
    group,
    versions: [...versions]
      .sort(([a], [b]) => compareKubeVersions(a, b))
      .map(([version, list]) => ({
        version,
        resources: list.sort((a, b) => (a.facts.plural < b.facts.plural ? -1 : 1)),
      })),
  }));
}
