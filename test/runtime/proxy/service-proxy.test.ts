/** The proxy on a real API server, clock and sockets: what it listens on follows Services and slices. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { expect } from 'chai';
import { Manager, silentLogger } from 'gyre';
import { EmbeddedCluster } from 'gyre/cluster';
import { Event, Service } from 'gyre/kinds';
import { EndpointSlice } from 'gyre/kinds/discovery/v1';
import { ServiceProxy } from 'gyre/runtime';

/** A server on a pod's address that says its name. */
async function pod(address: string, port = 0): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((socket) => socket.end(address));
  server.listen(port, address);
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

async function ask(address: string, port: number): Promise<string> {
  const socket = connect({ host: address, port });
  let heard = '';
  socket.on('data', (chunk) => (heard += chunk));
  try {
    await once(socket, 'close');
    return heard;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'failed';
  }
}

async function eventually<T>(look: () => Promise<T>, accept: (found: T) => boolean): Promise<T> {
  const deadline = process.uptime() + 10;
  for (;;) {
    const found = await look();
    if (accept(found) || process.uptime() > deadline) return found;
    await pause(20);
  }
}

describe('ServiceProxy', function () {
  this.timeout(20_000);
  let cluster: EmbeddedCluster;
  let manager: Manager;
  const servers: Server[] = [];

  before(async function () {
    // Only Linux has all of 127.0.0.0/8.
    if (process.platform !== 'linux') this.skip();
    cluster = await EmbeddedCluster.start({ controllers: false });
    manager = Manager.create({ cluster: cluster.target, log: silentLogger }).add(
      new ServiceProxy({ nodeName: 'local', nodePortAddresses: ['127.0.0.1'] }),
    );
    await manager.start();
  });
  after(async () => {
    await manager?.stop();
    await cluster?.stop();
    for (const server of servers) server.close();
  });

  async function service(name: string, port: number, pods: readonly string[], podPort: number) {
    const client = cluster.client();
    const { spec } = await client.create(Service, {
      metadata: { namespace: 'default', name },
      spec: { type: 'NodePort', ports: [{ port, targetPort: podPort }] },
    } as never);
    await client.create(EndpointSlice, {
      metadata: { namespace: 'default', name, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [{ name: '', port: podPort, protocol: 'TCP' }],
      endpoints: pods.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    } as never);
    return { address: spec?.clusterIP as string, nodePort: spec?.ports?.[0]?.nodePort as number };
  }

  it('KP-2 KP-3 answers on cluster address and node port, follows the slices, and goes with the Service', async () => {
    const client = cluster.client();
    const first = await pod('127.64.77.1');
    const second = await pod('127.64.77.2', first.port);
    servers.push(first.server, second.server);
    const { address, nodePort } = await service('web', 18_080, ['127.64.77.1'], first.port);
    const web = () => ask(address, 18_080);
    expect(await eventually(web, (heard) => heard === '127.64.77.1')).to.equal('127.64.77.1');
    expect(await ask('127.0.0.1', nodePort)).to.equal('127.64.77.1');
    await client.patch(EndpointSlice, 'default/web', (draft) => {
      draft.endpoints = [{ addresses: ['127.64.77.2'], conditions: { ready: true } }];
    });
    expect(await eventually(web, (heard) => heard === '127.64.77.2')).to.equal('127.64.77.2');
    await client.patch(EndpointSlice, 'default/web', (draft) => {
      draft.endpoints = [];
    });
    expect(await eventually(web, (heard) => heard === 'ECONNRESET')).to.equal('ECONNRESET');
    await client.delete(Service, 'default/web');
    expect(await eventually(web, (heard) => heard === 'ECONNREFUSED')).to.equal('ECONNREFUSED');
  });

  it('says in an event why a port cannot be listened on, once, and takes it when it is free', async () => {
    const client = cluster.client();
    const taken = await pod('127.96.88.1');
    const backend = await pod('127.64.77.3');
    servers.push(backend.server);
    await client.create(Service, {
      metadata: { namespace: 'default', name: 'late' },
      spec: { clusterIP: '127.96.88.1', ports: [{ port: taken.port, targetPort: backend.port }] },
    } as never);
    await client.create(EndpointSlice, {
      metadata: { namespace: 'default', name: 'late', labels: { 'kubernetes.io/service-name': 'late' } },
      addressType: 'IPv4',
      ports: [{ name: '', port: backend.port, protocol: 'TCP' }],
      endpoints: [{ addresses: ['127.64.77.3'], conditions: { ready: true } }],
    } as never);
    const told = async () => {
      const events: Event[] = [];
      const fieldSelector = 'involvedObject.name=late,reason=PortNotListening';
      for await (const event of client.list(Event, { namespace: 'default', fieldSelector }))
        events.push(event);
      return events;
    };
    const [event] = await eventually(told, (events) => events.length > 0);
    expect(event?.message).to.equal(`cannot listen on 127.96.88.1:${taken.port}/TCP: another program has it`);
    await new Promise((closed) => taken.server.close(closed));
    const heard = await eventually(
      () => ask('127.96.88.1', taken.port),
      (text) => text === '127.64.77.3',
    );
    expect(heard).to.equal('127.64.77.3');
    expect((await told()).map(({ count }) => count)).to.deep.equal([1]);
  });
});
