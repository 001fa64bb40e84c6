/** `gyre up` as a user meets it: what it prints, what it leaves on disk, how it refuses and how it stops. */
import { expect } from 'chai';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { connect, createClient } from 'gyre/client';
import { Namespace } from 'gyre/kinds';
import { gyreUp, Program, root, temporaryFolder } from '../support/processes.js';

const main = join(root, 'dist/cli/main.js');
const gyre = (...args: string[]): Program => new Program([main, ...args]);

/** An HTTPS request without a client certificate, trusting whoever answers. */
function anonymously(url: string): Promise<{ code: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { rejectUnauthorized: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.once('end', () => resolve({ code: response.statusCode, body }));
    });
    sent.once('error', reject);
    sent.end();
  });
}

const mode = (file: string): string => (statSync(file).mode & 0o777).toString(8);

describe('gyre up', function () {
  this.timeout(20_000);

  describe('while it runs', () => {
    const folder = temporaryFolder();
    let up: Awaited<ReturnType<typeof gyreUp>>;
    before(async () => {
      up = await gyreUp(folder.path);
    });
    after(async () => {
      await up.program[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    });

    it('ends its start-up output with ready and the address', () => {
      const lines = up.program.stdout.trimEnd().split('\n');
      expect(lines.at(-1)).to.match(/^ready https:\/\/127\.0\.0\.1:\d+$/);
      expect(up.program.stdout)
        .to.match(/^gyre \d+\.\d+\.\d+ /)
        .and.to.include(up.kubeconfig);
      expect(up.program.stderr).to.equal('');
    });

    it('keeps kubeconfig and keys from everybody else', () => {
      expect(mode(up.kubeconfig)).to.equal('600');
      expect(mode(join(folder.path, 'pki'))).to.equal('700');
      for (const name of ['ca', 'apiserver', 'admin']) {
        expect(mode(join(folder.path, 'pki', `${name}.key`)), name).to.equal('600');
      }
    });

    it('answers health and version to everybody', async () => {
      expect(await anonymously(`${up.url}/healthz`)).to.deep.equal({ code: 200, body: 'ok' });
      expect(await anonymously(`${up.url}/livez`)).to.deep.equal({ code: 200, body: 'ok' });
      expect(await anonymously(`${up.url}/readyz`)).to.deep.equal({ code: 200, body: 'ok' });
      const { code, body } = await anonymously(`${up.url}/version`);
      expect(code).to.equal(200);
      expect(JSON.parse(body)).to.include({ major: '1', minor: '32' });
    });

    for (const path of ['/', '/api', '/openapi/v3', '/api/v1/namespaces', '/api/v1/nowhere', '/nope']) {
      it(`answers 403 to whoever asks for ${path} without a certificate`, async () => {
        const { code, body } = await anonymously(up.url + path);
        expect(code).to.equal(403);
        expect(JSON.parse(body)).to.include({
          kind: 'Status',
          status: 'Failure',
          reason: 'Forbidden',
          code: 403,
        });
        expect(JSON.parse(body).message).to.include('User "system:anonymous" cannot ');
      });
    }

    it('refuses a second one on its port, in one line and a hint', async () => {
      using other = temporaryFolder();
      const port = new URL(up.url).port;
      await using second = gyre('up', '--data-dir', other.path, '--port', port);
      expect(await second.exited).to.equal(2);
      expect(second.stderr).to.equal(`gyre: port ${port} is in use\n  --port 0 takes any free port\n`);
      expect(second.stdout).to.equal('');
    });
  });

  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    it(`stops at ${signal} with exit code 0`, async () => {
      using folder = temporaryFolder();
      const { program } = await gyreUp(folder.path);
      await using _program = program;
      program.kill(signal);
      expect(await program.exited).to.equal(0);
      expect(program.stderr).to.equal('');
    });
  }

  it('ends at once at a second signal, with the exit code of that signal', async () => {
    using folder = temporaryFolder();
    const { program } = await gyreUp(folder.path);
    await using _program = program;
    // Held still, the program finds both at once: it cannot have stopped in between. Two different signals, for
    // a second one of the same kind is dropped while the first is pending; which is seen first is the kernel's choice.
    program.kill('SIGSTOP');
    program.kill('SIGINT');
    program.kill('SIGTERM');
    program.kill('SIGCONT');
    expect(await program.exited).to.be.oneOf([130, 143]);
  });

  it('stops while clients watch, and ends their watches', async () => {
    using folder = temporaryFolder();
    const { program, kubeconfig } = await gyreUp(folder.path);
    await using _program = program;
    const { transport } = await connect({ kubeconfig });
    const { events } = await createClient(transport).watch(Namespace);
    program.kill('SIGTERM');
    expect(await program.exited).to.equal(0);
    for await (const batch of events) expect(batch).to.not.equal(undefined);
    transport.close();
  });

  it('keeps its certificates: a kubeconfig of before works with a cluster on the same port', async () => {
    using folder = temporaryFolder();
    const first = await gyreUp(folder.path);
    const { transport } = await connect({ kubeconfig: first.kubeconfig });
    const authority = readFileSync(join(folder.path, 'pki/ca.crt'), 'utf8');
    first.program.kill('SIGTERM');
    await first.program.exited;
    const again = await gyreUp(folder.path, ['--port', new URL(first.url).port]);
    await using _again = again.program;
    expect(again.url).to.equal(first.url);
    expect(readFileSync(join(folder.path, 'pki/ca.crt'), 'utf8')).to.equal(authority);
    // The transport that was made from the kubeconfig of the first.
    const found = await createClient(transport).get(Namespace, 'default');
    expect(found.status?.phase).to.equal('Active');
    transport.close();
  });

  it('writes its own kubeconfig anew at every start, wherever it was told to', async () => {
    using folder = temporaryFolder();
    const file = join(folder.path, 'elsewhere', 'config');
    for (let start = 1; start <= 2; start++) {
      const { program, url } = await gyreUp(folder.path, ['--kubeconfig', file]);
      await using _program = program;
      expect(readFileSync(file, 'utf8')).to.include(`server: ${url}\n`);
      expect(mode(file)).to.equal('600');
    }
  });

  describe('refuses with exit code 2, one line and a hint', () => {
    const folder = temporaryFolder();
    after(() => folder[Symbol.dispose]());
    const dir = (name: string): string => join(folder.path, name);

    const rows: readonly [title: string, args: readonly string[], line: RegExp, hint: RegExp][] = [
      [
        'a store nobody knows',
        ['up', '--store', 'tape'],
        /--store must be one of embedded, memory, not "tape"/,
        /--store embedded/,
      ],
      [
        'a runtime nobody knows',
        ['up', '--runtime', 'docker'],
        /--runtime must be one of process, simulated, not "docker"/,
        /--runtime process/,
      ],
      ['too many nodes', ['up', '--nodes', '100000'], /--nodes must be a number from 0 to 5000/, /--nodes 0/],
      [
        'an image without a command',
        ['up', '--image', 'shop'],
        /--image must be NAME=COMMAND/,
        /--image shop=/,
      ],
      [
        'a port that is no number',
        ['up', '--port', 'http'],
        /--port must be a number from 0 to 65535, not "http"/,
        /--port 0/,
      ],
      [
        'a port out of range',
        ['up', '--port', '65536'],
        /--port must be a number from 0 to 65535, not "65536"/,
        /--port 0/,
      ],
      ['an empty port', ['up', '--port', ''], /--port must be a number from 0 to 65535, not ""/, /--port 0/],
      ['an unknown option', ['up', '--prot', '1'], /up: unknown option '--prot'/, /gyre up --help/],
      [
        'an option without its value',
        ['up', '--port'],
        /up: option '--port <value>' argument missing/,
        /gyre up --help/,
      ],
      [
        'an etcd that is no URL',
        ['up', '--etcd-servers', 'localhost:2379'],
        /--etcd-servers: "localhost:2379" is no http or https URL/,
        /--etcd-servers http:\/\/127\.0\.0\.1:2379/,
      ],
      [
        'a certificate for etcd without its key',
        ['up', '--etcd-servers', 'https://localhost:2379', '--etcd-certfile', 'x'],
        /--etcd-keyfile alone says too little|--etcd-certfile alone says too little/,
        /belong together/,
      ],
      [
        'what is said of an etcd that is not named',
        ['up', '--etcd-prefix', '/x'],
        /--etcd-servers is missing/,
        /--etcd-servers https/,
      ],
      [
        'an etcd that does not answer',
        ['up', '--etcd-servers', 'http://127.0.0.1:1'],
        /etcd does not answer at http:\/\/127\.0\.0\.1:1/,
        /is it running there/,
      ],
      ['an argument that belongs nowhere', ['up', 'now'], /up: unexpected argument 'now'/, /gyre up --help/],
      ['an unknown command', ['upp'], /unknown command "upp"/, /gyre --help/],
    ];
    for (const [title, args, line, hint] of rows) {
      it(title, async () => {
        const own = args[0] === 'up' ? ['--data-dir', dir('unused')] : [];
        await using program = gyre(args[0] as string, ...own, ...args.slice(1));
        expect(await program.exited).to.equal(2);
        const lines = program.stderr.trimEnd().split('\n');
        expect(lines, program.stderr).to.have.length(2);
        expect(lines[0])
          .to.match(/^gyre: /)
          .and.to.match(line);
        expect(lines[1])
          .to.match(/^ {2}\S/)
          .and.to.match(hint);
        expect(program.stdout).to.equal('');
      });
    }

    it('a port that another program has', async () => {
      const taken = createServer();
      await new Promise<void>((listening) => taken.listen(0, '127.0.0.1', listening));
      const { port } = taken.address() as { port: number };
      await using program = gyre('up', '--data-dir', dir('busy'), '--port', String(port));
      expect(await program.exited).to.equal(2);
      expect(program.stderr).to.equal(`gyre: port ${port} is in use\n  --port 0 takes any free port\n`);
      await new Promise((closed) => taken.close(closed));
    });

    it('a data directory that is a file', async () => {
      writeFileSync(dir('file'), 'mine');
      await using program = gyre('up', '--data-dir', dir('file'), '--port', '0');
      expect(await program.exited).to.equal(2);
      expect(program.stderr).to.equal(
        `gyre: cannot write to ${dir('file')}\n  --data-dir DIR names a directory that can be written to\n`,
      );
      expect(readFileSync(dir('file'), 'utf8')).to.equal('mine');
    });

    it('a data directory that cannot be written to', async function () {
      // The superuser may write everywhere.
      if (process.getuid?.() === 0) this.skip();
      mkdirSync(dir('locked'));
      chmodSync(dir('locked'), 0o500);
      await using program = gyre('up', '--data-dir', dir('locked/data'), '--port', '0');
      expect(await program.exited).to.equal(2);
      expect(program.stderr).to.match(
        /^gyre: cannot write to .*locked.*\n {2}--data-dir DIR names a directory/,
      );
    });

    it('a kubeconfig that somebody else wrote, and leaves it alone', async () => {
      const theirs = 'apiVersion: v1\nkind: Config\ncurrent-context: production\n';
      writeFileSync(dir('config'), theirs);
      await using program = gyre(
        'up',
        '--data-dir',
        dir('foreign'),
        '--port',
        '0',
        '--kubeconfig',
        dir('config'),
      );
      expect(await program.exited).to.equal(2);
      expect(program.stderr).to.equal(
        `gyre: ${dir('config')} exists and was not written by gyre\n  --kubeconfig FILE names another file; your own is never overwritten\n`,
      );
      expect(readFileSync(dir('config'), 'utf8')).to.equal(theirs);
    });
  });

  it('--help says what it takes and exits with 0', async () => {
    await using program = gyre('up', '--help');
    expect(await program.exited).to.equal(0);
    for (const option of [
      '--data-dir',
      '--store',
      '--port',
      '--kubeconfig',
      '--runtime',
      '--nodes',
      '--image',
      '--verbose',
    ]) {
      expect(program.stdout).to.include(option);
    }
  });

  it('gyre version prints the version of the package', async () => {
    await using program = gyre('version');
    expect(await program.exited).to.equal(0);
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    expect(program.stdout).to.equal(`${version}\n`);
  });
});
