/** The scale subresource (API-14): `autoscaling/v1` Scale over a kind's own replica fields. */
import {
  applyMergePatch,
  applyJsonPatch,
  badRequest,
  compileLabelSelector,
  decodeErrors,
  type JsonObject,
  type JsonValue,
  fieldError,
  FieldPath,
  invalid,
  type LabelSelectorObject,
  notFound,
} from '../../api/index.js';
import { schemaOfType } from '../../api/facts/index.js';
import type { StampedObject } from '../cache/resource-cache.js';
import type { ServedResource } from '../resource.js';
import { asObject, contentType, decodeBody } from './body.js';
import { atRequestVersion, findCached, type RequestContext } from './context.js';
import { objectTypes } from './dispatch.js';
import { writeQuery } from './options.js';
import { updateObject } from './update.js';

/** Where a kind keeps what Scale shows; dotted JSON paths without the leading dot. */
interface ScalePaths {
  readonly specReplicas: string;
  readonly statusReplicas: string;
  readonly selector?: string;
}

const builtinPaths: ScalePaths = {
  specReplicas: 'spec.replicas',
  statusReplicas: 'status.replicas',
  selector: 'spec.selector',
};

const scaleKind = { group: 'autoscaling', version: 'v1', kind: 'Scale' };
const scaleSchema = schemaOfType('io.k8s.api.autoscaling.v1.Scale');

export function hasScale(resource: ServedResource): boolean {
  return resource.facts.subresources.some((s) => s.name === 'scale');
}

function paths(resource: ServedResource): ScalePaths {
  return resource.scale ?? builtinPaths;
}

function read(object: JsonValue | undefined, path: string): JsonValue | undefined {
  let value = object;
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as JsonObject)[part];
  }
  return value;
}

function write(object: JsonObject, [head = '', ...tail]: readonly string[], value: JsonValue): JsonObject {
  const child = object[head];
  const next =
    tail.length === 0
      ? value
      : write((typeof child === 'object' && child !== null ? child : {}) as JsonObject, tail, value);
  return { ...object, [head]: next };
}

/** A selector in its text form: text already, a LabelSelector, or the plain labels of a ReplicationController. */
function selectorText(selector: JsonValue | undefined): string {
  if (selector === undefined || selector === null) return '';
  if (typeof selector === 'string') return selector;
  const { matchLabels, matchExpressions } = selector as LabelSelectorObject;
  const isObject = typeof matchLabels === 'object' || Array.isArray(matchExpressions);
  const compiled = compileLabelSelector(
    isObject ? (selector as LabelSelectorObject) : { matchLabels: selector as Record<string, string> },
  );
  return compiled.toString();
}

function scaleOf(ctx: RequestContext, object: StampedObject): StampedObject {
  const at = paths(ctx.resource);
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const selector = at.selector === undefined ? '' : selectorText(read(object, at.selector));
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: {
      name,
      ...(namespace ? { namespace } : {}),
      uid,
      resourceVersion,
      creationTimestamp: creationTimestamp as string,
    },
    spec: { replicas: (read(object, at.specReplicas) as number | undefined) ?? 0 },
    status: {
      replicas: (read(object, at.statusReplicas) as number | undefined) ?? 0,
      ...(selector === '' ? {} : { selector }),
    },
  };
}

/** @throws ApiError NotFound */
export async function getScale(ctx: RequestContext): Promise<StampedObject> {
  const cached = findCached(ctx);
  if (!cached) throw notFound(ctx.resource.facts, ctx.info.name);
  return scaleOf(ctx, await atRequestVersion(ctx, cached.object));
}

/** @throws ApiError NotFound, Conflict, Invalid */
export async function replaceScale(ctx: RequestContext): Promise<JsonObject> {
  const body = asObject(await decodeBody(ctx.request, objectTypes), 'the Scale');
  return rescale(ctx, () => body);
}

/** @throws ApiError NotFound, Conflict, Invalid */
export async function patchScale(ctx: RequestContext): Promise<JsonObject> {
  const accepted = [
    'application/json-patch+json',
    'application/merge-patch+json',
    'application/strategic-merge-patch+json',
  ];
  const body = await decodeBody(ctx.request, accepted);
  if (!body) throw badRequest('request body is required');
  const isJsonPatch = contentType(ctx.request) === accepted[0];
  return rescale(ctx, (scale) =>
    asObject(
      {
        value: isJsonPatch
          ? applyJsonPatch(scale, body.value)
          : applyMergePatch(scale, asObject(body, 'the patch')),
        duplicates: [],
        protobuf: false,
      },
      'the Scale',
    ),
  );
}

async function rescale(ctx: RequestContext, change: (scale: JsonObject) => JsonObject): Promise<JsonObject> {
  const { request, info } = ctx;
  const query = writeQuery(request.query, request.headers['user-agent'], 'UpdateOptions');
  const at = paths(ctx.resource);
  const onObject = { ...ctx, info: { ...info, subresource: '' } };
  const result = await updateObject(
    onObject,
    (current) => {
      if (!current) throw notFound(ctx.resource.facts, info.name);
      const scale = change(scaleOf(ctx, current));
      const problem = scaleSchema && decodeErrors(scale, scaleSchema);
      if (problem !== undefined) {
        throw badRequest(`Scale in version "v1" cannot be handled as a Scale: ${problem}`);
      }
      const replicas = (read(scale, 'spec.replicas') ?? 0) as number;
      if (replicas < 0) {
        throw invalid({ group: 'autoscaling', kind: 'Scale' }, info.name, [
          fieldError.invalid(
            FieldPath.of('spec', 'replicas'),
            replicas,
            'must be greater than or equal to 0',
          ),
        ]);
      }
      const { resourceVersion } = (scale.metadata ?? {}) as { resourceVersion?: string };
      const proposed = write(current, at.specReplicas.split('.'), replicas);
      return {
        object: {
          ...proposed,
          metadata: { ...current.metadata, ...(resourceVersion ? { resourceVersion } : {}) },
        } as JsonObject,
        managed: false,
      };
    },
    query,
    {
      allowCreate: false,
      requireVersion: false,
      admitted: {
        subresource: 'scale',
        kind: scaleKind,
        show: (object) => scaleOf(ctx, object),
        take: (object, scale) =>
          write(
            object,
            at.specReplicas.split('.'),
            (read(scale, 'spec.replicas') as number | undefined) ?? 0,
          ),
      },
    },
  );
  return scaleOf(ctx, result.object);
}
