/** A new node takes no pods until it was found ready (KL-17). */
import { expect } from 'chai';
import type { Transport } from 'gyre/api';
import { ApiServer } from 'gyre/apiserver';
import { EmbeddedCluster } from 'gyre/cluster';
import { Node } from 'gyre/kinds';
import { MemoryStore } from 'gyre/store';
import { seededRandom, VirtualClock } from 'gyre/testing';

const notReady = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };

describe('taints of new nodes', () => {
  let server: ApiServer;
  let admin: Transport;
  before(async () => {
    const clock = new VirtualClock();
    server = await ApiServer.start({ store: new MemoryStore({ clock }), clock, random: seededRandom() });
    admin = server.transport({ username: 'root', groups: ['system:masters'] });
  });
  after(() => server.stop());

  const create = async (name: string, spec: object): Promise<unknown> => {
    const { status, body } = await admin.request({
      method: 'POST',
      path: '/api/v1/nodes',
      body: { metadata: { name }, spec },
    });
    expect(status).to.equal(201);
    return (body as Node).spec?.taints;
  };

  it('KL-17 a node starts with the taint not-ready, beside its own, and has it once', async () => {
    const own = { key: 'a', effect: 'NoExecute' };
    expect(await create('plain', {})).to.deep.equal([notReady]);
    expect(await create('own', { taints: [own] })).to.deep.equal([own, notReady]);
    expect(await create('twice', { taints: [notReady] })).to.deep.equal([notReady]);
  });

  it('KL-17 an update does not bring it back', async () => {
    await create('later', {});
    const { body } = await admin.request({
      method: 'PATCH',
      path: '/api/v1/nodes/later',
      headers: { 'content-type': 'application/merge-patch+json' },
      body: { spec: { taints: [] } },
    });
    expect((body as Node).spec?.taints ?? []).to.deep.equal([]);
  });

  it('KL-17 the nodes of a cluster lose it when they are found ready', async () => {
    const clock = new VirtualClock();
    await using cluster = await EmbeddedCluster.start({
      clock,
      random: seededRandom(),
      nodes: { simulated: 2 },
    });
    await clock.advance('1s');
    for (const name of ['sim-1', 'sim-2'])
      expect((await cluster.client().get(Node, name)).spec?.taints ?? []).to.deep.equal([]);
  });
});
