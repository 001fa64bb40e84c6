/** Finding a cluster: kubeconfig files, or the service account of the pod we run in. */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import type { Clock } from '../api/index.js';
import type { HttpTransportOptions } from './http-transport.js';

/** The configuration cannot be used; the message says which file and why. */
export class KubeconfigError extends Error {
  override readonly name = 'KubeconfigError';
}

export interface ResolvedCluster {
  readonly transport: HttpTransportOptions;
  /** The context's namespace. Default `default`. */
  readonly namespace: string;
}

interface ClusterEntry {
  readonly server?: string;
  readonly 'certificate-authority'?: string;
  readonly 'certificate-authority-data'?: string;
  readonly 'insecure-skip-tls-verify'?: boolean;
  readonly 'tls-server-name'?: string;
  readonly 'proxy-url'?: string;
}
interface UserEntry {
  readonly 'client-certificate'?: string;
  readonly 'client-certificate-data'?: string;
  readonly 'client-key'?: string;
  readonly 'client-key-data'?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly username?: string;
  readonly as?: string;
  readonly exec?: unknown;
  readonly 'auth-provider'?: unknown;
}
interface ContextEntry {
  readonly cluster?: string;
  readonly user?: string;
  readonly namespace?: string;
}

/** One file; its relative paths are relative to its folder. */
interface Kubeconfig {
  readonly dir: string;
  readonly 'current-context'?: string;
  readonly clusters?: readonly { readonly name?: string; readonly cluster?: ClusterEntry }[];
  readonly users?: readonly { readonly name?: string; readonly user?: UserEntry }[];
  readonly contexts?: readonly { readonly name?: string; readonly context?: ContextEntry }[];
}

export interface KubeconfigOptions {
  /** Default: `$KUBECONFIG` (a list), else `~/.kube/config`. */
  readonly kubeconfig?: string;
  /** Default: the current context. */
  readonly context?: string;
}

/** The files that would be read, existing ones only. */
export function kubeconfigFiles(options: KubeconfigOptions, env: NodeJS.ProcessEnv = process.env): string[] {
  if (options.kubeconfig !== undefined) return [resolve(options.kubeconfig)];
  const listed = (env.KUBECONFIG ?? '').split(delimiter).filter((file) => file !== '');
  const files = listed.length > 0 ? listed : [join(env.HOME ?? homedir(), '.kube', 'config')];
  return files.filter((file) => existsSync(file));
}

/** @throws KubeconfigError */
export async function loadKubeconfig(options: KubeconfigOptions, clock: Clock): Promise<ResolvedCluster> {
  const files = kubeconfigFiles(options);
  if (files.length === 0) throw new KubeconfigError('no kubeconfig was found: set KUBECONFIG or name a file');
  const { parse } = await import('yaml');
  const configs = files.map((file): Kubeconfig => {
    let value: unknown;
    try {
      value = parse(readFileSync(file, 'utf8'));
    } catch (error) {
      throw new KubeconfigError(`${file}: ${(error as Error).message.split('\n')[0]}`, { cause: error });
    }
    return kubeconfigOf(value, file);
  });
  return resolveContext(configs, options.context, files.join(', '), clock);
}

/** An empty file is a kubeconfig that says nothing, as for kubectl. @throws KubeconfigError */
function kubeconfigOf(value: unknown, file: string): Kubeconfig {
  const fields: unknown = value ?? {};
  if (typeof fields !== 'object' || Array.isArray(fields))
    throw new KubeconfigError(`${file}: not a kubeconfig`);
  for (const [field, member] of [
    ['clusters', 'cluster'],
    ['users', 'user'],
    ['contexts', 'context'],
  ] as const) {
    const entries = (fields as Record<string, unknown>)[field] ?? [];
    const isEntry = (entry: unknown): boolean =>
      isObject(entry) && (entry[member] === undefined || entry[member] === null || isObject(entry[member]));
    if (!Array.isArray(entries) || !entries.every(isEntry))
      throw new KubeconfigError(`${file}: ${field} must be a list of entries with name and ${member}`);
  }
  return { ...fields, dir: dirname(resolve(file)) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function resolveContext(
  configs: readonly Kubeconfig[],
  wanted: string | undefined,
  source: string,
  clock: Clock,
): ResolvedCluster {
  // Files are merged as kubectl merges them: the first that says something wins.
  const contextName = wanted ?? configs.find((c) => c['current-context'])?.['current-context'];
  if (!contextName) throw new KubeconfigError(`${source}: there is no current context`);
  const context = configs.flatMap((c) => c.contexts ?? []).find((c) => c.name === contextName)?.context;
  if (!context) throw new KubeconfigError(`${source}: context ${JSON.stringify(contextName)} does not exist`);

  const clusterFile = configs.find((c) => c.clusters?.some((e) => e.name === context.cluster));
  const cluster = clusterFile?.clusters?.find((e) => e.name === context.cluster)?.cluster;
  if (!clusterFile || !cluster?.server) {
    throw new KubeconfigError(
      `${source}: cluster ${JSON.stringify(context.cluster ?? '')} does not exist or names no server`,
    );
  }
  const userFile = configs.find((c) => c.users?.some((e) => e.name === context.user));
  // Going on as nobody would only make the server's answers hard to understand.
  if (context.user && !userFile)
    throw new KubeconfigError(`${source}: user ${JSON.stringify(context.user)} does not exist`);
  const user = userFile?.users?.find((e) => e.name === context.user)?.user ?? {};
  refuseUnsupported(source, context, cluster, user);
  const ca = material(
    clusterFile.dir,
    cluster['certificate-authority-data'],
    cluster['certificate-authority'],
  );
  const userDir = userFile?.dir ?? '.';
  const cert = material(userDir, user['client-certificate-data'], user['client-certificate']);
  const key = material(userDir, user['client-key-data'], user['client-key']);
  if ((cert === undefined) !== (key === undefined)) {
    const [has, lacks] = key === undefined ? ['certificate', 'key'] : ['key', 'certificate'];
    throw new KubeconfigError(
      `${source}: user ${JSON.stringify(context.user)} has a client ${has} but no client ${lacks}`,
    );
  }
  const token =
    user.tokenFile === undefined ? user.token : tokenFile(resolve(userDir, user.tokenFile), clock);
  return {
    namespace: context.namespace ?? 'default',
    transport: {
      server: cluster.server,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(token === undefined ? {} : { token }),
      ...(cluster['insecure-skip-tls-verify'] ? { insecure: true } : {}),
      ...(cluster['tls-server-name'] ? { servername: cluster['tls-server-name'] } : {}),
    },
  };
}

/** What is silently left out would connect as somebody else, or some other way, than was asked. */
function refuseUnsupported(
  source: string,
  context: ContextEntry,
  cluster: ClusterEntry,
  user: UserEntry,
): void {
  const userName = `${source}: user ${JSON.stringify(context.user ?? '')}`;
  const instead = 'which is not supported yet; use a client certificate or a token';
  if (user.exec || user['auth-provider'])
    throw new KubeconfigError(`${userName} uses a credential plugin, ${instead}`);
  if (user.username) throw new KubeconfigError(`${userName} uses a password, ${instead}`);
  if (user.as) throw new KubeconfigError(`${userName} impersonates another user, ${instead}`);
  const clusterName = `${source}: cluster ${JSON.stringify(context.cluster ?? '')}`;
  if (cluster['proxy-url'])
    throw new KubeconfigError(`${clusterName} is behind a proxy, which is not supported yet`);
  if (!/^https?:\/\//i.test(cluster.server ?? '') || !URL.canParse(cluster.server ?? ''))
    throw new KubeconfigError(
      `${clusterName} has the server ${JSON.stringify(cluster.server)}, which is not an http or https URL`,
    );
}

/** Inline data wins over a file. */
function material(dir: string, data: string | undefined, file: string | undefined): string | undefined {
  if (data !== undefined) return Buffer.from(data, 'base64').toString('utf8');
  if (file === undefined) return undefined;
  const path = resolve(dir, file);
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new KubeconfigError(`${path}: ${(error as Error).message}`, { cause: error });
  }
}

/** How long a token read from a file is used before it is read again: they are rotated. */
const tokenLifeMs = 60_000;

function tokenFile(path: string, clock: Clock): () => string {
  let token = '';
  let readAt = Number.NEGATIVE_INFINITY;
  return () => {
    if (clock.monotonic() - readAt >= tokenLifeMs) {
      try {
        token = readFileSync(path, 'utf8').trim();
        readAt = clock.monotonic();
      } catch (error) {
        // While it is being replaced, the one we have is good for a little longer.
        if (token === '') throw new KubeconfigError(`${path}: ${(error as Error).message}`, { cause: error });
      }
    }
    return token;
  };
}

const serviceAccountDir = '/var/run/secrets/kubernetes.io/serviceaccount';

/** The cluster this pod runs in; undefined outside of one. */
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
      ...(existsSync(ca) ? { ca: readFileSync(ca, 'utf8') } : {}),
    },
  };
}
