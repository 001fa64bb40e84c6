/**
 * What a cluster has before anybody creates anything: the system namespaces with their default service
 * accounts, the `kubernetes` Service, the roles of people and parts, and the levels of their requests.
 */
import { ApiError, type JsonObject, type Status, type Transport } from '../../api/index.js';
import { systemPriorityClasses } from '../admission/pods/priority.js';
import { ensureFlowObjects } from '../flow-control/ensure-objects.js';
import { ensureNamed, type Maker } from './ensure.js';
import { ensureRoles } from './roles/ensure-roles.js';

export const systemNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'] as const;

const namespaces = systemNamespaces.map((name) => ({
  namespace: { apiVersion: 'v1', kind: 'Namespace', metadata: { name } },
  account: { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace: name } },
}));

export interface SystemObjectsOptions {
  /** The first address of the Service range. */
  readonly serviceAddress: string;
  /** What the servers of aggregated APIs check requests by that come from this one. */
  readonly frontProxy?: { readonly ca: string } | undefined;
  /** PEM. */
  readonly clientCa?: string | undefined;
}

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

/** How the servers of aggregated APIs know whom to believe: by the certificates that this server shows and accepts. */
async function publishAuthentication(
  transport: Transport,
  frontProxyCa: string,
  clientCa: string | undefined,
): Promise<void> {
  const names = (values: readonly string[]): string => JSON.stringify(values);
  const answer = await transport.request({
    method: 'PATCH',
    path: '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication',
    query: { fieldManager: 'kube-apiserver', force: 'true' },
    headers: { 'content-type': 'application/apply-patch+yaml' },
    body: {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: 'extension-apiserver-authentication', namespace: 'kube-system' },
      data: {
        ...(clientCa === undefined ? {} : { 'client-ca-file': clientCa }),
        'requestheader-allowed-names': names(['front-proxy-client']),
        'requestheader-client-ca-file': frontProxyCa,
        'requestheader-extra-headers-prefix': names(['X-Remote-Extra-']),
        'requestheader-group-headers': names(['X-Remote-Group']),
        'requestheader-username-headers': names(['X-Remote-User']),
      },
    },
  });
  if (answer.status >= 400) throw new ApiError(answer.body as Status);
}

/** Creates what is missing; what exists is left alone. */
export async function ensureSystemObjects(maker: Maker, options: SystemObjectsOptions): Promise<void> {
  const { transport } = maker;
  for (const { namespace, account } of namespaces) {
    await ensureNamed(maker, '/api/v1/namespaces', namespace);
    await ensureNamed(maker, `/api/v1/namespaces/${namespace.metadata.name}/serviceaccounts`, account);
  }
  await ensureRoles(maker);
  await ensureFlowObjects(maker);
  for (const each of systemPriorityClasses)
    await ensureNamed(maker, '/apis/scheduling.k8s.io/v1/priorityclasses', each);
  if (options.frontProxy) await publishAuthentication(transport, options.frontProxy.ca, options.clientCa);
  await ensureNamed(maker, '/api/v1/namespaces/default/services', kubernetesService(options.serviceAddress));
}
