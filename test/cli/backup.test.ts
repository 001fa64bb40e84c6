/** gyre backup and gyre restore, as they are called: of a cluster that runs, one that does not, and one in etcd. */
import { existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Client, connect, createClient } from 'gyre/client';
import { ConfigMap, Deployment, Pod, Secret, Service } from 'gyre/kinds';
import { Etcd, etcdOrSkip } from '../support/etcd.js';
import { gyreUp, Program, root, temporaryFolder } from '../support/processes.js';

const main = join(root, 'dist/cli/main.js');
interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}
async function gyre(...args: readonly string[]): Promise<Ended> {
  await using program = new Program([main, ...args]);
  const code = await program.exited;
  return { code, stdout: program.stdout, stderr: program.stderr };
}

const labels = { app: 'web' };
const web = {
  metadata: { namespace: 'default', name: 'web' },
  spec: {
    replicas: 2,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'nginx' }] } },
  },
};

async function withClient<T>(kubeconfig: string, run: (client: Client) => Promise<T>): Promise<T> {
  const { transport } = await connect({ kubeconfig });
  try {
    return await run(createClient(transport));
  } finally {
    transport.close();
  }
}
async function ready(client: Client): Promise<Deployment> {
  const available = (d: Deployment | undefined): boolean => d?.status?.availableReplicas === 2;
  await client.waitFor(Deployment, 'default/web', available, { timeout: '30s' });
  return client.get(Deployment, 'default/web');
}

async function stop({ program }: Awaited<ReturnType<typeof gyreUp>>): Promise<void> {
  program.kill('SIGTERM');
  expect(await program.exited, program.stderr).to.equal(0);
}

describe('gyre backup and restore', function () {
  this.timeout(90_000);

  it('of a cluster that runs: everything is there again, also who may come in', async () => {
    using from = temporaryFolder();
    using to = temporaryFolder();
    const file = join(from.path, 'a.backup');
    const simulated = ['--runtime', 'simulated'];
    const first = await gyreUp(from.path, simulated);
    const before = await withClient(first.kubeconfig, async (client) => {
      await client.create(Deployment, web);
      await client.create(Secret, { metadata: { namespace: 'default', name: 's' }, data: { p: 'b25l' } });
      const service = await client.create(Service, {
        metadata: { namespace: 'default', name: 'web' },
        spec: { type: 'NodePort', selector: labels, ports: [{ port: 80 }] },
      });
      const token = await client.createToken(
        { namespace: 'default', name: 'default' },
        { expirationSeconds: 3600 },
      );
      return { deployment: await ready(client), service, token };
    });
    const written = await gyre('backup', '--data-dir', from.path, '--out', file);
    expect(written.code, written.stderr).to.equal(0);
    expect(written.stdout).to.match(
      /^\d+ objects at version \d+ written to .*a\.backup \(\d+ kB\)\n {2}with the certificates/,
    );
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    // What came after it is not in it.
    await withClient(first.kubeconfig, (client) =>
      client.create(ConfigMap, { metadata: { namespace: 'default', name: 'later' } }),
    );
    await stop(first);

    const restored = await gyre('restore', file, '--data-dir', to.path);
    expect(restored.code, restored.stderr).to.equal(0);
    expect(restored.stdout).to.include(`restored into ${to.path}\n`);
    const second = await gyreUp(to.path, simulated);
    await withClient(second.kubeconfig, async (client) => {
      expect(await client.find(ConfigMap, 'default/later')).to.equal(undefined);
      expect((await client.get(Secret, 'default/s')).data).to.deep.equal({ p: 'b25l' });
      const { metadata, spec } = await ready(client);
      expect([metadata.uid, metadata.creationTimestamp, spec]).to.deep.equal([
        before.deployment.metadata.uid,
        before.deployment.metadata.creationTimestamp,
        before.deployment.spec,
      ]);
      const service = await client.get(Service, 'default/web');
      expect(service.spec).to.deep.equal(before.service.spec);
      // Its addresses are taken: nobody else gets them.
      const other = await client.create(Service, {
        metadata: { namespace: 'default', name: 'other' },
        spec: { ports: [{ port: 80 }] },
      });
      expect(other.spec?.clusterIP).to.not.equal(service.spec?.clusterIP);
      const pods: Pod[] = [];
      for await (const pod of client.list(Pod, { namespace: 'default' })) pods.push(pod);
      expect(pods).to.have.length(2);
    });
    // The kubeconfig of before, of the other address, is believed by its certificates.
    const ofBefore = join(to.path, 'of-before');
    const address = /server: (\S+)/;
    const [, now = ''] = address.exec(readFileSync(second.kubeconfig, 'utf8')) ?? [];
    writeFileSync(ofBefore, readFileSync(first.kubeconfig, 'utf8').replace(address, `server: ${now}`));
    await withClient(ofBefore, async (client) => {
      expect((await client.get(Deployment, 'default/web')).metadata.name).to.equal('web');
    });
    await stop(second);
  });

  it('of a cluster that does not run, and of one in etcd: from one into the other', async function () {
    const binary = etcdOrSkip(this);
    await using etcd = await Etcd.start(binary);
    using from = temporaryFolder();
    using to = temporaryFolder();
    const alone = ['--no-controllers'];
    const place = ['--etcd-servers', etcd.endpoint, '--etcd-prefix', '/there'];
    const first = await gyreUp(from.path, alone);
    await withClient(first.kubeconfig, (client) =>
      client.create(ConfigMap, { metadata: { namespace: 'default', name: 'kept' }, data: { a: '1' } }),
    );
    await stop(first);
    const file = join(from.path, 'a.backup');
    expect((await gyre('backup', '--data-dir', from.path, '--out', file)).code).to.equal(0);
    const into = await gyre('restore', file, '--data-dir', to.path, ...place);
    expect(into.code, into.stderr).to.equal(0);
    const second = await gyreUp(to.path, [...alone, ...place]);
    await withClient(second.kubeconfig, async (client) => {
      expect((await client.get(ConfigMap, 'default/kept')).data).to.deep.equal({ a: '1' });
    });
    const back = join(from.path, 'b.backup');
    const out = await gyre('backup', '--data-dir', to.path, ...place, '--out', back);
    expect(out.code, out.stderr).to.equal(0);
    await stop(second);
    const again = await gyre('restore', back, '--data-dir', to.path, ...place);
    expect([again.code, again.stderr]).to.deep.equal([
      2,
      'gyre: restore: this etcd holds a cluster at that prefix\n  --etcd-prefix names a place where nothing is yet\n',
    ]);
  });

  it('refuses in one line and a hint what cannot be, and changes nothing', async () => {
    using folder = temporaryFolder();
    const { path } = folder;
    const at = (name: string): string => join(path, name);
    writeFileSync(at('text'), 'hello');
    const first = await gyreUp(at('data'), ['--no-controllers']);
    await stop(first);
    expect((await gyre('backup', '--data-dir', at('data'), '--out', at('good'))).code).to.equal(0);
    writeFileSync(at('short'), readFileSync(at('good')));
    truncateSync(at('short'), statSync(at('good')).size - 20);
    for (const [args, message] of [
      [['backup'], 'backup: --out is missing'],
      [['backup', '--out', at('text')], `backup: ${at('text')} exists`],
      [
        ['backup', '--out', at('x'), '--data-dir', at('none')],
        `backup: there is no cluster in ${at('none')}`,
      ],
      [['backup', '--out', at('text/x'), '--data-dir', at('data')], `backup: cannot write ${at('text/x')}`],
      [['backup', '--out', at('x'), '--kubeconfig', at('none')], 'backup: the cluster of'],
      [['backup', '--out', at('x'), '--kubeconfig', join(at('data'), 'kubeconfig')], 'gives none'],
      [['restore'], 'restore: FILE is missing'],
      [['restore', at('good'), 'more'], 'restore: "more" is too much'],
      [['restore', at('none'), '--data-dir', at('new')], 'restore: cannot read'],
      [['restore', at('text'), '--data-dir', at('new')], 'it is no backup of gyre'],
      [['restore', at('short'), '--data-dir', at('new')], 'cannot be used'],
      [['restore', at('good'), '--data-dir', at('data')], `restore: ${at('data')} holds a cluster`],
    ] as const) {
      const { code, stdout, stderr } = await gyre(...args);
      expect([code, stdout], `${args.join(' ')}: ${stderr}`).to.deep.equal([2, '']);
      expect(stderr, args.join(' ')).to.include(message);
      expect(stderr.split('\n'), stderr).to.have.length(3);
    }
    expect(existsSync(at('new'))).to.equal(false);
    expect(existsSync(at('x'))).to.equal(false);
    expect(existsSync(at('x.partial'))).to.equal(false);
  });

  it('is for cluster admins: others are refused', async () => {
    using folder = temporaryFolder();
    const tokens = join(folder.path, 'tokens');
    writeFileSync(tokens, 'secret,eve,1,"people"\n');
    const up = await gyreUp(join(folder.path, 'data'), ['--no-controllers', '--token-auth-file', tokens]);
    const text = readFileSync(up.kubeconfig, 'utf8');
    const asEve = join(folder.path, 'eve');
    writeFileSync(
      asEve,
      text.replace(/ {4}client-certificate-data: .*\n {4}client-key-data: .*\n/, '    token: secret\n'),
    );
    const { code, stderr } = await gyre('backup', '--kubeconfig', asEve, '--out', join(folder.path, 'x'));
    expect(code).to.equal(2);
    expect(stderr).to.include('User "eve" cannot get path "/gyre.dev/v1/backup"');
    await stop(up);
  });
});
