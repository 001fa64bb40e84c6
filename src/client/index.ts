/** A typed, live client over any Transport. */
export { type ClientOptions, createClient } from './api-client.js';
export type * from './client.js';
export { inClusterConfig } from './config/in-cluster.js';
export { loadKubeconfig, type ResolvedCluster } from './config/kubeconfig.js';
export { KubeconfigError } from './config/kubeconfig-error.js';
export type { KubeconfigOptions } from './config/kubeconfig-files.js';
export { type ConnectDeps, type Connection, type ConnectTarget, connect } from './connect.js';
export { type Credential, CredentialError, type CredentialSource } from './credentials/credential.js';
export type { Impersonation } from './credentials/impersonation.js';
export { SharingDecoder, type SharingDecoderOptions } from './decode/sharing-decoder.js';
export { draftPatch, type PatchOperation } from './draft.js';
export { type Discovery, type DiscoveredResource, discover } from './discovery.js';
export { createHttpTransport, type HttpTransportOptions } from './http-transport.js';
export { type RateLimitOptions, rateLimitedTransport } from './rate-limited-transport.js';
export { type RetryOptions, retryingTransport } from './retrying-transport.js';
export type { AttachOptions, ExecOptions, ExecSession } from './streams/exec-session.js';
export type { LogOptions, LogStream } from './streams/log-stream.js';
export {
  type ConditionToWaitFor,
  isWaitTimeout,
  type WaitCondition,
  type WaitOptions,
  WaitTimeout,
} from './wait-for.js';
