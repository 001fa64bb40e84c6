/** The contract of ObjectStore as tests: every driver runs the same suite. */
import { Readable } from 'node:stream';
import { expect } from 'chai';
import fc from 'fast-check';
import {
  Compacted,
  FutureRevision,
  KeyExists,
  type ObjectStore,
  readArchive,
  restoreSnapshot,
  RevisionMismatch,
  StoreClosed,
  type StoreEntry,
  type StoreEvent,
  StoreNotEmpty,
  takeSnapshot,
  writeArchive,
} from '#src/store/index.js';
import { systemClock } from '#src/system/index.js';

/** The error a promise rejects with. */
async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('expected a rejection');
}

function collector() {
  const events: StoreEvent[] = [];
  const errors: Error[] = [];
  return {
    events,
    errors,
    observer: { next: (e: StoreEvent) => void events.push(e), error: (e: Error) => void errors.push(e) },
  };
}

export function storeConformance(
  name: string,
  open: () => Promise<ObjectStore>,
  settle: () => Promise<void>,
): void {
  describe(`${name}: the ObjectStore contract`, () => {
    let store: ObjectStore;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(() => store.close());

    it('numbers every write with the next revision of one counter', async () => {
      const start = await store.revision();
      const a = await store.create('/a', { n: 1 });
      const b = await store.create('/b', { n: 1 });
      const a2 = await store.update('/a', { n: 2 }, a.revision);
      const gone = await store.delete('/b', b.revision);
      expect([a.revision, b.revision, a2.revision, gone.revision]).to.deep.equal(
        [1, 2, 3, 4].map((n) => start + n),
      );
      expect(a2.createRevision).to.equal(a.revision);
      expect(await store.revision()).to.equal(start + 4);
    });

    it('refuses to create a key twice and says what is there', async () => {
      const first = await store.create('/a', { n: 1 });
      const error = await rejection(store.create('/a', { n: 2 }));
      expect(error).to.be.instanceOf(KeyExists);
      expect((error as KeyExists).current.revision).to.equal(first.revision);
      expect((await store.get('/a'))?.value).to.deep.equal({ n: 1 });
    });

    it('compares and swaps: a stale revision changes nothing and carries the present entry', async () => {
      const first = await store.create('/a', { n: 1 });
      const second = await store.update('/a', { n: 2 }, first.revision);
      for (const attempt of [
        () => store.update('/a', { n: 3 }, first.revision),
        () => store.delete('/a', first.revision),
      ]) {
        const error = await rejection(attempt());
        expect(error).to.be.instanceOf(RevisionMismatch);
        expect((error as RevisionMismatch).current?.revision).to.equal(second.revision);
      }
      expect((await store.get('/a'))?.value).to.deep.equal({ n: 2 });
      expect(await rejection(store.update('/nope', {}, 1))).to.be.instanceOf(RevisionMismatch);
    });

    it('lists a prefix in key order, page by page', async () => {
      for (const key of ['/p/b', '/p/a', '/q/x', '/p/d', '/p/c', '/pp']) await store.create(key, { key });
      const all = await store.list('/p/');
      expect(all.entries.map((e) => e.key)).to.deep.equal(['/p/a', '/p/b', '/p/c', '/p/d']);
      expect(all.next).to.equal(undefined);
      const first = await store.list('/p/', { limit: 3 });
      expect(first.entries.map((e) => e.key)).to.deep.equal(['/p/a', '/p/b', '/p/c']);
      expect(first.remaining).to.equal(1);
      const second = await store.list('/p/', {
        limit: 3,
        after: first.next as string,
        revision: first.revision,
      });
      expect(second.entries.map((e) => e.key)).to.deep.equal(['/p/d']);
      expect(second.next).to.equal(undefined);
    });

    it('reads history at any revision that is not compacted', async () => {
      const a = await store.create('/a', { n: 1 });
      const b = await store.create('/b', { n: 1 });
      const a2 = await store.update('/a', { n: 2 }, a.revision);
      await store.delete('/b', b.revision);
      expect((await store.get('/a', { revision: b.revision }))?.value).to.deep.equal({ n: 1 });
      expect((await store.list('/', { revision: a2.revision })).entries.map((e) => e.value)).to.deep.equal([
        { n: 2 },
        { n: 1 },
      ]);
      expect((await store.list('/', { revision: a.revision })).entries).to.have.length(1);
    });

    it('forgets history on compaction but keeps the state at that revision', async () => {
      const a = await store.create('/a', { n: 1 });
      const a2 = await store.update('/a', { n: 2 }, a.revision);
      const b = await store.create('/b', {});
      await store.delete('/b', b.revision);
      await store.compact(a2.revision);
      expect(await rejection(store.get('/a', { revision: a.revision }))).to.be.instanceOf(Compacted);
      expect(await rejection(store.watch('/', a.revision, collector().observer))).to.be.instanceOf(Compacted);
      expect((await store.get('/a', { revision: a2.revision }))?.value).to.deep.equal({ n: 2 });
      expect((await store.get('/b', { revision: b.revision }))?.value).to.deep.equal({});
      await store.compact(await store.revision());
      expect(await store.get('/b')).to.equal(undefined);
      expect((await store.get('/a'))?.value).to.deep.equal({ n: 2 });
    });

    it('compacts much in steps, and goes on serving', async () => {
      let entry = await store.create('/a', { n: 0 });
      const kept = await store.create('/kept', { n: 0 });
      for (let n = 1; n <= 5000; n++) entry = await store.update('/a', { n }, entry.revision);
      const target = entry.revision;
      let compacted = false;
      const compacting = store.compact(target).then(() => {
        compacted = true;
      });
      // What is forgotten is forgotten at once; what is not is read, written and watched meanwhile.
      const { events, observer } = collector();
      await store.watch('/', target, observer);
      const during = await store.update('/kept', { n: 1 }, kept.revision);
      expect(await store.get('/a', { revision: target })).to.deep.equal(entry);
      expect((await store.get('/kept', { revision: target }))?.value).to.deep.equal({ n: 0 });
      if (!store.shared) {
        expect(compacted).to.equal(false);
        await settle();
      }
      await compacting;
      expect(await rejection(store.get('/a', { revision: target - 1 }))).to.be.instanceOf(Compacted);
      expect(events.map(({ revision }) => revision)).to.deep.equal([during.revision]);
      expect(await store.get('/a')).to.deep.equal(entry);
    }).timeout(60_000);

    it('refuses a revision that has not happened yet', async () => {
      const ahead = (await store.revision()) + 5;
      expect(await rejection(store.get('/a', { revision: ahead }))).to.be.instanceOf(FutureRevision);
      expect(await rejection(store.watch('/', ahead, collector().observer))).to.be.instanceOf(FutureRevision);
    });

    it('delivers every later change once and in order, with the previous value, and only under the prefix', async () => {
      const before = await store.revision();
      const a = await store.create('/p/a', { n: 1 });
      await store.create('/q/a', {});
      const { events, observer } = collector();
      await store.watch('/p/', before, observer);
      const a2 = await store.update('/p/a', { n: 2 }, a.revision);
      await store.delete('/p/a', a2.revision);
      await settle();
      expect(events.map((e) => [e.type, e.key, e.revision, e.entry?.value, e.previous?.value])).to.deep.equal(
        [
          ['put', '/p/a', a.revision, { n: 1 }, undefined],
          ['put', '/p/a', a2.revision, { n: 2 }, { n: 1 }],
          ['delete', '/p/a', a2.revision + 1, undefined, { n: 2 }],
        ],
      );
    });

    it('gives a snapshot of one revision, and holds it again when it is put into another', async () => {
      for (let i = 0; i < 30; i++)
        await store.create(`/things/${i}`, { n: i, text: 'äöü \u2028 \ud83d\ude00' });
      const gone = await store.create('/things/gone', { n: 0 });
      await store.delete('/things/gone', gone.revision);
      const taken = await takeSnapshot(store, systemClock);
      await store.create('/things/later', { n: 0 });
      expect(taken.entries.map(({ key }) => key)).to.not.include.members(['/things/later', '/things/gone']);
      expect(taken.entries).to.deep.equal((await store.list('/', { revision: taken.revision })).entries);

      const chunks: Uint8Array[] = [];
      for await (const chunk of writeArchive({ snapshot: taken, files: {} })) chunks.push(chunk);
      const { snapshot } = await readArchive(Readable.from(chunks));
      expect(snapshot).to.deep.equal(taken);

      const other = await open();
      try {
        const before = await other.revision();
        await restoreSnapshot(other, snapshot, () => undefined);
        const { entries } = await other.list('/');
        const plain = (all: readonly StoreEntry[]) => all.map(({ key, value }) => ({ key, value }));
        expect(plain(entries)).to.deep.equal(plain(taken.entries));
        // Who watched a former life hears that it is over.
        if (!other.shared)
          expect(
            await rejection(other.watch('/', before, { next: () => {}, error: () => {} })),
          ).to.be.instanceOf(Compacted);
        expect(await rejection(restoreSnapshot(other, snapshot, () => undefined))).to.be.instanceOf(
          StoreNotEmpty,
        );
        const first = entries[0] as StoreEntry;
        const changed = await other.update(first.key, { n: 99 }, first.revision);
        expect(changed.revision).to.be.greaterThan(entries.at(-1)?.revision ?? 0);
      } finally {
        await other.close();
      }
    });

    it('stops delivering after close of the watch, and tells watchers when the store closes', async () => {
      const { events, errors, observer } = collector();
      const watch = await store.watch('/', await store.revision(), observer);
      watch.close();
      await store.create('/a', {});
      const other = collector();
      await store.watch('/', await store.revision(), other.observer);
      await store.close();
      await settle();
      expect(events).to.have.length(0);
      expect(errors).to.have.length(0);
      expect(other.errors[0]).to.be.instanceOf(StoreClosed);
      expect(await rejection(store.get('/a'))).to.be.instanceOf(StoreClosed);
    });

    it('a watch from any revision replays to the present state (property)', async () => {
      const operation = fc.record({
        key: fc.constantFrom('/a', '/b', '/c'),
        op: fc.constantFrom('put', 'put', 'delete'),
        n: fc.integer(),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { maxLength: 20 }), fc.nat(), async (operations, startSeed) => {
          const own = await open();
          try {
            const snapshots = new Map<number, Map<string, unknown>>();
            const model = new Map<string, { n: number; revision: number }>();
            const first = await own.revision();
            snapshots.set(first, new Map());
            for (const { key, op, n } of operations) {
              const current = model.get(key);
              if (op === 'put') {
                const entry = current
                  ? await own.update(key, { n }, current.revision)
                  : await own.create(key, { n });
                model.set(key, { n, revision: entry.revision });
              } else if (current) {
                await own.delete(key, current.revision);
                model.delete(key);
              }
              snapshots.set(await own.revision(), new Map([...model].map(([k, v]) => [k, v.n])));
            }
            const latest = await own.revision();
            const start = first + (startSeed % (latest - first + 1));
            const { events, observer } = collector();
            await own.watch('/', start, observer);
            await settle();
            const replayed = new Map(
              (await own.list('/', { revision: start })).entries.map((e) => [
                e.key,
                (e.value as { n: number }).n,
              ]),
            );
            expect(Object.fromEntries(replayed)).to.deep.equal(
              Object.fromEntries(snapshots.get(start) ?? []),
            );
            for (const event of events) {
              if (event.entry) replayed.set(event.key, (event.entry.value as { n: number }).n);
              else replayed.delete(event.key);
            }
            expect(Object.fromEntries(replayed)).to.deep.equal(
              Object.fromEntries(snapshots.get(latest) ?? []),
            );
            expect(events.map((e) => e.revision)).to.deep.equal(
              Array.from({ length: latest - start }, (_, i) => start + 1 + i),
            );
          } finally {
            await own.close();
          }
        }),
        { numRuns: 60 },
      );
    });
  });
}
