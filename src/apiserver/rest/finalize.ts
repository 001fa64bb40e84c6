/** `PUT namespaces/<name>/finalize`: the namespace controller says that it is done (NS-1). */
import type { JsonObject } from '../../api/index.js';
import { decodeBody } from './body.js';
import type { RequestContext } from './context.js';
import { decodeObject } from './decode-object.js';
import { objectTypes } from './dispatch.js';
import { writeQuery } from './options.js';
import { updateObject } from './update.js';

/** Replaces `spec.finalizers`, and nothing else. @throws ApiError NotFound, Conflict */
export async function finalizeNamespace(ctx: RequestContext): Promise<JsonObject> {
  const { request } = ctx;
  const write = writeQuery(request.query, request.headers['user-agent'], 'UpdateOptions');
  const given = decodeObject(ctx, await decodeBody(request, objectTypes), write.fieldValidation);
  const { resourceVersion, uid } = (given.metadata ?? {}) as { resourceVersion?: string; uid?: string };
  const finalizers = (given.spec as { finalizers?: readonly string[] } | undefined)?.finalizers ?? [];
  const result = await updateObject(
    ctx,
    (current) => ({
      object: {
        ...current,
        metadata: {
          ...current?.metadata,
          ...(resourceVersion ? { resourceVersion } : {}),
          ...(uid ? { uid } : {}),
        },
        spec: { ...(current?.spec as JsonObject | undefined), finalizers },
      } as JsonObject,
      managed: false,
    }),
    write,
    { allowCreate: false, requireVersion: false },
  );
  return result.object;
}
