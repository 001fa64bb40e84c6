/**
 * What a cluster has before anybody creates anything: the system namespaces with their default service
 * accounts, the `kubernetes` Service, the roles of people and parts, and the levels of their requests.
 */
import type { JsonObject, Transport } from '../../api/index.js';
import { systemPriorityClasses } from '../admission/pods/priority.js';
import { ensureFlowObjects } from '../flow-control/ensure-objects.js';
import { ensureNamed } from './ensure.js';
import { ensureRoles } from './roles/ensure-roles.js';

export const systemNamespaces = ['default', 'kube-system', 'kube-public', 'kube-node-lease'] as const;

export interface SystemObjectsOptions {
  /** The first address of the Service range. */
  readonly serviceAddress: string;
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

/** Creates what is missing; what exists is left alone. `transport` acts as the server itself. */
export async function ensureSystemObjects(
  transport: Transport,
  options: SystemObjectsOptions,
): Promise<void> {
  for (const name of systemNamespaces) {
    await ensureNamed(transport, '/api/v1/namespaces', {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name },
    });
    await ensureNamed(transport, `/api/v1/namespaces/${name}/serviceaccounts`, {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'default', namespace: name },
    });
  }
  await ensureRoles(transport);
  await ensureFlowObjects(transport);
  for (const each of systemPriorityClasses)
    await ensureNamed(transport, '/apis/scheduling.k8s.io/v1/priorityclasses', each);
  await ensureNamed(
    transport,
    '/api/v1/namespaces/default/services',
    kubernetesService(options.serviceAddress),
  );
}
