import { expect } from 'chai';
import { createClient, type Transport, TransportError } from 'gyre';
import { EmbeddedCluster } from 'gyre/cluster';
import { Event, Lease } from 'gyre/kinds';
import { seededRandom, VirtualClock } from 'gyre/testing';
import { LeaderElector, type LeaderElectorOptions } from '#src/core/election/leader-elector.js';
import { isTermOver } from '#src/core/election/term.js';
import { leaseTiming } from '#src/core/election/timing.js';
import { createLogger, type LogRecord, silentLogger } from '#src/telemetry/index.js';
import { MemberClock } from './members.js';

describe('LeaderElector', () => {
  const clock = new VirtualClock();
  const records: LogRecord[] = [];
  let cluster: EmbeddedCluster;
  let electors: LeaderElector[] = [];
  let count = 0;
  let name = '';

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
    name = `operator-${++count}`;
    records.length = 0;
  });
  afterEach(async () => {
    const stopped = Promise.all(electors.map((elector) => elector.stop()));
    await clock.advance('10s');
    await stopped;
    electors = [];
  });

  /** A network that can be cut. */
  class Line {
    cut = false;
    readonly transport: Transport;
    constructor(inner: Transport) {
      this.transport = {
        request: async (request) => {
          if (this.cut) throw new TransportError('cut');
          return inner.request(request);
        },
        watch: (request) => inner.watch(request),
        close: () => {},
      };
    }
  }

  function elector(identity: string, options: Partial<LeaderElectorOptions> = {}) {
    const line = new Line(cluster.transport());
    const own = new MemberClock(clock, 1, count * 1000 + electors.length * 77_777);
    const made = new LeaderElector({
      name,
      namespace: 'default',
      identity,
      timing: leaseTiming('test', {}),
      component: 'my-operator',
      client: createClient(line.transport),
      clock: own,
      random: seededRandom(electors.length),
      log: createLogger((record) => records.push(record)),
      ...options,
    });
    electors.push(made);
    made.start();
    return { elector: made, line, own };
  }
  const lease = () => cluster.client().get(Lease, `default/${name}`);
  const leading = () => electors.filter((e) => e.term()).map((e) => e.leadership.identity);
  const stopped = async (e: LeaderElector): Promise<void> => {
    const done = e.stop();
    await clock.settle();
    await done;
  };

  it('takes a Lease nobody has, and writes it as client-go does', async () => {
    elector('a');
    await clock.settle();
    expect(leading()).to.deep.equal(['a']);
    const { spec } = await lease();
    expect(spec).to.include({ holderIdentity: 'a', leaseDurationSeconds: 15, leaseTransitions: 0 });
    expect(spec?.renewTime).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}000Z$/);
    expect(spec?.acquireTime).to.equal(spec?.renewTime);
    await clock.advance('6s');
    const later = (await lease()).spec;
    expect(later?.acquireTime).to.equal(spec?.acquireTime);
    expect(Date.parse(later?.renewTime ?? '') - Date.parse(spec?.renewTime ?? '')).to.equal(6000);
    expect(later?.leaseTransitions).to.equal(0);
  });

  it('tells of it in the log and by an Event on the Lease, in the words of the field', async () => {
    elector('a');
    await clock.settle();
    expect(records.map((r) => r.message)).to.include.members([
      `attempting to acquire leader lease default/${name}...`,
      `successfully acquired lease default/${name}`,
      'new leader elected',
    ]);
    const events: Event[] = [];
    for await (const event of cluster.client().list(Event, { namespace: 'default' }))
      if (event.involvedObject.name === name) events.push(event);
    expect(events).to.have.lengthOf(1);
    expect(events[0]).to.include({ reason: 'LeaderElection', message: 'a became leader', type: 'Normal' });
    expect(events[0]?.involvedObject).to.include({ kind: 'Lease', apiVersion: 'coordination.k8s.io/v1' });
    expect(events[0]?.source).to.include({ component: 'my-operator' });
  });

  it('waits for a holder that is silent until the Lease has not changed for its duration, by the own clock', async () => {
    const far = '2100-01-01T00:00:00.000000Z';
    const spec = { holderIdentity: 'gone', leaseDurationSeconds: 20, renewTime: far, acquireTime: far };
    await cluster.client().create(Lease, { metadata: { namespace: 'default', name }, spec });
    elector('a');
    await clock.advance('19s');
    expect(leading()).to.deep.equal([]);
    await clock.advance('6s');
    expect(leading()).to.deep.equal(['a']);
    expect((await lease()).spec?.leaseTransitions).to.equal(1);
  });

  it('stands by while another renews, and says who leads', async () => {
    elector('a');
    await clock.settle();
    const b = elector('b');
    await clock.advance('10m');
    expect(leading()).to.deep.equal(['a']);
    expect(b.elector.leadership).to.deep.equal({ leading: false, identity: 'b', leader: 'a' });
  });

  it('empties the Lease when it stops, and another takes it at its next attempt', async () => {
    const a = elector('a');
    await clock.settle();
    elector('b');
    await clock.advance('1m');
    await stopped(a.elector);
    expect((await lease()).spec).to.include({ holderIdentity: '', leaseDurationSeconds: 1 });
    await clock.advance('5s');
    expect(leading()).to.deep.equal(['b']);
    expect((await lease()).spec).to.include({ holderIdentity: 'b', leaseTransitions: 1 });
  });

  it('lets the Lease run out when it is not to be released', async () => {
    const a = elector('a', { releaseOnStop: false });
    await clock.settle();
    elector('b');
    await clock.advance('1m');
    await stopped(a.elector);
    expect((await lease()).spec?.holderIdentity).to.equal('a');
    await clock.advance('12s');
    expect(leading()).to.deep.equal([]);
    await clock.advance('10s');
    expect(leading()).to.deep.equal(['b']);
  });

  it('sends nothing after renewDeadline without an answer, before another may begin', async () => {
    const a = elector('a');
    await clock.settle();
    elector('b');
    await clock.advance('1m');
    const term = a.elector.term();
    a.line.cut = true;
    await clock.advance('7s');
    term?.assertHeld();
    expect(term?.signal.aborted).to.equal(false);
    await clock.advance('3s');
    expect(term?.signal.aborted).to.equal(true);
    expect(isTermOver(term?.signal.reason)).to.equal(true);
    expect(leading()).to.deep.equal([]);
    await clock.advance('14s');
    expect(leading()).to.deep.equal(['b']);
  });

  it('knows by the clock alone that its term is over, when timers come late', async () => {
    const a = elector('a');
    await clock.advance('1m');
    const term = a.elector.term();
    let outcome: unknown = 'not asked';
    a.own.block(10_001, () => {
      expect(term?.signal.aborted).to.equal(false);
      try {
        term?.assertHeld();
        outcome = 'held';
      } catch (error) {
        outcome = error;
      }
    });
    await clock.advance('10001ms');
    expect(isTermOver(outcome)).to.equal(true);
  });

  it('goes on when one renewal fails', async () => {
    const a = elector('a');
    await clock.advance('1m');
    const term = a.elector.term();
    a.line.cut = true;
    await clock.advance('5s');
    a.line.cut = false;
    await clock.advance('1m');
    expect(a.elector.term()).to.equal(term);
    expect(term?.signal.aborted).to.equal(false);
  });

  for (const [onLost, after] of [
    ['stop', []],
    ['standby', ['a']],
  ] as const) {
    it(`competes ${after.length ? 'again' : 'no more'} after a loss with onLost ${onLost}`, async () => {
      const a = elector('a', { onLost });
      await clock.advance('1m');
      const lost = a.elector.term();
      a.line.cut = true;
      await clock.advance('12s');
      a.line.cut = false;
      await clock.advance('1m');
      expect(leading()).to.deep.equal(after);
      expect(() => lost?.assertHeld()).to.throw('not renewed in time');
    });
  }

  it('gives way when somebody else is in the Lease', async () => {
    const a = elector('a');
    await clock.advance('1m');
    await cluster.client().patch(Lease, `default/${name}`, (draft) => {
      if (draft.spec) draft.spec.holderIdentity = 'b';
    });
    await clock.advance('3s');
    expect(leading()).to.deep.equal([]);
    expect(a.elector.leadership.leader).to.equal('b');
  });

  it('tells metrics whether it leads, and of renewals that had to read first', async () => {
    const told: unknown[] = [];
    elector('a', { metrics: { leading: (is) => told.push(is), slowpath: () => told.push('slow') } });
    await clock.advance('3s');
    await cluster.client().patch(Lease, `default/${name}`, (draft) => {
      draft.metadata.annotations = { seen: 'yes' };
    });
    await clock.advance('3s');
    expect(told).to.deep.equal([false, true, 'slow']);
    expect((await lease()).metadata.annotations).to.deep.equal({ seen: 'yes' });
  });

  it('leaves no timers behind', async () => {
    const a = elector('a');
    await clock.advance('1m');
    expect(a.own.pending).to.be.greaterThan(0);
    await stopped(a.elector);
    expect(a.own.pending).to.equal(0);
  });
});
