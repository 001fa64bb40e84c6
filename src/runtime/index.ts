/** Nodes: kubelet, container runtimes, volumes, service proxy. */
export * from './container-runtime.js';
export { Kubelet, type KubeletContext, type KubeletOptions, type NodeConfig } from './kubelet/kubelet.js';
export type { NodeFacts } from './kubelet/node-agent.js';
export { ServiceProxy, type ServiceProxyContext } from './proxy/service-proxy.js';
export type { ProxyView } from './proxy/service-ports.js';
export { type Behaviour, simulateAnnotation } from './simulated/behaviour.js';
export { SimulatedRuntime, type SimulatedRuntimeOptions } from './simulated/simulated-runtime.js';
export * from './volume-manager.js';
