/** From a resource request to the operation it names. */
import {
  badRequest,
  type JsonObject,
  methodNotAllowed,
  noSuchResource,
  type Status,
  type WatchEvent,
} from '../../api/index.js';
import { bindPod } from './bind.js';
import { decodeBody } from './body.js';
import type { RequestContext } from './context.js';
import { createObject } from './create.js';
import { decodeObject } from './decode-object.js';
import { deleteObject, deleteRequest } from './delete.js';
import { evictPod } from './eviction.js';
import { finalizeNamespace } from './finalize.js';
import { negotiateShape } from './negotiate.js';
import { writeQuery } from './options.js';
import { patchObject } from './patch.js';
import { podExec, podLog, podPortForward } from './pod-streams.js';
import { proxyRequest } from './proxy.js';
import { getObject, listObjects, selectedObjects, shaped, watchObjects } from './read.js';
import { getScale, hasScale, patchScale, replaceScale } from './scale.js';
import { requestToken } from './token-request.js';
import { updateObject } from './update.js';

export type RestResult =
  | { readonly code: number; readonly body: JsonObject | Status }
  | { readonly code: 200; readonly watch: AsyncIterable<readonly WatchEvent[]> }
  /** Text as it comes. */
  | { readonly code: 200; readonly stream: AsyncIterable<Uint8Array> };

/** What POST and PUT bodies may be. */
export const objectTypes = [
  'application/json',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
] as const;

/** @throws ApiError, at once or as a rejection */
export function dispatch(ctx: RequestContext): Promise<RestResult> {
  const { subresource, verb } = ctx.info;
  if (!ctx.resource.facts.verbs.includes(verb) && subresource === '') throw methodNotAllowed();
  switch (subresource) {
    case '':
      return onObject(ctx);
    case 'status':
      if (!ctx.resource.hasStatus) throw noSuchResource();
      return onStatus(ctx);
    case 'ephemeralcontainers':
      if (!isPod(ctx)) throw noSuchResource();
      return onStatus(ctx);
    case 'approval':
      if (ctx.resource.facts.kind !== 'CertificateSigningRequest') throw noSuchResource();
      return onStatus(ctx);
    case 'scale':
      if (!hasScale(ctx.resource)) throw noSuchResource();
      return onScale(ctx);
    case 'finalize':
      if (ctx.resource.facts.kind !== 'Namespace') throw noSuchResource();
      if (verb !== 'update') throw methodNotAllowed();
      return answered(200, finalizeNamespace(ctx));
    case 'token':
      if (ctx.resource.facts.group !== '' || ctx.resource.facts.kind !== 'ServiceAccount')
        throw noSuchResource();
      return answered(201, requestToken(ctx));
    case 'log':
      if (!isPod(ctx)) throw noSuchResource();
      return podLog(ctx).then((stream) => ({ code: 200, stream }));
    case 'exec':
    case 'attach':
      if (!isPod(ctx)) throw noSuchResource();
      if (verb !== 'get' && verb !== 'create') throw methodNotAllowed();
      // Checked all the same, so that what is wrong with it is what the client hears of.
      podExec(ctx);
      throw badRequest('Upgrade request required');
    case 'portforward':
      if (!isPod(ctx)) throw noSuchResource();
      if (verb !== 'get' && verb !== 'create') throw methodNotAllowed();
      podPortForward(ctx);
      throw badRequest('Upgrade request required');
    case 'proxy':
      proxyRequest(ctx);
      throw badRequest('what is proxied is reached over HTTPS alone');
    case 'eviction':
      if (!isPod(ctx)) throw noSuchResource();
      if (verb !== 'create') throw methodNotAllowed();
      return answered(201, evictPod(ctx));
    case 'binding':
      if (!isPod(ctx)) throw noSuchResource();
      if (verb !== 'create') throw methodNotAllowed();
      return answered(201, bindPod(ctx));
    default: {
      const declared = ctx.resource.facts.subresources.some((s) => s.name === subresource);
      if (!declared) throw noSuchResource();
      throw methodNotAllowed(
        `the subresource ${ctx.resource.facts.plural}/${subresource} is not supported by this server yet`,
      );
    }
  }
}

async function answered(code: number, body: Promise<JsonObject | Status>): Promise<RestResult> {
  return { code, body: await body };
}

function isPod({ resource }: RequestContext): boolean {
  return resource.facts.group === '' && resource.facts.kind === 'Pod';
}

async function onObject(ctx: RequestContext): Promise<RestResult> {
  const { request, info } = ctx;
  const agent = request.headers['user-agent'];
  switch (info.verb) {
    case 'get':
      return { code: 200, body: await getObject(ctx) };
    case 'list':
      return { code: 200, body: await listObjects(ctx) };
    case 'watch':
      return { code: 200, watch: watchObjects(ctx) };
    case 'create': {
      if (info.name !== '') throw methodNotAllowed();
      const shape = negotiateShape(request.headers.accept);
      const write = writeQuery(request.query, agent, 'CreateOptions');
      const object = decodeObject(ctx, await decodeBody(request, objectTypes), write.fieldValidation);
      return { code: 201, body: shaped(ctx, await createObject(ctx, object, write), shape) };
    }
    case 'update': {
      if (info.name === '') throw methodNotAllowed();
      const { strategy, builtin } = ctx.resource;
      return replace(ctx, {
        allowCreate: strategy.allowCreateOnUpdate ?? false,
        requireVersion: !(strategy.allowUnconditionalUpdate ?? builtin),
      });
    }
    case 'patch': {
      if (info.name === '') throw methodNotAllowed();
      const shape = negotiateShape(request.headers.accept);
      const { object, created } = await patchObject(ctx);
      return { code: created ? 201 : 200, body: shaped(ctx, object, shape) };
    }
    case 'delete': {
      const options = deleteRequest(await decodeBody(request, objectTypes), request.query);
      const result = await deleteObject(ctx, options);
      return { code: 200, body: result.gone ? result.status : result.object };
    }
    case 'deletecollection':
      return { code: 200, body: await deleteCollection(ctx) };
    case '':
      throw methodNotAllowed();
  }
}

async function replace(
  ctx: RequestContext,
  options: { readonly allowCreate: boolean; readonly requireVersion: boolean },
): Promise<RestResult> {
  const { request } = ctx;
  const shape = negotiateShape(request.headers.accept);
  const write = writeQuery(request.query, request.headers['user-agent'], 'UpdateOptions');
  const object = decodeObject(ctx, await decodeBody(request, objectTypes), write.fieldValidation);
  const name = (object.metadata as JsonObject | undefined)?.name;
  if (!name) throw badRequest('name must be provided');
  const result = await updateObject(ctx, () => ({ object, managed: false }), write, options);
  return { code: result.created ? 201 : 200, body: shaped(ctx, result.object, shape) };
}

async function onStatus(ctx: RequestContext): Promise<RestResult> {
  switch (ctx.info.verb) {
    case 'get':
      return { code: 200, body: await getObject(ctx) };
    case 'update':
      return replace(ctx, { allowCreate: false, requireVersion: false });
    case 'patch': {
      const shape = negotiateShape(ctx.request.headers.accept);
      return { code: 200, body: shaped(ctx, (await patchObject(ctx)).object, shape) };
    }
    default:
      throw methodNotAllowed();
  }
}

async function onScale(ctx: RequestContext): Promise<RestResult> {
  switch (ctx.info.verb) {
    case 'get':
      return {
        code: 200,
        body: shaped(ctx, await getScale(ctx), negotiateShape(ctx.request.headers.accept)),
      };
    case 'update':
      return { code: 200, body: await replaceScale(ctx) };
    case 'patch':
      return { code: 200, body: await patchScale(ctx) };
    default:
      throw methodNotAllowed();
  }
}

/** Deletes what the selectors match and gives it back as a list. */
async function deleteCollection(ctx: RequestContext): Promise<JsonObject> {
  const options = deleteRequest(await decodeBody(ctx.request, objectTypes), ctx.request.query);
  const { facts } = ctx.resource;
  const items: JsonObject[] = [];
  for (const object of selectedObjects(ctx)) {
    const { name, namespace = '' } = object.metadata;
    const one = {
      ...ctx,
      info: { ...ctx.info, name, namespace: facts.scope === 'Namespaced' ? namespace : ctx.info.namespace },
    };
    try {
      const result = await deleteObject(one, options);
      items.push(result.gone ? result.last : result.object);
    } catch (error) {
      // Somebody else was faster: it is gone all the same.
      if ((error as { reason?: string }).reason !== 'NotFound') throw error;
    }
  }
  const resourceVersion = String(ctx.deps.cache.revision);
  const apiVersion = facts.group === '' ? facts.version : `${facts.group}/${facts.version}`;
  return { kind: facts.listKind, apiVersion, metadata: { resourceVersion }, items };
}
