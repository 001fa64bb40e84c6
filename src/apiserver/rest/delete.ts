/** Delete and deletecollection (API-7, GC-1): preconditions, grace, finalizers. */
import {
  conflict,
  decodeErrors,
  deepEqualJson,
  fieldError,
  FieldPath,
  invalid,
  type JsonObject,
  badRequest,
  modifiedMessage,
  notFound,
  type Status,
  type StatusCause,
} from '../../api/index.js';
import { schemaOfType } from '../../api/facts/index.js';
import { RevisionMismatch } from '../../store/index.js';
import type { StampedObject } from '../cache/resource-cache.js';
import type { ServedResource } from '../resource.js';
import { asObject, type DecodedBody } from './body.js';
import {
  atRequestVersion,
  findCached,
  type MutableObject,
  ofRequest,
  type RequestContext,
  toStorage,
  written,
} from './context.js';
import { hasGeneration } from './create.js';

const maxAttempts = 5;
const deleteOptionsType = 'io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions';

export interface DeleteRequest {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: 'Background' | 'Foreground' | 'Orphan';
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun: boolean;
}

/** The options of a delete, from its body or, where there is none, its query. @throws ApiError */
export function deleteRequest(body: DecodedBody | undefined, query: URLSearchParams): DeleteRequest {
  const given = body === undefined ? optionsFromQuery(query) : asObject(body, 'DeleteOptions');
  if (given.kind !== undefined && given.kind !== 'DeleteOptions') {
    throw badRequest(
      `decoded object cannot be converted to DeleteOptions: its kind is ${String(given.kind)}`,
    );
  }
  const schema = schemaOfType(deleteOptionsType);
  const problem = schema && decodeErrors(given, schema);
  if (problem !== undefined)
    throw badRequest(`DeleteOptions in version "v1" cannot be handled as a DeleteOptions: ${problem}`);
  const causes: StatusCause[] = [];
  const policy = given.propagationPolicy as string | undefined;
  const orphan = given.orphanDependents as boolean | undefined;
  if (policy !== undefined && policy !== null && !['Background', 'Foreground', 'Orphan'].includes(policy)) {
    causes.push(
      fieldError.notSupported(FieldPath.of('propagationPolicy'), policy, [
        'Background',
        'Foreground',
        'Orphan',
      ]),
    );
  }
  if (policy && orphan !== undefined && orphan !== null) {
    causes.push(
      fieldError.invalid(
        FieldPath.of('propagationPolicy'),
        policy,
        'orphanDependents and deletionPropagation cannot be both set',
      ),
    );
  }
  const dryRun = (given.dryRun ?? query.getAll('dryRun')) as readonly string[];
  if (dryRun.some((value) => value !== 'All')) {
    causes.push(fieldError.notSupported(FieldPath.of('dryRun'), dryRun, ['All']));
  }
  if (causes.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', causes);
  const effective = policy ?? (orphan === true ? 'Orphan' : orphan === false ? 'Background' : undefined);
  return {
    ...(typeof given.gracePeriodSeconds === 'number' ? { gracePeriodSeconds: given.gracePeriodSeconds } : {}),
    ...(effective ? { propagationPolicy: effective as 'Background' } : {}),
    ...(given.preconditions
      ? { preconditions: given.preconditions as { uid?: string; resourceVersion?: string } }
      : {}),
    dryRun: dryRun.length > 0,
  };
}

function optionsFromQuery(query: URLSearchParams): JsonObject {
  const options: MutableObject = {};
  const grace = query.get('gracePeriodSeconds');
  if (grace !== null) {
    if (!/^-?\d+$/.test(grace))
      throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(grace)}: invalid syntax`);
    options.gracePeriodSeconds = Number(grace);
  }
  const policy = query.get('propagationPolicy');
  if (policy !== null) options.propagationPolicy = policy;
  const orphan = query.get('orphanDependents');
  if (orphan !== null) options.orphanDependents = orphan === 'true';
  return options as JsonObject;
}

/** True while an object that is being deleted must stay: finalizers, or time for its processes to end. */
export function deletionPending(resource: ServedResource, object: JsonObject): boolean {
  const metadata = object.metadata as { finalizers?: readonly string[]; deletionGracePeriodSeconds?: number };
  if ((metadata.finalizers?.length ?? 0) > 0 || (metadata.deletionGracePeriodSeconds ?? 0) > 0) return true;
  const spec = object.spec as { finalizers?: readonly string[] } | undefined;
  return isNamespace(resource) && (spec?.finalizers?.length ?? 0) > 0;
}

function isNamespace({ facts }: ServedResource): boolean {
  return facts.group === '' && facts.kind === 'Namespace';
}

export type DeleteResult =
  | { readonly gone: true; readonly last: StampedObject; readonly status: Status }
  /** Finalizers or grace hold it: the object as it is now. */
  | { readonly gone: false; readonly object: StampedObject };

/**
 * @param admission `admitted`: it has had its say already, on what this deletion is part of
 * @throws ApiError NotFound, Conflict (preconditions), Forbidden
 */
export async function deleteObject(
  ctx: RequestContext,
  options: DeleteRequest,
  admission: 'asked' | 'admitted' = 'asked',
): Promise<DeleteResult> {
  const { resource, deps, info } = ctx;
  for (let attempt = 1; ; attempt++) {
    const cached = findCached(ctx);
    if (!cached) throw notFound(resource.facts, info.name);
    const current = await atRequestVersion(ctx, cached.object);
    checkPreconditions(ctx, current, options);
    if (admission === 'asked') await admitDeletion(ctx, current, options);
    const next = beginDeletion(ctx, current, options);
    try {
      if (!deletionPending(resource, next)) {
        if (!options.dryRun) await deps.cache.store.delete(cached.key, cached.revision);
        return { gone: true, last: current, status: deletedStatus(ctx, current) };
      }
      const value = await toStorage(ctx, next);
      if (options.dryRun || deepEqualJson(value, cached.stored))
        return { gone: false, object: next as StampedObject };
      return {
        gone: false,
        object: await written(ctx, await deps.cache.store.update(cached.key, value, cached.revision), next),
      };
    } catch (error) {
      if (!(error instanceof RevisionMismatch)) throw error;
      if (attempt >= maxAttempts) throw conflict(resource.facts, info.name, modifiedMessage);
    }
  }
}

async function admitDeletion(
  ctx: RequestContext,
  current: StampedObject,
  options: DeleteRequest,
): Promise<void> {
  const { deps, info, resource, user, warnings } = ctx;
  const attributes = {
    operation: 'DELETE' as const,
    resource,
    subresource: '',
    namespace: info.namespace,
    name: info.name,
    user,
    dryRun: options.dryRun,
    object: undefined,
    oldObject: current,
    options: optionsObject(options),
    warnings,
    ...ofRequest(ctx),
  };
  await deps.admission.mutate(attributes);
  await deps.admission.validate(attributes);
}

/** The options as admission sees them. */
function optionsObject({ dryRun, ...given }: DeleteRequest): JsonObject {
  return {
    kind: 'DeleteOptions',
    apiVersion: 'meta.k8s.io/v1',
    ...(given as JsonObject),
    ...(dryRun ? { dryRun: ['All'] } : {}),
  };
}

function checkPreconditions(
  ctx: RequestContext,
  current: StampedObject,
  { preconditions }: DeleteRequest,
): void {
  const { facts } = ctx.resource;
  const { uid, resourceVersion } = current.metadata;
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
    throw conflict(
      facts,
      ctx.info.name,
      `Precondition failed: UID in precondition: ${preconditions.uid}, UID in object meta: ${uid}`,
    );
  }
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
    throw conflict(
      facts,
      ctx.info.name,
      `Precondition failed: ResourceVersion in precondition: ${preconditions.resourceVersion}, ResourceVersion in object meta: ${resourceVersion}`,
    );
  }
}

/** The object with its deletion begun: timestamp, grace and the finalizer of the propagation policy. */
function beginDeletion(ctx: RequestContext, current: StampedObject, options: DeleteRequest): JsonObject {
  const metadata: MutableObject = { ...current.metadata };
  const already = metadata.deletionTimestamp !== undefined;
  const standing = metadata.deletionGracePeriodSeconds as number | undefined;
  const grace = graceSeconds(ctx, current, options);
  if (!already) {
    const policyFinalizers: Record<string, string> = { Orphan: 'orphan', Foreground: 'foregroundDeletion' };
    const own = (metadata.finalizers as readonly string[] | undefined) ?? [];
    if (options.propagationPolicy) {
      const wanted = policyFinalizers[options.propagationPolicy];
      const others = own.filter((f) => f !== 'orphan' && f !== 'foregroundDeletion');
      metadata.finalizers = wanted ? [...others, wanted] : others;
      if ((metadata.finalizers as string[]).length === 0) delete metadata.finalizers;
    }
    metadata.deletionTimestamp = atSeconds(ctx, grace);
    metadata.deletionGracePeriodSeconds = grace;
    if (hasGeneration(ctx)) metadata.generation = (current.metadata.generation ?? 0) + 1;
  } else if (grace < (standing ?? 0)) {
    // A second delete may only shorten the wait.
    metadata.deletionTimestamp = atSeconds(ctx, grace);
    metadata.deletionGracePeriodSeconds = grace;
  }
  // Says so from the first moment on: nothing new is taken in from here.
  const status = isNamespace(ctx.resource)
    ? { status: { ...(current.status as JsonObject | undefined), phase: 'Terminating' } }
    : {};
  return { ...current, metadata, ...status } as JsonObject;
}

function graceSeconds(ctx: RequestContext, current: StampedObject, options: DeleteRequest): number {
  const own = ctx.resource.strategy.gracePeriodSeconds?.(current);
  if (own === undefined || own === 0) return 0;
  const asked = options.gracePeriodSeconds;
  if (asked === undefined) return own;
  return asked < 0 ? 1 : asked;
}

function atSeconds(ctx: RequestContext, seconds: number): string {
  return `${new Date(ctx.deps.clock.now() + seconds * 1000).toISOString().slice(0, 19)}Z`;
}

function deletedStatus(ctx: RequestContext, last: StampedObject): Status {
  const { facts } = ctx.resource;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name: last.metadata.name,
      ...(facts.group === '' ? {} : { group: facts.group }),
      kind: facts.plural,
      uid: last.metadata.uid,
    },
  };
}
