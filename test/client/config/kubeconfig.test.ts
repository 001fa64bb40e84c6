/** Finding a cluster: kubeconfig files as kubectl reads them, and the service account of a pod. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect } from 'chai';
import nock from 'nock';
import { connect, createClient, inClusterConfig, KubeconfigError, loadKubeconfig } from 'gyre/client';
import { ConfigMap } from 'gyre/kinds';
import { VirtualClock } from 'gyre/testing';
import { kubeconfigFiles } from '#src/client/config/kubeconfig-files.js';

const base64 = (text: string) => Buffer.from(text).toString('base64');

describe('kubeconfig', () => {
  let dir: string;
  let clock: VirtualClock;
  const savedKubeconfig = process.env.KUBECONFIG;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'gyre-kubeconfig-'));
    clock = new VirtualClock();
  });
  afterEach(() => {
    rmSync(dir, { recursive: true });
    if (savedKubeconfig === undefined) delete process.env.KUBECONFIG;
    else process.env.KUBECONFIG = savedKubeconfig;
  });
  function write(name: string, content: string | object): string {
    const file = join(dir, name);
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
    return file;
  }
  const configOf = (cluster: object, user: object, context: object = {}) => ({
    'current-context': 'one',
    contexts: [{ name: 'one', context: { cluster: 'c', user: 'u', ...context } }],
    clusters: [{ name: 'c', cluster: { server: 'https://one:6443', ...cluster } }],
    users: [{ name: 'u', user }],
  });
  const load = (content: string | object, context?: string) =>
    loadKubeconfig({ kubeconfig: write('config', content), ...(context ? { context } : {}) }, clock);

  async function refusalOf(promise: Promise<unknown>): Promise<string> {
    try {
      await promise;
    } catch (error) {
      expect(error).to.be.instanceOf(KubeconfigError);
      return (error as Error).message;
    }
    throw new Error('it was accepted');
  }

  it('gives server, authority, client certificate and namespace of the current context', async () => {
    const found = await load(`
apiVersion: v1
kind: Config
current-context: two
contexts:
- {name: one, context: {cluster: c, user: u}}
- {name: two, context: {cluster: d, user: v, namespace: shop}}
clusters:
- {name: c, cluster: {server: "https://one:6443"}}
- name: d
  cluster:
    server: https://two:6443/prefix
    certificate-authority-data: ${base64('the authority')}
    tls-server-name: internal
users:
- {name: u, user: {token: secret}}
- name: v
  user: {client-certificate-data: ${base64('the certificate')}, client-key-data: ${base64('the key')}}
`);
    expect(found).to.deep.equal({
      namespace: 'shop',
      transport: {
        server: 'https://two:6443/prefix',
        ca: 'the authority',
        cert: 'the certificate',
        key: 'the key',
        servername: 'internal',
      },
    });
  });

  it('takes another context when asked', async () => {
    const config = configOf({}, { token: 'secret' });
    config.contexts.push({ name: 'other', context: { cluster: 'c', user: 'u', namespace: 'shop' } as never });
    const found = await load(config, 'other');
    expect(found).to.deep.equal({
      namespace: 'shop',
      transport: { server: 'https://one:6443', token: 'secret' },
    });
    expect((await load(config)).namespace).to.equal('default');
  });

  it('reads files relative to the kubeconfig; what is inline wins', async () => {
    write('certs/ca.pem', 'file authority');
    write('certs/cert.pem', 'file certificate');
    write('certs/key.pem', 'file key');
    const { transport } = await load(
      configOf(
        { 'certificate-authority': 'certs/ca.pem', 'insecure-skip-tls-verify': false },
        {
          'client-certificate': 'certs/cert.pem',
          'client-certificate-data': base64('inline certificate'),
          'client-key': join(dir, 'certs/key.pem'),
        },
      ),
    );
    expect(transport).to.deep.equal({
      server: 'https://one:6443',
      ca: 'file authority',
      cert: 'inline certificate',
      key: 'file key',
    });
  });

  it('skips verification only when told to', async () => {
    const { transport } = await load(configOf({ 'insecure-skip-tls-verify': true }, {}));
    expect(transport.insecure).to.equal(true);
  });

  it('reads a token file again after a minute, and keeps the old one while it is being replaced', async () => {
    const file = write('token', 'first\n');
    const { transport } = await load(configOf({}, { token: 'inline', tokenFile: 'token' }));
    const token = transport.token as () => string;
    expect(token()).to.equal('first');
    write('token', 'second\n');
    await clock.advance('59s');
    expect(token()).to.equal('first');
    await clock.advance('1s');
    expect(token()).to.equal('second');
    rmSync(file);
    await clock.advance('2m');
    expect(token()).to.equal('second');
    write('token', 'third');
    expect(token()).to.equal('third');
  });

  it('says which token file is missing when there never was one', async () => {
    const { transport } = await load(configOf({}, { tokenFile: 'nowhere' }));
    expect(transport.token).to.throw(KubeconfigError, join(dir, 'nowhere'));
  });

  it('merges the files of $KUBECONFIG: the first that says something wins, missing and empty ones are skipped', async () => {
    const first = write('a/config', {
      contexts: [{ name: 'one', context: { cluster: 'c', user: 'u', namespace: 'first' } }],
      users: [{ name: 'u', user: { 'client-certificate': 'cert', 'client-key': 'key' } }],
    });
    write('a/cert', 'a certificate');
    write('a/key', 'a key');
    const second = write('b/config', configOf({}, { token: 'of the second' }, { namespace: 'second' }));
    process.env.KUBECONFIG = [join(dir, 'missing'), '', write('empty', ''), first, second].join(delimiter);
    expect(await loadKubeconfig({}, clock)).to.deep.equal({
      namespace: 'first',
      transport: { server: 'https://one:6443', cert: 'a certificate', key: 'a key' },
    });
  });

  it('looks in the home folder when there is no $KUBECONFIG, nowhere else when a file is named', () => {
    const file = write('.kube/config', '');
    expect(kubeconfigFiles({}, { HOME: dir })).to.deep.equal([file]);
    expect(kubeconfigFiles({}, { HOME: join(dir, 'nobody') })).to.deep.equal([]);
    expect(kubeconfigFiles({ kubeconfig: '/x/config' }, { HOME: dir, KUBECONFIG: file })).to.deep.equal([
      '/x/config',
    ]);
  });

  const ok = configOf({}, {});
  const refused: readonly [string, string | object, RegExp][] = [
    ['text that is not YAML', 'a: [', /config: /],
    ['a list', '- a', /config: not a kubeconfig$/],
    ['text', 'hello', /config: not a kubeconfig$/],
    [
      'clusters that are no list',
      { ...ok, clusters: {} },
      /clusters must be a list of entries with name and cluster$/,
    ],
    [
      'a user that is no entry',
      { ...ok, users: [null] },
      /users must be a list of entries with name and user$/,
    ],
    [
      'a context that is text',
      { ...ok, contexts: [{ name: 'one', context: 'c' }] },
      /contexts must be a list/,
    ],
    ['no current context', { ...ok, 'current-context': '' }, /there is no current context$/],
    ['a context that is not there', { ...ok, 'current-context': 'x' }, /context "x" does not exist$/],
    [
      'a cluster that is not there',
      { ...ok, clusters: [] },
      /cluster "c" does not exist or names no server$/,
    ],
    [
      'a cluster without a server',
      configOf({ server: '' }, {}),
      /cluster "c" does not exist or names no server$/,
    ],
    [
      'a server that is no URL',
      configOf({ server: 'localhost:8080' }, {}),
      /"localhost:8080", which is not an http/,
    ],
    ['a user that is not there', { ...ok, users: [] }, /user "u" does not exist$/],
    [
      'a credential plugin',
      configOf({}, { exec: { command: 'aws' } }),
      /user "u" uses a credential plugin, .* not supported yet/,
    ],
    [
      'an auth provider',
      configOf({}, { 'auth-provider': { name: 'gcp' } }),
      /credential plugin, .* not supported yet/,
    ],
    ['a password', configOf({}, { username: 'a', password: 'b' }), /uses a password, .* not supported yet/],
    [
      'impersonation',
      configOf({}, { token: 't', as: 'admin' }),
      /impersonates another user, .* not supported yet/,
    ],
    ['a proxy', configOf({ 'proxy-url': 'http://p' }, {}), /behind a proxy, .* not supported yet/],
    [
      'a certificate without its key',
      configOf({}, { 'client-certificate-data': 'YQ==' }),
      /a client certificate but no client key$/,
    ],
    [
      'a key without its certificate',
      configOf({}, { 'client-key-data': 'YQ==' }),
      /a client key but no client certificate$/,
    ],
    [
      'a certificate file that is not there',
      configOf({ 'certificate-authority': 'nowhere' }, {}),
      /nowhere: ENOENT/,
    ],
  ];
  for (const [what, content, message] of refused) {
    it(`refuses ${what}, saying which file and why`, async () => {
      const text = await refusalOf(load(content));
      expect(text).to.match(message);
      expect(text).to.include(dir);
    });
  }

  it('never shows a secret in a refusal', async () => {
    const text = await refusalOf(load(configOf({}, { token: 'hush', password: 'hush', username: 'a' })));
    expect(text).to.not.include('hush');
  });

  it('refuses a named file that is not there, and no file at all', async () => {
    const file = join(dir, 'nowhere');
    expect(await refusalOf(loadKubeconfig({ kubeconfig: file }, clock))).to.include(file);
    process.env.KUBECONFIG = file;
    expect(await refusalOf(loadKubeconfig({}, clock))).to.match(/no kubeconfig was found/);
  });

  describe('in a pod', () => {
    const env = { KUBERNETES_SERVICE_HOST: '10.0.0.1', KUBERNETES_SERVICE_PORT: '443' };

    it('takes the service account: authority, namespace, and a token that is read again', async () => {
      write('ca.crt', 'the authority');
      write('namespace', 'shop\n');
      write('token', 'first');
      const found = inClusterConfig(clock, env, dir);
      expect(found?.namespace).to.equal('shop');
      expect(found?.transport).to.include({ server: 'https://10.0.0.1:443', ca: 'the authority' });
      const token = found?.transport.token as () => string;
      expect(token()).to.equal('first');
      write('token', 'second');
      await clock.advance('1m');
      expect(token()).to.equal('second');
    });

    it('writes an IPv6 host as a URL needs it', () => {
      write('token', 't');
      const found = inClusterConfig(clock, { ...env, KUBERNETES_SERVICE_HOST: 'fd00::1' }, dir);
      expect(found?.transport.server).to.equal('https://[fd00::1]:443');
    });

    it('is not there without the variables or without a token', () => {
      expect(inClusterConfig(clock, env, dir)).to.equal(undefined);
      write('token', 't');
      expect(inClusterConfig(clock, {}, dir)).to.equal(undefined);
    });
  });

  it('is all that connect() needs for a working client', async () => {
    nock.disableNetConnect();
    nock('http://one:8080', { reqheaders: { authorization: 'Bearer secret', 'user-agent': 'tester' } })
      .get('/api/v1/namespaces/shop/configmaps/web')
      .reply(200, { metadata: { name: 'web' } });
    try {
      const file = write(
        'config',
        configOf({ server: 'http://one:8080' }, { token: 'secret' }, { namespace: 'shop' }),
      );
      const connection = await connect({ kubeconfig: file }, { clock, userAgent: 'tester' });
      expect(connection).to.include({ namespace: 'shop', server: 'http://one:8080' });
      const found = await createClient(connection.transport).get(ConfigMap, `${connection.namespace}/web`);
      expect(found.metadata.name).to.equal('web');
      connection.transport.close();
    } finally {
      nock.cleanAll();
      nock.enableNetConnect();
    }
  });
});
