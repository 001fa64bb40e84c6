/** Certificates and tokens of one cluster. The x509 library is loaded on first use. */
export {
  type CertificateRequest,
  createAuthority,
  issueCertificate,
  type KeyPair,
  type PkiDeps,
} from './authority.js';
export { type Claims, type PublicKey, TokenSigner } from './json-web-token.js';
export { createServiceAccountKey } from './service-account-key.js';
