/** A TCP relay that cuts, resets and swallows. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export class Relay {
  /** Bytes from the server still to be passed on before the connection is reset; undefined: all. */
  resetAfter: number | undefined;
  /** Passes nothing on, in either direction, and closes nothing. */
  swallows = false;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  readonly #server: Server;

  constructor(private readonly target: number) {
    this.#server = createServer((client) => this.#relay(client));
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  reset(): void {
    for (const pair of this.#pairs) for (const socket of pair) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.reset();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #relay(client: Socket): void {
    const server = connect(this.target, '127.0.0.1');
    const pair = [client, server] as const;
    this.#pairs.add(pair);
    for (const socket of pair) {
      socket.on('error', () => {});
      socket.once('close', () => {
        this.#pairs.delete(pair);
        for (const other of pair) if (!this.swallows) other.destroy();
      });
    }
    client.on('data', (data) => {
      if (!this.swallows) server.write(data);
    });
    server.on('data', (data) => {
      if (this.swallows) return;
      if (this.resetAfter === undefined) {
        client.write(data);
        return;
      }
      const passed = data.subarray(0, this.resetAfter);
      this.resetAfter -= passed.length;
      if (passed.length === data.length) {
        client.write(data);
        return;
      }
      this.resetAfter = undefined;
      client.write(passed, () => client.resetAndDestroy());
    });
  }
}
