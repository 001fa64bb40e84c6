/**
 * The resources a server serves: one entry per group, version and plural, built-in and custom alike.
 * Everything kind-specific that the REST machinery needs is reached from here.
 */
import { builtinResources, type ResourceFacts, schemaOfKind } from '../api/facts/index.js';
import type { JsonObject, Schema } from '../api/index.js';
import { conversionOf, storageGroupOf } from './builtin/conversion/conversions.js';
import { KindConversion } from './builtin/conversion/kind-conversion.js';
import { type KindStrategy, strategyFor } from './builtin/index.js';
import { storagePrefix } from './cache/watch-cache.js';
import { compareKubeVersions } from './discovery/version-order.js';
import { type RuntimeConfig, servedBy } from './runtime-config.js';
import type { CrdColumn } from './table/index.js';

export interface ServedResource {
  /** A custom resource has no `typeName`: its name in OpenAPI follows from its group. */
  readonly facts: Omit<ResourceFacts, 'typeName'>;
  /** The whole object's schema, with apiVersion, kind and metadata. */
  readonly schema: Schema;
  /** False for a custom resource: it has no strategic merge, and its schema is a structural one. */
  readonly builtin: boolean;
  readonly strategy: KindStrategy;
  /** Printer columns of a custom kind. */
  readonly columns?: readonly CrdColumn[];
  /** Keys of its objects start with it; all versions of a kind share it. */
  readonly storagePrefix: string;
  /** The version objects are stored at. */
  readonly storageVersion: string;
  /** From one version of this kind to another. */
  readonly conversion: VersionConverter;
  /** Told to everybody who uses this version. */
  readonly deprecation?: string;
  readonly hasStatus: boolean;
  /** Where a custom kind keeps its replicas; built-in kinds use `spec.replicas`. Dotted, no leading dot. */
  readonly scale?: {
    readonly specReplicas: string;
    readonly statusReplicas: string;
    readonly selector?: string;
  };
}

/** Takes objects of one kind from one version to another. */
export interface VersionConverter {
  /** The object at that version, where nobody has to be asked for it (any more). */
  known(object: JsonObject, version: string): JsonObject | undefined;
  /** In the order given. @throws ApiError when whoever was asked gives no good answer */
  convert(objects: readonly JsonObject[], version: string): Promise<readonly JsonObject[]>;
}

/** One object at one version; a promise where somebody has to be asked. @throws ApiError, at once or as a rejection */
export function convertTo(
  { conversion }: ServedResource,
  object: JsonObject,
  version: string,
): JsonObject | Promise<JsonObject> {
  return (
    conversion.known(object, version) ??
    conversion.convert([object], version).then(([converted]) => converted as JsonObject)
  );
}

/** What a resource tells about itself in discovery. */
export type Discovered = Pick<ServedResource, 'facts'>;

/** What a resource tells about itself in discovery and OpenAPI. */
export type DescribedResource = Pick<ServedResource, 'facts' | 'schema' | 'builtin'>;

/** `apps/v1` style identity of a resource entry. */
function entryKey(group: string, version: string, plural: string): string {
  return `${group}/${version}/${plural}`;
}

export class ResourceRegistry {
  readonly #entries = new Map<string, ServedResource>();
  /** Grows with every change: the ETag of discovery and OpenAPI. */
  #generation = 0;

  /**
   * @param own strategies of kinds that are implemented elsewhere than in `builtin/`
   * @param config which versions are served
   */
  static withBuiltins(own: readonly KindStrategy[] = [], config: RuntimeConfig = {}): ResourceRegistry {
    const registry = new ResourceRegistry();
    const serves = servedBy(config);
    const strategyOf = (facts: ResourceFacts): KindStrategy =>
      own.find((s) => s.group === facts.group && s.kind === facts.kind) ??
      strategyFor(facts.group, facts.kind);
    for (const facts of builtinResources) {
      const schema = serves(facts) ? schemaOfKind(facts) : undefined;
      if (!schema) continue;
      registry.register({
        facts,
        schema,
        builtin: true,
        strategy: strategyOf(facts),
        storagePrefix: storagePrefix({ group: storageGroupOf(facts), plural: facts.plural }),
        storageVersion: facts.version,
        conversion: new KindConversion(facts.group, conversionOf(facts)),
        hasStatus: facts.subresources.some((s) => s.name === 'status'),
      });
    }
    return registry;
  }

  get generation(): number {
    return this.#generation;
  }

  find(group: string, version: string, plural: string): ServedResource | undefined {
    return this.#entries.get(entryKey(group, version, plural));
  }

  /** The other served versions of a resource, the preferred one first. */
  otherVersions({ facts }: ServedResource): ServedResource[] {
    return this.all()
      .filter(
        (r) =>
          r.facts.group === facts.group &&
          r.facts.plural === facts.plural &&
          r.facts.version !== facts.version,
      )
      .sort((a, b) => compareKubeVersions(a.facts.version, b.facts.version));
  }

  all(): ServedResource[] {
    return [...this.#entries.values()];
  }

  inGroupVersion(group: string, version: string): ServedResource[] {
    return this.all().filter((r) => r.facts.group === group && r.facts.version === version);
  }

  register(resource: ServedResource): void {
    const { group, version, plural } = resource.facts;
    this.#entries.set(entryKey(group, version, plural), resource);
    this.#generation++;
  }

  /** Removes every version of a group's plural. */
  unregister(group: string, plural: string): void {
    for (const [key, { facts }] of this.#entries) {
      if (facts.group === group && facts.plural === plural) {
        this.#entries.delete(key);
        this.#generation++;
      }
    }
  }
}

/** The key an object is stored under. */
export function storageKey(resource: ServedResource, namespace: string, name: string): string {
  return resource.facts.scope === 'Namespaced'
    ? `${resource.storagePrefix}${namespace}/${name}`
    : `${resource.storagePrefix}${name}`;
}
