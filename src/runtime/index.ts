/** Nodes: kubelet, container runtimes, volumes, service proxy. */
export * from './container-runtime.js';
export { Kubelet, type KubeletContext, type KubeletOptions, type NodeConfig } from './kubelet/kubelet.js';
export type { NodeFacts } from './kubelet/node-agent.js';
export type { ImageMapping } from './process/images.js';
export type { Isolation } from './process/isolation.js';
export { ProcessRuntime, type ProcessRuntimeOptions } from './process/process-runtime.js';
export { ServiceProxy, type ServiceProxyContext } from './proxy/service-proxy.js';
export type { ProxyView } from './proxy/service-ports.js';
export { type Behaviour, simulateAnnotation } from './simulated/behaviour.js';
export {
  SimulatedRuntime,
  type SimulatedRuntimeOptions,
  type SimulatedState,
} from './simulated/simulated-runtime.js';
export * from './volume-manager.js';
export { HostVolumeManager, type HostVolumeManagerOptions } from './volumes/host-volume-manager.js';
