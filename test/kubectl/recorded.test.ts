/**
 * The requests that kubectl 1.32 sends, as they were recorded once per command: each gets the status, the type and the shape
 * that kubectl expects, whether or not a kubectl is there to ask.
 */
import { readFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { join } from 'node:path';
import { expect } from 'chai';
import type { HttpMethod } from 'gyre/api';
import { type Connection, connect } from 'gyre/client';
import { EmbeddedCluster } from 'gyre/cluster';
import { root, temporaryFolder } from '../support/processes.js';

interface Recorded {
  readonly command: string;
  readonly method: HttpMethod;
  readonly url: string;
  readonly accept?: string;
  readonly contentType?: string;
  /** What is sent; with `protobuf`, what those bytes say. */
  readonly body?: unknown;
  /** The bytes that are sent in place of the body, in base64. */
  readonly protobuf?: string;
  /** The headers of a request that asks for a stream. */
  readonly upgrade?: Readonly<Record<string, string>>;
}

const recorded = JSON.parse(readFileSync(join(root, 'test/kubectl/recorded.json'), 'utf8')) as Recorded[];

const configMap = '/api/v1/namespaces/default/configmaps/cm1';
const labels = { app: 'a' };
const podSpec = { containers: [{ name: 'c', image: 'busybox' }], nodeName: 'n1' };
const world: readonly (readonly [string, object])[] = [
  ['/api/v1/nodes', { metadata: { name: 'n1' } }],
  ['/api/v1/namespaces/default/pods', { metadata: { name: 'p1', labels }, spec: podSpec }],
  [
    '/apis/apps/v1/namespaces/default/deployments',
    {
      metadata: { name: 'd1', labels, annotations: { 'deployment.kubernetes.io/revision': '1' } },
      spec: {
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec: { containers: podSpec.containers } },
      },
    },
  ],
  [
    '/apis/apps/v1/namespaces/default/deployments',
    {
      metadata: { name: 'd2', labels: { app: 'z' } },
      spec: {
        selector: { matchLabels: { app: 'z' } },
        template: { metadata: { labels: { app: 'z' } }, spec: { containers: podSpec.containers } },
      },
    },
  ],
];

/** Whatever has the same shape is the same request to a server: what it is about may have any name. */
function shapeOf({ method, url, accept = '', contentType = '', upgrade }: Recorded): string {
  const [path = '', search = ''] = url.split('?');
  const pattern = path
    .replace(/(\/namespaces)\/[^/]+/, '$1/{namespace}')
    .replace(/^(\/(?:api|apis\/[^/]+)\/v\d\/(?:namespaces\/\{namespace\}\/)?[a-z]+)\/[^/{]+/, '$1/{name}');
  const keys = [...new Set(new URLSearchParams(search).keys())].sort().join(',');
  return [method, pattern, keys, accept, contentType, upgrade?.upgrade ?? ''].join(' ');
}

/** Of an answer, what a sent object speaks of. */
function within(answer: unknown, sent: unknown): unknown {
  if (Array.isArray(sent) && Array.isArray(answer)) return answer.map((each, i) => within(each, sent[i]));
  if (typeof sent !== 'object' || sent === null || typeof answer !== 'object' || answer === null)
    return answer;
  const keys = Object.keys(sent).filter((key) => key in answer);
  return Object.fromEntries(
    keys.map((key) => [
      key,
      within((answer as Record<string, unknown>)[key], (sent as Record<string, unknown>)[key]),
    ]),
  );
}

/** What else an answer must have, by its kind. */
const answers: Readonly<Record<string, (status: Record<string, unknown>) => void>> = {
  TokenRequest: ({ token, expirationTimestamp }) => {
    expect(token).to.match(/^[\w-]+\.[\w-]+\.[\w-]+$/);
    expect(expirationTimestamp).to.match(/^\d{4}-/);
  },
  SelfSubjectAccessReview: ({ allowed }) => expect(allowed).to.equal(true),
  SelfSubjectRulesReview: ({ incomplete, resourceRules, nonResourceRules }) => {
    expect(incomplete).to.equal(false);
    expect(resourceRules).to.deep.include({ verbs: ['*'], apiGroups: ['*'], resources: ['*'] });
    expect(nonResourceRules).to.deep.include({ verbs: ['*'], nonResourceURLs: ['*'] });
  },
  SelfSubjectReview: ({ userInfo }) =>
    expect((userInfo as { groups: unknown }).groups).to.include('system:masters'),
};

/** What is not there, and is asked for all the same. */
const absent = /\/(?:zzz|leases\/n1)(?:\?|$)/;
/** Needs a node that answers. */
const ofNodes = /\/pods\/p1\/log/;

describe('requests as kubectl sends them', function () {
  this.timeout(30_000);
  const folder = temporaryFolder();
  let cluster: EmbeddedCluster;
  let connection: Connection;
  /** A write changes what the next one finds. */
  let used = false;
  async function start(): Promise<void> {
    cluster = await EmbeddedCluster.start({
      dataDir: folder.path,
      https: {},
      controllers: false,
      tokens: new Map([['root', { username: 'root', groups: ['system:masters'] }]]),
    });
    connection = await connect({ kubeconfig: cluster.kubeconfig ?? '' });
    for (const [path, body] of world) {
      const { status } = await connection.transport.request({
        method: 'POST',
        path,
        query: { fieldManager: 'kubectl-client-side-apply' },
        body,
      });
      expect(status, path).to.equal(201);
    }
    // Applied: who applies it again has no conflict with himself.
    const applied = await connection.transport.request({
      method: 'PATCH',
      path: configMap,
      query: { fieldManager: 'kubectl' },
      headers: { 'content-type': 'application/apply-patch+yaml' },
      body: {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'cm1', labels: { a: 'b' } },
        data: { a: '1' },
      },
    });
    expect(applied.status).to.equal(201);
    used = false;
  }
  async function stop(): Promise<void> {
    connection.transport.close();
    await cluster.stop();
  }
  before(start);
  beforeEach(async () => {
    if (!used) return;
    await stop();
    await start();
  });
  after(async () => {
    await stop();
    folder[Symbol.dispose]();
  });

  const versionOf = async (path: string): Promise<string> => {
    const { body } = await connection.transport.request({ method: 'GET', path });
    return (body as { metadata: { resourceVersion: string } }).metadata.resourceVersion;
  };

  /** Asks for a stream: what is answered when there is none. */
  function askForStream(
    method: HttpMethod,
    path: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<{ code: number; type: string | undefined; body: string }> {
    const ca = readFileSync(join(folder.path, 'pki/ca.crt'), 'utf8');
    const { hostname, port } = new URL(cluster.url as string);
    return new Promise((resolve, reject) => {
      const outgoing = httpsRequest({
        hostname,
        port,
        method,
        path,
        ca,
        headers: { ...headers, authorization: 'Bearer root' },
        agent: false,
      });
      outgoing.once('response', (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (more: string) => (text += more));
        response.once('end', () =>
          resolve({
            code: response.statusCode ?? 0,
            type: response.headers['content-type'],
            body: text,
          }),
        );
      });
      outgoing.once('upgrade', () => reject(new Error('a stream to a container of no node')));
      outgoing.once('error', reject).end();
    });
  }

  it('are of 114 shapes: method, path, queries, and the types of question and answer', () => {
    expect(new Set(recorded.map(shapeOf)).size).to.equal(114);
  });

  for (const one of recorded) {
    const { command, method, url, accept, contentType, body, protobuf, upgrade } = one;
    const [path = '', search = ''] = url.split('?');
    it(`${command}: ${method} ${url}${upgrade ? ` (${upgrade.upgrade})` : ''}`, async () => {
      if (upgrade) {
        // kubectl shows a Status, and tries the older protocol only after an answer that is no upgrade.
        const { code, type, body: text } = await askForStream(method, url, upgrade);
        expect(code, text).to.be.within(400, 599);
        expect(type).to.match(/^application\/json/);
        const status = JSON.parse(text) as Record<string, unknown>;
        expect(status).to.include({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code });
        expect(status.message).to.match(/\S/);
        return;
      }
      used = method !== 'GET';
      const version = await versionOf(method === 'GET' && url.includes('VERSION') ? path : configMap);
      const query = Object.fromEntries(new URLSearchParams(search.replaceAll('VERSION', version)));
      const headers = {
        ...(accept === undefined ? {} : { accept }),
        ...(contentType === undefined ? {} : { 'content-type': contentType }),
      };
      if (query.watch === 'true') {
        const stop = new AbortController();
        const { headers: answered } = await connection.transport.watch({
          method,
          path,
          query,
          headers,
          signal: stop.signal,
        });
        stop.abort();
        expect(answered['content-type']).to.match(/^application\/json/);
        return;
      }
      // What kubectl creates here may be there already.
      const creates = method === 'POST';
      const given =
        protobuf !== undefined
          ? { body: Buffer.from(protobuf, 'base64') }
          : body === undefined
            ? {}
            : {
                body: JSON.parse(
                  JSON.stringify(body).replaceAll('"VERSION"', JSON.stringify(version)),
                ) as unknown,
              };
      const {
        status,
        headers: answered,
        body: answer,
      } = await connection.transport.request({ method, path, query, headers, ...given });
      const told = JSON.stringify(answer)?.slice(0, 300);
      const { kind, code, reason } = (answer ?? {}) as { kind?: string; code?: number; reason?: string };
      if (ofNodes.test(url)) {
        // Without nodes nobody has logs, and that is said.
        expect([status >= 400, kind], told).to.deep.equal([true, 'Status']);
        return;
      }
      if (absent.test(url)) {
        expect([status, kind, code, reason], told).to.deep.equal([404, 'Status', 404, 'NotFound']);
        return;
      }
      if (creates && status === 409) {
        expect([kind, reason], told).to.deep.equal(['Status', 'AlreadyExists']);
        return;
      }
      expect(status, told).to.equal(creates ? 201 : 200);
      if (path.startsWith('/healthz') || path.startsWith('/openapi/v2')) return;
      expect(answered['content-type'], 'content type').to.match(/^application\/json/);
      if (accept?.includes('as=Table') && path.includes('/namespaces/')) expect(kind).to.equal('Table');
      if (accept?.includes('as=APIGroupDiscoveryList')) expect(kind).to.equal('APIGroupDiscoveryList');
      if (protobuf === undefined) return;
      const sent = body as { kind: string };
      if (method === 'DELETE') {
        // It takes its time: what kubectl sees is the pod that goes.
        expect(kind, told).to.equal('Pod');
        expect(answer).to.have.nested.property('metadata.deletionTimestamp');
        return;
      }
      expect(within(answer, sent), told).to.deep.equal(sent);
      answers[sent.kind]?.((answer as { status: Record<string, unknown> }).status);
    });
  }
});
