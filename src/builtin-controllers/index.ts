/** The controllers of Kubernetes itself, each written with the public SDK alone. */
export { EndpointSliceController } from './endpointslice/endpointslice-controller.js';
