/**
 * A Kubernetes API server in a process: REST, watch, identity, custom kinds. Reached over HTTPS or,
 * through `transport()`, without leaving the process.
 */
export type { AdmissionAttributes, AdmissionPlugin } from './admission/admission.js';
export type { InProcessWebhooks, WebhookHandler } from './webhooks/in-process-webhooks.js';
export type {
  AuthorizationAttributes,
  Authorizer,
  Decision,
  NonResourceAttributes,
  PolicyRule,
} from './auth/authorizer.js';
export type { AuditOptions } from './audit/audit.js';
export type { AuditEvent, AuditObjectReference, AuditSink, AuditUser } from './audit/event.js';
export {
  type AuditGroupResources,
  type AuditLevel,
  type AuditPolicy,
  type AuditRule,
  type AuditStage,
  BadAuditPolicy,
  readAuditPolicy,
} from './audit/policy.js';
export { BadTokenFile, readTokenFile } from './auth/token-file.js';
export {
  BadEncryptionConfiguration,
  type EncryptedResources,
  type EncryptionConfiguration,
  type EncryptionKey,
  type EncryptionProvider,
  readEncryptionConfiguration,
} from './encryption/configuration.js';
export { lifetimeOf } from './lifetime.js';
export { type Listener, type ListenOptions, listen } from './http/listener.js';
export type { ServerResponse } from './response.js';
export { BadRuntimeConfig, readRuntimeConfig, type RuntimeConfig } from './runtime-config.js';
export { ApiServer, type ApiServerOptions } from './server.js';
export type { ServerRequest } from './rest/request.js';
export { kubernetesVersion } from './version.js';
