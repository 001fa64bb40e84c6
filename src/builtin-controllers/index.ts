/** The controllers of Kubernetes itself, each written with the public SDK alone. */
export { EndpointsCleanup, EndpointsController } from './endpoints/endpoints-controller.js';
export { EndpointSliceController } from './endpointslice/endpointslice-controller.js';
export { NamespaceController } from './namespace/namespace-controller.js';
export { ReplicaSetController } from './replicaset/replicaset-controller.js';
export { DeploymentController } from './deployment/deployment-controller.js';
export { rollingUpdate, type Group, type RollingUpdate, type Rollout, type Sizes } from './deployment/rolling-update.js';
