/**
 * Lets others have their turn of the event loop. One read of a fast socket gives megabytes before Node looks at
 * anything else, and what comes of them is handled at once: renewals and probes would wait.
 */
import { drainMicrotasks } from '../../system/index.js';

/** A millisecond or two of decoding. */
const bytesPerTurn = 128 * 1024;

/** The chunks, with a pause after so many bytes; meanwhile back-pressure holds the sender. */
export async function* inTurns(chunks: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  let left = bytesPerTurn;
  for await (const chunk of chunks) {
    yield chunk;
    left -= chunk.length;
    if (left > 0) continue;
    left = bytesPerTurn;
    await drainMicrotasks();
  }
}
