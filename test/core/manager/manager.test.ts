import { expect } from 'chai';
import {
  type ControllerDefinition,
  controllerFor,
  Manager,
  type ManagerOptions,
  RegistrationError,
  type Runnable,
  type Transport,
} from 'gyre';
import { EmbeddedCluster } from 'gyre/cluster';
import { Deployment, Secret } from 'gyre/kinds';
import { seededRandom, VirtualClock } from 'gyre/testing';
import { createLogger, type LogRecord, silentLogger } from '#src/telemetry/index.js';
import { Dns, Website, WebsiteController } from '../website.js';

interface FakeRunner {
  start(): Promise<void>;
  stop(): Promise<void>;
}
type RunnerOf = (definition: ControllerDefinition<unknown>) => FakeRunner;

/** A Manager whose engine is what the test says. */
class TestManager extends Manager {
  constructor(options: ManagerOptions, runnerOf: RunnerOf) {
    super(options, ({ definition }) => runnerOf(definition));
  }
}

const idle = (name: string) =>
  controllerFor(Secret)
    .named(name)
    .reconcile(() => {});
const never = new Promise<void>(() => {});

/** A cluster that notes who opened and closed a connection. */
function notedCluster(notes: string[]): (identity: string) => Transport {
  return (identity) => {
    notes.push(`open ${identity}`);
    return {
      request: () => Promise.reject(new Error('not asked')),
      watch: () => Promise.reject(new Error('not asked')),
      close: () => void notes.push(`close ${identity}`),
    };
  };
}

function setUp(runnerOf: (name: string, notes: string[]) => Partial<FakeRunner> = () => ({})) {
  const notes: string[] = [];
  const records: LogRecord[] = [];
  const clock = new VirtualClock();
  const manager = new TestManager(
    {
      cluster: notedCluster(notes),
      clock,
      random: seededRandom(1),
      log: createLogger((r) => records.push(r)),
      shutdownBudget: '10s',
    },
    ({ name }) => ({
      start: async () => void notes.push(`start ${name}`),
      stop: async () => void notes.push(`stop ${name}`),
      ...runnerOf(name, notes),
    }),
  );
  return { manager, notes, records, clock };
}
const outcomeOf = (promise: Promise<void>): Promise<unknown> =>
  promise.then(
    () => 'done',
    (error: unknown) => error,
  );

/** Something to add: it notes its life and does nothing. */
const noted = (name: string, notes: string[], life: Partial<Runnable> = {}): Runnable => ({
  name,
  start: async ({ client, signal }) => {
    notes.push(`start ${name}`);
    expect(client.fieldManager).to.equal(name);
    signal.addEventListener('abort', () => notes.push(`abort ${name}`));
  },
  stop: async () => void notes.push(`stop ${name}`),
  ...life,
});

describe('Manager', () => {
  it('starts Runnables in order before the controllers, and stops them in reverse after those', async () => {
    const { manager, notes } = setUp();
    await manager.register(idle('c')).add(noted('a', notes)).add(noted('b', notes)).start();
    await manager.stop();
    expect(notes.filter((n) => /^(start|stop|abort)/.test(n))).to.deep.equal([
      'start a',
      'start b',
      'start c',
      'abort a',
      'abort b',
      'stop c',
      'stop b',
      'stop a',
    ]);
  });

  it('stops the Runnables that were started when a later one cannot start', async () => {
    const failure = new Error('no');
    const { manager, notes } = setUp();
    manager
      .add(noted('a', notes))
      .add(noted('b', notes, { start: () => Promise.reject(failure) }))
      .add(noted('c', notes));
    expect(await outcomeOf(manager.start())).to.equal(failure);
    expect(notes.filter((n) => /^(start|stop|abort)/.test(n))).to.deep.equal([
      'start a',
      'abort a',
      'stop b',
      'stop a',
    ]);
  });

  it('refuses a Runnable whose name is taken, and what is no Runnable', () => {
    const { manager, notes } = setUp();
    manager.register(idle('a'));
    expect(() => manager.add(noted('a', notes))).to.throw(RegistrationError);
    expect(() => manager.add({ name: 'b' } as never)).to.throw(TypeError);
  });

  it('connects nothing and loads nothing before it starts', () => {
    const { manager, notes } = setUp();
    manager.register(idle('a'));
    expect(notes).to.deep.equal([]);
  });

  it('may be awaited when created', async () => {
    const manager = await Manager.create({ log: silentLogger });
    expect(manager).to.be.instanceOf(Manager);
    await manager.stop();
  });

  it('opens one connection per identity, starts all controllers, and ends in reverse', async () => {
    const { manager, notes, clock } = setUp();
    await manager.register(idle('a')).register(idle('b')).start();
    await manager.stop();
    expect(notes).to.deep.equal([
      'open gyre',
      'open a',
      'open b',
      'start a',
      'start b',
      'stop a',
      'stop b',
      'close gyre',
      'close a',
      'close b',
    ]);
    expect(clock.pending).to.equal(0);
  });

  it('stops once, however often it is asked', async () => {
    const { manager, notes } = setUp();
    await manager.register(idle('a')).start();
    await Promise.all([manager.stop(), manager.stop()]);
    await manager.stop();
    expect(notes.filter((n) => n === 'stop a')).to.have.lengthOf(1);
  });

  it('cleans up after a start that fails, and tells the first error', async () => {
    const failure = new Error('no');
    const { manager, notes } = setUp((name) =>
      name === 'b' ? { start: () => Promise.reject(failure) } : { start: () => never },
    );
    expect(await outcomeOf(manager.register(idle('a')).register(idle('b')).start())).to.equal(failure);
    expect(notes.slice(-5)).to.deep.equal(['stop a', 'stop b', 'close gyre', 'close a', 'close b']);
  });

  it('can be stopped while it starts', async () => {
    const { manager, notes } = setUp(() => ({ start: () => never }));
    const starting = outcomeOf(manager.register(idle('a')).start());
    await manager.stop();
    expect(await starting).to.have.property('name', 'AbortError');
    expect(notes.slice(-3)).to.deep.equal(['stop a', 'close gyre', 'close a']);
  });

  it('gives up on a controller that outlives the budget, and ends the rest', async () => {
    const { manager, notes, records, clock } = setUp((name) => (name === 'a' ? { stop: () => never } : {}));
    await manager.register(idle('a')).register(idle('b')).start();
    const stopping = outcomeOf(manager.stop());
    await clock.advance('9s');
    expect(notes).to.not.include('close gyre');
    await clock.advance('6s');
    expect(await stopping).to.equal('done');
    expect(notes).to.include.members(['stop b', 'close gyre']);
    expect(records.find((r) => r.level === 'error')?.fields).to.deep.equal({ controllers: ['a'] });
  });

  it('goes on ending when a controller fails to stop', async () => {
    const { manager, notes, records } = setUp((name) =>
      name === 'a' ? { stop: () => Promise.reject(new Error('stuck')) } : {},
    );
    await manager.register(idle('a')).start();
    await manager.stop();
    expect(notes).to.include('close a');
    expect(records.some((r) => r.message === 'controller did not stop cleanly')).to.equal(true);
  });

  it('starts once, and takes nothing more after that', async () => {
    const { manager } = setUp();
    await manager.start();
    expect(await outcomeOf(manager.start())).to.have.property(
      'message',
      'this Manager was started before: create another one',
    );
    expect(() => manager.register(idle('late'))).to.throw('register() after the Manager was started');
    expect(() => manager.provide(Dns, { release: async () => true })).to.throw(
      'provide() after the Manager was started',
    );
    await manager.stop();
  });

  it('tells a missing dependency before it connects', async () => {
    const { manager, notes } = setUp();
    const outcome = await outcomeOf(manager.register(WebsiteController).start());
    expect(outcome).to.be.instanceOf(RegistrationError);
    expect((outcome as Error).message).to.equal(
      'WebsiteController needs Dns for constructor parameter 0, which nobody provided: add .provide(Dns, …) to the Manager',
    );
    expect(notes).to.deep.equal([]);
  });

  describe('run()', () => {
    const listeners = (): number => process.listenerCount('SIGTERM') + process.listenerCount('SIGINT');

    it('ends when its signal aborts, and leaves no signal handlers', async () => {
      const before = listeners();
      const { manager, notes, clock } = setUp();
      const abort = new AbortController();
      const running = outcomeOf(manager.register(idle('a')).run({ signal: abort.signal }));
      await clock.settle();
      expect(listeners()).to.equal(before + 2);
      abort.abort();
      expect(await running).to.equal('done');
      expect(notes).to.include.members(['start a', 'stop a', 'close a']);
      expect(listeners()).to.equal(before);
    });

    it('ends at SIGTERM', async () => {
      const { manager, notes, clock } = setUp();
      const running = outcomeOf(manager.register(idle('a')).run());
      await clock.settle();
      process.emit('SIGTERM', 'SIGTERM');
      expect(await running).to.equal('done');
      expect(notes).to.include('stop a');
    });

    it('ends when somebody else stops the Manager', async () => {
      const { manager, clock } = setUp();
      const running = outcomeOf(manager.run());
      await clock.settle();
      await manager.stop();
      expect(await running).to.equal('done');
    });

    it('does not start at all when its signal was aborted before', async () => {
      const { manager, notes } = setUp();
      expect(await outcomeOf(manager.register(idle('a')).run({ signal: AbortSignal.abort() }))).to.equal(
        'done',
      );
      expect(notes).to.deep.equal([]);
    });

    it('rejects when the start fails, and leaves no signal handlers', async () => {
      const before = listeners();
      const failure = new Error('no');
      const { manager } = setUp(() => ({ start: () => Promise.reject(failure) }));
      expect(await outcomeOf(manager.register(idle('a')).run())).to.equal(failure);
      expect(listeners()).to.equal(before);
    });
  });

  it('leaves a Transport it was given open', async () => {
    let closed = false;
    const transport = { ...notedCluster([])('x'), close: () => void (closed = true) };
    const manager = new TestManager({ cluster: transport, log: silentLogger }, () => ({
      start: async () => {},
      stop: async () => {},
    }));
    await manager.register(idle('a')).start();
    await manager.stop();
    expect(closed).to.equal(false);
  });
});

describe('Manager on an embedded cluster', () => {
  const start = async (cluster: EmbeddedCluster, options: ManagerOptions = {}) => {
    const manager = Manager.create({
      cluster: (identity) => cluster.transport({ username: identity, groups: ['system:masters'] }),
      log: silentLogger,
      ...options,
    });
    await manager
      .provide(Dns, { release: async () => true })
      .register(WebsiteController)
      .start();
    return manager;
  };

  it('installs the kinds it reconciles, and makes what they ask for', async () => {
    await using cluster = await EmbeddedCluster.start({ controllers: false });
    const client = cluster.client();
    await using _manager = await start(cluster);
    const watch = await client.watch(Deployment, { namespace: 'default' });
    await client.create(Website, Website.of('default/blog', { image: 'nginx:1.27' }));
    let made: Deployment | undefined;
    for await (const events of watch.events) {
      for (const event of events) if (event.type === 'ADDED') made = event.object;
      if (made) break;
    }
    expect(made?.spec.replicas).to.equal(1);
    expect(made?.metadata.ownerReferences?.[0]).to.include({
      kind: 'Website',
      name: 'blog',
      controller: true,
    });
    expect(made?.metadata.managedFields?.map((f) => f.manager)).to.deep.equal(['website']);
  });

  it('installs further kinds it is told of', async () => {
    await using cluster = await EmbeddedCluster.start({ controllers: false });
    const manager = Manager.create({
      cluster: cluster.transport(),
      log: silentLogger,
      installCrds: [Website],
    });
    await manager.start();
    await manager.stop();
    const made = await cluster.client().create(Website, Website.of('default/blog', { image: 'nginx' }));
    expect(made.spec.replicas).to.equal(1);
  });
});
