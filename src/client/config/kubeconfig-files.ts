/**
 * Kubeconfig files: which ones there are, what is in them, and what of it a context names.
 *
 * Several files are merged as kubectl merges them: the first that says something wins.
 */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { KubeconfigError } from './kubeconfig-error.js';

export interface KubeconfigOptions {
  /** Default: `$KUBECONFIG` (a list), else `~/.kube/config`. */
  readonly kubeconfig?: string;
  /** Default: the current context. */
  readonly context?: string;
}

export interface ClusterEntry {
  readonly server?: string;
  readonly 'certificate-authority'?: string;
  readonly 'certificate-authority-data'?: string;
  readonly 'insecure-skip-tls-verify'?: boolean;
  readonly 'tls-server-name'?: string;
  readonly 'proxy-url'?: string;
  readonly extensions?: readonly { readonly name?: string; readonly extension?: unknown }[];
}

/** How a credential plugin is run, as the `exec` of a user. */
export interface ExecEntry {
  readonly apiVersion?: string;
  readonly command?: string;
  readonly args?: readonly string[] | null;
  readonly env?: readonly { readonly name: string; readonly value: string }[] | null;
  readonly installHint?: string;
  readonly provideClusterInfo?: boolean;
  readonly interactiveMode?: string;
}

export interface UserEntry {
  readonly 'client-certificate'?: string;
  readonly 'client-certificate-data'?: string;
  readonly 'client-key'?: string;
  readonly 'client-key-data'?: string;
  readonly token?: string;
  readonly tokenFile?: string;
  readonly username?: string;
  readonly password?: string;
  readonly as?: string;
  readonly 'as-uid'?: string;
  readonly 'as-groups'?: readonly string[];
  readonly 'as-user-extra'?: Readonly<Record<string, readonly string[]>>;
  readonly exec?: ExecEntry;
  readonly 'auth-provider'?: { readonly name?: string };
}

export interface ContextEntry {
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

/** What one context names. */
export interface ChosenContext {
  /** The files, for messages. */
  readonly source: string;
  readonly context: ContextEntry;
  readonly cluster: ClusterEntry & { readonly server: string };
  /** The folder its paths are relative to. */
  readonly clusterDir: string;
  readonly user: UserEntry;
  readonly userDir: string;
}

/** The files that would be read, existing ones only. */
export function kubeconfigFiles(options: KubeconfigOptions, env: NodeJS.ProcessEnv = process.env): string[] {
  if (options.kubeconfig !== undefined) return [resolve(options.kubeconfig)];
  const listed = (env.KUBECONFIG ?? '').split(delimiter).filter((file) => file !== '');
  const files = listed.length > 0 ? listed : [join(env.HOME ?? homedir(), '.kube', 'config')];
  return files.filter((file) => existsSync(file));
}

/** @throws KubeconfigError */
export async function chooseContext(options: KubeconfigOptions): Promise<ChosenContext> {
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
  return chosen(configs, options.context, files.join(', '));
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

function chosen(configs: readonly Kubeconfig[], wanted: string | undefined, source: string): ChosenContext {
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
  return {
    source,
    context,
    cluster: { ...cluster, server: cluster.server },
    clusterDir: clusterFile.dir,
    user: userFile?.users?.find((e) => e.name === context.user)?.user ?? {},
    userDir: userFile?.dir ?? '.',
  };
}
