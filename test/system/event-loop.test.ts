import { expect } from 'chai';
import { sampleEventLoopLag } from '#src/system/index.js';

describe('event loop lag', () => {
  it('is the longest time that others were kept waiting', async () => {
    const lags: number[] = [];
    const stop = sampleEventLoopLag((lag) => lags.push(lag), 60);
    await new Promise((resolve) => setTimeout(resolve, 50));
    const until = performance.now() + 150;
    while (performance.now() < until);
    await new Promise((resolve) => setTimeout(resolve, 150));
    stop();
    const seen = lags.length;
    expect(Math.max(...lags)).to.be.within(90, 1000);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(lags).to.have.length(seen);
  });
});
