/** Certificates for servers and clients of one cluster. The x509 library is loaded on first use. */
export {
  type CertificateRequest,
  createAuthority,
  issueCertificate,
  type KeyPair,
  type PkiDeps,
} from './authority.js';
