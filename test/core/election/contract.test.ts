import { expect } from 'chai';
import * as fc from 'fast-check';
import { createClient, type Random, silentLogger } from 'gyre';
import { EmbeddedCluster } from 'gyre/cluster';
import { seededRandom, VirtualClock } from 'gyre/testing';
import { LeaderElector } from '#src/core/election/leader-elector.js';
import { ShardMember } from '#src/core/election/shard-member.js';
import { leaseTiming, toleratedPauseMs } from '#src/core/election/timing.js';
import type { KeyAdmission } from '#src/core/controller/key-admission.js';
import { faultyTransport, MemberClock, Sendings, Writer } from './members.js';

const timing = leaseTiming('the test', {});
/** How much faster one clock may run than another. */
const skew = 0.05;
const pauseMs = toleratedPauseMs(timing, skew) - 1;
const keys = Array.from({ length: 12 }, (_, i) => `default/key-${i}`);
const chaosMs = 120_000;

type Contender = KeyAdmission & { start(): void; stop(): Promise<void> };
type Compete = (deps: {
  readonly member: string;
  readonly group: string;
  readonly clock: MemberClock;
  readonly random: Random;
  readonly client: ReturnType<typeof createClient>;
}) => Contender;

const leader: Compete = ({ member, group, clock, random, client }) =>
  new LeaderElector({
    name: group,
    namespace: 'default',
    identity: member,
    timing,
    onLost: 'standby',
    component: 'test',
    client,
    clock,
    random,
    log: silentLogger,
  });
const shards: Compete = ({ member, group, clock, random, client }) =>
  new ShardMember({
    name: group,
    namespace: 'default',
    member,
    timing,
    client,
    clock,
    random,
    log: silentLogger,
  });

interface Event {
  readonly at: number;
  readonly member: number;
  readonly what: 'block' | 'pause' | 'crash' | 'join' | 'leave';
  readonly ms: number;
}
interface Scenario {
  readonly seed: number;
  readonly rates: readonly number[];
  /** Of requests and answers, 0 to 1. */
  readonly loss: number;
  readonly slowMs: number;
  readonly events: readonly Event[];
}

const scenarios: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.nat(),
  rates: fc.array(fc.double({ min: 1, max: 1 + skew, noNaN: true }), { minLength: 3, maxLength: 5 }),
  loss: fc.constantFrom(0, 0.1, 0.3),
  slowMs: fc.constantFrom(20, 500, 6000),
  events: fc.array(
    fc.record({
      at: fc.integer({ min: 0, max: chaosMs }),
      member: fc.nat(4),
      what: fc.constantFrom('block', 'block', 'pause', 'pause', 'crash', 'join', 'leave'),
      ms: fc.integer({ min: 1, max: 30_000 }),
    }) as fc.Arbitrary<Event>,
    { minLength: 4, maxLength: 24 },
  ),
});

describe('the contract of terms', function () {
  this.timeout(240_000);
  const clock = new VirtualClock();
  let cluster: EmbeddedCluster;
  let group = 0;

  before(async () => {
    cluster = await EmbeddedCluster.start({
      clock,
      random: seededRandom(7),
      log: silentLogger,
      controllers: false,
    });
  });
  after(() => cluster.stop());

  /** Plays a scenario; gives what was sent and who may write each key after the group was left in peace. */
  async function play(compete: Compete, scenario: Scenario) {
    const random = seededRandom(scenario.seed);
    const sendings = new Sendings();
    const name = `group-${++group}`;
    let calm = false;
    const members: { clock: MemberClock; contender: Contender; writer: Writer; left: boolean }[] = [];
    const faults = {
      turn: () => {
        for (const { writer } of members) writer.write(0);
      },
      // Mostly quick, and now and then so slow that what was sent long ago still arrives.
      latency: () => (calm ? 5 : (random.next() < 0.8 ? 20 : scenario.slowMs) * random.next()),
      lost: () => !calm && random.next() < scenario.loss / 2,
    };
    const join = (rate: number): void => {
      const member = `m${members.length}`;
      const own = new MemberClock(clock, rate, random.next() * 1e6);
      const transport = faultyTransport(cluster.transport(), own, faults);
      const contender = compete({ member, group: name, clock: own, random, client: createClient(transport) });
      const writer = new Writer(member, own, contender, keys, sendings, random);
      members.push({ clock: own, contender, writer, left: false });
      contender.start();
      writer.start(300);
    };
    for (const rate of scenario.rates.slice(0, 3)) join(rate);
    const start = clock.monotonic();
    for (const event of [...scenario.events].sort((a, b) => a.at - b.at)) {
      await clock.advance(Math.max(0, start + event.at - clock.monotonic()));
      const at = members[event.member % members.length];
      if (event.what === 'join') {
        if (members.length < 6) join(scenario.rates[members.length % scenario.rates.length] as number);
      } else if (!at || at.clock.dead) continue;
      else if (event.what === 'block') at.clock.block(event.ms, () => at.writer.write(0));
      else if (event.what === 'pause') at.writer.write(Math.min(event.ms, pauseMs));
      else if (event.what === 'crash') at.clock.kill();
      else if (at.clock.running && !at.left) {
        at.left = true;
        void at.contender.stop();
      }
    }
    await clock.advance(Math.max(0, start + chaosMs - clock.monotonic()));
    calm = true;
    if (members.every((member) => member.clock.dead || member.left)) join(1);
    await clock.advance('90s');
    const present = members.filter((member) => !member.clock.dead && !member.left);
    const owners = keys.map((key) => present.filter(({ contender }) => contender.term(key)).length);
    const stopped = Promise.all(present.map(({ contender }) => contender.stop()));
    await clock.advance('1s');
    await stopped;
    for (const member of members) member.clock.kill();
    await clock.advance('60s');
    return { sendings, owners };
  }

  for (const [title, compete, numRuns] of [
    ['leader election', leader, 60],
    ['sharding', shards, 60],
  ] as const) {
    it(`${title}: no two members send a write for one key in overlapping terms, and every key finds an owner`, async () => {
      let sent = 0;
      await fc.assert(
        fc.asyncProperty(scenarios, async (scenario) => {
          const { sendings, owners } = await play(compete, scenario);
          expect(sendings.overlaps(), 'overlapping terms').to.deep.equal([]);
          expect(owners, 'owners by key').to.deep.equal(keys.map(() => 1));
          sent += sendings.count;
        }),
        { numRuns, seed: 20_261_123, endOnFailure: true },
      );
      expect(sent).to.be.greaterThan(numRuns * 100);
    });
  }
});
