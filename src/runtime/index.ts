/** Nodes: kubelet, container runtimes, volumes, service proxy. */
export * from './container-runtime.js';
export * from './volume-manager.js';
