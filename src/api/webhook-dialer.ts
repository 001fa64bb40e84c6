/**
 * The seam between an API server and the webhooks it asks: admission and conversion. Handlers in the same
 * process are called without a socket, all others over HTTPS; who asks knows no difference.
 */
import type { JsonObject } from './objects.js';

/** How a webhook is reached: by `url` or as a `service`, never both. */
export interface WebhookClientConfig {
  /** `https://host:port/path`. */
  readonly url?: string;
  readonly service?: {
    readonly namespace: string;
    readonly name: string;
    /** Default `/`. */
    readonly path?: string;
    /** Default 443. */
    readonly port?: number;
  };
  /** PEM certificates in base64: whom the server's certificate must be from. Default: the system's roots. */
  readonly caBundle?: string;
}

export interface WebhookCallOptions {
  /** How long the whole call may take, milliseconds. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export interface WebhookDialer {
  /**
   * Posts a review and gives the answer, decoded. What is handed over and what comes back are copies.
   * @throws WebhookUnreachable when there was no answer, or none that is a JSON object
   */
  call(config: WebhookClientConfig, body: JsonObject, options: WebhookCallOptions): Promise<JsonObject>;
}

const brand: unique symbol = Symbol.for('gyre.webhook-unreachable') as never;

/** A webhook gave no usable answer; the message says why, worded as Kubernetes does. */
export class WebhookUnreachable extends Error {
  readonly [brand] = true;
  override readonly name = 'WebhookUnreachable';
}

/** True for a `WebhookUnreachable` of any copy of this package. */
export function isWebhookUnreachable(error: unknown): error is WebhookUnreachable {
  return typeof error === 'object' && error !== null && (error as { [brand]?: unknown })[brand] === true;
}
