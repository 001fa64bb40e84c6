/** AdmissionReview v1: what a webhook is asked, and whether its answer is one. */
import {
  ApiError,
  badRequest,
  type GroupVersionKind,
  internalError,
  type JsonObject,
  type JsonValue,
  type Status,
  type UserInfo,
} from '../../../api/index.js';
import type { AdmissionAttributes } from '../admission.js';

const apiVersion = 'admission.k8s.io/v1';
const kind = 'AdmissionReview';

/** A resource as a version serves it. */
export interface Served {
  readonly kind: GroupVersionKind;
  readonly version: string;
}

export interface ReviewInput {
  readonly uid: string;
  readonly attributes: AdmissionAttributes;
  /** As it was asked for, and as the webhook wants to see it. */
  readonly requested: Served;
  readonly shown: Served;
  readonly object: JsonObject | undefined;
  readonly oldObject: JsonObject | undefined;
}

export function admissionReview(input: ReviewInput): JsonObject {
  const { attributes, requested, shown } = input;
  const { group, plural } = attributes.resource.facts;
  const { subresource, name, namespace } = attributes;
  return {
    kind,
    apiVersion,
    request: {
      uid: input.uid,
      kind: kindOf(shown.kind),
      resource: { group, version: shown.version, resource: plural },
      ...(subresource === '' ? {} : { subResource: subresource }),
      requestKind: kindOf(requested.kind),
      requestResource: { group, version: requested.version, resource: plural },
      ...(subresource === '' ? {} : { requestSubResource: subresource }),
      ...(name === '' ? {} : { name }),
      ...(namespace === '' ? {} : { namespace }),
      operation: attributes.operation,
      userInfo: userOf(attributes.user),
      object: input.object ?? null,
      oldObject: input.oldObject ?? null,
      dryRun: attributes.dryRun,
      options: attributes.options ?? null,
    },
  };
}

function kindOf({ group, version, kind: name }: GroupVersionKind): JsonObject {
  return { group, version, kind: name };
}

function userOf({ username, uid, groups, extra }: UserInfo): JsonObject {
  return {
    username,
    ...(uid === undefined ? {} : { uid }),
    ...(groups === undefined ? {} : { groups: [...groups] }),
    ...(extra === undefined ? {} : { extra: extra as unknown as JsonObject }),
  };
}

export interface Verdict {
  readonly allowed: boolean;
  /** Present when there is something to change. */
  readonly patch: JsonValue | undefined;
  readonly warnings: readonly string[];
  /** Why not, as the webhook said it. */
  readonly status: JsonObject | undefined;
}

/** An answer that is none. The message is Kubernetes'. */
export class InvalidAnswer extends Error {
  override readonly name = 'InvalidAnswer';
}

/** @throws InvalidAnswer; ApiError InternalError for a patch that cannot be read */
export function verdictOf(answer: JsonObject, uid: string, mutating: boolean): Verdict {
  const response = objectOf(answer.response);
  if (!response) throw new InvalidAnswer('webhook response was absent');
  if (response.uid !== uid) {
    const got = typeof response.uid === 'string' ? response.uid : '';
    throw new InvalidAnswer(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(got)}`);
  }
  if (answer.apiVersion !== apiVersion || answer.kind !== kind) {
    const got = `${String(answer.apiVersion ?? '')}, Kind=${String(answer.kind ?? '')}`;
    throw new InvalidAnswer(`expected webhook response of ${apiVersion}, Kind=${kind}, got ${got}`);
  }
  const { patch, patchType, allowed, warnings } = response;
  const hasPatch = typeof patch === 'string' && patch !== '';
  const hasType = patchType !== undefined && patchType !== null;
  if (!mutating && hasPatch) throw new InvalidAnswer('validating webhook may not return response.patch');
  if (!mutating && hasType) throw new InvalidAnswer('validating webhook may not return response.patchType');
  if (hasPatch && !hasType)
    throw new InvalidAnswer('webhook returned response.patch but not response.patchType');
  if (hasType && !hasPatch)
    throw new InvalidAnswer('webhook returned response.patchType but not response.patch');
  if (hasType && patchType !== 'JSONPatch')
    throw new InvalidAnswer(`webhook returned invalid response.patchType of ${JSON.stringify(patchType)}`);
  return {
    allowed: allowed === true,
    patch: hasPatch ? readPatch(patch) : undefined,
    warnings: Array.isArray(warnings) ? warnings.filter((text) => typeof text === 'string') : [],
    status: objectOf(response.status),
  };
}

function objectOf(value: JsonValue | undefined): JsonObject | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : undefined;
}

function readPatch(base64: string): JsonValue {
  try {
    return JSON.parse(Buffer.from(base64, 'base64').toString('utf8')) as JsonValue;
  } catch (error) {
    throw internalError((error as Error).message);
  }
}

/** The refusal a webhook has asked for; it keeps its code and reason, but never looks like a success. */
export function denial(webhook: string, said: JsonObject | undefined): ApiError {
  const deniedBy = `admission webhook ${JSON.stringify(webhook)} denied the request`;
  const { message, reason, code, details } = said ?? {};
  const why = [message, reason].find((text) => typeof text === 'string' && text !== '');
  const status: Status = {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: why === undefined ? `${deniedBy} without explanation` : `${deniedBy}: ${String(why)}`,
    ...(typeof reason === 'string' ? { reason: reason as NonNullable<Status['reason']> } : {}),
    ...(objectOf(details) ? { details: detailsOf(details as JsonObject) } : {}),
    code: typeof code === 'number' && Number.isInteger(code) && code >= 400 && code <= 599 ? code : 400,
  };
  return new ApiError(status);
}

/** The seconds to wait become a header: only a number may. */
function detailsOf({ retryAfterSeconds: seconds, ...details }: JsonObject): NonNullable<Status['details']> {
  return { ...details, ...(typeof seconds === 'number' ? { retryAfterSeconds: seconds } : {}) };
}

export function dryRunUnsupported(webhook: string): ApiError {
  return badRequest(`admission webhook ${JSON.stringify(webhook)} does not support dry run`);
}
