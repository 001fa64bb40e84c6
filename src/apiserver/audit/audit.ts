/**
 * The audit log of a server: who asked for what, and what became of it
 * (https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/). A request of which the policy wants nothing costs the
 * reading of its rules, and nothing where there is no log.
 */
import type { Clock, Random } from '../../api/index.js';
import { parseResourcePath, type ResourceRequest, type ServerRequest } from '../rest/request.js';
import { type ServerResponse, whenOver } from '../response.js';
import type { AuditSink } from './event.js';
import { type AuditPolicy, checkAuditPolicy, planFor } from './policy.js';
import { RequestRecord } from './request-record.js';

export interface AuditOptions {
  readonly policy: AuditPolicy;
  /** Where events go, in order. */
  readonly sink: AuditSink;
}

export class AuditLog {
  /** @throws BadAuditPolicy */
  constructor(
    private readonly options: AuditOptions,
    private readonly deps: { readonly clock: Clock; readonly random: Random },
  ) {
    checkAuditPolicy(options.policy);
  }

  /** Undefined for a request of which nothing is written. */
  receive(request: ServerRequest): RequestRecord | undefined {
    const { method, path, query, headers, user, sourceIP } = request;
    const resource = resourceOf(request);
    const asked = { user, verb: resource?.verb ?? method.toLowerCase(), path, resource };
    const plan = planFor(this.options.policy, asked);
    if (!plan) return undefined;
    const search = query.toString();
    return new RequestRecord({
      clock: this.deps.clock,
      sink: this.options.sink,
      plan,
      auditID: request.auditID ?? this.deps.random.uuid(),
      asked,
      uri: search === '' ? path : `${path}?${search}`,
      userAgent: headers['user-agent'],
      sourceIPs: sourceIPs(headers, sourceIP),
    });
  }
}

/** What cannot be read as a resource is refused later; here it is a path. */
function resourceOf({ method, path, query }: ServerRequest): ResourceRequest | undefined {
  try {
    const found = parseResourcePath(method, path, query);
    return found?.resource === '' ? undefined : found;
  } catch {
    return undefined;
  }
}

/** Those who passed the request on say from whom they had it; who connected comes last. */
function sourceIPs(headers: ServerRequest['headers'], connected: string | undefined): string[] {
  const forwarded = (headers['x-forwarded-for'] ?? '').split(',').map((each) => each.trim());
  const real = headers['x-real-ip']?.trim();
  const all = [...forwarded, ...(real && !forwarded.includes(real) ? [real] : [])].filter(
    (each) => each !== '',
  );
  return connected === undefined || all.at(-1) === connected ? all : [...all, connected];
}

/** The response as it is, with the record told of its beginning and its end. */
/** The request, with what is written of it. */
export function recorded(request: ServerRequest, record: RequestRecord): ServerRequest {
  return Object.create(request, { audit: { value: record, enumerable: true } }) as ServerRequest;
}

export function audited(record: RequestRecord, response: ServerResponse): ServerResponse {
  const headers = { ...response.headers, 'audit-id': record.auditID };
  if ('body' in response) {
    const { body } = response;
    record.complete(response.code, body instanceof Uint8Array ? undefined : body);
    return { ...response, headers };
  }
  record.started(response.code);
  return whenOver({ ...response, headers }, () => record.complete(200));
}
