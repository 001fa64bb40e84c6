/**
 * The roles of the parts of a cluster, and who has them from the start
 * (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#core-component-roles).
 */
import type { JsonObject } from '../../../api/index.js';
import type { PolicyRule } from '../../auth/authorizer.js';
import {
  clusterRole,
  clusterRoleBinding,
  may,
  mayGet,
  rbacGroup,
  read,
  readWrite,
  type Subject,
} from './rules.js';

const tell = ['create', 'patch', 'update'];
const events = [may(tell, '', 'events'), may(tell, 'events.k8s.io', 'events')];
const delegation = [
  may(['create'], 'authentication.k8s.io', 'tokenreviews'),
  may(['create'], 'authorization.k8s.io', 'subjectaccessreviews'),
];
const csr = 'certificates.k8s.io';

/** What every node may do, of what is not told apart by node. */
export const nodeRules: readonly PolicyRule[] = [
  ...delegation,
  may(read, '', 'services'),
  may(['create', ...read], '', 'nodes'),
  may(['patch', 'update'], '', 'nodes nodes/status'),
  ...events,
  may(read, '', 'pods'),
  may(['create', 'delete'], '', 'pods'),
  may(['patch', 'update'], '', 'pods/status'),
  may(['create'], '', 'pods/eviction'),
  may(read, '', 'configmaps secrets'),
  may(['get'], '', 'endpoints persistentvolumeclaims persistentvolumes'),
  may(['create', ...read], csr, 'certificatesigningrequests'),
  may(['create', 'delete', 'get', 'patch', 'update'], 'coordination.k8s.io', 'leases'),
  may(['get'], 'storage.k8s.io', 'volumeattachments'),
  may(['create'], '', 'serviceaccounts/token'),
  may(['get', 'patch', 'update'], '', 'persistentvolumeclaims/status'),
  may(read, 'storage.k8s.io', 'csidrivers'),
  may(['create', 'delete', 'get', 'patch', 'update'], 'storage.k8s.io', 'csinodes'),
  may(read, 'node.k8s.io', 'runtimeclasses'),
];

export const componentRoles: readonly JsonObject[] = [
  clusterRole('system:discovery', [
    mayGet('/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/'),
  ]),
  clusterRole('system:public-info-viewer', [mayGet('/healthz /livez /readyz /version /version/')]),
  clusterRole('system:basic-user', [
    may(['create'], 'authorization.k8s.io', 'selfsubjectaccessreviews selfsubjectrulesreviews'),
    may(['create'], 'authentication.k8s.io', 'selfsubjectreviews'),
  ]),
  clusterRole('system:monitoring', [
    mayGet('/healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*'),
  ]),
  clusterRole('system:auth-delegator', delegation),
  clusterRole('system:service-account-issuer-discovery', [
    mayGet(
      '/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/',
    ),
  ]),
  clusterRole('system:kube-aggregator', [may(read, '', 'endpoints services')]),
  clusterRole('system:kube-dns', [may(['list', 'watch'], '', 'endpoints services')]),
  clusterRole('system:kubelet-api-admin', [
    may(read, '', 'nodes'),
    may(['proxy'], '', 'nodes'),
    may(['*'], '', 'nodes/log nodes/metrics nodes/proxy nodes/stats'),
  ]),
  clusterRole('system:node-bootstrapper', [may(['create', ...read], csr, 'certificatesigningrequests')]),
  clusterRole('system:certificates.k8s.io:certificatesigningrequests:nodeclient', [
    may(['create'], csr, 'certificatesigningrequests/nodeclient'),
  ]),
  clusterRole('system:certificates.k8s.io:certificatesigningrequests:selfnodeclient', [
    may(['create'], csr, 'certificatesigningrequests/selfnodeclient'),
  ]),
  clusterRole('system:node-problem-detector', [
    may(['get'], '', 'nodes'),
    may(['patch'], '', 'nodes/status'),
    ...events,
  ]),
  clusterRole('system:node-proxier', [
    may(['list', 'watch'], '', 'endpoints services'),
    may(read, '', 'nodes'),
    ...events,
    may(['list', 'watch'], 'discovery.k8s.io', 'endpointslices'),
  ]),
  clusterRole('system:node', nodeRules),
  clusterRole('system:persistent-volume-provisioner', [
    may(['create', 'delete', ...read], '', 'persistentvolumes'),
    may(['update', ...read], '', 'persistentvolumeclaims'),
    may(read, 'storage.k8s.io', 'storageclasses'),
    may(['watch'], '', 'events'),
    ...events,
  ]),
  clusterRole('system:volume-scheduler', [
    may(['patch', 'update', ...read], '', 'persistentvolumes'),
    may(read, 'storage.k8s.io', 'storageclasses'),
    may(['patch', 'update', ...read], '', 'persistentvolumeclaims'),
  ]),
  clusterRole('system:kube-scheduler', [
    ...events,
    may(['create'], 'coordination.k8s.io', 'leases'),
    may(['get', 'update'], 'coordination.k8s.io', 'leases', ['kube-scheduler']),
    may(read, '', 'nodes'),
    may(['delete', ...read], '', 'pods'),
    may(['create'], '', 'bindings pods/binding'),
    may(['patch', 'update'], '', 'pods/status'),
    may(read, '', 'replicationcontrollers services'),
    may(read, 'apps', 'replicasets statefulsets'),
    may(read, 'policy', 'poddisruptionbudgets'),
    may(read, '', 'persistentvolumeclaims persistentvolumes'),
    ...delegation,
    may(read, 'storage.k8s.io', 'csidrivers csinodes csistoragecapacities'),
    may(read, '', 'namespaces'),
  ]),
  clusterRole('system:kube-controller-manager', [
    ...events,
    may(['create'], 'coordination.k8s.io', 'leases'),
    may(['get', 'update'], 'coordination.k8s.io', 'leases', ['kube-controller-manager']),
    may(['create'], '', 'secrets serviceaccounts'),
    may(['delete'], '', 'secrets'),
    may(['get'], '', 'configmaps namespaces secrets serviceaccounts'),
    may(['update'], '', 'secrets serviceaccounts'),
    ...delegation,
    { apiGroups: ['*'], resources: ['*'], verbs: ['list', 'watch'] },
    may(['create'], '', 'serviceaccounts/token'),
    may(readWrite, rbacGroup, 'clusterroles'),
  ]),
];

const group = (name: string): Subject => ({ kind: 'Group', name });
const user = (name: string): Subject => ({ kind: 'User', name });
const authenticated = group('system:authenticated');

export const componentBindings: readonly JsonObject[] = [
  clusterRoleBinding('cluster-admin', [group('system:masters')]),
  clusterRoleBinding('system:discovery', [authenticated]),
  clusterRoleBinding('system:basic-user', [authenticated]),
  clusterRoleBinding('system:public-info-viewer', [authenticated, group('system:unauthenticated')]),
  clusterRoleBinding('system:monitoring', [group('system:monitoring')]),
  clusterRoleBinding('system:service-account-issuer-discovery', [group('system:serviceaccounts')]),
  clusterRoleBinding('system:node-proxier', [user('system:kube-proxy')]),
  clusterRoleBinding('system:kube-controller-manager', [user('system:kube-controller-manager')]),
  clusterRoleBinding('system:kube-scheduler', [user('system:kube-scheduler')]),
  clusterRoleBinding('system:volume-scheduler', [user('system:kube-scheduler')]),
];
