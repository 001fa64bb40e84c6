/**
 * Update (API-6): from a proposed object to the stored one, under optimistic concurrency. PUT, every kind
 * of patch and the status subresource end here.
 */
import {
  extended,
  apiVersionOf,
  conflict,
  copyJson,
  deepEqualJson,
  fieldError,
  FieldPath,
  type GroupVersionKind,
  invalid,
  isAlreadyExists,
  type JsonObject,
  type JsonValue,
  modifiedMessage,
  notFound,
  timestamp,
  trackUpdate,
} from '../../api/index.js';
import { RevisionMismatch } from '../../store/index.js';
import { isStale } from '../encryption/values.js';
import type { CachedObject, StampedObject } from '../cache/resource-cache.js';
import { checkPlace, createObject, hasGeneration } from './create.js';
import {
  allocate,
  atRequestVersion,
  findCached,
  type MutableObject,
  ofRequest,
  type RequestContext,
  toStorage,
  writesStatus,
  written,
} from './context.js';
import type { AdmissionAttributes } from '../admission/admission.js';
import { withDefaults } from './decode-object.js';
import { deletionPending } from './delete.js';
import { type WriteQuery, writeOptions } from './options.js';
import { validateUpdate } from './validate.js';

/** How often a write that names no version is tried before it has lost too many races (API-8). */
const maxAttempts = 5;

export interface Proposal {
  /** Of the resource's kind, without defaults; may share structure with the current object. */
  readonly object: JsonObject;
  /** True when `object` carries the managedFields it is to have (server-side apply). */
  readonly managed: boolean;
}

/** Makes the proposal from what is stored now (undefined: nothing is). */
export type Propose = (current: StampedObject | undefined) => Promise<Proposal> | Proposal;

export interface UpdateResult {
  readonly object: StampedObject;
  readonly created: boolean;
}

/** How a subresource that is no part of the object shows itself to admission: a Scale. */
export interface AdmittedAs {
  readonly subresource: string;
  readonly kind: GroupVersionKind;
  show(object: StampedObject): JsonObject;
  /** The object with what admission has changed of what it was shown. */
  take(object: JsonObject, shown: JsonObject): JsonObject;
}

export interface UpdateRules {
  /** What does not exist is created. */
  readonly allowCreate: boolean;
  /** The proposal has to say which version it replaces. */
  readonly requireVersion: boolean;
  /** `done`: admission has had its say. Default: it sees the object itself. */
  readonly admitted?: AdmittedAs | 'done';
}

/** @throws ApiError NotFound, Conflict, Invalid, Forbidden */
export async function updateObject(
  ctx: RequestContext,
  propose: Propose,
  write: WriteQuery,
  options: UpdateRules,
): Promise<UpdateResult> {
  const { facts } = ctx.resource;
  for (let attempt = 1; ; attempt++) {
    const cached = findCached(ctx);
    if (!cached) {
      if (!options.allowCreate || ctx.info.subresource !== '') throw notFound(facts, ctx.info.name);
      const { object, managed } = await propose(undefined);
      const named = { ...object, metadata: { ...(object.metadata as JsonObject), name: ctx.info.name } };
      try {
        return { object: await createObject(ctx, named, write, managed), created: true };
      } catch (error) {
        // Somebody else created it meanwhile: then this is an update of theirs.
        if (!isAlreadyExists(error) || attempt >= maxAttempts) throw error;
        continue;
      }
    }
    const current = await atRequestVersion(ctx, cached.object);
    const proposal = await propose(current);
    checkPlace(ctx, proposal.object);
    checkVersion(ctx, proposal.object, current, options.requireVersion);
    try {
      return {
        object: await commit(ctx, cached, current, proposal, write, options.admitted),
        created: false,
      };
    } catch (error) {
      if (!(error instanceof RevisionMismatch)) throw error;
      // Asked again, a patch starts from the newer version; who named a version is told that it is stale.
      if (attempt >= maxAttempts) throw conflict(facts, ctx.info.name, modifiedMessage);
    }
  }
}

/** A proposal that names a version or uid is about that one alone. @throws ApiError Conflict, Invalid */
function checkVersion(
  ctx: RequestContext,
  object: JsonObject,
  current: StampedObject,
  required: boolean,
): void {
  const { facts } = ctx.resource;
  const { resourceVersion, uid } = (object.metadata ?? {}) as { resourceVersion?: string; uid?: string };
  if (uid && uid !== current.metadata.uid) {
    throw conflict(
      facts,
      ctx.info.name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid}`,
    );
  }
  if (!resourceVersion || resourceVersion === '0') {
    if (required) {
      throw invalid(facts, ctx.info.name, [
        fieldError.invalid(FieldPath.of('metadata', 'resourceVersion'), 0, 'must be specified for an update'),
      ]);
    }
    return;
  }
  if (resourceVersion !== current.metadata.resourceVersion)
    throw conflict(facts, ctx.info.name, modifiedMessage);
}

async function commit(
  ctx: RequestContext,
  cached: CachedObject,
  current: StampedObject,
  proposal: Proposal,
  write: WriteQuery,
  as: UpdateRules['admitted'],
): Promise<StampedObject> {
  const { deps } = ctx;
  const next = await admit(ctx, prepare(ctx, current, proposal.object), current, write, as);
  const meta = next.metadata as MutableObject;
  if (hasGeneration(ctx) && specChanged(ctx, next as JsonObject, current)) {
    meta.generation = (current.metadata.generation ?? 0) + 1;
  }
  validateUpdate(ctx, next as JsonObject, current);
  if (as !== 'done') {
    await deps.admission.validate(updateAttributes(ctx, next as JsonObject, current, write, as));
  }

  const allocation = await allocate(ctx, next, current);
  try {
    return await store(ctx, cached, current, next, proposal.managed, write);
  } finally {
    allocation?.done();
  }
}

async function store(
  ctx: RequestContext,
  cached: CachedObject,
  current: StampedObject,
  next: MutableObject,
  managed: boolean,
  write: WriteQuery,
): Promise<StampedObject> {
  const { deps, resource, info } = ctx;
  const meta = next.metadata as MutableObject;
  const final = managed
    ? (next as JsonObject)
    : trackUpdate({
        live: current,
        updated: next as JsonObject,
        schema: resource.schema,
        manager: write.fieldManager,
        apiVersion: apiVersionOf(resource.facts),
        ...(info.subresource === '' ? {} : { subresource: info.subresource }),
        now: timestamp(deps.clock),
      });
  if (meta.deletionTimestamp !== undefined && !deletionPending(resource, final)) {
    if (write.dryRun) return final as StampedObject;
    const { revision } = await deps.cache.store.delete(cached.key, cached.revision);
    return {
      ...final,
      metadata: { ...(final.metadata as JsonObject), resourceVersion: String(revision) },
    } as StampedObject;
  }
  const value = await toStorage(ctx, final);
  // API-6: an update that changes nothing keeps the version, unless it is to be encrypted with another key.
  const same = deepEqualJson(value, cached.stored) || (resource.builtin && deepEqualJson(final, current));
  if (same && !isStale(cached.stored)) return current;
  if (write.dryRun) {
    const { resourceVersion } = current.metadata;
    return { ...final, metadata: { ...(final.metadata as JsonObject), resourceVersion } } as StampedObject;
  }
  return written(ctx, await deps.cache.store.update(cached.key, value, cached.revision), final);
}

const systemMetadata = [
  'name',
  'namespace',
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generateName',
] as const;

/** Combines the proposal with the parts of the current object that this request may not change. */
function prepare(ctx: RequestContext, current: StampedObject, proposed: JsonObject): MutableObject {
  const { resource, info } = ctx;
  if (writesStatus(info.subresource)) {
    const metadata = resource.builtin ? ownMetadata(current, proposed) : { ...current.metadata };
    const { managedFields } = (proposed.metadata ?? {}) as JsonObject;
    if (managedFields !== undefined) metadata.managedFields = managedFields;
    const object: MutableObject = { ...current, metadata };
    if (proposed.status === undefined) delete object.status;
    else object.status = proposed.status;
    resource.strategy.prepareForStatusUpdate?.(object, current, {
      user: ctx.user,
      now: timestamp(ctx.deps.clock),
      subresource: info.subresource,
    });
    return withDefaults(ctx, object as JsonObject);
  }
  if (info.subresource === 'ephemeralcontainers') {
    const { ephemeralContainers } = (proposed.spec ?? {}) as JsonObject;
    const spec = { ...(current.spec as JsonObject), ephemeralContainers };
    return withDefaults(ctx, copyJson({ ...current, spec }) as JsonObject);
  }
  if (info.subresource === 'binding') return copyJson(proposed) as MutableObject;
  if (info.subresource === 'finalize') {
    return copyJson({ ...current, spec: proposed.spec }) as MutableObject;
  }
  const object: MutableObject = { ...proposed, metadata: ownMetadata(current, proposed) };
  if (resource.hasStatus) {
    if (current.status === undefined) delete object.status;
    else object.status = current.status;
  }
  const own = withDefaults(ctx, object as JsonObject);
  resource.strategy.prepareForUpdate?.(own, current);
  return own;
}

/** The metadata proposed, with what is the server's alone as it is. */
function ownMetadata(current: StampedObject, proposed: JsonObject): MutableObject {
  const metadata: MutableObject = extended(proposed.metadata as JsonObject | undefined, {});
  for (const field of systemMetadata) {
    if (metadata[field] === undefined && current.metadata[field] !== undefined)
      metadata[field] = current.metadata[field];
  }
  delete metadata.selfLink;
  delete metadata.generation;
  if (current.metadata.generation !== undefined) metadata.generation = current.metadata.generation;
  metadata.resourceVersion = current.metadata.resourceVersion;
  return metadata;
}

function updateAttributes(
  ctx: RequestContext,
  object: JsonObject,
  oldObject: StampedObject,
  write: WriteQuery,
  as?: AdmittedAs,
): AdmissionAttributes {
  return {
    operation: 'UPDATE',
    resource: ctx.resource,
    subresource: as?.subresource ?? ctx.info.subresource,
    namespace: ctx.info.namespace,
    name: ctx.info.name,
    user: ctx.user,
    dryRun: write.dryRun,
    object: as ? as.show(object as StampedObject) : object,
    oldObject: as ? as.show(oldObject) : oldObject,
    ...(as ? { kind: as.kind } : {}),
    options: writeOptions('UpdateOptions', ctx.request.query),
    warnings: ctx.warnings,
    ...ofRequest(ctx),
  };
}

async function admit(
  ctx: RequestContext,
  object: MutableObject,
  current: StampedObject,
  write: WriteQuery,
  as: UpdateRules['admitted'],
): Promise<MutableObject> {
  if (as === 'done') return object;
  const attributes = updateAttributes(ctx, object as JsonObject, current, write, as);
  const admitted = await ctx.deps.admission.mutate(attributes);
  if (!admitted || admitted === attributes.object) return object;
  // What this request may not change is not admission's to change either; whose fields they are stays as it was.
  const changed = as ? as.take(object as JsonObject, admitted) : admitted;
  const { managedFields } = object.metadata as MutableObject;
  const { managedFields: _, ...metadata } = changed.metadata as JsonObject;
  const owners: JsonObject = managedFields === undefined ? {} : { managedFields: managedFields as JsonValue };
  return prepare(ctx, current, { ...changed, metadata: { ...metadata, ...owners } });
}

/** API-6: generation counts changes of everything but metadata and a status of its own. */
function specChanged(ctx: RequestContext, next: JsonObject, current: JsonObject): boolean {
  const ignored = new Set([
    'apiVersion',
    'kind',
    'metadata',
    ...(ctx.resource.hasStatus || ctx.resource.builtin ? ['status'] : []),
  ]);
  const counted = (object: JsonObject) =>
    Object.fromEntries(Object.entries(object).filter(([key]) => !ignored.has(key)));
  return !deepEqualJson(counted(next), counted(current));
}
