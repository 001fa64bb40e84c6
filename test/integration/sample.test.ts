/**
 * The website operator, unchanged, in every place a reconciler is to run: under virtual time its own test
 * runs it (examples/website-operator/website.test.ts); here it meets `gyre up` over HTTPS, compiled by
 * tsc and run by tsx.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'chai';
import type { WatchResponse } from 'gyre/api';
import { connect, createClient } from 'gyre/client';
import { Website } from '../../examples/website-operator/website.js';
import { gyreUp, Program, root, temporaryFolder } from '../support/processes.js';

const tsx = { TSX_TSCONFIG_PATH: join(root, 'examples/tsconfig.json') };

const ways = [
  { how: 'compiled by tsc', args: ['build/examples/website-operator/main.js'], env: {} },
  { how: 'run by tsx', args: ['--import', 'tsx', 'examples/website-operator/main.ts'], env: tsx },
];

describe('the website operator', () => {
  for (const { how, args, env } of ways) {
    it(`${how}, against gyre up over HTTPS, reports the Deployment ready, and its status survives the CRD schema`, async function () {
      this.timeout(60_000);
      using folder = temporaryFolder();
      const { program, kubeconfig } = await gyreUp(folder.path, ['--runtime', 'simulated']);
      await using _up = program;
      await using operator = new Program(args, { ...env, KUBECONFIG: kubeconfig });
      await operator.waitFor(/"msg":"running"/, 'stderr');

      const { transport } = await connect({ kubeconfig });
      const client = createClient(transport);
      await client.apply(Website, Website.of('default/blog', { image: 'nginx:1.27', replicas: 3 }));
      const ready = await until(
        client.watch(Website, { namespace: 'default' }),
        (site) => site.status?.readyReplicas === 3,
      );
      expect(ready.status).to.deep.include({ readyReplicas: 3, observedGeneration: 1 });
      expect(ready.status?.conditions).to.have.length(1);
      expect(ready.status?.conditions?.[0]).to.include({
        type: 'Ready',
        status: 'True',
        reason: 'Replicas',
        message: '3/3 ready',
        observedGeneration: 1,
      });

      await client.delete(Website, 'default/blog');
      operator.kill('SIGTERM');
      expect(await operator.exited).to.equal(0);
      transport.close();
    });
  }

  it('passes its own test under tsx too, where no decorator metadata is emitted', function () {
    this.timeout(60_000);
    const mocha = join(root, 'node_modules/mocha/bin/mocha.js');
    const args = [
      '--import',
      'tsx',
      mocha,
      '--no-config',
      '--timeout',
      '30000',
      'examples/website-operator/website.test.ts',
    ];
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: root,
      env: { ...process.env, ...tsx },
      encoding: 'utf8',
    });
    expect(status, `${stdout}\n${stderr}`).to.equal(0);
    expect(stdout).to.match(/3 passing/);
  });
});

/** The first state of a watched object that is accepted. */
async function until<T>(opening: Promise<WatchResponse<T>>, accept: (object: T) => boolean): Promise<T> {
  const { events } = await opening;
  for await (const batch of events) {
    for (const event of batch) {
      if ((event.type === 'ADDED' || event.type === 'MODIFIED') && accept(event.object)) return event.object;
    }
  }
  throw new Error('the watch ended');
}
