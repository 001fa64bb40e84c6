import { expect } from 'chai';
import { CrashBackoff } from '#src/runtime/kubelet/backoff.js';

describe('CrashBackoff', () => {
  it('KL-6 does not wait the first time, then 10 s, doubling to 300 s, from the end of the run', () => {
    const backoff = new CrashBackoff();
    const waits: number[] = [];
    let now = 0;
    for (let i = 0; i < 8; i++) {
      const ended = now + 1000;
      const wait = backoff.waiting('c', ended, ended);
      waits.push(wait?.delayMs ?? 0);
      now = wait?.until ?? ended;
      expect(backoff.waiting('c', ended, now)).to.equal(undefined);
      backoff.next('c', ended, now);
    }
    expect(waits).to.deep.equal([0, 10, 20, 40, 80, 160, 300, 300].map((s) => s * 1000));
  });

  it('KL-6 starts over after a run of more than ten minutes, and not because the wait itself took long', () => {
    const backoff = new CrashBackoff();
    for (let i = 0; i < 6; i++) backoff.next('c', 0, 0);
    // It ended nine minutes after its start: the five minutes of waiting go beyond the ten.
    const ended = 9 * 60_000;
    expect(backoff.waiting('c', ended, ended + 299_000)).to.deep.equal({
      until: ended + 300_000,
      delayMs: 300_000,
    });
    expect(backoff.waiting('c', 600_001, 600_001)).to.equal(undefined);
    backoff.next('c', 600_001, 600_001);
    expect(backoff.waiting('c', 601_000, 601_000)?.delayMs).to.equal(10_000);
  });

  it('KL-6 keeps containers apart', () => {
    const backoff = new CrashBackoff();
    backoff.next('a', 0, 0);
    expect(backoff.waiting('b', 0, 0)).to.equal(undefined);
  });
});
