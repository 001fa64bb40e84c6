import { expect } from 'chai';
import { seededRandom } from 'gyre/testing';
import { MemoryStore, type ObjectStore, openEtcdStore, openLmdbStore } from '#src/store/index.js';
import { systemClock, systemRandom } from '#src/system/index.js';
import { Etcd, etcdOrSkip } from '../support/etcd.js';
import { temporaryFolder } from '../support/processes.js';
import { isLinearizable, type Operation, recordHistory, violations } from './linearizability.js';

const seed = Number(process.env.GYRE_SEED ?? 7);
const options = {
  clients: 8,
  operations: 60,
  keys: ['/a', '/b', '/c'],
  clock: systemClock,
};

/** `[called, answered, what]` of one key. */
type Row = readonly [number, number, Operation['does']];
const history = (...rows: readonly Row[]): Operation[] =>
  rows.map(([called, answered, does], client) => ({ key: '/a', client, called, answered, does }));
const write = (from: number | undefined, to: number | undefined) => ({ kind: 'write', from, to }) as const;
const read = (seen: number | undefined) => ({ kind: 'read', seen }) as const;
const refused = (from: number | undefined, seen: number | undefined) =>
  ({ kind: 'refused', from, seen }) as const;

describe('compare-and-swap under concurrency', function () {
  this.timeout(60_000);

  it('the checker takes what one register explains', () => {
    expect(isLinearizable(history([1, 4, write(undefined, 1)], [2, 3, read(1)], [5, 6, read(1)]))).to.equal(
      true,
    );
    expect(isLinearizable(history([1, 4, write(undefined, 1)], [2, 3, read(undefined)]))).to.equal(true);
    expect(
      isLinearizable(
        history([1, 2, write(undefined, 1)], [3, 6, write(1, 2)], [4, 5, refused(undefined, 2)]),
      ),
    ).to.equal(true);
    const lost = [1, Number.POSITIVE_INFINITY, write(undefined, 1)] as const;
    for (const seen of [undefined, 1])
      expect(isLinearizable(history(lost, [2, 3, read(seen)]))).to.equal(true);
  });

  it('the checker finds stale reads, lost updates and wrong refusals', () => {
    expect(isLinearizable(history([1, 2, write(undefined, 1)], [3, 4, read(undefined)]))).to.equal(false);
    expect(
      isLinearizable(history([1, 2, write(undefined, 1)], [3, 6, write(1, 2)], [4, 5, write(1, 3)])),
    ).to.equal(false);
    expect(isLinearizable(history([1, 2, write(undefined, 1)], [3, 4, refused(1, 1)]))).to.equal(false);
    expect(
      isLinearizable(history([1, 2, write(undefined, 1)], [3, 4, read(1)], [5, 6, read(undefined)])),
    ).to.equal(false);
    const lost = [1, Number.POSITIVE_INFINITY, write(undefined, 1)] as const;
    expect(isLinearizable(history(lost, [2, 3, read(1)], [4, 5, read(undefined)]))).to.equal(false);
  });

  async function check(stores: readonly ObjectStore[]): Promise<void> {
    for (let round = 0; round < 5; round++) {
      const keys = options.keys.map((key) => `/${round}${key}`);
      const seen = await recordHistory(stores, { ...options, keys, random: seededRandom(seed + round) });
      expect(violations(seen), `seed ${seed + round}`).to.deep.equal([]);
      const kinds = seen.map(({ does }) => does.kind);
      for (const kind of ['read', 'write', 'refused'] as const)
        expect(kinds.filter((k) => k === kind).length, kind).to.be.greaterThan(20);
    }
  }

  it(`memory is linearizable (seed ${seed})`, async () => {
    const store = new MemoryStore({ clock: systemClock });
    await check([store]);
    await store.close();
  });

  it(`lmdb is linearizable (seed ${seed})`, async () => {
    using folder = temporaryFolder();
    const store = await openLmdbStore({ path: folder.path, clock: systemClock });
    await check([store]);
    await store.close();
  });

  it(`etcd is linearizable, through three stores at once (seed ${seed})`, async function () {
    await using etcd = await Etcd.start(etcdOrSkip(this));
    const open = () =>
      openEtcdStore({ endpoints: [etcd.endpoint], clock: systemClock, random: systemRandom });
    const stores = [await open(), await open(), await open()];
    // One of them is watched, as under an API server.
    const [first] = stores as [ObjectStore];
    await first.watch('/', await first.revision(), { next: () => {}, error: () => {} });
    await check(stores);
    await Promise.all(stores.map((store) => store.close()));
  });
});
