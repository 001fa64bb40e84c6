/** A connection to a port as a Node stream, for what speaks a protocol over it. */
import { Duplex } from 'node:stream';
import type { PortConnection } from '../../api/index.js';

export function portDuplex(connection: PortConnection): Duplex {
  let resume: () => void = () => {};
  const duplex = new Duplex({
    allowHalfOpen: true,
    read: () => resume(),
    write: (chunk: Buffer, _encoding, written) => {
      connection.write(chunk).then(
        () => written(),
        (error: Error) => written(error),
      );
    },
    final: (ended) => {
      connection.end();
      ended();
    },
    destroy: (error, destroyed) => {
      connection.destroy();
      resume();
      destroyed(error);
    },
  });
  const pump = async (): Promise<void> => {
    for await (const chunk of connection.received) {
      if (duplex.destroyed) return;
      if (!duplex.push(chunk))
        await new Promise<void>((resolve) => {
          resume = resolve;
        });
    }
    duplex.push(null);
  };
  pump().catch((error: Error) => duplex.destroy(error));
  return duplex;
}
