/**
 * What is written of which request: the `audit.k8s.io/v1` Policy
 * (https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/#audit-policy). The first rule that matches a request says at
 * which level; without one nothing is written.
 */
import { FieldPath, type UserInfo } from '../../api/index.js';
import { coversPath } from '../auth/rbac.js';
import type { ResourceRequest } from '../rest/request.js';

export const auditLevels = ['None', 'Metadata', 'Request', 'RequestResponse'] as const;
export type AuditLevel = (typeof auditLevels)[number];
export const auditStages = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const;
export type AuditStage = (typeof auditStages)[number];

export interface AuditGroupResources {
  /** `''` for the core group, `*` for all. */
  readonly group?: string;
  /** `pods`, `pods/log`, all subresources of one or one of all, `*`; all of the group when absent. */
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
}

/** Matches a request that all the fields given match. */
export interface AuditRule {
  readonly level: AuditLevel;
  readonly users?: readonly string[];
  readonly userGroups?: readonly string[];
  readonly verbs?: readonly string[];
  readonly resources?: readonly AuditGroupResources[];
  /** `''` for what has no namespace. */
  readonly namespaces?: readonly string[];
  /** Paths, a `*` at the end standing for any rest. Not together with resources or namespaces. */
  readonly nonResourceURLs?: readonly string[];
  readonly omitStages?: readonly AuditStage[];
  readonly omitManagedFields?: boolean;
}

export interface AuditPolicy {
  readonly rules: readonly AuditRule[];
  /** Besides those that a rule leaves out. */
  readonly omitStages?: readonly AuditStage[];
  /** Where a rule does not say otherwise. Default false. */
  readonly omitManagedFields?: boolean;
}

/** What a request is to the policy. */
export interface AuditedRequest {
  /** Undefined for one whose credentials prove nobody. */
  readonly user: UserInfo | undefined;
  readonly verb: string;
  readonly path: string;
  /** Undefined for a path that names none. */
  readonly resource: ResourceRequest | undefined;
}

/** How a request is audited. */
export interface AuditPlan {
  readonly level: Exclude<AuditLevel, 'None'>;
  readonly omits: (stage: AuditStage) => boolean;
  readonly omitManagedFields: boolean;
}

/** Undefined for a request of which nothing is written. */
export function planFor(policy: AuditPolicy, asked: AuditedRequest): AuditPlan | undefined {
  const rule = policy.rules.find((each) => matches(each, asked));
  if (!rule || rule.level === 'None') return undefined;
  const omitted = [...(policy.omitStages ?? []), ...(rule.omitStages ?? [])];
  return {
    level: rule.level,
    omits: (stage) => omitted.includes(stage),
    omitManagedFields: rule.omitManagedFields ?? policy.omitManagedFields ?? false,
  };
}

/** An absent or empty list matches everything. */
function isOneOf(list: readonly string[] | undefined, value: string | undefined): boolean {
  return !list?.length || (value !== undefined && list.includes(value));
}

function matches(rule: AuditRule, { user, verb, path, resource }: AuditedRequest): boolean {
  if (!isOneOf(rule.users, user?.username) || !isOneOf(rule.verbs, verb)) return false;
  if (rule.userGroups?.length && !rule.userGroups.some((group) => user?.groups?.includes(group)))
    return false;
  if (rule.namespaces?.length || rule.resources?.length)
    return (
      resource !== undefined &&
      isOneOf(rule.namespaces, resource.namespace) &&
      (!rule.resources?.length || rule.resources.some((each) => matchesResource(each, resource)))
    );
  if (rule.nonResourceURLs?.length)
    return resource === undefined && rule.nonResourceURLs.some((pattern) => coversPath(pattern, path));
  return true;
}

function matchesResource(
  { group = '', resources, resourceNames }: AuditGroupResources,
  asked: ResourceRequest,
): boolean {
  if (group !== '*' && group !== asked.group) return false;
  if (!resources?.length) return true;
  if (!isOneOf(resourceNames, asked.name)) return false;
  const { resource, subresource } = asked;
  const full = subresource === '' ? resource : `${resource}/${subresource}`;
  return resources.some(
    (each) =>
      each === '*' ||
      each === full ||
      each === `${resource}/*` ||
      (subresource !== '' && each === `*/${subresource}`),
  );
}

/** A policy that cannot be used. */
export class BadAuditPolicy extends Error {
  override readonly name = 'BadAuditPolicy';
}

const apiVersions = ['audit.k8s.io/v1'];

/**
 * Reads YAML or JSON.
 * @throws BadAuditPolicy
 */
export async function readAuditPolicy(text: string): Promise<AuditPolicy> {
  const { parse } = await import('yaml');
  let given: unknown;
  try {
    given = parse(text);
  } catch (error) {
    throw new BadAuditPolicy(`the audit policy is neither YAML nor JSON: ${(error as Error).message}`);
  }
  const { apiVersion, kind } = (given ?? {}) as { apiVersion?: unknown; kind?: unknown };
  if (kind !== 'Policy' || !apiVersions.includes(String(apiVersion)))
    throw new BadAuditPolicy('the audit policy must be of kind Policy, apiVersion audit.k8s.io/v1');
  const policy = given as AuditPolicy;
  checkAuditPolicy(policy);
  return policy;
}

/** @throws BadAuditPolicy naming the first thing that is wrong */
export function checkAuditPolicy({ rules, omitStages }: AuditPolicy): void {
  if (!Array.isArray(rules) || rules.length === 0)
    throw new BadAuditPolicy('loaded illegal policy with 0 rules');
  checkStages(omitStages, FieldPath.of('omitStages'));
  for (const [i, rule] of (rules as readonly AuditRule[]).entries())
    checkRule(rule, FieldPath.of('rules').index(i));
}

function checkRule(rule: AuditRule, at: FieldPath): void {
  const { level, nonResourceURLs, resources, namespaces, omitStages } = rule;
  if (level === undefined) throw bad(at.child('level'), 'Required value');
  if (!auditLevels.includes(level))
    throw bad(
      at.child('level'),
      `Unsupported value: ${JSON.stringify(level)}: supported values: ${auditLevels.map((each) => `"${each}"`).join(', ')}`,
    );
  const fields = ['users', 'userGroups', 'verbs', 'resources', 'namespaces', 'nonResourceURLs'] as const;
  for (const field of fields)
    if (rule[field] !== undefined && !Array.isArray(rule[field]))
      throw bad(at.child(field), 'must be a list');
  for (const [i, url] of (nonResourceURLs ?? []).entries()) {
    const here = at.child('nonResourceURLs').index(i);
    if (url === '*') continue;
    if (!url.startsWith('/')) throw bad(here, "non-resource URL rules must begin with a '/' character");
    if (url.slice(0, -1).includes('*'))
      throw bad(here, "non-resource URL wildcards '*' must be the final character of the rule");
  }
  for (const [i, each] of (resources ?? []).entries())
    if (each.resourceNames?.length && !each.resources?.length)
      throw bad(at.child('resources').index(i), 'using resourceNames requires at least one resource');
  if (nonResourceURLs?.length && (resources?.length || namespaces?.length))
    throw bad(
      at.child('nonResourceURLs'),
      'rules cannot apply to both regular resources and non-resource URLs',
    );
  checkStages(omitStages, at.child('omitStages'));
}

function checkStages(stages: readonly AuditStage[] | undefined, at: FieldPath): void {
  for (const [i, stage] of (stages ?? []).entries())
    if (!auditStages.includes(stage))
      throw bad(
        at.index(i),
        `Invalid value: ${JSON.stringify(stage)}: allowed stages are ${auditStages.join(',')}`,
      );
}

function bad(at: FieldPath, why: string): BadAuditPolicy {
  return new BadAuditPolicy(`${at.toString()}: ${why}`);
}
