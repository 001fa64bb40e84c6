/** `gyre up` with files that say who may come in and what is encrypted. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { connect, createClient, createHttpTransport } from 'gyre/client';
import { Secret } from 'gyre/kinds';
import { gyreUp, Program, root, temporaryFolder } from '../support/processes.js';

const gyre = (...args: string[]): Program => new Program([join(root, 'dist/cli/main.js'), ...args]);

const encryption = (letter: string): string => `apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
- resources: [secrets]
  providers:
  - aesgcm: {keys: [{name: ${letter}, secret: ${Buffer.from(letter.repeat(32)).toString('base64')}}]}
  - identity: {}
`;

/** Whether any file below the folder has the text. */
function found(folder: string, text: string): boolean {
  return readdirSync(folder, { recursive: true, withFileTypes: true }).some(
    (file) => file.isFile() && readFileSync(join(file.parentPath, file.name)).includes(text),
  );
}

describe('gyre up, with files of its own', function () {
  this.timeout(60_000);

  it('--encryption-provider-config: a secret is nowhere on disk, and there after a restart', async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, 'encryption.yaml');
    writeFileSync(file, encryption('k'));
    const args = ['--no-controllers', '--encryption-provider-config', file];
    const data = { password: Buffer.from('nobody-may-see-this').toString('base64') };
    const dataDir = join(folder.path, 'data');
    {
      const { program, kubeconfig } = await gyreUp(dataDir, args);
      await using _program = program;
      const { transport } = await connect({ kubeconfig });
      await createClient(transport).create(Secret, { metadata: { name: 's', namespace: 'default' }, data });
      transport.close();
      program.kill('SIGTERM');
      expect(await program.exited).to.equal(0);
    }
    expect(found(join(dataDir, 'store'), 'k8s:enc:aesgcm:v1:k')).to.equal(true);
    expect(found(join(dataDir, 'store'), data.password)).to.equal(false);
    const { program, kubeconfig } = await gyreUp(dataDir, args);
    await using _program = program;
    const { transport } = await connect({ kubeconfig });
    expect((await createClient(transport).get(Secret, 'default/s')).data).to.deep.equal(data);
    transport.close();
  });

  it('--token-auth-file: who has a token of it is who it says', async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, 'tokens.csv');
    writeFileSync(file, 'root-token,root,1,"system:masters"\njane-token,jane,2\n');
    const dataDir = join(folder.path, 'data');
    const { program, url } = await gyreUp(dataDir, ['--no-controllers', '--token-auth-file', file]);
    await using _program = program;
    const ca = readFileSync(join(dataDir, 'pki/ca.crt'), 'utf8');
    for (const [token, code] of [
      ['root-token', 200],
      ['jane-token', 403],
      ['no-token', 401],
    ] as const) {
      const transport = createHttpTransport({ server: url, ca, token });
      expect((await transport.request({ method: 'GET', path: '/api/v1/secrets' })).status).to.equal(code);
      transport.close();
    }
  });

  it('--audit-policy-file, --audit-log-path: each request over HTTPS is a line of JSON, by the id its answer carries', async () => {
    using folder = temporaryFolder();
    const [policy, log] = [join(folder.path, 'policy.yaml'), join(folder.path, 'audit.log')];
    writeFileSync(
      policy,
      'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules:\n- {level: Metadata, resources: [{group: "", resources: [secrets]}]}\n',
    );
    const args = ['--no-controllers', '--audit-policy-file', policy, '--audit-log-path', log];
    const { program, kubeconfig } = await gyreUp(join(folder.path, 'data'), args);
    await using _program = program;
    const { transport } = await connect({ kubeconfig });
    const path = '/api/v1/namespaces/default/secrets';
    const { headers } = await transport.request({ method: 'GET', path });
    const named = await transport.request({ method: 'GET', path, headers: { 'audit-id': 'mine' } });
    const other = await transport.request({ method: 'GET', path: '/api/v1/nodes' });
    transport.close();
    const lines = readFileSync(log, 'utf8').trim().split('\n');
    const events = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    const complete = events.filter(({ stage }) => stage === 'ResponseComplete');
    expect(complete.map(({ auditID }) => auditID)).to.deep.equal([headers['audit-id'], 'mine']);
    expect(named.headers['audit-id']).to.equal('mine');
    expect(other.headers['audit-id']).to.match(/^[0-9a-f-]{36}$/);
    for (const event of complete)
      expect(event).to.deep.include({ verb: 'list', requestURI: path, sourceIPs: ['127.0.0.1'] });
    expect((statSync(log).mode & 0o777).toString(8)).to.equal('600');
  });

  const bad: readonly [string, string, RegExp][] = [
    ['--token-auth-file', 'secret-token,jane', /line 1 of the token file must have at least 3 columns/],
    ['--encryption-provider-config', encryption('k').replace('aesgcm', 'aescbc'), /aescbc: not supported/],
  ];
  for (const [option, text, line] of bad)
    it(`${option}: a file that says nothing useful is refused in one line, without what it says`, async () => {
      using folder = temporaryFolder();
      const file = join(folder.path, 'file');
      writeFileSync(file, text);
      await using program = gyre('up', '--data-dir', join(folder.path, 'data'), option, file);
      expect(await program.exited).to.equal(2);
      expect(program.stderr).to.match(line).and.not.include('secret-token').and.not.include('a2tr');
      expect(program.stderr.trim().split('\n')).to.have.length(2);
    });
});
