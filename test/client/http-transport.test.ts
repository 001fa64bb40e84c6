/** The Transport over HTTP: encoding, refusals, and connections that break at the worst moment. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server as NetServer } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { createGzip, gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { mockHttp, nock, unmockHttp } from '../support/nock.js';
import {
  isApiError,
  isOutcomeUnknown,
  isTransportError,
  type ObjectDecoder,
  type Transport,
  type WatchEvent,
} from 'gyre/api';
import {
  createClient,
  createHttpTransport,
  type HttpTransportOptions,
  retryingTransport,
  SharingDecoder,
} from 'gyre/client';
import { ConfigMap } from 'gyre/kinds';
import { createAuthority, issueCertificate, type KeyPair } from '#src/pki/index.js';
import { seededRandom, VirtualClock } from 'gyre/testing';

const server = 'http://api.test';

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('it did not fail');
}
const isUnsent = (error: unknown) => isTransportError(error) && !isOutcomeUnknown(error);
const status = (code: number, reason: string, message: string) => ({
  kind: 'Status',
  apiVersion: 'v1',
  metadata: {},
  status: 'Failure',
  reason,
  message,
  code,
});
const line = (type: string, name: string) => `${JSON.stringify({ type, object: { name } })}\n`;

describe('HTTP transport: requests', () => {
  let transport: Transport;
  const open = (options: Partial<HttpTransportOptions> = {}) => {
    transport = createHttpTransport({ server, ...options });
    return transport;
  };
  beforeEach(() => mockHttp());
  afterEach(() => {
    transport.close();
    expect(nock.pendingMocks()).to.deep.equal([]);
    unmockHttp();
  });

  it('sends and reads JSON, repeats query parameters that are lists, leaves out undefined ones', async () => {
    nock(server, { reqheaders: { 'content-type': 'application/json', accept: 'application/json' } })
      .post('/api/v1/x?a=1&b=2&b=3&text=a%20b%26c', { hello: 'wörld' })
      .reply(201, { ok: true }, { 'X-Kind': 'A' });
    const answer = await open().request({
      method: 'POST',
      path: '/api/v1/x',
      query: { a: '1', b: ['2', '3'], none: undefined, text: 'a b&c' },
      body: { hello: 'wörld' },
    });
    expect(answer).to.deep.include({ status: 201, body: { ok: true } });
    expect(answer.headers).to.include({ 'x-kind': 'A' });
  });

  it('sends raw text and bytes as they are, under the type that is given', async () => {
    nock(server, { reqheaders: { 'content-type': 'application/yaml' } })
      .put('/x', 'a: 1')
      .twice()
      .reply(200, {});
    const headers = { 'content-type': 'application/yaml' };
    await open().request({ method: 'PUT', path: '/x', headers, body: 'a: 1' });
    await transport.request({ method: 'PUT', path: '/x', headers, body: new TextEncoder().encode('a: 1') });
  });

  it('gives text where the answer is not JSON', async () => {
    nock(server).get('/healthz').reply(200, 'ok', { 'content-type': 'text/plain' });
    expect(await open().request({ method: 'GET', path: '/healthz' })).to.include({ body: 'ok' });
  });

  it('resolves for refusals, even for one whose JSON is broken', async () => {
    nock(server)
      .get('/a')
      .reply(404, status(404, 'NotFound', 'no'));
    nock(server).get('/b').reply(502, '<html>', { 'content-type': 'application/json' });
    expect(await open().request({ method: 'GET', path: '/a' })).to.include({ status: 404 });
    expect(await transport.request({ method: 'GET', path: '/b' })).to.include({
      status: 502,
      body: '<html>',
    });
  });

  it('unpacks gzip', async () => {
    nock(server, { reqheaders: { 'accept-encoding': 'gzip' } })
      .get('/x')
      .reply(200, gzipSync('{"packed":true}'), {
        'content-type': 'application/json',
        'content-encoding': 'gzip',
      });
    expect((await open().request({ method: 'GET', path: '/x' })).body).to.deep.equal({ packed: true });
  });

  it('keeps the path of a server behind a prefix', async () => {
    nock(server).get('/clusters/one/api/v1/pods/a%20b').reply(200, {});
    await open({ server: `${server}/clusters/one/` }).request({ method: 'GET', path: '/api/v1/pods/a%20b' });
  });

  it('asks for the token of each request', async () => {
    let n = 0;
    for (const token of ['t1', 't2'])
      nock(server, { reqheaders: { authorization: `Bearer ${token}` } })
        .get('/x')
        .reply(200, {});
    open({ token: async () => `t${++n}` });
    await transport.request({ method: 'GET', path: '/x' });
    await transport.request({ method: 'GET', path: '/x' });
  });

  it('hands on every warning of the server, unquoted', async () => {
    nock(server)
      .get('/x')
      .reply(200, {}, { Warning: ['299 - "unknown field \\"spec.x\\", ignored"', '299 - "old version"'] });
    const warnings: string[] = [];
    await open({ onWarning: (text) => warnings.push(text) }).request({ method: 'GET', path: '/x' });
    expect(warnings).to.deep.equal(['unknown field "spec.x", ignored', 'old version']);
  });

  it('a connection that breaks while reading had no effect', async () => {
    const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
    nock(server).get('/x').replyWithError(reset);
    expect(await failureOf(open().request({ method: 'GET', path: '/x' }))).to.satisfy(isUnsent);
  });

  it('a request that was aborted before is not sent, and rejects with the reason', async () => {
    const reason = new Error('changed my mind');
    const request = { method: 'POST', path: '/x', body: {}, signal: AbortSignal.abort(reason) } as const;
    expect(await failureOf(open().request(request))).to.equal(reason);
  });
});

describe('HTTP transport: a guarded write', () => {
  before(() => mockHttp());
  after(() => unmockHttp());
  afterEach(() => nock.cleanAll());

  it('asks its guard again when the credential is at hand, and is not sent if that throws', async () => {
    const over = new Error('the term is over');
    let held = true;
    const token = async (): Promise<string> => {
      held = false;
      return 'late';
    };
    const transport = createHttpTransport({ server, token });
    const guarded = createClient(transport).with({
      beforeWrite: () => {
        if (!held) throw over;
      },
    });
    const sent = nock(server).delete('/api/v1/namespaces/default/configmaps/x').reply(200, {});
    expect(await failureOf(guarded.delete(ConfigMap, 'default/x'))).to.equal(over);
    expect(sent.isDone()).to.equal(false);
    transport.close();
  });

  it('asks its guard again before it is sent again', async () => {
    const over = new Error('the term is over');
    const clock = new VirtualClock();
    const inner = createHttpTransport({ server });
    const transport = retryingTransport(inner, { clock, random: seededRandom(1) });
    let held = true;
    const guarded = createClient(transport).with({
      beforeWrite: () => {
        if (!held) throw over;
      },
    });
    nock(server).delete('/api/v1/namespaces/default/configmaps/x').reply(429, {}, { 'retry-after': '1' });
    const sent = nock(server).delete('/api/v1/namespaces/default/configmaps/x').reply(200, {});
    const outcome = failureOf(guarded.delete(ConfigMap, 'default/x'));
    while (clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
    held = false;
    await clock.advance('2s');
    expect(await outcome).to.equal(over);
    expect(sent.isDone()).to.equal(false);
    transport.close();
  });
});

for (const decoder of [undefined, new SharingDecoder()]) {
  describe(`HTTP transport: watches, ${decoder ? 'read by a decoder' : 'read as plain JSON'}`, () => {
    let transport: Transport;
    beforeEach(() => {
      mockHttp();
      transport = createHttpTransport({ server, maxLineBytes: 1_000 });
    });
    afterEach(() => {
      transport.close();
      unmockHttp();
    });
    const watch = () =>
      transport.watch<{ name: string }>({
        method: 'GET',
        path: '/x',
        query: { watch: 'true' },
        ...(decoder ? { decoder } : {}),
      });

    /** What was told, and how it ended. */
    async function drain(): Promise<{ told: string[]; failure: unknown }> {
      const told: string[] = [];
      try {
        const { events } = await watch();
        for await (const batch of events)
          for (const { type, object } of batch) told.push(`${type} ${(object as { name: string }).name}`);
      } catch (failure) {
        return { told, failure };
      }
      return { told, failure: undefined };
    }

    it('gives the events of a stream that ends in order', async () => {
      nock(server)
        .get('/x?watch=true')
        .reply(200, line('ADDED', 'a') + line('MODIFIED', 'ü'));
      expect(await drain()).to.deep.equal({ told: ['ADDED a', 'MODIFIED ü'], failure: undefined });
    });

    it('is an ApiError when refused, with the Status of the server', async () => {
      nock(server)
        .get('/x?watch=true')
        .reply(410, status(410, 'Expired', 'too old'), { 'retry-after': '2' });
      const error = await failureOf(watch());
      expect(isApiError(error, 'Expired')).to.equal(true);
      expect(error).to.include({ message: 'too old', retryAfterSeconds: 2 });
    });

    it('is an ApiError when refused by something that is no API server', async () => {
      nock(server).get('/x?watch=true').reply(503, 'overloaded');
      expect(await failureOf(watch())).to.include({ code: 503, message: 'overloaded' });
    });

    for (const [what, garbage, message] of [
      ['a line that is not JSON', '<html>\n', /not JSON/],
      ['a line that is no event', '{"kind":"Pod"}\n', /not an event/],
      ['a line that is null', 'null\n', /not an event/],
      ['a line that never ends', 'x'.repeat(2_000), /longer than 1000 bytes/],
      ['a line that is cut off', '{"type":"ADD', /middle of a line/],
    ] as const) {
      it(`fails at ${what}, after telling the events before it`, async () => {
        nock(server)
          .get('/x?watch=true')
          .reply(200, line('ADDED', 'a') + garbage);
        const { told, failure } = await drain();
        expect(told).to.deep.equal(['ADDED a']);
        expect(failure).to.satisfy(isUnsent);
        expect((failure as Error).message).to.match(message);
      });
    }
  });
}

describe('HTTP transport: what a decoder reads', () => {
  let transport: Transport;
  beforeEach(() => {
    mockHttp();
    transport = createHttpTransport({ server });
  });
  afterEach(() => {
    transport.close();
    unmockHttp();
  });
  const seen: string[] = [];
  const decoder: ObjectDecoder = {
    decode: (bytes) => {
      const text = Buffer.from(bytes).toString();
      seen.push(text);
      if (text.includes('strange')) throw new SyntaxError('too strange');
      return { read: JSON.parse(text) as unknown };
    },
  };
  beforeEach(() => {
    seen.length = 0;
  });
  const get = (path: string) => transport.request({ method: 'GET', path, decoder });

  it('are the items of a list, one by one, and nothing around them', async () => {
    const list = { kind: 'PodList', metadata: { continue: 'x' }, items: [{ a: 1 }, { strange: 'é' }] };
    nock(server).get('/x').reply(200, list);
    expect((await get('/x')).body).to.deep.equal({
      kind: 'PodList',
      metadata: { continue: 'x' },
      items: [{ read: { a: 1 } }, { strange: 'é' }],
    });
    expect(seen).to.deep.equal(['{"a":1}', '{"strange":"é"}']);
  });

  it('are the items of a packed list', async () => {
    nock(server).get('/x').reply(200, gzipSync('{"items":[{"a":1}]}'), {
      'content-type': 'application/json',
      'content-encoding': 'gzip',
    });
    expect((await get('/x')).body).to.deep.equal({ items: [{ read: { a: 1 } }] });
  });

  it('are neither refusals nor single objects nor text', async () => {
    nock(server)
      .get('/a')
      .reply(404, { ...status(404, 'NotFound', 'no'), items: [{}] });
    nock(server)
      .get('/b')
      .reply(200, { metadata: { name: 'b' } });
    nock(server).get('/c').reply(200, '{"items":[{}]}', { 'content-type': 'text/plain' });
    expect(await get('/a')).to.have.nested.property('body.reason', 'NotFound');
    expect((await get('/b')).body).to.deep.equal({ metadata: { name: 'b' } });
    expect((await get('/c')).body).to.equal('{"items":[{}]}');
    expect(seen).to.deep.equal([]);
  });

  for (const [what, text] of [
    ['is cut off', '{"items":[{"a":1},{"b"'],
    ['is no JSON around the items', '{"items":[{"a":1}]'],
    ['is no JSON in an item', '{"items":[{"a":}]}'],
    ['is empty', ''],
  ] as const) {
    it(`a list that ${what} had no effect`, async () => {
      nock(server).get('/x').reply(200, text, { 'content-type': 'application/json' });
      expect(await failureOf(get('/x'))).to.satisfy(isUnsent);
    });
  }

  it('are the objects of events that carry one to keep; whatever looks otherwise is read as plain JSON', async () => {
    const lines = [
      '{"type":"ADDED","object":{"a":1}}',
      '{"type":"MODIFIED","object":{"a":2}}\r',
      '{ "type": "MODIFIED", "object": {"a":3} }',
      '{"object":{"a":4},"type":"DELETED"}',
      '{"type":"DELETED","object":{"a":5}}',
      '{"type":"ADDED","object":{"strange":6}}',
      '{"type":"ADDED","object":{"a":7},"more":{}}',
      '{"type":"BOOKMARK","object":{"a":8}}',
      '{"type":"ERROR","object":{"a":9}}',
    ];
    nock(server)
      .get('/x')
      .reply(200, `${lines.join('\n')}\n`);
    const { events } = await transport.watch({ method: 'GET', path: '/x', decoder });
    const all: WatchEvent[] = [];
    for await (const batch of events) all.push(...batch);
    expect(all.map(({ type, object }) => [type, object])).to.deep.equal([
      ['ADDED', { read: { a: 1 } }],
      ['MODIFIED', { a: 2 }],
      ['MODIFIED', { a: 3 }],
      ['DELETED', { a: 4 }],
      ['DELETED', { read: { a: 5 } }],
      ['ADDED', { strange: 6 }],
      ['ADDED', { a: 7 }],
      ['BOOKMARK', { a: 8 }],
      ['ERROR', { a: 9 }],
    ]);
  });
});

/** Real sockets: what an interceptor cannot show. */
describe('HTTP transport: connections', () => {
  // Even an interceptor that lets everything pass makes its own sockets.

  let listening: NetServer | undefined;
  let transport: Transport | undefined;
  async function serve(
    handle: (request: IncomingMessage, response: ServerResponse) => void,
    options: Partial<HttpTransportOptions> = {},
  ): Promise<Transport> {
    const created = createServer(handle);
    await listen(created);
    transport = createHttpTransport({ server: `http://127.0.0.1:${portOf(created)}`, ...options });
    return transport;
  }
  const listen = async (created: NetServer) => {
    listening = created;
    await new Promise<void>((resolve) => created.listen(0, '127.0.0.1', resolve));
  };
  const portOf = (created: NetServer) => (created.address() as AddressInfo).port;
  const stop = async () => {
    const stopping = listening;
    listening = undefined;
    if (!stopping) return;
    (stopping as Server).closeAllConnections();
    await new Promise((resolve) => stopping.close(resolve));
  };
  afterEach(async () => {
    transport?.close();
    await stop();
  });

  it('refused: nothing was sent, neither a read nor a write', async () => {
    const refused = await serve(() => {});
    await stop();
    for (const request of [
      { method: 'GET', path: '/x' },
      { method: 'POST', path: '/x', body: {} },
    ] as const)
      expect(await failureOf(refused.request(request))).to.satisfy(isUnsent);
  });

  it('broken after a write was sent: its outcome is unknown; after a read: no effect', async () => {
    const breaking = await serve((request) => {
      request.resume();
      request.on('end', () => request.socket.destroy());
    });
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'] as const) {
      const error = await failureOf(breaking.request({ method, path: '/x', body: {} }));
      expect(isOutcomeUnknown(error), method).to.equal(true);
    }
    expect(await failureOf(breaking.request({ method: 'GET', path: '/x' }))).to.satisfy(isUnsent);
  });

  it('broken in the middle of the answer to a write: its outcome is unknown', async () => {
    const breaking = await serve((request, response) => {
      request.resume();
      response.writeHead(201, { 'content-type': 'application/json', 'content-length': '100' });
      response.write('{"half":', () => setImmediate(() => request.socket.destroy()));
    });
    const error = await failureOf(breaking.request({ method: 'POST', path: '/x', body: {} }));
    expect(isOutcomeUnknown(error)).to.equal(true);
  });

  it('aborted while waiting: rejects with the reason, reads and writes alike', async () => {
    let arrived = () => {};
    const silent = await serve((request, response) => {
      request.resume();
      if (request.url === '/half') {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.write('{');
      }
      arrived();
    });
    for (const method of ['GET', 'POST'] as const)
      for (const path of ['/none', '/half']) {
        const stopped = new AbortController();
        const reason = new Error(`${method} ${path}`);
        const there = new Promise<void>((resolve) => {
          arrived = resolve;
        });
        const failure = failureOf(silent.request({ method, path, body: {}, signal: stopped.signal }));
        await there;
        // Half of the answers has begun by then.
        await new Promise((resolve) => setImmediate(resolve));
        stopped.abort(reason);
        expect(await failure).to.equal(reason);
      }
  });

  it('one is used again, also after a refusal', async () => {
    const sockets = new Set<unknown>();
    const keeping = await serve((request, response) => {
      sockets.add(request.socket);
      request.resume();
      response.writeHead(request.url === '/no' ? 409 : 200, { 'content-type': 'application/json' });
      response.end('{}');
    });
    for (const path of ['/a', '/no', '/b']) await keeping.request({ method: 'GET', path });
    await keeping.request({ method: 'POST', path: '/c', body: {} });
    expect(sockets.size).to.equal(1);
  });

  it('closed by the server while idle: a read takes another one, the outcome of a write is unknown', async () => {
    const seen: string[] = [];
    const used = new Set<unknown>();
    const stale = await serve((request, response) => {
      seen.push(`${request.method} ${used.has(request.socket) ? 'used' : 'fresh'}`);
      request.resume();
      if (used.has(request.socket)) {
        request.socket.resetAndDestroy();
        return;
      }
      used.add(request.socket);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end('{}');
    });
    await stale.request({ method: 'GET', path: '/x' });
    expect(await stale.request({ method: 'GET', path: '/x' })).to.include({ status: 200 });
    const error = await failureOf(stale.request({ method: 'POST', path: '/x', body: {} }));
    expect(isOutcomeUnknown(error)).to.equal(true);
    expect(seen).to.deep.equal(['GET fresh', 'GET used', 'GET fresh', 'POST used']);
  });

  it('of a watch ends when its loop is left, and when it is aborted', async () => {
    let closed = () => {};
    const watching = await serve((request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write(line('ADDED', 'a'));
      request.socket.once('close', () => closed());
    });
    const gone = () =>
      new Promise<void>((resolve) => {
        closed = resolve;
      });
    const left = gone();
    const { events } = await watching.watch({ method: 'GET', path: '/x' });
    for await (const _ of events) break;
    await left;

    const aborted = gone();
    const stopped = new AbortController();
    const reason = new Error('enough');
    const second = await watching.watch({ method: 'GET', path: '/x', signal: stopped.signal });
    const failure = failureOf(
      (async () => {
        for await (const _ of second.events) stopped.abort(reason);
      })(),
    );
    expect(await failure).to.equal(reason);
    await aborted;
  });

  it('of a watch that is packed gives events as they come', async () => {
    const packed = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
      const gzip = createGzip();
      gzip.pipe(response);
      gzip.write(line('ADDED', 'a'));
      gzip.flush();
    });
    const { events } = await packed.watch<{ name: string }>({ method: 'GET', path: '/x' });
    let first: WatchEvent<{ name: string }> | undefined;
    for await (const batch of events) {
      first = batch[0];
      break;
    }
    expect(first).to.deep.equal({ type: 'ADDED', object: { name: 'a' } });
  });

  describe('over TLS', () => {
    const clock = new VirtualClock({ startAt: Date.now() });
    let authority: KeyPair;
    let stranger: KeyPair;
    let client: KeyPair;
    let url: string;
    before(async () => {
      authority = await createAuthority('test-ca', { clock });
      stranger = await createAuthority('other-ca', { clock });
      client = await issueCertificate(
        authority,
        { commonName: 'alice', organizations: ['dev'], usage: 'client' },
        { clock },
      );
    });
    beforeEach(async () => {
      const own = await issueCertificate(
        authority,
        { commonName: 'server', dnsNames: ['gyre.internal'], usage: 'server' },
        { clock },
      );
      const created = createTlsServer(
        { ...own, ca: authority.cert, requestCert: true, rejectUnauthorized: false },
        (request, response) => {
          const user = (request.socket as TLSSocket).getPeerCertificate().subject?.CN ?? 'nobody';
          request.resume();
          response.writeHead(200, { 'content-type': 'application/json' });
          response.end(JSON.stringify({ user }));
        },
      );
      await listen(created);
      url = `https://127.0.0.1:${portOf(created)}`;
    });
    const userSeen = async (options: Partial<HttpTransportOptions>) => {
      transport?.close();
      transport = createHttpTransport({ server: url, ...options });
      const { body } = await transport.request({ method: 'POST', path: '/x', body: {} });
      return (body as { user: string }).user;
    };

    it('checks the server against the authority and the name that are given, shows the client certificate', async () => {
      const trusted = { ca: authority.cert, servername: 'gyre.internal' };
      expect(await userSeen(trusted)).to.equal('nobody');
      expect(await userSeen({ ...trusted, ...client })).to.equal('alice');
    });

    it('sends nothing to a server it cannot trust', async () => {
      for (const options of [
        {},
        { ca: stranger.cert, servername: 'gyre.internal' },
        // Right authority, but the certificate is not for this address.
        { ca: authority.cert },
      ])
        expect(await failureOf(userSeen(options))).to.satisfy(isUnsent);
    });

    it('trusts anybody only when told to', async () => {
      expect(await userSeen({ insecure: true })).to.equal('nobody');
    });
  });
});
