import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { probeHttp, probeTcp } from '#src/runtime/process/network-probes.js';
import { systemClock } from '#src/system/index.js';

describe('network probes', () => {
  let server: Server;
  let port = 0;
  const seen: {
    path: string;
    agent: string | undefined;
    connection: string | undefined;
    host: string | undefined;
  }[] = [];

  before((done) => {
    server = createServer((request, response) => {
      const { url = '', headers } = request;
      seen.push({
        path: url,
        agent: headers['user-agent'],
        connection: headers.connection,
        host: headers.host,
      });
      if (url === '/slow') return;
      const [, status = '200', location] = /^\/(\d+)(?:\?to=(.*))?$/.exec(url) ?? [];
      response.writeHead(Number(status), location ? { location: decodeURIComponent(location) } : {});
      response.end(`body of ${url}`);
    }).listen(0, '127.0.0.1', () => {
      port = (server.address() as AddressInfo).port;
      done();
    });
  });
  after((done) => {
    server.closeAllConnections();
    server.close(done);
  });
  const http = (path: string, headers: readonly (readonly [string, string])[] = [], timeoutMs = 1000) =>
    probeHttp(
      { type: 'httpGet', scheme: 'http', host: '127.0.0.1', port, path, headers },
      timeoutMs,
      systemClock,
    );

  for (const status of [200, 204, 399]) {
    it(`KL-9 ${status} is success`, async () =>
      expect((await http(`/${status}`)).outcome).to.equal('success'));
  }
  for (const status of [400, 404, 500]) {
    it(`KL-9 ${status} is failure`, async () => {
      expect(await http(`/${status}`)).to.deep.equal({
        outcome: 'failure',
        message: `HTTP probe failed with statuscode: ${status}`,
      });
    });
  }

  it('KL-9 says who it is, keeps no connection, and takes headers over its own', async () => {
    await http('/200');
    expect(seen.at(-1)).to.include({ agent: 'kube-probe/1.32', connection: 'close' });
    await http('/200', [
      ['User-Agent', 'mine'],
      ['Host', 'example.com'],
    ]);
    expect(seen.at(-1)).to.include({ agent: 'mine', host: 'example.com' });
  });

  it('KL-9 follows redirects on the host, and takes one to another host for success', async () => {
    expect((await http(`/302?to=${encodeURIComponent('/500')}`)).message).to.equal(
      'HTTP probe failed with statuscode: 500',
    );
    const away = await http(`/302?to=${encodeURIComponent('http://elsewhere.example/500')}`);
    expect(away.outcome).to.equal('success');
    expect(away.message).to.contain('Probe terminated redirects');
  });

  it('KL-9 gives up in time', async () => {
    expect(await http('/slow', [], 50)).to.deep.equal({
      outcome: 'failure',
      message: `Get "http://127.0.0.1:${port}/slow": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`,
    });
  });

  it('KL-9 connects to a socket', async () => {
    const tcp = (to: number) =>
      probeTcp({ type: 'tcpSocket', host: '127.0.0.1', port: to }, 1000, systemClock);
    expect((await tcp(port)).outcome).to.equal('success');
    expect(await tcp(1)).to.deep.equal({
      outcome: 'failure',
      message: 'dial tcp 127.0.0.1:1: connect: connection refused',
    });
  });
});
