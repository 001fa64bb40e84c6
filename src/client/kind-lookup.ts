/**
 * Kinds that are known only by name at run time, asked of the server: one document per group and version, kept.
 *
 * Guarantees: those who ask at the same time share one request; a kind that is not in what is kept is asked for anew,
 * so that one that was just installed is found; what was kept is forgotten when the server says that it no longer
 * serves it.
 */
import {
  apiVersionOf,
  type ApiResponse,
  type GroupVersionKind,
  kind as describeKind,
  type Kind,
  NoSuchKind,
  noSuchResource,
  parseApiVersion,
} from '../api/index.js';
import type { APIResourceList } from '../api/kinds/meta/v1.js';
import type { AnyObject } from './client.js';
import { errorOf } from './errors.js';
import { unlessAborted } from './unless-aborted.js';

type KindsByName = ReadonlyMap<string, Kind<AnyObject>>;

export class KindLookup {
  readonly #read: (path: string) => Promise<ApiResponse>;
  readonly #known = new Map<string, KindsByName>();
  readonly #asking = new Map<string, Promise<KindsByName>>();

  /** @param read sends a GET for a document; it outlives the one who asks */
  constructor(read: (path: string) => Promise<ApiResponse>) {
    this.#read = read;
  }

  /** @throws NoSuchKind; ApiError and TransportError when the server cannot be asked */
  async find(apiVersion: string, name: string, signal: AbortSignal | undefined): Promise<Kind<AnyObject>> {
    const known = this.#known.get(apiVersion)?.get(name);
    if (known) return known;
    const found = (await unlessAborted(this.#ask(apiVersion), signal)).get(name);
    if (found) return found;
    const { status } = noSuchResource();
    const message = `the server does not serve the kind ${JSON.stringify(name)} in ${apiVersion}`;
    throw new NoSuchKind({ ...parseApiVersion(apiVersion), kind: name }, { ...status, message });
  }

  /** The server answered that it does not serve it. */
  forget(gvk: GroupVersionKind): void {
    this.#known.delete(apiVersionOf(gvk));
  }

  #ask(apiVersion: string): Promise<KindsByName> {
    const asked = this.#asking.get(apiVersion);
    if (asked) return asked;
    const answer = this.#fetch(apiVersion).finally(() => this.#asking.delete(apiVersion));
    this.#asking.set(apiVersion, answer);
    return answer;
  }

  async #fetch(apiVersion: string): Promise<KindsByName> {
    const { group, version } = parseApiVersion(apiVersion);
    const response = await this.#read(
      group === ''
        ? `/api/${encodeURIComponent(version)}`
        : `/apis/${encodeURIComponent(group)}/${encodeURIComponent(version)}`,
    );
    const kinds = new Map<string, Kind<AnyObject>>();
    if (response.status !== 404) {
      if (response.status < 200 || response.status >= 300) throw errorOf(response);
      const { resources = [] } = response.body as Partial<APIResourceList>;
      for (const { name, kind, namespaced } of resources) {
        if (name.includes('/')) continue;
        const scope = namespaced ? 'Namespaced' : 'Cluster';
        kinds.set(kind, describeKind({ group, version, kind, plural: name, scope }));
      }
    }
    this.#known.set(apiVersion, kinds);
    return kinds;
  }
}
