/**
 * Keeps an APIService for every group version that this server itself serves, as `kubectl get apiservices` shows them: those of
 * built-in groups are made when the server starts, those of definitions come and go with them.
 */
import { ApiError, type JsonObject, type Status, type Transport } from '../../api/index.js';
import { ensureNamed } from '../bootstrap/ensure.js';
import type { KnownObjects } from '../bootstrap/known-objects.js';
import { storagePrefix, type WatchCache } from '../cache/watch-cache.js';
import type { ResourceRegistry } from '../resource.js';
import { apiServiceName, automanaged, localApiService, registrationGroup } from './objects.js';

const collection = `/apis/${registrationGroup}/v1/apiservices`;
const prefix = storagePrefix({ group: registrationGroup, plural: 'apiservices' });

export interface LocalServicesDeps {
  readonly registry: ResourceRegistry;
  readonly cache: WatchCache;
  /** Acts as the server itself. */
  readonly transport: () => Transport;
}

export class LocalApiServices {
  readonly #deps: LocalServicesDeps;
  #synced = -1;
  #running: Promise<void> | undefined;

  constructor(deps: LocalServicesDeps) {
    this.#deps = deps;
  }

  /** Brings the objects up to what is served. @param known where the cluster is new. @throws ApiError */
  async sync(known?: KnownObjects): Promise<void> {
    while (this.#synced !== this.#deps.registry.generation) {
      this.#running ??= this.#sync(known).finally(() => {
        this.#running = undefined;
      });
      await this.#running;
    }
  }

  async #sync(known: KnownObjects | undefined): Promise<void> {
    const { registry, cache, transport } = this.#deps;
    const { generation } = registry;
    const own = cache.resource(prefix);
    const served = new Set<string>();
    const missing: JsonObject[] = [];
    const all = registry.all();
    for (const { facts, builtin } of all) {
      const { group, version } = facts;
      const name = apiServiceName({ group, version });
      if (group === registrationGroup || served.has(name)) continue;
      served.add(name);
      if (own.get(prefix + name)) continue;
      const versions = all.filter((each) => each.facts.group === group).map((each) => each.facts.version);
      missing.push(localApiService({ group, version }, [...new Set(versions)], builtin));
    }
    const maker = { transport: transport(), known };
    await Promise.all(missing.map((object) => ensureNamed(maker, collection, object)));
    for (const { object } of Array.from(own.scan())) {
      const { name, labels } = object.metadata;
      if (labels?.[automanaged] !== 'true' || served.has(name)) continue;
      const answer = await transport().request({
        method: 'DELETE',
        path: `${collection}/${encodeURIComponent(name)}`,
      });
      if (answer.status >= 400 && answer.status !== 404) throw new ApiError(answer.body as Status);
    }
    this.#synced = generation;
  }
}
