/**
 * One family of errors for everything an API can refuse, with `reason` as the discriminant. The same
 * classes serve both sides: the API server throws them, the client revives them from the wire.
 *
 * They are branded through the global symbol registry, so two copies of the package in one process
 * recognise each other's errors; use the `is…` predicates instead of `instanceof`.
 */
import type { GroupVersionKind } from './kind.js';
import { groupResource } from './kind.js';
import type { Status, StatusCause, StatusDetails, StatusReason } from './status.js';

const brand: unique symbol = Symbol.for('gyre.api-error') as never;

/** A refusal by an API, in process or over HTTP. */
export class ApiError extends Error {
  readonly [brand] = true;
  override readonly name: string = 'ApiError';
  readonly status: Status;

  constructor(status: Status, options?: ErrorOptions) {
    super(status.message ?? status.reason ?? 'unknown API error', options);
    this.status = status;
  }

  get reason(): StatusReason {
    return this.status.reason ?? '';
  }
  get code(): number {
    return this.status.code ?? 500;
  }
  get causes(): readonly StatusCause[] {
    return this.status.details?.causes ?? [];
  }
  /** Seconds the server asked to wait, from `details.retryAfterSeconds`. */
  get retryAfterSeconds(): number | undefined {
    return this.status.details?.retryAfterSeconds;
  }
}

/** True for an `ApiError` of any copy of this package, optionally of one reason. */
export function isApiError(error: unknown, reason?: StatusReason): error is ApiError {
  return (
    typeof error === 'object' &&
    error !== null &&
    (error as { [brand]?: unknown })[brand] === true &&
    (reason === undefined || (error as ApiError).reason === reason)
  );
}

export const isNotFound = (error: unknown): error is ApiError => isApiError(error, 'NotFound');
export const isConflict = (error: unknown): error is ApiError => isApiError(error, 'Conflict');
export const isAlreadyExists = (error: unknown): error is ApiError => isApiError(error, 'AlreadyExists');
export const isInvalid = (error: unknown): error is ApiError => isApiError(error, 'Invalid');
export const isForbidden = (error: unknown): error is ApiError => isApiError(error, 'Forbidden');
/** 410: the version asked for has been compacted away (`Expired` or `Gone`). */
export const isExpired = (error: unknown): error is ApiError =>
  isApiError(error, 'Expired') || isApiError(error, 'Gone');

const noSuchKindBrand: unique symbol = Symbol.for('gyre.no-such-kind') as never;

/** The server does not serve the kind at all: told apart from an object that is not there. */
export class NoSuchKind extends ApiError {
  readonly [noSuchKindBrand] = true;
  override readonly name = 'NoSuchKind';
  readonly gvk: GroupVersionKind;
  constructor(gvk: GroupVersionKind, status: Status, options?: ErrorOptions) {
    super(status, options);
    this.gvk = gvk;
  }
}
export function isNoSuchKind(error: unknown): error is NoSuchKind {
  return (
    typeof error === 'object' &&
    error !== null &&
    (error as { [noSuchKindBrand]?: unknown })[noSuchKindBrand] === true
  );
}

const transportBrand: unique symbol = Symbol.for('gyre.transport-error') as never;

/** No answer was had from the server, and nothing was changed by this request. */
export class TransportError extends Error {
  readonly [transportBrand]: 'unsent' | 'unknown' = 'unsent';
  override readonly name: string = 'TransportError';
}

/** A write was sent and no answer came: it may or may not have happened. Read before repeating it. */
export class OutcomeUnknown extends TransportError {
  override readonly [transportBrand] = 'unknown';
  override readonly name = 'OutcomeUnknown';
}

const badLineBrand: unique symbol = Symbol.for('gyre.bad-line') as never;

/** A stream sent something that could not be read, or was too long to be: it was given up. */
export class BadLine extends TransportError {
  readonly [badLineBrand] = true;
  override readonly name = 'BadLine';
}

export function isBadLine(error: unknown): error is BadLine {
  return (
    typeof error === 'object' &&
    error !== null &&
    (error as { [badLineBrand]?: unknown })[badLineBrand] === true
  );
}

export function isTransportError(error: unknown): error is TransportError {
  return (
    typeof error === 'object' &&
    error !== null &&
    (error as { [transportBrand]?: unknown })[transportBrand] !== undefined
  );
}
export function isOutcomeUnknown(error: unknown): error is OutcomeUnknown {
  return (
    typeof error === 'object' &&
    error !== null &&
    (error as { [transportBrand]?: unknown })[transportBrand] === 'unknown'
  );
}

/** How Kubernetes names the subject of an error. */
export interface ErrorSubject {
  readonly group: string;
  readonly plural: string;
  readonly kind?: string;
}

function failure(code: number, reason: StatusReason, message: string, details?: StatusDetails): ApiError {
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message,
    reason,
    ...(details ? { details } : {}),
    code,
  });
}

function subjectDetails(subject: ErrorSubject, name: string): StatusDetails {
  return {
    ...(name === '' ? {} : { name }),
    ...(subject.group === '' ? {} : { group: subject.group }),
    kind: subject.plural,
  };
}

// The builders below word their messages as k8s.io/apimachinery/pkg/api/errors does: clients and
// scripts match on them.

export function badRequest(message: string): ApiError {
  return failure(400, 'BadRequest', message);
}
export function unauthorized(message = 'Unauthorized'): ApiError {
  return failure(401, 'Unauthorized', message);
}
/** 403 for a request whose text is already complete after `is forbidden: `. */
export function forbidden(
  subject: ErrorSubject,
  name: string,
  why: string,
  causes?: readonly StatusCause[],
): ApiError {
  const where = name === '' ? groupResource(subject) : `${groupResource(subject)} "${name}"`;
  return failure(403, 'Forbidden', `${where} is forbidden: ${why}`, {
    ...subjectDetails(subject, name),
    ...(causes ? { causes } : {}),
  });
}
export function notFound(subject: ErrorSubject, name: string): ApiError {
  return failure(
    404,
    'NotFound',
    `${groupResource(subject)} "${name}" not found`,
    subjectDetails(subject, name),
  );
}
/** 404 for a path that names no resource: the client has the wrong kind or the wrong server. */
export function noSuchResource(): ApiError {
  return failure(404, 'NotFound', 'the server could not find the requested resource', {});
}
export function methodNotAllowed(
  message = 'the server does not allow this method on the requested resource',
): ApiError {
  return failure(405, 'MethodNotAllowed', message, {});
}
export function notAcceptable(message: string): ApiError {
  return failure(406, 'NotAcceptable', message);
}
export function alreadyExists(subject: ErrorSubject, name: string): ApiError {
  return failure(
    409,
    'AlreadyExists',
    `${groupResource(subject)} "${name}" already exists`,
    subjectDetails(subject, name),
  );
}
export function conflict(
  subject: ErrorSubject,
  name: string,
  why: string,
  causes?: readonly StatusCause[],
): ApiError {
  return failure(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${groupResource(subject)} "${name}": ${why}`,
    {
      ...subjectDetails(subject, name),
      ...(causes ? { causes } : {}),
    },
  );
}
export const modifiedMessage =
  'the object has been modified; please apply your changes to the latest version and try again';

/** 409 of a failed server-side apply: one cause per field another manager owns (API-9). */
export function applyConflict(causes: readonly StatusCause[]): ApiError {
  return failure(409, 'Conflict', `Apply failed with ${conflictText(causes)}`, { causes });
}

function conflictText(causes: readonly StatusCause[]): string {
  const [first] = causes;
  if (causes.length === 1) return `1 conflict: ${first?.message}: ${first?.field}`;
  const fields = new Map<string, string[]>();
  for (const { message = '', field = '' } of causes)
    fields.set(message, [...(fields.get(message) ?? []), field]);
  const groups = [...fields].map(([message, paths]) =>
    [`${message.replace(/^conflict/, 'conflicts')}:`, ...paths.map((path) => `- ${path}`)].join('\n'),
  );
  return `${causes.length} conflicts: ${groups.join('\n')}`;
}

export function expired(message: string, continueToken?: string): ApiError {
  const error = failure(410, 'Expired', message);
  return continueToken === undefined
    ? error
    : new ApiError({ ...error.status, metadata: { continue: continueToken } });
}
export function tooLarge(message: string): ApiError {
  return failure(413, 'RequestEntityTooLarge', message);
}
export function unsupportedMediaType(message: string): ApiError {
  return failure(415, 'UnsupportedMediaType', message);
}
export function invalid(
  subject: { readonly group: string; readonly kind: string },
  name: string,
  causes: readonly StatusCause[],
): ApiError {
  const list = causes.map((c) => (c.field ? `${c.field}: ${c.message}` : `${c.message}`));
  const where = subject.group === '' ? subject.kind : `${subject.kind}.${subject.group}`;
  const text = list.length === 1 ? list[0] : `[${list.join(', ')}]`;
  return failure(422, 'Invalid', `${where} "${name}" is invalid: ${text}`, {
    ...(name === '' ? {} : { name }),
    ...(subject.group === '' ? {} : { group: subject.group }),
    kind: subject.kind,
    causes,
  });
}
export function tooManyRequests(message: string, retryAfterSeconds: number): ApiError {
  return failure(429, 'TooManyRequests', message, { retryAfterSeconds });
}
export function internalError(message: string): ApiError {
  return failure(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });
}
/** 504 for a version that has not happened yet; clients list anew. */
export function tooLargeVersion(asked: string, latest: number): ApiError {
  return failure(504, 'Timeout', `Too large resource version: ${asked}, current: ${latest}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
}
export function timeoutError(message: string, retryAfterSeconds?: number): ApiError {
  return failure(
    504,
    'Timeout',
    message,
    retryAfterSeconds === undefined ? undefined : { retryAfterSeconds },
  );
}
