import { expect } from 'chai';
import fc from 'fast-check';
import { type CacheReader, compareResourceVersion, Expectations, keyOf } from 'gyre';
import { Pod } from 'gyre/kinds';
import { VirtualClock } from 'gyre/testing';

const owner = (uid: string) => ({ metadata: { uid } });
const pod = (name: string, version: number, metadata: object = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: {
    name,
    namespace: 'default',
    uid: `uid-${name}`,
    resourceVersion: String(version),
    creationTimestamp: '2026-01-01T00:00:00Z',
    ...metadata,
  },
  spec: { containers: [] },
});

/** A cache of pods at a version. */
class FakeCache implements Pick<CacheReader, 'get' | 'resourceVersion'> {
  readonly pods = new Map<string, Pod>();
  constructor(public version = '1') {}
  set(...pods: readonly Pod[]): this {
    for (const object of pods) {
      this.pods.set(keyOf(object), object);
      if (compareResourceVersion(object.metadata.resourceVersion, this.version) === 1)
        this.version = object.metadata.resourceVersion;
    }
    return this;
  }
  get(_kind: unknown, key: unknown): never {
    return this.pods.get(key as string) as never;
  }
  resourceVersion(): string {
    return this.version;
  }
}

describe('Expectations', () => {
  const a = owner('a');
  const start = () => {
    const clock = new VirtualClock();
    return { clock, expectations: new Expectations({ clock }), cache: new FakeCache() };
  };

  it('RS-2 wait for a write until the cache has that object', () => {
    const { expectations, cache } = start();
    expect(expectations.satisfied(a, cache)).to.equal(true);
    expectations.wrote(a, Pod, pod('p', 5));
    expect(expectations.satisfied(a, cache)).to.equal(false);
    expect(expectations.satisfied(a, cache.set(pod('p', 5)))).to.equal(true);
  });

  it('are met by what the cache had before the answer came', () => {
    const { expectations, cache } = start();
    cache.set(pod('p', 5));
    expectations.wrote(a, Pod, pod('p', 5));
    expect(expectations.satisfied(a, cache)).to.equal(true);
  });

  it('wait for the version that was written, not for the object alone', () => {
    const { expectations, cache } = start();
    cache.set(pod('p', 9));
    expectations.wrote(a, Pod, pod('p', 10));
    expect(expectations.satisfied(a, cache)).to.equal(false);
    expect(expectations.satisfied(a, cache.set(pod('p', 11)))).to.equal(true);
  });

  it('do not take another object of the same name for the one that was written', () => {
    const { expectations, cache } = start();
    expectations.wrote(a, Pod, pod('p', 5));
    cache.pods.set('default/p', pod('p', 3, { uid: 'another' }));
    expect(expectations.satisfied(a, cache)).to.equal(false);
  });

  it('are met when the cache has caught up and the object is gone again', () => {
    const { expectations, cache } = start();
    expectations.wrote(a, Pod, pod('p', 5));
    cache.version = '6';
    expect(expectations.satisfied(a, cache)).to.equal(true);
  });

  it('RS-5 wait for a deletion until the object is gone, replaced or being deleted', () => {
    const present = pod('p', 5);
    for (const after of [
      new FakeCache(),
      new FakeCache().set(pod('p', 9, { uid: 'another' })),
      new FakeCache().set(pod('p', 9, { deletionTimestamp: '2026-01-01T00:00:30Z' })),
    ]) {
      const { expectations, cache } = start();
      expectations.deleted(a, Pod, present);
      // A newer version that is not being deleted is still the object from before.
      expect(expectations.satisfied(a, cache.set(present, pod('p', 7)))).to.equal(false);
      expect(expectations.satisfied(a, after)).to.equal(true);
    }
  });

  it('RS-1 are given up after five minutes', async () => {
    const { expectations, cache, clock } = start();
    expectations.wrote(a, Pod, pod('p', 5));
    await clock.advance('4m59s');
    expect(expectations.satisfied(a, cache)).to.equal(false);
    await clock.advance('1s');
    expect(expectations.satisfied(a, cache)).to.equal(true);
  });

  it('RS-7 belong to the UID of the owner: another of the same name has none', () => {
    const { expectations, cache } = start();
    expectations.wrote(a, Pod, pod('p', 5));
    expect(expectations.satisfied(owner('b'), cache)).to.equal(true);
    expect(expectations.satisfied(a, cache)).to.equal(false);
  });

  it('of owners that never ask again do not pile up', async () => {
    const { expectations, clock } = start();
    for (let i = 0; i < 100; i++) {
      expectations.wrote(owner(`o${i}`), Pod, pod(`p${i}`, 5));
      await clock.advance('10s');
    }
    expect(expectations.size).to.be.at.most(31);
  });

  it('are met exactly when all writes are visible, whatever the order and repetition of events (property)', () => {
    const event = fc.record({
      pod: fc.integer({ min: 0, max: 3 }),
      version: fc.integer({ min: 1, max: 30 }),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 6 }), fc.array(event, { maxLength: 20 }), (writes, seen) => {
        const { expectations, cache } = start();
        const wanted = new Map<number, number>();
        for (const write of writes) {
          expectations.wrote(a, Pod, pod(`p${write.pod}`, write.version));
          wanted.set(write.pod, write.version);
        }
        cache.version = '0';
        let met = wanted.size === 0;
        for (const event of seen) {
          const known = cache.pods.get(`default/p${event.pod}`);
          if (known && Number(known.metadata.resourceVersion) >= event.version) continue;
          cache.set(pod(`p${event.pod}`, event.version));
          met ||= [...wanted].every(
            ([name, version]) =>
              Number(cache.pods.get(`default/p${name}`)?.metadata.resourceVersion ?? 0) >= version ||
              Number(cache.version) >= version,
          );
          expect(expectations.satisfied(a, cache)).to.equal(met);
        }
      }),
    );
  });
});
