/** What budgets allow, in a whole cluster under a virtual clock. */
import { expect } from 'chai';
import { isApiError } from 'gyre';
import { Deployment, Event, Pod, PodDisruptionBudget } from 'gyre/kinds';
import { TestCluster } from 'gyre/testing';

const labels = { app: 'web' };
const web = (replicas: number) => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas,
    selector: { matchLabels: labels },
    template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: 'nginx' }] } },
  },
});
const budget = (spec: object) => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: { selector: { matchLabels: labels }, ...spec },
});

describe('DisruptionController', () => {
  async function status(t: TestCluster): Promise<PodDisruptionBudget['status']> {
    await t.advance('5s');
    return t.get(PodDisruptionBudget, 'default/web').status;
  }
  async function all<T>(list: AsyncIterable<T>): Promise<T[]> {
    const found: T[] = [];
    for await (const one of list) found.push(one);
    return found;
  }
  const pods = async (t: TestCluster): Promise<Pod[]> =>
    (await all(t.client.list(Pod, { namespace: 'default' }))).filter(
      ({ metadata }) => metadata.deletionTimestamp === undefined,
    );
  const evict = (t: TestCluster, name: string): Promise<unknown> =>
    t.client.evict({ namespace: 'default', name });

  for (const [spec, desired, allowed] of [
    [{ minAvailable: 3 }, 3, 1],
    [{ maxUnavailable: 1 }, 3, 1],
    // Both are rounded up.
    [{ minAvailable: '30%' }, 2, 2],
    [{ maxUnavailable: '30%' }, 2, 2],
    [{ minAvailable: 9 }, 9, 0],
    [{ maxUnavailable: '100%' }, 0, 4],
  ] as const)
    it(`of 4 pods ${JSON.stringify(spec)} lets ${allowed} go`, async () => {
      await using t = await TestCluster.start();
      await t.client.create(Deployment, web(4));
      await t.client.create(PodDisruptionBudget, budget(spec));
      const found = await status(t);
      expect(found).to.include({
        observedGeneration: 1,
        expectedPods: 4,
        currentHealthy: 4,
        desiredHealthy: desired,
        disruptionsAllowed: allowed,
      });
      const [condition] = found?.conditions ?? [];
      expect([condition?.type, condition?.status, condition?.reason]).to.deep.equal([
        'DisruptionAllowed',
        allowed > 0 ? 'True' : 'False',
        allowed > 0 ? 'SufficientPods' : 'InsufficientPods',
      ]);
    });

  it('evictions go one after the other, each once the one before was made up for', async () => {
    await using t = await TestCluster.start();
    await t.client.create(Deployment, web(3));
    await t.client.create(PodDisruptionBudget, budget({ minAvailable: 2 }));
    expect((await status(t))?.disruptionsAllowed).to.equal(1);
    const [one, other] = await pods(t);
    await evict(t, one?.metadata.name ?? '');
    const refused = await evict(t, other?.metadata.name ?? '').catch((error: unknown) => error);
    expect(isApiError(refused, 'TooManyRequests'), String(refused)).to.equal(true);
    await t.advance('60s');
    expect((await status(t))?.disruptionsAllowed).to.equal(1);
    expect(await pods(t)).to.have.length(3);
    await evict(t, other?.metadata.name ?? '');
  });

  it('follows how many the Deployment wants, also while it rolls out', async () => {
    await using t = await TestCluster.start();
    await t.client.create(Deployment, web(2));
    await t.client.create(PodDisruptionBudget, budget({ maxUnavailable: 1 }));
    expect(await status(t)).to.include({ expectedPods: 2, desiredHealthy: 1, disruptionsAllowed: 1 });
    await t.client.patch(Deployment, 'default/web', (draft) => {
      draft.spec.replicas = 5;
    });
    expect(await status(t)).to.include({ expectedPods: 5, desiredHealthy: 4, disruptionsAllowed: 1 });
  });

  it('of a pod without an owner nothing is known where a share is asked for: nothing may go, and an event says why', async () => {
    await using t = await TestCluster.start();
    await t.client.create(Pod, {
      metadata: { name: 'alone', namespace: 'default', labels },
      spec: { containers: [{ name: 'c', image: 'i' }] },
    });
    await t.client.create(PodDisruptionBudget, budget({ maxUnavailable: 1 }));
    const found = await status(t);
    expect([found?.disruptionsAllowed, found?.conditions?.[0]?.reason]).to.deep.equal([0, 'SyncFailed']);
    const events = (await all(t.client.list(Event, { namespace: 'default' }))).map(({ reason }) => reason);
    expect(events).to.include('CalculateExpectedPodCountFailed');
    // A number says it all.
    await t.client.patch(PodDisruptionBudget, 'default/web', (draft) => {
      delete (draft.spec as { maxUnavailable?: unknown }).maxUnavailable;
      (draft.spec as { minAvailable?: unknown }).minAvailable = 0;
    });
    expect(await status(t)).to.include({ disruptionsAllowed: 1, expectedPods: 1 });
  });

  it('a pod that was let go and stays is counted again after two minutes', async () => {
    await using t = await TestCluster.start();
    await t.client.create(Deployment, web(2));
    await t.client.create(PodDisruptionBudget, budget({ minAvailable: 1 }));
    await status(t);
    const [one] = await pods(t);
    const name = one?.metadata.name ?? '';
    const time = new Date(t.clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
    await t.client.patchRaw(
      PodDisruptionBudget,
      'default/web',
      { type: 'merge', patch: { status: { disruptedPods: { [name]: time } } } },
      { subresource: 'status' },
    );
    expect(await status(t)).to.include({ currentHealthy: 1, disruptionsAllowed: 0 });
    await t.advance('2m');
    const found = await status(t);
    expect(found).to.include({ currentHealthy: 2, disruptionsAllowed: 1 });
    expect(found?.disruptedPods ?? {}).to.deep.equal({});
  });
});
