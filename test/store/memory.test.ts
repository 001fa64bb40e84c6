import { expect } from 'chai';
import { MemoryStore } from '#src/store/index.js';
import { VirtualClock } from '#src/testing/index.js';
import { storeConformance } from './conformance.js';

let clock: VirtualClock;
storeConformance(
  'MemoryStore',
  async () => {
    clock = new VirtualClock();
    return new MemoryStore({ clock });
  },
  () => clock.settle(),
);

describe('MemoryStore', () => {
  it('deletes an entry when its ttl has passed, as a change of its own', async () => {
    const clock = new VirtualClock();
    const store = new MemoryStore({ clock });
    const entry = await store.create('/events/a', {}, { ttl: 3600 });
    const seen: string[] = [];
    await store.watch('/', entry.revision, { next: (e) => void seen.push(e.type), error: () => {} });
    await clock.advance('59m');
    expect(await store.get('/events/a')).to.not.equal(undefined);
    await clock.advance('1m');
    expect(await store.get('/events/a')).to.equal(undefined);
    expect(seen).to.deep.equal(['delete']);
    await store.close();
    expect(clock.pending).to.equal(0);
  });
});
