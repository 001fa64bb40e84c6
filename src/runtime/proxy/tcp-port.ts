/**
 * One TCP port of a Service, relayed in user space: each connection goes to one target, with both halves
 * closed as the peers close them. A target that refuses is skipped, so that a pod that has just gone is not
 * noticed by clients.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Cancel, Clock } from '../../api/index.js';
import type { Balancer } from './balancer.js';
import type { Target } from './service-ports.js';

/** Before the next target is tried, ms. */
const connectTimeoutMs = 2000;

export class TcpPort {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(
    private readonly balancer: Balancer,
    private readonly clock: Clock,
  ) {
    this.#server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (client) => {
      void this.#relay(client);
    });
  }

  /** @throws Error with code EADDRINUSE, EACCES or EADDRNOTAVAIL */
  static async listen(address: string, port: number, balancer: Balancer, clock: Clock): Promise<TcpPort> {
    const made = new TcpPort(balancer, clock);
    await new Promise<void>((resolve, reject) => {
      made.#server.once('error', reject);
      made.#server.listen({ host: address, port }, () => {
        made.#server.off('error', reject);
        // Out of file descriptors, say: the port lives on.
        made.#server.on('error', () => {});
        resolve();
      });
    });
    return made;
  }

  /** Takes no more connections; those under way go on unless `abort`. */
  close(abort: boolean): void {
    this.#server.close();
    if (abort) for (const socket of this.#sockets) socket.destroy();
  }

  async #relay(client: Socket): Promise<void> {
    this.#track(client);
    const from = client.remoteAddress ?? '';
    for (const target of this.balancer.order(from)) {
      const upstream = await this.#connect(target);
      if (client.destroyed) {
        upstream?.destroy();
        return;
      }
      if (!upstream) continue;
      this.balancer.chosen(from, target);
      this.#track(upstream);
      ending(client, upstream);
      ending(upstream, client);
      upstream.pipe(client);
      client.pipe(upstream);
      return;
    }
    // As if nobody listened.
    client.resetAndDestroy();
  }

  #connect(target: Target): Promise<Socket | undefined> {
    return new Promise((resolve) => {
      const socket = connect({ host: target.address, port: target.port, allowHalfOpen: true, noDelay: true });
      let cancel: Cancel = () => {};
      const settle = (result: Socket | undefined): void => {
        cancel();
        socket.off('error', fail);
        if (!result) socket.destroy();
        resolve(result);
      };
      const fail = (): void => settle(undefined);
      cancel = this.clock.setTimer(connectTimeoutMs, fail);
      socket.once('error', fail);
      socket.once('connect', () => settle(socket));
    });
  }

  #track(socket: Socket): void {
    // Its close tells the other side.
    socket.on('error', () => {});
    socket.setNoDelay(true);
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
  }
}

/** When one side is gone the other goes too: at once after an error, else when it has got what was sent. */
function ending(side: Socket, other: Socket): void {
  side.once('close', (failed) => {
    if (failed) other.destroy();
    else other.destroySoon();
  });
}
