/** `gyre up`: an embedded cluster on loopback until it is told to stop. */
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Duration } from '../api/index.js';
import type { RuntimeConfig } from '../apiserver/index.js';
import { EmbeddedCluster, type EmbeddedClusterOptions, ForeignKubeconfig } from '../cluster/index.js';
import type { ImageMapping } from '../runtime/index.js';
import { type ObjectStore, StoreLocked } from '../store/index.js';
import { onTerminationSignal, stderrSink } from '../system/index.js';
import { createLogger } from '../telemetry/index.js';
import { choiceOption, durationOption, integerOption, readOptions, UsageError } from './arguments.js';
import { type EtcdTarget, etcdOptions, openEtcd, readEtcdTarget } from './etcd-target.js';
import { runtimeConfigOption } from './runtime-config-option.js';
import { type AuditFiles, auditIn, encryptionIn, tokensIn } from './up-files.js';
import { packageVersion } from './version.js';

export const upHelp = `Usage: gyre up [options]

Starts a Kubernetes-compatible cluster in this process, on 127.0.0.1: control plane, controllers, scheduler,
a node whose containers are processes of this machine, and a proxy for its Services.

  --data-dir DIR      everything kept on disk lives here                      (default .gyre)
  --store STORE       embedded: on disk, survives | memory                    (default embedded)
  --etcd-servers URL[,URL…]
                      keep the cluster in this etcd instead; several may serve one cluster
  --etcd-prefix PATH  what all its keys begin with                            (default /gyre)
  --etcd-cafile, --etcd-certfile, --etcd-keyfile FILE
                      whom to believe, and who to be, for https
  --port N            of the API; 0 takes any free port                       (default 6443)
  --kubeconfig FILE   where to write the kubeconfig                           (default DIR/kubeconfig)
  --runtime RUNTIME   process: containers are processes | simulated: none run (default process)
  --nodes N           simulated nodes, beside the process node or alone       (default 0; 1 with simulated)
  --image NAME=CMD    what an image runs, e.g. --image shop="node server.js"  (repeatable)
  --token-auth-file FILE
                      static tokens: lines of token,user,uid,"group1,group2"
  --encryption-provider-config FILE
                      an EncryptionConfiguration: what is encrypted at rest, with which keys
  --history DURATION  for how long every version is kept, in memory too: 24h  (default 5m)
  --audit-policy-file FILE
                      an audit.k8s.io/v1 Policy: what is written of which request
  --audit-log-path FILE
                      where it is written, a JSON line each; - is standard output
  --runtime-config KEY=BOOL[,KEY=BOOL…]
                      API versions to serve or not: GROUP/VERSION, api/alpha, api/beta, api/all (default stable ones)
  --no-controllers    the API server alone: no controllers, nodes or proxy
  --verbose           log what the control plane does to stderr
  --help

The last line of the start-up output is "ready URL". SIGINT and SIGTERM stop it; a second one forces.
`;

export interface UpOptions {
  readonly dataDir: string;
  readonly port: number;
  readonly kubeconfig?: string;
  readonly store: 'embedded' | 'memory';
  /** In place of `store`. */
  readonly etcd?: EtcdTarget;
  readonly runtime: 'process' | 'simulated';
  readonly nodes: number;
  readonly images: Readonly<Record<string, ImageMapping>>;
  readonly controllers: boolean;
  readonly tokenFile?: string;
  readonly encryptionFile?: string;
  readonly history?: Duration;
  readonly auditFiles?: AuditFiles;
  readonly runtimeConfig?: RuntimeConfig;
  readonly verbose: boolean;
}

const maxNodes = 5000;

/** @throws UsageError */
export function readUpOptions(args: readonly string[]): UpOptions | 'help' {
  const given = readOptions('up', args, {
    'data-dir': { type: 'string', default: '.gyre' },
    store: { type: 'string', default: 'embedded' },
    ...etcdOptions,
    port: { type: 'string', default: '6443' },
    kubeconfig: { type: 'string' },
    runtime: { type: 'string', default: 'process' },
    nodes: { type: 'string' },
    image: { type: 'string', multiple: true, default: [] },
    'token-auth-file': { type: 'string' },
    'encryption-provider-config': { type: 'string' },
    history: { type: 'string' },
    'audit-policy-file': { type: 'string' },
    'audit-log-path': { type: 'string' },
    'runtime-config': { type: 'string', multiple: true, default: [] },
    'no-controllers': { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  });
  if (given.help) return 'help';
  const etcd = readEtcdTarget(given);
  const runtime = choiceOption('runtime', given.runtime, ['process', 'simulated']);
  return {
    dataDir: resolve(given['data-dir']),
    port: integerOption('port', given.port, 0, 65535),
    store: choiceOption('store', given.store, ['embedded', 'memory']),
    ...(etcd ? { etcd } : {}),
    runtime,
    nodes: integerOption('nodes', given.nodes ?? (runtime === 'simulated' ? '1' : '0'), 0, maxNodes),
    images: readImages(given.image),
    controllers: !given['no-controllers'],
    verbose: given.verbose,
    ...(given['token-auth-file'] === undefined ? {} : { tokenFile: resolve(given['token-auth-file']) }),
    ...(given['encryption-provider-config'] === undefined
      ? {}
      : { encryptionFile: resolve(given['encryption-provider-config']) }),
    ...(given.history === undefined ? {} : { history: durationOption('history', given.history) }),
    ...readAuditFiles(given['audit-policy-file'], given['audit-log-path']),
    ...(given['runtime-config'].length === 0
      ? {}
      : { runtimeConfig: runtimeConfigOption(given['runtime-config'].join(',')) }),
    ...(given.kubeconfig === undefined ? {} : { kubeconfig: resolve(given.kubeconfig) }),
  };
}

/** @throws UsageError for one without the other */
function readAuditFiles(policy: string | undefined, log: string | undefined): Pick<UpOptions, 'auditFiles'> {
  if (policy === undefined && log === undefined) return {};
  if (policy === undefined || log === undefined)
    throw new UsageError(
      `--${policy === undefined ? 'audit-log-path' : 'audit-policy-file'} alone says too little`,
      '--audit-policy-file says what is written, --audit-log-path where to',
    );
  return { auditFiles: { policy: resolve(policy), log: log === '-' ? log : resolve(log) } };
}

/** `NAME=COMMAND`, the command split at blanks. @throws UsageError */
function readImages(texts: readonly string[]): Readonly<Record<string, ImageMapping>> {
  const images: [string, { readonly entrypoint: readonly string[] }][] = texts.map((text) => {
    const at = text.indexOf('=');
    const words = text
      .slice(at + 1)
      .split(/\s+/)
      .filter(Boolean);
    if (at < 1 || words.length === 0) {
      throw new UsageError(
        `--image must be NAME=COMMAND, not ${JSON.stringify(text)}`,
        'for example --image shop="node server.js"',
      );
    }
    return [text.slice(0, at), { entrypoint: words }];
  });
  return Object.fromEntries(images);
}

/**
 * Runs until a signal. Resolves with the exit code.
 * @throws UsageError
 */
export async function up(args: readonly string[], print: (text: string) => void): Promise<number> {
  const options = readUpOptions(args);
  if (options === 'help') {
    print(upHelp);
    return 0;
  }
  // Signals count from here on: one that arrives during start-up stops the cluster once it stands.
  const stop = new Promise<void>((done) => onTerminationSignal(() => done()));
  const etcd = options.etcd && (await openEtcd(options.etcd));
  try {
    const cluster = await startCluster(options, etcd);
    print(startUpText(options, cluster));
    await stop;
    await cluster.stop();
  } finally {
    await etcd?.close();
  }
  return 0;
}

function startUpText(options: UpOptions, cluster: EmbeddedCluster): string {
  const lines = [
    `gyre ${packageVersion()} (Kubernetes 1.32 API) on Node ${process.versions.node}`,
    `  store       ${storeText(options)}`,
    `  nodes       ${nodesText(options, cluster)}`,
    `  kubeconfig  ${cluster.kubeconfig}`,
    `  try         kubectl --kubeconfig ${cluster.kubeconfig} ${options.controllers ? 'create deployment web --image=nginx --port=8080' : 'get namespaces'}`,
    '  stop        Ctrl-C',
    `ready ${cluster.url}`,
  ];
  return `${lines.join('\n')}\n`;
}

function storeText({ etcd, store, dataDir }: UpOptions): string {
  if (etcd) return `etcd at ${etcd.endpoints.join(', ')}`;
  return store === 'memory' ? 'memory: nothing survives this process' : `on disk in ${dataDir}`;
}

function nodesText({ controllers, nodes, runtime }: UpOptions, cluster: EmbeddedCluster): string {
  if (!controllers) return 'none: the API server alone';
  const simulated = nodes === 0 ? '' : `${nodes} simulated${runtime === 'process' ? ' (tainted)' : ''}`;
  const local = runtime === 'process' ? `local: ${cluster.isolation}` : '';
  return [local, simulated].filter(Boolean).join('; ') || 'none';
}

async function startCluster(options: UpOptions, etcd: ObjectStore | undefined): Promise<EmbeddedCluster> {
  const { dataDir, port, kubeconfig, verbose } = options;
  const cluster: EmbeddedClusterOptions = {
    dataDir,
    store: etcd ?? options.store,
    https: { port, ...(kubeconfig === undefined ? {} : { kubeconfig }) },
    controllers: options.controllers,
    ...(options.tokenFile === undefined ? {} : { tokens: tokensIn(options.tokenFile) }),
    ...(options.encryptionFile === undefined
      ? {}
      : { encryption: await encryptionIn(options.encryptionFile) }),
    ...(options.history === undefined ? {} : { history: options.history }),
    ...(options.runtimeConfig === undefined ? {} : { runtimeConfig: options.runtimeConfig }),
    ...(options.auditFiles === undefined ? {} : { audit: await auditIn(options.auditFiles) }),
    nodes: { runtime: options.runtime, simulated: options.nodes, images: options.images },
    ...(verbose ? { log: createLogger(stderrSink(), 'debug') } : {}),
  };
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    return await EmbeddedCluster.start(cluster);
  } catch (error) {
    throw usageErrorOf(error, options) ?? error;
  }
}

/** What the user can mend; undefined for what they cannot. */
function usageErrorOf(error: unknown, { dataDir, port }: UpOptions): UsageError | undefined {
  if (error instanceof ForeignKubeconfig) {
    return new UsageError(
      error.message,
      '--kubeconfig FILE names another file; your own is never overwritten',
    );
  }
  if (error instanceof StoreLocked)
    return new UsageError(error.message, 'stop that one first, or choose another --data-dir');
  const { code, path } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'EADDRINUSE':
      return new UsageError(`port ${port} is in use`, '--port 0 takes any free port');
    case 'EACCES':
    case 'EROFS':
    case 'EPERM':
    case 'ENOTDIR':
    case 'EEXIST':
      if (code === 'EACCES' && path === undefined)
        return new UsageError(`port ${port} is not allowed`, '--port 0 takes any free port');
      return new UsageError(
        `cannot write to ${path ?? dataDir}`,
        '--data-dir DIR names a directory that can be written to',
      );
    default:
      return undefined;
  }
}
