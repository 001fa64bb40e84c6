/**
 * Certificates that a webhook server makes for itself: an authority of its own, and a serving certificate from it that is
 * renewed long before it ends. Replicas share the authority through a Secret, so that any of them is believed; which of
 * them makes it is whoever writes first.
 */
import { type Cancel, type Clock, isAlreadyExists } from '../../api/index.js';
import { Secret } from '../../api/kinds/core/v1.js';
import type { Client } from '../../client/index.js';
import type { KeyPair } from '../../pki/index.js';

/** Of use only to those who serve webhooks: loaded then. */
const pki = () => import('../../pki/index.js');

/** Serving certificates are valid for a year; they are renewed after this long. */
const renewAfterMs = 300 * 86_400_000;

export interface CertificateNames {
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
}

export interface AuthorityDeps {
  readonly client: Client;
  readonly clock: Clock;
}

/** The authority of a Secret, made if there is none; without a Secret, one of this process alone. */
export async function authorityOf(
  secret: { readonly namespace: string; readonly name: string } | undefined,
  { client, clock }: AuthorityDeps,
): Promise<KeyPair> {
  const stored = secret && (await readAuthority(client, secret));
  if (stored) return stored;
  const { createAuthority } = await pki();
  const made = await createAuthority('gyre-webhook-ca', { clock });
  if (!secret) return made;
  try {
    await client.create(Secret, {
      metadata: { ...secret },
      type: 'kubernetes.io/tls',
      stringData: { 'tls.crt': made.cert, 'tls.key': made.key },
    });
    return made;
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
    // Another replica was first: theirs counts.
    return (await readAuthority(client, secret)) ?? made;
  }
}

async function readAuthority(
  client: Client,
  secret: { readonly namespace: string; readonly name: string },
): Promise<KeyPair | undefined> {
  const { data = {} } = (await client.find(Secret, secret)) ?? {};
  const [cert, key] = [data['tls.crt'], data['tls.key']];
  if (!cert || !key) return undefined;
  return { cert: Buffer.from(cert, 'base64').toString(), key: Buffer.from(key, 'base64').toString() };
}

/** Hands over a serving certificate now, and a new one each time the last grows old; gives what ends that. */
export async function serveCertificates(
  authority: KeyPair,
  names: CertificateNames,
  clock: Clock,
  use: (certificate: KeyPair) => void,
): Promise<Cancel> {
  let cancel: Cancel = () => {};
  let ended = false;
  const { issueCertificate } = await pki();
  const renew = async (): Promise<void> => {
    const certificate = await issueCertificate(
      authority,
      { commonName: 'gyre-webhook', ...names, usage: 'server' },
      { clock },
    );
    if (ended) return;
    use(certificate);
    cancel = clock.setTimer(renewAfterMs, () => void renew());
  };
  await renew();
  return () => {
    ended = true;
    cancel();
  };
}
