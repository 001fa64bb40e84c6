/**
 * The controllers of Kubernetes itself, written with the public SDK as a user would: gather from indexes, decide
 * in a pure function, act, report.
 */
export { EndpointsCleanup, EndpointsController } from './endpoints/endpoints-controller.js';
export { EndpointSliceController } from './endpointslice/endpointslice-controller.js';
export { NamespaceController } from './namespace/namespace-controller.js';
export * from './persistent-volume/index.js';
export { Scheduler } from './scheduler/scheduler.js';
export * from './volume-protection/index.js';
