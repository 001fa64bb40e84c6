/** Which flow a request is of: the first flow schema that matches it, by precedence and name. Pure. */
import type { UserInfo } from '../../api/index.js';
import type {
  FlowSchemaSpec,
  NonResourcePolicyRule,
  PolicyRulesWithSubjects,
  ResourcePolicyRule,
  Subject,
} from '../../api/kinds/flowcontrol/v1.js';
import type { ResourceRequest } from '../rest/request.js';

/** What a request is to the schemas. */
export interface FlowRequest {
  readonly user: UserInfo;
  /** Of a path that names no resource, the method in small letters. */
  readonly verb: string;
  readonly path: string;
  readonly resource: ResourceRequest | undefined;
}

export interface NamedSchema {
  readonly name: string;
  readonly uid: string;
  readonly spec: FlowSchemaSpec;
}

/** Where nobody says: https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/flow-schema-v1/ */
export const defaultPrecedence = 1000;

/** In the order they are asked. */
export function byPrecedence(schemas: Iterable<NamedSchema>): NamedSchema[] {
  const precedence = ({ spec }: NamedSchema): number => spec.matchingPrecedence ?? defaultPrecedence;
  return [...schemas].sort(
    (a, b) => precedence(a) - precedence(b) || (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
  );
}

/** Whether any request of the user can match. */
export function concerns({ rules = [] }: FlowSchemaSpec, user: UserInfo): boolean {
  return rules.some(({ subjects }) => subjects.some((subject) => isSubject(subject, user)));
}

export function matchesSchema({ rules = [] }: FlowSchemaSpec, request: FlowRequest): boolean {
  return rules.some((rule) => matchesRules(rule, request));
}

/** Requests of one schema that are alike in this share a flow. */
export function distinguisherOf({ distinguisherMethod }: FlowSchemaSpec, request: FlowRequest): string {
  switch (distinguisherMethod?.type) {
    case 'ByUser':
      return request.user.username;
    case 'ByNamespace':
      return request.resource?.namespace ?? '';
    default:
      return '';
  }
}

function matchesRules(
  { subjects, resourceRules = [], nonResourceRules = [] }: PolicyRulesWithSubjects,
  { user, verb, path, resource }: FlowRequest,
): boolean {
  const asked = resource
    ? resourceRules.some((rule) => matchesResource(rule, resource))
    : nonResourceRules.some((rule) => matchesPath(rule, verb, path));
  return asked && subjects.some((subject) => isSubject(subject, user));
}

function isSubject({ kind, user: named, group, serviceAccount: account }: Subject, user: UserInfo): boolean {
  switch (kind) {
    case 'User':
      return named?.name === '*' || named?.name === user.username;
    case 'Group':
      return group?.name === '*' || (user.groups?.includes(group?.name ?? '') ?? false);
    case 'ServiceAccount': {
      const prefix = `system:serviceaccount:${account?.namespace}:`;
      return account?.name === '*'
        ? user.username.startsWith(prefix)
        : user.username === prefix + account?.name;
    }
    default:
      return false;
  }
}

const has = (list: readonly string[], value: string): boolean => list.includes('*') || list.includes(value);

function matchesResource(rule: ResourcePolicyRule, asked: ResourceRequest): boolean {
  const { verb, group, resource, subresource, namespace } = asked;
  if (!has(rule.verbs, verb) || !has(rule.apiGroups, group)) return false;
  if (!has(rule.resources, subresource === '' ? resource : `${resource}/${subresource}`)) return false;
  return namespace === '' ? rule.clusterScope === true : has(rule.namespaces ?? [], namespace);
}

/** A path matches with all that is below it. */
function matchesPath({ verbs, nonResourceURLs }: NonResourcePolicyRule, verb: string, path: string): boolean {
  if (!has(verbs, verb)) return false;
  return nonResourceURLs.some((url) => {
    if (url === '*' || url === path) return true;
    const prefix = url.replace(/\*$/, '');
    return path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`);
  });
}
