/**
 * Admission of what is not the object itself but something done with it (API-17): a Binding or TokenRequest
 * that is created, a stream that is opened (CONNECT).
 */
import type { GroupVersionKind, JsonObject } from '../../api/index.js';
import type { AdmissionAttributes } from '../admission/admission.js';
import { ofRequest, type RequestContext } from './context.js';
import { writeOptions } from './options.js';

export interface Admitted {
  readonly operation: 'CREATE' | 'CONNECT';
  readonly kind: GroupVersionKind;
  readonly object: JsonObject;
  readonly dryRun: boolean;
}

/**
 * The object as admission has left it.
 * @throws ApiError when it is refused
 */
export async function admitSubresource(ctx: RequestContext, given: Admitted): Promise<JsonObject> {
  const { info, request, deps } = ctx;
  const { group, version, kind } = given.kind;
  const object = { ...given.object, apiVersion: group === '' ? version : `${group}/${version}`, kind };
  const attributes: AdmissionAttributes = {
    ...given,
    object,
    resource: ctx.resource,
    subresource: info.subresource,
    namespace: info.namespace,
    name: info.name,
    user: ctx.user,
    oldObject: undefined,
    ...(given.operation === 'CREATE' ? { options: writeOptions('CreateOptions', request.query) } : {}),
    warnings: ctx.warnings,
    ...ofRequest(ctx),
  };
  const admitted = (await deps.admission.mutate(attributes)) ?? object;
  await deps.admission.validate({ ...attributes, object: admitted });
  return admitted;
}
