/** HTTP/2: against a secure server of the test's own. */
import http2, { type Http2SecureServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import https from 'node:https';
import { type AddressInfo, connect as connectNet, createServer as createNetServer } from 'node:net';
import { expect } from 'chai';
import { isApiError, isOutcomeUnknown, isTransportError, type Transport } from 'gyre/api';
import { createHttpTransport, type HttpTransportOptions } from 'gyre/client';
import { createAuthority, issueCertificate, type KeyPair } from '#src/pki/index.js';
import { VirtualClock } from 'gyre/testing';

const line = (name: string) => `${JSON.stringify({ type: 'ADDED', object: { name } })}\n`;
const json = { ':status': 200, 'content-type': 'application/json' };
const isUnsent = (error: unknown) => isTransportError(error) && !isOutcomeUnknown(error);

describe('HTTP/2 transport', () => {
  let authority: KeyPair;
  let own: KeyPair;
  before(async () => {
    const clock = new VirtualClock({ startAt: Date.now() });
    authority = await createAuthority('test-ca', { clock });
    own = await issueCertificate(
      authority,
      { commonName: 'server', ipAddresses: ['127.0.0.1'], usage: 'server' },
      { clock },
    );
  });

  type Handler = (
    stream: ServerHttp2Stream,
    headers: http2.IncomingHttpHeaders,
    body: string,
    session: ServerHttp2Session,
  ) => void;
  let server: Http2SecureServer | https.Server;
  let sessions: Set<ServerHttp2Session>;
  let opened: number;
  let transport: Transport;
  let clock: VirtualClock;
  beforeEach(() => {
    sessions = new Set();
    opened = 0;
    clock = new VirtualClock();
  });
  const serve = async (
    handle: Handler,
    settings: http2.Settings = {},
    options: Partial<HttpTransportOptions> = {},
  ) => {
    const created = http2.createSecureServer({ ...own, settings });
    created.on('session', (session) => {
      opened++;
      sessions.add(session);
      session.once('close', () => sessions.delete(session));
      session.on('error', () => {});
    });
    created.on('stream', (stream, headers) => {
      stream.on('error', () => {});
      let body = '';
      stream.on('data', (chunk: Buffer) => {
        body += chunk.toString();
      });
      if (headers[':method'] === 'GET') handle(stream, headers, '', stream.session as ServerHttp2Session);
      else stream.once('end', () => handle(stream, headers, body, stream.session as ServerHttp2Session));
    });
    server = created;
    await listening(options);
  };
  const listening = async (options: Partial<HttpTransportOptions> = {}) => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    transport = createHttpTransport({
      server: `https://127.0.0.1:${port}`,
      ca: authority.cert,
      http2: true,
      clock,
      ...options,
    });
  };
  afterEach(async () => {
    transport.close();
    for (const session of sessions) session.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const failureOf = async (promise: Promise<unknown>): Promise<unknown> => {
    try {
      await promise;
    } catch (error) {
      return error;
    }
    throw new Error('it did not fail');
  };
  const get = (path = '/x') => transport.request({ method: 'GET', path });
  const post = (path = '/x') => transport.request({ method: 'POST', path, body: { hello: 'wörld' } });
  const tick = () => new Promise((resolve) => setImmediate(resolve));

  it('sends and reads JSON; many requests share a connection', async () => {
    await serve(
      (stream, headers, body) => {
        stream.respond(json);
        const { ':method': method, ':path': path, authorization } = headers;
        stream.end(JSON.stringify({ method, path, authorization, type: headers['content-type'], body }));
      },
      {},
      { token: 'secret' },
    );
    const answers = await Promise.all([post('/a'), get('/b'), get('/c')]);
    expect(answers[0]).to.deep.include({
      status: 200,
      body: {
        method: 'POST',
        path: '/a',
        authorization: 'Bearer secret',
        type: 'application/json',
        body: '{"hello":"wörld"}',
      },
    });
    expect(answers[1]?.headers).to.deep.include({ 'content-type': 'application/json' });
    expect(opened).to.equal(1);
  });

  it('refusals resolve for requests and throw for watches', async () => {
    await serve((stream) => {
      stream.respond({ ...json, ':status': 403 });
      stream.end(JSON.stringify({ kind: 'Status', reason: 'Forbidden', code: 403 }));
    });
    expect(await get()).to.include({ status: 403 });
    expect(isApiError(await failureOf(transport.watch({ method: 'GET', path: '/x' })), 'Forbidden')).to.equal(
      true,
    );
  });

  it('many watches share a connection, and requests beside them; one that is left ends alone', async () => {
    const closed: string[] = [];
    await serve((stream, headers) => {
      stream.respond(json);
      if (headers[':path'] === '/request') stream.end('{}');
      else stream.write(line(String(headers[':path'])));
      stream.once('close', () => closed.push(String(headers[':path'])));
    });
    const watches = await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        transport.watch<{ name: string }>({ method: 'GET', path: `/${i}` }),
      ),
    );
    const readers = watches.map(({ events }) => events[Symbol.asyncIterator]());
    for (const [i, reader] of readers.entries())
      expect((await reader.next()).value).to.deep.equal([{ type: 'ADDED', object: { name: `/${i}` } }]);
    await readers[7]?.return?.();
    expect(await get('/request')).to.include({ status: 200 });
    while (!closed.includes('/7')) await tick();
    expect(closed.filter((path) => path !== '/request')).to.deep.equal(['/7']);
    expect(opened).to.equal(1);
  });

  it('opens another connection where one takes no more', async () => {
    await serve(
      (stream) => {
        stream.respond(json);
        stream.write(line('a'));
      },
      { maxConcurrentStreams: 3 },
    );
    await Promise.all(Array.from({ length: 7 }, () => transport.watch({ method: 'GET', path: '/x' })));
    expect(opened).to.equal(3);
  });

  it('gives up on a server that takes no requests', async () => {
    await serve(() => {}, { maxConcurrentStreams: 0 });
    expect(await failureOf(post())).to.satisfy(isUnsent);
  });

  it('an abort is its reason: while waiting, and in the middle of a watch', async () => {
    await serve((stream, headers) => {
      if (headers[':path'] === '/silent') return;
      stream.respond(json);
      stream.write(line('a'));
    });
    const reason = new Error('enough');
    for (const path of ['/silent', '/watch']) {
      const stopped = new AbortController();
      const failure = failureOf(
        (async () => {
          const { events } = await transport.watch({ method: 'GET', path, signal: stopped.signal });
          for await (const _ of events) stopped.abort(reason);
        })(),
      );
      if (path === '/silent') setTimeout(() => stopped.abort(reason), 20);
      expect(await failure, path).to.equal(reason);
    }
  });

  it('a stream or connection that is cut off: a read had no effect, the outcome of a write is unknown', async () => {
    await serve((stream, headers, _, session) => {
      if (String(headers[':path']).startsWith('/half')) {
        stream.respond(json);
        stream.write('{"half":');
      }
      setImmediate(() => {
        if (String(headers[':path']).endsWith('session')) session.destroy();
        else stream.destroy(new Error('cut'));
      });
    });
    for (const path of ['/none', '/half', '/none-session', '/half-session']) {
      expect(isOutcomeUnknown(await failureOf(post(path))), path).to.equal(true);
      expect(await failureOf(get(path)), path).to.satisfy(isUnsent);
    }
  });

  it('a watch that is cut off throws, one that is ended ends', async () => {
    await serve((stream, headers) => {
      stream.respond(json);
      stream.write(line('a'));
      setImmediate(() => {
        if (headers[':path'] === '/cut') stream.destroy(new Error('cut'));
        else stream.end();
      });
    });
    const drain = async (path: string) => {
      const { events } = await transport.watch({ method: 'GET', path });
      for await (const _ of events);
    };
    expect(await failureOf(drain('/cut'))).to.satisfy(isUnsent);
    await drain('/ended');
  });

  it('what the server refuses to begin is sent again, once, a write too', async () => {
    let refusals = 1;
    let begun = 0;
    await serve((stream) => {
      begun++;
      if (refusals-- > 0) {
        stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
        return;
      }
      stream.respond(json);
      stream.end('{}');
    });
    expect(await post()).to.include({ status: 200 });
    expect(begun).to.equal(2);
    refusals = 2;
    expect(await failureOf(post())).to.satisfy(isUnsent);
    expect(begun).to.equal(4);
  });

  it('a server that asks to leave is left: what is under way goes on, what is new takes another connection', async () => {
    await serve((stream, headers, _, session) => {
      stream.respond(json);
      if (headers[':path'] === '/watch') {
        stream.write(line('a'));
        session.goaway(http2.constants.NGHTTP2_NO_ERROR);
        setTimeout(() => stream.end(line('b')), 30);
      } else stream.end('{}');
    });
    const { events } = await transport.watch<{ name: string }>({ method: 'GET', path: '/watch' });
    const names: string[] = [];
    for await (const batch of events) {
      names.push(...batch.map(({ object }) => (object as { name: string }).name));
      if (names.length === 1) expect(await get()).to.include({ status: 200 });
    }
    expect(names).to.deep.equal(['a', 'b']);
    expect(opened).to.equal(2);
  });

  it('a connection that does not answer a ping is ended under its watches, an idle one is not pinged', async () => {
    let pings = 0;
    await serve((stream, headers, _, session) => {
      session.once('ping', () => pings++);
      stream.respond(json);
      if (headers[':path'] === '/watch') stream.write(line('a'));
      else stream.end('{}');
    });
    // Between the two: what can fall silent without closing anything.
    let silent = false;
    const { port } = server.address() as AddressInfo;
    const relay = createNetServer((near) => {
      const far = connectNet({ host: '127.0.0.1', port });
      near.on('data', (chunk) => far.write(chunk));
      far.on('data', (chunk) => silent || near.write(chunk));
      near.on('error', () => far.destroy());
      near.on('close', () => far.destroy());
      far.on('error', () => near.destroy());
    });
    await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
    transport.close();
    transport = createHttpTransport({
      server: `https://127.0.0.1:${(relay.address() as AddressInfo).port}`,
      ca: authority.cert,
      http2: { pingEveryMs: 10_000, pingTimeoutMs: 5_000 },
      clock,
    });
    try {
      await get();
      await tick();
      expect(clock.pending).to.equal(0);
      const { events } = await transport.watch({ method: 'GET', path: '/watch' });
      const reader = events[Symbol.asyncIterator]();
      await reader.next();
      const next = failureOf(Promise.resolve(reader.next()));
      let ended = false;
      void next.then(() => {
        ended = true;
      });
      await clock.advance('10s');
      while (pings === 0) await tick();
      // The answer is on its way back: real sockets take real time.
      await new Promise((resolve) => setTimeout(resolve, 50));
      await clock.advance('9s');
      expect(ended).to.equal(false);
      silent = true;
      await clock.advance('1s');
      await clock.advance('5s');
      const failure = await next;
      expect(failure).to.satisfy(isUnsent);
      expect((failure as Error).message).to.match(/did not answer an HTTP\/2 ping/);
    } finally {
      transport.close();
      await new Promise((resolve) => relay.close(resolve));
    }
  });

  it('speaks HTTP/1.1 with a server that knows nothing else', async () => {
    server = https.createServer(own, (request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ version: request.httpVersion }));
    });
    await listening();
    expect((await get()).body).to.deep.equal({ version: '1.1' });
    expect((await post()).body).to.deep.equal({ version: '1.1' });
  });

  it('sends nothing to a server it cannot trust, nor to one that is not there', async () => {
    await serve(() => {}, {}, { ca: own.cert });
    expect(await failureOf(post())).to.satisfy(isUnsent);
    transport.close();
    transport = createHttpTransport({ server: 'https://127.0.0.1:1', http2: true });
    expect(await failureOf(post())).to.satisfy(isUnsent);
  });

  it('closing the transport fails what is under way', async () => {
    await serve((stream) => {
      stream.respond(json);
      stream.write(line('a'));
    });
    const { events } = await transport.watch({ method: 'GET', path: '/x' });
    const reader = events[Symbol.asyncIterator]();
    await reader.next();
    const next = failureOf(Promise.resolve(reader.next()));
    transport.close();
    expect(await next).to.satisfy(isUnsent);
  });
});
