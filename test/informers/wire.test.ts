/**
 * An informer over HTTP against a server that misbehaves (nock): whatever happens, it comes back, and the
 * cache ends equal to what the server has. The clock is virtual: no back-off is waited for.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { expect } from 'chai';
import { mockHttp, nock, unmockHttp } from '../support/nock.js';
import { expired, tooManyRequests } from 'gyre/api';
import { createClient, createHttpTransport } from 'gyre/client';
import { createInformer, type Informer } from 'gyre/informers';
import { ConfigMap } from 'gyre/kinds';
import { seededRandom, VirtualClock } from 'gyre/testing';

const server = 'http://informer.test';
const path = '/api/v1/configmaps';

const configMap = (name: string, resourceVersion: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', uid: `uid-${name}`, resourceVersion },
});
const line = (type: string, object: unknown) => `${JSON.stringify({ type, object })}\n`;
const end = (resourceVersion: string) =>
  line('BOOKMARK', {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { resourceVersion, annotations: { 'k8s.io/initial-events-end': 'true' } },
  });

const isStreamingList = (query: object) =>
  (query as { sendInitialEvents?: string }).sendInitialEvents === 'true';
const isWatchFrom = (resourceVersion: string) => (query: object) => {
  const { watch, resourceVersion: from } = query as { watch?: string; resourceVersion?: string };
  return watch === 'true' && from === resourceVersion;
};

describe('informer over a wire that misbehaves', () => {
  let clock: VirtualClock;
  let informer: Informer<ConfigMap>;
  let transport: ReturnType<typeof createHttpTransport>;
  const open: PassThrough[] = [];

  beforeEach(() => {
    mockHttp();
    clock = new VirtualClock();
    transport = createHttpTransport({ server, maxLineBytes: 100_000 });
    informer = createInformer(createClient(transport), ConfigMap, {}, { clock, random: seededRandom(7) });
  });
  afterEach(() => {
    informer.stop();
    transport.close();
    for (const stream of open.splice(0)) stream.destroy();
    expect(clock.pending).to.equal(0);
    unmockHttp();
  });

  /** A watch that sends these lines and then stays open (or ends as told). */
  function watch(
    matches: (query: object) => boolean,
    lines: readonly string[],
    finish?: (stream: PassThrough) => void,
  ): void {
    const stream = new PassThrough();
    // What is destroyed on purpose must not surprise anybody but the client.
    stream.on('error', () => {});
    open.push(stream);
    nock(server)
      .get(path)
      .query(matches)
      .reply(200, () => {
        for (const text of lines) stream.write(text);
        if (finish) setImmediate(() => finish(stream));
        return stream;
      });
  }

  const listed = (...objects: object[]) => [...objects.map((o) => line('ADDED', o)), end('10')];
  const names = () => [...informer.cache.keys()].sort();

  /** Lets sockets run until the condition holds; time moves only to the end of a back-off. */
  async function eventually(condition: () => boolean, what: string): Promise<void> {
    let backOff = 0;
    const following = informer.state$.subscribe((state) => {
      backOff = 'retryInMs' in state ? state.retryInMs : 0;
    });
    for (let i = 0; i < 20_000 && !condition(); i++) {
      await new Promise((resolve) => setImmediate(resolve));
      const wait = backOff;
      backOff = 0;
      if (wait > 0) await clock.advance(wait);
    }
    following.unsubscribe();
    if (!condition()) throw new Error(`never: ${what}; the cache has ${names().join(',')}`);
  }
  const endsWith = (...expected: string[]) =>
    eventually(() => names().join() === expected.join(), `cache = ${expected.join()}`);

  it('streams the list and follows changes', async () => {
    watch(isStreamingList, [
      ...listed(configMap('a', '3')),
      line('ADDED', configMap('b', '11')),
      line('DELETED', configMap('a', '12')),
    ]);
    informer.start();
    await informer.ready;
    await endsWith('default/b');
  });

  it('resumes after a line that was cut off', async () => {
    watch(isStreamingList, [...listed(configMap('a', '3')), '{"type":"ADDED","obj'], (s) => s.end());
    watch(isWatchFrom('10'), [line('ADDED', configMap('b', '11'))]);
    informer.start();
    await endsWith('default/a', 'default/b');
  });

  it('resumes after a line of garbage, keeping what came before it', async () => {
    watch(isStreamingList, [
      ...listed(configMap('a', '3')),
      line('ADDED', configMap('b', '11')),
      '<html>gateway</html>\n',
    ]);
    watch(isWatchFrom('11'), [line('ADDED', configMap('c', '12'))]);
    informer.start();
    await endsWith('default/a', 'default/b', 'default/c');
  });

  it('gives up on a line without end', async () => {
    watch(isStreamingList, [
      ...listed(configMap('a', '3')),
      `{"type":"ADDED","object":{"pad":"${'x'.repeat(200_000)}`,
    ]);
    watch(isWatchFrom('10'), [line('ADDED', configMap('b', '11'))]);
    informer.start();
    await endsWith('default/a', 'default/b');
  });

  it('lists anew after a 410 in the stream, and tells what vanished', async () => {
    const deleted: string[] = [];
    watch(isStreamingList, [
      ...listed(configMap('a', '3'), configMap('b', '4')),
      line('ERROR', expired('too old').status),
    ]);
    watch(isStreamingList, listed(configMap('b', '4'), configMap('c', '9')));
    informer.events$.subscribe((event) => event.type === 'Delete' && deleted.push(event.key));
    informer.start();
    await endsWith('default/b', 'default/c');
    expect(deleted).to.deep.equal(['default/a']);
  });

  it('lists anew after a 410 when resuming', async () => {
    watch(isStreamingList, listed(configMap('a', '3')), (s) => s.end());
    nock(server).get(path).query(isWatchFrom('10')).reply(410, expired('too old').status);
    watch(isStreamingList, listed(configMap('b', '20')));
    informer.start();
    await endsWith('default/b');
  });

  it('falls back to pages, and survives a continue token that expired', async () => {
    const page = (items: object[], more = '') => ({
      kind: 'ConfigMapList',
      apiVersion: 'v1',
      metadata: { resourceVersion: '10', continue: more },
      items,
    });
    const isPage = (token: string) => (query: object) => {
      const { watch: watching, continue: given = '' } = query as { watch?: string; continue?: string };
      return watching === undefined && given === token;
    };
    nock(server).get(path).query(isStreamingList).reply(400, {
      kind: 'Status',
      status: 'Failure',
      reason: 'BadRequest',
      code: 400,
      message: 'no streaming lists here',
    });
    nock(server)
      .get(path)
      .query(isPage(''))
      .reply(200, page([configMap('a', '3')], 'next'));
    nock(server).get(path).query(isPage('next')).reply(410, expired('the continue token is too old').status);
    nock(server)
      .get(path)
      .query(isPage(''))
      .reply(200, page([configMap('a', '3')], 'again'));
    nock(server)
      .get(path)
      .query(isPage('again'))
      .reply(200, page([configMap('b', '4')]));
    watch(isWatchFrom('10'), [line('ADDED', configMap('c', '11'))]);
    informer.start();
    await endsWith('default/a', 'default/b', 'default/c');
  });

  it('waits out a 500 and a 429, as long as the server asked', async () => {
    nock(server).get(path).query(isStreamingList).reply(500, 'boom');
    nock(server)
      .get(path)
      .query(isStreamingList)
      .reply(429, tooManyRequests('slow down', 60).status, { 'retry-after': '60' });
    watch(isStreamingList, listed(configMap('a', '3')));
    const waits: number[] = [];
    informer.state$.subscribe((state) => 'retryInMs' in state && waits.push(state.retryInMs));
    informer.start();
    await endsWith('default/a');
    expect(waits).to.have.length(2);
    expect(waits[1]).to.equal(60_000);
  });

  it('gives up a connection that has gone silent, and resumes', async () => {
    watch(isStreamingList, listed(configMap('a', '3')));
    watch(isWatchFrom('10'), [line('ADDED', configMap('b', '11'))]);
    informer.start();
    await informer.ready;
    await clock.advance('91s');
    await endsWith('default/a', 'default/b');
  });

  it('keeps trying while it is not allowed to, and says so', async () => {
    nock(server)
      .get(path)
      .query(isStreamingList)
      .reply(403, { kind: 'Status', status: 'Failure', reason: 'Forbidden', code: 403, message: 'no' });
    watch(isStreamingList, listed(configMap('a', '3')));
    const phases: string[] = [];
    informer.state$.subscribe((state) => phases.push(state.phase));
    informer.start();
    await endsWith('default/a');
    expect(phases).to.include('unauthorized');
    expect(phases.at(-1)).to.equal('connected');
  });
});

describe('informer over a connection that is reset', () => {
  it('resumes from the last version', async () => {
    const watches: string[] = [];
    const real = createServer((request, response) => {
      const query = new URL(request.url ?? '', server).searchParams;
      watches.push(query.get('resourceVersion') ?? 'initial');
      response.writeHead(200, { 'content-type': 'application/json' });
      if (watches.length > 1) {
        response.write(line('ADDED', configMap('c', '12')));
        return;
      }
      response.write(
        line('ADDED', configMap('a', '3')) + end('10') + line('ADDED', configMap('b', '11')),
        () =>
          // Once the bytes are out, a RST instead of an end.
          setImmediate(() => request.socket.resetAndDestroy()),
      );
    });
    await new Promise<void>((resolve) => real.listen(0, '127.0.0.1', resolve));
    const { port } = real.address() as AddressInfo;
    const clock = new VirtualClock();
    const transport = createHttpTransport({ server: `http://127.0.0.1:${port}` });
    const informer = createInformer(
      createClient(transport),
      ConfigMap,
      {},
      { clock, random: seededRandom(7) },
    );
    const complete = new Promise<void>((resolve) => {
      informer.events$.subscribe((event) => event.key === 'default/c' && resolve());
    });
    informer.state$.subscribe((state) => 'retryInMs' in state && void clock.advance(state.retryInMs));
    informer.start();
    await complete;
    expect([...informer.cache.keys()].sort()).to.deep.equal(['default/a', 'default/b', 'default/c']);
    expect(watches).to.deep.equal(['initial', '11']);
    informer.stop();
    transport.close();
    real.closeAllConnections();
    await new Promise((resolve) => real.close(resolve));
  });
});
