/** Finding a cluster: kubeconfig files as kubectl reads them, and the service account of a pod. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect } from 'chai';
import { mockHttp, nock, unmockHttp } from '../../support/nock.js';
import {
  connect,
  createClient,
  type HttpTransportOptions,
  inClusterConfig,
  KubeconfigError,
  loadKubeconfig,
} from 'gyre/client';
import { ConfigMap } from 'gyre/kinds';
import { VirtualClock } from 'gyre/testing';
import { createAuthority } from '#src/pki/index.js';
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

  /** What would be shown to the server now. */
  async function shown({ ca, credentials, ...rest }: HttpTransportOptions): Promise<object> {
    const authority = typeof ca === 'function' ? ca() : ca;
    return { ...rest, ...(authority ? { ca: authority } : {}), ...(await credentials?.current()) };
  }

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
    expect(await shown(transport)).to.deep.equal({
      server: 'https://one:6443',
      ca: 'file authority',
      cert: 'inline certificate',
      key: 'file key',
    });
  });

  it('reads authority and certificate files again; a certificate is taken with its key only', async () => {
    const authorityOf = (name: string) => createAuthority(name, { clock });
    const [first, second] = [await authorityOf('first'), await authorityOf('second')];
    write('ca', first.cert);
    write('cert', first.cert);
    write('key', first.key);
    const { transport } = await load(
      configOf({ 'certificate-authority': 'ca' }, { 'client-certificate': 'cert', 'client-key': 'key' }),
    );
    const before = await shown(transport);
    expect(before).to.include({ ca: first.cert, ...first });
    write('ca', second.cert);
    write('cert', second.cert);
    expect(await shown(transport)).to.deep.equal(before);
    await clock.advance('1m');
    expect(await shown(transport)).to.include({ ca: second.cert, ...first });
    write('key', second.key);
    await clock.advance('1m');
    expect(await shown(transport)).to.include({ ca: second.cert, ...second });
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
    const { namespace, transport } = await loadKubeconfig({}, clock);
    expect(namespace).to.equal('first');
    expect(await shown(transport)).to.deep.equal({
      server: 'https://one:6443',
      cert: 'a certificate',
      key: 'a key',
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
      'a credential plugin of an unknown version',
      configOf({}, { exec: { apiVersion: 'client.authentication.k8s.io/v1alpha1', command: 'aws' } }),
      /plugin of user "u" speaks "client.authentication.k8s.io\/v1alpha1", not one of/,
    ],
    [
      'a credential plugin without a command',
      configOf({}, { exec: { apiVersion: 'client.authentication.k8s.io/v1', interactiveMode: 'Never' } }),
      /plugin of user "u" names no command$/,
    ],
    [
      'a credential plugin of v1 that does not say whether it asks',
      configOf({}, { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'aws' } }),
      /must say its interactiveMode: Never, IfAvailable, Always$/,
    ],
    [
      'an auth provider',
      configOf({}, { 'auth-provider': { name: 'gcp' } }),
      /user "u" uses the auth provider "gcp", which is not supported/,
    ],
    [
      'a password beside a token',
      configOf({}, { token: 't', username: 'a', password: 'b' }),
      /uses a token and a password: only one/,
    ],
    [
      'impersonated groups without a user',
      configOf({}, { token: 't', 'as-groups': ['admins'] }),
      /impersonates a uid, groups or extra fields without a user/,
    ],
    [
      'a proxy of another kind',
      configOf({ 'proxy-url': 'socks5://me:hush@p' }, {}),
      /cluster "c": a proxy of type "socks5" is not supported/,
    ],
    ['a proxy that is no URL', configOf({ 'proxy-url': 'p' }, {}), /cluster "c": the proxy is not a URL/],
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

  it('gives password, impersonation and proxy', async () => {
    const user = {
      username: 'jane',
      password: 'hush',
      as: 'bob',
      'as-uid': 'u-1',
      'as-groups': ['dev', 'ops'],
      'as-user-extra': { reason: ['test'] },
    };
    expect((await load(configOf({ 'proxy-url': 'http://proxy:3128' }, user))).transport).to.deep.equal({
      server: 'https://one:6443',
      basic: { username: 'jane', password: 'hush' },
      impersonate: { username: 'bob', uid: 'u-1', groups: ['dev', 'ops'], extra: { reason: ['test'] } },
      proxy: 'http://proxy:3128',
    });
  });

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

    it('takes the service account: namespace, authority and token, which are read again', async () => {
      write('ca.crt', 'the authority');
      write('namespace', 'shop\n');
      write('token', 'first');
      const found = inClusterConfig(clock, env, dir);
      expect(found?.namespace).to.equal('shop');
      expect(found?.transport.server).to.equal('https://10.0.0.1:443');
      const ca = found?.transport.ca as () => string;
      expect(ca()).to.equal('the authority');
      const token = found?.transport.token as () => string;
      expect(token()).to.equal('first');
      write('token', 'second');
      write('ca.crt', 'the next authority');
      await clock.advance('1m');
      expect(token()).to.equal('second');
      expect(ca()).to.equal('the next authority');
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
    mockHttp();
    nock('http://one:8080', { reqheaders: { authorization: 'Bearer secret', 'user-agent': 'tester' } })
      .get('/api/v1/namespaces/shop/configmaps/web')
      .reply(200, { metadata: { name: 'web' } });
    try {
      const file = write(
        'config',
        configOf({ server: 'http://one:8080' }, { token: 'secret' }, { namespace: 'shop' }),
      );
      const connection = await connect({ kubeconfig: file }, { clock, userAgent: 'tester', env: {} });
      expect(connection).to.include({ namespace: 'shop', server: 'http://one:8080' });
      const found = await createClient(connection.transport).get(ConfigMap, `${connection.namespace}/web`);
      expect(found.metadata.name).to.equal('web');
      connection.transport.close();
    } finally {
      unmockHttp();
    }
  });
});
