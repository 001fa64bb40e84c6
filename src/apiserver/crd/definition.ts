/** A CustomResourceDefinition as the server reads it, and the resources it stands for (API-15). */
import { type ResourceFacts, schemaOfType } from '../../api/facts/index.js';
import {
  apiVersionOf,
  applyDefaults,
  type JsonObject,
  type Schema,
  type WebhookClientConfig,
} from '../../api/index.js';
import { strategyFor } from '../builtin/index.js';
import { storagePrefix } from '../cache/watch-cache.js';
import { compareKubeVersions } from '../discovery/version-order.js';
import type { ServedResource, VersionConverter } from '../resource.js';
import type { CrdColumn } from '../table/index.js';
import { type SelectableField, selectableFieldsOf } from './selectable-fields.js';

export interface CrdNames {
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly listKind: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
}

export interface CrdVersion {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly deprecated?: boolean;
  readonly deprecationWarning?: string;
  readonly schema?: { readonly openAPIV3Schema?: Schema };
  readonly subresources?: {
    readonly status?: object;
    readonly scale?: {
      readonly specReplicasPath: string;
      readonly statusReplicasPath: string;
      readonly labelSelectorPath?: string;
    };
  };
  readonly additionalPrinterColumns?: readonly CrdColumn[];
  readonly selectableFields?: readonly SelectableField[];
}

/** `spec.conversion`. */
export interface CrdConversionFields {
  readonly strategy?: string;
  readonly webhook?: {
    readonly clientConfig?: WebhookClientConfig;
    readonly conversionReviewVersions?: readonly string[];
  };
}

export interface CrdCondition {
  readonly type: string;
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
}

export interface Crd {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly finalizers?: readonly string[];
    readonly deletionTimestamp?: string;
  };
  readonly spec: {
    readonly group: string;
    readonly scope: 'Namespaced' | 'Cluster';
    readonly names: CrdNames;
    readonly versions: readonly CrdVersion[];
    readonly conversion?: CrdConversionFields;
  };
  readonly status?: {
    readonly conditions?: readonly CrdCondition[];
    readonly acceptedNames?: CrdNames;
    readonly storedVersions?: readonly string[];
  };
}

export const crdGroup = 'apiextensions.k8s.io';
export const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

const objectMetaType = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';
const verbs = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'];
const subresourceVerbs = ['get', 'patch', 'update'];

/** A version's schema with the identity every object has. */
export function wholeSchema(version: CrdVersion): Schema {
  const own: Schema = version.schema?.openAPIV3Schema ?? {
    type: 'object',
    'x-kubernetes-preserve-unknown-fields': true,
  };
  const metadata = schemaOfType(objectMetaType);
  return {
    ...own,
    type: 'object',
    properties: {
      apiVersion: { type: 'string' },
      kind: { type: 'string' },
      ...own.properties,
      ...(metadata ? { metadata } : {}),
    },
  };
}

function subresources(crd: Crd, version: CrdVersion): ResourceFacts['subresources'] {
  const { group, names } = crd.spec;
  const own = { group, version: version.name, kind: names.kind };
  const scale = { group: 'autoscaling', version: 'v1', kind: 'Scale' };
  return [
    ...(version.subresources?.status ? [{ name: 'status', kind: own, verbs: subresourceVerbs }] : []),
    ...(version.subresources?.scale ? [{ name: 'scale', kind: scale, verbs: subresourceVerbs }] : []),
  ];
}

const withoutDot = (path: string): string => path.replace(/^\./, '');

/** What users of a deprecated version are told: the definition's own words, or where to go instead. */
function deprecationOf({ spec }: Crd, version: CrdVersion): string | undefined {
  if (!version.deprecated) return undefined;
  if (version.deprecationWarning !== undefined) return version.deprecationWarning;
  const { group, names, versions } = spec;
  const said = `${group}/${version.name} ${names.kind} is deprecated`;
  const [instead] = versions
    .filter((v) => v.served && !v.deprecated && compareKubeVersions(v.name, version.name) < 0)
    .sort((a, b) => compareKubeVersions(a.name, b.name));
  return instead ? `${said}; use ${group}/${instead.name} ${names.kind}` : said;
}

/** The resources a definition serves, one per served version. */
export function resourcesOf(crd: Crd, conversion: VersionConverter): ServedResource[] {
  const { group, scope, names, versions } = crd.spec;
  const storageVersion = versions.find((v) => v.storage)?.name ?? versions[0]?.name ?? '';
  return versions
    .filter((version) => version.served)
    .map((version): ServedResource => {
      const scale = version.subresources?.scale;
      const deprecation = deprecationOf(crd, version);
      return {
        facts: {
          group,
          version: version.name,
          kind: names.kind,
          plural: names.plural,
          scope,
          singular: names.singular,
          listKind: names.listKind,
          shortNames: names.shortNames ?? [],
          categories: names.categories ?? [],
          // A kind whose definition goes is emptied: nothing new comes.
          verbs: crd.metadata.deletionTimestamp === undefined ? verbs : verbs.filter((v) => v !== 'create'),
          subresources: subresources(crd, version),
        },
        schema: wholeSchema(version),
        builtin: false,
        strategy: {
          ...strategyFor(group, names.kind),
          ...(version.selectableFields
            ? { selectableFields: selectableFieldsOf(version.selectableFields) }
            : {}),
        },
        ...(version.additionalPrinterColumns ? { columns: version.additionalPrinterColumns } : {}),
        storagePrefix: storagePrefix({ group, plural: names.plural }),
        storageVersion,
        conversion,
        ...(deprecation === undefined ? {} : { deprecation }),
        hasStatus: version.subresources?.status !== undefined,
        ...(scale
          ? {
              scale: {
                specReplicas: withoutDot(scale.specReplicasPath),
                statusReplicas: withoutDot(scale.statusReplicasPath),
                ...(scale.labelSelectorPath ? { selector: withoutDot(scale.labelSelectorPath) } : {}),
              },
            }
          : {}),
      };
    });
}

/** API-15: defaults reach objects that were stored before the definition had them. */
export function decoderOf(crd: Crd): (stored: JsonObject) => JsonObject {
  const schemas = new Map(
    crd.spec.versions.map((v) => [apiVersionOf({ group: crd.spec.group, version: v.name }), wholeSchema(v)]),
  );
  return (stored) => {
    const schema = schemas.get(String(stored.apiVersion));
    return schema ? (applyDefaults(stored, schema) as JsonObject) : stored;
  };
}
