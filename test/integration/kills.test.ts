/**
 * `kill -9` of `gyre up` in the middle of a rollout, ten times over: what was acknowledged is there afterwards,
 * no pod ever runs twice at once, and the rollout completes.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { isApiError, isConflict, type Random } from 'gyre/api';
import { type Client, connect, createClient } from 'gyre/client';
import { ConfigMap, Deployment, Pod } from 'gyre/kinds';
import { seededRandom } from 'gyre/testing';
import { gyreUp, type Program, temporaryFolder } from '../support/processes.js';

const kills = 10;
const replicas = 3;
const seed = Number(process.env.GYRE_SEED ?? 7);

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/**
 * Each version of the Deployment. A pod holds a lock for as long as it lives, and writes down that another one of
 * its name does already.
 */
function deployment(version: number, runs: string): object {
  const script = [
    'exec 9>"/runs/$HOSTNAME.lock"',
    'flock --nonblock 9 || { echo "$HOSTNAME" >> /runs/twice; exit 1; }',
    'exec sleep 1000000',
  ].join('; ');
  return {
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { labels: { app: 'web' } },
        spec: {
          terminationGracePeriodSeconds: 1,
          containers: [
            {
              name: 'web',
              image: 'busybox',
              command: ['sh', '-c', script],
              env: [{ name: 'VERSION', value: String(version) }],
              volumeMounts: [{ name: 'runs', mountPath: '/runs' }],
            },
          ],
          volumes: [{ name: 'runs', hostPath: { path: runs, type: 'Directory' } }],
        },
      },
    },
  };
}

describe('gyre up killed at any moment', function () {
  this.timeout(180_000);

  it(`keeps what it acknowledged, runs nothing twice and completes the rollout (${kills} kills, seed ${seed})`, async function () {
    if (process.platform !== 'linux' || spawnSync('flock', ['--version']).status !== 0) this.skip();
    using folder = temporaryFolder();
    const dataDir = join(folder.path, 'data');
    const runs = join(folder.path, 'runs');
    mkdirSync(runs, { mode: 0o777 });
    const port = String(await freePort());
    const random: Random = seededRandom(seed);
    const up = () => gyreUp(dataDir, ['--port', port]);

    let program: Program = (await up()).program;
    const { transport } = await connect({ kubeconfig: join(dataDir, 'kubeconfig') });
    const client: Client = createClient(transport);
    try {
      const acknowledged: string[] = [];
      let asked = 0;
      let version = 0;
      let writing = true;
      /** Writes without a break; what fails while nobody is there is forgotten, what is answered is remembered. */
      const writer = (async () => {
        while (writing) {
          const name = `note-${asked++}`;
          try {
            await client.create(ConfigMap, { metadata: { name, namespace: 'default' }, data: { name } });
            acknowledged.push(name);
          } catch (error) {
            if (isApiError(error)) throw error;
            await pause(20);
          }
        }
      })();
      const rollOut = async (): Promise<void> => {
        try {
          await client.apply(Deployment, deployment(version + 1, runs) as never, { force: true });
          version++;
        } catch (error) {
          if (isApiError(error) && !isConflict(error)) throw error;
        }
      };

      for (let kill = 0; kill < kills; kill++) {
        await rollOut();
        await pause(Math.floor(random.next() * 1500));
        program.kill('SIGKILL');
        await program.exited;
        program = (await up()).program;
        // Written on meanwhile: what was acknowledged before the list is asked for must be in it.
        const before = [...acknowledged];
        const there = new Set<string>();
        for await (const { metadata } of client.list(ConfigMap, { namespace: 'default' }))
          there.add(metadata.name);
        expect(before.filter((name) => !there.has(name))).to.deep.equal([]);
      }
      writing = false;
      await writer;
      expect(acknowledged.length).to.be.greaterThan(kills);

      await rollOut();
      await complete(client, version);
      expect(existsSync(join(runs, 'twice')) ? readFileSync(join(runs, 'twice'), 'utf8') : '').to.equal('');

      program.kill('SIGTERM');
      expect(await program.exited, program.stderr).to.equal(0);
      for (const lock of readdirSync(runs)) {
        const free = spawnSync('flock', ['--nonblock', join(runs, lock), 'true']).status === 0;
        expect(free, `${lock} is still held by a process`).to.equal(true);
      }
    } finally {
      transport.close();
      await program[Symbol.asyncDispose]();
    }
  });
});

/** Resolves when every pod is of this version and available. */
async function complete(client: Client, version: number): Promise<void> {
  const deadline = process.uptime() + 90;
  for (;;) {
    const { metadata, spec, status } = await client.get(Deployment, 'default/web');
    const pods: Pod[] = [];
    for await (const pod of client.list(Pod, { namespace: 'default', labelSelector: 'app=web' }))
      pods.push(pod);
    const here = spec.template.spec?.containers[0]?.env?.[0]?.value === String(version);
    if (
      here &&
      status?.observedGeneration === metadata.generation &&
      status?.updatedReplicas === replicas &&
      status.availableReplicas === replicas &&
      status.replicas === replicas &&
      pods.length === replicas
    )
      return;
    if (process.uptime() > deadline) {
      const states = pods.map((pod) => `${pod.metadata.name} ${pod.status?.phase}`);
      throw new Error(`the rollout did not complete: ${JSON.stringify(status)} ${states.join(', ')}`);
    }
    await pause(200);
  }
}
