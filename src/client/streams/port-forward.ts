/**
 * One TCP connection to a port of a pod, as a Duplex: channel 0 carries data, channel 1 what went wrong, and the first
 * message of each is the port, two bytes, low byte first.
 *
 * The protocol cannot tell the end of one direction alone: after `end()` the other side may go on writing, and hears
 * of the end when the connection is destroyed.
 */
import { Duplex } from 'node:stream';
import { type MessageConnection, TransportError } from '../../api/index.js';

export const portForwardProtocols = ['v4.channel.k8s.io'] as const;

const channel = { data: 0, error: 1 } as const;
const portBytes = 2;
const pieceBytes = 32 * 1024;

export class PortForwardConnection extends Duplex {
  readonly #connection: MessageConnection;
  #resume: () => void = () => {};

  constructor(connection: MessageConnection) {
    super({ allowHalfOpen: true });
    this.#connection = connection;
    void this.#pump();
  }

  override _read(): void {
    this.#resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, written: (error?: Error | null) => void): void {
    const sent: Promise<void>[] = [];
    for (let at = 0; at < chunk.length; at += pieceBytes) {
      const piece = chunk.subarray(at, at + pieceBytes);
      sent.push(this.#connection.send(Buffer.concat([Buffer.of(channel.data), piece])));
    }
    Promise.all(sent).then(
      () => written(),
      (error: Error) => written(error),
    );
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#connection.close();
    this.#resume();
    done(error);
  }

  async #pump(): Promise<void> {
    /** Bytes of the port still to come, by channel. */
    const ahead = [portBytes, portBytes];
    try {
      for await (const message of this.#connection.messages) {
        const from = message[0];
        if (from !== channel.data && from !== channel.error) continue;
        const skipped = Math.min(ahead[from] ?? 0, message.length - 1);
        ahead[from] = (ahead[from] ?? 0) - skipped;
        const data = message.subarray(1 + skipped);
        if (data.length === 0) continue;
        if (from === channel.error)
          throw new TransportError(`the port cannot be forwarded: ${new TextDecoder().decode(data).trim()}`);
        if (!this.push(data))
          await new Promise<void>((resume) => {
            this.#resume = resume;
          });
        if (this.destroyed) return;
      }
      this.push(null);
    } catch (error) {
      this.destroy(error as Error);
    }
  }
}
