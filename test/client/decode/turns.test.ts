/** Long streams and everybody else. */
import { expect } from 'chai';
import { inTurns } from '#src/client/decode/turns.js';

describe('reading in turns', () => {
  it('lets the event loop go round while much arrives at once, and gives every chunk in order', async () => {
    const chunks = Array.from({ length: 64 }, (_, i) => Buffer.alloc(64 * 1024, i));
    async function* atOnce(): AsyncIterable<Buffer> {
      yield* chunks;
    }
    let rounds = 0;
    let done = false;
    const count = (): void => {
      rounds++;
      if (!done) setImmediate(count);
    };
    setImmediate(count);
    const seen: Buffer[] = [];
    for await (const chunk of inTurns(atOnce())) seen.push(chunk);
    done = true;
    expect(seen).to.deep.equal(chunks);
    // 4 MiB, 128 KiB a turn.
    expect(rounds).to.be.at.least(30);
  });
});
