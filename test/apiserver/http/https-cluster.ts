/** A control plane without controllers that is asked over HTTPS, as its admin or as anybody. */
import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import { EmbeddedCluster, type EmbeddedClusterOptions } from 'gyre/cluster';
import { parse } from 'yaml';
import { temporaryFolder } from '../../support/processes.js';

export interface Answer {
  readonly code: number;
  readonly headers: IncomingHttpHeaders;
  readonly bytes: Buffer;
}

export interface Asked {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: object;
}

export class HttpsCluster implements AsyncDisposable {
  private constructor(
    readonly cluster: EmbeddedCluster,
    /** PEM of the admin, and of whom to believe. */
    readonly admin: { readonly ca: string; readonly cert: string; readonly key: string },
    readonly url: string,
    private readonly folder: ReturnType<typeof temporaryFolder>,
  ) {}

  static async start(options: EmbeddedClusterOptions = {}): Promise<HttpsCluster> {
    const folder = temporaryFolder();
    const cluster = await EmbeddedCluster.start({
      controllers: false,
      dataDir: folder.path,
      https: {},
      ...options,
    });
    const config = parse(readFileSync(cluster.kubeconfig as string, 'utf8'));
    const text = (base64: string): string => Buffer.from(base64, 'base64').toString('utf8');
    const { cluster: server } = config.clusters[0];
    const { user } = config.users[0];
    const admin = {
      ca: text(server['certificate-authority-data']),
      cert: text(user['client-certificate-data']),
      key: text(user['client-key-data']),
    };
    return new HttpsCluster(cluster, admin, server.server, folder);
  }

  /** The bytes of the answer as they came over the wire. */
  ask(path: string, { method = 'GET', headers = {}, body }: Asked = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const asking = request(`${this.url}${path}`, {
        method,
        headers: { ...(body ? { 'content-type': 'application/json' } : {}), ...headers },
        ...this.admin,
      });
      asking.once('error', reject);
      asking.once('response', (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', reject);
        response.once('end', () =>
          resolve({
            code: response.statusCode ?? 0,
            headers: response.headers,
            bytes: Buffer.concat(chunks),
          }),
        );
      });
      asking.end(body && JSON.stringify(body));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster.stop();
    this.folder[Symbol.dispose]();
  }
}
