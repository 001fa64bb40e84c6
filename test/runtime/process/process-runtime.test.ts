import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { PodSandboxStatus, ProbeResult } from 'gyre/runtime';
import { canRun, CallError, eventually, isRunning, RemoteRuntime, type Way, ways } from './remote-runtime.js';

const shell = (script: string) => ({ command: ['sh', '-c', script] });

async function failure(promise: Promise<unknown>): Promise<CallError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof CallError) return error;
    throw error;
  }
  throw new Error('should have failed');
}

for (const way of ways) {
  describe(`process runtime: ${way}`, function () {
    this.timeout(30_000);
    let runtime: RemoteRuntime;
    let pods = 0;

    before(async function () {
      if (process.platform === 'win32') this.skip();
      if (!canRun(way)) {
        process.stdout.write('    skipped: this checkout or its node cannot be read by another user\n');
        this.skip();
      }
      runtime = await RemoteRuntime.start(way, {
        'team/worker': { entrypoint: ['echo', 'mapped'], cmd: ['by', 'default'] },
      });
      const { isolation } = await runtime.call<{ isolation: Way }>('isolation');
      if (isolation !== way) {
        await runtime[Symbol.asyncDispose]();
        this.skip();
      }
    });
    after(async () => {
      if (!runtime) return;
      await runtime[Symbol.asyncDispose]().catch(() => {});
    });
    const sandbox = () => runtime.sandbox(`pod-${pods++}`);

    it('runs a command, logs both streams in CRI format and tells its exit code', async () => {
      const pod = await sandbox();
      const id = await runtime.run(pod, shell('echo out; echo err >&2; printf unfinished; exit 3'));
      const status = await runtime.exited(id);
      expect(status).to.include({ exitCode: 3, reason: 'Error' });
      expect(status.finishedAt).to.be.at.least(status.startedAt ?? Number.NaN);
      expect(runtime.log(pod)).to.have.members(['stdout F out', 'stderr F err', 'stdout P unfinished']);
      const raw = readFileSync(join(pod.config.logDirectory, 'main/0.log'), 'utf8');
      expect(raw).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z std/);
      const types = await eventually(() => {
        const seen = runtime.events.filter((event) => event.containerId === id).map((event) => event.type);
        return seen.length === 2 ? seen : undefined;
      }, 'two events');
      expect(types).to.deep.equal(['containerStarted', 'containerStopped']);
    });

    it('gives exactly its environment: nothing of the host leaks', async () => {
      const pod = await sandbox();
      const env = [
        { name: 'QUOTED', value: `it's "$HOME" \\ two` },
        { name: 'dotted.name', value: 'a=b' },
      ];
      const id = await runtime.run(pod, { command: ['env'], env });
      expect(await runtime.exited(id)).to.include({ exitCode: 0, reason: 'Completed' });
      const lines = runtime.log(pod).map((line) => line.slice('stdout F '.length));
      expect(lines.map((line) => line.split('=')[0])).to.have.members([
        'PATH',
        'HOME',
        'HOSTNAME',
        'POD_IP',
        'QUOTED',
        'dotted.name',
        ...(way === 'none' ? ['GYRE_POD_ROOT'] : []),
      ]);
      expect(lines).to.include(`POD_IP=${pod.ips[0]}`);
      expect(lines).to.include(`QUOTED=it's "$HOME" \\ two`);
      expect(lines).to.include('dotted.name=a=b');
    });

    it('KL-11 fails to start what is not there, with the words of an OCI runtime and code 128', async () => {
      const pod = await sandbox();
      const id = await runtime.create(pod, { command: ['no-such-program', 'x'] });
      const error = await failure(runtime.call('startContainer', id));
      expect(error.reason).to.equal('StartError');
      expect(error.message).to.equal('exec: "no-such-program": executable file not found in $PATH');
      expect(await runtime.status(id)).to.include({ state: 'exited', exitCode: 128, reason: 'StartError' });
      const absolute = await runtime.create(pod, { name: 'b', command: ['/no/such'] });
      expect((await failure(runtime.call('startContainer', absolute))).message).to.equal(
        'exec: "/no/such": stat /no/such: no such file or directory',
      );
    });

    it('starts images by mapping; args replace cmd', async () => {
      const pod = await sandbox();
      await runtime.exited(
        await runtime.run(pod, { name: 'a', image: 'registry.example.com/team/worker:1.2' }),
      );
      await runtime.exited(await runtime.run(pod, { name: 'b', image: 'team/worker', args: ['by', 'args'] }));
      expect(runtime.log(pod, 'a')).to.deep.equal(['stdout F mapped by default']);
      expect(runtime.log(pod, 'b')).to.deep.equal(['stdout F mapped by args']);
    });

    it('KL-8 ends a command at SIGTERM, or kills it when the grace is over', async () => {
      const pod = await sandbox();
      const polite = await runtime.run(pod, {
        name: 'polite',
        ...shell('trap "exit 7" TERM; echo up; while :; do sleep 0.05; done'),
      });
      const stubborn = await runtime.run(pod, {
        name: 'stubborn',
        ...shell('trap "" TERM; echo up; while :; do sleep 0.05; done'),
      });
      const plain = await runtime.run(pod, { name: 'plain', command: ['sleep', '1000'] });
      for (const name of ['polite', 'stubborn'])
        await eventually(() => runtime.log(pod, name)[0], `${name} to be up`);
      await Promise.all([
        runtime.call('stopContainer', polite, 5000),
        runtime.call('stopContainer', stubborn, 200),
        runtime.call('stopContainer', plain, 5000),
      ]);
      expect((await runtime.status(polite)).exitCode).to.equal(7);
      expect((await runtime.status(stubborn)).exitCode).to.equal(137);
      expect((await runtime.status(plain)).exitCode).to.equal(143);
      await runtime.call('stopContainer', plain, 5000);
    });

    it('leaves no process behind, detached ones of its namespace included', async () => {
      const pod = await sandbox();
      // Without a PID namespace a session of its own is out of reach.
      const detach = way === 'none' ? '' : 'setsid ';
      const id = await runtime.run(pod, shell(`(${detach}sleep 4321 & sleep 4321 &) ; echo up; sleep 4321`));
      await eventually(() => runtime.log(pod)[0], 'the container to be up');
      const count = () =>
        spawnSync('sh', ['-c', 'ps -eo args | grep -c "^sleep 4321"'], { encoding: 'utf8' }).stdout.trim();
      const before = await eventually(() => (count() === '3' ? '3' : undefined), 'three sleepers');
      expect(before).to.equal('3');
      await runtime.call('stopContainer', id, 3000);
      await eventually(() => (count() === '0' ? true : undefined), 'no sleepers');
      const shim = runtime.pid(id, 'shim');
      await eventually(() => (isRunning(shim) ? undefined : true), 'the shim to end');
    });

    it('runs further commands with streams, exit code, environment and working directory', async () => {
      const pod = await sandbox();
      const id = await runtime.run(pod, {
        command: ['sleep', '1000'],
        workingDir: '/usr',
        env: [{ name: 'A', value: 'b c' }],
      });
      const sync = await runtime.execSync(id, 'sh', '-c', 'echo "$A"; pwd; echo oops >&2; exit 5');
      expect(sync).to.deep.equal({ exitCode: 5, stdout: 'b c\n/usr\n', stderr: 'oops\n' });
      const streamed = await runtime.call('execStreams', id, ['cat'], ['one ', 'two'], false);
      expect(streamed).to.deep.equal({ exitCode: 0, stdout: 'one two', stderr: '' });
      const missing = await failure(runtime.execSync(id, 'no-such-program'));
      expect(missing.message).to.equal('exec: "no-such-program": executable file not found in $PATH');
      const late = await failure(runtime.call('execSync', id, ['sleep', '1000'], 100));
      expect(late.reason).to.equal('DeadlineExceeded');
      await runtime.call('stopContainer', id, 1000);
      expect((await failure(runtime.execSync(id, 'true'))).reason).to.equal('NotRunning');
    });

    it('ends although a command run in it is stopped', async () => {
      const pod = await sandbox();
      const id = await runtime.run(pod, { command: ['sleep', '1000'] });
      const stopped = runtime.call(
        'execStreams',
        id,
        ['sh', '-c', 'echo $$; kill -STOP $$'],
        undefined,
        false,
      );
      await eventually(async () => {
        const { stdout } = await runtime.execSync(id, 'sh', '-c', 'ps -eo stat,args | grep "^T.*kill -STOP"');
        return stdout === '' ? undefined : true;
      }, 'the command to stop');
      await runtime.call('stopContainer', id, 5000);
      expect(await runtime.status(id)).to.include({ state: 'exited', exitCode: 143 });
      await stopped;
    });

    it('leaves nothing of a command that is given up, whatever it is just starting', async () => {
      const id = await runtime.run(await sandbox(), { command: ['sleep', '1000'] });
      const seconds = `43${pods}21`;
      const many = ['sh', '-c', `for i in 1 2 3 4 5 6 7 8; do sleep ${seconds} & done; wait`];
      const givenUp = Array.from({ length: 40 }, (_, i) =>
        failure(runtime.call('execSync', id, many, 1 + 2 * i)),
      );
      for (const error of await Promise.all(givenUp)) expect(error.message).to.include('timed out');
      const left = () => spawnSync('pgrep', ['-fx', `sleep ${seconds}`], { encoding: 'utf8' }).stdout.trim();
      await eventually(() => (left() === '' ? true : undefined), 'the end of all of them');
      expect((await runtime.status(id)).state).to.equal('running');
    });

    it('gives exec a terminal', async function () {
      if (spawnSync('script', ['--version']).status !== 0) this.skip();
      const pod = await sandbox();
      const id = await runtime.run(pod, { command: ['sleep', '1000'] });
      const result = await runtime.call<{ exitCode: number; stdout: string }>(
        'execStreams',
        id,
        ['sh', '-c', 'test -t 0 && test -t 1 && echo terminal; exit 6'],
        undefined,
        true,
      );
      expect(result.exitCode).to.equal(6);
      expect(result.stdout.trim()).to.equal('terminal');
    });

    it('is adopted by the next life after kill -9: same process, no line lost or doubled, exit known', async () => {
      const pod = await sandbox();
      const count = 'i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo "line $i"; sleep 0.005; done; sleep 1000';
      const steady = await runtime.run(pod, { name: 'steady', ...shell(count) });
      const brief = await runtime.run(pod, {
        name: 'brief',
        ...shell('echo begin; sleep 0.7; echo end; exit 9'),
      });
      await eventually(() => (runtime.log(pod, 'steady').length > 20 ? true : undefined), 'some lines');
      const pid = runtime.pid(steady);
      await runtime.kill();
      const whenKilled = runtime.log(pod, 'steady').length;
      await runtime.restart();
      await eventually(
        () => (runtime.log(pod, 'steady').length > whenKilled ? true : undefined),
        'more lines',
      );
      await runtime.kill();
      await new Promise((resolve) => setTimeout(resolve, 900));
      expect(isRunning(pid)).to.equal(true);
      await runtime.restart();

      const ended = await runtime
        .status(brief)
        .then((status) => (status.state === 'exited' ? status : runtime.exited(brief)));
      expect(ended).to.include({ exitCode: 9, reason: 'Error' });
      expect(runtime.log(pod, 'brief')).to.deep.equal(['stdout F begin', 'stdout F end']);
      expect((await runtime.status(steady)).state).to.equal('running');
      expect(runtime.pid(steady)).to.equal(pid);
      await eventually(() => (runtime.log(pod, 'steady').length >= 300 ? true : undefined), '300 lines');
      expect(runtime.log(pod, 'steady')).to.deep.equal(
        Array.from({ length: 300 }, (_, i) => `stdout F line ${i + 1}`),
      );
      expect((await runtime.execSync(steady, 'echo', 'still mine')).stdout).to.equal('still mine\n');
      await runtime.call('stopContainer', steady, 1000);
      expect(isRunning(pid)).to.equal(false);
    });

    it('never runs twice what a crash left between being recorded and being started', async () => {
      const pod = await sandbox();
      const marker = join(runtime.folder, `ran-${way}`);
      const id = await runtime.create(pod, { command: ['touch', marker] });
      await runtime.kill();
      const record = JSON.parse(readFileSync(runtime.recordPath(id), 'utf8'));
      writeFileSync(runtime.recordPath(id), JSON.stringify({ ...record, state: 'starting' }));
      await runtime.restart();
      expect(await runtime.status(id)).to.include({
        state: 'exited',
        exitCode: 137,
        reason: 'ContainerStatusUnknown',
      });
      // The shim of the former life comes late: it must leave.
      const node = join(runtime.folder, 'node');
      const own = join(node, 'containers', id);
      spawnSync('/bin/sh', [join(node, 'shim.sh'), join(node, 'run', id), own, 'touch', marker]);
      expect(existsSync(marker)).to.equal(false);
      const again = await failure(runtime.create(pod, { command: ['true'] }));
      expect(again.reason).to.equal('CreateContainerError');
      expect(again.message).to.contain('is reserved for');
    });

    it('reports a container whose shim was killed, and ends what is left of it', async () => {
      const pod = await sandbox();
      const id = await runtime.run(pod, { command: ['sleep', '1000'] });
      const main = runtime.pid(id);
      process.kill(runtime.pid(id, 'shim'), 'SIGKILL');
      expect(await runtime.exited(id)).to.include({ exitCode: 137, reason: 'ContainerStatusUnknown' });
      await eventually(() => (isRunning(main) ? undefined : true), 'the command to end');
    });

    it('gives each pod an address, and takes it back; hostNetwork has 127.0.0.1', async () => {
      const [a, b] = [await sandbox(), await sandbox()];
      expect(a.ips[0]).to.match(/^127\.(6[4-9]|7\d)\.\d+\.\d+$/);
      expect(b.ips[0]).to.not.equal(a.ips[0]);
      const host = await runtime.sandbox(`pod-${pods++}`, { hostNetwork: true });
      expect(host.ips).to.deep.equal(['127.0.0.1']);
      const id = await runtime.run(b, { command: ['sleep', '1000'] });
      const pid = runtime.pid(id);
      await runtime.call('removePodSandbox', b.id);
      await runtime.call('removePodSandbox', b.id);
      expect(isRunning(pid)).to.equal(false);
      expect(existsSync(runtime.recordPath(id))).to.equal(false);
      expect(
        readdirSync(join(runtime.folder, 'node/run')).filter((name) => name.startsWith(id)),
      ).to.deep.equal([]);
    });

    it('serves HTTP at the pod address for web server images', async () => {
      const pod = await sandbox();
      const html = join(runtime.folder, `html-${way}`);
      mkdirSync(html);
      const ports = [{ containerPort: 8081, protocol: 'TCP' }];
      const id = await runtime.run(pod, {
        image: 'docker.io/library/nginx:1.27',
        ports,
        mounts: [{ name: 'html', hostPath: html, containerPath: '/usr/share/nginx/html', readOnly: true }],
      });
      const get = (path: string) =>
        runtime.call<ProbeResult>(
          'probe',
          id,
          { type: 'httpGet', scheme: 'http', host: pod.ips[0], port: 8081, path, headers: [] },
          1000,
        );
      const page = await eventually(async () => {
        const result = await get('/');
        return result.outcome === 'success' ? result.message : undefined;
      }, 'an answer');
      expect(page)
        .to.contain('nginx')
        .and.to.contain(`default/${pod.config.pod.name}`)
        .and.to.contain(pod.ips[0]);
      writeFileSync(join(html, 'index.html'), 'my own page');
      expect((await get('/')).message).to.equal('my own page');
      expect((await get('/../../etc/passwd')).message).to.equal('HTTP probe failed with statuscode: 404');
      expect(runtime.log(pod).join('\n')).to.match(/"GET \/ HTTP\/1\.1" 200/);
      await runtime.call('stopContainer', id, 5000);
      expect((await runtime.status(id)).exitCode).to.equal(0);
      expect(await get('/')).to.deep.equal({
        outcome: 'failure',
        message: `Get "http://${pod.ips[0]}:8081/": dial tcp ${pod.ips[0]}:8081: connect: connection refused`,
      });
    });

    it('probes with commands', async () => {
      const pod = await sandbox();
      const id = await runtime.run(pod, { command: ['sleep', '1000'] });
      const probe = (...command: string[]) =>
        runtime.call<ProbeResult>('probe', id, { type: 'exec', command }, 1000);
      expect(await probe('true')).to.include({ outcome: 'success' });
      expect(await probe('sh', '-c', 'echo broken; exit 1')).to.deep.equal({
        outcome: 'failure',
        message: 'broken\n',
      });
      expect(await probe('sleep', '10')).to.deep.equal({
        outcome: 'failure',
        message: 'command timed out: "sleep 10" timed out after 1s',
      });
    });

    describe('mounts', () => {
      let pod: PodSandboxStatus;
      let dir: string;
      const mount = (name: string, containerPath: string, readOnly = false) => ({
        name,
        hostPath: join(dir, name),
        containerPath,
        readOnly,
      });
      before(async () => {
        pod = await sandbox();
        dir = join(runtime.folder, `volumes-${way}`);
        for (const name of ['cache', 'config', 'token']) {
          mkdirSync(join(dir, name), { recursive: true });
          chmodSync(join(dir, name), 0o777);
        }
        writeFileSync(join(dir, 'config/key'), 'value');
        writeFileSync(join(dir, 'token/token'), 'secret');
      });

      if (way === 'none') {
        it('are links below $GYRE_POD_ROOT', async () => {
          const mounts = [mount('cache', '/cache'), mount('config', '/data/configmap', true)];
          const id = await runtime.run(pod, {
            ...shell('cat "$GYRE_POD_ROOT/data/configmap/key"; echo kept >"$GYRE_POD_ROOT/cache/file"'),
            mounts,
          });
          expect((await runtime.exited(id)).exitCode).to.equal(0);
          expect(runtime.log(pod)).to.deep.equal(['stdout P value']);
          expect(readFileSync(join(dir, 'cache/file'), 'utf8')).to.equal('kept\n');
        });

        it('a working directory that is not on the host is made below $GYRE_POD_ROOT', async () => {
          const id = await runtime.run(pod, { name: 'cwd', ...shell('pwd'), workingDir: '/gyre-test-work' });
          expect((await runtime.exited(id)).exitCode).to.equal(0);
          expect(runtime.log(pod, 'cwd')[0]).to.match(/^stdout F .*\/root\/gyre-test-work$/);
          expect(existsSync('/gyre-test-work')).to.equal(false);
        });
        return;
      }

      it('are at their paths, and nothing is ever created on the host', async () => {
        const paths = [
          '/cache',
          '/data/configmap',
          '/gyre-test-lost',
          '/tmp/gyre-test-lost',
          '/usr/share/gyre-test',
          '/dev/termination-log',
        ];
        const before = paths.map((path) => existsSync(path));
        const mounts = [
          mount('cache', '/cache'),
          mount('config', '/data/configmap', true),
          mount('token', '/var/run/secrets/kubernetes.io/serviceaccount', true),
          { ...mount('config/key', '/usr/share/gyre-test/file'), readOnly: true },
        ];
        const script = [
          'cat /data/configmap/key; echo',
          'cat /var/run/secrets/kubernetes.io/serviceaccount/token; echo',
          'cat /usr/share/gyre-test/file; echo',
          'echo kept >/cache/file',
          'echo lost >/gyre-test-lost && echo wrote-root',
          'echo lost >/tmp/gyre-test-lost',
          'touch /data/configmap/new 2>/dev/null || echo read-only',
          'echo done >/dev/termination-log',
          'echo $$',
        ].join('\n');
        const id = await runtime.run(pod, {
          name: 'mounts',
          ...shell(script),
          mounts,
          terminationMessage: {
            hostPath: join(runtime.folder, 'message'),
            containerPath: '/dev/termination-log',
          },
        });
        expect((await runtime.exited(id)).exitCode).to.equal(0);
        const said = runtime.log(pod, 'mounts').map((line) => line.slice('stdout F '.length));
        expect(said.slice(0, 5)).to.deep.equal(['value', 'secret', 'value', 'wrote-root', 'read-only']);
        // A PID namespace of its own.
        expect(Number(said[5])).to.be.below(100);
        expect(readFileSync(join(dir, 'cache/file'), 'utf8')).to.equal('kept\n');
        expect(readFileSync(join(runtime.folder, 'message'), 'utf8')).to.equal('done\n');
        expect(paths.map((path) => existsSync(path))).to.deep.equal(before);
        expect(readdirSync(join(runtime.folder, 'node/containers', id, 'mnt'))).to.deep.equal([]);
      });

      it('a read-only root file system cannot be written', async () => {
        const id = await runtime.run(pod, {
          name: 'read-only',
          ...shell(
            'for f in /x /usr/x /tmp/x; do touch $f 2>/dev/null && echo wrote $f; done; touch /cache/y && echo volume',
          ),
          mounts: [mount('cache', '/cache')],
          securityContext: { readOnlyRootFilesystem: true },
        });
        await runtime.exited(id);
        expect(runtime.log(pod, 'read-only')).to.deep.equal(['stdout F volume']);
      });

      it('refuses a mount path that leads through a link of another volume', async () => {
        spawnSync('ln', ['-s', '/etc', join(dir, 'cache/link')]);
        const id = await runtime.create(pod, {
          name: 'escape',
          command: ['true'],
          mounts: [mount('cache', '/cache'), mount('config', '/cache/link/x')],
        });
        const error = await failure(runtime.call('startContainer', id));
        expect(error.reason).to.equal('StartError');
        expect(error.message).to.contain('symbolic link of volume cache');
        expect(existsSync('/etc/x')).to.equal(false);
      });
    });

    it('ErrImagePull says how to map an unknown image; a command makes any image do', async () => {
      const unknown = await failure(runtime.call('pullImage', 'example.com/app:1'));
      expect(unknown.reason).to.equal('ErrImagePull');
      expect(unknown.message).to.contain('--image app=COMMAND');
      expect(await runtime.call('pullImage', 'example.com/app:1', { hasCommand: true })).to.equal(
        'example.com/app:1',
      );
      expect(await runtime.call('imageStatus', 'example.com/app:1')).to.equal(undefined);
      expect(await runtime.call('imageStatus', 'nginx')).to.equal('docker.io/library/nginx:latest');
      const bad = await failure(runtime.call('pullImage', 'Not A Reference', { hasCommand: true }));
      expect(bad.reason).to.equal('InvalidImageName');
    });

    if (way === 'root') {
      it('runs as the user and group asked for', async () => {
        const pod = await sandbox();
        const id = await runtime.run(pod, {
          ...shell('id -u; id -g; sleep 1000'),
          securityContext: { runAsUser: 1234, runAsGroup: 2345 },
        });
        await eventually(() => runtime.log(pod)[1], 'both ids');
        expect(runtime.log(pod)).to.deep.equal(['stdout F 1234', 'stdout F 2345']);
        expect((await runtime.execSync(id, 'id', '-u')).stdout).to.equal('1234\n');
      });
    }

    if (way === 'userns') {
      it('says in one line that a low port needs root', async function () {
        const lowest = Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'utf8'));
        if (lowest <= 80) this.skip();
        const pod = await sandbox();
        const id = await runtime.run(pod, { image: 'nginx' });
        expect((await runtime.exited(id)).exitCode).to.equal(1);
        expect(runtime.log(pod)).to.have.length(1);
        expect(runtime.log(pod)[0]).to.contain(`cannot listen on ${pod.ips[0]}:80: permission denied`);
      });
    }
  });
}
