/** What the server says of its health, to whom. */
import { expect } from 'chai';
import { ApiServer } from 'gyre/apiserver';
import { MemoryStore } from 'gyre/store';
import { seededRandom, VirtualClock } from 'gyre/testing';

const nobody = { username: 'system:anonymous', groups: ['system:unauthenticated'] };
const admin = { username: 'admin', groups: ['system:masters'] };

describe('health of the API server', () => {
  let server: ApiServer;
  let store: MemoryStore;
  beforeEach(async () => {
    const clock = new VirtualClock();
    store = new MemoryStore({ clock });
    server = await ApiServer.start({ store, clock, random: seededRandom() });
  });
  afterEach(() => server.stop());

  const ask = async (path: string, query = {}, user = nobody, method: 'GET' | 'POST' = 'GET') => {
    const { status, body } = await server.transport(user).request({ method, path, query });
    return [status, body];
  };

  it('is ok to whoever asks, with every check where that is wanted', async () => {
    for (const path of ['/healthz', '/livez', '/readyz', '/readyz/'])
      expect(await ask(path), path).to.deep.equal([200, 'ok']);
    expect(await ask('/readyz', { verbose: '' })).to.deep.equal([
      200,
      '[+]ping ok\n[+]etcd ok\n[+]started ok\nreadyz check passed\n',
    ]);
    expect(await ask('/readyz', { verbose: '', exclude: ['etcd', 'started'] })).to.deep.equal([
      200,
      '[+]ping ok\nreadyz check passed\n',
    ]);
    expect((await ask('/readyz', {}, nobody, 'POST'))[0]).to.equal(405);
  });

  it('tells of one check alone to who may read that path', async () => {
    expect(await ask('/readyz/etcd', {}, admin)).to.deep.equal([200, 'ok']);
    expect((await ask('/readyz/etcd'))[0]).to.equal(403);
    expect((await ask('/readyz/nothing', {}, admin))[0]).to.equal(404);
  });

  it('without its store it lives and is not ready, and does not say why', async () => {
    await store.close();
    expect(await ask('/livez')).to.deep.equal([200, 'ok']);
    expect(await ask('/readyz')).to.deep.equal([
      500,
      '[+]ping ok\n[-]etcd failed: reason withheld\n[+]started ok\nreadyz check failed\n',
    ]);
    expect((await ask('/readyz/etcd', {}, admin))[0]).to.equal(500);
    expect((await ask('/readyz', { exclude: 'etcd' }))[0]).to.equal(200);
  });
});
