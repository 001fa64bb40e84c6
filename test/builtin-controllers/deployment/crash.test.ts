/** The controllers die at any one of their writes and come back: the rollout ends as if nothing had been. */
import { expect } from 'chai';
import type { Transport } from 'gyre';
import { DeploymentController, ReplicaSetController } from 'gyre/controllers';
import { Deployment } from 'gyre/kinds';
import { TestCluster } from 'gyre/testing';
import { intercept, startManager, stopManager } from '../workloads/managers.js';
import { deployment, podsIn, replicaSets } from '../workloads/objects.js';
import { RolloutObserver } from '../workloads/rollout-observer.js';
import { standInKubelet } from '../workloads/stand-in-kubelet.js';

const spec = { replicas: 3, strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } };

/** Dies at write `at` of the controllers, before or after it is done; gives how many writes there were. */
async function rolloutWithCrash(at: number, done: 'before' | 'after'): Promise<number> {
  await using t = await TestCluster.start({ builtin: false, controllers: [standInKubelet()], seed: at + 1 });
  let [writes, crashed] = [0, false];
  const mortal = (inner: Transport): Transport =>
    intercept(inner, ({ method, path }) => {
      if (crashed) return { throw: new Error('the process is gone') };
      if (method === 'GET' || path.includes('/events') || writes++ !== at) return undefined;
      crashed = true;
      return { throw: new Error('the process dies'), after: done === 'after' };
    });
  const controllers = [DeploymentController, ReplicaSetController];
  const observer = new RolloutObserver({ replicas: 3, most: 4, least: 3 });
  await observer.start(t.client);
  let manager = await startManager(t, controllers, (id) => mortal(t.cluster.target(id)));
  for (const image of ['nginx:1', 'nginx:2']) {
    await t.apply(deployment(image, spec));
    await t.advance('40s');
    if (crashed) {
      await stopManager(t, manager);
      manager = await startManager(t, controllers);
    }
    await t.advance('2m');
  }
  observer.stop();
  expect(observer.violations).to.deep.equal([]);
  expect(t.get(Deployment, 'default/web').status).to.include({ updatedReplicas: 3, availableReplicas: 3 });
  expect((await podsIn(t)).map((pod) => pod.spec?.containers[0]?.image)).to.deep.equal(
    Array(3).fill('nginx:2'),
  );
  expect((await replicaSets(t)).map((set) => set.spec.replicas)).to.deep.equal([0, 3]);
  await stopManager(t, manager);
  return writes;
}

describe('a rollout survives the death of its controllers', function () {
  this.timeout(60_000);
  for (const done of ['before', 'after'] as const) {
    it(`RS-3 D-2 D-6 at any one write, ${done} it is done, without a surplus pod`, async () => {
      const writes = await rolloutWithCrash(Number.POSITIVE_INFINITY, done);
      expect(writes).to.be.greaterThan(20);
      for (let at = 0; at < writes; at++) await rolloutWithCrash(at, done);
    });
  }
});
