/** What an address of a webhook may look like, with Kubernetes' messages. */
import {
  dns1123Subdomain,
  type FieldPath,
  fieldError,
  type StatusCause,
  type WebhookClientConfig,
} from '../../api/index.js';
import type { Fillable, Given } from '../builtin/given.js';

type GivenConfig = Given<WebhookClientConfig> | undefined;

const form = '; desired format: https://host[/path]';

/** A service's port is 443 unless it says otherwise. */
export function applyClientConfigDefaults(config: Fillable<WebhookClientConfig> | undefined): void {
  if (config?.service) config.service.port ??= 443;
}

/** Exactly one of url and service, and that one in order. */
export function validateClientConfig(path: FieldPath, config: GivenConfig): StatusCause[] {
  const { url, service } = config ?? {};
  if ((url === undefined) === (service === undefined))
    return [fieldError.required(path, 'exactly one of url or service is required')];
  if (url !== undefined) return validateUrl(path.child('url'), url);
  return validateService(path.child('service'), service ?? {});
}

function validateUrl(path: FieldPath, text: string): StatusCause[] {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return [fieldError.required(path, `url must be a valid URL: parse ${JSON.stringify(text)}${form}`)];
  }
  const causes: StatusCause[] = [];
  if (url.protocol !== 'https:') {
    const scheme = url.protocol.slice(0, -1);
    causes.push(fieldError.invalid(path, scheme, `'https' is the only allowed URL scheme${form}`));
  }
  if (url.host === '') causes.push(fieldError.invalid(path, '', `host must be specified${form}`));
  if (url.username !== '' || url.password !== '') {
    const user = url.password === '' ? url.username : `${url.username}:xxxxx`;
    causes.push(fieldError.invalid(path, user, 'user information is not permitted in the URL'));
  }
  if (url.hash !== '') {
    causes.push(fieldError.invalid(path, url.hash.slice(1), 'fragments are not permitted in the URL'));
  }
  if (url.search !== '') {
    const query = url.search.slice(1);
    causes.push(fieldError.invalid(path, query, 'query parameters are not permitted in the URL'));
  }
  return causes;
}

function validateService(
  at: FieldPath,
  { name, namespace, port = 443, path }: Given<NonNullable<WebhookClientConfig['service']>>,
): StatusCause[] {
  const causes: StatusCause[] = [];
  if (!name) causes.push(fieldError.required(at.child('name'), 'service name is required'));
  if (!namespace) causes.push(fieldError.required(at.child('namespace'), 'service namespace is required'));
  if (port < 1 || port > 65535) {
    const why = 'port is not valid: must be between 1 and 65535, inclusive';
    causes.push(fieldError.invalid(at.child('port'), port, why));
  }
  return [...causes, ...validatePath(at.child('path'), path ?? '')];
}

function validatePath(at: FieldPath, path: string): StatusCause[] {
  if (path === '' || path === '/') return [];
  if (path === '//') return [fieldError.invalid(at, path, 'segment[0] may not be empty')];
  const causes: StatusCause[] = [];
  if (!path.startsWith('/')) causes.push(fieldError.invalid(at, path, "must start with a '/'"));
  for (const [i, segment] of path.slice(1).replace(/\/$/, '').split('/').entries()) {
    if (segment === '') causes.push(fieldError.invalid(at, path, `segment[${i}] may not be empty`));
    else
      for (const why of dns1123Subdomain(segment))
        causes.push(fieldError.invalid(at, path, `segment[${i}]: ${why}`));
  }
  return causes;
}

/** The review versions a webhook understands: `v1` is the one this server speaks. */
export function validateReviewVersions(
  path: FieldPath,
  versions: readonly string[],
  ruleOf: (version: string) => readonly string[],
): StatusCause[] {
  const seen = new Set<string>();
  const causes: StatusCause[] = [];
  for (const [i, version] of versions.entries()) {
    const at = path.index(i);
    if (seen.has(version)) {
      causes.push(fieldError.invalid(at, version, 'duplicate version'));
      continue;
    }
    seen.add(version);
    for (const why of ruleOf(version)) causes.push(fieldError.invalid(at, version, why));
  }
  if (!seen.has('v1')) causes.push(fieldError.invalid(path, versions, 'must include at least one of v1'));
  return causes;
}
