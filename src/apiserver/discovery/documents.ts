/**
 * The documents that describe the API, each made when it is first asked for and again only after the
 * served resources changed (API-12).
 */
import { apiVersionOf, type JsonObject } from '../../api/index.js';
import { openApiPathOf, openApiV3Document, openApiV3Index } from '../openapi/document.js';
import { swaggerOf } from '../openapi/swagger.js';
import { acceptsProtobufV2, protobufOfSwagger, protobufType } from '../openapi/swagger-protobuf.js';
import type { Discovered, ResourceRegistry, ServedResource } from '../resource.js';
import { acceptsAggregatedDiscovery } from '../rest/negotiate.js';
import { kubernetesVersion } from '../version.js';
import { apiGroupDiscoveryList } from './aggregated.js';
import type { ForeignVersion } from './groups.js';
import { apiGroup, apiGroupList, apiResourceList, apiVersions } from './unaggregated.js';

export interface Document {
  /** JSON, or bytes that are not. */
  readonly body: string | Uint8Array;
  readonly etag: string;
  readonly contentType: string;
}

const aggregatedType = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

export class DiscoveryDocuments {
  readonly #registry: ResourceRegistry;
  /** Gives a short hash of a text or of bytes. */
  readonly #hash: (content: string | Uint8Array) => string;
  readonly #made = new Map<string, Document | undefined>();
  #generation = '';

  constructor(
    registry: ResourceRegistry,
    hash: (content: string | Uint8Array) => string,
    /** Answers clients that ask for everything in two documents (API-12). */
    private readonly aggregates: boolean,
    /** What others serve beside this server. */
    private readonly others: {
      readonly generation: number;
      foreign(): readonly ForeignVersion[];
    } = { generation: 0, foreign: () => [] },
  ) {
    this.#registry = registry;
    this.#hash = hash;
  }

  /** The document at a path, in the form the client accepts; undefined when there is none. */
  find(path: string, accept: string | undefined): Document | undefined {
    const generation = `${this.#registry.generation} ${this.others.generation}`;
    if (this.#generation !== generation) {
      this.#made.clear();
      this.#generation = generation;
    }
    const aggregated =
      this.aggregates && (path === '/api' || path === '/apis') && acceptsAggregatedDiscovery(accept);
    const asProtobuf = path === '/openapi/v2' && acceptsProtobufV2(accept);
    const id = aggregated ? `${path} aggregated` : asProtobuf ? `${path} protobuf` : path;
    if (!this.#made.has(id))
      this.#made.set(id, asProtobuf ? this.#protobufV2() : this.#make(path, aggregated));
    return this.#made.get(id);
  }

  #make(path: string, aggregated: boolean): Document | undefined {
    const value = this.#describe(path, aggregated);
    if (value === undefined) {
      // What was asked for in vain is not remembered: anybody can ask for anything.
      this.#made.delete(path);
      return undefined;
    }
    const body = JSON.stringify(value);
    return {
      body,
      etag: `"${this.#hash(body)}"`,
      contentType: aggregated ? aggregatedType : 'application/json',
    };
  }

  #protobufV2(): Document {
    const body = protobufOfSwagger(this.#swagger());
    return { body, etag: `"${this.#hash(body)}"`, contentType: protobufType };
  }

  #swagger(): JsonObject {
    return swaggerOf(
      groupVersions(this.#registry.all()).map((gv) =>
        openApiV3Document(gv, this.#registry.inGroupVersion(gv.group, gv.version)),
      ),
    );
  }

  #describe(path: string, aggregated: boolean): object | undefined {
    const all = this.#registry.all();
    const foreign = this.others.foreign();
    const inCore = (r: ServedResource): boolean => r.facts.group === '';
    if (path === '/')
      return { paths: this.#paths([...all, ...foreign.flatMap(({ resources }) => resources)]) };
    if (path === '/api')
      return aggregated ? apiGroupDiscoveryList(all.filter(inCore), 'v2') : apiVersions('');
    if (path === '/apis') {
      return aggregated
        ? apiGroupDiscoveryList(
            all.filter((r) => !inCore(r)),
            'v2',
            foreign,
          )
        : apiGroupList(all, foreign);
    }
    if (path === '/openapi/v2') return this.#swagger();
    if (path === '/openapi/v3')
      return openApiV3Index(
        groupVersions(all),
        (gv) => this.#hashOf(gv.group, gv.version),
        foreign.filter(({ openApi }) => openApi !== undefined),
      );
    const match = /^(\/openapi\/v3)?\/(?:api|apis\/([^/]+))(?:\/([^/]+))?$/.exec(path);
    if (!match) return undefined;
    const [, openapi, group = '', version] = match;
    if (version === undefined) return openapi || group === '' ? undefined : apiGroup(group, all, foreign);
    const served = this.#registry.inGroupVersion(group, version);
    if (served.length === 0) return undefined;
    return openapi
      ? openApiV3Document({ group, version }, served)
      : apiResourceList({ group, version }, served);
  }

  /** Built-in kinds are the same in every server of this version; custom ones are told by their content. */
  #hashOf(group: string, version: string): string {
    const custom = this.#registry.inGroupVersion(group, version).filter((r) => !r.builtin);
    const content = custom.map(({ facts, schema }) => [facts, schema]);
    return this.#hash(
      JSON.stringify([kubernetesVersion.gitVersion, apiVersionOf({ group, version }), content]),
    );
  }

  #paths(all: readonly Discovered[]): string[] {
    const versions = groupVersions(all).map((gv) => `/${openApiPathOf(gv)}`);
    const groups = [...new Set(all.map((r) => r.facts.group))]
      .filter((g) => g !== '')
      .map((g) => `/apis/${g}`);
    return [
      '/api',
      '/apis',
      '/healthz',
      '/livez',
      '/openapi/v2',
      '/openapi/v3',
      '/readyz',
      '/version',
      ...versions,
      ...groups,
    ].sort();
  }
}

function groupVersions(all: readonly Discovered[]): { group: string; version: string }[] {
  const seen = new Map(
    all.map(({ facts: { group, version } }) => [`${group}/${version}`, { group, version }]),
  );
  return [...seen.values()];
}
