/**
 * The controllers of Kubernetes itself, written with the public SDK as a user would: gather from indexes, decide
 * in a pure function, act, report.
 */
export { ClusterRoleAggregationController } from './cluster-role-aggregation/cluster-role-aggregation-controller.js';
export {
  DeploymentController,
  type DeploymentControllerOptions,
  deploymentController,
} from './deployment/deployment-controller.js';
export {
  type Group,
  type RollingUpdate,
  type Rollout,
  rollingUpdate,
  type Sizes,
} from './deployment/rolling-update.js';
export { DisruptionController } from './disruption/disruption-controller.js';
export { EndpointsCleanup, EndpointsController } from './endpoints/endpoints-controller.js';
export { EndpointSliceController } from './endpointslice/endpointslice-controller.js';
export { EndpointSliceMirroringController } from './endpointslice-mirroring/endpointslice-mirroring-controller.js';
export { NamespaceController } from './namespace/namespace-controller.js';
export { GarbageCollector } from './garbage-collector/garbage-collector.js';
export { RootCaBundle, RootCaPublisher } from './root-ca/root-ca-publisher.js';
export { ServiceAccountController } from './service-account/service-account-controller.js';
export { NodeLifecycleController } from './node-lifecycle/node-lifecycle-controller.js';
export { TaintEvictionController } from './node-lifecycle/taint-eviction-controller.js';
export * from './persistent-volume/index.js';
export { ReplicaSetController } from './replicaset/replicaset-controller.js';
export { ReplicationControllerController } from './replicaset/replication-controller.js';
export { ResourceQuotaController } from './resource-quota/resource-quota-controller.js';
export { Scheduler } from './scheduler/scheduler.js';
export * from './volume-protection/index.js';
export { workloadControllers } from './workloads.js';
