/** gyre history, as it is called. */
import { join } from 'node:path';
import { expect } from 'chai';
import { connect, createClient } from 'gyre/client';
import { ConfigMap, Namespace } from 'gyre/kinds';
import { gyreUp, Program, root, temporaryFolder } from '../support/processes.js';

async function gyre(...args: readonly string[]) {
  await using program = new Program([join(root, 'dist/cli/main.js'), ...args]);
  const code = await program.exited;
  return { code, stdout: program.stdout, stderr: program.stderr };
}

describe('gyre history', function () {
  this.timeout(60_000);

  it('tells the versions of an object by any name of its kind', async () => {
    using folder = temporaryFolder();
    const up = await gyreUp(folder.path, ['--no-controllers', '--history', '1h']);
    const of = ['--kubeconfig', up.kubeconfig];
    const { transport } = await connect({ kubeconfig: up.kubeconfig });
    const client = createClient(transport, { fieldManager: 'me' });
    await client.create(Namespace, { metadata: { name: 'there' } });
    await client.create(ConfigMap, { metadata: { namespace: 'there', name: 'a' }, data: { x: '1' } });
    await client.patch(ConfigMap, 'there/a', (draft) => {
      draft.data = { x: '2' };
    });
    for (const type of ['configmap', 'cm', 'configmaps', 'ConfigMap']) {
      const { code, stdout, stderr } = await gyre('history', `${type}/a`, '-n', 'there', ...of);
      expect(code, stderr).to.equal(0);
      expect(stdout).to.match(
        /^\d+ {2}created {2}\S+Z {2}by me\n\d+ {2}changed {2}\S+Z {2}by me\n {4}data\.x: "1" → "2"\n/,
      );
    }
    const { stdout } = await gyre('history', 'cm/a', '-n', 'there', '-o', 'json', ...of);
    const { revisions } = JSON.parse(stdout) as { revisions: { what: string; object: ConfigMap }[] };
    expect(revisions.map(({ what, object }) => [what, object.data?.x])).to.deep.equal([
      ['created', '1'],
      ['changed', '2'],
    ]);
    for (const [args, message] of [
      [['cm/a', ...of], 'nothing is known of configmaps "a" in namespace default'],
      [['things/a', ...of], `the server doesn't have a resource type "things"`],
      [['cm', ...of], '"cm" names no object'],
      [['cm/a/b', ...of], '"cm/a/b" names no object'],
      [[...of], 'TYPE/NAME is missing'],
      [['cm/a', '-o', 'yaml', ...of], '--output must be text or json'],
      [['cm/a', '--kubeconfig', join(folder.path, 'none')], 'history: '],
    ] as const) {
      const ended = await gyre('history', ...args);
      expect([ended.code, ended.stdout], ended.stderr).to.deep.equal([2, '']);
      expect(ended.stderr).to.include(message);
      expect(ended.stderr.split('\n'), ended.stderr).to.have.length(3);
    }
    transport.close();
    up.program.kill('SIGTERM');
    expect(await up.program.exited).to.equal(0);
    const refused = await gyre('up', '--history', 'soon', '--data-dir', join(folder.path, 'x'));
    expect([refused.code, refused.stderr]).to.deep.equal([
      2,
      'gyre: --history must be a time, not "soon"\n  for example --history 24h\n',
    ]);
  });
});
