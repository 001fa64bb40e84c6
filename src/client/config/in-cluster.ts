/** The cluster this pod runs in: what its service account was given, read again as it is rotated. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../api/index.js';
import { rotatingFile, tokenFile } from '../credentials/rotating-file.js';
import type { ResolvedCluster } from './kubeconfig.js';

const serviceAccountDir = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Undefined outside of a cluster. */
export function inClusterConfig(
  clock: Clock,
  env: NodeJS.ProcessEnv = process.env,
  dir: string = serviceAccountDir,
): ResolvedCluster | undefined {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  const token = join(dir, 'token');
  if (!host || !port || !existsSync(token)) return undefined;
  const ca = join(dir, 'ca.crt');
  const namespace = join(dir, 'namespace');
  return {
    namespace: existsSync(namespace) ? readFileSync(namespace, 'utf8').trim() : 'default',
    transport: {
      server: `https://${host.includes(':') ? `[${host}]` : host}:${port}`,
      token: tokenFile(token, clock),
      ...(existsSync(ca) ? { ca: rotatingFile(ca, clock) } : {}),
    },
  };
}
