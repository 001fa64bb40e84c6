/**
 * The certificates of a cluster in its data directory, and the kubeconfig that goes with them. Made once:
 * a restart finds them, so clients keep working and start-up skips the making.
 */
import { X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Clock } from '../api/index.js';
import { createAuthority, createServiceAccountKey, issueCertificate, type KeyPair } from '../pki/index.js';

export interface ClusterCredentials {
  readonly ca: KeyPair;
  readonly server: KeyPair;
  /** A member of `system:masters`. */
  readonly admin: KeyPair;
  /** With which the API server shows who it is to the servers of aggregated APIs, and who signed it. */
  readonly frontProxy: KeyPair & { readonly ca: string };
  /** Signs the tokens of service accounts; PEM. */
  readonly serviceAccountKey: string;
}

/** Certificates are made anew when less than this is left. */
const renewBeforeMs = 30 * 86_400_000;

function readPair(dir: string, name: string): KeyPair | undefined {
  const [cert, key] = [join(dir, `${name}.crt`), join(dir, `${name}.key`)];
  if (!existsSync(cert) || !existsSync(key)) return undefined;
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
}

function writePair(dir: string, name: string, pair: KeyPair): void {
  writeFileSync(join(dir, `${name}.key`), pair.key, { mode: 0o600 });
  writeFileSync(join(dir, `${name}.crt`), pair.cert, { mode: 0o644 });
}

/** True when a certificate can be read, lasts a while longer, and was signed by the authority. */
function isUsable(pair: KeyPair | undefined, clock: Clock, ca?: KeyPair): pair is KeyPair {
  if (!pair) return false;
  try {
    const cert = new X509Certificate(pair.cert);
    if (Date.parse(cert.validTo) - clock.now() < renewBeforeMs) return false;
    return ca === undefined || cert.verify(new X509Certificate(ca.cert).publicKey);
  } catch {
    return false;
  }
}

/** Kept for good: tokens outlive restarts. */
function serviceAccountKey(dir: string): string {
  const file = join(dir, 'sa.key');
  if (existsSync(file)) return readFileSync(file, 'utf8');
  const made = createServiceAccountKey();
  writeFileSync(file, made, { mode: 0o600 });
  return made;
}

/** Reads the credentials below `dataDir/pki`, making what is missing, broken or about to expire. */
export async function ensureCredentials(dataDir: string, clock: Clock): Promise<ClusterCredentials> {
  const dir = join(dataDir, 'pki');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const authority = async (name: string, commonName: string): Promise<KeyPair> => {
    const stored = readPair(dir, name);
    if (isUsable(stored, clock)) return stored;
    const made = await createAuthority(commonName, { clock });
    writePair(dir, name, made);
    return made;
  };
  type LeafRequest = Parameters<typeof issueCertificate>[1];
  const leaf = async (name: string, request: LeafRequest, issuer = ca): Promise<KeyPair> => {
    const found = readPair(dir, name);
    if (isUsable(found, clock, issuer)) return found;
    const made = await issueCertificate(issuer, request, { clock });
    writePair(dir, name, made);
    return made;
  };
  const ca = await authority('ca', 'gyre');
  // One of its own: whoever has a certificate of it may say who asks.
  const frontProxyCa = await authority('front-proxy-ca', 'front-proxy-ca');
  const frontProxy = await leaf(
    'front-proxy-client',
    { commonName: 'front-proxy-client', usage: 'client' },
    frontProxyCa,
  );
  return {
    ca,
    server: await leaf('apiserver', {
      commonName: 'kube-apiserver',
      usage: 'server',
      dnsNames: [
        'localhost',
        'kubernetes',
        'kubernetes.default',
        'kubernetes.default.svc',
        'kubernetes.default.svc.cluster.local',
      ],
      ipAddresses: ['127.0.0.1', '127.96.0.1'],
    }),
    frontProxy: { ...frontProxy, ca: frontProxyCa.cert },
    serviceAccountKey: serviceAccountKey(dir),
    admin: await leaf('admin', { commonName: 'admin', organizations: ['system:masters'], usage: 'client' }),
  };
}

const marker = '# Written by gyre; replaced at every start.';

/** Thrown instead of overwriting a kubeconfig that somebody else wrote. */
export class ForeignKubeconfig extends Error {
  override readonly name = 'ForeignKubeconfig';
}

/**
 * Writes a kubeconfig for the admin, readable by its owner alone.
 * @throws ForeignKubeconfig when the file exists and was not written by gyre
 */
export function writeKubeconfig(file: string, url: string, credentials: ClusterCredentials): void {
  if (existsSync(file)) {
    const present = readFileSync(file, 'utf8');
    if (present.trim() !== '' && !present.startsWith(marker)) {
      throw new ForeignKubeconfig(`${file} exists and was not written by gyre`);
    }
  }
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  mkdirSync(dirname(file), { recursive: true });
  const text = `${marker}
apiVersion: v1
kind: Config
current-context: gyre
clusters:
- name: gyre
  cluster:
    server: ${url}
    certificate-authority-data: ${base64(credentials.ca.cert)}
users:
- name: gyre-admin
  user:
    client-certificate-data: ${base64(credentials.admin.cert)}
    client-key-data: ${base64(credentials.admin.key)}
contexts:
- name: gyre
  context:
    cluster: gyre
    user: gyre-admin
    namespace: default
`;
  writeFileSync(file, text, { mode: 0o600 });
  // The mode of writeFileSync counts only for a new file.
  chmodSync(file, 0o600);
}
