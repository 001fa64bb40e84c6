/** A certificate signing request as kubelets and users make it: PEM, base64 once more. */
import 'reflect-metadata';
import { webcrypto } from 'node:crypto';

export interface RequestedName {
  readonly commonName: string;
  readonly organizations?: readonly string[];
}

export async function signingRequest({ commonName, organizations = [] }: RequestedName): Promise<string> {
  const { cryptoProvider, Pkcs10CertificateRequestGenerator } = await import('@peculiar/x509');
  cryptoProvider.set(webcrypto as never);
  const signingAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(signingAlgorithm, true, ['sign', 'verify']);
  const name = [...organizations.map((o) => `O=${o}`), `CN=${commonName}`].join(', ');
  const request = await Pkcs10CertificateRequestGenerator.create({
    name,
    keys: keys as never,
    signingAlgorithm,
  });
  return Buffer.from(request.toString('pem')).toString('base64');
}
