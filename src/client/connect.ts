/** One call from "where is the cluster" to a Transport. */
import type { Clock, Random, Transport } from '../api/index.js';
import { systemClock, systemRandom } from '../system/index.js';
import type { Logger } from '../telemetry/index.js';
import { createHttpTransport, type HttpTransportOptions } from './http-transport.js';
import { inClusterConfig } from './config/in-cluster.js';
import { loadKubeconfig, type ResolvedCluster } from './config/kubeconfig.js';
import type { KubeconfigOptions } from './config/kubeconfig-files.js';
import { proxyFromEnvironment } from './config/proxy-environment.js';
import { rateLimitedTransport } from './rate-limited-transport.js';
import { type RetryOptions, retryingTransport } from './retrying-transport.js';

/** `'auto'`: the cluster this pod runs in, else the kubeconfig. */
export type ConnectTarget = 'auto' | KubeconfigOptions;

export interface Connection {
  readonly transport: Transport;
  /** The namespace of the context, or of the pod. */
  readonly namespace: string;
  readonly server: string;
}

export interface ConnectDeps {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly userAgent?: string;
  /** Called for each `Warning` of the server. Default: each text is logged once, when there is a `log`. */
  readonly onWarning?: HttpTransportOptions['onWarning'];
  readonly log?: Logger;
  /** Many watches over one connection, with servers that can. Default false. */
  readonly http2?: HttpTransportOptions['http2'];
  /** How failed requests are tried again; `false` sends each once. Default: at most five times. */
  readonly retry?: false | Omit<RetryOptions, 'clock' | 'random'>;
  /** Requests per second that this connection may send in the long run. Default: as many as are asked for. */
  readonly qps?: number;
  /** How many of them may come at once. Default: twice `qps`. */
  readonly burst?: number;
  /** Where proxies and the service account's server are named. Default: the process's own. */
  readonly env?: NodeJS.ProcessEnv;
}

/** How many different warnings are remembered as told. */
const maxWarnings = 1000;

/** @throws KubeconfigError when no usable configuration is found */
export async function connect(target: ConnectTarget = 'auto', deps: ConnectDeps = {}): Promise<Connection> {
  const { clock = systemClock, random = systemRandom, env = process.env, log, userAgent, http2 } = deps;
  const found: ResolvedCluster =
    (target === 'auto' ? inClusterConfig(clock, env) : undefined) ??
    (await loadKubeconfig(target === 'auto' ? {} : target, clock));
  const { server } = found.transport;
  const proxy = found.transport.proxy ?? proxyFromEnvironment(server, env);
  const onWarning = deps.onWarning ?? (log ? warnOnce(log) : undefined);
  let transport = createHttpTransport({
    ...found.transport,
    clock,
    ...(proxy === undefined ? {} : { proxy }),
    ...(http2 === undefined ? {} : { http2 }),
    ...(userAgent === undefined ? {} : { userAgent }),
    ...(onWarning === undefined ? {} : { onWarning }),
  });
  // Each attempt counts against the limit.
  if (deps.qps !== undefined)
    transport = rateLimitedTransport(transport, {
      clock,
      qps: deps.qps,
      ...(deps.burst === undefined ? {} : { burst: deps.burst }),
    });
  if (deps.retry !== false) transport = retryingTransport(transport, { clock, random, ...deps.retry });
  return { transport, namespace: found.namespace, server };
}

/** Servers repeat a warning with every request that deserves it. */
function warnOnce(log: Logger): (text: string) => void {
  const told = new Set<string>();
  return (text) => {
    if (told.has(text) || told.size >= maxWarnings) return;
    told.add(text);
    log.warn('the API server warns', { warning: text });
  };
}
