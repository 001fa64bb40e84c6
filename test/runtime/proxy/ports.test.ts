import { once } from 'node:events';
import { createSocket } from 'node:dgram';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import { seededRandom } from 'gyre/testing';
import { Balancer } from '#src/runtime/proxy/balancer.js';
import type { Target } from '#src/runtime/proxy/service-ports.js';
import { TcpPort } from '#src/runtime/proxy/tcp-port.js';
import { UdpPort } from '#src/runtime/proxy/udp-port.js';
import { systemClock } from '#src/system/index.js';

const loopback = '127.0.0.1';

/** A server that says its name, then gives back in capitals what it was sent before the client's end. */
async function shouting(name: string): Promise<{ readonly server: Server; readonly target: Target }> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let heard = '';
    socket.on('data', (chunk) => {
      heard += chunk;
    });
    socket.on('end', () => socket.end(`${name}:${heard.toUpperCase()}`));
  });
  server.listen(0, loopback);
  await once(server, 'listening');
  return { server, target: { address: loopback, port: (server.address() as AddressInfo).port } };
}

async function freePort(): Promise<number> {
  const { server, target } = await shouting('');
  server.close();
  await once(server, 'close');
  return target.port;
}

/** Sends, closes its half, and gives what came back; rejects on a reset. */
async function ask(port: number, text: string): Promise<string> {
  const socket: Socket = connect({ host: loopback, port, allowHalfOpen: true });
  let heard = '';
  socket.on('data', (chunk) => {
    heard += chunk;
  });
  socket.end(text);
  await once(socket, 'end');
  return heard;
}

describe('service ports in user space', () => {
  const open: { close(): unknown }[] = [];
  const keep = <T extends { close(): unknown }>(thing: T): T => {
    open.push(thing);
    return thing;
  };
  afterEach(() => {
    for (const thing of open.splice(0)) thing.close();
  });

  async function listening(
    targets: readonly Target[],
    affinityMs?: number,
  ): Promise<{ port: number; balancer: Balancer; tcp: TcpPort }> {
    const balancer = new Balancer(systemClock, seededRandom(1));
    balancer.update(targets, affinityMs);
    const port = await freePort();
    const tcp = await TcpPort.listen(loopback, port, balancer, systemClock);
    keep({ close: () => tcp.close(true) });
    return { port, balancer, tcp };
  }

  it('relays both ways, each half closed as its peer closes it', async () => {
    const { server, target } = await shouting('a');
    keep(server);
    const { port } = await listening([target]);
    expect(await ask(port, 'hello')).to.equal('a:HELLO');
  });

  it('spreads connections over all targets', async () => {
    const [a, b] = [await shouting('a'), await shouting('b')];
    keep(a.server);
    keep(b.server);
    const { port } = await listening([a.target, b.target]);
    const answers = new Set<string>();
    for (let i = 0; i < 40; i++) answers.add(await ask(port, ''));
    expect([...answers].sort()).to.deep.equal(['a:', 'b:']);
  });

  it('skips a target that refuses, so that clients do not notice', async () => {
    const { server, target } = await shouting('a');
    keep(server);
    const { port } = await listening([{ address: loopback, port: await freePort() }, target]);
    for (let i = 0; i < 10; i++) expect(await ask(port, 'x')).to.equal('a:X');
  });

  it('resets a connection when nobody is there', async () => {
    const { port } = await listening([]);
    const failure = await ask(port, 'x').catch((error: NodeJS.ErrnoException) => error.code);
    expect(failure).to.equal('ECONNRESET');
  });

  it('keeps a client with its target while affinity lasts', async () => {
    const [a, b] = [await shouting('a'), await shouting('b')];
    keep(a.server);
    keep(b.server);
    const { port, balancer } = await listening([a.target, b.target], 60_000);
    const first = await ask(port, '');
    for (let i = 0; i < 20; i++) expect(await ask(port, '')).to.equal(first);
    // Its target goes: it gets the other one.
    const other = first === 'a:' ? b : a;
    balancer.update([other.target], 60_000);
    expect(await ask(port, '')).to.not.equal(first);
  });

  it('lets connections under way go on when targets change', async () => {
    const { server, target } = await shouting('a');
    keep(server);
    const { port, balancer } = await listening([target]);
    const socket = connect({ host: loopback, port, allowHalfOpen: true });
    await once(socket, 'connect');
    socket.write('hel');
    await ask(port, 'barrier');
    balancer.update([], undefined);
    let heard = '';
    socket.on('data', (chunk) => {
      heard += chunk;
    });
    socket.end('lo');
    await once(socket, 'end');
    expect(heard).to.equal('a:HELLO');
  });

  it('relays datagrams, and answers to the one who asked', async () => {
    const echo = createSocket('udp4');
    keep(echo);
    echo.on('message', (data, from) => echo.send(`re:${data}`, from.port, from.address));
    echo.bind(0, loopback);
    await once(echo, 'listening');
    const balancer = new Balancer(systemClock, seededRandom(1));
    balancer.update([{ address: loopback, port: echo.address().port }], undefined);
    const port = await freePort();
    keep(await UdpPort.listen(loopback, port, balancer, systemClock));
    for (const text of ['one', 'two']) {
      const client = createSocket('udp4');
      keep(client);
      client.send(text, port, loopback);
      const [answer] = (await once(client, 'message')) as [Buffer];
      expect(String(answer)).to.equal(`re:${text}`);
    }
  });
});
