/** A typed, live client over any Transport. */
export { type ClientOptions, createClient } from './api-client.js';
export type * from './client.js';
export { type ConnectDeps, type Connection, type ConnectTarget, connect } from './connect.js';
export { SharingDecoder, type SharingDecoderOptions } from './decode/sharing-decoder.js';
export { type Discovery, type DiscoveredResource, discover } from './discovery.js';
export { createHttpTransport, type HttpTransportOptions } from './http-transport.js';
export {
  inClusterConfig,
  KubeconfigError,
  type KubeconfigOptions,
  loadKubeconfig,
  type ResolvedCluster,
} from './kubeconfig.js';
