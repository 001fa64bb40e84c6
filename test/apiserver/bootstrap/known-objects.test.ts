/** The second new cluster of a process is the first one again, whichever way its objects came to be. */
import { expect } from 'chai';
import { createClient } from 'gyre/client';
import { EmbeddedCluster } from 'gyre/cluster';
import { ClusterRole, Namespace } from 'gyre/kinds';
import { MemoryStore, type StoreEntry } from 'gyre/store';
import { seededRandom, VirtualClock } from 'gyre/testing';

async function entries(seed: number, at: string): Promise<readonly StoreEntry[]> {
  const clock = new VirtualClock({ startAt: Date.parse(at) });
  const store = new MemoryStore({ clock });
  const random = seededRandom(seed);
  await using _ = await EmbeddedCluster.start({ store, clock, random, controllers: false });
  return (await store.list('/')).entries;
}

describe('system objects of a new cluster', () => {
  it('are the same in every cluster of a process, but for UIDs and times', async () => {
    const first = await entries(1, '2026-01-01T00:00:00Z');
    expect(first.length).to.be.greaterThan(80);
    expect(await entries(1, '2026-01-01T00:00:00Z')).to.deep.equal(first);
    const other = await entries(2, '2027-02-03T04:05:06Z');
    expect(other.map(({ key }) => key)).to.deep.equal(first.map(({ key }) => key));
    const uids = (of: readonly StoreEntry[]): string[] =>
      of.map(({ value }) => (value as { metadata: { uid: string } }).metadata.uid);
    expect(new Set([...uids(first), ...uids(other)]).size).to.equal(2 * first.length);
    expect(JSON.stringify(other)).to.not.include('2026-01-01');
    // Nothing else differs.
    let text = JSON.stringify(other.map(({ value }) => value)).replaceAll(
      '2027-02-03T04:05:06Z',
      '2026-01-01T00:00:00Z',
    );
    for (const [i, uid] of uids(other).entries()) text = text.replace(uid, uids(first)[i] as string);
    expect(JSON.parse(text)).to.deep.equal(first.map(({ value }) => value));
  });

  it('are made by requests where something is there already: it may have a say', async () => {
    const store = new MemoryStore({ clock: new VirtualClock() });
    await (await EmbeddedCluster.start({ store, controllers: false })).stop();
    {
      await using cluster = await EmbeddedCluster.start({ store, controllers: false });
      const client = createClient(cluster.transport());
      await client.delete(ClusterRole, 'view');
      await client.patch(Namespace, 'kube-public', (draft) => {
        draft.metadata.labels = { ...draft.metadata.labels, mine: 'yes' };
      });
    }
    await using cluster = await EmbeddedCluster.start({ store, controllers: false });
    const client = createClient(cluster.transport());
    expect((await client.get(ClusterRole, 'view')).metadata.name).to.equal('view');
    expect((await client.get(Namespace, 'kube-public')).metadata.labels).to.include({ mine: 'yes' });
  });
});
