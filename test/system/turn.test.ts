import { expect } from 'chai';
import { turnGate } from '#src/system/index.js';

describe('turnGate', () => {
  /** What happens, in its order: who passes, and which turns of the event loop end. */
  function recorder(gate: () => Promise<void>) {
    const seen: string[] = [];
    return {
      seen,
      come: (name: string): void => void gate().then(() => seen.push(name)),
      turn: (name: string): Promise<void> =>
        new Promise((resolve) =>
          setImmediate(() => {
            seen.push(name);
            resolve();
          }),
        ),
    };
  }

  it('opens at the end of the turn, for all who have come in it, together', async () => {
    const { seen, come, turn } = recorder(turnGate());
    come('a');
    come('b');
    expect(seen).to.deep.equal([]);
    await turn('end');
    expect(seen).to.deep.equal(['a', 'b', 'end']);
  });

  it('stays closed for another turn when more than one have come', async () => {
    const { seen, come, turn } = recorder(turnGate(2));
    come('a');
    come('b');
    await turn('first');
    come('c');
    await turn('second');
    expect(seen).to.deep.equal(['first', 'a', 'b', 'c', 'second']);
  });

  it('does not keep somebody waiting who comes alone', async () => {
    const { seen, come, turn } = recorder(turnGate(2));
    come('a');
    await turn('first');
    expect(seen).to.deep.equal(['a', 'first']);
    come('b');
    await turn('second');
    expect(seen).to.deep.equal(['a', 'first', 'b', 'second']);
  });

  it('opens after the last turn it may stay closed for, however many come', async () => {
    const { seen, come, turn } = recorder(turnGate(2));
    for (let i = 0; i < 3; i++) {
      come(`${i}a`);
      come(`${i}b`);
      await turn(`turn ${i}`);
    }
    expect(seen.slice(0, 6)).to.deep.equal(['turn 0', '0a', '0b', '1a', '1b', 'turn 1']);
  });
});
