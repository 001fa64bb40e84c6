import { expect } from 'chai';
import {
  controllerFor,
  isLeadershipLost,
  isTermOver,
  Manager,
  type ManagerOptions,
  RegistrationError,
  type Runnable,
  type RunnableContext,
  type Transport,
  TransportError,
} from 'gyre';
import { EmbeddedCluster } from 'gyre/cluster';
import { ConfigMap, Lease } from 'gyre/kinds';
import { seededRandom, VirtualClock } from 'gyre/testing';
import { formatMetrics, silentLogger } from '#src/telemetry/index.js';

describe('Manager: dividing the work', () => {
  let clock: VirtualClock;
  let cluster: EmbeddedCluster;
  let managers: Manager[] = [];
  let seed = 1;

  before(() => Manager.preload());
  beforeEach(async () => {
    clock = new VirtualClock();
    cluster = await EmbeddedCluster.start({
      clock,
      random: seededRandom(1),
      log: silentLogger,
      controllers: false,
    });
  });
  afterEach(async () => {
    const stopped = Promise.all(managers.map((manager) => manager.stop()));
    await clock.advance('30s');
    await stopped;
    managers = [];
    await cluster.stop();
  });

  const map = (name: string) => ({ metadata: { namespace: 'default', name } });

  /** A process of the operator: notes which objects it reconciled, and annotates them with its name. */
  async function member(name: string, options: ManagerOptions, runnables: readonly Runnable[] = []) {
    const line = { cut: false };
    const inner = cluster.transport();
    const transport: Transport = {
      request: async (request) => {
        if (line.cut) throw new TransportError('cut');
        return inner.request(request);
      },
      watch: (request) => inner.watch(request),
      close: () => {},
    };
    const reconciled: string[] = [];
    let release = (): void => {};
    const held: { until?: Promise<void>; error?: unknown } = {};
    const hold = (): void => {
      held.until = new Promise((resolve) => {
        release = resolve;
      });
    };
    const controller = controllerFor(ConfigMap)
      .named('maps')
      .reconcile(async (object, ctx) => {
        reconciled.push(object.metadata.name);
        await held.until;
        try {
          await ctx.client.patch(ConfigMap, object, (draft) => {
            draft.metadata.annotations = { ...draft.metadata.annotations, by: name };
          });
        } catch (error) {
          held.error = error;
          throw error;
        }
      });
    const manager = Manager.create({
      cluster: transport,
      clock,
      random: seededRandom(seed++),
      log: silentLogger,
      hotLoops: false,
      ...options,
    });
    manager.register(controller);
    for (const runnable of runnables) manager.add(runnable);
    managers.push(manager);
    const ended = manager.ended.then(
      () => 'ended',
      (error: unknown) => error,
    );
    const started = manager.start();
    await clock.settle();
    await started;
    await clock.settle();
    return { manager, reconciled, line, ended, hold, held, release: () => release() };
  }

  const noted = (name: string, notes: string[], more: Partial<Runnable> = {}): Runnable => ({
    name,
    start: async () => void notes.push(`start ${name}`),
    stop: async () => void notes.push(`stop ${name}`),
    ...more,
  });

  describe('leader election', () => {
    const leaderElection = { name: 'my-operator', namespace: 'default' };

    it('lets one reconcile; the other stands by with full caches and takes all up when that one stops', async () => {
      for (const name of ['one', 'two']) await cluster.client().create(ConfigMap, map(name));
      const a = await member('a', { leaderElection: { ...leaderElection, identity: 'a' } });
      const b = await member('b', { leaderElection: { ...leaderElection, identity: 'b' } });
      expect(a.reconciled).to.include.members(['one', 'two']);
      expect(b.reconciled).to.deep.equal([]);
      expect(a.manager.leadership).to.deep.equal({ leading: true, identity: 'a', leader: 'a' });
      await clock.advance('5s');
      expect(b.manager.leadership).to.deep.equal({ leading: false, identity: 'b', leader: 'a' });
      const stopped = a.manager.stop();
      await clock.advance('6s');
      await stopped;
      expect(await a.ended).to.equal('ended');
      expect(b.reconciled).to.include.members(['one', 'two']);
      expect((await cluster.client().get(ConfigMap, 'default/one')).metadata.annotations).to.include({
        by: 'b',
      });
    });

    it('ends with LeadershipLost when the Lease could not be renewed, and sends nothing of the runs under way', async () => {
      const a = await member('a', { leaderElection: { ...leaderElection, identity: 'a' } });
      await clock.advance('5s');
      a.hold();
      await cluster.client().create(ConfigMap, map('late'));
      await clock.settle();
      expect(a.reconciled).to.include('late');
      a.line.cut = true;
      await clock.advance('12s');
      a.line.cut = false;
      a.release();
      await clock.advance('1m');
      const error = await a.ended;
      expect(isLeadershipLost(error), String(error)).to.equal(true);
      expect(String(error)).to.contain(
        'leader election lost: lease default/my-operator: not renewed in time',
      );
      expect(a.held.error).to.not.equal(undefined);
      expect((await cluster.client().get(ConfigMap, 'default/late')).metadata.annotations).to.equal(
        undefined,
      );
    });

    it('stays up with onLost standby, and leads again', async () => {
      const a = await member('a', {
        leaderElection: { ...leaderElection, identity: 'a', onLost: 'standby' },
      });
      const seen: boolean[] = [];
      a.manager.leadership$.subscribe(({ leading }) => seen.push(leading));
      await clock.advance('5s');
      a.line.cut = true;
      await clock.advance('12s');
      a.line.cut = false;
      await cluster.client().create(ConfigMap, map('later'));
      await clock.advance('1m');
      expect(seen.filter((leading, i) => leading !== seen[i - 1])).to.deep.equal([true, false, true]);
      expect(a.reconciled).to.include('later');
    });

    it('is kept in the namespace of the cluster target when none is named', async () => {
      const a = await member('a', { leaderElection: { name: 'elsewhere' } });
      const lease = await cluster.client().get(Lease, 'default/elsewhere');
      expect(lease.spec?.holderIdentity).to.match(/^.+_[0-9a-f]{8}-[0-9a-f-]{27}$/);
      expect(a.manager.leadership.identity).to.equal(lease.spec?.holderIdentity);
    });

    it('shows in the metrics of client-go whether it leads', async () => {
      const a = await member('a', { leaderElection, metrics: {} });
      const b = await member('b', { leaderElection, metrics: {} });
      const status = (manager: Manager): string | undefined =>
        formatMetrics(manager.metrics.collect())
          .split('\n')
          .find((line) => line.startsWith('leader_election_master_status'));
      expect(status(a.manager)).to.equal('leader_election_master_status{name="my-operator"} 1');
      expect(status(b.manager)).to.equal('leader_election_master_status{name="my-operator"} 0');
    });

    it('starts Runnables that need a leader with the term, and stops them before the Lease is given back', async () => {
      const notes: string[] = [];
      let context: RunnableContext | undefined;
      const elected = noted('elected', notes, {
        start: async (given) => {
          context = given;
          notes.push('start elected');
        },
        stop: async () => {
          const { spec } = await cluster.client().get(Lease, 'default/my-operator');
          notes.push(`stop elected while ${spec?.holderIdentity} holds the lease`);
        },
      });
      const parts = [elected, noted('everywhere', notes, { needsLeader: false })];
      const a = await member('a', { leaderElection: { ...leaderElection, identity: 'a' } }, parts);
      expect(notes).to.deep.equal(['start everywhere', 'start elected']);
      const others: string[] = [];
      await member('b', { leaderElection: { ...leaderElection, identity: 'b' } }, [
        noted('elected', others),
        noted('everywhere', others, { needsLeader: false }),
      ]);
      expect(others).to.deep.equal(['start everywhere']);
      const stopped = a.manager.stop();
      await clock.advance('6s');
      await stopped;
      expect(notes.slice(2)).to.deep.equal(['stop elected while a holds the lease', 'stop everywhere']);
      expect(others).to.deep.equal(['start everywhere', 'start elected']);
      expect(context?.signal.aborted).to.equal(true);
    });

    it('refuses what such a Runnable sends once the term is over, stops it, and starts it with the next', async () => {
      const notes: string[] = [];
      let context: RunnableContext | undefined;
      const elected = noted('elected', notes, {
        start: async (given) => {
          context = given;
          notes.push('start elected');
        },
      });
      const options = { leaderElection: { ...leaderElection, identity: 'a', onLost: 'standby' as const } };
      const a = await member('a', options, [elected]);
      const first = context;
      a.line.cut = true;
      await clock.advance('12s');
      expect(notes).to.deep.equal(['start elected', 'stop elected']);
      const refused = await first?.client.create(ConfigMap, map('x')).catch((error: unknown) => error);
      expect(isTermOver(refused)).to.equal(true);
      a.line.cut = false;
      await clock.advance('10s');
      expect(notes.slice(2)).to.deep.equal(['start elected']);
      await context?.client.create(ConfigMap, map('y'));
    });

    it('ends when a Runnable that waited for leadership cannot start', async () => {
      const failure = new Error('no');
      const broken = noted('broken', [], { start: () => Promise.reject(failure) });
      const a = await member('a', { leaderElection }, [broken]);
      await clock.advance('10s');
      expect(await a.ended).to.equal(failure);
    });
  });

  describe('sharding', () => {
    const names = Array.from({ length: 30 }, (_, i) => `map-${i}`);

    it('lets each object be reconciled by one member, and moves some to who joins', async () => {
      for (const name of names) await cluster.client().create(ConfigMap, map(name));
      const a = await member('a', { sharding: { name: 'maps', member: 'a' } });
      expect(new Set(a.reconciled)).to.include.all.keys(names);
      const b = await member('b', { sharding: { name: 'maps', member: 'b' } });
      await clock.advance('10s');
      const moved = new Set(b.reconciled);
      expect(moved.size).to.be.within(5, 25);
      a.reconciled.length = 0;
      b.reconciled.length = 0;
      for (const name of names)
        await cluster.client().patch(ConfigMap, `default/${name}`, (draft) => {
          draft.metadata.labels = { touched: 'yes' };
        });
      await clock.settle();
      expect(new Set(b.reconciled)).to.deep.equal(moved);
      expect(new Set(a.reconciled)).to.deep.equal(new Set(names.filter((name) => !moved.has(name))));
    });

    it('gives everything to who is left, and tells of it in shards$', async () => {
      for (const name of names) await cluster.client().create(ConfigMap, map(name));
      const a = await member('a', { sharding: { name: 'maps', member: 'a' } });
      const b = await member('b', { sharding: { name: 'maps', member: 'b' } });
      await clock.advance('10s');
      const shares: unknown[] = [];
      b.manager.shards$.subscribe((state) => shares.push(state?.members.join()));
      const stopped = a.manager.stop();
      await clock.advance('10s');
      await stopped;
      expect(new Set(b.reconciled)).to.include.all.keys(names);
      expect([...new Set(shares)]).to.deep.equal(['a,b', 'b']);
    });
  });

  describe('what it is told', () => {
    const refused = (options: ManagerOptions): string => {
      try {
        Manager.create({ log: silentLogger, ...options });
      } catch (error) {
        expect(error).to.be.instanceOf(RegistrationError);
        return (error as Error).message;
      }
      return 'taken';
    };

    it('is one of leader election and sharding, under names and times a Lease can have', () => {
      expect(refused({ leaderElection: { name: 'a' } })).to.equal('taken');
      expect(refused({ leaderElection: { name: 'a' }, sharding: { name: 'a' } })).to.equal(
        'Manager.create was given both leaderElection and sharding: leave one out: a leader works on all keys, members of a shard group on some each',
      );
      expect(refused({ leaderElection: { name: 'No_Name' } })).to.contain('has a name no Lease can have');
      expect(refused({ sharding: { name: 'x'.repeat(64) } })).to.contain('has a name no Lease can have');
      const times = (leaseDuration: string, renewDeadline: string, retryPeriod: string): string =>
        refused({ leaderElection: { name: 'a', leaseDuration, renewDeadline, retryPeriod } });
      expect(times('60s', '40s', '10s')).to.equal('taken');
      expect(times('10s', '10s', '2s')).to.contain('not longer than its renewDeadline');
      expect(times('15s', '2s', '2s')).to.contain('leaves no time for retries');
      expect(times('1500ms', '1s', '100ms')).to.contain('give it whole seconds');
      expect(times('soon', '1s', '100ms')).to.contain('a leaseDuration that is no duration');
    });
  });

  it('starts Runnables group by group, whatever the order they were added in, and stops them in reverse', async () => {
    const notes: string[] = [];
    const a = await member('a', {}, [
      noted('other', notes),
      noted('cache', notes, { group: 'caches' }),
      noted('webhook', notes, { group: 'webhooks' }),
      noted('health', notes, { group: 'http-servers' }),
      noted('other-2', notes),
    ]);
    const stopped = a.manager.stop();
    await clock.advance('10s');
    await stopped;
    const order = ['health', 'webhook', 'cache', 'other', 'other-2'];
    expect(notes).to.deep.equal([
      ...order.map((n) => `start ${n}`),
      ...order.toReversed().map((n) => `stop ${n}`),
    ]);
  });

  it('ends within the budget however many do not stop', async () => {
    const never = new Promise<void>(() => {});
    const stuck = ['x', 'y', 'z'].map((name) => noted(name, [], { stop: () => never }));
    const a = await member('a', { shutdownBudget: '10s' }, stuck);
    const began = clock.monotonic();
    let took = 0;
    const stopped = a.manager.stop().then(() => {
      took = clock.monotonic() - began;
    });
    await clock.advance('1m');
    await stopped;
    expect(took).to.be.within(15_000, 18_000);
  });
});
