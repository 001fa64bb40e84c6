import { expect } from 'chai';
import { type Client, connect, createClient } from 'gyre/client';
import { ConfigMap, Deployment } from 'gyre/kinds';
import { Etcd, etcdOrSkip } from '../support/etcd.js';
import { gyreUp, temporaryFolder } from '../support/processes.js';

describe('gyre up on etcd', function () {
  this.timeout(60_000);

  it('keeps its cluster there, through a kill, and serves it with another beside it', async function () {
    const binary = etcdOrSkip(this);
    await using etcd = await Etcd.start(binary);
    using folder = temporaryFolder();
    using other = temporaryFolder();
    const servers = ['--etcd-servers', etcd.endpoint];
    const clientOf = async (kubeconfig: string): Promise<Client & { close(): void }> => {
      const { transport } = await connect({ kubeconfig });
      return Object.assign(createClient(transport), { close: () => transport.close() });
    };
    const first = await gyreUp(folder.path, [...servers, '--runtime', 'simulated']);
    expect(first.program.stdout).to.include(`store       etcd at ${etcd.endpoint}`);
    const a = await clientOf(first.kubeconfig);
    await a.create(ConfigMap, { metadata: { namespace: 'default', name: 'kept' }, data: { a: '1' } });

    const second = await gyreUp(other.path, [...servers, '--no-controllers']);
    const b = await clientOf(second.kubeconfig);
    expect((await b.get(ConfigMap, 'default/kept')).data).to.deep.equal({ a: '1' });
    // What one server is told, the controllers of the other act on.
    const labels = { app: 'web' };
    await b.create(Deployment, {
      metadata: { namespace: 'default', name: 'web' },
      spec: {
        replicas: 2,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'nginx' }] } },
      },
    });
    await b.waitFor(Deployment, 'default/web', (web) => web?.status?.availableReplicas === 2, {
      timeout: '30s',
    });
    first.program.kill('SIGKILL');
    await first.program.exited;
    a.close();
    await b.patch(ConfigMap, 'default/kept', (draft) => {
      draft.data = { a: '2' };
    });

    const third = await gyreUp(folder.path, [...servers, '--runtime', 'simulated']);
    const c = await clientOf(third.kubeconfig);
    expect((await c.get(ConfigMap, 'default/kept')).data).to.deep.equal({ a: '2' });
    b.close();
    c.close();
    for (const { program } of [second, third]) {
      program.kill('SIGTERM');
      expect(await program.exited, program.stderr).to.equal(0);
    }
  });
});
