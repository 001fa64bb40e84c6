import { expect } from 'chai';
import { slowStart } from '#src/builtin-controllers/replicaset/slow-start.js';

/** The sizes of the batches, seen by how many are under way when one waits for all that began with it. */
async function batches(count: number, failing?: number): Promise<{ sizes: number[]; error?: unknown }> {
  const sizes: number[] = [];
  let [calls, inBatch] = [0, 0];
  try {
    await slowStart(count, async () => {
      const call = calls++;
      inBatch++;
      await Promise.resolve();
      if (inBatch > 0) sizes.push(inBatch);
      inBatch = 0;
      if (call === failing) throw new Error('no more');
    });
    return { sizes };
  } catch (error) {
    return { sizes, error };
  }
}

describe('RS-3 slow start', () => {
  it('RS-1 RS-3 begins with one and doubles', async () => {
    expect(await batches(20)).to.deep.equal({ sizes: [1, 2, 4, 8, 5] });
    expect(await batches(0)).to.deep.equal({ sizes: [] });
  });

  it('RS-3 ends with the first batch in which one fails, and says why', async () => {
    const { sizes, error } = await batches(20, 4);
    expect(sizes).to.deep.equal([1, 2, 4]);
    expect(String(error)).to.equal('Error: no more');
    expect((await batches(500, 0)).sizes).to.deep.equal([1]);
  });
});
