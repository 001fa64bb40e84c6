/** Rules, roles and bindings as short as they can be said. */
import type { JsonObject } from '../../../api/index.js';
import type { PolicyRule } from '../../auth/authorizer.js';

export const rbacGroup = 'rbac.authorization.k8s.io';

export const read = ['get', 'list', 'watch'];
export const write = ['create', 'delete', 'deletecollection', 'patch', 'update'];
export const readWrite = [...write, ...read].sort();

/** `may(read, 'apps', 'deployments daemonsets')`: the resources in one text. */
export function may(
  verbs: readonly string[],
  group: string,
  resources: string,
  resourceNames?: readonly string[],
): PolicyRule {
  return {
    apiGroups: [group],
    resources: resources.split(' '),
    verbs,
    ...(resourceNames ? { resourceNames } : {}),
  };
}

export function mayGet(paths: string): PolicyRule {
  return { nonResourceURLs: paths.split(' '), verbs: ['get'] };
}

/** What the server makes at its start carries these; who does not want it restored says so in the annotation. */
function metadata(name: string, labels: Readonly<Record<string, string>> = {}): JsonObject {
  return {
    name,
    labels: { 'kubernetes.io/bootstrapping': 'rbac-defaults', ...labels },
    annotations: { [autoUpdate]: 'true' },
  };
}

export const autoUpdate = 'rbac.authorization.kubernetes.io/autoupdate';

export function clusterRole(
  name: string,
  rules: readonly PolicyRule[],
  labels?: Readonly<Record<string, string>>,
): JsonObject {
  return {
    apiVersion: `${rbacGroup}/v1`,
    kind: 'ClusterRole',
    metadata: metadata(name, labels),
    rules: rules as unknown as JsonObject[],
  };
}

/** A role whose rules are those of the roles with the label. */
export function aggregated(
  name: string,
  selected: string,
  labels?: Readonly<Record<string, string>>,
): JsonObject {
  return {
    apiVersion: `${rbacGroup}/v1`,
    kind: 'ClusterRole',
    metadata: metadata(name, labels),
    aggregationRule: { clusterRoleSelectors: [{ matchLabels: { [selected]: 'true' } }] },
    rules: [],
  };
}

export interface Subject {
  readonly kind: 'User' | 'Group';
  readonly name: string;
}

export function clusterRoleBinding(
  name: string,
  subjects: readonly Subject[],
  role: string = name,
): JsonObject {
  return {
    apiVersion: `${rbacGroup}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: metadata(name),
    roleRef: { apiGroup: rbacGroup, kind: 'ClusterRole', name: role },
    subjects: subjects.map((subject) => ({ apiGroup: rbacGroup, ...subject })),
  };
}
