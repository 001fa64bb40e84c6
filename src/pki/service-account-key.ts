/** The key that service-account tokens are signed with. */
import { generateKeyPairSync } from 'node:crypto';

/** A new P-256 private key, PEM (PKCS #8). */
export function createServiceAccountKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }) as string;
}
