/** Authorization as a seam: who may do what (API-18). */
import { type ApiError, forbidden, parseFieldSelector, type UserInfo } from '../../api/index.js';
import type { ResourceRequest } from '../rest/request.js';

export interface AuthorizationAttributes {
  readonly user: UserInfo;
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  /** Of a list or watch that selects one object by its name, that name. */
  readonly name: string;
  /** Of a list or watch, as it was sent. */
  readonly fieldSelector?: string;
}

export interface NonResourceAttributes {
  readonly user: UserInfo;
  readonly verb: string;
  readonly path: string;
}

export interface Decision {
  readonly allowed: boolean;
  readonly reason?: string;
}

export interface Authorizer {
  authorize(attributes: AuthorizationAttributes): Decision;
  authorizeNonResource(attributes: NonResourceAttributes): Decision;
  /** The rules that apply to a user in a namespace, for SelfSubjectRulesReview. */
  rulesFor(user: UserInfo, namespace: string): readonly PolicyRule[];
}

/** `rbac.authorization.k8s.io/v1` PolicyRule. */
export interface PolicyRule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}

/** What a request asks for. */
export function authorizationOf(
  { verb, group, resource, subresource, namespace, name }: ResourceRequest,
  user: UserInfo,
  query: URLSearchParams,
): AuthorizationAttributes {
  const asked = { user, verb, group, resource, subresource, namespace, name };
  const fieldSelector = verb === 'list' || verb === 'watch' ? query.get('fieldSelector') : null;
  if (!fieldSelector) return asked;
  return { ...asked, fieldSelector, name: name === '' ? nameSelectedBy(fieldSelector) : name };
}

function nameSelectedBy(fieldSelector: string): string {
  if (!fieldSelector.includes('metadata.name')) return '';
  return selectedBy(fieldSelector, 'metadata.name') ?? '';
}

/** The one value a field selector leaves to a field; of what is no selector, none: who may ask is told so later. */
export function selectedBy(fieldSelector: string, field: string): string | undefined {
  try {
    const { requirements } = parseFieldSelector(fieldSelector);
    return requirements.find(({ path, operator }) => path === field && operator === '=')?.value;
  } catch {
    return undefined;
  }
}

/** The 403 with Kubernetes' text: `User "x" cannot list resource "pods" in API group "" in the namespace "y"`. */
export function forbiddenError(attributes: AuthorizationAttributes, decision: Decision): ApiError {
  const { user, verb, group, resource, subresource, namespace, name } = attributes;
  const full = subresource === '' ? resource : `${resource}/${subresource}`;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace ${JSON.stringify(namespace)}`;
  const text = `User ${JSON.stringify(user.username)} cannot ${verb} resource ${JSON.stringify(full)} in API group ${JSON.stringify(group)} ${where}`;
  return forbidden({ group, plural: resource }, name, decision.reason ? `${text}: ${decision.reason}` : text);
}
