import { expect } from 'chai';
import { createClient, type Transport, TransportError } from 'gyre';
import { EmbeddedCluster } from 'gyre/cluster';
import { Lease } from 'gyre/kinds';
import { seededRandom, VirtualClock } from 'gyre/testing';
import { ringText, shardGroupLabel, shardRingAnnotation } from '#src/core/election/member-table.js';
import { slotsOf, slotOf } from '#src/core/election/rendezvous.js';
import { leaseNameOf, ShardMember } from '#src/core/election/shard-member.js';
import { leaseTiming } from '#src/core/election/timing.js';
import { silentLogger } from '#src/telemetry/index.js';
import { MemberClock } from './members.js';

const keys = Array.from({ length: 200 }, (_, i) => `default/key-${i}`);
const isOf = (member: string, ring: readonly string[], key: string): boolean =>
  slotsOf(member, ring)(slotOf(key));
const keyOf = (member: string, ring: readonly string[]): string =>
  keys.find((key) => isOf(member, ring, key)) as string;

describe('ShardMember', () => {
  const clock = new VirtualClock();
  let cluster: EmbeddedCluster;
  let members: ShardMember[] = [];
  let count = 0;
  let group = '';

  before(async () => {
    cluster = await EmbeddedCluster.start({
      clock,
      random: seededRandom(1),
      log: silentLogger,
      controllers: false,
    });
  });
  after(() => cluster.stop());
  beforeEach(() => {
    group = `shards-${++count}`;
  });
  afterEach(async () => {
    const stopped = Promise.all(members.map((member) => member.stop()));
    await clock.advance('10s');
    await stopped;
    members = [];
  });

  type Gate = (method: string) => Promise<void> | void;

  function join(member: string) {
    const line: { before: Gate; after: Gate; cut: boolean } = {
      before: () => {},
      after: () => {},
      cut: false,
    };
    const inner = cluster.transport();
    const transport: Transport = {
      request: async (request) => {
        const { signal: _, ...sent } = request;
        if (line.cut) throw new TransportError('cut');
        await line.before(request.method);
        const answer = await inner.request(sent);
        await line.after(request.method);
        return answer;
      },
      watch: (request) => inner.watch(request),
      close: () => {},
    };
    const own = new MemberClock(clock, 1, count * 1000 + members.length * 55_555);
    const made = new ShardMember({
      name: group,
      namespace: 'default',
      member,
      timing: leaseTiming('test', {}),
      client: createClient(transport),
      clock: own,
      random: seededRandom(members.length),
      log: silentLogger,
    });
    members.push(made);
    made.start();
    return { member: made, line, own };
  }
  /** A member that is not ours: what its Lease says. */
  const foreign = (member: string, annotation: string | undefined) =>
    cluster.client().create(Lease, {
      metadata: {
        namespace: 'default',
        name: leaseNameOf(group, member),
        labels: { [shardGroupLabel]: group },
        ...(annotation === undefined ? {} : { annotations: { [shardRingAnnotation]: annotation } }),
      },
      spec: { holderIdentity: member, leaseDurationSeconds: 15 },
    });
  const ownersOf = (key: string): string[] => members.filter((m) => m.term(key)).map((m) => m.state.member);
  const owners = (): string[] => keys.map((key) => ownersOf(key).join());

  it('has all keys when it is alone, under a Lease with its name, group and ring', async () => {
    const { member } = join('a');
    await clock.settle();
    expect(member.state).to.deep.equal({ member: 'a', members: ['a'], share: 1 });
    expect(new Set(owners())).to.deep.equal(new Set(['a']));
    const lease = await cluster.client().get(Lease, `default/${leaseNameOf(group, 'a')}`);
    expect(lease.metadata.labels).to.deep.equal({ [shardGroupLabel]: group });
    expect(lease.metadata.annotations).to.deep.equal({
      [shardRingAnnotation]: '{"slots":4096,"members":["a"]}',
    });
    expect(lease.spec).to.include({ holderIdentity: 'a', leaseDurationSeconds: 15 });
  });

  it('moves only the keys of who joins, and aborts those terms alone', async () => {
    const a = join('a');
    join('b');
    await clock.advance('1m');
    const before = owners();
    expect(new Set(before)).to.deep.equal(new Set(['a', 'b']));
    const terms = keys.map((key) => members.map((m) => m.term(key)).find(Boolean));
    join('c');
    await clock.advance('1m');
    const after = owners();
    expect(after).to.include('c');
    after.forEach((owner, i) => {
      expect(owner === before[i] || owner === 'c', keys[i]).to.equal(true);
      expect(terms[i]?.signal.aborted, keys[i]).to.equal(owner === 'c');
    });
    expect(a.member.state.members).to.deep.equal(['a', 'b', 'c']);
  });

  it('gives the keys of who leaves to the others, at their next look', async () => {
    join('a');
    const b = join('b');
    await clock.advance('1m');
    const before = owners();
    const stopped = b.member.stop();
    await clock.advance('3s');
    await stopped;
    expect(owners().every((owner, i) => owner === 'a' && (before[i] === 'a' || before[i] === 'b'))).to.equal(
      true,
    );
  });

  it('takes over from who went silent only after a lease duration', async () => {
    const a = join('a');
    join('b');
    await clock.advance('1m');
    a.line.cut = true;
    await clock.advance('10s');
    expect(new Set(owners())).to.deep.equal(new Set(['', 'b']));
    await clock.advance('8s');
    expect(new Set(owners())).to.deep.equal(new Set(['b']));
  });

  it('waits for the acknowledgement of those who have the keys, however long they live without giving it', async () => {
    const a = join('a');
    await clock.advance('10s');
    const stop = join('b').member;
    await clock.advance('100ms');
    // `a` has not looked yet: its ring is without b.
    expect(stop.state.share).to.equal(0);
    expect(new Set(owners())).to.deep.equal(new Set(['a']));
    await clock.advance('6s');
    expect(a.member.state.members).to.deep.equal(['a', 'b']);
    expect(new Set(owners())).to.deep.equal(new Set(['a', 'b']));
  });

  it('takes a live member whose ring it cannot read for one that writes everything', async () => {
    await foreign('other', 'something newer');
    const { member } = join('a');
    await clock.advance('14s');
    expect(member.state.share).to.equal(0);
    await clock.advance('5s');
    expect(member.state.share).to.equal(1);
  });

  it('stops writing what a ring takes from it before others can read that ring', async () => {
    const a = join('a');
    await clock.advance('10s');
    // b waits for somebody else to have it: nobody but a's own new ring says that it is not a's.
    const moving = keys.find(
      (key) => isOf('b', ['a', 'b'], key) && isOf('z', ['a', 'b', 'z'], key),
    ) as string;
    const staying = keyOf('a', ['a', 'b']);
    const [gone, kept] = [a.member.term(moving), a.member.term(staying)];
    const seen: string[] = [];
    a.line.before = (method) => {
      if (method === 'PUT') seen.push(`${gone?.signal.aborted} ${kept?.signal.aborted}`);
    };
    await foreign('b', ringText(['a', 'b', 'z']));
    await clock.advance('3s');
    expect(seen.slice(0, 2)).to.deep.equal(['false false', 'true false']);
    expect(() => gone?.assertHeld()).to.throw('have gone to another member');
    kept?.assertHeld();
  });

  it('starts writing only after a look that was asked for after its claim was published', async () => {
    const a = join('a');
    const key = keyOf('b', ['a', 'b']);
    const asked: string[] = [];
    a.line.before = (method) => void asked.push(`${method} ${a.member.state.share}`);
    await clock.settle();
    expect(asked).to.deep.equal(['POST 0', 'GET 0']);
    expect(ownersOf(key)).to.deep.equal(['a']);
  });

  it('has nothing after its term was over until it looked again, even if no timer told it', async () => {
    const a = join('a');
    await clock.advance('10s');
    const key = keyOf('a', ['a', 'b']);
    const before = a.member.term(key);
    const asked: string[] = [];
    // The answer to a renewal comes when the term before it is over, and before any timer can tell of that.
    let blocked = false;
    a.line.after = (method) => {
      if (method !== 'PUT' || blocked) return;
      blocked = true;
      a.own.block(9_500);
      a.line.before = (next) => void asked.push(`${next} ${a.member.term(key) ? 'held' : 'not held'}`);
      return new Promise((resolve) => a.own.setTimer(0, resolve));
    };
    await clock.advance('15s');
    expect(before?.signal.aborted).to.equal(true);
    expect(asked[0]).to.equal('GET not held');
    await clock.advance('10s');
    expect(ownersOf(key)).to.deep.equal(['a']);
  });

  it('judges whether another is alive as of when it asked: the answer may be older than it looks', async () => {
    const a = join('a');
    await clock.settle();
    const b = await foreign('b', ringText(['b']));
    await clock.advance('13s');
    expect(a.member.state.share).to.equal(0);
    // The next look reads b's Lease as it was; b renews while the answer is under way for longer than b has left.
    let held = false;
    a.line.after = async (method) => {
      if (method !== 'GET' || held) return;
      held = true;
      await cluster.client().update(Lease, { ...b, spec: { ...b.spec, leaseTransitions: 1 } });
      await new Promise<void>((resolve) => a.own.setTimer(4000, resolve));
    };
    const shares = new Set<number>();
    a.member.state$.subscribe(({ share }) => shares.add(share));
    await clock.advance('6100ms');
    expect(held).to.equal(true);
    expect([...shares]).to.deep.equal([0]);
  });

  it('counts its term from when a renewal was sent, not from its answer', async () => {
    const a = join('a');
    await clock.advance('10s');
    const term = a.member.term('default/x');
    let slow = false;
    a.line.after = (method) => {
      if (method !== 'PUT' || slow) return;
      slow = true;
      a.line.cut = true;
      return new Promise((resolve) => a.own.setTimer(4_000, resolve));
    };
    await clock.advance('2s');
    expect(slow).to.equal(true);
    await clock.advance('7s');
    expect(term?.signal.aborted).to.equal(false);
    await clock.advance('3s');
    expect(term?.signal.aborted).to.equal(true);
  });

  it('joins anew when its Lease is deleted or taken by another', async () => {
    const a = join('a');
    await clock.advance('10s');
    const key = keyOf('a', ['a']);
    const before = a.member.term(key);
    await cluster.client().delete(Lease, `default/${leaseNameOf(group, 'a')}`);
    await clock.advance('3s');
    expect(before?.signal.aborted).to.equal(true);
    expect(ownersOf(key)).to.deep.equal(['a']);
  });

  it('counts a member whose Lease vanished as alive until that would have expired', async () => {
    const a = join('a');
    await clock.settle();
    await foreign('b', ringText(['a', 'b']));
    await clock.advance('5s');
    const key = keyOf('b', ['a', 'b']);
    await cluster.client().delete(Lease, `default/${leaseNameOf(group, 'b')}`);
    await clock.advance('9s');
    expect(ownersOf(key)).to.deep.equal([]);
    await clock.advance('5s');
    expect(ownersOf(key)).to.deep.equal(['a']);
    expect(a.member.state.members).to.deep.equal(['a']);
  });

  it('deletes Leases of members that have been gone for long, and of no others', async () => {
    join('a');
    const b = join('b');
    await clock.advance('10s');
    b.own.kill();
    await clock.advance('1m');
    const names = async (): Promise<string[]> => {
      const labelSelector = `${shardGroupLabel}=${group}`;
      const page = await cluster.client().listPage(Lease, { namespace: 'default', labelSelector });
      return page.items.map((lease) => lease.spec?.holderIdentity ?? '');
    };
    expect(await names()).to.have.members(['a', 'b']);
    await clock.advance('30s');
    expect(await names()).to.deep.equal(['a']);
    members = members.filter((m) => m !== b.member);
  });

  it('leaves no timers behind', async () => {
    const a = join('a');
    await clock.advance('1m');
    expect(a.own.pending).to.be.greaterThan(0);
    const stopped = a.member.stop();
    await clock.settle();
    await stopped;
    expect(a.own.pending).to.equal(0);
  });
});
