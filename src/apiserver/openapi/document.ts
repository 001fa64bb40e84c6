/**
 * OpenAPI v3 as clients of 1.32 read it: an index of group-versions, and one document for each.
 *
 * kubectl asks a document four things, and they are what it is made for: whether the PATCH operation of a
 * kind takes `fieldValidation`, whether it takes strategic merge, the schema of a kind (to compute a
 * three-way patch, and for `explain`), and which path serves a resource. Deprecated `/watch/` paths and
 * descriptions are left out.
 */
import { schemaOfKind } from '../../api/facts/index.js';
import type { GroupVersionKind, JsonObject } from '../../api/index.js';
import type { DescribedResource } from '../resource.js';
import { describeOperation } from './operation.js';
import { pathParameters } from './parameters.js';
import { ComponentSchemas, deleteOptionsType, listMetaType } from './schemas.js';

export interface GroupVersion {
  readonly group: string;
  readonly version: string;
}

/** `api/v1`, `apis/apps/v1`: how the index names a group-version. */
export function openApiPathOf({ group, version }: GroupVersion): string {
  return group === '' ? `api/${version}` : `apis/${group}/${version}`;
}

/**
 * `/openapi/v3`. `hashOf` gives the current hash of a document: clients cache a document by it, so it
 * must change whenever the document does.
 */
export function openApiV3Index(
  groupVersions: readonly GroupVersion[],
  hashOf: (groupVersion: GroupVersion) => string,
  foreign: readonly (GroupVersion & { readonly openApi: string | undefined })[] = [],
): JsonObject {
  const own = groupVersions.map((gv) => {
    const path = openApiPathOf(gv);
    return [
      path,
      { serverRelativeURL: `/openapi/v3/${path}?hash=${encodeURIComponent(hashOf(gv))}` },
    ] as const;
  });
  const theirs = foreign.map((gv) => [openApiPathOf(gv), { serverRelativeURL: gv.openApi ?? '' }] as const);
  return { paths: Object.fromEntries([...own, ...theirs]) };
}

/** `com.example.stable.v1.CronTab`: the group reversed, as CustomResourceDefinitions are published. */
export function customTypeName({ group, version, kind }: GroupVersionKind): string {
  return [...group.split('.').reverse(), version, kind].join('.');
}

/** `/openapi/v3/<gv>`: the resources of that group-version among those given. */
export function openApiV3Document(
  groupVersion: GroupVersion,
  resources: readonly DescribedResource[],
): JsonObject {
  const schemas = new ComponentSchemas();
  const paths = new Map<string, JsonObject>();
  schemas.ref(deleteOptionsType);
  schemas.addKind(deleteOptionsType, { ...groupVersion, kind: 'DeleteOptions' });
  for (const resource of resources) {
    const { group, version } = resource.facts;
    if (group !== groupVersion.group || version !== groupVersion.version) continue;
    addResource(resource, schemas, paths);
  }
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'v1.32.0' },
    paths: Object.fromEntries([...paths].sort(([a], [b]) => (a < b ? -1 : 1))),
    components: {
      schemas: schemas.toJSON(),
      securitySchemes: { BearerToken: { type: 'apiKey', name: 'authorization', in: 'header' } },
    },
    security: [{ BearerToken: [] }],
  };
}

function addResource(
  resource: DescribedResource,
  schemas: ComponentSchemas,
  paths: Map<string, JsonObject>,
): void {
  const { facts, schema, builtin } = resource;
  const gvk = { group: facts.group, version: facts.version, kind: facts.kind };
  const typeName = builtin && schema.typeName ? schema.typeName : customTypeName(gvk);
  const object = builtin ? schemas.ref(typeName) : schemas.define(typeName, schemas.customResource(schema));
  schemas.addKind(typeName, gvk);
  let list = object;
  if (facts.verbs.includes('list')) {
    const listName = `${typeName}List`;
    list = schemas.define(listName, listSchema(object, schemas));
    schemas.addKind(listName, { ...gvk, kind: facts.listKind });
  }

  const base = `/${openApiPathOf(facts)}`;
  const collection =
    facts.scope === 'Namespaced'
      ? `${base}/namespaces/{namespace}/${facts.plural}`
      : `${base}/${facts.plural}`;
  const operation = (verb: string, path: string, body: JsonObject, kind: GroupVersionKind, suffix = '') =>
    describeOperation({ verb, path, body, kind, facts, suffix, strategicMerge: builtin, schemas });
  const verbs = (path: string, among: readonly string[]) =>
    among
      .filter((verb) => facts.verbs.includes(verb))
      .map((verb) => operation(verb, path, verb === 'list' ? list : object, gvk));

  addPath(paths, collection, verbs(collection, ['list', 'create', 'deletecollection']));
  if (facts.scope === 'Namespaced' && facts.verbs.includes('list')) {
    const everywhere = `${base}/${facts.plural}`;
    addPath(paths, everywhere, [operation('list', everywhere, list, gvk, 'ForAllNamespaces')]);
  }
  const item = `${collection}/{name}`;
  addPath(paths, item, verbs(item, ['get', 'update', 'patch', 'delete']));
  for (const sub of facts.subresources) {
    const path = `${item}/${sub.name}`;
    const body = subresourceBody(sub.kind, gvk, object, schemas);
    addPath(
      paths,
      path,
      sub.verbs.map((verb) => operation(verb, path, body, sub.kind, sub.name)),
    );
  }
}

function addPath(
  paths: Map<string, JsonObject>,
  path: string,
  operations: readonly (readonly [method: string, operation: JsonObject])[],
): void {
  if (operations.length === 0) return;
  paths.set(path, { ...Object.fromEntries(operations), parameters: pathParameters(path) });
}

function listSchema(item: JsonObject, schemas: ComponentSchemas): JsonObject {
  return {
    type: 'object',
    required: ['items'],
    properties: {
      apiVersion: { type: 'string' },
      items: { type: 'array', items: item },
      kind: { type: 'string' },
      metadata: schemas.ref(listMetaType),
    },
  };
}

function subresourceBody(
  kind: GroupVersionKind,
  own: GroupVersionKind,
  object: JsonObject,
  schemas: ComponentSchemas,
): JsonObject {
  if (kind.kind === own.kind && kind.group === own.group) return object;
  const typeName = schemaOfKind(kind)?.typeName;
  if (typeName === undefined) return { type: 'string' };
  const ref = schemas.ref(typeName);
  schemas.addKind(typeName, kind);
  return ref;
}
