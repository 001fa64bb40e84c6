/** One cluster of a test: in process, in memory, under the test's clock. What is read is frozen. */
import {
  ApiError,
  copyJson,
  type JsonObject,
  type Key,
  type KindOf,
  keyOf,
  notFound,
  parseKey,
  resourcePath,
  type Scope,
  type Status,
  type Transport,
  type UserInfo,
} from '../api/index.js';
import type { Client } from '../client/index.js';
import type { EmbeddedCluster } from '../cluster/index.js';
import type { PermissionRecorder } from '../core/index.js';
import type { VirtualClock } from './virtual-clock.js';

/** An object that says what it is. */
type Described = {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: { readonly name?: string; readonly namespace?: string };
};

export class ClusterInTest {
  /** As a cluster admin; its promises settle without time moving. */
  readonly client: Client;

  constructor(
    readonly cluster: EmbeddedCluster,
    readonly clock: VirtualClock,
    /** What the controllers under test asked this API server for, as RBAC sees it. */
    readonly permissions: PermissionRecorder,
  ) {
    this.client = cluster.client();
  }

  /** How a Manager gets there, observed by `permissions`. */
  readonly target = (identity: string): Transport =>
    this.permissions.transport(this.cluster.target(identity));

  /** Server-side apply as `kubectl apply --server-side` does it; then everything that follows now has happened. */
  async apply(object: Described): Promise<void> {
    const facts = this.cluster.server.kindOf(object);
    if (!facts)
      throw new TypeError(
        `${object.apiVersion} ${object.kind} is not served: register its controller or create its CRD first`,
      );
    const { namespace, name } = parseKey(facts, keyOf(object) as Key);
    const response = await this.cluster.transport().request({
      method: 'PATCH',
      path: resourcePath(facts, { namespace, name }),
      query: { fieldManager: 'kubectl', fieldValidation: 'Strict' },
      headers: { 'content-type': 'application/apply-patch+yaml' },
      body: copyJson(object) as JsonObject,
    });
    if (response.status >= 400) throw new ApiError(response.body as Status);
    await this.clock.settle();
  }

  /** The object as it is now. @throws ApiError NotFound */
  get<T, S extends Scope>(kind: KindOf<T, S>, key: Key<S>): T {
    const found = this.find(kind, key);
    if (found === undefined) throw notFound(kind, parseKey(kind, key).name);
    return found;
  }

  /** The object as it is now, if there is one. */
  find<T, S extends Scope>(kind: KindOf<T, S>, key: Key<S>): T | undefined {
    return this.cluster.server.peek(kind, parseKey(kind, key)) as T | undefined;
  }

  /** The in-process way in, as somebody. */
  transport(user: UserInfo): Transport {
    return this.cluster.transport(user);
  }

  clientAs(user: UserInfo): Client {
    return this.cluster.client(user);
  }
}
