/** Calling webhooks over real HTTPS: whose certificate is believed, and where a call may be sent on to. */
import { expect } from 'chai';
import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { HttpsWebhookDialer } from '#src/apiserver/webhooks/https-dialer.js';
import { createAuthority, issueCertificate, type KeyPair } from '#src/pki/index.js';
import { systemClock } from '#src/system/index.js';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('calling a webhook over HTTPS', () => {
  let ca: KeyPair;
  let leaf: KeyPair;
  let server: Server;
  let url: string;
  const seen: string[] = [];
  const dialer = new HttpsWebhookDialer({
    clock: systemClock,
    resolve: () => {
      throw new Error('no services here');
    },
  });
  const call = (path: string, caBundle: string) =>
    dialer
      .call({ url: `${url}${path}`, caBundle: base64(caBundle) }, { asked: true }, { timeoutMs: 10_000 })
      .catch((error: unknown) => String(error));

  before(async () => {
    ca = await createAuthority('hooks', { clock: systemClock });
    leaf = await issueCertificate(
      ca,
      { commonName: 'hook', usage: 'server', dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] },
      { clock: systemClock },
    );
    server = createServer(leaf, (request, response) => {
      const [path = '', query = ''] = (request.url ?? '').split('?');
      seen.push(`${request.method} ${path}`);
      const to: Record<string, string> = {
        '//hook': '/hook',
        '/loop': '/loop',
        '/away': 'https://example.com/hook',
        '/down': `http://127.0.0.1/hook`,
      };
      const location = to[path];
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        if (location) response.writeHead(307, { location: `${location}?${query}` }).end();
        else if (path === '/get') response.writeHead(302, { location: '/hook' }).end();
        else response.end(`{"got":${Buffer.concat(chunks).toString()}}`);
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    dialer.close();
    server.closeAllConnections();
    server.close();
  });

  it('believes what the bundle signed, and the certificate in the bundle itself', async () => {
    expect(await call('/hook', ca.cert)).to.deep.equal({ got: { asked: true } });
    expect(await call('/hook', leaf.cert)).to.deep.equal({ got: { asked: true } });
    const other = await createAuthority('others', { clock: systemClock });
    expect(await call('/hook', other.cert)).to.include('certificate signed by unknown authority');
  });

  it('sends the same call again where a server tidies up the path, and stops somewhere', async () => {
    seen.length = 0;
    expect(await call('//hook', ca.cert)).to.deep.equal({ got: { asked: true } });
    expect(seen).to.deep.equal(['POST //hook', 'POST /hook']);
    expect(await call('/loop', ca.cert)).to.include('stopped after 10 redirects');
  });

  it('is not sent to another host, nor to plain HTTP, nor turned into a GET', async () => {
    expect(await call('/away', ca.cert)).to.include('redirected to https://example.com/hook');
    expect(await call('/down', ca.cert)).to.include('which is another host');
    expect(await call('/get', ca.cert)).to.include('302');
  });
});
