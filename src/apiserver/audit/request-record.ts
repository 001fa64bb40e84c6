/**
 * What becomes of one audited request, stage by stage. Bodies are kept as they were when they were seen, and from the level
 * Request on alone: at Metadata nothing of an object but its name is ever held.
 */
import {
  type Clock,
  type JsonObject,
  type JsonValue,
  microTimestamp,
  type Status,
  type UserInfo,
} from '../../api/index.js';
import type { Decision } from '../auth/authorizer.js';
import type { AuditEvent, AuditObjectReference, AuditSink, AuditUser } from './event.js';
import type { AuditedRequest, AuditPlan, AuditStage } from './policy.js';

const maxUserAgent = 1024;

export interface RecordOptions {
  readonly clock: Clock;
  readonly sink: AuditSink;
  readonly plan: AuditPlan;
  readonly auditID: string;
  readonly asked: AuditedRequest;
  /** Path and query. */
  readonly uri: string;
  readonly userAgent: string | undefined;
  readonly sourceIPs: readonly string[];
}

export class RequestRecord {
  readonly auditID: string;
  readonly #options: RecordOptions;
  readonly #receivedAt: string;
  readonly #annotations: Record<string, string> = {};
  #impersonated: AuditUser | undefined;
  #reference: AuditObjectReference | undefined;
  #requestObject: JsonValue | undefined;
  #responseObject: JsonValue | undefined;
  #status: Partial<Status> | undefined;
  #over = false;

  constructor(options: RecordOptions) {
    this.#options = options;
    this.auditID = options.auditID;
    this.#receivedAt = microTimestamp(options.clock);
    this.#reference = referenceOf(options.asked);
    this.#tell('RequestReceived');
  }

  impersonates(user: UserInfo): void {
    this.#impersonated = userOf(user);
  }

  decided({ allowed, reason = '' }: Decision): void {
    this.annotate('authorization.k8s.io/decision', allowed ? 'allow' : 'forbid');
    this.annotate('authorization.k8s.io/reason', reason);
  }

  /** The first value of a key counts. */
  readonly annotate = (key: string, value: string): void => {
    if (!Object.hasOwn(this.#annotations, key)) this.#annotations[key] = value;
  };

  /** The body of the request, decoded; copied at once. */
  requestBody(value: JsonValue): void {
    const { metadata } = (value ?? {}) as { readonly metadata?: Readonly<Record<string, unknown>> };
    const text = (field: string): string | undefined => {
      const found = metadata?.[field];
      return typeof found === 'string' && found !== '' ? found : undefined;
    };
    if (this.#reference) {
      const [name, namespace] = [text('name'), text('namespace')];
      const [uid, resourceVersion] = [text('uid'), text('resourceVersion')];
      this.#reference = {
        ...(namespace === undefined ? {} : { namespace }),
        ...(name === undefined ? {} : { name }),
        ...(uid === undefined ? {} : { uid }),
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
        ...this.#reference,
      };
    }
    if (this.#options.plan.level !== 'Metadata') this.#requestObject = this.#copy(value);
  }

  /** The answer has begun and goes on: a watch, a log, a session. */
  started(code: number): void {
    this.#status = { metadata: {}, code };
    this.#tell('ResponseStarted');
  }

  /** The answer is complete; only the first word on it counts. */
  complete(code: number, body?: unknown): void {
    if (this.#over) return;
    this.#over = true;
    const isStatus = (body as { readonly kind?: string } | undefined)?.kind === 'Status';
    this.#status = isStatus
      ? { ...statusOf(body as Status), code }
      : (this.#status ?? { metadata: {}, code });
    if (this.#options.plan.level === 'RequestResponse' && typeof body === 'object' && body !== null)
      this.#responseObject = this.#copy(body as JsonValue);
    this.#tell('ResponseComplete');
  }

  /** Nobody was identified. */
  unauthenticated(attempted: string): void {
    this.#over = true;
    this.#status = {
      metadata: {},
      status: 'Failure',
      reason: 'Unauthorized',
      message: `Authentication failed, attempted: ${attempted}`,
      code: 401,
    };
    this.#tell('ResponseStarted');
  }

  /** Something went wrong that nobody had thought of. */
  panicked(message: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#status = {
      metadata: {},
      status: 'Failure',
      reason: 'InternalError',
      message: `APIServer panic'd: ${message}`,
      code: 500,
    };
    this.#tell('Panic');
  }

  #copy(value: JsonValue): JsonValue {
    const copy = JSON.parse(JSON.stringify(value)) as JsonValue;
    if (this.#options.plan.omitManagedFields) dropManagedFields(copy);
    return copy;
  }

  #tell(stage: AuditStage): void {
    const { plan, sink, clock, asked, uri, userAgent, sourceIPs } = this.#options;
    if (plan.omits(stage)) return;
    const event: AuditEvent = {
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level: plan.level,
      auditID: this.auditID,
      stage,
      requestURI: uri,
      verb: asked.verb,
      user: asked.user ? userOf(asked.user) : {},
      ...(this.#impersonated ? { impersonatedUser: this.#impersonated } : {}),
      ...(sourceIPs.length === 0 ? {} : { sourceIPs }),
      ...(userAgent ? { userAgent: shortened(userAgent) } : {}),
      ...(this.#reference ? { objectRef: this.#reference } : {}),
      ...(this.#status ? { responseStatus: this.#status } : {}),
      ...(this.#requestObject === undefined ? {} : { requestObject: this.#requestObject }),
      ...(this.#responseObject === undefined ? {} : { responseObject: this.#responseObject }),
      requestReceivedTimestamp: this.#receivedAt,
      stageTimestamp: microTimestamp(clock),
      ...(Object.keys(this.#annotations).length === 0 ? {} : { annotations: { ...this.#annotations } }),
    };
    sink(event);
  }
}

function shortened(userAgent: string): string {
  return userAgent.length > maxUserAgent ? `${userAgent.slice(0, maxUserAgent)}...TRUNCATED` : userAgent;
}

function userOf({ username, uid, groups, extra }: UserInfo): AuditUser {
  return {
    username,
    ...(uid === undefined ? {} : { uid }),
    ...(groups?.length ? { groups } : {}),
    ...(extra ? { extra } : {}),
  };
}

function referenceOf({ resource }: AuditedRequest): AuditObjectReference | undefined {
  if (!resource) return undefined;
  const { group, version, namespace, name, subresource } = resource;
  return {
    resource: resource.resource,
    ...(namespace === '' ? {} : { namespace }),
    ...(name === '' ? {} : { name }),
    ...(group === '' ? {} : { apiGroup: group }),
    apiVersion: version,
    ...(subresource === '' ? {} : { subresource }),
  };
}

function statusOf({ status, message, reason, details }: Status): Partial<Status> {
  return {
    metadata: {},
    ...(status === undefined ? {} : { status }),
    ...(message === undefined ? {} : { message }),
    ...(reason === undefined ? {} : { reason }),
    ...(details === undefined ? {} : { details }),
  };
}

/** Of an object, the items of a list, or the rows of a table; in place. */
function dropManagedFields(value: JsonValue): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  const { metadata, items, rows } = value as {
    readonly metadata?: { managedFields?: unknown };
    readonly items?: readonly JsonValue[];
    readonly rows?: readonly { readonly object?: JsonValue }[];
  };
  if (typeof metadata === 'object' && metadata !== null) delete metadata.managedFields;
  if (Array.isArray(items)) for (const item of items as readonly JsonObject[]) dropManagedFields(item);
  if (Array.isArray(rows)) for (const { object = null } of rows) dropManagedFields(object as JsonValue);
}
