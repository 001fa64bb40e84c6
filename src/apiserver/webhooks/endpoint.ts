/** Where a webhook is, in words and as an address to post to. */
import { type WebhookClientConfig, WebhookUnreachable } from '../../api/index.js';

/** The URL without a query; a service stands under its name in the cluster's DNS. */
export function endpointOf({ url, service }: WebhookClientConfig): string {
  if (url !== undefined) return url;
  if (!service) return '';
  const { name, namespace, path = '', port = 443 } = service;
  return `https://${name}.${namespace}.svc:${port}/${path.replace(/^\//, '')}`;
}

/** The URL that is posted to: it tells the webhook how long it has. */
export function targetOf(config: WebhookClientConfig, timeoutMs: number): string {
  return `${endpointOf(config)}?timeout=${timeoutMs / 1000}s`;
}

/** Why a post to a webhook failed, as Go's HTTP client words it. */
export function postFailed(
  config: WebhookClientConfig,
  timeoutMs: number,
  why: string,
  cause?: unknown,
): Error {
  const message = `Post ${JSON.stringify(targetOf(config, timeoutMs))}: ${why}`;
  return new WebhookUnreachable(message, cause === undefined ? undefined : { cause });
}

/** Go's words for a deadline that has passed. */
export const deadlineExceeded = 'context deadline exceeded';

/** What Kubernetes' client makes of an answer that is an error, by its code. */
export function httpFailure(code: number, text: string): WebhookUnreachable {
  const words: Readonly<Record<number, string>> = {
    400: 'the server rejected our request for an unknown reason',
    401: 'the server has asked for the client to provide credentials',
    404: 'the server could not find the requested resource',
    405: 'the server does not allow this method on the requested resource',
    429: 'the server has received too many requests and has asked us to try again later',
    503: 'the server is currently unable to handle the request',
    504: 'the server was unable to return a response in the time allotted, but may still be processing the request',
  };
  const known = Object.hasOwn(words, code) ? words[code] : undefined;
  if (known !== undefined) return new WebhookUnreachable(known);
  const said = text.trim().slice(0, 2048) || 'unknown';
  return new WebhookUnreachable(
    code >= 500
      ? `an error on the server (${JSON.stringify(said)}) has prevented the request from succeeding`
      : `the server responded with the status code ${code} but did not return more information`,
  );
}
