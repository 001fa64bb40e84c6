/** Real kubectl empties a node, as far as budgets let it (API-14). */
import { expect } from 'chai';
import { connect, createClient, type Client } from 'gyre/client';
import { Node, Pod, PodDisruptionBudget } from 'gyre/kinds';
import { gyreUp, temporaryFolder } from '../support/processes.js';
import { Kubectl, kubectlOrSkip } from './kubectl.js';

describe('kubectl drain', function () {
  this.timeout(60_000);
  let client: Client;
  let kubectl: Kubectl;
  const started: (() => unknown)[] = [];

  before(async function () {
    const binary = kubectlOrSkip(this);
    const folder = temporaryFolder();
    started.push(() => folder[Symbol.dispose]());
    const { program, kubeconfig } = await gyreUp(folder.path, ['--runtime', 'simulated', '--nodes', '2']);
    started.push(() => program[Symbol.asyncDispose]());
    const { transport } = await connect({ kubeconfig });
    started.push(() => transport.close());
    client = createClient(transport);
    kubectl = new Kubectl(binary, kubeconfig, folder.path);
    await done('create', 'deployment', 'web', '--image=nginx', '--replicas=4');
    await done('rollout', 'status', 'deployment/web', '--timeout=30s');
  });
  after(async () => {
    for (const stop of started.reverse()) await stop();
  });

  async function done(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await kubectl.run(args);
    expect(code, stderr).to.equal(0);
    return stdout;
  }
  async function on(node: string): Promise<string[]> {
    const names: string[] = [];
    for await (const { metadata, spec } of client.list(Pod, { namespace: 'default' }))
      if (spec?.nodeName === node && !metadata.deletionTimestamp) names.push(metadata.name);
    return names;
  }

  it('API-14 says why a pod has to stay, and gives up in time', async () => {
    await done('create', 'poddisruptionbudget', 'web', '--selector=app=web', '--min-available=4');
    await client.patchRaw(
      PodDisruptionBudget,
      'default/web',
      {
        type: 'merge',
        patch: {
          status: {
            observedGeneration: 1,
            currentHealthy: 4,
            desiredHealthy: 4,
            expectedPods: 4,
            disruptionsAllowed: 0,
          },
        },
      },
      { subresource: 'status' },
    );
    const before = await on('sim-1');
    expect(before).not.to.deep.equal([]);
    const { code, stderr } = await kubectl.run(['drain', 'sim-1', '--timeout=3s']);
    expect(code).to.equal(1);
    expect(stderr).to.include("Cannot evict pod as it would violate the pod's disruption budget.");
    expect(await on('sim-1')).to.deep.equal(before);
  });

  it('API-14 empties the node once nothing holds its pods, which start anew elsewhere', async () => {
    await done('delete', 'poddisruptionbudget', 'web');
    expect(await done('drain', 'sim-1', '--timeout=30s')).to.match(
      /pod\/web-\S+ evicted\n[^]*node\/sim-1 drained\n$/,
    );
    expect(await on('sim-1')).to.deep.equal([]);
    expect((await client.get(Node, 'sim-1')).spec?.unschedulable).to.equal(true);
    await done('rollout', 'status', 'deployment/web', '--timeout=30s');
    expect(await on('sim-2')).to.have.length(4);
  });
});
