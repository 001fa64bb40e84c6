/** The kubelet over a runtime that outlives it: adoption, loss, force, nodes. What a pod goes through: lifecycle table. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Runnable, RunnableContext } from 'gyre';
import { Lease } from 'gyre/kinds/coordination/v1';
import { Event, Node, Pod, type PodSpec } from 'gyre/kinds/core/v1';
import {
  type Behaviour,
  Kubelet,
  SimulatedRuntime,
  simulateAnnotation,
  VolumeError,
  type VolumeManager,
} from 'gyre/runtime';
import { TestCluster } from 'gyre/testing';
import { SimulatedNode, simulatedNode } from '../lifecycle/simulated-harness.js';
import { viewOf } from '../lifecycle/view.js';

const image = 'busybox:1.36';
const web: PodSpec = { containers: [{ name: 'web', image }] };

async function start(node: Runnable): Promise<TestCluster> {
  return TestCluster.start({ controllers: [node], builtin: false });
}

async function create(
  t: TestCluster,
  name: string,
  spec: PodSpec = web,
  simulate: Readonly<Record<string, Behaviour>> = {},
  finalizers: readonly string[] = [],
): Promise<void> {
  await t.client.create(Pod, {
    metadata: {
      namespace: 'default',
      name,
      annotations: { [simulateAnnotation]: JSON.stringify(simulate) },
      ...(finalizers.length === 0 ? {} : { finalizers }),
    },
    spec: { nodeName: 'sim-1', ...spec },
  });
  await t.settle();
}
const view = (t: TestCluster, name: string) => viewOf(t.get(Pod, `default/${name}`));
const containerOf = (t: TestCluster, name: string) =>
  t.get(Pod, `default/${name}`).status?.containerStatuses?.[0];

async function reasons(t: TestCluster, name: string): Promise<string[]> {
  const found: string[] = [];
  for await (const event of t.client.list(Event, { namespace: 'default' }))
    if (event.involvedObject.name === name) found.push(event.reason ?? '');
  return found;
}

describe('a kubelet that is followed by another', () => {
  it('KL-1 adopts what runs, and starts nothing a second time', async () => {
    const node = new SimulatedNode();
    await using t = await start(node);
    await create(t, 'p');
    const before = containerOf(t, 'p');
    const told = await reasons(t, 'p');
    await node.restart();
    await t.advance('2m');
    expect(containerOf(t, 'p')).to.deep.equal(before);
    expect(await node.runtime.listContainers()).to.have.lengthOf(1);
    expect(await reasons(t, 'p')).to.deep.equal(told);
  });

  it('KL-11 counts on from the runs the runtime knows', async () => {
    const node = new SimulatedNode();
    await using t = await start(node);
    await create(t, 'p', web, { web: { runMs: [10, 10, null], exitCode: 1 } });
    await t.advance('5s');
    expect(view(t, 'p').containers.web).to.include({ state: 'waiting CrashLoopBackOff', restarts: 1 });
    await node.restart();
    await t.advance('5s');
    expect(view(t, 'p').containers.web).to.include({
      state: 'running',
      restarts: 2,
      last: 'terminated Error 1',
    });
  });

  it('KL-3 notices what ended while it was away', async () => {
    const node = new SimulatedNode();
    await using t = await start(node);
    await create(t, 'p', { ...web, restartPolicy: 'Never' });
    await node.restart({
      whileDown: async () => {
        for (const { id } of await node.runtime.listContainers()) await node.runtime.stopContainer(id, 0);
      },
    });
    await t.settle();
    expect(view(t, 'p')).to.include({ phase: 'Failed' });
  });

  it('KL-11 runs anew what its runtime has forgotten, and leaves what is over', async () => {
    const node = new SimulatedNode();
    await using t = await start(node);
    await create(t, 'p');
    await create(t, 'done', { ...web, restartPolicy: 'Never' }, { web: { runMs: 0 } });
    const done = t.get(Pod, 'default/done');
    expect(done.status?.phase).to.equal('Succeeded');
    await node.restart({ forgetful: true });
    await t.advance('1m');
    expect(view(t, 'p')).to.deep.include({ phase: 'Running' });
    expect(view(t, 'p').containers.web).to.include({
      state: 'running',
      restarts: 1,
      last: 'terminated ContainerStatusUnknown 137',
    });
    const after = t.get(Pod, 'default/done');
    expect(after.status?.containerStatuses).to.deep.equal(done.status?.containerStatuses);
    expect(after.status?.phase).to.equal('Succeeded');
    expect(await node.runtime.listContainers()).to.have.lengthOf(1);
  });

  it('KL-1 ends what the API has no pod for', async () => {
    const node = new SimulatedNode();
    await using t = await start(node);
    await create(t, 'p');
    await create(t, 'q');
    await node.restart({
      whileDown: () => t.client.delete(Pod, 'default/p', { gracePeriodSeconds: 0 }),
    });
    await t.settle();
    const left = await node.runtime.listPodSandboxes();
    expect(left.map(({ config }) => config.pod.name)).to.deep.equal(['q']);
    expect(await node.runtime.listContainers()).to.have.lengthOf(1);
  });

  it('KL-8 finishes a deletion that was under way', async () => {
    const node = new SimulatedNode();
    await using t = await start(node);
    await create(t, 'p', web, { web: { stopMs: 5_000 } });
    await t.client.delete(Pod, 'default/p');
    await t.advance('1s');
    await node.restart();
    await t.advance('40s');
    expect(t.find(Pod, 'default/p')).to.equal(undefined);
    expect(await node.runtime.listPodSandboxes()).to.deep.equal([]);
  });
});

describe('the end of a pod', () => {
  it('API-7 a pod removed by force is ended at once, whatever was being waited for', async () => {
    const node = new SimulatedNode();
    await using t = await start(node);
    await create(t, 'p', web, { web: { stopMs: 600_000 } });
    await t.client.delete(Pod, 'default/p');
    await t.advance('1s');
    expect(await node.runtime.listContainers()).to.have.lengthOf(1);
    await t.client.delete(Pod, 'default/p', { gracePeriodSeconds: 0 });
    await t.settle();
    expect(await node.runtime.listContainers()).to.deep.equal([]);
    expect(await node.runtime.listPodSandboxes()).to.deep.equal([]);
  });

  it('KL-1 one of the same name is a pod of its own', async () => {
    const node = new SimulatedNode();
    await using t = await start(node);
    await create(t, 'p', web, { web: { runMs: [0, null], exitCode: 1 } });
    expect(view(t, 'p').containers.web).to.include({ restarts: 1 });
    await t.client.delete(Pod, 'default/p', { gracePeriodSeconds: 0 });
    await create(t, 'p');
    expect(view(t, 'p').containers.web).to.include({ state: 'running', restarts: 0, last: '' });
    expect(await node.runtime.listPodSandboxes()).to.have.lengthOf(1);
  });

  it('KL-8 a pod with a finalizer ends, and goes when that is taken away', async () => {
    const node = new SimulatedNode();
    await using t = await start(node);
    await create(t, 'p', web, {}, ['example.com/wait']);
    await t.client.delete(Pod, 'default/p');
    await t.advance('5m');
    expect(view(t, 'p').containers.web).to.include({ state: 'terminated Error 143' });
    expect(view(t, 'p')).to.include({ phase: 'Failed', deleting: true });
    const { resourceVersion } = t.get(Pod, 'default/p').metadata;
    await t.advance('5m');
    expect(t.get(Pod, 'default/p').metadata.resourceVersion).to.equal(resourceVersion);
    await t.client.patch(Pod, 'default/p', (draft) => {
      draft.metadata.finalizers = [];
    });
    await t.settle();
    expect(t.find(Pod, 'default/p')).to.equal(undefined);
  });

  it('KL-8 tries again when the runtime fails to end something', async () => {
    const node = new SimulatedNode();
    await using t = await start(node);
    await create(t, 'p');
    const { runtime } = node;
    const stopPodSandbox = runtime.stopPodSandbox.bind(runtime);
    let failures = 2;
    runtime.stopPodSandbox = async (id) => {
      if (failures-- > 0) throw new Error('device busy');
      await stopPodSandbox(id);
    };
    await t.client.delete(Pod, 'default/p');
    await t.settle();
    expect(t.find(Pod, 'default/p')).to.not.equal(undefined);
    await t.advance('3s');
    expect(t.find(Pod, 'default/p')).to.equal(undefined);
    expect(failures).to.be.below(0);
  });

  it('KL-8 lets nobody see the object gone while a container runs', async () => {
    const node = new SimulatedNode();
    await using t = await start(node);
    await create(t, 'p', web, { web: { stopMs: 2_000 } });
    await t.client.delete(Pod, 'default/p');
    for (let i = 0; i < 30; i++) {
      const alive = (await node.runtime.listContainers()).some(({ state }) => state === 'running');
      if (alive) expect(t.find(Pod, 'default/p')).to.not.equal(undefined);
      await t.advance(100);
    }
    expect(t.find(Pod, 'default/p')).to.equal(undefined);
  });

  it('KL-3 a phase that is final stays, whatever is written to it', async () => {
    const node = new SimulatedNode();
    await using t = await start(node);
    await create(t, 'p');
    await t.client.patchRaw(
      Pod,
      'default/p',
      {
        type: 'merge',
        patch: { status: { phase: 'Failed', reason: 'Evicted', message: 'out of patience' } },
      },
      { subresource: 'status' },
    );
    await t.advance('1m');
    expect(view(t, 'p')).to.include({ phase: 'Failed', reason: 'Evicted', message: 'out of patience' });
    expect(view(t, 'p').containers.web).to.include({ state: 'terminated Error 143', restarts: 0 });
  });
});

describe('a sandbox that is lost', () => {
  it('KL-2 is replaced; its containers run again and are counted', async () => {
    const node = new SimulatedNode();
    await using t = await start(node);
    await create(t, 'p');
    const [sandbox] = await node.runtime.listPodSandboxes();
    await node.runtime.stopPodSandbox(sandbox?.id ?? '');
    await t.advance('15s');
    const [next] = await node.runtime.listPodSandboxes();
    expect(next?.id).to.not.equal(sandbox?.id);
    expect(next).to.include({ state: 'ready' });
    expect(view(t, 'p').containers.web).to.include({
      state: 'running',
      restarts: 1,
      last: 'terminated Error 137',
    });
    expect(await reasons(t, 'p')).to.include('SandboxChanged');
  });
});

describe('the node of a kubelet', () => {
  it('KL-17 is registered, ready, and says what it is', async () => {
    await using t = await start(new SimulatedNode());
    const node = t.get(Node, 'sim-1');
    expect(node.metadata.labels).to.include({
      'kubernetes.io/hostname': 'sim-1',
      'kubernetes.io/os': 'linux',
      'kubernetes.io/arch': 'amd64',
    });
    expect(node.status?.capacity).to.deep.equal({ cpu: '4', memory: '8388608Ki', pods: '110' });
    expect(node.status?.allocatable).to.deep.equal(node.status?.capacity);
    expect(node.status?.addresses).to.deep.equal([
      { type: 'InternalIP', address: '10.0.0.1' },
      { type: 'Hostname', address: 'sim-1' },
    ]);
    const conditions = node.status?.conditions?.map((c) => `${c.type} ${c.status} ${c.reason}: ${c.message}`);
    expect(conditions).to.deep.equal([
      'MemoryPressure False KubeletHasSufficientMemory: kubelet has sufficient memory available',
      'DiskPressure False KubeletHasNoDiskPressure: kubelet has no disk pressure',
      'PIDPressure False KubeletHasSufficientPID: kubelet has sufficient PID available',
      'Ready True KubeletReady: kubelet is posting ready status',
    ]);
    expect(node.status?.nodeInfo).to.include({
      kubeletVersion: 'v1.32.0',
      containerRuntimeVersion: 'simulated://1',
      operatingSystem: 'linux',
    });
  });

  it('KL-17 renews its Lease every 10 s and posts its status every 5 min', async () => {
    await using t = await start(new SimulatedNode());
    const lease = () => t.get(Lease, 'kube-node-lease/sim-1');
    expect(lease().spec).to.include({ holderIdentity: 'sim-1', leaseDurationSeconds: 40 });
    const status = t.get(Node, 'sim-1').metadata.resourceVersion;
    for (let i = 0; i < 12; i++) {
      const before = lease().spec?.renewTime;
      await t.advance('10500ms');
      expect(lease().spec?.renewTime).to.not.equal(before);
    }
    expect(t.get(Node, 'sim-1').metadata.resourceVersion).to.equal(status);
    await t.advance('4m');
    expect(t.get(Node, 'sim-1').metadata.resourceVersion).to.not.equal(status);
  });

  it('KL-17 keeps what others have put on it, labels, taints and conditions, over a restart', async () => {
    const node = new SimulatedNode();
    await using t = await start(node);
    await t.client.patch(Node, 'sim-1', (draft) => {
      draft.metadata.labels = { ...draft.metadata.labels, disk: 'fast' };
      draft.spec = { ...draft.spec, unschedulable: true };
    });
    const patch = { status: { conditions: [{ type: 'example.com/x', status: 'True' }] } };
    await t.client.patchRaw(Node, 'sim-1', { type: 'strategic', patch }, { subresource: 'status' });
    await node.restart();
    await t.advance('6m');
    const now = t.get(Node, 'sim-1');
    expect(now.metadata.labels).to.include({ disk: 'fast' });
    expect(now.spec?.unschedulable).to.equal(true);
    expect(now.status?.conditions?.map(({ type }) => type)).to.include('example.com/x');
  });

  it('KL-17 says at once that it is ready when it could not be heard for a while', async () => {
    let away = false;
    let kubelet: Kubelet | undefined;
    await using t = await start({
      name: 'kubelet',
      async start(context: RunnableContext) {
        const runtime = new SimulatedRuntime({ clock: context.clock });
        kubelet = new Kubelet({ nodes: [simulatedNode('sim-1', runtime)], version: 'v1.32.0' });
        const beforeWrite = () => {
          if (away) throw new Error('no route to host');
        };
        await kubelet.start({ ...context, client: context.client.with({ beforeWrite }) });
      },
      async stop() {
        await kubelet?.stop();
      },
    });
    const ready = () => t.get(Node, 'sim-1').status?.conditions?.find(({ type }) => type === 'Ready')?.status;
    away = true;
    await t.advance('60s');
    const patch = { status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } };
    await t.client.patchRaw(Node, 'sim-1', { type: 'strategic', patch }, { subresource: 'status' });
    expect(ready()).to.equal('Unknown');
    away = false;
    await t.advance('5s');
    expect(ready()).to.equal('True');
  });
});

describe('a kubelet with many nodes', () => {
  it('runs each pod on its own node, all from one process', async () => {
    let kubelet: Kubelet | undefined;
    const runtimes: SimulatedRuntime[] = [];
    await using t = await start({
      name: 'kubelet',
      async start(context: RunnableContext) {
        const nodes = Array.from({ length: 20 }, (_, network) => {
          const runtime = new SimulatedRuntime({ clock: context.clock, network });
          runtimes.push(runtime);
          return simulatedNode(`sim-${network + 1}`, runtime);
        });
        kubelet = new Kubelet({ nodes, version: 'v1.32.0' });
        await kubelet.start(context);
      },
      async stop() {
        await kubelet?.stop();
      },
    });
    for (let i = 0; i < 100; i++) await create(t, `p${i}`, { ...web, nodeName: `sim-${(i % 20) + 1}` });
    await t.advance('1s');
    const addresses = new Set<string>();
    for (let i = 0; i < 100; i++) {
      const { status } = t.get(Pod, `default/p${i}`);
      expect(status?.phase).to.equal('Running');
      expect(status?.podIP).to.match(new RegExp(`^10\\.64\\.${i % 20}\\.`));
      addresses.add(status?.podIP ?? '');
    }
    expect(addresses.size).to.equal(100);
    for (const runtime of runtimes) expect(await runtime.listContainers()).to.have.lengthOf(5);
    // A pod of a node that nobody here serves is nobody's business.
    await create(t, 'foreign', { ...web, nodeName: 'elsewhere' });
    await t.advance('1m');
    expect(view(t, 'foreign').phase).to.equal('Pending');
  });
});

describe('volumes of a pod', () => {
  const withMap: PodSpec = {
    containers: [{ name: 'web', image, volumeMounts: [{ name: 'v', mountPath: '/v' }] }],
    volumes: [{ name: 'v', configMap: { name: 'c' } }],
  };
  /** Notes what is asked of it. */
  class Volumes implements VolumeManager {
    readonly calls: string[] = [];
    broken = false;
    async setUp() {
      this.calls.push('setUp');
      if (this.broken)
        throw new VolumeError('v', 'MountVolume.SetUp failed for volume "v" : configmap "c" not found');
      return new Map([['v', { hostPath: '/tmp', readOnly: true }]]);
    }
    async mountPath() {
      return '/tmp';
    }
    async tearDown() {
      this.calls.push('tearDown');
    }
    async podUids() {
      return [];
    }
  }
  let logRoot: string;
  beforeEach(() => {
    logRoot = mkdtempSync(join(tmpdir(), 'gyre-kubelet-'));
  });
  afterEach(() => rmSync(logRoot, { recursive: true, force: true }));

  async function startWith(volumes: Volumes): Promise<{ t: TestCluster; runtime: () => SimulatedRuntime }> {
    let kubelet: Kubelet | undefined;
    let runtime: SimulatedRuntime | undefined;
    const t = await start({
      name: 'kubelet',
      async start(context: RunnableContext) {
        runtime = new SimulatedRuntime({ clock: context.clock });
        Reflect.set(runtime, 'hasFilesystem', true);
        kubelet = new Kubelet({
          nodes: [{ ...simulatedNode('sim-1', runtime), volumes, logRoot }],
          version: 'v1.32.0',
        });
        await kubelet.start(context);
      },
      async stop() {
        await kubelet?.stop();
      },
    });
    return { t, runtime: () => runtime as SimulatedRuntime };
  }

  it('KL-15 a pod waits for its volumes, with FailedMount and back-off', async () => {
    const volumes = new Volumes();
    volumes.broken = true;
    const { t, runtime } = await startWith(volumes);
    await using _ = t;
    await create(t, 'p', withMap);
    await t.advance('10s');
    expect(view(t, 'p').containers.web).to.include({ state: 'waiting ContainerCreating' });
    expect(await reasons(t, 'p')).to.include('FailedMount');
    // After 0, 0.5, 1.5, 3.5 and 7.5 s.
    expect(volumes.calls).to.deep.equal(Array.from({ length: 5 }, () => 'setUp'));
    volumes.broken = false;
    await t.advance('8s');
    expect(view(t, 'p').containers.web).to.include({ state: 'running', restarts: 0 });
    const [container] = await runtime().listContainers();
    expect(container?.config.mounts).to.deep.equal([
      { name: 'v', hostPath: '/tmp', containerPath: '/v', readOnly: true },
    ]);
  });

  it('KL-15 content is refreshed every minute, also after a failure, and no more when the pod ends', async () => {
    const volumes = new Volumes();
    const { t } = await startWith(volumes);
    await using _ = t;
    await create(t, 'p', withMap, { web: { stopMs: 90_000 } });
    await t.advance('61s');
    expect(volumes.calls).to.deep.equal(['setUp', 'setUp']);
    volumes.broken = true;
    await t.advance('1m');
    volumes.broken = false;
    await t.advance('1m');
    expect(volumes.calls).to.deep.equal(['setUp', 'setUp', 'setUp', 'setUp']);
    expect(view(t, 'p').containers.web).to.include({ state: 'running', restarts: 0 });
    await t.client.delete(Pod, 'default/p', { gracePeriodSeconds: 100 });
    await t.advance('3m');
    expect(t.find(Pod, 'default/p')).to.equal(undefined);
    expect(volumes.calls.slice(4)).to.deep.equal(['tearDown']);
  });
});
