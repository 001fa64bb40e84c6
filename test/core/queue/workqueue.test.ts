/** The queue's contract, by example and as properties against a model. */
import { expect } from 'chai';
import fc from 'fast-check';
import { WorkQueue } from 'gyre';
import { VirtualClock } from 'gyre/testing';

const drain = (queue: WorkQueue): string[] => {
  const keys: string[] = [];
  for (let key = queue.tryGet(); key !== undefined; key = queue.tryGet()) {
    keys.push(key);
    queue.done(key);
  }
  return keys;
};

describe('WorkQueue', () => {
  let clock: VirtualClock;
  let queue: WorkQueue;
  beforeEach(() => {
    clock = new VirtualClock();
    queue = new WorkQueue({ clock });
  });

  it('gives keys first in, first out, each once', () => {
    for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key);
    expect(queue.depth).to.equal(3);
    expect(drain(queue)).to.deep.equal(['a', 'b', 'c']);
  });

  it('gives higher priorities first, and keeps the higher one when a key is added twice', () => {
    queue.add('low', { priority: -100 });
    queue.add('a');
    queue.add('b');
    queue.add('low2', { priority: -100 });
    queue.add('low2', { priority: 5 });
    queue.add('b', { priority: -100 });
    expect(drain(queue)).to.deep.equal(['low2', 'a', 'b', 'low']);
  });

  it('holds a key back while it is worked on, and gives it again if it was added meanwhile', () => {
    queue.add('a');
    expect(queue.tryGet()).to.equal('a');
    queue.add('a');
    queue.add('a');
    expect(queue.tryGet()).to.equal(undefined);
    queue.done('a');
    expect(queue.tryGet()).to.equal('a');
    queue.done('a');
    expect(queue.tryGet()).to.equal(undefined);
  });

  it('keeps the earliest time when one key is added twice', async () => {
    queue.add('a', { after: 10_000 });
    queue.add('a', { after: 2_000 });
    queue.add('a', { after: 5_000 });
    await clock.advance(1_999);
    expect(queue.depth).to.equal(0);
    await clock.advance(1);
    expect(drain(queue)).to.deep.equal(['a']);
    await clock.advance(20_000);
    expect(queue.depth).to.equal(0);
    expect(clock.pending).to.equal(0);
  });

  it('takes a delayed key at once when it is added without delay', () => {
    queue.add('a', { after: 10_000 });
    queue.add('a');
    expect(drain(queue)).to.deep.equal(['a']);
    expect(clock.pending).to.equal(0);
  });

  it('backs off from 5 ms, doubling, to 1000 s; forget starts again', async () => {
    const delays = Array.from({ length: 20 }, () => {
      const delay = queue.addRateLimited('a');
      return delay;
    });
    expect(delays.slice(0, 5)).to.deep.equal([5, 10, 20, 40, 80]);
    expect(delays.at(-1)).to.equal(1_000_000);
    queue.forget('a');
    expect(queue.addRateLimited('a')).to.equal(5);
    expect(queue.failuresOf('a')).to.equal(1);
  });

  it('takes turns between fairness groups within a priority', () => {
    const fair = new WorkQueue({ clock, fairness: (key: string) => key.split('/')[0] ?? '' });
    for (const key of ['noisy/1', 'noisy/2', 'noisy/3', 'quiet/1', 'other/1', 'quiet/2']) fair.add(key);
    fair.add('noisy/urgent', { priority: 1 });
    expect(drain(fair)).to.deep.equal([
      'noisy/urgent',
      'noisy/1',
      'quiet/1',
      'other/1',
      'noisy/2',
      'quiet/2',
      'noisy/3',
    ]);
  });

  it('hands a key to whoever waits for one', async () => {
    const first = queue.get();
    const second = queue.get();
    queue.add('a');
    queue.add('b', { after: 100 });
    expect(await first).to.equal('a');
    await clock.advance(100);
    expect(await second).to.equal('b');
  });

  it('after shutDown takes nothing more, gives what was ready, and leaves no timer', async () => {
    queue.add('a');
    queue.add('later', { after: 1000 });
    const waiting = new WorkQueue({ clock });
    const pending = waiting.get();
    waiting.shutDown();
    expect(await pending).to.equal(undefined);
    queue.shutDown();
    queue.add('b');
    expect(drain(queue)).to.deep.equal(['a']);
    expect(await queue.get()).to.equal(undefined);
    expect(clock.pending).to.equal(0);
  });

  it('agrees with a model under any sequence of operations (property)', async () => {
    const key = fc.constantFrom('a', 'b', 'c', 'd');
    const operation = fc.oneof(
      fc.record({
        op: fc.constant('add' as const),
        key,
        after: fc.constantFrom(0, 0, 5, 50),
        priority: fc.constantFrom(0, 0, 7, -7),
      }),
      fc.record({ op: fc.constant('retry' as const), key }),
      fc.record({ op: fc.constant('get' as const) }),
      fc.record({ op: fc.constant('done' as const), key }),
      fc.record({ op: fc.constant('forget' as const), key }),
      fc.record({ op: fc.constant('advance' as const), ms: fc.constantFrom(1, 5, 45) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 60 }), async (operations) => {
        const time = new VirtualClock();
        const real = new WorkQueue({ clock: time });
        const model = new Model();
        for (const o of operations) {
          switch (o.op) {
            case 'add':
              real.add(o.key, { after: o.after, priority: o.priority });
              model.add(o.key, o.after, o.priority);
              break;
            case 'retry':
              expect(real.addRateLimited(o.key)).to.equal(model.retry(o.key));
              break;
            case 'get':
              expect(real.tryGet()).to.equal(model.get());
              break;
            case 'done':
              real.done(o.key);
              model.done(o.key);
              break;
            case 'forget':
              real.forget(o.key);
              model.forget(o.key);
              break;
            case 'advance':
              await time.advance(o.ms);
              model.advance(o.ms);
          }
          expect([real.depth, real.delayed, real.working]).to.deep.equal(model.sizes());
        }
        // No key is lost: once everything is finished and time has passed, each comes exactly as often as owed.
        for (const held of model.working()) {
          real.done(held);
          model.done(held);
        }
        await time.advance('1h');
        model.advance(3_600_000);
        const left: string[] = [];
        for (let next = real.tryGet(); next !== undefined; next = real.tryGet()) {
          left.push(next);
          expect(next).to.equal(model.get());
        }
        expect(new Set(left).size).to.equal(left.length);
        expect(model.get()).to.equal(undefined);
      }),
      { numRuns: 400 },
    );
  });
});

interface Waiting {
  key: string;
  dueAt: number;
  priority: number;
  order: number;
}

/** The contract, as simply as it can be said: a list that is searched. */
class Model {
  #now = 0;
  #order = 0;
  #waiting: Waiting[] = [];
  readonly #working = new Map<string, Waiting | undefined>();
  readonly #failures = new Map<string, number>();

  add(key: string, after: number, priority: number): void {
    const dueAt = after > 0 ? this.#now + after : 0;
    if (this.#working.has(key)) {
      const again = this.#working.get(key);
      this.#working.set(
        key,
        again
          ? { ...again, dueAt: Math.min(again.dueAt, dueAt), priority: Math.max(again.priority, priority) }
          : { key, dueAt, priority, order: 0 },
      );
      return;
    }
    const present = this.#waiting.find((w) => w.key === key);
    if (!present) {
      this.#waiting.push({ key, dueAt, priority, order: this.#order++ });
      return;
    }
    const wasReady = this.#isReady(present);
    // A key changes its place in line only when it moves to another line.
    if ((wasReady && priority > present.priority) || (!wasReady && dueAt <= this.#now))
      present.order = this.#order++;
    present.priority = Math.max(present.priority, priority);
    if (!wasReady && dueAt < present.dueAt) {
      present.dueAt = dueAt;
      present.order = this.#order++;
    }
  }
  retry(key: string): number {
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    const delay = Math.min(1_000_000, 5 * 2 ** failures);
    this.add(key, delay, 0);
    return delay;
  }
  get(): string | undefined {
    const ready = this.#waiting
      .filter((w) => this.#isReady(w))
      .sort((a, b) => b.priority - a.priority || a.order - b.order);
    const [next] = ready;
    if (!next) return undefined;
    this.#waiting = this.#waiting.filter((w) => w !== next);
    this.#working.set(next.key, undefined);
    return next.key;
  }
  done(key: string): void {
    if (!this.#working.has(key)) return;
    const again = this.#working.get(key);
    this.#working.delete(key);
    if (again) this.#waiting.push({ ...again, order: this.#order++ });
  }
  forget(key: string): void {
    this.#failures.delete(key);
  }
  advance(ms: number): void {
    const until = this.#now + ms;
    // Those that fall due line up in the order of their times.
    const due = this.#waiting
      .filter((w) => w.dueAt > this.#now && w.dueAt <= until)
      .sort((a, b) => a.dueAt - b.dueAt || a.order - b.order);
    for (const waiting of due) waiting.order = this.#order++;
    this.#now = until;
  }
  working(): string[] {
    return [...this.#working.keys()];
  }
  sizes(): [number, number, number] {
    const ready = this.#waiting.filter((w) => this.#isReady(w)).length;
    return [ready, this.#waiting.length - ready, this.#working.size];
  }
  #isReady(waiting: Waiting): boolean {
    return waiting.dueAt <= this.#now;
  }
}
