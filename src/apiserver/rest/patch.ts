/** PATCH in its four forms (API-8, API-9), each ending in an update. */
import {
  apiVersionOf,
  applyJsonPatch,
  applyMergePatch,
  applyServerSide,
  applyStrategicMergePatch,
  badRequest,
  conflict,
  fieldError,
  FieldPath,
  invalid,
  isApiError,
  type JsonObject,
  type JsonValue,
  notFound,
  timestamp,
  undeclaredFields,
  unsupportedMediaType,
} from '../../api/index.js';
import type { StampedObject } from '../cache/resource-cache.js';
import { asObject, contentType, type DecodedBody, decodeBody } from './body.js';
import type { RequestContext } from './context.js';
import { decodeTyped, reportStrict, StrictDecodingError, strictProblems } from './decode-object.js';
import { writeQuery } from './options.js';
import { type Proposal, type UpdateResult, updateObject } from './update.js';

const jsonPatch = 'application/json-patch+json';
const mergePatch = 'application/merge-patch+json';
const strategicPatch = 'application/strategic-merge-patch+json';
const applyPatch = 'application/apply-patch+yaml';

/** @throws ApiError UnsupportedMediaType, BadRequest, NotFound, Conflict, Invalid */
export async function patchObject(ctx: RequestContext): Promise<UpdateResult> {
  const accepted = [jsonPatch, mergePatch, ...(ctx.resource.builtin ? [strategicPatch] : []), applyPatch];
  const type = contentType(ctx.request);
  if (!accepted.includes(type)) {
    throw unsupportedMediaType(
      `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
    );
  }
  const body = await decodeBody(ctx.request, accepted);
  if (body === undefined) throw badRequest('request body is required');
  return type === applyPatch ? apply(ctx, body) : change(ctx, body, type);
}

function change(ctx: RequestContext, body: DecodedBody, type: string): Promise<UpdateResult> {
  const write = writeQuery(ctx.request.query, ctx.request.headers['user-agent'], 'PatchOptions');
  if (ctx.request.query.has('force')) {
    throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [
      fieldError.forbidden(FieldPath.of('force'), 'may not be specified for non-apply patch'),
    ]);
  }
  const { schema } = ctx.resource;
  const patched = (current: StampedObject): JsonValue => {
    if (type === jsonPatch) return applyJsonPatch(current, body.value);
    const patch = asObject(body, 'the patch');
    return type === strategicPatch
      ? applyStrategicMergePatch(current, patch, schema)
      : applyMergePatch(current, patch);
  };
  const propose = (current: StampedObject | undefined): Proposal => {
    if (!current) throw notFound(ctx.resource.facts, ctx.info.name);
    const value = patched(current);
    try {
      const object = asObject({ value, duplicates: [], protobuf: false }, 'the patched object');
      checkIdentity(ctx, object);
      const decoded = decodeTyped(ctx, object);
      reportStrict(ctx, strictProblems(ctx, object, body.duplicates), write.fieldValidation);
      return { object: decoded, managed: false };
    } catch (error) {
      if (isApiError(error)) throw error;
      // As Kubernetes answers a patch whose result does not decode: Invalid, with the patch as the value.
      throw invalid({ group: '', kind: '' }, '', [
        fieldError.invalid(FieldPath.of('patch'), JSON.stringify(body.value), (error as Error).message),
      ]);
    }
  };
  return updateObject(ctx, propose, write, { allowCreate: false, requireVersion: false });
}

function checkIdentity(ctx: RequestContext, object: JsonObject): void {
  const { facts } = ctx.resource;
  if (object.apiVersion !== apiVersionOf(facts) || object.kind !== facts.kind) {
    throw badRequest(
      `the patched object must stay ${apiVersionOf(facts)} ${facts.kind}, got ${String(object.apiVersion)} ${String(object.kind)}`,
    );
  }
}

function apply(ctx: RequestContext, body: DecodedBody): Promise<UpdateResult> {
  const { request, resource, info } = ctx;
  const { facts, schema } = resource;
  const write = writeQuery(request.query, request.headers['user-agent'], 'PatchOptions');
  if (!request.query.get('fieldManager')) {
    throw invalid({ group: 'meta.k8s.io', kind: 'PatchOptions' }, '', [
      fieldError.required(FieldPath.of('fieldManager'), 'is required for apply patch'),
    ]);
  }
  const given = asObject(body, 'the applied configuration');
  checkApplied(ctx, given);
  let applied: JsonObject;
  try {
    checkDeclared(ctx, given);
    applied = decodeTyped(ctx, given);
    reportStrict(ctx, body.duplicates, write.fieldValidation);
  } catch (error) {
    if (isApiError(error)) throw error;
    const what =
      error instanceof StrictDecodingError ? 'error strict decoding YAML' : 'error when unmarshaling patch';
    throw badRequest(`${what}: ${(error as Error).message}`);
  }
  const metadata = { ...(applied.metadata as JsonObject), name: info.name };
  const configuration = withoutOtherParts(ctx, { ...applied, metadata });
  const { uid } = metadata as { uid?: string };
  const propose = (current: StampedObject | undefined): Proposal => {
    if (!current && uid) {
      throw conflict(
        facts,
        info.name,
        `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`,
      );
    }
    const { object } = applyServerSide({
      live: current,
      applied: configuration,
      schema,
      manager: write.fieldManager,
      apiVersion: apiVersionOf(facts),
      force: write.force,
      ...(info.subresource === '' ? {} : { subresource: info.subresource }),
      now: timestamp(ctx.deps.clock),
    });
    return { object, managed: true };
  };
  return updateObject(ctx, propose, write, { allowCreate: true, requireVersion: false });
}

/**
 * Nobody can own a field that the schema does not know, so fieldValidation has no say here. (Kubernetes
 * answers with the same words and, what it counts as a bug, code 500.)
 */
function checkDeclared(ctx: RequestContext, given: JsonObject): void {
  const { facts, schema } = ctx.resource;
  const unknown = undeclaredFields(given, schema);
  if (unknown === undefined) return;
  throw badRequest(
    `failed to create typed patch object (${ctx.info.namespace}/${ctx.info.name}; ${apiVersionOf(facts)}, Kind=${facts.kind}): ${unknown}`,
  );
}

function checkApplied(ctx: RequestContext, given: JsonObject): void {
  const { facts } = ctx.resource;
  const metadata = (given.metadata ?? {}) as JsonObject;
  if (given.apiVersion !== apiVersionOf(facts) || given.kind !== facts.kind) {
    throw badRequest(
      `the applied configuration must name apiVersion ${apiVersionOf(facts)} and kind ${facts.kind}, got ${String(given.apiVersion)} and ${String(given.kind)}`,
    );
  }
  if (metadata.managedFields !== undefined && metadata.managedFields !== null) {
    throw badRequest('metadata.managedFields must be nil');
  }
  if (metadata.name !== undefined && metadata.name !== ctx.info.name) {
    throw badRequest(
      `the name of the object (${String(metadata.name)}) does not match the name on the URL (${ctx.info.name})`,
    );
  }
}

/** Fields that this endpoint resets do not count as applied: status on the object, the rest on /status. */
function withoutOtherParts(ctx: RequestContext, applied: JsonObject): JsonObject {
  if (ctx.info.subresource === 'status') {
    const { apiVersion, kind, metadata, status } = applied as Record<string, JsonValue>;
    const { name, namespace, resourceVersion, uid } = metadata as Record<string, JsonValue>;
    return {
      apiVersion,
      kind,
      metadata: JSON.parse(JSON.stringify({ name, namespace, resourceVersion, uid })) as JsonObject,
      ...(status === undefined ? {} : { status }),
    } as JsonObject;
  }
  if (!ctx.resource.hasStatus) return applied;
  const { status: _, ...rest } = applied;
  return rest;
}
