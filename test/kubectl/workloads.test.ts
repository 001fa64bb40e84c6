/**
 * Real kubectl against a whole `gyre up`: controllers, scheduler, a node whose containers are processes, and
 * the service proxy. A row asserts exit code, what was printed and what is in the cluster afterwards.
 */
import { get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { connect, createClient } from 'gyre/client';
import { Namespace, Service } from 'gyre/kinds';
import { gyreUp, temporaryFolder } from '../support/processes.js';
import { Kubectl, kubectlOrSkip } from './kubectl.js';
import { runRow, type Session } from './row.js';
import { rolloutRows } from './rows/rollouts.js';
import { workloadRows } from './rows/workloads.js';

/** One request; the status code, or how it failed. */
function ask(url: string): Promise<number | string> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, timeout: 5000 }, (response) => {
      response.resume();
      response.once('end', () => resolve(response.statusCode ?? 0));
      response.once('error', (error) => resolve(error.message));
    });
    request.once('error', (error) => resolve(error.message));
    request.once('timeout', () => request.destroy(new Error('no answer in 5 s')));
  });
}

describe('kubectl and what runs', function () {
  this.timeout(120_000);
  let session: Session;
  const started: (() => unknown)[] = [];

  before(async function () {
    const binary = kubectlOrSkip(this);
    const folder = temporaryFolder();
    started.push(() => folder[Symbol.dispose]());
    const { program, kubeconfig } = await gyreUp(folder.path);
    started.push(async () => {
      program.kill('SIGTERM');
      expect(await program.exited).to.equal(0);
    });
    const { transport } = await connect({ kubeconfig });
    started.push(() => transport.close());
    session = { client: createClient(transport), kubectl: new Kubectl(binary, kubeconfig, folder.path) };
    await session.kubectl.run(['wait', '--for=condition=Ready', 'node/local', '--timeout=60s']);
  });
  after(async () => {
    for (const stop of started.reverse()) await stop();
  });

  let count = 0;
  for (const row of [...rolloutRows, ...workloadRows]) {
    it(`${row.title} (${row.source})`, async () => {
      const namespace = `work-${++count}`;
      await runRow(row, namespace, session);
      // Rows leave no processes to the next ones.
      await session.client.delete(Namespace, namespace);
    });
  }

  it('a Service answers on its cluster address and node port while its pods are replaced (KP-1, KP-2)', async () => {
    const namespace = 'answers';
    const kubectl = async (...args: string[]): Promise<void> => {
      const { code, stderr } = await session.kubectl.run(['--namespace', namespace, ...args]);
      expect(code, stderr).to.equal(0);
    };
    await session.client.create(Namespace, { metadata: { name: namespace } });
    await kubectl('create', 'deployment', 'web', '--image=nginx', '--replicas=3', '--port=8080');
    await kubectl('expose', 'deployment', 'web', '--port=8080', '--type=NodePort');
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s');
    const { spec } = await session.client.get(Service, `${namespace}/web`);
    const urls = [`http://${spec?.clusterIP}:8080/`, `http://127.0.0.1:${spec?.ports?.[0]?.nodePort}/`];
    // The proxy hears of endpoints a moment after the pods are ready.
    const deadline = process.uptime() + 30;
    for (const url of urls) while ((await ask(url)) !== 200 && process.uptime() < deadline);

    const answers = new Map<number | string, number>();
    let replacing = true;
    const asking = urls.map(async (url) => {
      while (replacing) {
        const answer = await ask(url);
        answers.set(answer, (answers.get(answer) ?? 0) + 1);
      }
    });
    try {
      for (let i = 0; i < 2; i++) {
        // kubectl stamps restarts in whole seconds and refuses a second one within the same.
        const earliest = process.uptime() + 1.1;
        await kubectl('rollout', 'restart', 'deployment/web');
        await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s');
        await sleep(Math.max(0, earliest - process.uptime()) * 1000);
      }
    } finally {
      // Also after a failure: an endless loop would keep the whole run from ending.
      replacing = false;
      await Promise.all(asking);
    }
    expect([...answers.keys()]).to.deep.equal([200]);
    expect(answers.get(200)).to.be.greaterThan(20);
    await session.client.delete(Namespace, namespace);
  });
});
