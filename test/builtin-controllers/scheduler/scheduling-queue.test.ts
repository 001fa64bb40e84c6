import { expect } from 'chai';
import { VirtualClock } from 'gyre/testing';
import { PodInfo } from '#src/builtin-controllers/scheduler/pod-info.js';
import { SchedulingQueue } from '#src/builtin-controllers/scheduler/scheduling-queue.js';
import { pod } from './world.js';

const info = (name: string, priority = 0) => new PodInfo(pod(name, { spec: { priority } }));
const fit = new Set(['NodeResourcesFit']);

describe('SchedulingQueue', () => {
  let clock: VirtualClock;
  let queue: SchedulingQueue;
  const taken = (): string | undefined => queue.take()?.pod.metadata.name;

  beforeEach(() => {
    clock = new VirtualClock();
    queue = new SchedulingQueue(clock, () => {});
  });
  afterEach(() => {
    queue.stop();
    expect(clock.pending).to.equal(0);
  });

  it('SC-1 gives the most important first, then the one that waits longest', () => {
    for (const it of [info('a'), info('low', -1), info('b'), info('high', 2_000_000_000)])
      queue.set(it, true);
    expect([taken(), taken(), taken(), taken(), taken()]).to.deep.equal(['high', 'a', 'b', 'low', undefined]);
  });

  it('SC-1 backs off 1 s after the first failure, doubling to 10 s', async () => {
    queue.set(info('a'), true);
    expect(taken()).to.equal('a');
    for (const seconds of [1, 2, 4, 8, 10, 10]) {
      queue.failWithError('uid-a');
      await clock.advance(seconds * 1000 - 1);
      expect(taken()).to.equal(undefined);
      await clock.advance(1);
      expect(taken()).to.equal('a');
    }
  });

  it('SC-1 counts the back-off from the failure, not from the event that wakes', async () => {
    queue.set(info('a'), true);
    taken();
    queue.failUnschedulable('uid-a', fit);
    await clock.advance('1s');
    queue.wake(() => true);
    expect(taken()).to.equal('a');
  });

  it('SC-1 wakes those whose rejecting plugins see hope, and those of whom nothing is known', async () => {
    for (const name of ['a', 'b', 'c']) {
      queue.set(info(name), true);
      taken();
      queue.failUnschedulable(`uid-${name}`, name === 'c' ? new Set() : new Set([name]));
    }
    await clock.advance('10s');
    queue.wake((_, rejectedBy) => rejectedBy.has('b'));
    expect([taken(), taken(), taken()]).to.deep.equal(['b', 'c', undefined]);
  });

  it('SC-1 tries again what was left alone for five minutes', async () => {
    queue.set(info('a'), true);
    taken();
    queue.failUnschedulable('uid-a', fit);
    await clock.advance('5m');
    expect(taken()).to.equal(undefined);
    await clock.advance('30s');
    expect(taken()).to.equal('a');
  });

  it('forgets a pod that is gone, wherever it waits', async () => {
    const names = ['backing-off', 'stuck', 'ready'];
    for (const name of names) queue.set(info(name), true);
    taken();
    queue.failWithError('uid-backing-off');
    taken();
    queue.failUnschedulable('uid-stuck', fit);
    for (const name of names) queue.delete(`uid-${name}`);
    queue.wake(() => true);
    await clock.advance('10m');
    expect(taken()).to.equal(undefined);
    expect(queue.size).to.equal(0);
  });

  it('wakes a pod whose own change matters, and not for any other', async () => {
    queue.set(info('a'), true);
    taken();
    queue.failUnschedulable('uid-a', fit);
    await clock.advance('1s');
    queue.set(info('a'), false);
    expect(taken()).to.equal(undefined);
    queue.set(info('a'), true);
    expect(taken()).to.equal('a');
  });

  it('does not give a pod twice that changes while it is being bound', () => {
    queue.set(info('a'), true);
    expect(taken()).to.equal('a');
    queue.set(info('a'), true);
    expect(taken()).to.equal(undefined);
  });
});
