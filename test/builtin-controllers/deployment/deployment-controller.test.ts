import { expect } from 'chai';
import { type Context, controllerOf, OutcomeUnknown, type Transport } from 'gyre';
import { DeploymentController, ReplicaSetController } from 'gyre/controllers';
import { Deployment, Namespace, Pod, ReplicaSet } from 'gyre/kinds';
import { TestCluster } from 'gyre/testing';
import { Gate, intercept, startManager, stopManager } from '../workloads/managers.js';
import {
  activePods,
  deployment,
  eventsAbout,
  podsIn,
  replicaSets,
  revision,
  template,
} from '../workloads/objects.js';
import { standInKubelet, type StandInOptions } from '../workloads/stand-in-kubelet.js';

const start = (kubelet: StandInOptions = {}) =>
  TestCluster.start({
    builtin: false,
    controllers: [DeploymentController, ReplicaSetController, standInKubelet(kubelet)],
  });
const quick: StandInOptions = { startAfter: () => 1000, endAfter: () => 1000 };
const never: StandInOptions = { works: () => false, endAfter: () => 0 };
const web = (t: TestCluster) => t.get(Deployment, 'default/web');
const condition = (t: TestCluster, type: string) =>
  web(t).status?.conditions?.find((candidate) => candidate.type === type);
const imagesOf = async (t: TestCluster) =>
  (await podsIn(t)).map(({ spec }) => spec?.containers[0]?.image).sort();
const sizes = async (t: TestCluster) =>
  (await replicaSets(t)).map(({ spec }) => `${spec.template?.spec?.containers[0]?.image} ${spec.replicas}`);
const patch = (t: TestCluster, change: object) =>
  t.client.patchRaw(Deployment, 'default/web', { type: 'merge', patch: change });

describe('Deployments', () => {
  it('D-1 only report an empty selector, which would select everything', async () => {
    const events: string[] = [];
    const ctx = {
      status: {},
      event: (...event: string[]) => events.push(event.join(' ')),
    };
    const object = { metadata: { generation: 4 }, spec: { selector: {} } };
    await new DeploymentController().reconcile(object as never, ctx as unknown as Context<Deployment>);
    expect(ctx.status).to.deep.equal({ observedGeneration: 4 });
    expect(events).to.deep.equal([
      'Warning SelectingAll This deployment is selecting all pods. A non-empty selector is required.',
    ]);
  });

  it('D-1 only report the status while they are being deleted', async () => {
    await using t = await start(quick);
    const object = deployment();
    await t.apply({ ...object, metadata: { ...object.metadata, finalizers: ['example.com/hold'] } } as never);
    await t.advance('1m');
    await t.client.delete(Deployment, 'default/web');
    await patch(t, { spec: { replicas: 5, template: template('nginx:2') } });
    const [set] = await replicaSets(t);
    await t.client.patchRaw(ReplicaSet, `default/${set?.metadata.name}`, {
      type: 'merge',
      patch: { spec: { replicas: 1 } },
    });
    await t.advance('1m');
    expect(await sizes(t)).to.deep.equal(['nginx:1 1']);
    expect(web(t).status).to.include({ replicas: 1, observedGeneration: web(t).metadata.generation });
  });

  it('D-1 D-2 adopt a ReplicaSet of their template, and release one that no longer matches', async () => {
    await using t = await start(quick);
    await t.apply(deployment());
    await t.advance('1m');
    await t.client.delete(Deployment, 'default/web', { propagationPolicy: 'Orphan' });
    const [set] = await replicaSets(t);
    const key = `default/${set?.metadata.name}` as const;
    await t.client.patchRaw(ReplicaSet, key, {
      type: 'merge',
      patch: { metadata: { ownerReferences: null } },
    });
    if (t.find(Deployment, 'default/web')) await patch(t, { metadata: { finalizers: null } });
    await t.apply(deployment());
    await t.advance('1m');
    expect(await replicaSets(t)).to.have.lengthOf(1);
    expect(controllerOf(t.get(ReplicaSet, key))?.uid).to.equal(web(t).metadata.uid);
    await t.client.patchRaw(ReplicaSet, key, {
      type: 'merge',
      patch: { metadata: { labels: { app: 'x' } } },
    });
    await t.advance('1m');
    expect(controllerOf(t.get(ReplicaSet, key))).to.equal(undefined);
  });

  it('D-2 make a ReplicaSet named and labelled by the hash of the template', async () => {
    await using t = await start(quick);
    await t.apply(deployment('nginx:1', { minReadySeconds: 2 }, { note: 'copied' }));
    const [set] = await replicaSets(t);
    const hash = set?.metadata.labels?.['pod-template-hash'];
    expect(set?.metadata.name).to.equal(`web-${hash}`);
    expect(set?.metadata.labels).to.deep.equal({ app: 'web', 'pod-template-hash': hash });
    expect(set?.spec.selector).to.deep.equal({ matchLabels: { app: 'web', 'pod-template-hash': hash } });
    expect(set?.spec.template?.metadata?.labels).to.deep.equal({ app: 'web', 'pod-template-hash': hash });
    expect(set?.spec.minReadySeconds).to.equal(2);
    expect(set && controllerOf(set)).to.include({ kind: 'Deployment', name: 'web', controller: true });
    expect(set?.metadata.annotations).to.deep.equal({
      note: 'copied',
      'deployment.kubernetes.io/revision': '1',
      'deployment.kubernetes.io/desired-replicas': '3',
      'deployment.kubernetes.io/max-replicas': '4',
    });
  });

  it('D-3 take another name when theirs belongs to something else', async () => {
    await using probe = await start(quick);
    await probe.apply(deployment());
    const [taken] = await replicaSets(probe);
    const name = taken?.metadata.name as string;

    await using t = await start(quick);
    const labels = { app: 'other' };
    await t.apply({
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      metadata: { name, namespace: 'default' },
      spec: { replicas: 0, selector: { matchLabels: labels }, template: template('other', labels) },
    } as never);
    await t.apply(deployment());
    await t.advance('1m');
    expect(web(t).status).to.include({ collisionCount: 1, availableReplicas: 3 });
    const own = (await replicaSets(t)).filter((set) => controllerOf(set));
    expect(own).to.have.lengthOf(1);
    expect(own[0]?.metadata.name).to.not.equal(name);
  });

  it('D-3 use the one they made before its answer was lost', async () => {
    await using t = await TestCluster.start({ builtin: false });
    const gate = new Gate('replicasets');
    let creates = 0;
    const lossy = (inner: Transport): Transport =>
      intercept(inner, ({ method, path }) =>
        method === 'POST' && path.endsWith('/replicasets') && creates++ === 0
          ? { throw: new OutcomeUnknown('no answer'), after: true }
          : undefined,
      );
    const manager = await startManager(t, [DeploymentController], (id) =>
      gate.transport(lossy(t.cluster.target(id))),
    );
    gate.close();
    await t.apply(deployment());
    await t.advance('1s');
    expect(creates).to.equal(2);
    gate.open();
    await t.advance('1s');
    expect(await replicaSets(t)).to.have.lengthOf(1);
    expect(web(t).status?.collisionCount).to.equal(undefined);
    expect(revision(web(t))).to.equal(1);
    await stopManager(t, manager);
  });

  it('D-3 say why a ReplicaSet cannot be created', async () => {
    await using t = await TestCluster.start({ builtin: false });
    const refuse = (inner: Transport): Transport =>
      intercept(inner, ({ method, path }) =>
        method === 'POST' && path.endsWith('/replicasets') ? { throw: new Error('no more') } : undefined,
      );
    const manager = await startManager(t, [DeploymentController], (id) => refuse(t.cluster.target(id)));
    await t.apply(deployment());
    await t.advance('1s');
    expect(condition(t, 'Progressing')).to.include({ status: 'False', reason: 'ReplicaSetCreateError' });
    expect((await eventsAbout(t, 'Deployment'))[0]).to.match(
      /^Warning ReplicaSetCreateError deployment-controller: Failed to create new replica set "web-.*": no more$/,
    );
    await stopManager(t, manager);
  });

  it('D-3 leave a namespace that ends in peace', async () => {
    await using t = await start(quick);
    await t.client.create(Namespace, { metadata: { name: 'team' } });
    const object = deployment('nginx:1', { paused: true });
    await t.client.create(Deployment, { ...object, metadata: { name: 'web', namespace: 'team' } } as never);
    await t.client.delete(Namespace, 'team');
    await t.client.patchRaw(Deployment, 'team/web', { type: 'merge', patch: { spec: { paused: false } } });
    await t.advance('1m');
    const { status } = t.get(Deployment, 'team/web');
    expect(status?.conditions?.map(({ reason }) => reason)).to.not.include('ReplicaSetCreateError');
    expect(status?.observedGeneration).to.equal(2);
    expect(await eventsAbout(t, 'Deployment')).to.deep.equal([]);
  });

  it('D-4 D-15 number the revisions, and come back to a former one under a new number', async () => {
    await using t = await start(quick);
    for (const image of ['nginx:1', 'nginx:2', 'nginx:1']) {
      await t.apply(deployment(image, {}, { 'kubernetes.io/change-cause': `to ${image}` }));
      await t.advance('1m');
    }
    const sets = await replicaSets(t);
    expect(sets.map(({ metadata }) => metadata.annotations)).to.deep.equal([
      {
        'kubernetes.io/change-cause': 'to nginx:2',
        'deployment.kubernetes.io/revision': '2',
        'deployment.kubernetes.io/desired-replicas': '3',
        'deployment.kubernetes.io/max-replicas': '4',
      },
      {
        'kubernetes.io/change-cause': 'to nginx:1',
        'deployment.kubernetes.io/revision': '3',
        'deployment.kubernetes.io/revision-history': '1',
        'deployment.kubernetes.io/desired-replicas': '3',
        'deployment.kubernetes.io/max-replicas': '4',
      },
    ]);
    expect(revision(web(t))).to.equal(3);
    expect(await sizes(t)).to.deep.equal(['nginx:2 0', 'nginx:1 3']);
  });

  it('D-15 undo as kubectl does it: the template of a former ReplicaSet without its hash', async () => {
    await using t = await start(quick);
    for (const image of ['nginx:1', 'nginx:2']) {
      await t.apply(deployment(image));
      await t.advance('1m');
    }
    const [former] = await replicaSets(t);
    const { 'pod-template-hash': _, ...labels } = former?.spec.template?.metadata?.labels ?? {};
    const value = { ...former?.spec.template, metadata: { ...former?.spec.template?.metadata, labels } };
    await t.client.patchRaw(Deployment, 'default/web', {
      type: 'json',
      patch: [{ op: 'replace', path: '/spec/template', value: value as never }],
    });
    await t.advance('1m');
    expect(await sizes(t)).to.deep.equal(['nginx:2 0', 'nginx:1 3']);
    expect(revision(web(t))).to.equal(3);
    // What `rollout status` reads.
    const { status, metadata } = web(t);
    expect(status).to.deep.include({
      observedGeneration: metadata.generation,
      replicas: 3,
      updatedReplicas: 3,
      availableReplicas: 3,
    });
    expect(status?.unavailableReplicas).to.equal(undefined);
  });

  it('D-8 Recreate starts the new ones when the last old one is gone', async () => {
    await using t = await start({ startAfter: () => 1000, endAfter: () => 30_000 });
    const spec = { strategy: { type: 'Recreate' as const } };
    await t.apply(deployment('nginx:1', spec));
    await t.advance('1m');
    await t.apply(deployment('nginx:2', spec));
    await t.advance('29s');
    expect(await activePods(t)).to.deep.equal([]);
    expect(await imagesOf(t)).to.deep.equal(['nginx:1', 'nginx:1', 'nginx:1']);
    expect(await sizes(t)).to.deep.equal(['nginx:1 0']);
    await t.advance('5s');
    expect(await imagesOf(t)).to.deep.equal(['nginx:2', 'nginx:2', 'nginx:2']);
    expect(web(t).status).to.include({ updatedReplicas: 3, availableReplicas: 3 });
    expect(condition(t, 'Progressing')?.reason).to.equal('NewReplicaSetAvailable');
  });

  it('D-8 Recreate does not wait for pods that have finished', async () => {
    await using t = await start({ startAfter: () => 1000, endAfter: () => 3_600_000 });
    const spec = { replicas: 1, strategy: { type: 'Recreate' as const } };
    await t.apply(deployment('nginx:1', spec));
    await t.advance('1m');
    const [pod] = await podsIn(t);
    await t.apply(deployment('nginx:2', spec));
    await t.advance('1m');
    expect(await imagesOf(t)).to.deep.equal(['nginx:1']);
    const failed = { status: { phase: 'Failed' } };
    await t.client.patchRaw(
      Pod,
      `default/${pod?.metadata.name}`,
      { type: 'merge', patch: failed },
      { subresource: 'status' },
    );
    await t.advance('5m');
    expect(await imagesOf(t)).to.deep.equal(['nginx:1', 'nginx:2']);
  });

  it('D-9 scale the one ReplicaSet that is active, and note for how many', async () => {
    await using t = await start(quick);
    await t.apply(deployment());
    await t.advance('1m');
    await t.apply(deployment('nginx:1', { replicas: 8 }));
    await t.advance('1m');
    const [set] = await replicaSets(t);
    expect(set?.spec.replicas).to.equal(8);
    expect(set?.metadata.annotations).to.include({
      'deployment.kubernetes.io/desired-replicas': '8',
      'deployment.kubernetes.io/max-replicas': '10',
    });
    expect(web(t).status).to.include({ replicas: 8, availableReplicas: 8 });
    await t.apply(deployment('nginx:1', { replicas: 0 }));
    await t.advance('1m');
    expect(await podsIn(t)).to.deep.equal([]);
    expect(web(t).status?.replicas).to.equal(undefined);
  });

  it('D-9 share out growth while a rollout is stuck', async () => {
    await using t = await start({ ...quick, works: ({ spec }) => spec?.containers[0]?.image === 'nginx:1' });
    const spec = { strategy: { rollingUpdate: { maxSurge: 2, maxUnavailable: 2 } } };
    await t.apply(deployment('nginx:1', { ...spec, replicas: 8 }));
    await t.advance('1m');
    await t.apply(deployment('nginx:2', { ...spec, replicas: 8 }));
    await t.advance('1m');
    expect(await sizes(t)).to.deep.equal(['nginx:1 6', 'nginx:2 4']);
    await t.apply(deployment('nginx:2', { ...spec, replicas: 18 }));
    await t.advance('1m');
    expect(await sizes(t)).to.deep.equal(['nginx:1 12', 'nginx:2 8']);
  });

  it('D-10 tell whether the minimum of pods is available', async () => {
    await using t = await start({ startAfter: () => 10_000, endAfter: () => 0 });
    await t.apply(deployment('nginx:1', { strategy: { rollingUpdate: { maxUnavailable: 1, maxSurge: 1 } } }));
    await t.advance('1s');
    expect(condition(t, 'Available')).to.deep.include({
      status: 'False',
      reason: 'MinimumReplicasUnavailable',
      message: 'Deployment does not have minimum availability.',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    });
    await t.advance('10s');
    expect(condition(t, 'Available')).to.deep.include({
      status: 'True',
      reason: 'MinimumReplicasAvailable',
      message: 'Deployment has minimum availability.',
      lastTransitionTime: '2026-01-01T00:00:10Z',
    });
  });

  it('D-11 D-12 tell of progress, of completion, and count what the ReplicaSets report', async () => {
    await using t = await start({ startAfter: () => 10_000, endAfter: () => 10_000 });
    await t.apply(deployment('nginx:1', { replicas: 2 }));
    await t.advance('5s');
    expect(condition(t, 'Progressing')).to.include({ status: 'True', reason: 'ReplicaSetUpdated' });
    expect(web(t).status).to.deep.include({
      observedGeneration: 1,
      replicas: 2,
      updatedReplicas: 2,
      unavailableReplicas: 2,
    });
    await t.advance('1m');
    const [set] = await replicaSets(t);
    expect(condition(t, 'Progressing')).to.deep.equal({
      type: 'Progressing',
      status: 'True',
      reason: 'NewReplicaSetAvailable',
      message: `ReplicaSet "${set?.metadata.name}" has successfully progressed.`,
      lastUpdateTime: '2026-01-01T00:00:10Z',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    });
    await t.apply(deployment('nginx:2', { replicas: 2 }));
    await t.advance('1s');
    expect(condition(t, 'Progressing')?.reason).to.equal('ReplicaSetUpdated');
    expect(web(t).status).to.include({
      replicas: 3,
      updatedReplicas: 1,
      availableReplicas: 2,
      unavailableReplicas: 1,
    });
  });

  it('D-11 tell when nothing has moved within the deadline, and when it moves again', async () => {
    let works = false;
    await using t = await start({ ...quick, works: () => works });
    await t.apply(deployment('nginx:1', { progressDeadlineSeconds: 60 }));
    await t.advance('59s');
    expect(condition(t, 'Progressing')?.status).to.equal('True');
    await t.advance('3s');
    const [set] = await replicaSets(t);
    expect(condition(t, 'Progressing')).to.deep.include({
      status: 'False',
      reason: 'ProgressDeadlineExceeded',
      message: `ReplicaSet "${set?.metadata.name}" has timed out progressing.`,
    });
    works = true;
    for (const pod of await podsIn(t)) {
      const annotations = { metadata: { annotations: { try: 'again' } } };
      await t.client.patchRaw(Pod, `default/${pod.metadata.name}`, { type: 'merge', patch: annotations });
    }
    await t.advance('10s');
    expect(condition(t, 'Progressing')).to.include({ status: 'True', reason: 'NewReplicaSetAvailable' });
  });

  it('D-11 never time out once complete, and have no condition without a deadline', async () => {
    await using t = await start(quick);
    await t.apply(deployment('nginx:1', { progressDeadlineSeconds: 60 }));
    await t.advance('1m');
    const [pod] = await podsIn(t);
    await t.client.delete(Pod, `default/${pod?.metadata.name}`);
    await t.advance('2h');
    expect(condition(t, 'Progressing')?.reason).to.equal('NewReplicaSetAvailable');
    await t.apply(deployment('nginx:1', { progressDeadlineSeconds: 2 ** 31 - 1 }));
    await t.advance('1m');
    expect(condition(t, 'Progressing')).to.equal(undefined);
  });

  it('D-11 say that they found a ReplicaSet of the template', async () => {
    await using t = await start(never);
    await t.apply(deployment());
    await t.advance('1s');
    await t.client.patchRaw(
      Deployment,
      'default/web',
      { type: 'merge', patch: { status: { conditions: null } } },
      { subresource: 'status' },
    );
    await t.advance('1s');
    expect(condition(t, 'Progressing')).to.include({ status: 'True', reason: 'FoundNewReplicaSet' });
  });

  it('D-12 mirror what keeps a ReplicaSet from having its pods', async () => {
    await using t = await TestCluster.start({ builtin: false });
    let refusing = true;
    const refuse = (inner: Transport): Transport =>
      intercept(inner, ({ method, path }) =>
        refusing && method === 'POST' && path.endsWith('/pods') ? { throw: new Error('quota') } : undefined,
      );
    const controllers = [DeploymentController, ReplicaSetController, standInKubelet(quick)];
    const manager = await startManager(t, controllers, (id) => refuse(t.cluster.target(id)));
    await t.apply(deployment());
    await t.advance('1s');
    expect(condition(t, 'ReplicaFailure')).to.include({
      status: 'True',
      reason: 'FailedCreate',
      message: 'quota',
    });
    refusing = false;
    await t.advance('1m');
    expect(condition(t, 'ReplicaFailure')).to.equal(undefined);
    await stopManager(t, manager);
  });

  it('D-13 keep so many old ReplicaSets, and remove those with the oldest revisions', async () => {
    await using t = await start(quick);
    for (const n of [1, 2, 3, 4, 5]) {
      await t.apply(deployment(`nginx:${n}`, { revisionHistoryLimit: 2 }));
      await t.advance('1m');
    }
    expect(await sizes(t)).to.deep.equal(['nginx:3 0', 'nginx:4 0', 'nginx:5 3']);
    await t.apply(deployment('nginx:5', { revisionHistoryLimit: 0 }));
    await t.advance('1m');
    expect(await sizes(t)).to.deep.equal(['nginx:5 3']);
  });

  it('D-13 do not remove a ReplicaSet that has pods', async () => {
    await using t = await start({ ...quick, works: ({ spec }) => spec?.containers[0]?.image === 'nginx:1' });
    await t.apply(deployment('nginx:1', { revisionHistoryLimit: 0 }));
    await t.advance('1m');
    await t.apply(deployment('nginx:2', { revisionHistoryLimit: 0, paused: false }));
    await t.advance('1m');
    await t.apply(deployment('nginx:2', { revisionHistoryLimit: 0, paused: true }));
    await t.advance('1m');
    expect(await sizes(t)).to.deep.equal(['nginx:1 3', 'nginx:2 1']);
  });

  it('D-14 D-11 scale but do not roll while they are paused', async () => {
    await using t = await start(quick);
    await t.apply(deployment());
    await t.advance('1m');
    await patch(t, { spec: { paused: true } });
    await t.advance('1s');
    expect(condition(t, 'Progressing')).to.include({
      status: 'Unknown',
      reason: 'DeploymentPaused',
      message: 'Deployment is paused',
    });
    await patch(t, { spec: { template: template('nginx:2'), replicas: 5 } });
    await t.advance('1m');
    expect(await sizes(t)).to.deep.equal(['nginx:1 5']);
    await patch(t, { spec: { paused: false } });
    await t.settle();
    expect(['DeploymentResumed', 'NewReplicaSetCreated', 'ReplicaSetUpdated']).to.include(
      condition(t, 'Progressing')?.reason,
    );
    await t.advance('1m');
    expect(await sizes(t)).to.deep.equal(['nginx:1 0', 'nginx:2 5']);
  });

  it('D-14 tell of every change of size', async () => {
    await using t = await start(quick);
    await t.apply(deployment('nginx:1', { replicas: 1 }));
    await t.advance('1m');
    await t.apply(deployment('nginx:2', { replicas: 1 }));
    await t.advance('1m');
    const [one, two] = (await replicaSets(t)).map(({ metadata }) => metadata.name);
    const scaling = 'Normal ScalingReplicaSet deployment-controller: Scaled';
    expect((await eventsAbout(t, 'Deployment')).sort()).to.deep.equal(
      [
        `${scaling} down replica set ${one} from 1 to 0`,
        `${scaling} up replica set ${one} from 0 to 1`,
        `${scaling} up replica set ${two} from 0 to 1`,
      ].sort(),
    );
  });

  it('D-12 write nothing when nothing changes', async () => {
    await using t = await start(quick);
    await t.apply(deployment());
    await t.advance('1m');
    let writes = 0;
    const { server } = t.cluster;
    const handle = server.handle.bind(server);
    server.handle = (request) => {
      if (request.method !== 'GET') writes++;
      return handle(request);
    };
    await t.advance('1h');
    expect(writes).to.equal(0);
  });
});
