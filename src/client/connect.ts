/** One call from "where is the cluster" to a Transport. */
import type { Clock, Transport } from '../api/index.js';
import { systemClock } from '../system/index.js';
import { createHttpTransport, type HttpTransportOptions } from './http-transport.js';
import {
  inClusterConfig,
  type KubeconfigOptions,
  loadKubeconfig,
  type ResolvedCluster,
} from './kubeconfig.js';

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
  readonly userAgent?: string;
  readonly onWarning?: HttpTransportOptions['onWarning'];
}

/** @throws KubeconfigError when no usable configuration is found */
export async function connect(target: ConnectTarget = 'auto', deps: ConnectDeps = {}): Promise<Connection> {
  const clock = deps.clock ?? systemClock;
  const found: ResolvedCluster =
    (target === 'auto' ? inClusterConfig(clock) : undefined) ??
    (await loadKubeconfig(target === 'auto' ? {} : target, clock));
  const transport = createHttpTransport({
    ...found.transport,
    ...(deps.userAgent === undefined ? {} : { userAgent: deps.userAgent }),
    ...(deps.onWarning === undefined ? {} : { onWarning: deps.onWarning }),
  });
  return { transport, namespace: found.namespace, server: found.transport.server };
}
