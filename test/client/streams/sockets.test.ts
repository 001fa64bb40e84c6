/** Streams against WebSocket servers of the test's own: older protocols, forwarded ports, connections that break. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { type WebSocket, WebSocketServer } from 'ws';
import { isApiError, isOutcomeUnknown, isTransportError } from 'gyre/api';
import { type Client, createClient, createHttpTransport, type HttpTransportOptions } from 'gyre/client';

describe('pod streams over WebSockets', () => {
  let server: Server;
  let client: Client;
  const serve = async (
    protocol: string,
    handle: (socket: WebSocket, request: IncomingMessage) => void,
    options: Partial<HttpTransportOptions> = {},
  ) => {
    server = createServer((_, response) => response.writeHead(418).end('short and stout'));
    const sockets = new WebSocketServer({
      server,
      handleProtocols: (offered) => (offered.has(protocol) ? protocol : false),
    });
    sockets.on('connection', handle);
    await listening();
    connectTo(options);
  };
  const listening = () => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const connectTo = (options: Partial<HttpTransportOptions> = {}) => {
    const { port } = server.address() as AddressInfo;
    client = createClient(createHttpTransport({ server: `http://127.0.0.1:${port}`, ...options }));
  };
  afterEach(async () => {
    client.transport.close();
    server.closeAllConnections();
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
  const frame = (channel: number, data: string | Uint8Array) =>
    Buffer.concat([Buffer.of(channel), Buffer.from(data as string)]);
  const success = frame(3, JSON.stringify({ metadata: {}, status: 'Success' }));
  const command = { command: ['x'] };

  it('falls back to v4, which cannot tell the end of stdin', async () => {
    await serve('v4.channel.k8s.io', (socket) => {
      socket.send(frame(1, ''));
      socket.on('message', (data: Buffer) => {
        socket.send(frame(1, data.subarray(1)));
        socket.send(success);
      });
    });
    const session = await client.exec('default/web', { ...command, stdin: true });
    expect(await failureOf(session.stdin.end())).to.satisfy(isTransportError);
    await session.stdin.write('hi');
    expect(await session.collect()).to.deep.equal({ stdout: 'hi', stderr: '', exitCode: 0 });
  });

  it('offers the newest protocol first, shows its token, and repeats the command word by word', async () => {
    let asked: IncomingMessage | undefined;
    await serve(
      'v5.channel.k8s.io',
      (socket, request) => {
        asked = request;
        socket.send(success);
      },
      { token: 'secret', impersonate: { username: 'jane', groups: ['a', 'b'] } },
    );
    await (await client.exec('default/web', { command: ['echo', 'a b'] })).exitCode;
    expect(asked?.url).to.equal(
      '/api/v1/namespaces/default/pods/web/exec?command=echo&command=a+b&stdout=true&stderr=true',
    );
    expect(asked?.headers).to.include({
      'sec-websocket-protocol': 'v5.channel.k8s.io,v4.channel.k8s.io',
      authorization: 'Bearer secret',
      'impersonate-user': 'jane',
      'impersonate-group': 'a, b',
    });
  });

  it('a connection that breaks before the end leaves the outcome unknown, for every reader', async () => {
    for (const leave of [(socket: WebSocket) => socket.terminate(), (socket: WebSocket) => socket.close()]) {
      await serve('v5.channel.k8s.io', (socket) => {
        socket.send(frame(1, 'half'), () => leave(socket));
      });
      const session = await client.exec('default/web', command);
      expect(isOutcomeUnknown(await failureOf(session.exitCode))).to.equal(true);
      const read: string[] = [];
      const reading = (async () => {
        for await (const chunk of session.stdout) read.push(Buffer.from(chunk).toString());
      })();
      expect(await failureOf(reading)).to.satisfy(isTransportError);
      expect(read).to.deep.equal(['half']);
      client.transport.close();
      server.closeAllConnections();
      server.close();
    }
    await serve('v5.channel.k8s.io', () => {});
  });

  it('an end that says nothing of an exit code is an ApiError, in whatever words', async () => {
    for (const [data, expected] of [
      [
        JSON.stringify({ status: 'Failure', message: 'no such file', reason: 'InternalError', code: 500 }),
        'no such file',
      ],
      ['plain words', 'plain words'],
      [
        JSON.stringify({ status: 'Failure', reason: 'NonZeroExitCode', details: {}, message: 'how?' }),
        'how?',
      ],
    ] as const) {
      await serve('v5.channel.k8s.io', (socket) => socket.send(frame(3, data)));
      const error = await failureOf((await client.exec('default/web', command)).exitCode);
      expect(isApiError(error)).to.equal(true);
      expect(error).to.include({ message: expected });
      client.transport.close();
      server.closeAllConnections();
      server.close();
    }
    await serve('v5.channel.k8s.io', () => {});
  });

  it('what answers without opening a WebSocket is told as a refusal, or as no API server', async () => {
    server = createServer((_, response) => {
      response.writeHead(403, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ kind: 'Status', reason: 'Forbidden', message: 'no', code: 403 }));
    });
    server.on('upgrade', (_, socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
    await listening();
    connectTo();
    expect(await failureOf(client.exec('default/web', command))).to.satisfy(
      (error: unknown) => isTransportError(error) && !isOutcomeUnknown(error),
    );
    server.removeAllListeners('upgrade');
    expect(isApiError(await failureOf(client.exec('default/web', command)), 'Forbidden')).to.equal(true);
  });

  it('a refused token is replaced once, as for requests', async () => {
    const seen: unknown[] = [];
    server = createServer();
    const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'v5.channel.k8s.io' });
    server.on('upgrade', (request, socket, head) => {
      seen.push(request.headers.authorization);
      if (request.headers.authorization !== 'Bearer t2')
        socket.end('HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
      else sockets.handleUpgrade(request, socket, head, (opened) => opened.send(success));
    });
    await listening();
    let n = 0;
    connectTo({ token: () => `t${++n}` });
    expect(await (await client.exec('default/web', command)).exitCode).to.equal(0);
    expect(seen).to.deep.equal(['Bearer t1', 'Bearer t2']);
  });

  describe('a forwarded port', () => {
    const port = (n: number) => Uint8Array.of(n & 255, n >> 8);
    const protocol = 'v4.channel.k8s.io';

    it('is a duplex: the port is told first, then data both ways, whole', async () => {
      let url = '';
      const received: Buffer[] = [];
      const big = Buffer.alloc(3_000_000, 'abc');
      await serve(protocol, (socket, request) => {
        url = request.url ?? '';
        socket.send(frame(0, port(8080)));
        socket.send(frame(1, port(8080)));
        socket.on('message', (data: Buffer) => {
          expect(data[0]).to.equal(0);
          received.push(data.subarray(1));
          if (received.reduce((sum, one) => sum + one.length, 0) < big.length) return;
          for (let at = 0; at < big.length; at += 30_000)
            socket.send(frame(0, big.subarray(at, at + 30_000)));
          socket.close(1000);
        });
      });
      const connection = await client.portForward('default/web', 8080);
      connection.end(big);
      const echoed: Buffer[] = [];
      for await (const chunk of connection) echoed.push(chunk as Buffer);
      expect(url).to.equal('/api/v1/namespaces/default/pods/web/portforward?ports=8080');
      expect(Buffer.concat(received).equals(big)).to.equal(true);
      expect(Buffer.concat(echoed).equals(big)).to.equal(true);
    });

    it('is destroyed by what goes wrong there, with its words', async () => {
      await serve(protocol, (socket) => {
        socket.send(frame(0, port(1)));
        socket.send(frame(1, Buffer.concat([port(1), Buffer.from('connection refused\n')])));
      });
      const connection = await client.portForward('default/web', 1);
      const error = await failureOf(
        (async () => {
          for await (const _ of connection);
        })(),
      );
      expect(isTransportError(error)).to.equal(true);
      expect(error).to.include({ message: 'the port cannot be forwarded: connection refused' });
    });

    it('that is destroyed is closed there too; one that is cut off fails here', async () => {
      let closed: () => void = () => {};
      const gone = new Promise<void>((resolve) => {
        closed = resolve;
      });
      let drop: () => void = () => {};
      await serve(protocol, (socket) => {
        socket.once('close', closed);
        drop = () => socket.terminate();
        socket.send(frame(0, port(1)));
      });
      (await client.portForward('default/web', 1)).destroy();
      await gone;
      const connection = await client.portForward('default/web', 1);
      const failed = new Promise((resolve) => connection.once('error', resolve));
      await new Promise((resolve) => setImmediate(resolve));
      drop();
      connection.resume();
      expect(await failed).to.satisfy(isTransportError);
    });

    it('a server without the protocol is a clear error', async () => {
      await serve('SPDY/3.1+portforward.k8s.io', () => {});
      expect(await failureOf(client.portForward('default/web', 1))).to.satisfy(isTransportError);
    });
  });
});
