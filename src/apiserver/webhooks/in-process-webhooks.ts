/**
 * Webhooks of this very process: whoever serves one says where the API server would look for it, and is
 * called without a socket from then on. What nobody has registered is dialled by somebody else.
 *
 * Guarantees: a handler sees a copy of the review and hands over a copy of its answer, both plain JSON;
 * nothing but microtasks and the injected clock is involved, so it works under virtual time.
 */
import {
  type Cancel,
  type Clock,
  copyJson,
  type JsonObject,
  type WebhookCallOptions,
  type WebhookClientConfig,
  type WebhookDialer,
} from '../../api/index.js';
import { deadlineExceeded, endpointOf, httpFailure, postFailed } from './endpoint.js';

/** Answers one review. The signal fires when the answer is no longer awaited. */
export type WebhookHandler = (
  review: JsonObject,
  options: { readonly signal: AbortSignal },
) => JsonObject | Promise<JsonObject>;

export interface InProcessWebhooksDeps {
  readonly clock: Clock;
  /** Calls what is not registered here. */
  readonly next: WebhookDialer;
}

export class InProcessWebhooks implements WebhookDialer {
  readonly #handlers = new Map<string, WebhookHandler>();

  constructor(private readonly deps: InProcessWebhooksDeps) {}

  /**
   * Has `handler` answer for this url or service from now on, until the returned function is called. The
   * caBundle does not matter; a service without port means 443.
   * @throws TypeError when somebody answers there already
   */
  register(at: WebhookClientConfig, handler: WebhookHandler): Cancel {
    const key = keyOf(at);
    if (key === '') throw new TypeError('a webhook needs a url or a service');
    if (this.#handlers.has(key)) throw new TypeError(`a webhook is registered at ${key} already`);
    this.#handlers.set(key, handler);
    return () => {
      if (this.#handlers.get(key) === handler) this.#handlers.delete(key);
    };
  }

  async call(
    config: WebhookClientConfig,
    body: JsonObject,
    options: WebhookCallOptions,
  ): Promise<JsonObject> {
    const handler = this.#handlers.get(keyOf(config));
    if (!handler) return this.deps.next.call(config, body, options);
    const { timeoutMs, signal } = options;
    const abort = new AbortController();
    let cancelTimer: Cancel = () => {};
    let onAbort = (): void => {};
    const given = new Promise<never>((_, reject) => {
      const giveUp = (why: string, cause?: unknown): void => {
        reject(postFailed(config, timeoutMs, why, cause));
        abort.abort(cause);
      };
      cancelTimer = this.deps.clock.setTimer(timeoutMs, () => giveUp(deadlineExceeded));
      onAbort = () => giveUp('context canceled', signal?.reason);
      if (signal?.aborted) onAbort();
      else signal?.addEventListener('abort', onAbort, { once: true });
    });
    try {
      return await Promise.race([answer(handler, body, abort.signal), given]);
    } finally {
      cancelTimer();
      signal?.removeEventListener('abort', onAbort);
    }
  }
}

/** One key for all ways to write one address. */
function keyOf(config: WebhookClientConfig): string {
  const endpoint = endpointOf(config);
  return URL.canParse(endpoint) ? new URL(endpoint).href : endpoint;
}

/** A handler that throws is to who asks what a server that answers 500 is. */
async function answer(handler: WebhookHandler, body: JsonObject, signal: AbortSignal): Promise<JsonObject> {
  try {
    return copyJson(await handler(copyJson(body) as JsonObject, { signal })) as JsonObject;
  } catch (error) {
    throw httpFailure(500, error instanceof Error ? error.message : String(error));
  }
}
