/**
 * The roles that people are given: `cluster-admin`, and `admin`, `edit` and `view` of a namespace, which grow with what is
 * labelled to belong to them (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#user-facing-roles).
 */
import type { JsonObject } from '../../../api/index.js';
import { aggregated, clusterRole, may, rbacGroup, read, readWrite, write } from './rules.js';

const toAdmin = `${rbacGroup}/aggregate-to-admin`;
const toEdit = `${rbacGroup}/aggregate-to-edit`;
const toView = `${rbacGroup}/aggregate-to-view`;

const workloads =
  'daemonsets deployments deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale';

export const userRoles: readonly JsonObject[] = [
  clusterRole('cluster-admin', [
    { apiGroups: ['*'], resources: ['*'], verbs: ['*'] },
    { nonResourceURLs: ['*'], verbs: ['*'] },
  ]),
  aggregated('admin', toAdmin),
  aggregated('edit', toEdit, { [toAdmin]: 'true' }),
  aggregated('view', toView, { [toEdit]: 'true' }),
  clusterRole(
    'system:aggregate-to-admin',
    [
      may(['create'], 'authorization.k8s.io', 'localsubjectaccessreviews'),
      may(readWrite, rbacGroup, 'rolebindings roles'),
    ],
    { [toAdmin]: 'true' },
  ),
  clusterRole(
    'system:aggregate-to-edit',
    [
      may(read, '', 'pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy'),
      may(['impersonate'], '', 'serviceaccounts'),
      may(write, '', 'pods pods/attach pods/exec pods/portforward pods/proxy'),
      may(['create'], '', 'pods/eviction'),
      may(
        write,
        '',
        'configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy',
      ),
      may(['create'], '', 'serviceaccounts/token'),
      may(write, 'apps', `${workloads} deployments/rollback`),
      may(write, 'autoscaling', 'horizontalpodautoscalers'),
      may(write, 'batch', 'cronjobs jobs'),
      may(write, 'policy', 'poddisruptionbudgets'),
      may(write, 'networking.k8s.io', 'ingresses networkpolicies'),
      may(readWrite, 'coordination.k8s.io', 'leases'),
    ],
    { [toEdit]: 'true' },
  ),
  clusterRole(
    'system:aggregate-to-view',
    [
      may(
        read,
        '',
        'configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status',
      ),
      may(
        read,
        '',
        'bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status',
      ),
      may(read, '', 'namespaces'),
      may(read, 'discovery.k8s.io', 'endpointslices'),
      may(
        read,
        'apps',
        `controllerrevisions ${workloads} daemonsets/status deployments/status replicasets/status statefulsets/status`,
      ),
      may(read, 'autoscaling', 'horizontalpodautoscalers horizontalpodautoscalers/status'),
      may(read, 'batch', 'cronjobs cronjobs/status jobs jobs/status'),
      may(read, 'policy', 'poddisruptionbudgets poddisruptionbudgets/status'),
      may(read, 'networking.k8s.io', 'ingresses ingresses/status networkpolicies'),
    ],
    { [toView]: 'true' },
  ),
];
