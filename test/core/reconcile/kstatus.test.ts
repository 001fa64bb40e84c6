/** The rules of kstatus in a table, and the helpers that write what they read. */
import { expect } from 'chai';
import { IsOptional, IsString } from 'class-validator';
import {
  computeStatus,
  type Condition,
  Conditions,
  controllerFor,
  createClient,
  createOrPatch,
  CustomResource,
  done,
  reportProgress,
  reportReady,
  reportStalled,
  type StatusPhase,
} from 'gyre';
import { ConfigMap, Deployment } from 'gyre/kinds';
import { TestCluster } from 'gyre/testing';

const condition = (type: string, status: string, reason = 'R', message = '') => ({
  type,
  status,
  reason,
  message,
});
const of = (apiVersion: string, kind: string, spec: object, status: object, metadata: object = {}) => ({
  apiVersion,
  kind,
  metadata: { name: 'x', generation: 2, ...metadata },
  spec,
  status,
});
const full = {
  observedGeneration: 2,
  replicas: 2,
  updatedReplicas: 2,
  availableReplicas: 2,
  readyReplicas: 2,
  fullyLabeledReplicas: 2,
  conditions: [condition('Available', 'True'), condition('Progressing', 'True', 'NewReplicaSetAvailable')],
};
const two = { replicas: 2 };

const rows: readonly [title: string, object: object | undefined, expected: StatusPhase][] = [
  ['nothing', undefined, 'NotFound'],
  ['a ConfigMap', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'x' } }, 'Current'],
  ['what is being deleted', of('v1', 'Pod', {}, {}, { deletionTimestamp: 'now' }), 'Terminating'],
  ['a status of an older generation', of('e.com/v1', 'X', {}, { observedGeneration: 1 }), 'InProgress'],
  ['Ready', of('e.com/v1', 'X', {}, { conditions: [condition('Ready', 'True')] }), 'Current'],
  ['not Ready', of('e.com/v1', 'X', {}, { conditions: [condition('Ready', 'False')] }), 'InProgress'],
  ['Ready Unknown', of('e.com/v1', 'X', {}, { conditions: [condition('Ready', 'Unknown')] }), 'InProgress'],
  ['Stalled', of('e.com/v1', 'X', {}, { conditions: [condition('Stalled', 'True')] }), 'Failed'],
  [
    'Reconciling though Ready',
    of('e.com/v1', 'X', {}, { conditions: [condition('Ready', 'True'), condition('Reconciling', 'True')] }),
    'InProgress',
  ],
  ['a Deployment that is available', of('apps/v1', 'Deployment', two, full), 'Current'],
  ['a Deployment nobody looked at', of('apps/v1', 'Deployment', two, {}), 'InProgress'],
  [
    'a Deployment that lacks an update',
    of('apps/v1', 'Deployment', two, { ...full, updatedReplicas: 1 }),
    'InProgress',
  ],
  ['a Deployment with old pods', of('apps/v1', 'Deployment', two, { ...full, replicas: 3 }), 'InProgress'],
  [
    'a Deployment that lacks readiness',
    of('apps/v1', 'Deployment', two, { ...full, readyReplicas: 1 }),
    'InProgress',
  ],
  [
    'a Deployment past its deadline',
    of('apps/v1', 'Deployment', two, {
      ...full,
      conditions: [condition('Progressing', 'False', 'ProgressDeadlineExceeded')],
    }),
    'Failed',
  ],
  ['a ReplicaSet', of('apps/v1', 'ReplicaSet', two, full), 'Current'],
  [
    'a ReplicaSet that lacks pods',
    of('apps/v1', 'ReplicaSet', two, { ...full, availableReplicas: 1 }),
    'InProgress',
  ],
  [
    'a StatefulSet',
    of('apps/v1', 'StatefulSet', two, { ...full, currentRevision: 'a', updateRevision: 'a' }),
    'Current',
  ],
  [
    'a StatefulSet between revisions',
    of('apps/v1', 'StatefulSet', two, { ...full, currentRevision: 'a', updateRevision: 'b' }),
    'InProgress',
  ],
  [
    'a StatefulSet updated by hand',
    of('apps/v1', 'StatefulSet', { ...two, updateStrategy: { type: 'OnDelete' } }, {}),
    'Current',
  ],
  [
    'a DaemonSet on all nodes',
    of(
      'apps/v1',
      'DaemonSet',
      {},
      {
        observedGeneration: 2,
        desiredNumberScheduled: 1,
        currentNumberScheduled: 1,
        updatedNumberScheduled: 1,
        numberAvailable: 1,
        numberReady: 1,
      },
    ),
    'Current',
  ],
  [
    'a DaemonSet on its way',
    of('apps/v1', 'DaemonSet', {}, { observedGeneration: 2, desiredNumberScheduled: 1 }),
    'InProgress',
  ],
  [
    'a pod that is ready',
    of('v1', 'Pod', {}, { phase: 'Running', conditions: [condition('Ready', 'True')] }),
    'Current',
  ],
  ['a pod that is not', of('v1', 'Pod', {}, { phase: 'Running' }), 'InProgress'],
  [
    'a pod that crashes',
    of(
      'v1',
      'Pod',
      {},
      {
        phase: 'Running',
        containerStatuses: [{ state: { waiting: { reason: 'CrashLoopBackOff' } } }],
      },
    ),
    'Failed',
  ],
  ['a pod that is through', of('v1', 'Pod', {}, { phase: 'Succeeded' }), 'Current'],
  ['a pod that failed', of('v1', 'Pod', {}, { phase: 'Failed' }), 'Failed'],
  ['a pod that waits', of('v1', 'Pod', {}, { phase: 'Pending' }), 'InProgress'],
  [
    'a Job that completed',
    of('batch/v1', 'Job', {}, { conditions: [condition('Complete', 'True')] }),
    'Current',
  ],
  ['a Job that failed', of('batch/v1', 'Job', {}, { conditions: [condition('Failed', 'True')] }), 'Failed'],
  ['a Job that runs', of('batch/v1', 'Job', {}, { startTime: 'now' }), 'Current'],
  ['a Job that waits', of('batch/v1', 'Job', {}, {}), 'InProgress'],
  ['a claim that is bound', of('v1', 'PersistentVolumeClaim', {}, { phase: 'Bound' }), 'Current'],
  ['a claim that is not', of('v1', 'PersistentVolumeClaim', {}, { phase: 'Pending' }), 'InProgress'],
  ['a Service', of('v1', 'Service', { type: 'ClusterIP' }, { loadBalancer: {} }), 'Current'],
  [
    'a Service without its balancer',
    of('v1', 'Service', { type: 'LoadBalancer' }, { loadBalancer: {} }),
    'InProgress',
  ],
  [
    'a definition that serves',
    of(
      'apiextensions.k8s.io/v1',
      'CustomResourceDefinition',
      {},
      { conditions: [condition('Established', 'True')] },
    ),
    'Current',
  ],
  [
    'a definition whose names are taken',
    of(
      'apiextensions.k8s.io/v1',
      'CustomResourceDefinition',
      {},
      { conditions: [condition('NamesAccepted', 'False')] },
    ),
    'Failed',
  ],
];

describe('computeStatus', () => {
  for (const [title, object, expected] of rows)
    it(`${title}: ${expected}`, () => expect(computeStatus(object).status).to.equal(expected));

  it('follows a real rollout to its end', async () => {
    await using t = await TestCluster.start();
    const labels = { app: 'web' };
    await t.client.create(Deployment, {
      metadata: { name: 'web', namespace: 'default' },
      spec: {
        replicas: 2,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: [{ name: 'c', image: 'nginx' }] } },
      },
    });
    expect(computeStatus(t.get(Deployment, 'default/web')).status).to.equal('InProgress');
    await t.advance('1m');
    expect(computeStatus(t.get(Deployment, 'default/web'))).to.deep.equal({
      status: 'Current',
      message: 'available: 2',
    });
  });
});

class ThingSpec {
  @IsString() @IsOptional() state?: string;
}
class ThingStatus {
  @Conditions() conditions?: Condition[];
}
class Thing extends CustomResource({
  group: 'apps.example.com',
  version: 'v1',
  kind: 'Thing',
  spec: ThingSpec,
  status: ThingStatus,
}) {}

describe('reportReady, reportProgress, reportStalled', () => {
  it('say it so that kstatus reads it: Ready always, the abnormal ones only while true', async () => {
    const controller = controllerFor(Thing)
      .named('things')
      .reconcile((thing, ctx) => {
        if (thing.spec.state === 'stalled') reportStalled(ctx, 'BadSpec', 'no such size');
        else if (thing.spec.state === 'ready') reportReady(ctx);
        else reportProgress(ctx, 'Waiting');
        return done;
      });
    await using t = await TestCluster.start({ builtin: false, controllers: [controller] });
    const read = async (state: string) => {
      await t.apply(Thing.of('default/a', { state }));
      const thing = t.get(Thing, 'default/a');
      const types = thing.status?.conditions?.map(({ type, status }) => `${type}=${status}`).sort();
      return [computeStatus(thing).status, ...(types ?? [])];
    };
    expect(await read('new')).to.deep.equal(['InProgress', 'Ready=False', 'Reconciling=True']);
    expect(await read('stalled')).to.deep.equal(['Failed', 'Ready=False', 'Stalled=True']);
    expect(await read('ready')).to.deep.equal(['Current', 'Ready=True']);
    const { conditions = [] } = t.get(Thing, 'default/a').status ?? {};
    expect(conditions[0]).to.include({ observedGeneration: 3 });
  });
});

describe('createOrPatch', () => {
  it('creates, patches the difference, or leaves alone', async () => {
    await using t = await TestCluster.start({ builtin: false });
    const set = (value: string) =>
      createOrPatch(t.client, ConfigMap, 'default/a', (draft) => {
        draft.data = { ...draft.data, value };
      });
    expect((await set('1')).result).to.equal('created');
    expect((await set('1')).result).to.equal('unchanged');
    await t.client.patch(ConfigMap, 'default/a', (draft) => {
      draft.data = { ...draft.data, other: 'kept' };
    });
    const { result, object } = await set('2');
    expect([result, object.data]).to.deep.equal(['patched', { value: '2', other: 'kept' }]);
  });

  it('runs a race that was lost again, on what is there then', async () => {
    await using t = await TestCluster.start({ builtin: false });
    const inner = t.transport({ username: 'slow', groups: ['system:masters'] });
    let races = 0;
    const slow = createClient({
      ...inner,
      watch: (request) => inner.watch(request),
      close: () => {},
      // Somebody is faster, once before it is made and once after.
      request: async (request) => {
        if (request.method !== 'GET' && races++ < 2)
          await t.client.apply(ConfigMap, {
            metadata: { name: 'a', namespace: 'default' },
            data: { theirs: String(races) },
          });
        return inner.request(request);
      },
    });
    let calls = 0;
    const { result, object } = await createOrPatch(slow, ConfigMap, 'default/a', (draft) => {
      draft.data = { ...draft.data, mine: String(++calls) };
    });
    expect([result, object.data]).to.deep.equal(['patched', { mine: '3', theirs: '2' }]);
  });
});
