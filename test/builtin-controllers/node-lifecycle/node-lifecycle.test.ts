/** Nodes that fall silent, and what it means for them and their pods. */
import { expect } from 'chai';
import { timestamp } from 'gyre';
import { NodeLifecycleController, TaintEvictionController } from 'gyre/controllers';
import { Lease, Node, Pod } from 'gyre/kinds';
import type { Taint, Toleration } from 'gyre/kinds/core/v1';
import { TestCluster } from 'gyre/testing';
import { evictionTime, tolerates } from '#src/builtin-controllers/node-lifecycle/eviction.js';
import { desiredTaints } from '#src/builtin-controllers/node-lifecycle/taints.js';
import { node as nodeObject, pod as podObject, store } from '../endpointslice/objects.js';

const start = () =>
  TestCluster.start({ builtin: false, controllers: [NodeLifecycleController, TaintEvictionController] });
const leaseKey = { namespace: 'kube-node-lease', name: 'n1' };

/** What a kubelet posts. */
async function post(t: TestCluster, ready: 'True' | 'False' = 'True'): Promise<void> {
  const at = timestamp(t.clock);
  const condition = (type: string, status: string) => ({
    type,
    status,
    lastHeartbeatTime: at,
    reason: 'Kubelet',
  });
  const conditions = [condition('Ready', ready), condition('MemoryPressure', 'False')];
  await t.client.patchRaw(
    Node,
    'n1',
    { type: 'merge', patch: { status: { conditions } } },
    { subresource: 'status' },
  );
}
async function renew(t: TestCluster): Promise<void> {
  const spec = { holderIdentity: 'n1', renewTime: `${timestamp(t.clock).slice(0, 19)}.000000Z` };
  if (t.find(Lease, leaseKey)) await t.client.patchRaw(Lease, leaseKey, { type: 'merge', patch: { spec } });
  else await t.client.create(Lease, { metadata: leaseKey, spec });
}
async function beat(t: TestCluster, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    await renew(t);
    await t.advance('10s');
  }
}
const conditions = (t: TestCluster) =>
  Object.fromEntries(
    (t.get(Node, 'n1').status?.conditions ?? []).map((c) => [c.type, `${c.status} ${c.reason}`]),
  );
const taints = (t: TestCluster) =>
  (t.get(Node, 'n1').spec?.taints ?? []).map(({ key, effect }) => `${key}:${effect}`).sort();
const bound = (name: string, tolerations: readonly Toleration[] = []) => {
  const pod = podObject(name, { node: 'n1' });
  return { ...pod, spec: { ...pod.spec, containers: pod.spec?.containers ?? [], tolerations } };
};

describe('node-lifecycle-controller', () => {
  it('KL-17 a node whose Lease is not renewed for 40 s is unknown, tainted, and its pods unready', async () => {
    await using t = await start();
    await store(t.client, nodeObject('n1'));
    await post(t);
    await store(t.client, bound('p'));
    await beat(t, 6);
    expect(conditions(t).Ready).to.equal('True Kubelet');
    expect(taints(t)).to.deep.equal([]);
    await t.advance('29s');
    expect(conditions(t).Ready).to.equal('True Kubelet');
    await t.advance('2s');
    expect(conditions(t)).to.deep.equal({
      Ready: 'Unknown NodeStatusUnknown',
      MemoryPressure: 'Unknown NodeStatusUnknown',
      DiskPressure: 'Unknown NodeStatusNeverUpdated',
      PIDPressure: 'Unknown NodeStatusNeverUpdated',
    });
    const ready = t.get(Node, 'n1').status?.conditions?.find(({ type }) => type === 'Ready');
    expect(ready?.message).to.equal('Kubelet stopped posting node status.');
    expect(taints(t)).to.deep.equal([
      'node.kubernetes.io/unreachable:NoExecute',
      'node.kubernetes.io/unreachable:NoSchedule',
    ]);
    expect(t.get(Pod, 'default/p').status?.conditions?.[0]).to.include({ type: 'Ready', status: 'False' });
  });

  it('KL-17 takes the taints away when the node comes back', async () => {
    await using t = await start();
    await store(t.client, nodeObject('n1'));
    await post(t);
    await t.client.patch(Node, 'n1', (draft) => {
      draft.spec = { taints: [{ key: 'example.com/own', effect: 'NoSchedule' }] };
    });
    await t.advance('1m');
    expect(taints(t)).to.have.lengthOf(3);
    await renew(t);
    await post(t);
    await t.settle();
    expect(taints(t)).to.deep.equal(['example.com/own:NoSchedule']);
    await beat(t, 12);
    expect(conditions(t).Ready).to.equal('True Kubelet');
  });

  it('KL-17 a node that posts its status lives without a Lease', async () => {
    await using t = await start();
    await store(t.client, nodeObject('n1'));
    for (let i = 0; i < 10; i++) {
      await post(t);
      await t.advance('30s');
    }
    expect(conditions(t).Ready).to.equal('True Kubelet');
  });

  it('KL-17 a node that says it is not ready is tainted as such', async () => {
    await using t = await start();
    await store(t.client, nodeObject('n1'));
    await post(t, 'False');
    await t.settle();
    expect(taints(t)).to.deep.equal([
      'node.kubernetes.io/not-ready:NoExecute',
      'node.kubernetes.io/not-ready:NoSchedule',
    ]);
  });

  it('KL-17 a node that has never been heard of gets a minute', async () => {
    await using t = await start();
    await store(t.client, nodeObject('n1'));
    await t.advance('59s');
    expect(conditions(t)).to.deep.equal({});
    await t.advance('2s');
    expect(conditions(t).Ready).to.equal('Unknown NodeStatusNeverUpdated');
  });

  it('KL-17 writes nothing while nothing changes', async () => {
    await using t = await start();
    await store(t.client, nodeObject('n1'));
    await t.advance('2m');
    const { resourceVersion } = t.get(Node, 'n1').metadata;
    await beat(t, 60);
    expect(t.get(Node, 'n1').metadata.resourceVersion).to.equal(resourceVersion);
  });
});

describe('taints of a node', () => {
  it('KL-17 follow pressure and cordoning, keep their time, and leave those of others', () => {
    const own: Taint = { key: 'example.com/x', effect: 'NoExecute' };
    const old: Taint = { key: 'node.kubernetes.io/memory-pressure', effect: 'NoSchedule', timeAdded: 'then' };
    const past: Taint = { key: 'node.kubernetes.io/disk-pressure', effect: 'NoSchedule', timeAdded: 'then' };
    const node = {
      ...nodeObject('n1'),
      spec: { unschedulable: true, taints: [past, own, old] },
      status: {
        conditions: [
          { type: 'Ready', status: 'True' },
          { type: 'MemoryPressure', status: 'True' },
        ],
      },
    };
    expect(desiredTaints(node, 'now')).to.deep.equal([
      own,
      old,
      { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule', timeAdded: 'now' },
    ]);
  });
});

describe('taint-eviction-controller', () => {
  const taint = (key: string, value?: string): Taint => ({
    key,
    effect: 'NoExecute',
    ...(value === undefined ? {} : { value }),
  });

  for (const [what, toleration, expected] of [
    ['everything', { operator: 'Exists' }, true],
    ['its key', { key: 'k', operator: 'Exists' }, true],
    ['its key and effect', { key: 'k', operator: 'Exists', effect: 'NoExecute' }, true],
    ['another effect', { key: 'k', operator: 'Exists', effect: 'NoSchedule' }, false],
    ['another key', { key: 'other', operator: 'Exists' }, false],
    ['its value', { key: 'k', value: 'v' }, true],
    ['another value', { key: 'k', operator: 'Equal', value: 'w' }, false],
    ['no key, without Exists', { value: 'v' }, false],
  ] as const) {
    it(`OC-15 a toleration of ${what} ${expected ? 'matches' : 'does not match'}`, () => {
      expect(tolerates(toleration as Toleration, taint('k', 'v'))).to.equal(expected);
    });
  }

  it('OC-15 the shortest time of all matching tolerations counts, over all taints', () => {
    const since = ({ key }: Taint) => (key === 'a' ? 1_000 : 5_000);
    const tolerate = (key: string, tolerationSeconds?: number): Toleration => ({
      key,
      operator: 'Exists',
      ...(tolerationSeconds === undefined ? {} : { tolerationSeconds }),
    });
    const at = (...tolerations: Toleration[]) => evictionTime([taint('a'), taint('b')], tolerations, since);
    expect(at(tolerate('a'), tolerate('b'))).to.equal(undefined);
    expect(at(tolerate('a', 60), tolerate('a', 10), tolerate('b'))).to.equal(11_000);
    expect(at(tolerate('a', 60), tolerate('b', 1))).to.equal(6_000);
    expect(at(tolerate('a'))).to.equal(5_000);
    expect(evictionTime([{ key: 'a', effect: 'NoSchedule' }], [], since)).to.equal(undefined);
  });

  const patient: Toleration = { key: 'doom', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 };
  const doom = (t: TestCluster) =>
    t.client.patch(Node, 'n1', (draft) => {
      draft.spec = { taints: [{ key: 'doom', effect: 'NoExecute' }] };
    });
  const there = (t: TestCluster, ...names: string[]) =>
    names.filter((name) => {
      const pod = t.find(Pod, `default/${name}`);
      return pod !== undefined && pod.metadata.deletionTimestamp === undefined;
    });

  it('OC-15 deletes at once what does not tolerate, later what does for a while, never what does', async () => {
    await using t = await TestCluster.start({ builtin: false, controllers: [TaintEvictionController] });
    await store(t.client, nodeObject('n1'));
    await store(t.client, bound('none'));
    await store(t.client, bound('while', [patient]));
    await store(t.client, bound('always', [{ key: 'doom', operator: 'Exists' }]));
    await doom(t);
    await t.settle();
    expect(there(t, 'none', 'while', 'always')).to.deep.equal(['while', 'always']);
    const disrupted = t
      .get(Pod, 'default/none')
      .status?.conditions?.find(({ type }) => type === 'DisruptionTarget');
    expect(disrupted).to.include({ status: 'True', reason: 'DeletionByTaintManager' });
    await t.advance('59s');
    expect(there(t, 'while')).to.deep.equal(['while']);
    await t.advance('2s');
    expect(there(t, 'while', 'always')).to.deep.equal(['always']);
  });

  it('OC-15 a taint that goes in time spares the pod', async () => {
    await using t = await TestCluster.start({ builtin: false, controllers: [TaintEvictionController] });
    await store(t.client, nodeObject('n1'));
    await store(t.client, bound('while', [patient]));
    await doom(t);
    await t.advance('50s');
    await t.client.patch(Node, 'n1', (draft) => {
      draft.spec = { taints: [] };
    });
    await t.advance('10m');
    expect(there(t, 'while')).to.deep.equal(['while']);
  });

  it('KL-17 pods leave an unreachable node after five minutes unless they say otherwise', async () => {
    await using t = await start();
    await store(t.client, nodeObject('n1'));
    await post(t);
    await store(t.client, bound('p'));
    await t.advance('5m');
    expect(there(t, 'p')).to.deep.equal(['p']);
    await t.advance('41s');
    expect(there(t, 'p')).to.deep.equal([]);
  });
});
