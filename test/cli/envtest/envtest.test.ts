/** The programs that test environments of kubebuilder projects start, as those start them. */
import { expect } from 'chai';
import { spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { JsonObject } from 'gyre/api';
import { createClient, createHttpTransport } from 'gyre/client';
import { ConfigMap, Deployment, Namespace, Pod, Service, ServiceAccount } from 'gyre/kinds';
import { createAuthority, issueCertificate } from '#src/pki/index.js';
import { root, temporaryFolder } from '../../support/processes.js';
import { systemClock } from '#src/system/index.js';

const program = (name: string): string => join(root, 'envtest', name);

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

function ask(url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    request(url, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .once('error', reject)
      .end();
  });
}

/** Until it does not throw: a harness polls as well. */
async function eventually<T>(check: () => Promise<T>): Promise<T> {
  for (let left = 100; ; left--) {
    try {
      return await check();
    } catch (error) {
      if (left === 0) throw error;
    }
    await pause(50);
  }
}

describe('programs for envtest', function () {
  this.timeout(30_000);

  for (const name of ['etcd', 'kube-apiserver'])
    it(`${name} --help says what it takes, and exits 0`, () => {
      const { status, stdout } = spawnSync(program(name), ['--help'], { encoding: 'utf8' });
      expect(status).to.equal(0);
      expect(stdout).to.include(name === 'etcd' ? '--listen-client-urls' : '--client-ca-file');
    });

  it('etcd is healthy at once, passes over what it does not know, and stops on SIGTERM', async () => {
    using folder = temporaryFolder();
    const url = `http://127.0.0.1:${await freePort()}`;
    const child = spawn(program('etcd'), [
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      '--listen-peer-urls=http://localhost:0',
      `--data-dir=${join(folder.path, 'data')}`,
      '--unsafe-no-fsync=true',
      '--of-another-version=1',
    ]);
    let told = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (told += text));
    const exited = once(child, 'exit');
    try {
      expect(await eventually(() => ask(`${url}/health`))).to.equal(200);
      expect(told).to.include('--of-another-version is passed over');
    } finally {
      child.kill('SIGTERM');
    }
    expect(await exited).to.deep.equal([0, null]);
  });

  it('kube-apiserver takes the certificates of the harness, knows its admin, and lets namespaces go', async () => {
    using folder = temporaryFolder();
    const at = (name: string): string => join(folder.path, name);
    const authority = await createAuthority('envtest', { clock: systemClock });
    const server = await issueCertificate(
      authority,
      { commonName: 'localhost', usage: 'server', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] },
      { clock: systemClock },
    );
    const admin = await issueCertificate(
      authority,
      { commonName: 'admin', organizations: ['system:masters'], usage: 'client' },
      { clock: systemClock },
    );
    writeFileSync(at('apiserver.crt'), server.cert);
    writeFileSync(at('apiserver.key'), server.key);
    writeFileSync(at('client-ca.crt'), authority.cert);
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    writeFileSync(at('sa.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }));
    const port = await freePort();
    const child = spawn(program('kube-apiserver'), [
      `--cert-dir=${folder.path}`,
      `--client-ca-file=${at('client-ca.crt')}`,
      `--secure-port=${port}`,
      '--bind-address=127.0.0.1',
      '--etcd-servers=http://127.0.0.1:2379',
      '--authorization-mode=RBAC',
      '--service-account-issuer=https://127.0.0.1/',
      `--service-account-key-file=${at('sa.key')}`,
      `--service-account-signing-key-file=${at('sa.key')}`,
      '--service-cluster-ip-range=10.0.0.0/24',
      '--allow-privileged=true',
      '--feature-gates=AggregatedDiscoveryEndpoint=false,MutatingAdmissionPolicy=true',
      '--runtime-config=admissionregistration.k8s.io/v1alpha1=true',
      '--disable-admission-plugins=ServiceAccount',
    ]);
    const exited = once(child, 'exit');
    const transport = createHttpTransport({
      server: `https://127.0.0.1:${port}`,
      ca: authority.cert,
      cert: admin.cert,
      key: admin.key,
    });
    try {
      const client = createClient(transport);
      await eventually(() => client.get(Namespace, 'default'));
      // A suite makes pods without anybody making service accounts, and Deployments that nobody acts on.
      const template = {
        metadata: { labels: { app: 'a' } },
        spec: { containers: [{ name: 'c', image: 'i' }] },
      };
      await client.create(Namespace, { metadata: { name: 'suite' } });
      await client.create(Pod, { metadata: { name: 'p', namespace: 'suite' }, spec: template.spec });
      await client.create(Deployment, {
        metadata: { name: 'd', namespace: 'suite' },
        spec: { selector: { matchLabels: { app: 'a' } }, template },
      });
      const service = await client.get(Service, 'default/kubernetes');
      expect(service.spec?.clusterIP).to.equal('10.0.0.1');
      const { token } = await client.createToken('suite/default').catch(async () => {
        await client.create(ServiceAccount, {
          metadata: { name: 'default', namespace: 'suite' },
        });
        return client.createToken('suite/default');
      });
      expect(JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())).to.include({
        alg: 'RS256',
      });
      await client.create(ConfigMap, { metadata: { name: 'c', namespace: 'suite' } });
      const read = async (path: string, accept = 'application/json') =>
        (await transport.request({ method: 'GET', path, headers: { accept } })).body as JsonObject;
      // As Go's clients compare them: what is in a list of a built-in kind does not say what it is.
      const { kind, items } = await read('/api/v1/namespaces/suite/configmaps');
      expect(kind).to.equal('ConfigMapList');
      expect(Object.keys((items as JsonObject[])[0] ?? {})).to.not.include.members(['kind', 'apiVersion']);
      const aggregated =
        'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json';
      expect(await read('/apis', aggregated)).to.have.property('kind', 'APIGroupList');
      expect(await read('/apis/admissionregistration.k8s.io/v1alpha1')).to.have.property(
        'kind',
        'APIResourceList',
      );
      await client.delete(Namespace, 'suite');
      await eventually(async () => expect(await client.find(Namespace, 'suite')).to.equal(undefined));
    } finally {
      transport.close();
      child.kill('SIGTERM');
    }
    expect(await exited).to.deep.equal([0, null]);
  });

  it('both end, with one line, where somebody else listens already', async () => {
    using folder = temporaryFolder();
    const { cert, key } = await createAuthority('envtest', { clock: systemClock });
    writeFileSync(join(folder.path, 'apiserver.crt'), cert);
    writeFileSync(join(folder.path, 'apiserver.key'), key);
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = taken.address() as { port: number };
      for (const [name, args, code, said] of [
        [
          'kube-apiserver',
          ['--cert-dir', folder.path, '--secure-port', String(port)],
          2,
          `kube-apiserver: cannot listen on 127.0.0.1:${port}: it is in use\n  --bind-address and --secure-port say where; port 0 takes any free one\n`,
        ],
        [
          'etcd',
          ['--listen-client-urls', `http://127.0.0.1:0,http://127.0.0.1:${port}`],
          1,
          `etcd: listen EADDRINUSE: address already in use 127.0.0.1:${port}\n`,
        ],
      ] as const) {
        const { status, stderr } = spawnSync(program(name), args, { encoding: 'utf8', timeout: 20_000 });
        expect([name, status, stderr]).to.deep.equal([name, code, said]);
      }
    } finally {
      taken.close();
    }
  });

  it('kube-apiserver says what is missing in one line', () => {
    const { status, stderr } = spawnSync(
      program('kube-apiserver'),
      ['--cert-dir=/nonexistent', '--client-ca-file=/nonexistent/ca'],
      { encoding: 'utf8' },
    );
    expect(status).to.equal(1);
    expect(stderr).to.match(/^kube-apiserver: --cert-dir: ENOENT.*\n$/);
  });
});
