/**
 * `POST pods/<name>/binding`: the scheduler's word on where a pod runs (SC-8). Node and condition are set in one
 * compare-and-swap; a pod that has a node, or is on its way out, is refused.
 */
import {
  badRequest,
  conflict,
  copyJson,
  fieldError,
  FieldPath,
  invalid,
  type JsonObject,
  type Status,
  timestamp,
} from '../../api/index.js';
import { admitSubresource } from './admit-subresource.js';
import { asObject, decodeBody } from './body.js';
import type { RequestContext } from './context.js';
import { objectTypes } from './dispatch.js';
import { writeQuery } from './options.js';
import { updateObject } from './update.js';

interface Binding {
  readonly metadata?: {
    readonly name?: string;
    readonly uid?: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly target?: { readonly kind?: string; readonly name?: string };
}

/** @throws ApiError NotFound, Conflict, Invalid, BadRequest */
export async function bindPod(ctx: RequestContext): Promise<Status> {
  const { request, info } = ctx;
  const write = writeQuery(request.query, request.headers['user-agent'], 'CreateOptions');
  const body = await decodeBody(request, objectTypes);
  if (!body) throw badRequest('request body is required');
  // Wherever admission would rather have the pod is where it goes.
  const binding: Binding = await admitSubresource(ctx, {
    operation: 'CREATE',
    kind: { group: '', version: 'v1', kind: 'Binding' },
    object: asObject(body, 'the Binding'),
    dryRun: write.dryRun,
  });
  const node = checkTarget(binding, info.name);
  const { metadata = {} } = binding;
  if (metadata.name && metadata.name !== info.name) {
    throw badRequest(`name in URL does not match name in Binding object`);
  }
  await updateObject(
    ctx,
    (current) => ({ object: bound(ctx, current as JsonObject, node, metadata), managed: false }),
    write,
    { allowCreate: false, requireVersion: false, admitted: 'done' },
  );
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
}

function checkTarget({ target = {} }: Binding, pod: string): string {
  const at = FieldPath.of('target');
  const causes = [];
  if (target.kind !== undefined && target.kind !== '' && target.kind !== 'Node')
    causes.push(fieldError.notSupported(at.child('kind'), target.kind, ['Node', '<empty>']));
  if (!target.name) causes.push(fieldError.required(at.child('name')));
  if (causes.length > 0) throw invalid({ group: '', kind: 'Binding' }, pod, causes);
  return target.name as string;
}

function bound(
  ctx: RequestContext,
  pod: JsonObject,
  node: string,
  { uid, annotations = {}, labels = {} }: NonNullable<Binding['metadata']>,
): JsonObject {
  const subject = { group: '', kind: 'Binding', plural: 'pods/binding' };
  const { metadata, spec, status } = pod as {
    readonly metadata: JsonObject & { readonly name: string };
    readonly spec?: JsonObject & { readonly nodeName?: string };
    readonly status?: JsonObject & { readonly conditions?: readonly JsonObject[] };
  };
  const { name } = metadata;
  if (uid && uid !== metadata.uid) {
    throw conflict(
      subject,
      name,
      `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata.uid as string}`,
    );
  }
  if (metadata.deletionTimestamp)
    throw conflict(subject, name, `pod ${name} is being deleted, cannot be assigned to a host`);
  if (spec?.nodeName)
    throw conflict(subject, name, `pod ${name} is already assigned to node ${JSON.stringify(spec.nodeName)}`);
  if (((spec?.schedulingGates as readonly unknown[] | undefined) ?? []).length > 0)
    throw conflict(subject, name, `pod ${name} has non-empty .spec.schedulingGates`);
  const scheduled = {
    type: 'PodScheduled',
    status: 'True',
    lastProbeTime: null,
    lastTransitionTime: timestamp(ctx.deps.clock),
  };
  const others = (status?.conditions ?? []).filter(({ type }) => type !== 'PodScheduled');
  return copyJson({
    ...pod,
    metadata: {
      ...metadata,
      ...merged('annotations', metadata.annotations as JsonObject | undefined, annotations),
      ...merged('labels', metadata.labels as JsonObject | undefined, labels),
    },
    spec: { ...spec, nodeName: node },
    status: { ...status, conditions: [...others, scheduled] },
  }) as JsonObject;
}

function merged(
  field: string,
  own: JsonObject | undefined,
  given: Readonly<Record<string, string>>,
): JsonObject {
  return Object.keys(given).length === 0 ? {} : { [field]: { ...own, ...given } };
}
