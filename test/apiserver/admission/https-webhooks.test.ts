/** Webhooks in a process of their own, as far as the API server can tell: over HTTPS, in real time. */
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { type ApiResponse, type HttpMethod, type JsonObject, isWebhookUnreachable } from 'gyre/api';
import { EmbeddedCluster } from 'gyre/cluster';
import { HttpsWebhookDialer } from '#src/apiserver/webhooks/https-dialer.js';
import { createAuthority, issueCertificate, type KeyPair } from '#src/pki/index.js';
import { systemClock } from '#src/system/index.js';
import {
  answerTo,
  configuration,
  configurationsUrl,
  patchOf,
  rule,
  webhook,
  type WebhookKind,
} from './webhook-objects.js';

const maps = '/api/v1/namespaces/default/configmaps';

describe('webhooks over HTTPS', () => {
  let authority: KeyPair;
  let https: Server;
  let port: number;
  let cluster: EmbeddedCluster;
  /** What the webhook's server does with a request. */
  let respond: (review: JsonObject, path: string) => { code?: number; body: string } | undefined;
  let connections = 0;

  before(async () => {
    authority = await createAuthority('webhook-ca', { clock: systemClock });
    const { cert, key } = await issueCertificate(
      authority,
      {
        commonName: 'webhook',
        dnsNames: ['localhost', 'hook.default.svc'],
        ipAddresses: ['127.0.0.1'],
        usage: 'server',
      },
      { clock: systemClock },
    );
    https = createServer({ cert, key }, (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const review = JSON.parse(Buffer.concat(chunks).toString()) as JsonObject;
        const answer = respond(review, request.url ?? '');
        if (answer) response.writeHead(answer.code ?? 200).end(answer.body);
      });
    });
    https.on('secureConnection', () => {
      connections++;
    });
    await new Promise<void>((resolve) => https.listen(0, '127.0.0.1', resolve));
    ({ port } = https.address() as AddressInfo);
  });
  after(() => {
    https.closeAllConnections();
    https.close();
  });
  beforeEach(async () => {
    cluster = await EmbeddedCluster.start({ controllers: false });
    connections = 0;
  });
  afterEach(() => cluster.stop());

  const ask = (method: HttpMethod, path: string, body?: object): Promise<ApiResponse> =>
    cluster.transport().request({ method, path, ...(body ? { body } : {}) });
  const create = (name: string): Promise<ApiResponse> =>
    ask('POST', maps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { own: '1' } });
  const caBundle = (): string => Buffer.from(authority.cert).toString('base64');
  async function install(
    clientConfig: object,
    kind: WebhookKind = 'Validating',
    more: object = {},
  ): Promise<void> {
    const hook = webhook('https.example.com', [rule('configmaps')], { clientConfig, ...more });
    const { status, body } = await ask('POST', configurationsUrl(kind), configuration(kind, 'h', [hook]));
    expect(status, JSON.stringify(body)).to.equal(201);
  }
  const answer = (response: object) => (review: JsonObject) => ({
    body: JSON.stringify(answerTo(review, response)),
  });
  const messageOf = ({ body }: ApiResponse): string => (body as { message: string }).message;
  const failed =
    'Internal error occurred: failed calling webhook "https.example.com": failed to call webhook: ';

  it('API-17 are called by their url, patch objects, and keep their connection', async () => {
    let path = '';
    respond = (review, at) => {
      path = at;
      return answer(patchOf({ op: 'add', path: '/data/by', value: 'https' }))(review);
    };
    await install({ url: `https://127.0.0.1:${port}/mutate`, caBundle: caBundle() }, 'Mutating');
    const { body } = await create('a');
    expect((body as { data: object }).data).to.deep.equal({ own: '1', by: 'https' });
    expect(path).to.equal('/mutate?timeout=10s');
    await create('b');
    expect(connections).to.equal(1);
  });

  it('API-17 are called as a service, under the service’s name', async () => {
    respond = answer({ allowed: false, status: { message: 'by service' } });
    const service = { namespace: 'default', name: 'hook', path: '/x' };
    await install({ service, caBundle: caBundle() });
    const url = `${failed}Post "https://hook.default.svc:443/x?timeout=10s": `;
    expect(messageOf(await create('a'))).to.equal(`${url}service "hook" not found`);
    const services = '/api/v1/namespaces/default/services';
    const metadata = { name: 'hook' };
    const kind = { apiVersion: 'v1', kind: 'Service' };
    await ask('POST', services, { ...kind, metadata, spec: { ports: [{ name: 'web', port: 443 }] } });
    expect(messageOf(await create('a'))).to.equal(`${url}no endpoints available for service "hook"`);
    await ask('DELETE', `${services}/hook`);
    await ask('DELETE', `${configurationsUrl('Validating')}/h`);
    await install({ service: { ...service, port }, caBundle: caBundle() });
    await ask('POST', services, {
      ...kind,
      metadata,
      spec: { type: 'ExternalName', externalName: 'localhost' },
    });
    expect(messageOf(await create('a'))).to.equal(
      'admission webhook "https.example.com" denied the request: by service',
    );
  });

  for (const [what, config, why] of [
    [
      'a certificate of somebody unknown',
      () => ({ url: `https://127.0.0.1:${port}/` }),
      'tls: failed to verify certificate: x509: certificate signed by unknown authority',
    ],
    [
      'a certificate for another name',
      () => ({ url: `https://127.0.0.2:${port}/`, caBundle: caBundle() }),
      undefined,
    ],
    [
      'nobody there',
      () => ({ url: 'https://127.0.0.1:1/', caBundle: caBundle() }),
      'dial tcp 127.0.0.1:1: connect: connection refused',
    ],
  ] as const) {
    it(`API-17 ${what} is a failed call, and nothing is written`, async () => {
      respond = answer({});
      await install(config());
      const refused = await create('a');
      expect(refused.status).to.equal(500);
      expect(messageOf(refused)).to.contain(failed);
      if (why !== undefined) expect(messageOf(refused)).to.contain(why);
      expect((await ask('GET', `${maps}/a`)).status).to.equal(404);
    });
  }

  it('API-17 answers that are none are failed calls', async () => {
    await install({ url: `https://127.0.0.1:${port}/`, caBundle: caBundle() });
    const words: string[] = [];
    for (const reply of [
      { code: 404, body: 'no such page' },
      { code: 500, body: 'boom' },
      { code: 200, body: '<html>' },
      { code: 200, body: '[]' },
      { code: 403, body: '{"kind":"Status","message":"go away"}' },
    ]) {
      respond = () => reply;
      words.push(messageOf(await create('a')).slice(failed.length));
    }
    expect(words[0]).to.equal('the server could not find the requested resource');
    expect(words[1]).to.equal('an error on the server ("boom") has prevented the request from succeeding');
    expect(words[2]).to.match(/^couldn't get version\/kind; json parse error: /);
    expect(words[3]).to.match(/^couldn't get version\/kind; json parse error: /);
    expect(words[4]).to.equal('go away');
  });

  it('API-17 a server that does not answer in time is given up', async () => {
    respond = () => undefined;
    await install({ url: `https://127.0.0.1:${port}/`, caBundle: caBundle() }, 'Validating', {
      timeoutSeconds: 1,
    });
    const refused = await create('a');
    expect(messageOf(refused)).to.equal(
      `${failed}Post "https://127.0.0.1:${port}/?timeout=1s": context deadline exceeded`,
    );
  });

  it('API-17 warnings in any language reach clients over HTTPS as UTF-8', async () => {
    respond = answer({ warnings: ['vorsicht – heiß'] });
    await install({ url: `https://127.0.0.1:${port}/`, caBundle: caBundle() });
    expect((await create('a')).headers.warning).to.equal('299 - "vorsicht – heiß"');
  });

  it('a caller who gives up ends the call', async () => {
    respond = () => undefined;
    const dialer = new HttpsWebhookDialer({
      clock: systemClock,
      resolve: () => {
        throw new Error('no services here');
      },
    });
    const stop = new AbortController();
    const call = dialer.call(
      { url: `https://127.0.0.1:${port}/`, caBundle: caBundle() },
      {},
      { timeoutMs: 10_000, signal: stop.signal },
    );
    stop.abort();
    const error = await call.catch((e: unknown) => e);
    expect(isWebhookUnreachable(error) && error.message).to.match(/: context canceled$/);
    dialer.close();
  });
});
