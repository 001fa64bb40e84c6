/** Credential plugins: real programs of the test's own. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { mockHttp, nock, unmockHttp } from '../../support/nock.js';
import { isTransportError } from 'gyre/api';
import { createHttpTransport, KubeconfigError } from 'gyre/client';
import { VirtualClock } from 'gyre/testing';
import { type ExecPluginOptions, execCredentials } from '#src/client/credentials/exec-plugin.js';

const v1 = 'client.authentication.k8s.io/v1';
const v1beta1 = 'client.authentication.k8s.io/v1beta1';

describe('credential plugin', () => {
  let dir: string;
  let clock: VirtualClock;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'gyre-exec-'));
    clock = new VirtualClock();
  });
  afterEach(() => rmSync(dir, { recursive: true }));

  /** A plugin that notes each run, with what it was told, and prints what `answer` says. */
  const plugin = (answer: string, entry: object = {}, more: Partial<ExecPluginOptions> = {}) => {
    const script = join(dir, 'plugin.mjs');
    writeFileSync(
      script,
      `import { appendFileSync, existsSync, readFileSync } from 'node:fs';
       const runs = ${JSON.stringify(join(dir, 'runs'))};
       const n = existsSync(runs) ? readFileSync(runs, 'utf8').trim().split('\\n').length + 1 : 1;
       appendFileSync(runs, JSON.stringify({ args: process.argv.slice(2), color: process.env.COLOR,
         info: JSON.parse(process.env.KUBERNETES_EXEC_INFO) }) + '\\n');
       const print = (status, apiVersion = ${JSON.stringify(v1)}) =>
         console.log(JSON.stringify({ apiVersion, kind: 'ExecCredential', status }));
       ${answer}`,
    );
    return execCredentials({
      entry: {
        apiVersion: v1,
        interactiveMode: 'Never',
        command: process.execPath,
        args: [script, 'get-token'],
        ...entry,
      },
      chosen: {
        source: '/home/me/config',
        context: { user: 'u' },
        cluster: { server: 'https://one:6443' },
        userDir: dir,
      },
      clock,
      ...more,
    });
  };
  const runs = () =>
    existsSync(join(dir, 'runs'))
      ? readFileSync(join(dir, 'runs'), 'utf8')
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line))
      : [];
  const refusalOf = async (promise: Promise<unknown> | unknown): Promise<string> => {
    try {
      await promise;
    } catch (error) {
      expect(error).to.be.instanceOf(KubeconfigError);
      return (error as Error).message;
    }
    throw new Error('it was accepted');
  };

  it('is run with its arguments and environment, once for all who ask at the same time', async () => {
    const source = plugin('print({ token: `t${n}` })', { env: [{ name: 'COLOR', value: 'red' }] });
    const given = await Promise.all([source.current(), source.current(), source.current()]);
    expect(given).to.deep.equal([{ token: 't1' }, { token: 't1' }, { token: 't1' }]);
    expect(await source.current()).to.deep.equal({ token: 't1' });
    expect(runs()).to.deep.equal([
      {
        args: ['get-token'],
        color: 'red',
        info: { apiVersion: v1, kind: 'ExecCredential', spec: { interactive: false } },
      },
    ]);
  });

  it('is told about the cluster when it asks for that', async () => {
    const source = plugin(
      'print({ token: "t" })',
      { provideClusterInfo: true },
      {
        ca: () => 'the authority',
        chosen: {
          source: 'config',
          context: { user: 'u' },
          userDir: dir,
          cluster: {
            server: 'https://one:6443',
            'tls-server-name': 'internal',
            extensions: [
              { name: 'other', extension: { no: true } },
              { name: 'client.authentication.k8s.io/exec', extension: { audience: 'x' } },
            ],
          },
        },
      },
    );
    await source.current();
    expect(runs()[0].info.spec).to.deep.equal({
      interactive: false,
      cluster: {
        server: 'https://one:6443',
        'tls-server-name': 'internal',
        'certificate-authority-data': Buffer.from('the authority').toString('base64'),
        config: { audience: 'x' },
      },
    });
  });

  it('is run again when what it gave has expired, by the injected clock', async () => {
    const source = plugin(
      `print({ token: \`t\${n}\`, expirationTimestamp: '2026-01-01T00:10:00Z' }, ${JSON.stringify(v1beta1)})`,
      { apiVersion: v1beta1 },
    );
    expect(await source.current()).to.deep.equal({ token: 't1' });
    await clock.advance('9m59s');
    expect(await source.current()).to.deep.equal({ token: 't1' });
    await clock.advance('1s');
    expect(await source.current()).to.deep.equal({ token: 't2' });
  });

  it('is run again after a refusal of what it gave, not of what it gave before', async () => {
    const source = plugin('print({ token: `t${n}` })');
    const first = await source.current();
    source.refused?.(first);
    const second = await source.current();
    expect(second).to.deep.equal({ token: 't2' });
    source.refused?.(first);
    expect(await source.current()).to.deep.equal(second);
  });

  it('may give a client certificate', async () => {
    const source = plugin('print({ clientCertificateData: "c", clientKeyData: "k" })');
    expect(await source.current()).to.deep.equal({ cert: 'c', key: 'k' });
  });

  it('one who gives up does not end the run for the others', async () => {
    const source = plugin('setTimeout(() => print({ token: "t" }), 50)');
    const stopped = new AbortController();
    const impatient = Promise.resolve(source.current(stopped.signal)).catch((error: unknown) => error);
    const patient = source.current();
    const reason = new Error('enough');
    stopped.abort(reason);
    expect(await impatient).to.equal(reason);
    expect(await patient).to.deep.equal({ token: 't' });
    expect(runs()).to.have.length(1);
  });

  it('that cannot be found: says so, with the hint how to install it', async () => {
    const source = plugin('', {
      command: 'no-such-plugin-anywhere',
      installHint: 'Get it from example.com.\n',
    });
    expect(await refusalOf(source.current())).to.match(
      /plugin of user "u": could not be run: no-such-plugin-anywhere was not found\nGet it from example.com.$/,
    );
  });

  it('is looked for beside the kubeconfig when its name has a slash', async () => {
    const source = plugin('', { command: './here' });
    expect(await refusalOf(source.current())).to.include(`${join(dir, 'here')} was not found`);
  });

  it('that needs a terminal is not run without one', async () => {
    const source = plugin('print({ token: "t" })', { interactiveMode: 'Always' }, { interactive: false });
    expect(await refusalOf(source.current())).to.match(/needs a terminal to ask on/);
    expect(runs()).to.deep.equal([]);
  });

  const wrong: readonly [string, string, RegExp][] = [
    ['fails', 'console.error("log in first"); process.exitCode = 3', /ended with 3: log in first$/],
    ['prints no JSON', 'console.log("hush")', /printed what is not JSON$/],
    ['prints null', 'console.log("null")', /printed no ExecCredential/],
    [
      'answers in another version',
      `print({ token: 'hush' }, ${JSON.stringify(v1beta1)})`,
      /no ExecCredential of/,
    ],
    ['gives nothing', 'print({})', /gave neither a token nor a client certificate$/],
    ['gives half a certificate', 'print({ clientKeyData: "hush" })', /or its key, but not both$/],
    [
      'gives a time that is none',
      'print({ token: "hush", expirationTimestamp: "soon" })',
      /no RFC 3339 time$/,
    ],
  ];
  for (const [what, answer, message] of wrong)
    it(`that ${what} is an error that shows no secret, and is run again next time`, async () => {
      const source = plugin(answer);
      const text = await refusalOf(source.current());
      expect(text).to.match(message);
      expect(text).to.not.include('hush');
      await refusalOf(source.current());
      expect(runs()).to.have.length(2);
    });

  describe('in a transport', () => {
    beforeEach(() => mockHttp());
    afterEach(() => {
      unmockHttp();
    });
    const answers = (...rows: readonly (readonly [token: string, status: number])[]) => {
      for (const [token, status] of rows)
        nock('http://api.test', { reqheaders: { authorization: `Bearer ${token}` } })
          .post('/x', { a: 1 })
          .reply(status, {});
    };
    const send = async (credentials: ReturnType<typeof plugin>) => {
      const transport = createHttpTransport({ server: 'http://api.test', credentials });
      try {
        return await transport.request({ method: 'POST', path: '/x', body: { a: 1 } });
      } finally {
        transport.close();
      }
    };

    it('a refused token is replaced and the request sent again, once', async () => {
      answers(['t1', 401], ['t2', 201]);
      expect(await send(plugin('print({ token: `t${n}` })'))).to.include({ status: 201 });
      answers(['t1', 401], ['t2', 401]);
      rmSync(join(dir, 'runs'));
      expect(await send(plugin('print({ token: `t${n}` })'))).to.include({ status: 401 });
      expect(nock.isDone()).to.equal(true);
    });

    it('the answer stands when there is no other token', async () => {
      answers(['t', 401]);
      expect(await send(plugin('print({ token: "t" })'))).to.include({ status: 401 });
      expect(runs()).to.have.length(2);
    });

    it('without a credential nothing is sent', async () => {
      const error: unknown = await send(plugin('process.exitCode = 1')).catch((failure: unknown) => failure);
      expect(isTransportError(error)).to.equal(true);
      expect(error).to.include({ name: 'CredentialError' });
    });
  });
});
