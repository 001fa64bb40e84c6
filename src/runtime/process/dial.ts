/** TCP connections to what listens in a pod. */
import { connect, type Socket } from 'node:net';
import type { PortConnection } from '../../api/index.js';

/**
 * Aborting the signal gives the attempt up; what is connected already stays.
 * @throws Error worded as a node words it: `dial tcp 127.64.0.2:80: connect: connection refused`
 */
export async function dialTcp(host: string, port: number, signal: AbortSignal): Promise<PortConnection> {
  signal.throwIfAborted();
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
  const giveUp = (): void => void socket.destroy(signal.reason as Error);
  signal.addEventListener('abort', giveUp, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
  } catch (error) {
    throw new Error(`dial tcp ${host}:${port}: ${reasonOf(error as NodeJS.ErrnoException)}`, {
      cause: error,
    });
  } finally {
    signal.removeEventListener('abort', giveUp);
  }
  return socketConnection(socket);
}

function reasonOf({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'ECONNREFUSED':
      return 'connect: connection refused';
    case 'EHOSTUNREACH':
      return 'connect: no route to host';
    case 'ENETUNREACH':
      return 'connect: network is unreachable';
    case 'ETIMEDOUT':
      return 'i/o timeout';
    default:
      return message;
  }
}

function socketConnection(socket: Socket): PortConnection {
  // Whoever reads or writes is told.
  socket.on('error', () => {});
  return {
    received: socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>,
    write: (chunk) =>
      new Promise((resolve, reject) => {
        if (socket.writable) socket.write(chunk, (error) => (error ? reject(error) : resolve()));
        else reject(new Error('the connection is closed'));
      }),
    end: () => void socket.end(),
    destroy: () => void socket.destroy(),
  };
}
