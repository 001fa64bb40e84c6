/**
 * Questions that are asked by creating an object and answered in its status: may I, who am I, what may I
 * (API-18). Nothing is stored.
 */
import { badRequest, type JsonObject, timestamp, type UserInfo } from '../../api/index.js';
import type { Proven } from '../auth/service-account-tokens.js';
import type { AuthorizationAttributes, Authorizer } from '../auth/authorizer.js';
import type { RequestContext } from '../rest/context.js';

export interface ReviewDeps {
  readonly authorizer: Authorizer;
  /** Undefined for a token that proves nobody to any of the audiences; none given: to this server. */
  readonly prove: (token: string, audiences: readonly string[]) => Proven | undefined;
}

interface ResourceQuestion {
  readonly namespace?: string;
  readonly verb?: string;
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly name?: string;
}
interface PathQuestion {
  readonly path?: string;
  readonly verb?: string;
}

function decide(authorizer: Authorizer, user: UserInfo, spec: JsonObject): JsonObject {
  const resource = spec.resourceAttributes as ResourceQuestion | undefined;
  const path = spec.nonResourceAttributes as PathQuestion | undefined;
  if ((resource === undefined) === (path === undefined)) {
    throw badRequest('exactly one of resourceAttributes and nonResourceAttributes must be set');
  }
  const decision = resource
    ? authorizer.authorize(attributesOf(user, resource))
    : authorizer.authorizeNonResource({ user, verb: path?.verb ?? '', path: path?.path ?? '' });
  return decision.reason
    ? { allowed: decision.allowed, reason: decision.reason }
    : { allowed: decision.allowed };
}

function attributesOf(user: UserInfo, question: ResourceQuestion): AuthorizationAttributes {
  const { verb = '', group = '', resource = '', subresource = '', namespace = '', name = '' } = question;
  return { user, verb, group, resource, subresource, namespace, name };
}

function userFields(user: UserInfo): JsonObject {
  return JSON.parse(JSON.stringify(user)) as JsonObject;
}

/** The kinds this module answers; each takes the review's spec and gives its status. */
const reviews: Readonly<
  Record<string, (ctx: RequestContext, spec: JsonObject, deps: ReviewDeps) => JsonObject>
> = {
  SelfSubjectAccessReview: (ctx, spec, { authorizer }) => decide(authorizer, ctx.user, spec),
  SubjectAccessReview: (_ctx, spec, { authorizer }) => decide(authorizer, subjectOf(spec), spec),
  LocalSubjectAccessReview: (ctx, spec, { authorizer }) => {
    const asked = (spec.resourceAttributes as ResourceQuestion | undefined)?.namespace ?? '';
    if (asked !== ctx.info.namespace) {
      throw badRequest(
        `spec.resourceAttributes.namespace must match the namespace of the request, ${ctx.info.namespace}`,
      );
    }
    return decide(authorizer, subjectOf(spec), spec);
  },
  SelfSubjectRulesReview: (ctx, spec, { authorizer }) => {
    const rules = authorizer.rulesFor(ctx.user, typeof spec.namespace === 'string' ? spec.namespace : '');
    return {
      incomplete: false,
      resourceRules: rules
        .filter((rule) => (rule.resources?.length ?? 0) > 0)
        .map(({ verbs, apiGroups = [], resources = [], resourceNames }) => ({
          verbs,
          apiGroups,
          resources,
          ...(resourceNames ? { resourceNames } : {}),
        })),
      nonResourceRules: rules
        .filter((rule) => (rule.nonResourceURLs?.length ?? 0) > 0)
        .map(({ verbs, nonResourceURLs = [] }) => ({ verbs, nonResourceURLs })),
    };
  },
  SelfSubjectReview: (ctx) => ({ userInfo: userFields(ctx.user) }),
  TokenReview: (_ctx, spec, { prove }) => {
    const { token = '', audiences = [] } = spec as { token?: string; audiences?: readonly string[] };
    if (token === '') throw badRequest('token is required for TokenReview in authentication');
    const proven = prove(token, audiences);
    const answer: JsonObject = proven
      ? { authenticated: true, user: userFields(proven.user), audiences: proven.audiences }
      : { error: 'invalid bearer token', user: {} };
    return answer;
  },
};

function subjectOf(spec: JsonObject): UserInfo {
  const { user, groups, uid } = spec as { user?: string; groups?: readonly string[]; uid?: string };
  if (!user && (groups?.length ?? 0) === 0)
    throw badRequest('at least one of user or group must be specified');
  return { username: user ?? '', groups: groups ?? [], ...(uid ? { uid } : {}) };
}

/** True for a kind that is answered instead of stored. */
export function isReview(kind: string): boolean {
  return Object.hasOwn(reviews, kind);
}

/** The review with its status filled in. @throws ApiError BadRequest */
export function answerReview(ctx: RequestContext, review: JsonObject, deps: ReviewDeps): JsonObject {
  const { apiVersion, kind, metadata, spec = {} } = review as { [key: string]: JsonObject };
  const answer = reviews[String(kind)];
  if (!answer) throw badRequest(`${String(kind)} is not a review`);
  const creationTimestamp = String(kind) === 'SelfSubjectReview' ? timestamp(ctx.deps.clock) : null;
  return {
    kind,
    apiVersion,
    metadata: { ...metadata, creationTimestamp },
    ...(String(kind) === 'SelfSubjectReview' ? {} : { spec }),
    status: answer(ctx, spec, deps),
  } as JsonObject;
}
