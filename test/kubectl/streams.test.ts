/**
 * kubectl's streams against containers that are processes: exec, cp, attach, logs, port-forward, proxy, debug and what goes with
 * them. Versions before 1.30 speak SPDY, later ones WebSockets; those can be told to speak the older one
 * (control-plane §3.2).
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Client, connect, createClient } from 'gyre/client';
import { ConfigMap, Deployment, Pod, PodDisruptionBudget, ReplicaSet } from 'gyre/kinds';
import { gyreUp, temporaryFolder } from '../support/processes.js';
import { RunningAhead } from './at-a-time.js';
import { Kubectl, kubectlOrSkip, type Outcome } from './kubectl.js';
import { minorsToRun, record } from './matrix.js';

const family = 'streams and nodes';

/** The protocols a version can speak, by the environment that asks for it. */
function protocolsOf(
  minor: number,
): readonly { readonly name: string; readonly env: Record<string, string> }[] {
  const env = (on: boolean) => ({
    KUBECTL_REMOTE_COMMAND_WEBSOCKETS: String(on),
    KUBECTL_PORT_FORWARD_WEBSOCKETS: String(on),
  });
  if (minor < 30) return [{ name: 'SPDY', env: {} }];
  return [
    { name: 'WebSocket', env: env(true) },
    { name: 'SPDY', env: env(false) },
  ];
}

/** The body of an answer, when there is one in time. */
function bodyOf(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false, timeout: 5000 }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (more: string) => (text += more));
      response.once('end', () => resolve(text));
    }).once('error', reject);
  });
}

describe('kubectl streams', function () {
  this.timeout(60_000);
  let client: Client;
  let kubeconfig: string;
  let folder: ReturnType<typeof temporaryFolder>;
  const started: (() => unknown)[] = [];

  before(async function () {
    this.timeout(120_000);
    const binary = kubectlOrSkip(this);
    folder = temporaryFolder();
    started.push(() => folder[Symbol.dispose]());
    const up = await gyreUp(folder.path);
    started.push(async () => {
      up.program.kill('SIGTERM');
      expect(await up.program.exited).to.equal(0);
    });
    ({ kubeconfig } = up);
    const { transport } = await connect({ kubeconfig });
    started.push(() => transport.close());
    client = createClient(transport);
    const kubectl = new Kubectl(binary, kubeconfig, folder.path);
    const done = async (...args: string[]): Promise<void> => {
      const { code, stderr } = await kubectl.run(args);
      expect(code, stderr).to.equal(0);
    };
    await done('run', 'shell', '--image=busybox', '--', 'sh', '-c', 'echo ready; exec sleep 1000000');
    await client.create(Pod, {
      metadata: { namespace: 'default', name: 'talker' },
      spec: {
        containers: [
          {
            name: 'talker',
            image: 'busybox',
            stdin: true,
            command: ['sh', '-c', 'while read line; do echo "heard $line"; done; exec sleep 1000000'],
          },
        ],
      },
    });
    const serve = ['--', 'sh', '-c', 'echo served; exec sleep 1000000'];
    await done('create', 'deployment', 'served', '--image=busybox', '--replicas=2', ...serve);
    await done('run', 'web', '--image=nginx', '--port=8080');
    await done('expose', 'pod', 'web', '--port=80', '--target-port=8080');
    await done('wait', '--for=condition=Ready', 'pod/shell', 'pod/talker', 'pod/web', '--timeout=60s');
    await done('rollout', 'status', 'deployment/served', '--timeout=60s');
  });
  after(async () => {
    for (const stop of started.reverse()) await stop();
  });

  for (const { minor, binary } of minorsToRun()) {
    for (const { name: protocol, env } of protocolsOf(minor)) {
      describe(`of 1.${minor} over ${protocol}`, () => {
        let kubectl: Kubectl;
        let home: string;
        before(() => {
          home = join(folder.path, `home-${minor}-${protocol}`);
          mkdirSync(home, { recursive: true });
          kubectl = new Kubectl(binary, kubeconfig, home);
        });
        const run = (args: readonly string[], stdin?: string): Promise<Outcome> =>
          kubectl.run(args, { env, ...(stdin === undefined ? {} : { stdin }) });

        const recorded = async (title: string, check: () => Promise<void>): Promise<void> => {
          try {
            await check();
            record(family, title, minor, 'passed');
          } catch (error) {
            record(family, title, minor, 'failed');
            throw error;
          }
        };
        /** A line of the matrix for each protocol. */
        const row = (title: string, check: () => Promise<void>): void => {
          it(title, () => recorded(`${title} (${protocol})`, check));
        };
        /** A line of the matrix about commands that speak plain HTTP. */
        const plainRow = (title: string, check: () => Promise<void>): void => {
          it(title, () => recorded(title, check));
        };

        row('exec gives both outputs and the exit code', async () => {
          const { code, stdout, stderr } = await run([
            'exec',
            'shell',
            '--',
            'sh',
            '-c',
            'echo out; echo err >&2; exit 7',
          ]);
          expect([code, stdout]).to.deep.equal([7, 'out\n']);
          expect(stderr).to.match(/^err\ncommand terminated with exit code 7\n$/);
        });

        row('exec -i passes standard input, to its end', async () => {
          const text = `${'x'.repeat(99)}\n`.repeat(20_000);
          const { code, stdout, stderr } = await run(['exec', '-i', 'shell', '--', 'wc', '-c'], text);
          expect([code, stdout.trim(), stderr]).to.deep.equal([0, String(text.length), '']);
        });

        row('exec of a command that is not there says so', async () => {
          const { code, stderr } = await run(['exec', 'shell', '--', 'no-such-command']);
          expect(code).to.be.greaterThan(0);
          expect(stderr).to.include('no-such-command');
        });

        row('exec into a pod that is not there is refused', async () => {
          const { code, stderr } = await run(['exec', 'nobody', '--', 'true']);
          expect([code, stderr]).to.deep.equal([
            1,
            'Error from server (NotFound): pods "nobody" not found\n',
          ]);
        });

        row('cp copies files into a container and back', async () => {
          const text = 'copied\n'.repeat(10_000);
          const inside = `/tmp/copied-${minor}-${protocol}`;
          writeFileSync(join(home, 'there.txt'), text);
          const there = await run(['cp', join(home, 'there.txt'), `shell:${inside}`]);
          expect([there.code, there.stderr]).to.deep.equal([0, '']);
          expect((await run(['exec', 'shell', '--', 'cat', inside])).stdout).to.equal(text);
          const back = await run(['cp', `shell:${inside}`, join(home, 'back.txt')]);
          expect(back.code, back.stderr).to.equal(0);
          expect(readFileSync(join(home, 'back.txt'), 'utf8')).to.equal(text);
        });

        row('attach -i talks to the container itself', async () => {
          const word = `word-${minor}-${protocol}`;
          await using attached = kubectl.start(['attach', '-i', 'talker'], { env });
          attached.write(`${word}\n`);
          await attached.waitFor(new RegExp(`heard ${word}`));
        });

        row('logs and logs --follow read what was written', async () => {
          const { code, stdout } = await run(['logs', 'shell']);
          expect([code, stdout]).to.deep.equal([0, 'ready\n']);
          await using following = kubectl.start(['logs', '--follow', 'talker'], { env });
          await using attached = kubectl.start(['attach', '-i', 'talker'], { env });
          attached.write(`followed-${minor}-${protocol}\n`);
          await following.waitFor(new RegExp(`heard followed-${minor}-${protocol}`));
        });

        row('port-forward carries several connections to a pod, and to the pod of a service', async () => {
          for (const to of [
            ['pod/web', ':8080'],
            ['service/web', ':80'],
          ]) {
            await using forwarding = kubectl.start(['port-forward', ...to], { env });
            await forwarding.waitFor(/^Forwarding from 127\.0\.0\.1:\d+ -> 8080$/m);
            const [, port] = /127\.0\.0\.1:(\d+)/.exec(forwarding.stdout) ?? [];
            const bodies = await Promise.all([1, 2, 3, 4].map(() => bodyOf(`http://127.0.0.1:${port}/`)));
            for (const body of bodies) expect(body).to.include('web');
          }
        });

        row('exec into a deployment takes one of its pods', async () => {
          const { code, stdout, stderr } = await run(['exec', 'deployment/served', '--', 'echo', 'here']);
          expect([code, stdout, stderr]).to.deep.equal([0, 'here\n', '']);
        });

        row('exec of a container that is not there says so', async () => {
          const { code, stderr } = await run(['exec', 'shell', '--container=other', '--', 'true']);
          expect(code).to.equal(1);
          expect(stderr).to.equal(
            'Error from server (BadRequest): container other is not valid for pod shell\n',
          );
        });

        if (protocol === 'SPDY' && minor >= 30) return;

        plainRow('port-forward to a port where nobody listens says so, and goes on', async () => {
          await using forwarding = kubectl.start(['port-forward', 'pod/shell', ':81'], { env });
          await forwarding.waitFor(/^Forwarding from 127\.0\.0\.1:\d+ -> 81$/m);
          const [, port] = /127\.0\.0\.1:(\d+)/.exec(forwarding.stdout) ?? [];
          const failed = await bodyOf(`http://127.0.0.1:${port}/`).catch((error: Error) => error);
          expect(failed).to.be.instanceOf(Error);
          await forwarding.waitFor(/connection refused|Connection refused/, 'stderr');
        });

        plainRow('proxy passes requests on', async () => {
          await using proxy = kubectl.start(['proxy', '--port=0'], { env });
          await proxy.waitFor(/^Starting to serve on 127\.0\.0\.1:\d+$/m);
          const [, port] = /127\.0\.0\.1:(\d+)/.exec(proxy.stdout) ?? [];
          const list = JSON.parse(await bodyOf(`http://127.0.0.1:${port}/api/v1/namespaces/default/pods`));
          expect(list.kind).to.equal('PodList');
          const path = '/api/v1/namespaces/default/services/web/proxy/';
          expect(await bodyOf(`http://127.0.0.1:${port}${path}`)).to.include('web');
          // Older ones talk of one more port in between.
          expect(
            await bodyOf(`http://127.0.0.1:${port}/api/v1/namespaces/default/pods/web:8080/proxy/`),
          ).to.include('web');
        });

        plainRow('debug adds an ephemeral container, whose outcome the pod tells', async () => {
          const { code, stderr } = await run([
            'debug',
            'web',
            '--image=busybox',
            `--container=debugger-${minor}`,
            '--attach=false',
            '--',
            'sh',
            '-c',
            'exit 0',
          ]);
          expect(code, stderr).to.equal(0);
          const pod = await client.get(Pod, 'default/web');
          const names = pod.spec?.ephemeralContainers?.map(({ name }) => name);
          expect(names).to.include(`debugger-${minor}`);
        });

        plainRow('logs of a deployment takes one of its pods; -l takes all', async () => {
          const one = await run(['logs', 'deployment/served']);
          expect([one.code, one.stdout]).to.deep.equal([0, 'served\n']);
          expect(one.stderr).to.match(/^Found 2 pods, using pod\/served-\S+\n$/);
          const all = await run(['logs', '--selector=app=served', '--prefix']);
          expect(all.code, all.stderr).to.equal(0);
          expect(all.stdout).to.match(/^(?:\[pod\/served-\S+\/busybox\] served\n){2}$/);
        });

        plainRow('logs --since, --tail, --limit-bytes and --timestamps choose and stamp', async () => {
          const stamped = await run(['logs', 'shell', '--timestamps', '--tail=1', '--since=1h']);
          expect([stamped.code, stamped.stderr]).to.deep.equal([0, '']);
          expect(stamped.stdout).to.match(/^\d{4}-\d\d-\d\dT\S+Z ready\n$/);
          expect((await run(['logs', 'shell', '--limit-bytes=3'])).stdout).to.equal('rea');
          expect((await run(['logs', 'shell', '--tail=0'])).stdout).to.equal('');
        });

        plainRow('logs --previous of a container that never ended says so', async () => {
          const { code, stderr } = await run(['logs', 'shell', '--previous']);
          expect(code).to.equal(1);
          expect(stderr).to.match(
            /^Error from server \(BadRequest\): previous terminated container "shell" in pod "shell" not found\n$/,
          );
        });

        plainRow('debug --copy-to runs a copy of a pod, with tools', async () => {
          const name = `copy-${minor}`;
          const { code, stdout, stderr } = await run([
            'debug',
            'shell',
            `--copy-to=${name}`,
            '--image=busybox',
            '--container=tools',
            '--profile=general',
            '--attach=false',
            '--',
            'sh',
            '-c',
            'echo copied; exec sleep 1000000',
          ]);
          expect([code, stdout, stderr]).to.deep.equal([0, '', '']);
          const ready = await run(['wait', '--for=condition=Ready', `pod/${name}`, '--timeout=30s']);
          expect(ready.code, ready.stderr).to.equal(0);
          expect((await run(['logs', name, '--container=tools'])).stdout).to.equal('copied\n');
          expect((await run(['logs', name, '--container=shell'])).stdout).to.equal('ready\n');
          await run(['delete', 'pod', name, '--now']);
        });

        plainRow('debug node/… runs a pod on that node', async () => {
          const made = await run([
            'debug',
            'node/local',
            '--image=busybox',
            '--profile=general',
            '--attach=false',
            '--',
            'sh',
            '-c',
            'test -d /host/etc && echo inside',
          ]);
          expect([made.code, made.stderr]).to.deep.equal([0, '']);
          const [, name = ''] =
            /^Creating debugging pod (node-debugger-local-\w{5}) with container debugger on node local\.$/m.exec(
              made.stdout,
            ) ?? [];
          const over = ['wait', '--for=jsonpath={.status.phase}=Succeeded', `pod/${name}`, '--timeout=30s'];
          const ended = await run(over);
          expect(ended.code, `${ended.stderr} ${made.stdout}`).to.equal(0);
          expect((await run(['logs', name])).stdout).to.equal('inside\n');
          await run(['delete', 'pod', name, '--now']);
        });

        plainRow('delete --cascade=foreground waits for what is owned; orphan leaves it', async () => {
          const name = `owner-${minor}`;
          const make = async (): Promise<void> => {
            const { code } = await run(['create', 'deployment', name, '--image=nginx', '--replicas=0']);
            expect(code).to.equal(0);
            await run(['rollout', 'status', `deployment/${name}`, '--timeout=30s']);
          };
          const owned = async (): Promise<number> => {
            let count = 0;
            for await (const { metadata } of client.list(ReplicaSet, { namespace: 'default' }))
              if (metadata.labels?.app === name) count++;
            return count;
          };
          await make();
          expect(await owned()).to.equal(1);
          const foreground = await run([
            'delete',
            'deployment',
            name,
            '--cascade=foreground',
            '--timeout=30s',
          ]);
          expect(foreground.code, foreground.stderr).to.equal(0);
          expect(await client.find(Deployment, `default/${name}`)).to.equal(undefined);
          expect(await owned()).to.equal(0);
          await make();
          const orphan = await run(['delete', 'deployment', name, '--cascade=orphan', '--timeout=30s']);
          expect(orphan.code, orphan.stderr).to.equal(0);
          expect(await owned()).to.equal(1);
          await run(['delete', 'replicaset', `--selector=app=${name}`]);
        });

        plainRow('run --rm -i attaches, gives the output and the pod goes', async () => {
          const name = `brief-${minor}`;
          const command = [
            '--image=busybox',
            '--restart=Never',
            '--rm',
            '-i',
            '--',
            'sh',
            '-c',
            'cat; exit 0',
          ];
          const { code, stdout, stderr } = await run(['run', name, ...command], `said ${minor}\n`);
          expect(code, stderr).to.equal(0);
          expect(stdout).to.include(`said ${minor}`);
          expect(await client.find(Pod, `default/${name}`)).to.equal(undefined);
        });

        plainRow('events tells what happened to a pod', async () => {
          const { code, stdout } = await run(['events', '--for=pod/shell']);
          expect(code).to.equal(0);
          expect(stdout).to.match(/Scheduled.*pod\/shell/i);
          expect(await client.find(ConfigMap, 'default/none')).to.equal(undefined);
        });
      });
    }
  }

  describe('drain', () => {
    const title = 'drain evicts what may go, and says what has to stay';
    // Whom a budget holds back kubectl tries again after five seconds: all at the same time.
    const minors = minorsToRun();
    const runs = new RunningAhead(minors, minors.length, async ({ minor, binary }) => {
      const home = join(folder.path, `home-drain-${minor}`);
      mkdirSync(home);
      const kubectl = new Kubectl(binary, kubeconfig, home);
      const name = `drained-${minor}`;
      await client.create(PodDisruptionBudget, {
        metadata: { namespace: 'default', name },
        spec: { maxUnavailable: 0, selector: { matchLabels: { app: name } } },
      });
      await client.waitFor(
        PodDisruptionBudget,
        `default/${name}`,
        (budget) => budget?.status?.observedGeneration === 1,
        { timeout: '10s' },
      );
      await client.create(Pod, {
        metadata: { namespace: 'default', name, labels: { app: name } },
        // No scheduler: others drain the node too.
        spec: {
          nodeName: 'local',
          containers: [{ name: 'c', image: 'busybox', command: ['sleep', '1000'] }],
        },
      });
      await client.waitFor(Pod, `default/${name}`, { condition: 'Ready' });
      const selected = [
        'drain',
        'local',
        '--force',
        `--pod-selector=app=${name}`,
        '--ignore-daemonsets',
        '--delete-emptydir-data',
      ];
      const held = await kubectl.run([...selected, '--timeout=1s']);
      expect(held.code).to.equal(1);
      expect(held.stderr).to.include("Cannot evict pod as it would violate the pod's disruption budget");
      await client.delete(PodDisruptionBudget, `default/${name}`);
      const drained = await kubectl.run([...selected, '--timeout=30s', '--grace-period=1']);
      expect(drained.code, drained.stderr).to.equal(0);
      expect(drained.stdout).to.match(/^node\/local drained$/m);
      expect(await client.find(Pod, `default/${name}`)).to.equal(undefined);
    });
    after(() => runs.ended());

    for (const each of minors)
      it(`${title} (1.${each.minor})`, async () => {
        try {
          await runs.of(each);
          record(family, title, each.minor, 'passed');
        } catch (error) {
          record(family, title, each.minor, 'failed');
          throw error;
        }
      });
  });
});
