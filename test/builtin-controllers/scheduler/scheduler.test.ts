/** The scheduler in a cluster, by the state of the world. */
import { expect } from 'chai';
import type { ApiRequest, Transport } from 'gyre/api';
import { OutcomeUnknown } from 'gyre/api';
import { PersistentVolume, PersistentVolumeClaim, Node, Pod } from 'gyre/kinds';
import { addNode, createPod, pod, World } from './world.js';

const isBinding = ({ method, path }: ApiRequest): boolean => method === 'POST' && path.endsWith('/binding');

/** A transport that treats bindings in another way. */
const binding =
  (
    treat: (
      request: ApiRequest,
      send: () => ReturnType<Transport['request']>,
    ) => ReturnType<Transport['request']>,
  ) =>
  (transport: Transport): Transport => ({
    watch: (request) => transport.watch(request),
    close: () => transport.close(),
    request: (request) =>
      isBinding(request) ? treat(request, () => transport.request(request)) : transport.request(request),
  });

describe('Scheduler', () => {
  it('SC-8 binds a pod, and says so', async () => {
    await using world = await World.start();
    await world.addNode('n');
    await world.create(pod('p', { cpu: '1' }));
    expect(await world.nodeOf('p')).to.equal('n');
    expect(await world.scheduled('p')).to.equal('True');
    expect(await world.events('p')).to.deep.equal([
      'default-scheduler: Normal Scheduled Successfully assigned default/p to n',
    ]);
  });

  it('finds what was there before it came: nodes, what runs on them, pods that wait', async () => {
    await using world = await World.start({
      before: async (client) => {
        await addNode(client, 'n', { allocatable: { cpu: '1' } });
        await createPod(client, pod('there', { cpu: '800m', spec: { nodeName: 'n' } }));
        await createPod(client, pod('fits', { cpu: '200m' }));
        await createPod(client, pod('waits', { cpu: '200m' }));
      },
    });
    await world.clock.settle();
    const nodes = [await world.nodeOf('fits'), await world.nodeOf('waits')];
    expect(nodes.filter((name) => name === 'n')).to.have.length(1);
  });

  it('leaves pods of other schedulers alone, and counts them', async () => {
    await using world = await World.start();
    await world.addNode('n', { allocatable: { cpu: '1' } });
    await world.create(pod('theirs', { spec: { schedulerName: 'mine' } }));
    expect(await world.nodeOf('theirs')).to.equal(undefined);
    await world.create(pod('placed', { cpu: '1', spec: { schedulerName: 'mine', nodeName: 'n' } }));
    await world.create(pod('ours', { cpu: '1' }));
    expect(await world.nodeOf('ours')).to.equal(undefined);
  });

  it('SC-8 says why a pod fits nowhere: condition and event', async () => {
    await using world = await World.start();
    await world.addNode('small', { allocatable: { cpu: '1' } });
    await world.addNode('tainted', { taints: [{ key: 'k', value: 'v', effect: 'NoSchedule' }] });
    await world.create(pod('p', { cpu: '2' }));
    const message =
      '0/2 nodes are available: 1 Insufficient cpu, 1 node(s) had untolerated taint {k: v}. ' +
      'preemption: 0/2 nodes are available: 1 No preemption victims found for incoming pod, 1 Preemption is not helpful for scheduling.';
    expect(await world.scheduled('p')).to.equal(`False Unschedulable ${message}`);
    expect(await world.events('p')).to.deep.equal([`default-scheduler: Warning FailedScheduling ${message}`]);
  });

  it('SC-8 says that there are no nodes, and schedules once there is one', async () => {
    await using world = await World.start();
    await world.create(pod('p'));
    expect(await world.scheduled('p')).to.equal('False Unschedulable no nodes available to schedule pods');
    await world.addNode('n');
    await world.clock.advance('2s');
    expect(await world.nodeOf('p')).to.equal('n');
    expect(await world.scheduled('p')).to.equal('True');
  });

  it('SC-8 writes the condition once per change of what it says', async () => {
    let writes = 0;
    await using world = await World.start({
      wrap: (transport) => ({
        watch: (request) => transport.watch(request),
        close: () => transport.close(),
        request(request) {
          if (request.method === 'PATCH' && request.path.endsWith('/pods/p/status')) writes++;
          return transport.request(request);
        },
      }),
    });
    await world.addNode('n', { allocatable: { cpu: '1' } });
    await world.create(pod('p', { cpu: '2' }));
    await world.clock.advance('30m');
    expect(await world.failures('p')).to.be.above(3);
    expect(writes).to.equal(1);
    await world.addNode('m', { allocatable: { cpu: '1' } });
    await world.clock.advance('10m');
    expect(await world.scheduled('p')).to.match(
      /^False Unschedulable 0\/2 nodes are available: 2 Insufficient cpu/,
    );
    expect(writes).to.equal(2);
  });

  it('SC-1 takes the most important first, then in the order they came', async () => {
    await using world = await World.start();
    for (const [name, priority] of [
      ['low', -5],
      ['a', 0],
      ['b', 0],
      ['high', 1000],
    ] as const) {
      await world.create(pod(name, { cpu: '1', spec: { priority, preemptionPolicy: 'Never' } }));
    }
    await world.addNode('n', { allocatable: { cpu: '2' } });
    await world.clock.advance('5s');
    const placed: string[] = [];
    for (const name of ['low', 'a', 'b', 'high']) if (await world.nodeOf(name)) placed.push(name);
    expect(placed).to.deep.equal(['a', 'high']);
  });

  it('SC-1 wakes a pod when what kept it away goes, after its back-off', async () => {
    await using world = await World.start();
    await world.addNode('n', { allocatable: { cpu: '1' } });
    await world.create(pod('first', { cpu: '1' }));
    await world.create(pod('second', { cpu: '1' }));
    await world.client.delete(Pod, 'default/first', { gracePeriodSeconds: 0 });
    await world.clock.settle();
    expect(await world.nodeOf('second')).to.equal(undefined);
    await world.clock.advance('1s');
    expect(await world.nodeOf('second')).to.equal('n');
  });

  it('SC-1 sleeps through what cannot help', async () => {
    await using world = await World.start();
    await world.addNode('n', { unschedulable: true });
    await world.create(pod('p'));
    // More room on a node that is cordoned all the same, and a heartbeat.
    await world.client.patchRaw(
      Node,
      'n',
      { type: 'merge', patch: { status: { allocatable: { cpu: '64' } } } },
      { subresource: 'status' },
    );
    await world.clock.advance('20s');
    expect(await world.failures('p')).to.equal(1);
    await world.client.patchRaw(Node, 'n', { type: 'merge', patch: { spec: { unschedulable: false } } });
    await world.clock.advance('20s');
    expect(await world.nodeOf('p')).to.equal('n');
  });

  it('SC-2 does not touch a gated pod until its gates are gone', async () => {
    await using world = await World.start();
    await world.addNode('n');
    await world.create(pod('p', { spec: { schedulingGates: [{ name: 'example.com/wait' }] } }));
    await world.clock.advance('10m');
    expect(await world.nodeOf('p')).to.equal(undefined);
    expect(await world.events('p')).to.deep.equal([]);
    await world.client.patchRaw(Pod, 'default/p', {
      type: 'merge',
      patch: { spec: { schedulingGates: [] } },
    });
    await world.clock.settle();
    expect(await world.nodeOf('p')).to.equal('n');
  });

  it('SC-7 waits for the claim of a pod and goes on when it is bound', async () => {
    await using world = await World.start();
    await world.addNode('n');
    await world.client.create(PersistentVolumeClaim, {
      metadata: { name: 'data', namespace: 'default' },
      spec: {
        accessModes: ['ReadWriteOnce'],
        storageClassName: 'standard',
        resources: { requests: { storage: '1Gi' } },
      },
    } as never);
    await world.create(
      pod('p', { spec: { volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }] } }),
    );
    expect(await world.scheduled('p')).to.equal(
      'False Unschedulable 0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. ' +
        'preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.',
    );
    await world.client.create(PersistentVolume, {
      metadata: { name: 'pv' },
      spec: {
        accessModes: ['ReadWriteOnce'],
        capacity: { storage: '1Gi' },
        storageClassName: 'standard',
        hostPath: { path: '/x' },
      },
    } as never);
    await world.client.patchRaw(PersistentVolumeClaim, 'default/data', {
      type: 'merge',
      patch: {
        metadata: { annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } },
        spec: { volumeName: 'pv' },
      },
    });
    await world.clock.advance('2s');
    expect(await world.nodeOf('p')).to.equal('n');
  });

  it('releases what a refused binding had taken', async () => {
    let refusals = 0;
    await using world = await World.start({
      wrap: binding(async (request, send) => {
        if (!request.path.includes('/refused/')) return send();
        refusals++;
        const body = { kind: 'Status', status: 'Failure', reason: 'Forbidden', code: 403, message: 'no' };
        return { status: 403, headers: {}, body };
      }),
    });
    await world.addNode('n', { allocatable: { cpu: '1' } });
    await world.create(pod('refused', { cpu: '1' }));
    expect(await world.scheduled('refused')).to.equal('False SchedulerError binding rejected: no');
    await world.create(pod('other', { cpu: '1' }));
    expect(await world.nodeOf('other')).to.equal('n');
    expect(refusals).to.equal(1);
  });

  it('SC-8 binds once when the answer to a binding is lost, whether or not it took effect', async () => {
    for (const tookEffect of [true, false]) {
      let sent = 0;
      await using world = await World.start({
        wrap: binding(async (_, send) => {
          sent++;
          if (sent > 1) return send();
          if (tookEffect) await send();
          throw new OutcomeUnknown('the connection broke');
        }),
      });
      await world.addNode('a');
      await world.addNode('b');
      await world.create(pod('p'));
      const early = await world.nodeOf('p');
      expect(early === undefined).to.equal(!tookEffect);
      await world.clock.advance('5s');
      expect(await world.nodeOf('p')).to.be.oneOf(early ? [early] : ['a', 'b']);
      expect((await world.events('p')).filter((event) => event.includes('Scheduled'))).to.have.length(1);
      expect(sent).to.equal(2);
    }
  });

  it('counts a pod as placed while its binding is under way, and forgets one deleted meanwhile', async () => {
    let release = (): void => {};
    await using world = await World.start({
      wrap: binding(async (request, send) => {
        if (request.path.includes('/slow/')) {
          await new Promise<void>((resolve) => {
            release = resolve;
          });
        }
        return send();
      }),
    });
    await world.addNode('n', { allocatable: { cpu: '1' } });
    await world.create(pod('slow', { cpu: '1' }));
    await world.create(pod('next', { cpu: '1' }));
    expect(await world.scheduled('next')).to.match(/Insufficient cpu/);
    await world.client.delete(Pod, 'default/slow');
    await world.clock.settle();
    release();
    await world.clock.advance('2s');
    expect(await world.nodeOf('next')).to.equal('n');
  });

  it('SC-8 leaves a pod where somebody else bound it first, and counts it there', async () => {
    await using world = await World.start({
      wrap: binding(async (request, send) => {
        if (!request.path.includes('/contested/')) return send();
        // Another scheduler is faster, and takes the other node.
        const { target, ...rest } = request.body as { target: { name: string } };
        const other = target.name === 'a' ? 'b' : 'a';
        await world.bindAs('other-scheduler', {
          ...request,
          body: { ...rest, target: { ...target, name: other } },
        });
        contested = [target.name, other];
        return send();
      }),
    });
    let contested: string[] = [];
    for (const name of ['a', 'b']) await world.addNode(name, { allocatable: { cpu: '1' } });
    await world.create(pod('contested', { cpu: '1' }));
    await world.clock.advance('10s');
    expect(await world.nodeOf('contested')).to.equal(contested[1]);
    expect(await world.events('contested')).to.deep.equal([]);
    await world.create(pod('next', { cpu: '1' }));
    expect(await world.nodeOf('next')).to.equal(contested[0]);
    await world.create(pod('last', { cpu: '1' }));
    expect(await world.scheduled('last')).to.match(/2 Insufficient cpu/);
  });

  it('counts pods that have ended as gone', async () => {
    await using world = await World.start();
    await world.addNode('n', { allocatable: { cpu: '1' } });
    await world.create(pod('job', { cpu: '1' }));
    await world.create(pod('next', { cpu: '1' }));
    await world.client.patchRaw(
      Pod,
      'default/job',
      { type: 'merge', patch: { status: { phase: 'Succeeded' } } },
      { subresource: 'status' },
    );
    await world.clock.advance('2s');
    expect(await world.nodeOf('next')).to.equal('n');
  });

  it('SC-9 makes room for a more important pod', async () => {
    await using world = await World.start();
    await world.addNode('n', { allocatable: { cpu: '2' } });
    for (const [name, priority] of [
      ['low', 0],
      ['mid', 10],
    ] as const) {
      await world.create(pod(name, { cpu: '1', spec: { priority, terminationGracePeriodSeconds: 30 } }));
    }
    await world.create(pod('high', { cpu: '1', spec: { priority: 100 } }));
    const high = await world.pod('high');
    expect(high?.status?.nominatedNodeName).to.equal('n');
    const low = await world.pod('low');
    expect(low?.metadata.deletionTimestamp).to.be.a('string');
    const disrupted = low?.status?.conditions?.find(({ type }) => type === 'DisruptionTarget');
    expect(disrupted).to.deep.include({
      status: 'True',
      reason: 'PreemptionByScheduler',
      message: 'default-scheduler: preempting to accommodate a higher priority pod',
    });
    expect((await world.pod('mid'))?.metadata.deletionTimestamp).to.equal(undefined);
    expect((await world.events('low')).at(-1)).to.equal(
      `default-scheduler: Normal Preempted Preempted by pod ${high?.metadata.uid} on node n`,
    );
    // The room is promised: nobody less important slips in.
    await world.client.delete(Pod, 'default/low', { gracePeriodSeconds: 0 });
    await world.create(pod('sneaky', { cpu: '1', spec: { priority: 50, preemptionPolicy: 'Never' } }));
    expect(await world.nodeOf('sneaky')).to.equal(undefined);
    await world.clock.advance('15s');
    expect(await world.nodeOf('high')).to.equal('n');
    expect(await world.nodeOf('sneaky')).to.equal(undefined);
  });

  it('SC-9 spares everybody when the pod must not preempt', async () => {
    await using world = await World.start();
    await world.addNode('n', { allocatable: { cpu: '1' } });
    await world.create(pod('low', { cpu: '1' }));
    await world.create(pod('high', { cpu: '1', spec: { priority: 100, preemptionPolicy: 'Never' } }));
    expect(await world.scheduled('high')).to.equal(
      'False Unschedulable 0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never.',
    );
    expect((await world.pod('low'))?.metadata.deletionTimestamp).to.equal(undefined);
  });
});
