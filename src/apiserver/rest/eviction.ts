/**
 * `POST pods/<name>/eviction` (API-14): a pod is asked to go, as far as the PodDisruptionBudget that covers it lets it
 * (https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/). The budget's allowance is taken by
 * compare-and-swap before the pod is deleted, so that two evictions never share the last place.
 *
 * A pod that serves nobody (pending, ended, on its way out) goes without asking the budget.
 */
import {
  ApiError,
  badRequest,
  compileLabelSelector,
  conflict,
  copyJson,
  decodeErrors,
  forbidden,
  isConflict,
  type JsonObject,
  notFound,
  sleep,
  type Status,
  timeoutError,
  timestamp,
} from '../../api/index.js';
import { schemaOfKind } from '../../api/facts/index.js';
import type { Condition } from '../../api/index.js';
import type { Pod } from '../../api/kinds/core/v1.js';
import type { PodDisruptionBudget } from '../../api/kinds/policy/v1.js';
import { storagePrefix } from '../cache/watch-cache.js';
import { admitSubresource } from './admit-subresource.js';
import { asObject, decodeBody } from './body.js';
import { findCached, type RequestContext } from './context.js';
import { deleteObject, deleteRequest, type DeleteRequest } from './delete.js';
import { objectTypes } from './dispatch.js';
import { writeQuery } from './options.js';
import { updateObject } from './update.js';

const versions = ['policy/v1', 'policy/v1beta1'];
const budgets = { group: 'policy', plural: 'poddisruptionbudgets' };
/** More pods than these whose disruption nobody has confirmed are too many. */
const maxDisruptedPods = 2000;
const maxAttempts = 20;
/** From the third attempt on, between two: what was written elsewhere may still be on its way here. */
const retryMs = 50;
/** Seconds a client is asked to wait for a budget that is still being counted. */
const countingSeconds = 10;

/** @throws ApiError BadRequest, NotFound, Conflict, TooManyRequests, and 500 where several budgets cover the pod */
export async function evictPod(ctx: RequestContext): Promise<Status> {
  const { request, info } = ctx;
  const write = writeQuery(request.query, request.headers['user-agent'], 'CreateOptions');
  const eviction = evictionOf(asObject(await decodeBody(request, objectTypes), 'the Eviction'));
  const { name } = (eviction.metadata ?? {}) as { readonly name?: string };
  if (name !== info.name) throw badRequest('name in URL does not match name in Eviction object');
  const { dryRun, ...given } = (eviction.deleteOptions ?? {}) as { readonly dryRun?: readonly string[] };
  const asked = { ...given, ...(dryRun?.length ? { dryRun } : {}) } as JsonObject;
  const options = deleteRequest({ value: asked, duplicates: [], protobuf: false }, request.query);
  await admitSubresource(ctx, {
    operation: 'CREATE',
    kind: { group: 'policy', version: 'v1', kind: 'Eviction' },
    object: eviction,
    dryRun: write.dryRun || options.dryRun,
  });
  if (!(await deleteUnguarded(ctx, options))) await deleteWithinBudget(ctx, options);
  return { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };
}

/** @throws ApiError BadRequest for what is no Eviction */
function evictionOf(body: JsonObject): JsonObject {
  const { apiVersion = 'policy/v1', kind = 'Eviction' } = body as { apiVersion?: string; kind?: string };
  if (kind !== 'Eviction' || !versions.includes(apiVersion))
    throw badRequest(
      `no kind ${JSON.stringify(kind)} is registered for version ${JSON.stringify(apiVersion)} that is an Eviction`,
    );
  const schema = schemaOfKind({ group: 'policy', version: 'v1', kind: 'Eviction' });
  const problem = schema && decodeErrors(body, schema);
  if (problem !== undefined)
    throw badRequest(
      `Eviction in version ${JSON.stringify(apiVersion)} cannot be handled as a Eviction: ${problem}`,
    );
  return body;
}

function podNow(ctx: RequestContext): Pod {
  const cached = findCached(ctx);
  if (!cached) throw notFound(ctx.resource.facts, ctx.info.name);
  return cached.object as unknown as Pod;
}

function isOver({ metadata, status }: Pod): boolean {
  return (
    status?.phase === 'Succeeded' || status?.phase === 'Failed' || metadata.deletionTimestamp !== undefined
  );
}

/** Deletes a pod that no budget counts; false when it is one that does. @throws ApiError */
async function deleteUnguarded(ctx: RequestContext, options: DeleteRequest): Promise<boolean> {
  for (let attempt = 1; ; attempt++) {
    const pod = podNow(ctx);
    if (!isOver(pod) && pod.status?.phase !== 'Pending') return false;
    try {
      // A pending pod that became ready meanwhile is one that a budget counts.
      await markAndDelete(ctx, isOver(pod) ? options : pinned(options, pod));
      return true;
    } catch (error) {
      const final = options.preconditions?.resourceVersion !== undefined || attempt >= maxAttempts;
      if (final || !isConflict(error)) throw error;
    }
  }
}

/** The options, for this version of the pod alone; what the client has said about it stays. */
function pinned(options: DeleteRequest, { metadata }: Pod): DeleteRequest {
  const { resourceVersion } = metadata;
  return { ...options, preconditions: { resourceVersion, ...options.preconditions } };
}

async function deleteWithinBudget(ctx: RequestContext, options: DeleteRequest): Promise<void> {
  const pod = podNow(ctx);
  const covering = [...budgetsOf(ctx, pod)];
  const [budget] = covering;
  if (covering.length > 1) throw severalBudgets();
  if (!budget) return markAndDelete(ctx, options);
  if (isReady(pod) || !mayGoUnready(budget)) {
    await takeFrom(ctx, budget.metadata.name, options.dryRun);
    return markAndDelete(ctx, options);
  }
  try {
    // It counts for nothing as long as it is not ready, and only so long.
    await markAndDelete(ctx, pinned(options, pod));
  } catch (error) {
    if (isConflict(error) && options.preconditions?.resourceVersion === undefined)
      throw stillCounting(budget.metadata.name);
    throw error;
  }
}

function* budgetsOf({ deps }: RequestContext, { metadata }: Pod): Iterable<PodDisruptionBudget> {
  const prefix = storagePrefix(budgets);
  for (const { object } of deps.cache.resource(prefix).scan(`${prefix}${metadata.namespace}/`)) {
    const budget = object as unknown as PodDisruptionBudget;
    const selector = budget.spec?.selector;
    // Without a selector it covers no pod, with an empty one every pod of the namespace.
    if (selector && compileLabelSelector(selector).matches(metadata.labels)) yield budget;
  }
}

function isReady({ status }: Pod): boolean {
  return status?.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') ?? false;
}

/** Whether a pod that is not ready may go without being counted (OC-10). */
function mayGoUnready({ spec, status }: PodDisruptionBudget): boolean {
  if (spec?.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true;
  const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {};
  return desiredHealthy > 0 && currentHealthy >= desiredHealthy;
}

/** Takes one from what the budget allows. @throws ApiError TooManyRequests, Forbidden, Timeout, NotFound */
async function takeFrom(ctx: RequestContext, name: string, dryRun: boolean): Promise<void> {
  const { deps, info } = ctx;
  const key = `${storagePrefix(budgets)}${info.namespace}/${name}`;
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    const budget = deps.cache.resource(storagePrefix(budgets)).get(key)?.object as
      | PodDisruptionBudget
      | undefined;
    if (!budget) throw notFound(budgets, name);
    const next = afterOne(budget, info.name, timestamp(deps.clock));
    if (dryRun) return;
    const { status, body } = await deps.asServer().request({
      method: 'PUT',
      path: `/apis/policy/v1/namespaces/${info.namespace}/poddisruptionbudgets/${encodeURIComponent(name)}/status`,
      query: { fieldManager: 'kube-apiserver' },
      body: next,
    });
    if (status < 400) return;
    if (status !== 409) throw new ApiError(body as Status);
    if (attempt > 2) await sleep(deps.clock, retryMs, ctx.request.signal);
  }
  throw timeoutError(`couldn't update PodDisruptionBudget ${JSON.stringify(name)} due to conflicts`, 10);
}

/** The budget with one pod more on its way out; the caller's own. @throws ApiError when it allows none */
function afterOne(budget: PodDisruptionBudget, pod: string, now: string): JsonObject {
  const { metadata, status } = budget;
  const { name, generation = 0 } = metadata;
  const { observedGeneration = 0, disruptionsAllowed: allowed = 0, disruptedPods = {} } = status ?? {};
  if (observedGeneration < generation) throw stillCounting(name);
  const subject = { group: 'policy', plural: 'poddisruptionbudget' };
  if (allowed < 0) throw forbidden(subject, name, 'pdb disruptions allowed is negative');
  if (Object.keys(disruptedPods).length > maxDisruptedPods)
    throw forbidden(
      subject,
      name,
      'DisruptedPods map too big - too many evictions not confirmed by PDB controller',
    );
  if (allowed === 0) {
    const { desiredHealthy = 0, currentHealthy = 0 } = status ?? {};
    throw violation(
      `The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`,
    );
  }
  const conditions = status?.conditions ?? [];
  return copyJson({
    ...budget,
    status: {
      ...status,
      disruptionsAllowed: allowed - 1,
      disruptedPods: { ...disruptedPods, [pod]: now },
      ...(allowed === 1 ? { conditions: noneAllowed(conditions, observedGeneration, now) } : {}),
    },
  }) as JsonObject;
}

function noneAllowed(
  conditions: readonly Condition[],
  observedGeneration: number,
  now: string,
): readonly object[] {
  const type = 'DisruptionAllowed';
  const before = conditions.find((condition) => condition.type === type);
  const lastTransitionTime = before?.status === 'False' ? before.lastTransitionTime : now;
  const none = {
    type,
    status: 'False',
    reason: 'InsufficientPods',
    message: '',
    lastTransitionTime,
    observedGeneration,
  };
  return before
    ? conditions.map((condition) => (condition === before ? none : condition))
    : [...conditions, none];
}

/** Says on the pod why it goes, and deletes it. Admission has had its say on the eviction. @throws ApiError */
async function markAndDelete(ctx: RequestContext, options: DeleteRequest): Promise<void> {
  const marked = options.dryRun ? undefined : await mark(ctx, options);
  const version = options.preconditions?.resourceVersion;
  const preconditions =
    version === undefined || marked === undefined
      ? options.preconditions
      : { ...options.preconditions, resourceVersion: marked };
  await deleteObject(ctx, { ...options, ...(preconditions ? { preconditions } : {}) }, 'admitted');
}

/** Gives the version the pod has with its condition. @throws ApiError Conflict when it is not the one that was meant */
async function mark(ctx: RequestContext, { preconditions }: DeleteRequest): Promise<string> {
  const onStatus = { ...ctx, info: { ...ctx.info, verb: 'update' as const, subresource: 'status' } };
  const write = { dryRun: false, fieldManager: '', fieldValidation: 'Ignore' as const, force: false };
  const now = timestamp(ctx.deps.clock);
  const { object } = await updateObject(
    onStatus,
    (current) => {
      const pod = current as unknown as Pod;
      checkIsMeant(pod, preconditions);
      const conditions = pod.status?.conditions ?? [];
      const before = conditions.find(({ type }) => type === 'DisruptionTarget');
      const target = {
        type: 'DisruptionTarget',
        status: 'True',
        reason: 'EvictionByEvictionAPI',
        message: 'Eviction API: evicting',
        lastProbeTime: null,
        lastTransitionTime: before?.status === 'True' ? before.lastTransitionTime : now,
      };
      const next = before
        ? conditions.map((condition) => (condition === before ? target : condition))
        : [...conditions, target];
      // Whose fields these are is not asked: nobody is to fight over them.
      return {
        object: copyJson({ ...pod, status: { ...pod.status, conditions: next } }) as JsonObject,
        managed: true,
      };
    },
    write,
    { allowCreate: false, requireVersion: false, admitted: 'done' },
  );
  return object.metadata.resourceVersion;
}

function checkIsMeant({ metadata }: Pod, preconditions: DeleteRequest['preconditions']): void {
  const { uid, resourceVersion } = preconditions ?? {};
  const refuse = (what: string, given: string, found: string | undefined, why: string): ApiError =>
    conflict(
      { group: '', plural: 'Pod' },
      metadata.name,
      `the ${what} in the precondition (${given}) does not match the ${what} in record (${found}). The object might have been ${why}`,
    );
  if (uid && uid !== metadata.uid) throw refuse('UID', uid, metadata.uid, 'deleted and then recreated');
  if (resourceVersion && resourceVersion !== metadata.resourceVersion)
    throw refuse('ResourceVersion', resourceVersion, metadata.resourceVersion, 'modified');
}

/** 429 with the cause that `kubectl drain` and others look for. */
function violation(cause: string, retryAfterSeconds?: number): ApiError {
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: "Cannot evict pod as it would violate the pod's disruption budget.",
    reason: 'TooManyRequests',
    details: {
      causes: [{ reason: 'DisruptionBudget', message: cause }],
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    },
    code: 429,
  });
}

function stillCounting(name: string): ApiError {
  return violation(`The disruption budget ${name} is still being processed by the server.`, countingSeconds);
}

function severalBudgets(): ApiError {
  return new ApiError({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message:
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    code: 500,
  });
}
