import { expect } from 'chai';
import { compileLabelSelector, controllerOf, OutcomeUnknown, type Transport } from 'gyre';
import { ReplicaSetController, ReplicationControllerController } from 'gyre/controllers';
import { Namespace, Pod, ReplicaSet, ReplicationController } from 'gyre/kinds';
import { TestCluster } from 'gyre/testing';
import { claim } from '#src/builtin-controllers/ownership/claim.js';
import { Gate, intercept, startManager, stopManager } from '../workloads/managers.js';
import { activePods, eventsAbout, podsIn, replicaSet, template } from '../workloads/objects.js';
import { standInKubelet, type StandInOptions } from '../workloads/stand-in-kubelet.js';

const start = (kubelet: StandInOptions = {}) =>
  TestCluster.start({ builtin: false, controllers: [ReplicaSetController, standInKubelet(kubelet)] });
const instant: StandInOptions = { startAfter: () => 0, endAfter: () => 0 };
const names = (pods: readonly Pod[]) => pods.map(({ metadata }) => metadata.name).sort();
const statusOf = (t: TestCluster) => t.get(ReplicaSet, 'default/web').status;
const key = (pod: Pod) => `default/${pod.metadata.name}` as const;
const held = {
  ...replicaSet(),
  metadata: { ...replicaSet().metadata, finalizers: ['example.com/hold'] as string[] },
};
const orphan = (name: string, labels = { app: 'web' }) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default', labels },
  spec: { containers: [{ name: 'web', image: 'nginx:1' }] },
});

describe('ReplicaSets', () => {
  it('RS-2 RS-11 have as many pods as they say, and count them', async () => {
    await using t = await start();
    await t.apply(replicaSet({ replicas: 4 }));
    expect(await podsIn(t)).to.have.lengthOf(4);
    expect(statusOf(t)).to.deep.equal({ replicas: 4, fullyLabeledReplicas: 4, observedGeneration: 1 });
    await t.advance('1m');
    expect(statusOf(t)).to.deep.equal({
      replicas: 4,
      fullyLabeledReplicas: 4,
      readyReplicas: 4,
      availableReplicas: 4,
      observedGeneration: 1,
    });
    await t.apply(replicaSet({ replicas: 1 }));
    await t.advance('1m');
    expect(await podsIn(t)).to.have.lengthOf(1);
    expect(statusOf(t)).to.include({ replicas: 1, availableReplicas: 1, observedGeneration: 2 });
  });

  it('RS-2 make no pod twice though their watch is silent, and report what they made', async () => {
    await using t = await TestCluster.start({ builtin: false });
    const gate = new Gate('pods');
    const manager = await startManager(t, [ReplicaSetController], (id) =>
      gate.transport(t.cluster.target(id)),
    );
    gate.close();
    await t.apply(replicaSet({ replicas: 3 }));
    expect(await podsIn(t)).to.have.lengthOf(3);
    // Its own pods are counted at once; nothing is known of what became of them.
    expect(statusOf(t)?.replicas).to.equal(3);
    for (const replicas of [4, 5, 6]) await t.apply(replicaSet({ replicas }));
    // Less than the silence after which an informer lists anew.
    await t.advance('1m');
    expect(await podsIn(t), 'pods that the watch does not show').to.have.lengthOf(6);
    expect(statusOf(t)).to.include({ replicas: 6, observedGeneration: 4 });
    gate.open();
    await t.settle();
    expect(await podsIn(t)).to.have.lengthOf(6);
    expect(statusOf(t)).to.include({ replicas: 6, observedGeneration: 4 });
    await stopManager(t, manager);
  });

  it('RS-2 create nothing while they are being deleted', async () => {
    await using t = await start(instant);
    await t.apply(held);
    await t.client.delete(ReplicaSet, 'default/web');
    const [pod] = await podsIn(t);
    await t.client.delete(Pod, key(pod as Pod));
    await t.advance('1m');
    expect(await podsIn(t)).to.have.lengthOf(2);
    expect(statusOf(t)).to.include({ replicas: 2 });
  });

  it('RS-3 RS-12 RS-14 try one pod only as long as pods are refused, and say so', async () => {
    await using t = await TestCluster.start({ builtin: false });
    let allowed = 0;
    let refused = 0;
    const quota = (inner: Transport): Transport => ({
      ...intercept(inner, () => undefined),
      request: async (request) => {
        if (request.method !== 'POST' || !request.path.endsWith('/pods') || allowed-- > 0)
          return inner.request(request);
        refused++;
        const message = 'pods "web-" is forbidden: exceeded quota: q';
        const body = {
          kind: 'Status',
          apiVersion: 'v1',
          metadata: {},
          status: 'Failure',
          reason: 'Forbidden',
          code: 403,
          message,
        };
        return { status: 403, headers: {}, body: body as never };
      },
    });
    const manager = await startManager(t, [ReplicaSetController], (id) => quota(t.cluster.target(id)));
    await t.apply(replicaSet({ replicas: 100 }));
    await t.advance('1s');
    expect(refused).to.be.within(3, 12);
    const failed = statusOf(t);
    expect(failed?.conditions).to.deep.equal([
      {
        type: 'ReplicaFailure',
        status: 'True',
        reason: 'FailedCreate',
        message: 'pods "web-" is forbidden: exceeded quota: q',
        lastTransitionTime: '2026-01-01T00:00:00Z',
      },
    ]);
    expect(await eventsAbout(t, 'ReplicaSet')).to.include(
      'Warning FailedCreate replicaset-controller: Error creating: pods "web-" is forbidden: exceeded quota: q',
    );
    const { resourceVersion } = t.get(ReplicaSet, 'default/web').metadata;
    await t.advance('1m');
    expect(t.get(ReplicaSet, 'default/web').metadata.resourceVersion).to.equal(resourceVersion);
    allowed = 1000;
    await t.advance('20m');
    expect(statusOf(t)?.conditions).to.equal(undefined);
    expect(await podsIn(t)).to.have.lengthOf(100);
    await stopManager(t, manager);
  });

  it('RS-4 take a refusal because the namespace ends for done', async () => {
    await using t = await start(instant);
    await t.client.create(Namespace, { metadata: { name: 'team' } });
    const set = replicaSet({ replicas: 0 });
    await t.client.create(ReplicaSet, { ...set, metadata: { name: 'web', namespace: 'team' } } as never);
    await t.client.delete(Namespace, 'team');
    const patch = { spec: { replicas: 2 } };
    await t.client.patchRaw(ReplicaSet, 'team/web', { type: 'merge', patch });
    await t.advance('1m');
    const { status } = t.get(ReplicaSet, 'team/web');
    expect(status).to.deep.equal({ replicas: 0, observedGeneration: 2 });
    expect(await eventsAbout(t, 'ReplicaSet')).to.deep.equal([]);
  });

  it('RS-5 take a pod that is gone already for deleted', async () => {
    await using t = await TestCluster.start({ builtin: false });
    const gate = new Gate('pods');
    const manager = await startManager(t, [ReplicaSetController], (id) =>
      gate.transport(t.cluster.target(id)),
    );
    await t.apply(replicaSet({ replicas: 3 }));
    gate.close();
    const [pod] = await podsIn(t);
    await t.client.delete(Pod, key(pod as Pod));
    await t.apply(replicaSet({ replicas: 0 }));
    expect(await podsIn(t)).to.deep.equal([]);
    gate.open();
    await t.settle();
    expect(statusOf(t)).to.deep.equal({ replicas: 0, observedGeneration: 2 });
    const events = await eventsAbout(t, 'ReplicaSet');
    // Two are its own doing.
    expect(events.filter((event) => event.includes('SuccessfulDelete'))).to.have.lengthOf(2);
    expect(events.filter((event) => event.startsWith('Warning'))).to.deep.equal([]);
    await stopManager(t, manager);
  });

  it('RS-6 replace a pod as soon as it is being deleted', async () => {
    await using t = await start({ startAfter: () => 0, endAfter: () => 3_600_000 });
    await t.apply(replicaSet({ replicas: 2 }));
    await t.advance('1s');
    const [pod] = await podsIn(t);
    await t.client.delete(Pod, key(pod as Pod));
    await t.settle();
    expect(await podsIn(t)).to.have.lengthOf(3);
    expect(await activePods(t)).to.have.lengthOf(2);
    expect(statusOf(t)?.replicas).to.equal(2);
  });

  it('RS-6 RS-8 release a pod that loses its labels and replace it; take it back as a surplus', async () => {
    await using t = await start(instant);
    await t.apply(replicaSet({ replicas: 2 }));
    await t.advance('1s');
    const [pod] = await podsIn(t);
    const relabel = (app: string | null) =>
      t.client.patchRaw(Pod, key(pod as Pod), { type: 'merge', patch: { metadata: { labels: { app } } } });
    await relabel('debug');
    await t.advance('1s');
    expect(t.get(Pod, key(pod as Pod)).metadata.ownerReferences).to.equal(undefined);
    expect(await podsIn(t)).to.have.lengthOf(3);
    await relabel('web');
    await t.advance('1s');
    expect(await podsIn(t)).to.have.lengthOf(2);
  });

  it('RS-6 RS-8 adopt orphans they select, and leave other pods alone', async () => {
    await using t = await start(instant);
    await t.apply(orphan('mine'));
    await t.apply(orphan('other', { app: 'db' }));
    const owner = { apiVersion: 'v1', kind: 'Thing', name: 'x', uid: 'x', controller: true };
    const taken = orphan('taken');
    await t.apply({ ...taken, metadata: { ...taken.metadata, ownerReferences: [owner] } } as never);
    await t.apply(replicaSet({ replicas: 2 }));
    await t.apply(orphan('late'));
    await t.advance('1s');
    const { uid } = t.get(ReplicaSet, 'default/web').metadata;
    const owned = (await podsIn(t)).filter((pod) => controllerOf(pod)?.uid === uid);
    expect(owned).to.have.lengthOf(2);
    expect(names(await podsIn(t))).to.include.members(['other', 'taken']);
    expect(controllerOf(t.get(Pod, 'default/taken'))?.uid).to.equal('x');
    expect(controllerOf(t.get(Pod, 'default/other'))).to.equal(undefined);
    const mine = t.find(Pod, 'default/mine');
    expect(mine && controllerOf(mine)).to.deep.equal({
      apiVersion: 'apps/v1',
      kind: 'ReplicaSet',
      name: 'web',
      uid,
      controller: true,
      blockOwnerDeletion: true,
    });
  });

  it('RS-8 do not count pods that have finished, and replace them', async () => {
    await using t = await start(instant);
    await t.apply(replicaSet({ replicas: 2 }));
    await t.advance('1s');
    const [pod] = await podsIn(t);
    const patch = { status: { phase: 'Failed' } };
    await t.client.patchRaw(Pod, key(pod as Pod), { type: 'merge', patch }, { subresource: 'status' });
    await t.advance('1s');
    expect(await podsIn(t)).to.have.lengthOf(3);
    expect(statusOf(t)).to.include({ replicas: 2, availableReplicas: 2 });
  });

  it('RS-9 adopt nothing when the server knows another owner of that name, or one that ends', async () => {
    await using t = await TestCluster.start({ builtin: false });
    await t.apply(held);
    await t.apply(orphan('lost'));
    const owner = t.get(ReplicaSet, 'default/web');
    const lost = t.get(Pod, 'default/lost');
    const adopt = (as: ReplicaSet) =>
      claim(
        {
          owner: as,
          ownerKind: ReplicaSet,
          childKind: Pod,
          selector: compileLabelSelector(as.spec.selector),
          controlled: [],
          orphans: [lost],
        },
        t.client,
      ).then(
        (claimed) => names(claimed),
        (error: Error) => error.message,
      );
    const former = { ...owner, metadata: { ...owner.metadata, uid: 'former' } };
    expect(await adopt(former)).to.match(/ReplicaSet default\/web is gone: got uid .*, wanted former/);
    await t.client.delete(ReplicaSet, 'default/web');
    expect(await adopt(owner)).to.match(/has just been deleted at/);
    expect(t.get(Pod, 'default/lost').metadata.ownerReferences).to.equal(undefined);
    await t.client.patchRaw(ReplicaSet, 'default/web', {
      type: 'merge',
      patch: { metadata: { finalizers: null } },
    });
    await t.apply(replicaSet());
    expect(await adopt(t.get(ReplicaSet, 'default/web'))).to.deep.equal(['lost']);
  });

  it('RS-10 end the pods that are not ready first, and those that share a node with siblings', async () => {
    await using t = await start({ ...instant, works: (pod) => !pod.metadata.name.startsWith('web-') });
    for (const name of ['a', 'b']) await t.apply(orphan(name));
    await t.apply(replicaSet({ replicas: 4 }));
    await t.advance('1m');
    expect(statusOf(t)).to.include({ replicas: 4, readyReplicas: 2 });
    await t.apply(replicaSet({ replicas: 2 }));
    await t.advance('1m');
    expect(names(await podsIn(t))).to.deep.equal(['a', 'b']);
  });

  it('RS-11 count pods without the labels of the template, but not as fully labelled', async () => {
    await using t = await start(instant);
    await t.apply(orphan('plain'));
    const labels = { app: 'web', tier: 'front' };
    await t.apply(replicaSet({ replicas: 2, template: template('nginx:1', labels) }));
    await t.advance('1s');
    expect(statusOf(t)).to.include({ replicas: 2, fullyLabeledReplicas: 1 });
  });

  it('RS-12 write nothing when nothing changed', async () => {
    await using t = await start(instant);
    await t.apply(replicaSet());
    await t.advance('1m');
    const { resourceVersion } = t.get(ReplicaSet, 'default/web').metadata;
    const [pod] = await podsIn(t);
    const patch = { metadata: { annotations: { note: 'woken' } } };
    await t.client.patchRaw(Pod, key(pod as Pod), { type: 'merge', patch });
    await t.advance('1h');
    expect(t.get(ReplicaSet, 'default/web').metadata.resourceVersion).to.equal(resourceVersion);
  });

  it('RS-13 see a ready pod become available after minReadySeconds', async () => {
    await using t = await start(instant);
    await t.apply(replicaSet({ replicas: 2, minReadySeconds: 30 }));
    await t.advance('29s');
    expect(statusOf(t)).to.include({ readyReplicas: 2 });
    expect(statusOf(t)?.availableReplicas).to.equal(undefined);
    await t.advance('2s');
    expect(statusOf(t)).to.include({ readyReplicas: 2, availableReplicas: 2 });
  });

  it('RS-14 name pods after themselves, own them, and tell of each', async () => {
    await using t = await start(instant);
    await t.apply(replicaSet({ replicas: 2 }));
    await t.apply(replicaSet({ replicas: 1 }));
    await t.advance('1s');
    const [pod] = await podsIn(t);
    expect(pod?.metadata.name).to.match(/^web-[bcdfghjklmnpqrstvwxz2456789]{5}$/);
    expect(pod?.metadata.generateName).to.equal('web-');
    const events = await eventsAbout(t, 'ReplicaSet');
    expect(events).to.include(
      `Normal SuccessfulCreate replicaset-controller: Created pod: ${pod?.metadata.name}`,
    );
    expect(
      events.filter((event) => /Normal SuccessfulDelete .*: Deleted pod: web-/.test(event)),
    ).to.have.lengthOf(1);
  });

  it('RS-14 ReplicationControllers do the same', async () => {
    await using t = await TestCluster.start({
      builtin: false,
      controllers: [ReplicationControllerController, ReplicaSetController, standInKubelet(instant)],
    });
    await t.apply(orphan('mine'));
    await t.apply({
      apiVersion: 'v1',
      kind: 'ReplicationController',
      metadata: { name: 'web', namespace: 'default' },
      spec: { replicas: 3, selector: { app: 'web' }, template: template('nginx:1') },
    } as never);
    await t.advance('1s');
    expect(t.get(ReplicationController, 'default/web').status).to.deep.equal({
      replicas: 3,
      fullyLabeledReplicas: 3,
      readyReplicas: 3,
      availableReplicas: 3,
      observedGeneration: 1,
    });
    for (const pod of await podsIn(t)) expect(controllerOf(pod)?.kind).to.equal('ReplicationController');
  });

  it('RS-15 have no status.terminatingReplicas', async () => {
    await using t = await start({ startAfter: () => 0, endAfter: () => 3_600_000 });
    await t.apply(replicaSet({ replicas: 2 }));
    await t.advance('1s');
    await t.apply(replicaSet({ replicas: 1 }));
    await t.advance('1m');
    expect(await podsIn(t)).to.have.lengthOf(2);
    expect(statusOf(t)).to.not.have.property('terminatingReplicas');
  });

  it('RS-3 create no surplus when the answer to a create is lost', async () => {
    await using t = await TestCluster.start({ builtin: false });
    const gate = new Gate('pods');
    let [creates, most] = [0, 0];
    const lossy = (inner: Transport): Transport =>
      intercept(inner, ({ method, path }) => {
        if (method !== 'POST' || !path.endsWith('/pods')) return undefined;
        return creates++ % 2 === 0 ? { throw: new OutcomeUnknown('no answer'), after: true } : undefined;
      });
    const manager = await startManager(t, [ReplicaSetController], (id) =>
      gate.transport(lossy(t.cluster.target(id))),
    );
    await t.apply(replicaSet({ replicas: 7 }));
    for (let i = 0; i < 60; i++) {
      // The news come late, again and again.
      if (i % 3 === 0) gate.close();
      await t.advance('500ms');
      most = Math.max(most, (await podsIn(t)).length);
      gate.open();
    }
    expect(most).to.equal(7);
    expect(await podsIn(t)).to.have.lengthOf(7);
    await stopManager(t, manager);
  });

  it('RS-7 start anew when they come back under the same name', async () => {
    await using t = await TestCluster.start({ builtin: false });
    const gate = new Gate('pods');
    const manager = await startManager(t, [ReplicaSetController], (id) =>
      gate.transport(t.cluster.target(id)),
    );
    gate.close();
    await t.apply(replicaSet({ replicas: 2 }));
    await t.client.delete(ReplicaSet, 'default/web', { propagationPolicy: 'Orphan' });
    if (t.find(ReplicaSet, 'default/web')) {
      const patch = { metadata: { finalizers: null } };
      await t.client.patchRaw(ReplicaSet, 'default/web', { type: 'merge', patch });
    }
    await t.apply(replicaSet({ replicas: 3 }, 'web'));
    // The new one owes nothing to what the old one waits for.
    expect(await podsIn(t)).to.have.lengthOf(5);
    gate.open();
    await t.settle();
    await stopManager(t, manager);
  });
});
