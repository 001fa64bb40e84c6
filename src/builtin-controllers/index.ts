/** The controllers of Kubernetes itself, each written with the public SDK alone. */
export { EndpointsCleanup, EndpointsController } from './endpoints/endpoints-controller.js';
export { EndpointSliceController } from './endpointslice/endpointslice-controller.js';
export { NamespaceController } from './namespace/namespace-controller.js';
export { GarbageCollector } from './garbage-collector/garbage-collector.js';
export { RootCaBundle, RootCaPublisher } from './root-ca/root-ca-publisher.js';
export { ServiceAccountController } from './service-account/service-account-controller.js';
export { NodeLifecycleController } from './node-lifecycle/node-lifecycle-controller.js';
export { TaintEvictionController } from './node-lifecycle/taint-eviction-controller.js';
