import { expect } from 'chai';
import { openLmdbStore, StoreLocked } from '#src/store/index.js';
import { systemClock } from '#src/system/index.js';
import { temporaryFolder } from '../support/processes.js';
import { storeConformance } from './conformance.js';

const folders: Disposable[] = [];

storeConformance(
  'LmdbStore',
  async () => {
    const folder = temporaryFolder();
    folders.push(folder);
    return openLmdbStore({ path: folder.path, clock: systemClock });
  },
  async () => {},
);

describe('LmdbStore', () => {
  after(() => {
    for (const folder of folders) folder[Symbol.dispose]();
  });

  it('has state, history, revision and expiry after a restart', async () => {
    using folder = temporaryFolder();
    const first = await openLmdbStore({ path: folder.path, clock: systemClock });
    const a = await first.create('/a', { n: 1 });
    const b = await first.update('/a', { n: 2 }, a.revision);
    await first.create('/gone', {});
    const e = await first.create('/event', {}, { ttl: 0.2 });
    await first.close();
    const second = await openLmdbStore({ path: folder.path, clock: systemClock });
    expect(await second.revision()).to.equal(e.revision);
    expect(await second.get('/a')).to.deep.equal(b);
    expect((await second.get('/a', { revision: a.revision }))?.value).to.deep.equal({ n: 1 });
    const seen: string[] = [];
    const deleted = new Promise<void>((resolve) => {
      void second.watch('/', a.revision, {
        next: (event) => {
          seen.push(`${event.type} ${event.key}`);
          if (event.type === 'delete') resolve();
        },
        error: () => {},
      });
    });
    await deleted;
    expect(seen).to.deep.equal(['put /a', 'put /gone', 'put /event', 'delete /event']);
    await second.close();
  });

  it('keeps a second one out of its directory', async () => {
    using folder = temporaryFolder();
    const first = await openLmdbStore({ path: folder.path, clock: systemClock });
    const refused = await openLmdbStore({ path: folder.path, clock: systemClock }).catch(
      (error: unknown) => error,
    );
    expect(refused).to.be.instanceOf(StoreLocked);
    await first.close();
    await (await openLmdbStore({ path: folder.path, clock: systemClock })).close();
  });
});
