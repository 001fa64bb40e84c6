/**
 * Calls webhooks over HTTPS: the certificate checked against the caBundle, the answer bounded, connections
 * kept for the next call. What goes wrong is worded as Go's HTTP client words it, because people know a
 * cluster's troubles by these words.
 */
import type { Agent, RequestOptions } from 'node:https';
import {
  type Cancel,
  type Clock,
  type JsonObject,
  type JsonValue,
  parseJsonStrict,
  type WebhookCallOptions,
  type WebhookClientConfig,
  type WebhookDialer,
  WebhookUnreachable,
} from '../../api/index.js';
import { goReason } from './go-reason.js';
import { deadlineExceeded, httpFailure, postFailed, targetOf } from './endpoint.js';

/** An address that takes connections for a service. */
export interface ServiceAddress {
  readonly host: string;
  readonly port: number;
}

export type ServiceReference = NonNullable<WebhookClientConfig['service']>;

export interface HttpsWebhookDialerDeps {
  readonly clock: Clock;
  /** Finds who answers for a service right now. @throws Error saying why nobody does */
  readonly resolve: (service: ServiceReference) => ServiceAddress;
}

/** A server that tidies up paths sends clients on; the others turn a POST into a GET. */
const keepsMethod = new Set([307, 308]);
const maxRedirects = 10;
const maxAnswerBytes = 64 * 1024 * 1024;
const maxDepth = 1000;

interface Answer {
  readonly code: number;
  readonly text: string;
}

export class HttpsWebhookDialer implements WebhookDialer {
  #agent: Agent | undefined;

  constructor(private readonly deps: HttpsWebhookDialerDeps) {}

  async call(
    config: WebhookClientConfig,
    body: JsonObject,
    options: WebhookCallOptions,
  ): Promise<JsonObject> {
    const { timeoutMs, signal } = options;
    const abort = new AbortController();
    const cancel: Cancel = this.deps.clock.setTimer(timeoutMs, () => abort.abort(deadlineExceeded));
    const onAbort = (): void => abort.abort('context canceled');
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
    let answer: Answer;
    try {
      answer = await this.#post(config, timeoutMs, JSON.stringify(body), abort.signal);
    } catch (error) {
      const why = abort.signal.aborted
        ? String(abort.signal.reason)
        : goReason(error as NodeJS.ErrnoException, nameIn(config));
      throw postFailed(config, timeoutMs, why, error);
    } finally {
      cancel();
      signal?.removeEventListener('abort', onAbort);
    }
    if (answer.code < 200 || answer.code > 299) throw refusal(answer);
    return decoded(answer.text);
  }

  /** Ends the connections that are kept. */
  close(): void {
    this.#agent?.destroy();
  }

  async #post(
    config: WebhookClientConfig,
    timeoutMs: number,
    body: string,
    signal: AbortSignal,
  ): Promise<Answer> {
    const { Agent, request } = await import('node:https');
    this.#agent ??= new Agent({ keepAlive: true });
    const address = config.service && this.deps.resolve(config.service);
    const options: RequestOptions = {
      method: 'POST',
      agent: this.#agent,
      signal,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        'content-length': Buffer.byteLength(body),
        'user-agent': 'kube-apiserver-admission',
      },
      // As Go has it: the certificate of the webhook itself will do, whoever signed it.
      ...(config.caBundle
        ? { ca: Buffer.from(config.caBundle, 'base64'), allowPartialTrustChain: true }
        : {}),
    };
    const send = (url: URL, redirects = 0): Promise<Answer> =>
      new Promise((resolve, reject) => {
        const headers = { ...options.headers, host: url.host };
        const to = address
          ? { hostname: address.host, port: address.port, servername: url.hostname }
          : undefined;
        const outgoing = request(url, { ...options, headers, ...to }, (incoming) => {
          const { location } = incoming.headers;
          if (keepsMethod.has(incoming.statusCode ?? 0) && location !== undefined) {
            incoming.resume();
            const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
            if (redirects >= maxRedirects) reject(new Error(`stopped after ${maxRedirects} redirects`));
            // Elsewhere than where it was configured to go, nobody has said whom to believe.
            else if (next?.host !== url.host || next.protocol !== 'https:')
              reject(new Error(`redirected to ${location}, which is another host`));
            else resolve(send(next, redirects + 1));
            return;
          }
          const chunks: Buffer[] = [];
          let size = 0;
          incoming.on('data', (chunk: Buffer) => {
            size += chunk.length;
            chunks.push(chunk);
            if (size > maxAnswerBytes)
              incoming.destroy(new Error(`the answer is larger than ${maxAnswerBytes} bytes`));
          });
          incoming.on('error', reject);
          incoming.on('end', () =>
            resolve({ code: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
          );
        });
        outgoing.on('error', (error: NodeJS.ErrnoException) => {
          // The other side has closed a kept connection at the moment it was used again.
          if (outgoing.reusedSocket && error.code === 'ECONNRESET' && !signal.aborted)
            resolve(send(url, redirects));
          else reject(error);
        });
        outgoing.end(body);
      });
    return send(new URL(targetOf(config, timeoutMs)));
  }
}

/** The name that a webhook's certificate has to be for. */
function nameIn({ service, url }: WebhookClientConfig): string {
  return service ? `${service.name}.${service.namespace}.svc` : new URL(url ?? '').hostname;
}

/** A server may say what is wrong in a Status; else its code says it. */
function refusal({ code, text }: Answer): WebhookUnreachable {
  try {
    const { kind, message } = JSON.parse(text) as { kind?: unknown; message?: unknown };
    if (kind === 'Status' && typeof message === 'string' && message !== '')
      return new WebhookUnreachable(message);
  } catch {
    // No Status: the code has to do.
  }
  return httpFailure(code, text);
}

function decoded(text: string): JsonObject {
  let value: JsonValue;
  try {
    ({ value } = parseJsonStrict(text, { maxDepth }));
  } catch (error) {
    throw new WebhookUnreachable(`couldn't get version/kind; json parse error: ${(error as Error).message}`);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new WebhookUnreachable("couldn't get version/kind; json parse error: the answer is no JSON object");
  return value as JsonObject;
}
