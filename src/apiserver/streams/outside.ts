/** Connections to endpoints that are no pods: whatever an Endpoints object or EndpointSlice names. */
import { BlockList, connect, isIPv6, type Socket } from 'node:net';
import { badRequest } from '../../api/index.js';

/** Addresses of the machine itself, which nobody may reach through the API server. */
const own = new BlockList();
own.addSubnet('127.0.0.0', 8, 'ipv4');
own.addSubnet('169.254.0.0', 16, 'ipv4');
own.addSubnet('0.0.0.0', 8, 'ipv4');
own.addSubnet('224.0.0.0', 4, 'ipv4');
own.addAddress('::1', 'ipv6');
own.addAddress('::', 'ipv6');
own.addSubnet('fe80::', 10, 'ipv6');
own.addSubnet('ff00::', 8, 'ipv6');

/** @throws ApiError BadRequest `address not allowed`; Error when nobody answers */
export async function connectOutside(
  { host, port }: { readonly host: string; readonly port: number },
  signal: AbortSignal,
): Promise<Socket> {
  if (own.check(host, isIPv6(host) ? 'ipv6' : 'ipv4')) throw badRequest('address not allowed');
  signal.throwIfAborted();
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
  const giveUp = (): void => void socket.destroy(signal.reason as Error);
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
  return socket;
}
