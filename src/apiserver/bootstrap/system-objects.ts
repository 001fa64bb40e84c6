/**
 * What a cluster has before anybody creates anything: the system namespaces with their default service
 * accounts, the `kubernetes` Service, and the roles that let identified users discover the API.
 */
import { ApiError, type JsonObject, type Status, type Transport } from '../../api/index.js';

export const systemNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'] as const;

export interface SystemObjectsOptions {
  /** The first address of the Service range. */
  readonly serviceAddress: string;
}

const rbac = 'rbac.authorization.k8s.io';
const bootstrapLabels = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };

function clusterRole(name: string, rules: readonly object[]): JsonObject {
  return {
    apiVersion: `${rbac}/v1`,
    kind: 'ClusterRole',
    metadata: { name, labels: bootstrapLabels },
    rules,
  } as JsonObject;
}

function clusterRoleBinding(name: string, role: string, group: string): JsonObject {
  return {
    apiVersion: `${rbac}/v1`,
    kind: 'ClusterRoleBinding',
    metadata: { name, labels: bootstrapLabels },
    roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: role },
    subjects: [{ apiGroup: rbac, kind: 'Group', name: group }],
  };
}

const roles: readonly JsonObject[] = [
  clusterRole('cluster-admin', [
    { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
    { nonResourceURLs: ['*'], verbs: ['*'] },
  ]),
  clusterRole('system:discovery', [
    {
      nonResourceURLs: [
        '/api',
        '/api/*',
        '/apis',
        '/apis/*',
        '/healthz',
        '/livez',
        '/openapi',
        '/openapi/*',
        '/readyz',
        '/version',
        '/version/',
      ],
      verbs: ['get'],
    },
  ]),
  clusterRole('system:basic-user', [
    {
      apiGroups: ['authorization.k8s.io'],
      resources: ['selfsubjectaccessreviews', 'selfsubjectrulesreviews'],
      verbs: ['create'],
    },
    { apiGroups: ['authentication.k8s.io'], resources: ['selfsubjectreviews'], verbs: ['create'] },
  ]),
];

const bindings: readonly JsonObject[] = [
  clusterRoleBinding('cluster-admin', 'cluster-admin', 'system:masters'),
  clusterRoleBinding('system:discovery', 'system:discovery', 'system:authenticated'),
  clusterRoleBinding('system:basic-user', 'system:basic-user', 'system:authenticated'),
];

function kubernetesService(address: string): JsonObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'kubernetes',
      namespace: 'default',
      labels: { component: 'apiserver', provider: 'kubernetes' },
    },
    spec: {
      type: 'ClusterIP',
      clusterIP: address,
      clusterIPs: [address],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: 6443 }],
    },
  };
}

/** Creates what is missing; what exists is left alone. `transport` acts as the server itself. */
export async function ensureSystemObjects(
  transport: Transport,
  options: SystemObjectsOptions,
): Promise<void> {
  for (const name of systemNamespaces) {
    await ensure(transport, '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name },
    });
    await ensure(transport, `/api/v1/namespaces/${name}/serviceaccounts`, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'default', namespace: name },
    });
  }
  for (const role of roles) await ensure(transport, `/apis/${rbac}/v1/clusterroles`, role);
  for (const binding of bindings) await ensure(transport, `/apis/${rbac}/v1/clusterrolebindings`, binding);
  await ensure(transport, '/api/v1/namespaces/default/services', kubernetesService(options.serviceAddress));
}

async function ensure(transport: Transport, collection: string, object: JsonObject): Promise<void> {
  const response = await transport.request({
    method: 'POST',
    path: collection,
    query: { fieldManager: 'kube-apiserver' },
    // The transport owns what it is given; these constants are used again by the next server.
    body: structuredClone(object),
  });
  if (response.status >= 400 && (response.body as Status).reason !== 'AlreadyExists') {
    throw new ApiError(response.body as Status);
  }
}
