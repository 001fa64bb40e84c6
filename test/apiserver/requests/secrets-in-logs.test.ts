/** No secret reaches the log of the server, however much it logs: not of a body, a token, an address or a key. */
import { readFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { connect as tlsConnect } from 'node:tls';
import { join } from 'node:path';
import { expect } from 'chai';
import type { HttpMethod, Transport } from 'gyre/api';
import { connect, createHttpTransport } from 'gyre/client';
import { EmbeddedCluster } from 'gyre/cluster';
import { MemoryStore } from 'gyre/store';
import { formatJson, systemClock } from '#src/system/index.js';
import { createLogger, type LogRecord } from '#src/telemetry/index.js';
import { temporaryFolder } from '../../support/processes.js';
import { configuration, configurationsUrl, rule, webhook } from '../admission/webhook-objects.js';

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const password = 'hunter2-in-the-open';
const staticToken = 'static-token-of-jane-1234';
const wrongToken = 'wrong-token-of-nobody-5678';
const tokenSecret = 'q0w1e2r3t4y5u6i7';
const encryptionKey = base64('k'.repeat(32));
const basic = 'webhook-password-9876';
const secrets = '/api/v1/namespaces/default/secrets';

/** A store whose writes fail, with an error nobody has thought of. */
class Failing extends MemoryStore {
  broken = false;
  override async create(...args: Parameters<MemoryStore['create']>) {
    if (this.broken) throw new Error('disk full');
    return super.create(...args);
  }
}

describe('the log', () => {
  const folder = temporaryFolder();
  const records: LogRecord[] = [];
  const store = new Failing({ clock: systemClock });
  const issued: string[] = [];
  let cluster: EmbeddedCluster;
  let admin: Transport;
  let ca: string;

  before(async () => {
    cluster = await EmbeddedCluster.start({
      controllers: false,
      store,
      dataDir: folder.path,
      https: {},
      log: createLogger((record) => records.push(record), 'debug'),
      tokens: new Map([[staticToken, { username: 'jane', groups: ['system:masters'] }]]),
      encryption: {
        resources: [
          {
            resources: ['secrets'],
            providers: [{ aesgcm: { keys: [{ name: 'k', secret: encryptionKey }] } }],
          },
        ],
      },
    });
    ca = readFileSync(join(folder.path, 'pki/ca.crt'), 'utf8');
    ({ transport: admin } = await connect({ kubeconfig: cluster.kubeconfig as string }));
  });
  after(async () => {
    admin.close();
    await cluster.stop();
    folder[Symbol.dispose]();
  });

  /** A request as no client library would send it. */
  function raw(
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: string,
  ): Promise<number> {
    return new Promise((resolve, reject) => {
      const outgoing = httpsRequest(
        `${cluster.url}${path}`,
        { method, ca, headers, agent: false },
        (response) => {
          response.resume();
          response.once('end', () => resolve(response.statusCode ?? 0));
        },
      );
      outgoing.once('error', reject);
      outgoing.end(body);
    });
  }

  it('API-18 says nothing of what secrets hold, whatever goes wrong with them', async () => {
    const mergePatch = { 'content-type': 'application/merge-patch+json' };
    const sends: readonly [HttpMethod, string, unknown, Record<string, string>?][] = [
      ['POST', secrets, { metadata: { name: 's' }, stringData: { password } }],
      ['POST', secrets, { metadata: { name: 's' }, stringData: { password } }],
      ['POST', secrets, { metadata: { name: 'BAD NAME' }, data: { password: base64(password) } }],
      ['POST', secrets, { metadata: { name: 't' }, data: { password } }],
      [
        'PUT',
        `${secrets}/s`,
        { metadata: { name: 's', resourceVersion: '1' }, data: { p: base64(password) } },
      ],
      ['PATCH', `${secrets}/s`, { data: { password: base64(password) } }, mergePatch],
      ['PATCH', `${secrets}/s`, { data: { [password]: 7 } }, mergePatch],
      ['POST', `${secrets}?fieldValidation=Strict`, { metadata: { name: 'u' }, [password]: password }],
    ];
    for (const [method, path, body, headers] of sends) {
      const [at = '', search = ''] = path.split('?');
      const query = Object.fromEntries(new URLSearchParams(search));
      await admin.request({ method, path: at, query, body, ...(headers ? { headers } : {}) });
    }
    const bearer = { authorization: `Bearer ${staticToken}`, 'content-type': 'application/json' };
    expect(await raw('POST', secrets, bearer, `{"stringData":{"password":"${password}"`)).to.equal(400);
    expect(
      await raw(
        'POST',
        secrets,
        { ...bearer, 'content-type': 'application/vnd.kubernetes.protobuf' },
        `k8s\0${password}`,
      ),
    ).to.equal(400);
  });

  it('API-18 says nothing of tokens: those that prove somebody, those that do not, those that are made', async () => {
    for (const [token, code] of [
      [staticToken, 200],
      [wrongToken, 401],
      [`abcdef.${tokenSecret}`, 401],
    ] as const) {
      const transport = createHttpTransport({ server: cluster.url as string, ca, token });
      expect((await transport.request({ method: 'GET', path: secrets })).status).to.equal(code);
      transport.close();
    }
    expect(await raw('GET', secrets, { authorization: `Basic ${base64(`jane:${password}`)}` })).to.equal(403);
    await admin.request({
      method: 'POST',
      path: '/api/v1/namespaces/kube-system/secrets',
      body: {
        metadata: { name: 'bootstrap-token-abcdef' },
        type: 'bootstrap.kubernetes.io/token',
        stringData: {
          'token-id': 'abcdef',
          'token-secret': tokenSecret,
          'usage-bootstrap-authentication': 'true',
        },
      },
    });
    expect(await raw('GET', '/api', { authorization: `Bearer abcdef.${tokenSecret}` })).to.equal(200);
    const { status, body } = await admin.request({
      method: 'POST',
      path: '/api/v1/namespaces/default/serviceaccounts/default/token',
      body: { spec: {} },
    });
    expect(status).to.equal(201);
    const { token } = (body as { status: { token: string } }).status;
    issued.push(token, token.split('.')[2] ?? token);
    for (const each of [token, wrongToken])
      await admin.request({
        method: 'POST',
        path: '/apis/authentication.k8s.io/v1/tokenreviews',
        body: { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token: each } },
      });
  });

  it('API-17 says nothing of passwords in the addresses of webhooks, nor of what is sent to one that does not answer', async () => {
    const name = 'deaf.example.com';
    const hook = (url: string) =>
      webhook(name, [rule('secrets', 'CREATE')], {
        clientConfig: { url },
        failurePolicy: 'Ignore',
        timeoutSeconds: 1,
      });
    const path = configurationsUrl('Validating');
    const refused = await admin.request({
      method: 'POST',
      path,
      body: configuration('Validating', name, [hook(`https://user:${basic}@127.0.0.1:1/review`)]),
    });
    expect(refused.status).to.equal(422);
    expect(JSON.stringify(refused.body)).not.to.include(basic);
    const made = await admin.request({
      method: 'POST',
      path,
      body: configuration('Validating', name, [hook('https://127.0.0.1:1/review')]),
    });
    expect(made.status).to.equal(201);
    const before = records.length;
    const { status } = await admin.request({
      method: 'POST',
      path: secrets,
      body: { metadata: { name: 'reviewed' }, stringData: { password } },
    });
    expect(status).to.equal(201);
    expect(records.slice(before).map(({ message }) => message)).to.include(
      'failed calling webhook, failing open',
    );
    await admin.request({ method: 'DELETE', path: `${path}/${name}` });
  });

  it('API-18 says of a failure where it was, not what was sent', async () => {
    const before = records.length;
    store.broken = true;
    const { status, body } = await admin.request({
      method: 'POST',
      path: secrets,
      body: { metadata: { name: 'lost' }, stringData: { password } },
    });
    store.broken = false;
    expect(status).to.equal(500);
    expect(JSON.stringify(body)).not.to.include(password);
    expect(records.slice(before).map(({ message }) => message)).to.include('request failed');
  });

  it('API-18 says of a connection that breaks off nothing of what came over it', async () => {
    const before = records.length;
    const { port } = new URL(cluster.url as string);
    await new Promise<void>((resolve, reject) => {
      const socket = tlsConnect({ port: Number(port), ca, host: '127.0.0.1' }, () => {
        socket.write(
          `POST ${secrets} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${staticToken}\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n{"stringData":{"password":"${password}"`,
          () => socket.destroy(),
        );
      });
      socket.once('close', () => resolve());
      socket.once('error', reject);
    });
    while (!records.slice(before).some(({ message }) => message === 'connection lost'))
      await new Promise((resolve) => setImmediate(resolve));
  });

  it('API-18 has none of them in it', () => {
    expect(records.length).to.be.greaterThan(2);
    const all = [password, staticToken, wrongToken, tokenSecret, encryptionKey, basic, ...issued];
    const wanted = [...all, ...all.map(base64), ...all.map((each) => base64(each).replace(/=+$/, ''))];
    for (const record of records) {
      const text = `${JSON.stringify(record)}${formatJson(record, 0)}`;
      for (const secret of wanted) expect(text).not.to.include(secret);
      expect(text).not.to.match(/-----BEGIN [A-Z ]*PRIVATE KEY/);
    }
  });
});
