/** Writing what comes from a source to a stream, no faster than it is taken. */
import type { Writable } from 'node:stream';

/** Resolves when the source has ended, or the stream takes no more; ends the source, not the stream. */
export async function writeAll(source: AsyncIterable<Uint8Array>, sink: Writable): Promise<void> {
  // Who does not read his input is no failure.
  sink.on('error', () => {});
  for await (const chunk of source) {
    if (sink.destroyed || !sink.writable) return;
    await new Promise<void>((resolve) => {
      sink.once('close', resolve);
      sink.write(chunk, () => {
        sink.off('close', resolve);
        resolve();
      });
    });
  }
}
