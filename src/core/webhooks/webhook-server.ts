/**
 * Serves webhooks: a Runnable that answers reviews over HTTPS, with certificates it makes for itself, and tells the API
 * server where. It works in a pod (`service`), on a laptop (`url`), and in the process of an embedded cluster without any
 * socket (`inProcess`).
 *
 * ```ts
 * Manager.create({ … }).add(new WebhookServer({ service: { namespace: 'site', name: 'operator' } }, websites));
 * ```
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Cancel, JsonObject, WebhookClientConfig } from '../../api/index.js';
import type { Logger } from '../../telemetry/index.js';
import type { Runnable, RunnableContext } from '../manager/runnable.js';
import { RegistrationError } from '../registration/registration-error.js';
import type { WebhookMetrics } from '../telemetry/webhook-metrics.js';
import { type AdmissionDefinition, answerAdmission, type Answered } from './admission.js';
import { authorityOf, serveCertificates } from './certificates.js';
import { applyConfigurations, applyConversions, conversionPathOf, pathOf } from './configuration.js';
import { answerConversion, type ConversionDefinition } from './conversion.js';

/** Who calls handlers of this process without a socket: `EmbeddedCluster.webhooks`. */
export interface WebhookRegistry {
  register(at: WebhookClientConfig, handler: (review: JsonObject) => Promise<JsonObject>): Cancel;
}

export interface WebhookServerOptions {
  /** Of the Runnable and of the configurations. Default `gyre-webhooks`. */
  readonly name?: string;
  /** Default 9443; 0 takes any free port. */
  readonly port?: number;
  /** Where it listens. Default: everywhere with a `service`, else 127.0.0.1. */
  readonly host?: string;
  /** The Service in front of it, for API servers that reach it in the cluster. Port 443 unless told otherwise. */
  readonly service?: { readonly namespace: string; readonly name: string; readonly port?: number };
  /** How an API server elsewhere reaches it, `https://host.docker.internal:9443`. Default: `https://HOST:PORT`. */
  readonly url?: string;
  /** Shares the authority between replicas. Default with a `service`: `<name>-tls` in its namespace; else none. */
  readonly secret?: { readonly namespace: string; readonly name: string };
  /** Called without a socket: nothing is listened on. */
  readonly inProcess?: WebhookRegistry;
  readonly metrics?: WebhookMetrics;
}

/** Longer reviews are refused: an object has 1.5 MiB at most, and comes with its former self. */
const maxBodyBytes = 8 * 1024 * 1024;

/** What a path answers. */
type Answerer = (body: JsonObject, log: Logger) => Promise<Answered> | Answered;

interface Route {
  readonly answer: Answerer;
  readonly isConversion: boolean;
}

export class WebhookServer implements Runnable {
  readonly name: string;
  readonly group = 'webhooks' as const;
  readonly #options: WebhookServerOptions;
  readonly #admissions: readonly AdmissionDefinition[];
  readonly #conversions: readonly ConversionDefinition[];
  readonly #routes = new Map<string, Route>();
  readonly #undo: (() => Promise<void> | void)[] = [];
  #context: RunnableContext | undefined;
  #port: number | undefined;

  /** @throws RegistrationError for two definitions of one kind, a name that is none, or a url that is not https */
  constructor(
    options: WebhookServerOptions,
    ...definitions: readonly (AdmissionDefinition | ConversionDefinition)[]
  ) {
    this.#options = options;
    this.name = options.name ?? 'gyre-webhooks';
    if (options.url !== undefined && !options.url.startsWith('https://'))
      throw new RegistrationError(
        `WebhookServer ${JSON.stringify(this.name)}`,
        `has the url ${JSON.stringify(options.url)}`,
        'API servers ask over https only',
      );
    this.#conversions = definitions.filter((definition) => 'hub' in definition);
    this.#admissions = definitions.filter((definition) => 'validators' in definition);
    for (const definition of this.#conversions) {
      const answer: Answerer = (body, log) => answerConversion(definition, body, log);
      this.#add(conversionPathOf(definition), definition.hub.kind, { answer, isConversion: true });
    }
    for (const definition of this.#admissions) {
      for (const mode of ['mutating', 'validating'] as const) {
        const answer: Answerer = (body, log) => answerAdmission(definition, mode, body, log);
        this.#add(pathOf(definition, mode), definition.kind.kind, { answer, isConversion: false });
      }
    }
  }

  #add(path: string, kind: string, route: Route): void {
    if (this.#routes.has(path))
      throw new RegistrationError(
        `WebhookServer ${JSON.stringify(this.name)}`,
        `has two definitions of ${kind}`,
        'put them into one',
      );
    this.#routes.set(path, route);
    this.#options.metrics?.add(path);
  }

  /** Where it listens; undefined before it does, and in process. */
  get port(): number | undefined {
    return this.#port;
  }

  async start(context: RunnableContext): Promise<void> {
    this.#context = context;
    const { inProcess } = this.#options;
    if (inProcess) {
      for (const [path, route] of this.#routes)
        this.#undo.push(inProcess.register(this.#at(path), (review) => this.#answer(path, route, review)));
      await this.#configure((path) => this.#at(path));
      return;
    }
    const authority = await authorityOf(this.#secret, context);
    await this.#listen(authority);
    const caBundle = Buffer.from(authority.cert).toString('base64');
    await this.#configure((path) => ({ ...this.#at(path), caBundle }));
  }

  async stop(): Promise<void> {
    for (let undo = this.#undo.pop(); undo; undo = this.#undo.pop()) await undo();
    this.#port = undefined;
  }

  async #configure(configOf: (path: string) => WebhookClientConfig): Promise<void> {
    const { client, log } = this.#context as RunnableContext;
    await applyConfigurations(client, this.name, this.#admissions, configOf);
    await applyConversions(client, this.#conversions, configOf);
    log.info('webhooks served', {
      webhooks: [...this.#routes.keys()],
      ...(this.#port ? { port: this.#port } : {}),
    });
  }

  get #secret() {
    const { secret, service } = this.#options;
    return secret ?? (service && { namespace: service.namespace, name: `${this.name}-tls` });
  }

  get #host(): string {
    return this.#options.host ?? (this.#options.service ? '::' : '127.0.0.1');
  }

  #at(path: string): WebhookClientConfig {
    const { service, url } = this.#options;
    if (service) return { service: { ...service, path } };
    const base = url ?? `https://${this.#host}:${this.#port ?? this.#options.port ?? 9443}`;
    return { url: `${base.replace(/\/$/, '')}${path}` };
  }

  async #listen(authority: { readonly cert: string; readonly key: string }): Promise<void> {
    const { clock } = this.#context as RunnableContext;
    const { createServer } = await import('node:https');
    let server: Server | undefined;
    const cancel = await serveCertificates(authority, this.#names(), clock, ({ cert, key }) => {
      // Connections that are open go on with the certificate they began with.
      if (server) server.setSecureContext({ cert, key });
      else server = createServer({ cert, key }, (request, response) => void this.#serve(request, response));
    });
    this.#undo.push(cancel);
    const listening = server as unknown as Server;
    await new Promise<void>((resolve, reject) => {
      listening.once('error', reject);
      listening.listen(this.#options.port ?? 9443, this.#host, resolve);
    });
    this.#port = (listening.address() as AddressInfo).port;
    this.#undo.push(
      () =>
        new Promise((resolve) => {
          // What is being answered is answered; idle connections end now.
          listening.close(() => resolve());
          listening.closeIdleConnections();
        }),
    );
  }

  #names() {
    const { service, url } = this.#options;
    const hosts = [
      ...(service
        ? [
            `${service.name}.${service.namespace}.svc`,
            `${service.name}.${service.namespace}.svc.cluster.local`,
          ]
        : []),
      ...(url ? [new URL(url).hostname] : []),
      ...(service || url ? [] : [this.#host]),
    ];
    const isAddress = (host: string): boolean => /^[\d.]+$/.test(host) || host.includes(':');
    return { dnsNames: hosts.filter((host) => !isAddress(host)), ipAddresses: hosts.filter(isAddress) };
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', 'https://x').pathname;
    const route = this.#routes.get(path);
    const end = (code: number, body: unknown): void => {
      response.writeHead(code, {
        'content-type': typeof body === 'string' ? 'text/plain' : 'application/json',
      });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    };
    request.on('error', () => response.destroy());
    if (!route) return end(404, `there is no webhook at ${path}`);
    if (request.method !== 'POST') return end(405, 'reviews are posted');
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of request as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBodyBytes) return end(413, `a review has ${maxBodyBytes} bytes at most`);
      chunks.push(chunk);
    }
    let review: JsonObject;
    try {
      review = JSON.parse(Buffer.concat(chunks).toString('utf8')) as JsonObject;
    } catch {
      return end(400, 'the body is not JSON');
    }
    try {
      end(200, await this.#answer(path, route, review));
    } catch (error) {
      end(400, error instanceof Error ? error.message : String(error));
    }
  }

  async #answer(path: string, route: Route, body: JsonObject): Promise<JsonObject> {
    const { clock, log } = this.#context as RunnableContext;
    const { metrics } = this.#options;
    const ended = metrics?.begin(path);
    const began = clock.monotonic();
    let code = 400;
    try {
      const { review, failed } = await route.answer(body, log);
      if (failed && route.isConversion) metrics?.conversionPanicked();
      else if (failed) metrics?.panicked();
      code = failed ? 500 : 200;
      return review;
    } finally {
      ended?.(code, (clock.monotonic() - began) / 1000);
    }
  }
}
