/** Go's words for Node's errors of connections: people know a cluster's troubles by them. */

/** @param serverName what the certificate was to be for */
export function goReason(error: NodeJS.ErrnoException, serverName: string): string {
  const { address, port, hostname } = error as { address?: string; port?: number; hostname?: string };
  switch (error.code) {
    case 'ECONNREFUSED':
      return `dial tcp ${address ?? ''}:${port ?? ''}: connect: connection refused`;
    case 'EHOSTUNREACH':
      return `dial tcp ${address ?? ''}:${port ?? ''}: connect: no route to host`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `dial tcp: lookup ${hostname ?? ''}: no such host`;
    case 'ECONNRESET':
      return 'EOF';
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return 'tls: failed to verify certificate: x509: certificate signed by unknown authority';
    case 'CERT_HAS_EXPIRED':
    case 'CERT_NOT_YET_VALID':
      return 'tls: failed to verify certificate: x509: certificate has expired or is not yet valid';
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return `tls: failed to verify certificate: x509: certificate is not valid for any names, but wanted to match ${serverName}`;
    default:
      return error.message;
  }
}
