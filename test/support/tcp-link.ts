/** A stretch of network that a test can break: forwards connections to a port of this machine. */
import { connect, createServer, type Server, type Socket } from 'node:net';

export class TcpLink implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #broken = false;

  private constructor(to: number) {
    this.#server = createServer((incoming) => {
      if (this.#broken) {
        incoming.destroy();
        return;
      }
      const outgoing = connect(to, '127.0.0.1');
      for (const socket of [incoming, outgoing]) {
        this.#sockets.add(socket);
        socket.on('error', () => {});
        socket.once('close', () => {
          this.#sockets.delete(socket);
          incoming.destroy();
          outgoing.destroy();
        });
      }
      incoming.pipe(outgoing).pipe(incoming);
    });
  }

  static async to(port: number): Promise<TcpLink> {
    const link = new TcpLink(port);
    await new Promise<void>((resolve) => link.#server.listen(0, '127.0.0.1', resolve));
    return link;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  /** Ends the connections there are; new ones are taken. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
  /** Ends all, and takes no new ones until it is mended. */
  break(): void {
    this.#broken = true;
    this.cut();
  }
  mend(): void {
    this.#broken = false;
  }
  /** Delivers nothing more, in either direction, and ends nothing. */
  freeze(): void {
    for (const socket of this.#sockets) socket.unpipe().pause();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.break();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
