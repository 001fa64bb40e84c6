/** Nodes: kubelet, container runtimes, volumes, service proxy. */
export * from './container-runtime.js';
export * from './volume-manager.js';
export { ServiceProxy, type ServiceProxyContext } from './proxy/service-proxy.js';
export type { ProxyView } from './proxy/service-ports.js';
