/** `gyre up`: an embedded cluster on loopback until it is told to stop. */
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { EmbeddedCluster, ForeignKubeconfig } from '../cluster/index.js';
import { onTerminationSignal, stderrSink } from '../system/index.js';
import { createLogger } from '../telemetry/index.js';
import { choiceOption, integerOption, readOptions, UsageError } from './arguments.js';
import { packageVersion } from './version.js';

export const upHelp = `Usage: gyre up [options]

Starts a Kubernetes-compatible control plane in this process, on 127.0.0.1.

  --data-dir DIR      certificates and kubeconfig live here         (default .gyre)
  --store STORE       memory | embedded                             (default memory)
  --port N            0 takes any free port                         (default 6443)
  --kubeconfig FILE   where to write the kubeconfig                 (default DIR/kubeconfig)
  --runtime RUNTIME   simulated: pods only go through the motions   (default simulated)
  --nodes N           how many simulated nodes                      (default 1)
  --no-controllers    the API server alone: no controllers or nodes
  --verbose           log what the control plane does to stderr
  --help

The last line of the start-up output is "ready URL". SIGINT and SIGTERM stop it; a second one forces.
`;

export interface UpOptions {
  readonly dataDir: string;
  readonly port: number;
  readonly kubeconfig?: string;
  readonly verbose: boolean;
  readonly runtime: 'simulated';
  readonly nodes: number;
  readonly controllers: boolean;
}

/** @throws UsageError */
export function readUpOptions(args: readonly string[]): UpOptions | 'help' {
  const given = readOptions('up', args, {
    'data-dir': { type: 'string', default: '.gyre' },
    store: { type: 'string', default: 'memory' },
    port: { type: 'string', default: '6443' },
    kubeconfig: { type: 'string' },
    runtime: { type: 'string', default: 'simulated' },
    nodes: { type: 'string', default: '1' },
    'no-controllers': { type: 'boolean', default: false },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  });
  if (given.help) return 'help';
  if (choiceOption('store', given.store, ['memory', 'embedded']) === 'embedded') {
    throw new UsageError(
      '--store embedded is not there yet',
      'use --store memory; nothing survives the process then',
    );
  }
  return {
    dataDir: resolve(given['data-dir']),
    port: integerOption('port', given.port, 0, 65535),
    verbose: given.verbose,
    runtime: choiceOption('runtime', given.runtime, ['simulated']),
    nodes: integerOption('nodes', given.nodes, 0, 5000),
    controllers: !given['no-controllers'],
    ...(given.kubeconfig === undefined ? {} : { kubeconfig: resolve(given.kubeconfig) }),
  };
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
  const cluster = await startCluster(options);
  print(
    `gyre ${packageVersion()} (Kubernetes 1.32 API) on Node ${process.versions.node}
  store       memory: nothing survives this process
  kubeconfig  ${cluster.kubeconfig}
  try         kubectl --kubeconfig ${cluster.kubeconfig} get namespaces
  stop        Ctrl-C
ready ${cluster.url}
`,
  );
  await stop;
  await cluster.stop();
  return 0;
}

async function startCluster(options: UpOptions): Promise<EmbeddedCluster> {
  const { dataDir, port, kubeconfig, verbose } = options;
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    return await EmbeddedCluster.start({
      dataDir,
      controllers: options.controllers,
      nodes: { simulated: options.nodes },
      https: { port, ...(kubeconfig === undefined ? {} : { kubeconfig }) },
      ...(verbose ? { log: createLogger(stderrSink(), 'debug') } : {}),
    });
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') throw new UsageError(`port ${port} is in use`, '--port 0 takes any free port');
    if (code === 'EACCES' && path === undefined)
      throw new UsageError(`port ${port} is not allowed`, '--port 0 takes any free port');
    if (
      code === 'EACCES' ||
      code === 'EROFS' ||
      code === 'EPERM' ||
      code === 'ENOTDIR' ||
      code === 'EEXIST'
    ) {
      throw new UsageError(
        `cannot write to ${path ?? dataDir}`,
        '--data-dir DIR names a directory that can be written to',
      );
    }
    if (error instanceof ForeignKubeconfig) {
      throw new UsageError(
        error.message,
        '--kubeconfig FILE names another file; your own is never overwritten',
      );
    }
    throw error;
  }
}
