/**
 * A certificate authority of one's own: ECDSA P-256, self-signed, and leaf certificates for servers and
 * clients. A client's identity is its certificate: CN is the user, each O a group (API-18).
 */
import type { webcrypto } from 'node:crypto';
import type { Clock } from '../api/index.js';

export interface KeyPair {
  /** PEM. */
  readonly cert: string;
  /** PKCS #8 PEM. */
  readonly key: string;
}

export interface CertificateRequest {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  readonly usage: 'server' | 'client';
}

export interface PkiDeps {
  readonly clock: Clock;
}

const dayMs = 86_400_000;
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** x509 needs the metadata reflection to be there first, and 200 ms: loaded only when a certificate is made. */
async function x509() {
  await import('reflect-metadata');
  return import('@peculiar/x509');
}

/** Escapes a value for a distinguished name (RFC 4514). */
function dnValue(text: string): string {
  return text.replace(/[,+"\\<>;=#]/g, '\\$&');
}

function validity(clock: Clock, days: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(clock.now() - 3_600_000), notAfter: new Date(clock.now() + days * dayMs) };
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const { PemConverter } = await x509();
  return PemConverter.encode(await crypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY');
}

/** Makes a self-signed authority, valid for ten years. */
export async function createAuthority(commonName: string, deps: PkiDeps): Promise<KeyPair> {
  const x = await x509();
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const cert = await x.X509CertificateGenerator.createSelfSigned({
    name: `CN=${dnValue(commonName)}`,
    ...validity(deps.clock, 3650),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x.BasicConstraintsExtension(true, undefined, true),
      new x.KeyUsagesExtension(
        x.KeyUsageFlags.keyCertSign | x.KeyUsageFlags.cRLSign | x.KeyUsageFlags.digitalSignature,
        true,
      ),
      await x.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: `${cert.toString('pem')}\n`, key: `${await exportKey(keys.privateKey)}\n` };
}

/** Issues a leaf certificate with a fresh key, valid for one year. */
export async function issueCertificate(
  authority: KeyPair,
  request: CertificateRequest,
  deps: PkiDeps,
): Promise<KeyPair> {
  const x = await x509();
  const issuer = new x.X509Certificate(authority.cert);
  const signingKey = await crypto.subtle.importKey(
    'pkcs8',
    x.PemConverter.decodeFirst(authority.key),
    algorithm,
    false,
    ['sign'],
  );
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const names = [
    ...(request.dnsNames ?? []).map((value) => ({ type: 'dns' as const, value })),
    ...(request.ipAddresses ?? []).map((value) => ({ type: 'ip' as const, value })),
  ];
  const cert = await x.X509CertificateGenerator.create({
    subject: [
      ...(request.organizations ?? []).map((o) => `O=${dnValue(o)}`),
      `CN=${dnValue(request.commonName)}`,
    ].join(', '),
    issuer: issuer.subject,
    ...validity(deps.clock, 365),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x.BasicConstraintsExtension(false, undefined, true),
      new x.KeyUsagesExtension(x.KeyUsageFlags.digitalSignature, true),
      new x.ExtendedKeyUsageExtension([
        request.usage === 'server' ? x.ExtendedKeyUsage.serverAuth : x.ExtendedKeyUsage.clientAuth,
      ]),
      await x.AuthorityKeyIdentifierExtension.create(issuer),
      ...(names.length > 0 ? [new x.SubjectAlternativeNameExtension(names)] : []),
    ],
  });
  return { cert: `${cert.toString('pem')}\n`, key: `${await exportKey(keys.privateKey)}\n` };
}
