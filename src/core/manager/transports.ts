/** From "which cluster" to one Transport per identity. */
import type { Clock, Transport } from '../../api/index.js';
import { connect, type ConnectTarget } from '../../client/index.js';
import type { Logger } from '../../telemetry/index.js';

/**
 * `'auto'`: the cluster this pod runs in, else the kubeconfig. A kubeconfig and context by name. A Transport
 * that is there already and stays the caller's. Or a function that opens one for each identity: the
 * Manager's name and each controller's; the Manager closes those.
 */
export type ClusterTarget = ConnectTarget | Transport | ((identity: string) => Transport);

export interface Transports {
  /** The server's host and port; `in-process` for a Transport that was there already. */
  readonly host: string;
  /** The namespace this pod runs in, else the context's; `default` for a Transport that was there already. */
  readonly namespace: string;
  of(identity: string): Transport;
  close(): void;
}

const inProcess = 'in-process';

function isTransport(target: ConnectTarget | Transport): target is Transport {
  return typeof target === 'object' && 'request' in target && typeof target.request === 'function';
}

/** @throws KubeconfigError when no usable configuration is found */
export async function openTransports(
  target: ClusterTarget,
  deps: { readonly clock: Clock; readonly log: Logger },
): Promise<Transports> {
  if (typeof target === 'function') {
    const opened = new Map<string, Transport>();
    return {
      host: inProcess,
      namespace: 'default',
      of: (identity) => {
        const transport = opened.get(identity) ?? target(identity);
        opened.set(identity, transport);
        return transport;
      },
      close: () => {
        for (const transport of opened.values()) transport.close();
      },
    };
  }
  if (isTransport(target))
    return { host: inProcess, namespace: 'default', of: () => target, close: () => {} };
  const { transport, server, namespace } = await connect(target, { clock: deps.clock, log: deps.log });
  deps.log.info('connected', { server });
  return { host: new URL(server).host, namespace, of: () => transport, close: () => transport.close() };
}
