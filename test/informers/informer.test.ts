/** The informer, its set and `watcher$` over a model of a server, under virtual time. */
import { expect } from 'chai';
import fc from 'fast-check';
import { internalError, kind, tooManyRequests, TransportError, unauthorized } from 'gyre/api';
import { createClient } from 'gyre/client';
import {
  type CacheEvent,
  type ConnectionState,
  createInformer,
  type Informer,
  InformerSet,
  type WatcherEvent,
  watcher$,
} from 'gyre/informers';
import { ConfigMap } from 'gyre/kinds';
import { seededRandom, VirtualClock } from 'gyre/testing';
import { createLogger, type LogRecord } from '#src/telemetry/index.js';
import { ModelServer } from './model-server.js';

const lost = () => new TransportError('socket hang up');

interface World {
  readonly clock: VirtualClock;
  readonly server: ModelServer;
  readonly informer: Informer<ConfigMap>;
  readonly events: CacheEvent<ConfigMap>[];
  readonly states: ConnectionState[];
  readonly logged: LogRecord[];
}
function worldOf(server = new ModelServer(), seed = 1): World {
  const clock = new VirtualClock();
  const logged: LogRecord[] = [];
  const log = createLogger((record) => logged.push(record));
  const informer = createInformer(
    createClient(server),
    ConfigMap,
    {},
    { clock, random: seededRandom(seed), log },
  );
  const events: CacheEvent<ConfigMap>[] = [];
  const states: ConnectionState[] = [];
  informer.events$.subscribe((event) => events.push(event));
  informer.state$.subscribe((state) => states.push(state));
  return { clock, server, informer, events, states, logged };
}
const told = (events: readonly CacheEvent<ConfigMap>[]) => events.map(({ type, key }) => `${type} ${key}`);

/** What a cache should hold: everything but managedFields. */
function contentsOf(server: ModelServer): Record<string, unknown> {
  const contents: Record<string, unknown> = {};
  for (const object of server.objects.values()) {
    const { managedFields: _, ...metadata } = object.metadata;
    contents[`default/${metadata.name}`] = { ...object, metadata };
  }
  return contents;
}
const cached = ({ cache }: Informer<ConfigMap>) =>
  Object.fromEntries([...cache.keys()].map((key) => [key, cache.get(key)]));

describe('informer', () => {
  it('is ready once the first complete state is there, and follows', async () => {
    const { clock, server, informer, events, states } = worldOf();
    server.put('a', '1');
    expect(informer.isReady).to.equal(false);
    informer.start();
    await clock.settle();
    await informer.ready;
    expect(informer.isReady).to.equal(true);
    server.put('a', '2');
    server.put('b', '1');
    server.delete('a');
    await clock.settle();
    expect(events).to.have.length(4);
    expect(told(events)).to.deep.equal([
      'Apply default/a',
      'Apply default/a',
      'Apply default/b',
      'Delete default/a',
    ]);
    expect(events[0]).to.include({ initial: true, previous: undefined });
    expect(events[1]).to.deep.include({
      initial: false,
      previous: (events[0] as { object: ConfigMap }).object,
    });
    expect(states.map(({ phase }) => phase)).to.deep.equal(['connecting', 'connecting', 'connected']);
    expect(cached(informer)).to.deep.equal(contentsOf(server));
    informer.stop();
    expect(clock.pending + server.openWatches).to.equal(0);
  });

  it('strips managedFields without touching the shared object', async () => {
    const { clock, server, informer } = worldOf();
    server.put('a', '1');
    informer.start();
    await clock.settle();
    expect(informer.cache.get('default/a')?.metadata).to.not.have.property('managedFields');
    expect(server.objects.get('a')?.metadata).to.have.property('managedFields');
    expect(informer.cache.get('default/a')?.data).to.equal(server.objects.get('a')?.data);
    informer.stop();
  });

  it('tells of a relist only what differs: changed, new, vanished, and replaced under the same name', async () => {
    const { clock, server, informer, events } = worldOf();
    for (const name of ['same', 'changed', 'vanished', 'replaced']) server.put(name, '1');
    informer.start();
    await clock.settle();
    const same = informer.cache.get('default/same');
    events.length = 0;
    server.end(lost());
    server.put('changed', '2');
    server.put('new', '1');
    server.delete('vanished');
    server.delete('replaced');
    server.put('replaced', '2');
    server.compact();
    await clock.advance('1m');
    expect(told(events)).to.have.members([
      'Delete default/vanished',
      'Delete default/replaced',
      'Apply default/changed',
      'Apply default/new',
      'Apply default/replaced',
    ]);
    expect(told(events).indexOf('Delete default/replaced')).to.be.lessThan(
      told(events).indexOf('Apply default/replaced'),
    );
    expect(informer.cache.get('default/same')).to.equal(same);
    expect(cached(informer)).to.deep.equal(contentsOf(server));
    informer.stop();
  });

  it('keeps its old view whole while a new one is received', async () => {
    const { clock, server, informer } = worldOf(new ModelServer(false));
    for (const name of ['a', 'b', 'c']) server.put(name, '1');
    informer.start();
    await clock.settle();
    const before = cached(informer);
    server.delete('a');
    server.put('b', '2');
    server.put('d', '1');
    server.compact();
    server.end(lost());
    // The first page arrives, the second one does not.
    server.isSilent = ({ query }) => query?.continue !== undefined;
    await clock.advance('10s');
    expect(server.requests.at(-1)?.query?.continue).to.equal('2');
    expect(cached(informer)).to.deep.equal(before);
    server.isSilent = () => false;
    await clock.advance('3m');
    expect(cached(informer)).to.deep.equal(contentsOf(server));
    informer.stop();
  });

  it('starts one request per back-off, never more', async () => {
    const { clock, server, informer, states } = worldOf();
    server.refusals.push(...Array.from({ length: 30 }, lost));
    informer.start();
    await clock.advance('5m');
    const waits = states.flatMap((state) => ('retryInMs' in state ? [state.retryInMs] : []));
    expect(server.requests.length).to.be.within(10, 25);
    expect(server.requests.length).to.be.within(waits.length, waits.length + 1);
    expect(Math.max(...waits)).to.be.at.most(30_000);
    informer.stop();
    expect(clock.pending).to.equal(0);
  });

  it('waits as long as the server asks', async () => {
    const { clock, server, informer } = worldOf();
    server.refusals.push(tooManyRequests('slow down', 120));
    informer.start();
    await clock.advance('119s');
    expect(server.requests).to.have.length(1);
    await clock.advance('1s');
    expect(server.requests).to.have.length(2);
    informer.stop();
  });

  it('gives up a page that never comes, and asks again', async () => {
    const { clock, server, informer } = worldOf(new ModelServer(false));
    server.put('a', '1');
    informer.start();
    await clock.settle();
    server.compact();
    server.put('b', '1');
    server.compact();
    server.end(lost());
    server.isSilent = () => true;
    await clock.advance('10m');
    const asked = server.requests.length;
    await clock.advance('10m');
    expect(server.requests.length, 'it went silent').to.be.greaterThan(asked);
    server.isSilent = () => false;
    await clock.advance('3m');
    expect(cached(informer)).to.deep.equal(contentsOf(server));
    informer.stop();
    expect(clock.pending + server.openWatches).to.equal(0);
  });

  for (const streams of [true, false]) {
    it(`may be stopped by whoever hears of a change (${streams ? 'streaming' : 'paged'} list)`, async () => {
      const { clock, server, informer } = worldOf(new ModelServer(streams));
      server.put('a', '1');
      informer.events$.subscribe(() => informer.stop());
      informer.start();
      await clock.advance('1h');
      expect({ timers: clock.pending, watches: server.openWatches }).to.deep.equal({ timers: 0, watches: 0 });
    });
  }

  it('may be stopped by whoever hears of a failure', async () => {
    const { clock, server, informer } = worldOf();
    server.refusals.push(lost());
    informer.state$.subscribe(({ phase }) => phase === 'stale' && informer.stop());
    informer.start();
    await clock.advance('1h');
    expect({ timers: clock.pending, requests: server.requests.length }).to.deep.equal({
      timers: 0,
      requests: 1,
    });
  });

  it('rejects ready when stopped before it, and completes its streams', async () => {
    const { informer } = worldOf();
    let completed = 0;
    informer.events$.subscribe({ complete: () => completed++ });
    informer.state$.subscribe({ complete: () => completed++ });
    informer.start();
    informer.stop();
    informer.stop();
    expect(await informer.ready.catch((error: Error) => error.message)).to.match(
      /was stopped before it was ready/,
    );
    expect(completed).to.equal(2);
  });

  it('goes on when an index function throws: the object is in the cache, not in that index', async () => {
    const { clock, server, informer, logged } = worldOf();
    informer.addIndex('length', (object) => [String((object.data?.value as string).trim().length)]);
    informer.addIndex('strict', (object) => {
      if (object.data?.value === 'bad') throw new Error('unreadable');
      return [object.data?.value ?? ''];
    });
    server.put('a', 'bad');
    server.put('b', 'good');
    informer.start();
    await clock.settle();
    expect(informer.isReady).to.equal(true);
    expect(informer.cache.by('strict', 'good').map((o) => o.metadata.name)).to.deep.equal(['b']);
    expect(informer.cache.by('length', '3').map((o) => o.metadata.name)).to.deep.equal(['a']);
    expect(logged.map(({ level, fields }) => [level, fields.index, fields.key])).to.deep.equal([
      ['error', 'strict', 'default/a'],
    ]);
    server.put('a', 'good');
    server.put('b', 'bad');
    await clock.settle();
    expect(informer.cache.by('strict', 'good').map((o) => o.metadata.name)).to.deep.equal(['a']);
    expect(() => informer.cache.by('none', 'x')).to.throw('there is no index "none"');
    informer.stop();
  });

  it('ends equal to the server whatever happens, and so does whoever follows its events', async () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd', 'e');
    const operation = fc.oneof(
      {
        weight: 6,
        arbitrary: fc.record({ do: fc.constant('put' as const), name, value: fc.string({ maxLength: 2 }) }),
      },
      { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), name }) },
      {
        weight: 5,
        arbitrary: fc.record({
          do: fc.constantFrom(
            'settle' as const,
            'compact' as const,
            'bookmark' as const,
            'expire' as const,
            'break' as const,
            'close' as const,
            'restore' as const,
          ),
        }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ do: fc.constant('pass' as const), seconds: fc.integer({ min: 1, max: 120 }) }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('refuse' as const), how: fc.nat(3) }) },
    );
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.integer({ min: 1, max: 1_000 }),
        fc.array(operation, { maxLength: 40 }),
        async (streams, seed, operations) => {
          const { clock, server, informer, events, states } = worldOf(new ModelServer(streams), seed);
          let restore = server.backup();
          informer.start();
          for (const op of operations) {
            switch (op.do) {
              case 'put':
                server.put(op.name, op.value);
                break;
              case 'delete':
                server.delete(op.name);
                break;
              case 'pass':
                await clock.advance(op.seconds * 1_000);
                break;
              case 'refuse':
                server.refusals.push(
                  [lost(), internalError('boom'), tooManyRequests('slow', 3), unauthorized()][op.how],
                );
                break;
              case 'settle':
                await clock.settle();
                break;
              case 'break':
                server.end(lost());
                break;
              case 'close':
                server.end();
                break;
              case 'restore':
                // Older data, with time to notice: two histories cannot be told apart by version alone.
                await clock.advance('5m');
                restore();
                await clock.advance('5m');
                restore = server.backup();
                break;
              default:
                server[op.do]();
            }
          }
          server.refusals.length = 0;
          await clock.advance('5m');
          expect(cached(informer)).to.deep.equal(contentsOf(server));
          const replica: Record<string, unknown> = {};
          for (const event of events) {
            if (event.type === 'Apply') {
              expect(event.previous).to.equal(replica[event.key]);
              replica[event.key] = event.object;
            } else {
              expect(replica).to.have.property(event.key);
              delete replica[event.key];
            }
          }
          expect(replica).to.deep.equal(contentsOf(server));
          expect(server.openWatches).to.equal(1);
          expect(states.at(-1)?.phase).to.equal('connected');
          informer.stop();
          expect(clock.pending + server.openWatches).to.equal(0);
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('InformerSet', () => {
  const setOf = (server: ModelServer) => {
    const clock = new VirtualClock();
    return { clock, set: new InformerSet(createClient(server), { clock, random: seededRandom(1) }) };
  };

  it('shares one informer per kind, version, namespace and selectors', () => {
    const { set } = setOf(new ModelServer());
    const { informer } = set.acquire(ConfigMap);
    expect(set.acquire(ConfigMap).informer).to.equal(informer);
    expect(set.acquire(ConfigMap, { namespace: 'default' }).informer).to.not.equal(informer);
    expect(set.acquire(ConfigMap, { labelSelector: 'a' }).informer).to.not.equal(informer);
    expect(set.acquire(ConfigMap, { fieldSelector: 'metadata.name=a' }).informer).to.not.equal(informer);
    const other = kind<ConfigMap, 'Namespaced'>({ ...ConfigMap, version: 'v2' });
    expect(set.acquire(other).informer).to.not.equal(informer);
    set.stopAll();
  });

  it('stops an informer with its last lease, and makes a new one afterwards', async () => {
    const server = new ModelServer();
    const { clock, set } = setOf(server);
    const [first, second] = [set.acquire(ConfigMap), set.acquire(ConfigMap)];
    await clock.settle();
    first.release();
    first.release();
    expect(server.openWatches).to.equal(1);
    second.release();
    expect(server.openWatches + clock.pending).to.equal(0);
    const third = set.acquire(ConfigMap);
    expect(third.informer).to.not.equal(first.informer);
    await clock.settle();
    expect(third.informer.isReady).to.equal(true);
    second.release();
    expect(server.openWatches, 'a late release of an old lease').to.equal(1);
    set.stopAll();
    expect(server.openWatches + clock.pending).to.equal(0);
  });
});

describe('watcher$', () => {
  it('tells a complete view between Init and InitDone, then changes; another Init after a gap', async () => {
    const server = new ModelServer();
    const clock = new VirtualClock();
    server.put('a', '1');
    const events: WatcherEvent<ConfigMap>[] = [];
    const watcher = watcher$(createClient(server), ConfigMap, {}, { clock, random: seededRandom(1) });
    expect(server.requests, 'nobody is subscribed').to.deep.equal([]);
    const subscription = watcher.subscribe((event) => events.push(event));
    await clock.settle();
    server.put('b', '1');
    server.delete('b');
    await clock.settle();
    server.expire();
    await clock.advance('1m');
    expect(events.map(({ type }) => type)).to.deep.equal([
      'Init',
      'InitApply',
      'InitDone',
      'Apply',
      'Delete',
      'Init',
      'InitApply',
      'InitDone',
    ]);
    subscription.unsubscribe();
    expect(server.openWatches + clock.pending).to.equal(0);
  });
});
