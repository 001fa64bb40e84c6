/** An informer and a real server that is killed and started again: the cache ends equal to the server. */
import { expect } from 'chai';
import { connect, createClient } from 'gyre/client';
import { createInformer } from 'gyre/informers';
import { ConfigMap } from 'gyre/kinds';
import { systemClock, systemRandom } from '#src/system/index.js';
import { Program, gyreUp, root, temporaryFolder } from '../support/processes.js';

describe('informer against a server that is killed', () => {
  it('comes back by itself, swaps its view, and tells what vanished', async function () {
    this.timeout(40_000);
    using folder = temporaryFolder();
    const first = await gyreUp(folder.path, ['--no-controllers', '--store', 'memory']);
    const port = new URL(first.url).port;
    const { transport } = await connect({ kubeconfig: first.kubeconfig });
    const client = createClient(transport);
    await client.create(ConfigMap, { metadata: { name: 'before', namespace: 'default' } });

    const informer = createInformer(
      client,
      ConfigMap,
      { namespace: 'default' },
      { clock: systemClock, random: systemRandom },
    );
    const deleted: string[] = [];
    const seen = (key: string) =>
      new Promise<void>((resolve) => {
        if (informer.cache.has(key)) resolve();
        informer.events$.subscribe((event) => event.type === 'Apply' && event.key === key && resolve());
      });
    informer.events$.subscribe((event) => event.type === 'Delete' && deleted.push(event.key));
    informer.start();
    await informer.ready;
    expect(informer.cache.has('default/before')).to.equal(true);

    first.program.kill('SIGKILL');
    await first.program.exited;
    // A new life on the same port and certificates; the memory store has forgotten everything.
    await using second = new Program([
      `${root}/dist/cli/main.js`,
      'up',
      '--no-controllers',
      '--store',
      'memory',
      '--data-dir',
      folder.path,
      '--port',
      port,
    ]);
    await second.waitFor(/^ready /m);
    await client.create(ConfigMap, { metadata: { name: 'after', namespace: 'default' } });
    await seen('default/after');
    expect([...informer.cache.keys()].sort()).to.deep.equal(['default/after']);
    expect(deleted).to.deep.equal(['default/before']);

    await client.create(ConfigMap, { metadata: { name: 'later', namespace: 'default' } });
    await seen('default/later');
    informer.stop();
    transport.close();
  });
});
