/** What the server says of itself at paths that are no resources: discovery, OpenAPI, its version, its metrics. */
import { type Clock, methodNotAllowed } from '../api/index.js';
import type { ObjectStore } from '../store/index.js';
import { answerHealth, type HealthEndpoints, type Registry } from '../telemetry/index.js';
import { issuerDocument } from './auth/issuer-documents.js';
import type { ServiceAccountTokens } from './auth/service-account-tokens.js';
import { backupOf, backupPath } from './backup.js';
import type { DiscoveryDocuments } from './discovery/documents.js';
import { exposed } from './metrics/exposed.js';
import type { ServerResponse } from './response.js';
import type { ServerRequest } from './rest/request.js';
import { versionInfo } from './version.js';

export interface OwnDocumentsDeps {
  readonly numbers: Registry;
  readonly health: HealthEndpoints;
  readonly discovery: DiscoveryDocuments;
  readonly tokens: ServiceAccountTokens;
  /** As it is on disk: under what encrypts. */
  readonly store: ObjectStore;
  readonly clock: Clock;
  /** `host:port` where the server is reached; undefined where it is in process only. */
  readonly address: () => string | undefined;
}

export class OwnDocuments {
  constructor(private readonly deps: OwnDocumentsDeps) {}

  /**
   * The document at a path, for somebody who may read it; undefined where there is none.
   * @param path without a slash at its end
   * @throws ApiError MethodNotAllowed for anything but GET
   */
  async answer(path: string, request: ServerRequest): Promise<ServerResponse | undefined> {
    const found = await this.#find(path, request);
    if (found && request.method !== 'GET') throw methodNotAllowed();
    return found;
  }

  /** Everything it says of how it is. @throws ApiError MethodNotAllowed */
  async health(request: ServerRequest): Promise<ServerResponse | undefined> {
    const answer = await answerHealth(this.deps.health, request.path, request.query);
    if (!answer) return undefined;
    if (request.method !== 'GET') throw methodNotAllowed();
    const { status: code, body } = answer;
    return { code, headers: { 'content-type': 'text/plain; charset=utf-8' }, body };
  }

  async #find(path: string, request: ServerRequest): Promise<ServerResponse | undefined> {
    const { numbers, tokens, store, clock, address } = this.deps;
    const { accept } = request.headers;
    if (path === '/version') return { code: 200, headers: {}, body: versionInfo() };
    if (path === '/metrics') return exposed(numbers, accept);
    if (path === backupPath && request.method === 'GET') return backupOf(store, clock);
    const issued = issuerDocument(path, tokens, address());
    if (issued) return { code: 200, ...issued };
    const health = await this.health(request);
    if (health) return health;
    const document = this.deps.discovery.find(path, accept);
    if (!document) return undefined;
    const headers = {
      etag: document.etag,
      vary: 'Accept',
      ...(document.contentType ? { 'content-type': document.contentType } : {}),
    };
    if (request.headers['if-none-match'] === document.etag) return { code: 304, headers, body: '' };
    return { code: 200, headers, body: document.body };
  }
}
