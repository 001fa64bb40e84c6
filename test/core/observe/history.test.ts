/** What became of an object, of a real API server and of answers as others give them. */
import { expect } from 'chai';
import { historyOf, historyText, type ObjectHistory } from 'gyre';
import { type ApiRequest, expired, type Transport, type WatchEvent } from 'gyre/api';
import { createClient } from 'gyre/client';
import { ConfigMap, Secret } from 'gyre/kinds';
import { TestCluster } from 'gyre/testing';

/** The server ends the watch after a second. */
async function history<T>(t: TestCluster, asking: Promise<T>): Promise<T> {
  await t.advance('2s');
  return asking;
}
const told = ({ revisions }: ObjectHistory<ConfigMap>) =>
  revisions.map(({ what, changes, by }) => [
    what,
    by?.manager,
    changes.map(({ path, before, now }) => [path, before, now]),
  ]);

describe('history', () => {
  it('tells every version of an object: who wrote it, and what changed', async () => {
    await using t = await TestCluster.start({ builtin: false });
    const as = (fieldManager: string) =>
      createClient(t.transport({ username: 'a', groups: ['system:masters'] }), { fieldManager });
    const alice = as('alice');
    const bob = as('bob');
    await alice.create(ConfigMap, { metadata: { namespace: 'default', name: 'a' }, data: { x: '1' } });
    await alice.create(ConfigMap, { metadata: { namespace: 'default', name: 'other' } });
    await t.advance('2s');
    await bob.patch(ConfigMap, 'default/a', (draft) => {
      draft.data = { x: '2', y: '1' };
    });
    await t.advance('2s');
    await alice.delete(ConfigMap, 'default/a');
    await bob.create(ConfigMap, { metadata: { namespace: 'default', name: 'a' }, data: { x: '3' } });
    const found = await history(t, historyOf(t.client, ConfigMap, 'default/a'));
    expect(told(found)).to.deep.equal([
      ['created', 'alice', []],
      [
        'changed',
        'bob',
        [
          ['data.x', '1', '2'],
          ['data.y', undefined, '1'],
        ],
      ],
      ['deleted', undefined, []],
      ['created', 'bob', []],
    ]);
    const text = historyText(found);
    expect(text).to.match(/^\d+ {2}created {2}2026-01-01T00:00:\d\dZ {2}by alice\n/);
    expect(text).to.include('\n    data.x: "1" → "2"\n');
  });

  it('begins with what is known: the state at the oldest version', async () => {
    await using t = await TestCluster.start({ builtin: false });
    await t.client.create(ConfigMap, { metadata: { namespace: 'default', name: 'a' }, data: { x: '1' } });
    await t.advance('20m');
    const before = await history(t, historyOf(t.client, ConfigMap, 'default/a'));
    expect(told(before).map(([what]) => what)).to.deep.equal(['found']);
    await t.client.patch(ConfigMap, 'default/a', (draft) => {
      draft.data = { x: '2' };
    });
    const after = await history(t, historyOf(t.client, ConfigMap, 'default/a'));
    expect(told(after).map(([what, , changes]) => [what, changes])).to.deep.equal([
      ['found', []],
      ['changed', [['data.x', '1', '2']]],
    ]);
    expect(historyText(after)).to.match(/what was before version \d+ is not known any more\n$/);
  });

  it('is empty for what never was', async () => {
    await using t = await TestCluster.start();
    expect((await history(t, historyOf(t.client, ConfigMap, 'default/never'))).revisions).to.deep.equal([]);
  });

  it('shows no value of a Secret', async () => {
    await using t = await TestCluster.start({ builtin: false });
    await t.client.create(Secret, { metadata: { namespace: 'default', name: 's' }, data: { p: 'b25l' } });
    await t.client.patch(Secret, 'default/s', (draft) => {
      draft.data = { p: 'dHdv' };
    });
    const text = historyText(await history(t, historyOf(t.client, Secret, 'default/s')));
    expect(text).to.include('data.p: (hidden)');
    expect(text).to.not.match(/b25l|dHdv/);
  });

  it('understands servers that refuse an old version with an event', async () => {
    const asked: string[] = [];
    const object = { metadata: { namespace: 'default', name: 'a', resourceVersion: '20' } };
    const transport: Transport = {
      request: async ({ query }: ApiRequest) => {
        asked.push(`list ${String(query?.resourceVersion)}`);
        return { status: 200, headers: {}, body: { metadata: {}, items: [] } };
      },
      watch: async <T>({ query }: ApiRequest) => {
        asked.push(`watch ${String(query?.resourceVersion)}`);
        const event: WatchEvent =
          query?.resourceVersion === '1'
            ? { type: 'ERROR', object: expired('too old resource version: 1 (17)').status }
            : { type: 'ADDED', object };
        return {
          headers: {},
          events: (async function* () {
            yield [event as WatchEvent<T>];
          })(),
        };
      },
      close: () => {},
    };
    const found = await historyOf(createClient(transport), ConfigMap, 'default/a');
    expect(asked).to.deep.equal(['watch 1', 'list 17', 'watch 17']);
    expect(found.since).to.equal('17');
    expect(found.revisions.map(({ what, resourceVersion }) => [what, resourceVersion])).to.deep.equal([
      ['created', '20'],
    ]);
  });
});
