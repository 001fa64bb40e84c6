/** Test clusters that begin where another one was. */
import { expect } from 'chai';
import { isApiError } from 'gyre';
import { ConfigMap, Deployment, Event, Pod } from 'gyre/kinds';
import { TestCluster } from 'gyre/testing';

const labels = { app: 'web' };
const web = (replicas: number, annotations: Readonly<Record<string, string>> = {}) => ({
  metadata: { name: 'web', namespace: 'default' },
  spec: {
    replicas,
    selector: { matchLabels: labels },
    template: { metadata: { labels, annotations }, spec: { containers: [{ name: 'web', image: 'nginx' }] } },
  },
});

async function all<T>(list: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const one of list) found.push(one);
  return found;
}
const pods = (t: TestCluster): Promise<Pod[]> => all(t.client.list(Pod, { namespace: 'default' }));

describe('a fork of a test cluster', () => {
  it('has what there was, at the time it was, and nothing happens to it by itself', async () => {
    await using t = await TestCluster.start();
    await t.client.create(Deployment, web(3));
    await t.advance('5m');
    const before = await pods(t);
    const snapshot = await t.snapshot();

    await using fork = await TestCluster.start({ from: snapshot });
    expect(fork.clock.now()).to.be.within(t.clock.now(), t.clock.now() + 5000);
    await fork.advance('10m');
    // Versions and all: what ran goes on, nobody writes anything.
    expect(await pods(fork)).to.deep.equal(before);
    expect(fork.get(Deployment, 'default/web')).to.deep.equal(t.get(Deployment, 'default/web'));
  });

  it('goes a way of its own: neither hears of the other, nor does the next fork', async () => {
    await using t = await TestCluster.start();
    await t.client.create(Deployment, web(1));
    await t.advance('1m');
    const snapshot = await t.snapshot();
    await using a = await TestCluster.start({ from: snapshot });
    await using b = await TestCluster.start({ from: snapshot });
    const scale = async (in_: TestCluster, replicas: number): Promise<void> => {
      await in_.client.patch(Deployment, 'default/web', (draft) => {
        draft.spec.replicas = replicas;
      });
      await in_.advance('1m');
    };
    await scale(a, 4);
    await scale(b, 0);
    expect(await Promise.all([t, a, b].map(async (each) => (await pods(each)).length))).to.deep.equal([
      1, 4, 0,
    ]);
    // The new ones have names and identities of their own.
    const uids = (await pods(a)).map(({ metadata }) => metadata.uid);
    expect(new Set(uids).size).to.equal(4);
    await using c = await TestCluster.start({ from: snapshot });
    expect(await pods(c)).to.deep.equal(await pods(t));
  });

  it('takes what was read before it: versions go on from where they were', async () => {
    await using t = await TestCluster.start();
    const map = await t.client.create(ConfigMap, {
      metadata: { namespace: 'default', name: 'a' },
      data: { n: '0' },
    });
    await using fork = await TestCluster.start({ from: await t.snapshot() });
    const changed = await fork.client.update(ConfigMap, { ...map, data: { n: '1' } });
    const stale = await fork.client
      .update(ConfigMap, { ...map, data: { n: '2' } })
      .catch((error: unknown) => error);
    expect(isApiError(stale, 'Conflict'), String(stale)).to.equal(true);
    expect(t.get(ConfigMap, 'default/a').data).to.deep.equal({ n: '0' });
    expect(Number(changed.metadata.resourceVersion)).to.be.greaterThan(Number(map.metadata.resourceVersion));
  });

  it('ends what was to end, when it was to end', async () => {
    await using t = await TestCluster.start();
    const behaviour = JSON.stringify({ web: { runMs: [600_000, null], exitCode: 3 } });
    await t.client.create(Deployment, web(1, { 'gyre.dev/simulate': behaviour }));
    await t.advance('5m');
    await using fork = await TestCluster.start({ from: await t.snapshot() });
    const container = async () => (await pods(fork))[0]?.status?.containerStatuses?.[0];
    await fork.advance('4m');
    expect((await container())?.restartCount).to.equal(0);
    await fork.advance('2m');
    expect(await container()).to.have.nested.property('lastState.terminated.exitCode', 3);
    expect((await container())?.restartCount).to.equal(1);
  });

  it('forgets events an hour after it began', async () => {
    await using t = await TestCluster.start();
    await t.client.create(Event, {
      metadata: { namespace: 'default', name: 'told' },
      involvedObject: { namespace: 'default', name: 'x' },
    });
    await t.advance('50m');
    await using fork = await TestCluster.start({ from: await t.snapshot() });
    await fork.advance('59m');
    expect(fork.find(Event, 'default/told')).to.not.equal(undefined);
    await fork.advance('2m');
    expect(fork.find(Event, 'default/told')).to.equal(undefined);
  });
});
