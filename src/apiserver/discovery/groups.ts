/** Resources ordered by group and version, the way every form of discovery lists them. */
import type { DescribedResource } from '../resource.js';
import { compareKubeVersions } from './version-order.js';

export interface VersionResources {
  readonly version: string;
  /** By plural. */
  readonly resources: readonly DescribedResource[];
}
export interface GroupResources {
  readonly group: string;
  /** The preferred version first. */
  readonly versions: readonly VersionResources[];
}

/** Groups in order of first appearance. */
export function byGroup(resources: readonly DescribedResource[]): readonly GroupResources[] {
  const groups = new Map<string, Map<string, DescribedResource[]>>();
  for (const resource of resources) {
    const { group, version } = resource.facts;
    let versions = groups.get(group);
    if (!versions) groups.set(group, (versions = new Map()));
    const list = versions.get(version);
    if (list) list.push(resource);
    else versions.set(version, [resource]);
  }
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
