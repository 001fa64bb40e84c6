/** The built-in resources of Kubernetes 1.32, and which schema belongs to which kind. */
import { apiVersionOf, type GroupVersionKind, type KindFacts, parseApiVersion } from '../kind.js';
import type { Schema } from '../schema/schema.js';
import { fullTypeName, schemaOfType } from './inflate.js';
import { facts, type ResourceEntry } from './table.js';

export interface SubresourceFacts {
  readonly name: string;
  /** The kind of its bodies: that of the resource itself, or another such as `autoscaling/v1 Scale`. */
  readonly kind: GroupVersionKind;
  readonly verbs: readonly string[];
}

/** Everything discovery tells about a resource. */
export interface ResourceFacts extends KindFacts {
  readonly singular: string;
  readonly listKind: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** In alphabetical order, as discovery lists them. */
  readonly verbs: readonly string[];
  /** In alphabetical order. */
  readonly subresources: readonly SubresourceFacts[];
  /** The name of the type in OpenAPI: `io.k8s.api.apps.v1.Deployment`. */
  readonly typeName: string;
}

const everyVerb = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const words = (text = ''): readonly string[] => (text === '' ? [] : text.split(' '));

function kindOf(text: string): GroupVersionKind {
  const [apiVersion = '', kind = ''] = text.split(' ');
  return { ...parseApiVersion(apiVersion), kind };
}

function inflate(entry: ResourceEntry): ResourceFacts {
  return {
    group: entry.group,
    version: entry.version,
    kind: entry.kind,
    plural: entry.plural,
    singular: entry.kind.toLowerCase(),
    listKind: `${entry.kind}List`,
    scope: entry.namespaced ? 'Namespaced' : 'Cluster',
    verbs: entry.verbs === '*' ? everyVerb : words(entry.verbs),
    shortNames: words(entry.shortNames),
    categories: words(entry.categories),
    subresources: Object.entries(entry.subresources ?? {}).map(([name, [kind, verbs]]) => ({
      name,
      kind: kindOf(kind),
      verbs: words(verbs),
    })),
    typeName: fullTypeName(entry.type),
  };
}

/**
 * Every resource that is known of a 1.32 server, also of versions that it serves only when told to: groups in
 * server order, a group's preferred version first, then by plural.
 */
export const builtinResources: readonly ResourceFacts[] = facts.resources.map(inflate);

/** Group → its versions, preferred first; in the order a server lists groups, core (`''`) first. */
export const serverPreferredVersions: ReadonlyMap<string, readonly string[]> = new Map(facts.groups);

const typeNameOfKind = new Map<string, string>();
for (const resource of builtinResources) {
  typeNameOfKind.set(`${apiVersionOf(resource)} ${resource.kind}`, resource.typeName);
  if (resource.verbs.includes('list')) {
    typeNameOfKind.set(`${apiVersionOf(resource)} ${resource.listKind}`, `${resource.typeName}List`);
  }
}
for (const [kind, type] of Object.entries(facts.bodies)) typeNameOfKind.set(kind, fullTypeName(type));

/**
 * The schema of a built-in kind, of its list, or of a body such as `policy/v1 Eviction`; undefined for
 * any other. `DeleteOptions` is known in every group, as clients send it in the group of what they delete.
 */
export function schemaOfKind(gvk: GroupVersionKind): Schema | undefined {
  const key = gvk.kind === 'DeleteOptions' ? 'v1 DeleteOptions' : `${apiVersionOf(gvk)} ${gvk.kind}`;
  const typeName = typeNameOfKind.get(key);
  return typeName === undefined ? undefined : schemaOfType(typeName);
}
