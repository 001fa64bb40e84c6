/** Create (API-5): identity, defaults, admission, validation, and one compare-and-swap. */
import {
  alreadyExists,
  badRequest,
  extended,
  type JsonObject,
  randomSuffix,
  timestamp,
  trackUpdate,
  apiVersionOf,
} from '../../api/index.js';
import { KeyExists } from '../../store/index.js';
import type { StampedObject } from '../cache/resource-cache.js';
import { lifetimeOf } from '../lifetime.js';
import {
  allocate,
  findCached,
  keyFor,
  type MutableObject,
  ofRequest,
  type RequestContext,
  toStorage,
  written,
} from './context.js';
import { withDefaults } from './decode-object.js';
import { type WriteQuery, writeOptions } from './options.js';
import { validateCreate } from './validate.js';

/** generateName is cut so that the result fits a DNS label (API-5). */
const maxGeneratedBase = 58;
const generatedSuffix = 5;
const generateAttempts = 8;

/** Checks that the object belongs where the request points. @throws ApiError BadRequest */
export function checkPlace(ctx: RequestContext, object: JsonObject): void {
  const { namespace, name } = (object.metadata ?? {}) as { namespace?: string; name?: string };
  if (ctx.resource.facts.scope === 'Namespaced') {
    if (ctx.info.namespace === '')
      throw badRequest('an empty namespace may not be set when a resource name may be given');
    if (namespace && namespace !== ctx.info.namespace) {
      throw badRequest(
        'the namespace of the provided object does not match the namespace sent on the request',
      );
    }
  } else if (namespace) {
    throw badRequest('namespace is not allowed on this type');
  }
  if (ctx.info.name !== '' && name && name !== ctx.info.name) {
    throw badRequest(
      `the name of the object (${name}) does not match the name on the URL (${ctx.info.name})`,
    );
  }
}

/**
 * Stores a new object.
 * @param decoded of the resource's kind, without defaults
 * @param managed true when `decoded` carries the managedFields it is to have (server-side apply)
 * @throws ApiError AlreadyExists, Invalid, BadRequest, Forbidden; at once or as a rejection
 */
export function createObject(
  ctx: RequestContext,
  decoded: JsonObject,
  write: WriteQuery,
  managed = false,
): Promise<StampedObject> {
  checkPlace(ctx, decoded);
  const { name, generateName } = (decoded.metadata ?? {}) as { name?: string; generateName?: string };
  return name || !generateName
    ? attempt(ctx, decoded, name ?? '', write, managed)
    : createNamed(ctx, decoded, generateName, write, managed);
}

async function createNamed(
  ctx: RequestContext,
  decoded: JsonObject,
  generateName: string,
  write: WriteQuery,
  managed: boolean,
): Promise<StampedObject> {
  for (let tries = 1; ; tries++) {
    const base = generateName.slice(0, maxGeneratedBase);
    const generated = base + randomSuffix(ctx.deps.random, generatedSuffix);
    try {
      return await attempt(ctx, decoded, generated, write, managed);
    } catch (error) {
      const taken = (error as { reason?: string }).reason === 'AlreadyExists';
      if (!taken || tries >= generateAttempts) throw error;
    }
  }
}

async function attempt(
  ctx: RequestContext,
  decoded: JsonObject,
  name: string,
  write: WriteQuery,
  managed: boolean,
): Promise<StampedObject> {
  const { deps, resource, info } = ctx;
  const { strategy } = resource;
  const now = timestamp(deps.clock);
  const isNamespace = resource.facts.group === '' && resource.facts.kind === 'Namespace';
  let object = withDefaults(ctx, identified(ctx, decoded, name, now, managed));
  const attributes = {
    operation: 'CREATE' as const,
    resource,
    subresource: '',
    namespace: isNamespace ? name : info.namespace,
    name,
    user: ctx.user,
    dryRun: write.dryRun,
    object: object as JsonObject,
    oldObject: undefined,
    options: writeOptions('CreateOptions', ctx.request.query),
    warnings: ctx.warnings,
    ...ofRequest(ctx),
  };
  const admitted = await deps.admission.mutate(attributes);
  if (admitted && admitted !== object) object = withDefaults(ctx, reidentified(ctx, admitted, object));
  strategy.prepareForCreate?.(object, { user: ctx.user, now, subresource: '' });
  validateCreate(ctx, object as JsonObject);
  const same = object === attributes.object;
  await deps.admission.validate(same ? attributes : { ...attributes, object: object as JsonObject });

  // What was read and is sent again may be tried, not stored.
  const { resourceVersion } = (decoded.metadata ?? {}) as { resourceVersion?: string };
  if (resourceVersion && !write.dryRun)
    throw badRequest('resourceVersion should not be set on objects to be created');
  // Said before anything is asked for: what the object wants may be what it has.
  if (findCached(ctx, name)) throw alreadyExists(ctx.resource.facts, name);
  const allocation = await allocate(ctx, object, undefined);
  try {
    return await store(
      ctx,
      name,
      managed ? (object as JsonObject) : owned(ctx, object as JsonObject, write, now),
      write,
    );
  } finally {
    allocation?.done();
  }
}

async function store(
  ctx: RequestContext,
  name: string,
  final: JsonObject,
  write: WriteQuery,
): Promise<StampedObject> {
  const { deps, resource } = ctx;
  const { facts } = resource;
  if (write.dryRun) {
    if (deps.cache.resource(resource.storagePrefix).get(keyFor(ctx, name))) throw alreadyExists(facts, name);
    return final as StampedObject;
  }
  try {
    const key = keyFor(ctx, name);
    const ttl = lifetimeOf(key);
    const value = await toStorage(ctx, final);
    const entry = await deps.cache.store.create(key, value, ttl === undefined ? {} : { ttl });
    return await written(ctx, entry, final);
  } catch (error) {
    if (error instanceof KeyExists) throw alreadyExists(facts, name);
    throw error;
  }
}

/** The object with its creator as the owner of its fields; a status of its own is the server's. */
function owned(ctx: RequestContext, object: JsonObject, write: WriteQuery, now: string): JsonObject {
  const { status, ...rest } = object;
  const isServers = ctx.resource.hasStatus && status !== undefined;
  const tracked = trackUpdate({
    live: undefined,
    updated: isServers ? rest : object,
    schema: ctx.resource.schema,
    manager: write.fieldManager,
    apiVersion: apiVersionOf(ctx.resource.facts),
    now,
  });
  return isServers ? { ...tracked, status } : tracked;
}

/** No client has a say in these. */
const serverFields = [
  'resourceVersion',
  'selfLink',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
] as const;

/** Metadata as a new object has it; status dropped where it has a subresource of its own. */
function identified(
  ctx: RequestContext,
  decoded: JsonObject,
  name: string,
  now: string,
  managed: boolean,
): JsonObject {
  const { resource, info, deps } = ctx;
  const object: MutableObject = { ...decoded };
  const metadata: MutableObject = extended(decoded.metadata as JsonObject | undefined, {});
  for (const field of serverFields) delete metadata[field];
  if (!managed) delete metadata.managedFields;
  if (name !== '') metadata.name = name;
  if (resource.facts.scope === 'Namespaced') metadata.namespace = info.namespace;
  metadata.uid = deps.random.uuid();
  metadata.creationTimestamp = now;
  if (hasGeneration(ctx)) metadata.generation = 1;
  object.metadata = metadata;
  if (resource.hasStatus) delete object.status;
  return object as JsonObject;
}

/** What admission has made of a new object, with the identity it had before: that is the server's alone. */
function reidentified({ resource }: RequestContext, admitted: JsonObject, before: MutableObject): JsonObject {
  const object: MutableObject = { ...admitted };
  const metadata: MutableObject = { ...(admitted.metadata as JsonObject | undefined) };
  const own = before.metadata as MutableObject;
  for (const field of [...serverFields, 'name', 'namespace', 'uid', 'creationTimestamp', 'managedFields']) {
    if (own[field] === undefined) delete metadata[field];
    else metadata[field] = own[field];
  }
  object.metadata = metadata;
  if (resource.hasStatus) delete object.status;
  return object as JsonObject;
}

/** Custom kinds always count generations; of the built-in ones those that have a spec to count. */
export function hasGeneration(ctx: RequestContext): boolean {
  return !ctx.resource.builtin || ctx.resource.strategy.hasGeneration === true;
}
