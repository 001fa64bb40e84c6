/**
 * From a kubeconfig to what a transport needs: the server, whom to trust, how to get there, and who we are.
 *
 * Files that are named (authorities, certificates, tokens) are read again when they change; what cannot be
 * honoured is refused, since leaving it out would connect as somebody else, or some other way, than was asked.
 */
import { resolve } from 'node:path';
import type { Clock } from '../../api/index.js';
import { certificateFiles } from '../credentials/certificate-files.js';
import { execCredentials } from '../credentials/exec-plugin.js';
import type { Impersonation } from '../credentials/impersonation.js';
import { rotatingFile, tokenFile } from '../credentials/rotating-file.js';
import type { HttpTransportOptions } from '../http-transport.js';
import { KubeconfigError } from './kubeconfig-error.js';
import {
  type ChosenContext,
  chooseContext,
  type KubeconfigOptions,
  type UserEntry,
} from './kubeconfig-files.js';
import { checkedProxy } from './proxy-environment.js';

export interface ResolvedCluster {
  readonly transport: HttpTransportOptions;
  /** The context's namespace. Default `default`. */
  readonly namespace: string;
}

/** @throws KubeconfigError */
export async function loadKubeconfig(options: KubeconfigOptions, clock: Clock): Promise<ResolvedCluster> {
  const chosen = await chooseContext(options);
  const { context, cluster } = chosen;
  refuseUnsupported(chosen);
  const ca = authority(chosen, clock);
  const proxy = cluster['proxy-url'];
  return {
    namespace: context.namespace ?? 'default',
    transport: {
      server: cluster.server,
      ...(ca === undefined ? {} : { ca }),
      ...identity(chosen, ca, clock),
      ...(cluster['insecure-skip-tls-verify'] ? { insecure: true } : {}),
      ...(cluster['tls-server-name'] ? { servername: cluster['tls-server-name'] } : {}),
      ...(proxy ? { proxy } : {}),
    },
  };
}

function refuseUnsupported({ source, context, cluster, user }: ChosenContext): void {
  const userName = `${source}: user ${JSON.stringify(context.user ?? '')}`;
  if (user['auth-provider']) {
    throw new KubeconfigError(
      `${userName} uses the auth provider ${JSON.stringify(user['auth-provider'].name ?? '')}, which is not ` +
        'supported (Kubernetes removed it): use a credential plugin (exec), a client certificate or a token',
    );
  }
  const methods = [
    ...(user.token !== undefined || user.tokenFile !== undefined ? ['a token'] : []),
    ...(user.username !== undefined ? ['a password'] : []),
    ...(user.exec ? ['a credential plugin'] : []),
  ];
  if (methods.length > 1)
    throw new KubeconfigError(`${userName} uses ${methods.join(' and ')}: only one of them may be given`);
  if (!user.as && (user['as-uid'] || user['as-groups']?.length || user['as-user-extra']))
    throw new KubeconfigError(`${userName} impersonates a uid, groups or extra fields without a user (as)`);
  const clusterName = `${source}: cluster ${JSON.stringify(context.cluster ?? '')}`;
  if (!/^https?:\/\//i.test(cluster.server) || !URL.canParse(cluster.server))
    throw new KubeconfigError(
      `${clusterName} has the server ${JSON.stringify(cluster.server)}, which is not an http or https URL`,
    );
  if (cluster['proxy-url']) checkedProxy(cluster['proxy-url'], clusterName);
}

/** Inline data wins over a file. */
function authority({ cluster, clusterDir }: ChosenContext, clock: Clock): HttpTransportOptions['ca'] {
  const data = cluster['certificate-authority-data'];
  if (data !== undefined) return fromBase64(data);
  const file = cluster['certificate-authority'];
  if (file === undefined) return undefined;
  const read = rotatingFile(resolve(clusterDir, file), clock);
  // What is missing now is said now.
  read();
  return read;
}

type Identity = Pick<
  HttpTransportOptions,
  'cert' | 'key' | 'token' | 'credentials' | 'basic' | 'impersonate'
>;

function identity(chosen: ChosenContext, ca: HttpTransportOptions['ca'], clock: Clock): Identity {
  const { user, userDir } = chosen;
  const { username, password = '' } = user;
  const impersonate = impersonationOf(user);
  return {
    ...(impersonate ? { impersonate } : {}),
    ...certificate(chosen, clock),
    ...(username === undefined ? {} : { basic: { username, password } }),
    ...(user.tokenFile === undefined
      ? user.token === undefined
        ? {}
        : { token: user.token }
      : { token: tokenFile(resolve(userDir, user.tokenFile), clock) }),
    ...(user.exec ? { credentials: execCredentials({ entry: user.exec, chosen, ca, clock }) } : {}),
  };
}

function certificate({ source, context, user, userDir }: ChosenContext, clock: Clock): Identity {
  const certData = user['client-certificate-data'];
  const keyData = user['client-key-data'];
  const hasCert = certData !== undefined || user['client-certificate'] !== undefined;
  const hasKey = keyData !== undefined || user['client-key'] !== undefined;
  if (hasCert !== hasKey) {
    const [has, lacks] = hasKey ? ['key', 'certificate'] : ['certificate', 'key'];
    throw new KubeconfigError(
      `${source}: user ${JSON.stringify(context.user)} has a client ${has} but no client ${lacks}`,
    );
  }
  if (!hasCert) return {};
  if (certData !== undefined && keyData !== undefined)
    return { cert: fromBase64(certData), key: fromBase64(keyData) };
  const part = (data: string | undefined, file: string | undefined): (() => string) => {
    if (data === undefined) return rotatingFile(resolve(userDir, file ?? ''), clock);
    const text = fromBase64(data);
    return () => text;
  };
  const read = certificateFiles(
    part(certData, user['client-certificate']),
    part(keyData, user['client-key']),
  );
  read.current();
  // A plugin may add a token to it; without one, this is all there is to show.
  return user.exec ? read.current() : { credentials: read };
}

function impersonationOf(user: UserEntry): Impersonation | undefined {
  if (!user.as) return undefined;
  const { 'as-uid': uid, 'as-groups': groups, 'as-user-extra': extra } = user;
  return {
    username: user.as,
    ...(uid ? { uid } : {}),
    ...(groups?.length ? { groups } : {}),
    ...(extra ? { extra } : {}),
  };
}

function fromBase64(data: string): string {
  return Buffer.from(data, 'base64').toString('utf8');
}
