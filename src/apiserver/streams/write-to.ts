/** Writing to a stream no faster than it takes it. */
import type { Writable } from 'node:stream';

/** Resolves when more can be written; false when nobody takes it any more. */
export function writeTo(stream: Writable, chunk: Uint8Array): boolean | Promise<boolean> {
  if (!stream.writable) return false;
  if (stream.write(chunk)) return true;
  return new Promise((resolve) => {
    const finish = (): void => {
      stream.off('drain', finish);
      stream.off('close', finish);
      resolve(stream.writable);
    };
    stream.on('drain', finish);
    stream.on('close', finish);
  });
}
