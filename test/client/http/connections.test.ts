/** How a server is reached: through proxies, with certificates that rotate, as somebody else. */
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import { type AddressInfo, connect as connectNet, type Server as NetServer } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { expect } from 'chai';
import { WebSocketServer } from 'ws';
import { isOutcomeUnknown, isTransportError, type Transport } from 'gyre/api';
import { connect, createClient, createHttpTransport, type HttpTransportOptions } from 'gyre/client';
import { EmbeddedCluster } from 'gyre/cluster';
import { ConfigMap } from 'gyre/kinds';
import { createAuthority, issueCertificate, type KeyPair } from '#src/pki/index.js';
import { VirtualClock } from 'gyre/testing';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const isUnsent = (error: unknown) => isTransportError(error) && !isOutcomeUnknown(error);

describe('HTTP transport: how a server is reached', () => {
  const clock = new VirtualClock({ startAt: Date.now() });
  let authority: KeyPair;
  let own: KeyPair;
  before(async () => {
    authority = await createAuthority('test-ca', { clock });
    own = await issueCertificate(
      authority,
      { commonName: 'server', ipAddresses: ['127.0.0.1'], usage: 'server' },
      { clock },
    );
  });
  const running: NetServer[] = [];
  let transport: Transport | undefined;
  const start = async <S extends NetServer>(server: S): Promise<S> => {
    running.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return server;
  };
  const portOf = (server: NetServer) => (server.address() as AddressInfo).port;
  const open = (options: HttpTransportOptions) => {
    transport?.close();
    transport = createHttpTransport(options);
    return transport;
  };
  afterEach(async () => {
    transport?.close();
    for (const server of running.splice(0)) {
      if ('closeAllConnections' in server) (server as http.Server).closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });
  const failureOf = async (promise: Promise<unknown>): Promise<unknown> => {
    try {
      await promise;
    } catch (error) {
      return error;
    }
    throw new Error('it did not fail');
  };
  const echo = (request: http.IncomingMessage, response: http.ServerResponse) => {
    const { subject } = (request.socket as TLSSocket).getPeerCertificate?.() ?? {};
    const { url, headers, httpVersion } = request;
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ url, headers, httpVersion, user: subject?.CN }));
  };
  const ask = async (): Promise<{
    url: string;
    headers: Record<string, string>;
    user?: string;
    httpVersion: string;
  }> => (await transport?.request({ method: 'GET', path: '/x?a=b' }))?.body as never;

  describe('through a proxy', () => {
    let seen: { readonly line: string; readonly authorization: string | undefined }[];
    /** One that sends on what it is asked to, both ways there are. */
    const proxy = async (refuse?: number): Promise<http.Server> => {
      seen = [];
      const note = (request: http.IncomingMessage) =>
        seen.push({
          line: `${request.method} ${request.url}`,
          authorization: request.headers['proxy-authorization'],
        });
      const server = http.createServer((request, response) => {
        note(request);
        const upstream = http.request(request.url ?? '', {
          method: request.method,
          headers: request.headers,
        });
        upstream.on('response', (answer) => {
          response.writeHead(answer.statusCode ?? 0, answer.headers);
          answer.pipe(response);
        });
        request.pipe(upstream);
      });
      server.on('connect', (request, socket, head) => {
        note(request);
        socket.on('error', () => {});
        if (refuse) {
          socket.end(`HTTP/1.1 ${refuse} No\r\n\r\n`);
          return;
        }
        const [host = '', port] = (request.url ?? '').split(':');
        const upstream = connectNet({ host, port: Number(port) }, () => {
          socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
          upstream.write(head);
          upstream.pipe(socket).pipe(upstream);
        });
        upstream.on('error', () => socket.destroy());
        upstream.on('close', () => socket.destroy());
        socket.on('close', () => upstream.destroy());
      });
      return start(server);
    };
    const basic = `Basic ${Buffer.from('me:hush hush').toString('base64')}`;

    it('a secure server is reached by a tunnel, which is kept; the proxy is told who we are', async () => {
      const server = await start(https.createServer(own, echo));
      const through = await proxy();
      open({
        server: `https://127.0.0.1:${portOf(server)}`,
        ca: authority.cert,
        proxy: `http://me:hush%20hush@127.0.0.1:${portOf(through)}`,
      });
      expect((await ask()).url).to.equal('/x?a=b');
      expect((await ask()).headers).to.not.have.property('proxy-authorization');
      expect(seen).to.deep.equal([{ line: `CONNECT 127.0.0.1:${portOf(server)}`, authorization: basic }]);
    });

    it('so is HTTP/2', async () => {
      const server = http2.createSecureServer({ ...own, allowHTTP1: false });
      server.on('stream', (stream) => {
        stream.respond({ ':status': 200, 'content-type': 'application/json' });
        stream.end('{"httpVersion":"2"}');
      });
      await start(server);
      const through = await proxy();
      open({
        server: `https://127.0.0.1:${portOf(server)}`,
        ca: authority.cert,
        http2: true,
        proxy: `http://127.0.0.1:${portOf(through)}`,
      });
      expect((await ask()).httpVersion).to.equal('2');
      expect(seen.map(({ line }) => line)).to.deep.equal([`CONNECT 127.0.0.1:${portOf(server)}`]);
      transport?.close();
    });

    it('a server that is not secure is the proxy’s to ask; streams go through a tunnel all the same', async () => {
      const server = await start(http.createServer(echo));
      new WebSocketServer({ server, handleProtocols: () => 'v5.channel.k8s.io' }).on('connection', (socket) =>
        socket.send(Buffer.concat([Buffer.of(3), Buffer.from('{"status":"Success"}')])),
      );
      const through = await proxy();
      open({
        server: `http://127.0.0.1:${portOf(server)}`,
        proxy: `http://me:hush%20hush@127.0.0.1:${portOf(through)}`,
      });
      expect((await ask()).url).to.equal('/x?a=b');
      const session = await createClient(transport as Transport).exec('a/b', { command: ['x'] });
      expect(await session.exitCode).to.equal(0);
      expect(seen).to.deep.equal([
        { line: `GET http://127.0.0.1:${portOf(server)}/x?a=b`, authorization: basic },
        { line: `CONNECT 127.0.0.1:${portOf(server)}`, authorization: basic },
      ]);
    });

    it('one that refuses or is not there: nothing was sent, and no password is shown', async () => {
      const through = await proxy(407);
      for (const port of [portOf(through), 1])
        for (const http2 of [false, true]) {
          open({ server: 'https://one.test', http2, proxy: `http://me:hush@127.0.0.1:${port}` });
          const error = await failureOf(
            (transport as Transport).request({ method: 'POST', path: '/x', body: {} }),
          );
          expect(error).to.satisfy(isUnsent);
          expect((error as Error).message)
            .to.match(
              port === 1 ? /ECONNREFUSED/ : /proxy 127.0.0.1:\d+: it answered 407 to CONNECT one.test:443/,
            )
            .and.not.include('hush');
        }
    });

    it('that of the environment is taken where the kubeconfig names none', async () => {
      const dir = mkdtempSync(join(tmpdir(), 'gyre-proxy-'));
      const through = await proxy(403);
      try {
        const file = join(dir, 'config');
        const config = {
          'current-context': 'c',
          contexts: [{ name: 'c', context: { cluster: 'c' } }],
          clusters: [{ name: 'c', cluster: { server: 'https://one.test' } }],
        };
        writeFileSync(file, JSON.stringify(config));
        const connected = async (env: NodeJS.ProcessEnv) => {
          const found = await connect({ kubeconfig: file }, { env, retry: false });
          await failureOf(found.transport.request({ method: 'GET', path: '/x' }));
          found.transport.close();
        };
        const proxyUrl = `http://127.0.0.1:${portOf(through)}`;
        await connected({ HTTPS_PROXY: proxyUrl });
        expect(seen).to.have.length(1);
        await connected({ HTTPS_PROXY: proxyUrl, NO_PROXY: 'one.test' });
        expect(seen).to.have.length(1);
      } finally {
        rmSync(dir, { recursive: true });
      }
    });
  });

  for (const http2 of [false, true])
    describe(`certificates that rotate${http2 ? ', asked for HTTP/2' : ''}`, () => {
      it('new requests show the new certificate, those under way go on with the old one', async () => {
        const held: http.ServerResponse[] = [];
        const server = await start(
          https.createServer(
            { ...own, ca: authority.cert, requestCert: true, rejectUnauthorized: true },
            (request, response) => (request.url === '/hold' ? held.push(response) : echo(request, response)),
          ),
        );
        const issue = (commonName: string) =>
          issueCertificate(authority, { commonName, organizations: [], usage: 'client' }, { clock });
        let shown = await issue('alice');
        open({
          server: `https://127.0.0.1:${portOf(server)}`,
          ca: () => authority.cert,
          http2,
          credentials: { current: () => shown },
        });
        expect((await ask()).user).to.equal('alice');
        const under = transport?.request({ method: 'GET', path: '/hold' });
        while (held.length === 0) await new Promise((resolve) => setImmediate(resolve));
        shown = await issue('bob');
        expect((await ask()).user).to.equal('bob');
        held[0]?.end('ok');
        expect((await under)?.body).to.equal('ok');
        expect((await ask()).user).to.equal('bob');
      });
    });

  it('an authority that rotates is believed on new connections', async () => {
    const next = await createAuthority('next-ca', { clock });
    const server = await start(https.createServer(own, echo));
    let ca = next.cert;
    open({ server: `https://127.0.0.1:${portOf(server)}`, ca: () => ca });
    expect(await failureOf(ask())).to.satisfy(isUnsent);
    ca = authority.cert;
    expect((await ask()).url).to.equal('/x?a=b');
  });

  it('a password is shown where there is no token', async () => {
    const server = await start(http.createServer(echo));
    const url = `http://127.0.0.1:${portOf(server)}`;
    const password = { username: 'jane', password: 'pä:ss' };
    open({ server: url, basic: password });
    const sent = Buffer.from((await ask()).headers.authorization?.replace('Basic ', '') ?? '', 'base64');
    expect(sent.toString('utf8')).to.equal('jane:pä:ss');
    open({ server: url, basic: password, token: 't' });
    expect((await ask()).headers.authorization).to.equal('Bearer t');
  });

  it('API-18 acts as somebody else, whose name and groups the server sees', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'gyre-as-'));
    const cluster = await EmbeddedCluster.start({ dataDir, store: 'memory', controllers: false, https: {} });
    try {
      const file = cluster.kubeconfig as string;
      const as = join(dataDir, 'as');
      writeFileSync(
        as,
        readFileSync(file, 'utf8').replace(
          /^(\s*)(client-certificate-data:)/m,
          '$1as: jane\n$1as-groups: [dev, ops]\n$1as-user-extra: {example.com/team: [blue]}\n$1$2',
        ),
      );
      const { transport: jane } = await connect({ kubeconfig: as });
      const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview', metadata: {} };
      const { status, body: answer } = await jane.request({
        method: 'POST',
        path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
        body,
      });
      expect(status).to.equal(201);
      const { userInfo } = (answer as { status: { userInfo: { username: string; groups: string[] } } })
        .status;
      expect(userInfo.username).to.equal('jane');
      expect(userInfo.groups).to.include.members(['dev', 'ops']);
      const error = await failureOf(createClient(jane).get(ConfigMap, 'default/x'));
      expect((error as Error).message).to.include('User "jane" cannot get');
      jane.close();
    } finally {
      await cluster.stop();
      rmSync(dataDir, { recursive: true });
    }
  });

  it('encodes what a header name may not hold in the keys of extra', async () => {
    const server = await start(http.createServer(echo));
    open({
      server: `http://127.0.0.1:${portOf(server)}`,
      impersonate: { username: 'jane', uid: 'u', extra: { 'example.com/team%': ['a', 'b'] } },
    });
    expect((await ask()).headers).to.include({
      'impersonate-user': 'jane',
      'impersonate-uid': 'u',
      'impersonate-extra-example.com%2fteam%25': 'a, b',
    });
  });
});
