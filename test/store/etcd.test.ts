import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { createAuthority, issueCertificate } from '#src/pki/index.js';
import {
  Compacted,
  type EtcdStoreOptions,
  KeyExists,
  type ObjectStore,
  openEtcdStore,
  StoreClosed,
  type StoreEvent,
  StoreUnavailable,
} from '#src/store/index.js';
import { systemClock, systemRandom, turnGate } from '#src/system/index.js';
import { Etcd, etcdOrSkip, freePort } from '../support/etcd.js';
import { temporaryFolder } from '../support/processes.js';
import { TcpLink } from '../support/tcp-link.js';
import { storeConformance } from './conformance.js';

describe('EtcdStore', () => {
  let binary: string;
  let etcd: Etcd;
  let clusters = 0;
  const open = (options: Partial<EtcdStoreOptions> = {}): Promise<ObjectStore> =>
    openEtcdStore({
      endpoints: [etcd.endpoint],
      prefix: `/test-${clusters++}`,
      clock: systemClock,
      random: systemRandom,
      turn: turnGate(),
      ...options,
    });

  before(async function () {
    binary = etcdOrSkip(this);
    etcd = await Etcd.start(binary);
  });
  after(() => etcd?.[Symbol.asyncDispose]());

  storeConformance('EtcdStore', open, async () => {});

  it('what one store writes, the other sees as soon as it asks for the revision', async () => {
    const prefix = `/test-${clusters++}`;
    const [a, b] = [await open({ prefix }), await open({ prefix })];
    const { events, observer } = collector();
    await b.watch('/', await b.revision(), observer);
    for (let n = 0; n < 20; n++) {
      const { revision } = await a.create(`/k/${n}`, { n });
      expect(await b.revision()).to.equal(revision);
      expect(events.at(-1)?.revision).to.equal(revision);
    }
    await Promise.all([a.close(), b.close()]);
  });

  it('revisions of other prefixes do not hold up a watch, and are no events of it', async () => {
    const [mine, others] = [await open(), await open()];
    const { events, observer } = collector();
    await mine.watch('/', await mine.revision(), observer);
    await others.create('/a', {});
    await mine.create('/b', {});
    await others.create('/c', {});
    // Waits until the watch is known to be there, though no event comes of that write.
    expect(await mine.revision()).to.be.greaterThan(events.at(-1)?.revision ?? 0);
    expect(events.map(({ key }) => key)).to.deep.equal(['/b']);
    const before = await mine.revision();
    const late = collector();
    await mine.watch('/', before - 3, late.observer);
    expect(late.events.length).to.be.lessThan(2);
    await Promise.all([mine.close(), others.close()]);
  });

  it('a watch that starts in the past joins the one of all, without loss or repetition', async () => {
    const store = await open();
    const start = await store.revision();
    const live = collector();
    await store.watch('/', start, live.observer);
    for (let n = 0; n < 30; n++) await store.create(`/k/${n}`, { n });
    // Written while it catches up.
    const writing = Promise.all(Array.from({ length: 30 }, (_, n) => store.create(`/l/${n}`, { n })));
    const past = collector();
    await store.watch('/', start + 5, past.observer);
    await writing;
    await store.create('/end', {});
    expect(past.events.map((e) => e.revision)).to.deep.equal(live.events.slice(5).map((e) => e.revision));
    await store.close();
  });

  it('lists more entries than one answer holds', async function () {
    this.timeout(60_000);
    const store = await open();
    const names = Array.from({ length: 10_050 }, (_, n) => `/k/${String(n).padStart(6, '0')}`);
    for (let from = 0; from < names.length; from += 500)
      await Promise.all(names.slice(from, from + 500).map((name) => store.create(name, {})));
    const { entries, remaining } = await store.list('/k/');
    expect(entries.map(({ key }) => key)).to.deep.equal(names);
    expect(remaining).to.equal(0);
    const page = await store.list('/k/', { limit: 10_020 });
    expect([page.entries.length, page.remaining, page.next]).to.deep.equal([10_020, 30, names[10_019]]);
    expect((await store.list('/k/', { limit: 0 })).entries).to.have.length(0);
    await store.close();
  });

  it('tells the oldest revision that can be read, whoever compacted', async () => {
    const [store, other] = [await open(), await open()];
    for (let n = 0; n < 10; n++) await store.create(`/${n}`, {});
    const target = (await store.revision()) - 4;
    await other.compact(target);
    expect(await store.oldestRevision()).to.equal(target);
    await store.compact(target);
    const error = await rejection(store.compact(target - 1));
    expect(error).to.be.instanceOf(Compacted);
    expect((error as Compacted).compactedTo).to.equal(target);
    await Promise.all([store.close(), other.close()]);
  });

  it('entries with a ttl are deleted when it has passed, and stay until then when they are updated', async () => {
    const store = await open();
    const deleted: StoreEvent[] = [];
    const gone = new Promise<void>((resolve) => {
      void store.revision().then((from) =>
        store.watch('/', from, {
          next: (event) => {
            if (event.type === 'delete' && deleted.push(event) === 2) resolve();
          },
          error: () => {},
        }),
      );
    });
    const began = systemClock.monotonic();
    const a = await store.create('/events/a', { n: 1 }, { ttl: 1 });
    await store.create('/events/b', { n: 1 }, { ttl: 1 });
    await store.update('/events/a', { n: 2 }, a.revision);
    await store.create('/stays', {});
    await gone;
    expect(systemClock.monotonic() - began).to.be.greaterThan(1000);
    expect(deleted.map((e) => [e.key, e.previous?.value])).to.deep.equal([
      ['/events/a', { n: 2 }],
      ['/events/b', { n: 1 }],
    ]);
    expect((await store.list('/')).entries.map((e) => e.key)).to.deep.equal(['/stays']);
    await store.close();
  });

  describe('over a network that breaks', () => {
    let link: TcpLink;
    beforeEach(async () => {
      link = await TcpLink.to(Number(new URL(etcd.endpoint).port));
    });
    afterEach(() => link[Symbol.asyncDispose]());
    const overLink = (options: Partial<EtcdStoreOptions> = {}): Promise<ObjectStore> =>
      open({ endpoints: [`http://127.0.0.1:${link.port}`], requestTimeoutMs: 1000, ...options });

    it('watches resume: each change once, in order, whenever the connection was cut', async () => {
      const prefix = `/test-${clusters++}`;
      const [store, writer] = [await overLink({ prefix }), await open({ prefix })];
      const { events, errors, observer } = collector();
      await store.watch('/', await store.revision(), observer);
      const revisions: number[] = [];
      for (let n = 0; n < 300; n++) {
        if (n % 50 === 25) link.cut();
        revisions.push((await writer.create(`/k/${n}`, { n })).revision);
      }
      await store.revision();
      expect(events.map((e) => e.revision)).to.deep.equal(revisions);
      expect(errors).to.deep.equal([]);
      await Promise.all([store.close(), writer.close()]);
    });

    it('a watch whose place was compacted away meanwhile ends with Compacted', async () => {
      const prefix = `/test-${clusters++}`;
      const [store, writer] = [await overLink({ prefix }), await open({ prefix })];
      let tell: (error: Error) => void = () => {};
      const ended = new Promise<Error>((resolve) => {
        tell = resolve;
      });
      await store.watch('/', await store.revision(), { next: () => {}, error: tell });
      await store.create('/there', {});
      link.break();
      const { revision } = await writer.create('/a', {});
      await writer.delete('/a', revision);
      await writer.compact(revision + 1);
      link.mend();
      const error = await ended;
      expect(error).to.be.instanceOf(Compacted);
      // The store itself goes on.
      const { events, observer } = collector();
      await store.watch('/', await store.revision(), observer);
      await store.create('/b', {});
      expect(events.map((e) => e.key)).to.deep.equal(['/b']);
      await Promise.all([store.close(), writer.close()]);
    });

    it('says that it cannot be reached, and that nothing has happened', async () => {
      const store = await overLink();
      await store.create('/a', {});
      link.break();
      for (const attempt of [() => store.get('/a'), () => store.revision(), () => store.list('/')]) {
        const error = await rejection(attempt());
        expect(error).to.be.instanceOf(StoreUnavailable);
        expect((error as StoreUnavailable).outcome).to.equal('unchanged');
      }
      link.mend();
      expect((await store.get('/a'))?.value).to.deep.equal({});
      await store.close();
    });

    it('a write whose answer was lost has an unknown outcome, and is no mismatch', async () => {
      const prefix = `/test-${clusters++}`;
      const [store, other] = [await overLink({ prefix }), await open({ prefix })];
      const { revision } = await store.create('/a', { n: 1 });
      link.freeze();
      const error = await rejection(store.update('/a', { n: 2 }, revision));
      expect(error).to.be.instanceOf(StoreUnavailable);
      expect((error as StoreUnavailable).outcome).to.equal('unknown');
      expect((error as Error).message).to.include('may or may not have happened');
      link.cut();
      const there = await other.get('/a');
      expect([{ n: 1 }, { n: 2 }]).to.deep.include(there?.value);
      await Promise.all([store.close(), other.close()]);
    });

    it('asks the next member when one fails', async () => {
      const endpoints = [`http://127.0.0.1:${link.port}`, etcd.endpoint];
      const store = await open({ endpoints, requestTimeoutMs: 1000 });
      const { events, observer } = collector();
      await store.watch('/', await store.revision(), observer);
      const a = await store.create('/a', {});
      link.break();
      const [b] = [await store.get('/a'), await store.revision()];
      expect(b?.revision).to.equal(a.revision);
      await store.create('/b', {});
      expect(events.map((e) => e.key)).to.deep.equal(['/a', '/b']);
      await store.close();
    });
  });

  it('opening says when nobody answers, and what no endpoint is', async () => {
    const nobody = open({ endpoints: [`http://127.0.0.1:${await freePort()}`], requestTimeoutMs: 200 });
    expect(await rejection(nobody)).to.be.instanceOf(StoreUnavailable);
    for (const endpoints of [['127.0.0.1'], ['ftp://a:1'], []])
      expect(await rejection(open({ endpoints }))).to.be.instanceOf(TypeError);
  });

  it('is closed for good, also while it waits for an answer', async () => {
    const store = await open();
    const { errors, observer } = collector();
    await store.watch('/', await store.revision(), observer);
    await store.close();
    await store.close();
    expect(errors).to.have.length(1);
    expect(errors[0]).to.be.instanceOf(StoreClosed);
    for (const attempt of [
      () => store.create('/a', {}),
      () => store.revision(),
      () => store.watch('/', 1, observer),
      () => store.list('/'),
      () => store.compact(1),
    ])
      expect(await rejection(attempt())).to.be.instanceOf(StoreClosed);
  });

  it('speaks TLS with a client certificate, and believes only its own authority', async () => {
    using folder = temporaryFolder();
    const file = (name: string, text: string): string => {
      writeFileSync(join(folder.path, name), text);
      return join(folder.path, name);
    };
    const deps = { clock: systemClock };
    const ca = await createAuthority('etcd-ca', deps);
    const server = await issueCertificate(
      ca,
      { commonName: 'etcd', ipAddresses: ['127.0.0.1'], usage: 'server' },
      deps,
    );
    const client = await issueCertificate(ca, { commonName: 'root', usage: 'client' }, deps);
    const stranger = await createAuthority('stranger', deps);
    await using secure = await Etcd.start(binary, {
      scheme: 'https',
      flags: [
        `--cert-file=${file('server.crt', server.cert)}`,
        `--key-file=${file('server.key', server.key)}`,
        `--trusted-ca-file=${file('ca.crt', ca.cert)}`,
        '--client-cert-auth',
      ],
    });
    const endpoints = [secure.endpoint];
    const store = await open({ endpoints, tls: { ca: ca.cert, cert: client.cert, key: client.key } });
    const { events, observer } = collector();
    await store.watch('/', await store.revision(), observer);
    await store.create('/a', {});
    expect(events).to.have.length(1);
    await store.close();
    const refused = [{ ca: ca.cert }, { ca: stranger.cert, cert: client.cert, key: client.key }];
    for (const tls of refused)
      expect(await rejection(open({ endpoints, tls, requestTimeoutMs: 300 }))).to.be.instanceOf(
        StoreUnavailable,
      );
  });

  it('says who it is, and gets a new token when the old one is not taken any more', async () => {
    await using guarded = await Etcd.start(binary, { flags: ['--auth-token-ttl=1'] });
    const ask = async (path: string, body: object): Promise<void> => {
      const answer = await fetch(`${guarded.endpoint}/v3/auth/${path}`, {
        method: 'POST',
        body: JSON.stringify(body),
      });
      expect(answer.status, await answer.text()).to.equal(200);
    };
    await ask('user/add', { name: 'root', password: 'secret' });
    await ask('role/add', { name: 'root' });
    await ask('user/grant', { user: 'root', role: 'root' });
    await ask('enable', {});
    const endpoints = [guarded.endpoint];
    const credentials = { username: 'root', password: 'secret' };
    const store = await open({ endpoints, credentials });
    const { events, observer } = collector();
    await store.watch('/', await store.revision(), observer);
    await store.create('/a', {});
    // Tokens are in its memory.
    await guarded.kill();
    await guarded.start();
    await Promise.all([store.create('/b', {}), store.create('/c', {})]);
    await store.create('/d', {});
    expect(events.map((e) => e.key).sort()).to.deep.equal(['/a', '/b', '/c', '/d']);
    await store.close();
    const wrong = { username: 'root', password: 'wrong' };
    const error = await rejection(open({ endpoints, credentials: wrong }));
    expect(error).to.be.instanceOf(StoreUnavailable);
    expect((error as Error).message)
      .to.include('authentication failed')
      .and.not.include('wrong');
    expect(await rejection(open({ endpoints }))).to.be.instanceOf(StoreUnavailable);
  });

  it('a create that lost against another store hears of it when its own watches have', async () => {
    const prefix = `/test-${clusters++}`;
    const [a, b] = [await open({ prefix }), await open({ prefix })];
    const { events, observer } = collector();
    await b.watch('/', await b.revision(), observer);
    await a.create('/a', { n: 1 });
    const error = (await rejection(b.create('/a', { n: 2 }))) as KeyExists;
    expect(error).to.be.instanceOf(KeyExists);
    expect(error.current.value).to.deep.equal({ n: 1 });
    expect(events.map((e) => e.key)).to.deep.equal(['/a']);
    await Promise.all([a.close(), b.close()]);
  });
});

function collector() {
  const events: StoreEvent[] = [];
  const errors: Error[] = [];
  return {
    events,
    errors,
    observer: { next: (e: StoreEvent) => void events.push(e), error: (e: Error) => void errors.push(e) },
  };
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('expected a rejection');
}
