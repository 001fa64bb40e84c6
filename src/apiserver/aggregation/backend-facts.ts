/** What a backend serves, read from its discovery document. */
import type { APIResource, APIResourceList } from '../../api/kinds/meta/v1.js';
import type { ServedResource } from '../resource.js';
import type { GroupVersion } from './objects.js';

export interface ServedByBackend {
  readonly resources: readonly ServedResource['facts'][];
  /** Where its OpenAPI document is, with its hash; undefined when it has none. */
  readonly openApi: string | undefined;
}

/** Subresources are listed beside their resource, as `plural/name`. Whatever is no list of resources gives none. */
export function factsOf({ group, version }: GroupVersion, list: APIResourceList): ServedResource['facts'][] {
  const all: readonly APIResource[] = Array.isArray(list.resources) ? list.resources : [];
  return all
    .filter(({ name }) => typeof name === 'string' && !name.includes('/'))
    .map((resource) => ({
      group,
      version,
      kind: resource.kind,
      plural: resource.name,
      singular: resource.singularName ?? '',
      listKind: `${resource.kind}List`,
      scope: resource.namespaced ? ('Namespaced' as const) : ('Cluster' as const),
      shortNames: resource.shortNames ?? [],
      categories: resource.categories ?? [],
      verbs: [...(resource.verbs ?? [])].sort(),
      subresources: all
        .filter(({ name }) => name.startsWith(`${resource.name}/`))
        .map((sub) => ({
          name: sub.name.slice(resource.name.length + 1),
          kind: {
            ...(sub.group === undefined ? { group } : { group: sub.group }),
            version: sub.version ?? version,
            kind: sub.kind,
          },
          verbs: [...sub.verbs].sort(),
        })),
    }));
}
