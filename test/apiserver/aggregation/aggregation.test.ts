import { once } from 'node:events';
import { createServer, type Server } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { expect } from 'chai';
import { WebSocket, WebSocketServer } from 'ws';
import { createAuthority, issueCertificate } from '#src/pki/index.js';
import { systemClock } from '#src/system/index.js';
import { HttpsCluster } from '../http/https-cluster.js';

const group = 'metrics.example.com';
const apiServices = '/apis/apiregistration.k8s.io/v1/apiservices';

/** What a request to the backend carried. */
interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly remote: string[];
  readonly certificate: string | undefined;
  readonly body: string;
}

/** An API server of somebody else, with pods to be measured. */
class ForeignApi {
  readonly seen: Seen[] = [];
  healthy = true;

  private constructor(
    readonly server: Server,
    readonly ca: string,
  ) {}

  static async start(): Promise<ForeignApi> {
    const deps = { clock: systemClock };
    const ca = await createAuthority('foreign', deps);
    const pair = await issueCertificate(
      ca,
      { commonName: 'api', usage: 'server', dnsNames: ['metrics.default.svc'] },
      deps,
    );
    const api: ForeignApi = new ForeignApi(
      createServer({ ...pair, requestCert: true, rejectUnauthorized: false }, (request, response) => {
        void api.answer(request).then(({ code, type = 'application/json', body }) => {
          response.writeHead(code, { 'content-type': type, 'x-own': 'yes' });
          if (typeof body === 'string') return response.end(body);
          void (async () => {
            for await (const line of body) response.write(line);
            response.end();
          })();
        });
      }),
      ca.cert,
    );
    const sockets = new WebSocketServer({ noServer: true });
    api.server.on('upgrade', (request, socket, head) => {
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        webSocket.send(`hello ${String(request.headers['x-remote-user'])} at ${request.url}`);
        webSocket.on('message', (data) => webSocket.send(`echo ${String(data)}`));
      });
    });
    api.server.listen(0, '127.0.0.1');
    await once(api.server, 'listening');
    return api;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async answer(
    request: IncomingMessage,
  ): Promise<{ code: number; type?: string; body: string | AsyncIterable<string> }> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const url = request.url ?? '';
    const remote = request.rawHeaders.flatMap((name, i) =>
      i % 2 === 0 && name.toLowerCase().startsWith('x-remote')
        ? [`${name}: ${request.rawHeaders[i + 1]}`]
        : [],
    );
    const certificate = (request.socket as TLSSocket).getPeerCertificate();
    this.seen.push({
      method: request.method ?? '',
      url,
      headers: request.headers,
      remote,
      certificate: certificate.subject ? String(certificate.subject.CN) : undefined,
      body: Buffer.concat(chunks).toString(),
    });
    if (!this.healthy) return { code: 500, body: '{}' };
    if (url === `/apis/${group}/v1`)
      return {
        code: 200,
        body: JSON.stringify({
          kind: 'APIResourceList',
          apiVersion: 'v1',
          groupVersion: `${group}/v1`,
          resources: [
            {
              name: 'pods',
              singularName: 'pod',
              namespaced: true,
              kind: 'PodMetrics',
              verbs: ['get', 'list', 'watch', 'create'],
            },
            { name: 'pods/reset', singularName: '', namespaced: true, kind: 'PodMetrics', verbs: ['create'] },
          ],
        }),
      };
    if (url === '/openapi/v3')
      return {
        code: 200,
        body: JSON.stringify({
          paths: { [`apis/${group}/v1`]: { serverRelativeURL: `/openapi/v3/apis/${group}/v1?hash=ABC` } },
        }),
      };
    if (url.includes('watch=')) return { code: 200, body: events() };
    if (request.method === 'POST') return { code: 201, body: Buffer.concat(chunks).toString() };
    if (url.endsWith('/pods/teapot')) return { code: 418, type: 'text/plain', body: 'short and stout' };
    return {
      code: 200,
      body: JSON.stringify({ kind: 'PodMetricsList', apiVersion: `${group}/v1`, metadata: {}, items: [] }),
    };
  }
}

async function* events(): AsyncGenerator<string> {
  for (const type of ['ADDED', 'DELETED'])
    yield `${JSON.stringify({ type, object: { kind: 'PodMetrics', apiVersion: `${group}/v1`, metadata: { name: type } } })}\n`;
}

describe('aggregated APIs', function () {
  this.timeout(30_000);
  let https: HttpsCluster;
  let foreign: ForeignApi;

  before(async () => {
    foreign = await ForeignApi.start();
    https = await HttpsCluster.start({
      tokens: new Map([
        [
          'alice',
          { username: 'alice', groups: ['developers', 'testers'], extra: { 'example.com/Level': ['7'] } },
        ],
      ]),
    });
  });
  after(async () => {
    foreign.server.closeAllConnections();
    foreign.server.close();
    await https[Symbol.asyncDispose]();
  });

  const json = async (path: string, headers: Record<string, string> = {}) => {
    const { bytes } = await https.ask(path, { headers });
    return JSON.parse(bytes.toString());
  };
  const available = async (name: string) =>
    (await json(`${apiServices}/${name}`)).status.conditions?.find(
      (c: { type: string }) => c.type === 'Available',
    );

  async function until(name: string, reason: string): Promise<{ status: string; message: string }> {
    for (;;) {
      const condition = await available(name);
      if (condition?.reason === reason) return condition;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  it('what this server serves itself is local, and always available', async () => {
    const { items } = await json(apiServices);
    const names = items.map(({ metadata }: { metadata: { name: string } }) => metadata.name);
    expect(names).to.include.members(['v1.', 'v1.apps', 'v2.autoscaling', 'v1.rbac.authorization.k8s.io']);
    expect(names).to.not.include('v1.apiregistration.k8s.io');
    const apps = await json(`${apiServices}/v1.apps`);
    expect(apps.spec).to.deep.equal({
      group: 'apps',
      version: 'v1',
      groupPriorityMinimum: 17_800,
      versionPriority: 15,
    });
    expect((await available('v1.apps')).reason).to.equal('Local');
    const { bytes } = await https.ask(apiServices, {
      headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
    });
    const table = JSON.parse(bytes.toString());
    expect(table.rows[0].cells.slice(0, 3)).to.deep.equal(['v1.', 'Local', 'True']);
  });

  it('those of definitions come and go with them', async () => {
    const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
    await https.ask(crds, {
      method: 'POST',
      body: {
        metadata: { name: 'tabs.stable.example.com' },
        spec: {
          group: 'stable.example.com',
          scope: 'Namespaced',
          names: { plural: 'tabs', kind: 'Tab' },
          versions: [
            { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } },
          ],
        },
      },
    });
    const condition = await until('v1.stable.example.com', 'Local');
    expect(condition.status).to.equal('True');
    await https.ask(`${crds}/tabs.stable.example.com`, { method: 'DELETE' });
    while ((await https.ask(`${apiServices}/v1.stable.example.com`)).code !== 404);
  });

  it('refuses what is no APIService', async () => {
    const refused = async (name: string, spec: object): Promise<string[]> => {
      const { code, bytes } = await https.ask(apiServices, {
        method: 'POST',
        body: { metadata: { name }, spec },
      });
      expect(code).to.equal(422);
      return JSON.parse(bytes.toString()).details.causes.map(({ field }: { field: string }) => field);
    };
    const good = { group, version: 'v1', groupPriorityMinimum: 100, versionPriority: 100 };
    expect(await refused('other', good)).to.deep.equal(['metadata.name']);
    expect(
      await refused(`v1.${group}`, { ...good, groupPriorityMinimum: 20_001, versionPriority: 0 }),
    ).to.deep.equal(['spec.groupPriorityMinimum', 'spec.versionPriority']);
    expect(
      await refused(`v1.${group}`, {
        ...good,
        service: { name: 'a' },
        caBundle: 'eA==',
        insecureSkipTLSVerify: true,
      }),
    ).to.deep.equal(['spec.service.namespace', 'spec.insecureSkipTLSVerify']);
    expect(await refused(`v1.${group}`, { ...good, insecureSkipTLSVerify: true })).to.deep.equal([
      'spec.insecureSkipTLSVerify',
    ]);
  });

  it('publishes how to check what comes from it', async () => {
    const { data } = await json(
      '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication',
    );
    expect(data['requestheader-allowed-names']).to.equal('["front-proxy-client"]');
    expect(data['requestheader-client-ca-file']).to.include('BEGIN CERTIFICATE');
    expect(data['client-ca-file']).to.equal(https.admin.ca);
  });

  describe('behind a service', () => {
    const name = `v1.${group}`;
    const pods = `/apis/${group}/v1/namespaces/default/pods`;

    before(async () => {
      await https.ask(apiServices, {
        method: 'POST',
        body: {
          metadata: { name },
          spec: {
            group,
            version: 'v1',
            groupPriorityMinimum: 100,
            versionPriority: 100,
            caBundle: Buffer.from(foreign.ca).toString('base64'),
            service: { name: 'metrics', namespace: 'default', port: foreign.port },
          },
        },
      });
    });

    it('is unavailable until the service is there, and says why', async () => {
      const { status, message } = await until(name, 'ServiceNotFound');
      expect([status, message]).to.deep.equal(['False', 'service/metrics in "default" is not present']);
      const { code, bytes } = await https.ask(pods);
      expect([code, bytes.toString()]).to.deep.equal([503, 'service unavailable\n']);
      const { items } = await json('/apis', {
        accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
      });
      const [found] = items.filter(({ metadata }: { metadata: { name: string } }) => metadata.name === group);
      expect(found.versions).to.deep.equal([{ version: 'v1', resources: [], freshness: 'Stale' }]);
    });

    it('is available when it answers', async () => {
      await https.ask('/api/v1/namespaces/default/services', {
        method: 'POST',
        body: {
          metadata: { name: 'metrics' },
          spec: { type: 'ExternalName', externalName: 'localhost', ports: [{ port: foreign.port }] },
        },
      });
      const { status, message } = await until(name, 'Passed');
      expect([status, message]).to.deep.equal(['True', 'all checks passed']);
      const [check] = foreign.seen;
      expect(check?.remote).to.deep.equal([
        'x-remote-user: system:kube-aggregator',
        'x-remote-group: system:masters',
      ]);
      expect(check?.certificate).to.equal('front-proxy-client');
    });

    it('is discovered as part of the cluster', async () => {
      const { items } = await json('/apis', {
        accept: 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
      });
      const [found] = items.filter(({ metadata }: { metadata: { name: string } }) => metadata.name === group);
      expect(found.versions[0]).to.deep.include({ version: 'v1', freshness: 'Current' });
      expect(found.versions[0].resources[0]).to.deep.include({ resource: 'pods', scope: 'Namespaced' });
      expect(found.versions[0].resources[0].subresources[0].subresource).to.equal('reset');
      const { groups } = await json('/apis');
      expect(groups.at(-1).name).to.equal(group);
      expect((await json(`/apis/${group}`)).preferredVersion.version).to.equal('v1');
      expect((await json(`/apis/${group}/v1`)).resources[0].kind).to.equal('PodMetrics');
      const { paths } = await json('/openapi/v3');
      expect(paths[`apis/${group}/v1`].serverRelativeURL).to.include('hash=ABC');
    });

    it('requests and answers pass as they are, with who asks', async () => {
      await https.ask('/apis/rbac.authorization.k8s.io/v1/clusterroles', {
        method: 'POST',
        body: {
          metadata: { name: 'meter' },
          rules: [{ apiGroups: [group], resources: ['*'], verbs: ['*'] }],
        },
      });
      await https.ask('/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
        method: 'POST',
        body: {
          metadata: { name: 'meter' },
          roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'meter' },
          subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'alice' }],
        },
      });
      const answer = await https.ask(`${pods}?fieldManager=me`, {
        method: 'POST',
        headers: {
          authorization: 'Bearer alice',
          'x-remote-user': 'root',
          'x-remote-group': 'system:masters',
        },
        body: { kind: 'PodMetrics', metadata: { name: 'x' } },
      });
      expect([answer.code, JSON.parse(answer.bytes.toString()).metadata.name]).to.deep.equal([201, 'x']);
      expect(answer.headers['x-own']).to.equal('yes');
      const seen = foreign.seen.at(-1);
      expect(seen?.url).to.equal(`${pods}?fieldManager=me`);
      expect(seen?.headers).to.not.have.property('authorization');
      expect(seen?.remote).to.deep.equal([
        'x-remote-user: alice',
        'x-remote-group: developers',
        'x-remote-group: testers',
        'x-remote-group: system:authenticated',
        'x-remote-extra-example.com%2Flevel: 7',
      ]);
      const teapot = await https.ask(`${pods}/teapot`);
      expect([teapot.code, teapot.headers['content-type'], teapot.bytes.toString()]).to.deep.equal([
        418,
        'text/plain',
        'short and stout',
      ]);
    });

    it('who may not is refused here', async () => {
      const count = foreign.seen.length;
      const { code } = await https.ask(`/apis/${group}/v1/pods`, {
        headers: { authorization: 'Bearer alice', 'impersonate-user': 'bob' },
      });
      expect(code).to.equal(403);
      const anonymous = await https.ask(pods, { headers: { authorization: 'Bearer nobody' } });
      expect(anonymous.code).to.equal(401);
      expect(foreign.seen.length).to.equal(count);
    });

    it('watches stream, over HTTPS and in process', async () => {
      const { bytes } = await https.ask(`${pods}?watch=true`);
      const lines = bytes.toString().trim().split('\n');
      expect(lines.map((line) => JSON.parse(line).type)).to.deep.equal(['ADDED', 'DELETED']);
      const watch = await https.cluster.transport().watch<{ metadata: { name: string } }>({
        method: 'GET',
        path: pods,
        query: { watch: 'true' },
      });
      const types: string[] = [];
      for await (const batch of watch.events) types.push(...batch.map(({ type }) => type));
      expect(types).to.deep.equal(['ADDED', 'DELETED']);
      const list = await https.cluster.transport().request({ method: 'GET', path: pods });
      expect((list.body as { kind: string }).kind).to.equal('PodMetricsList');
    });

    it('connections are upgraded by whoever serves them', async () => {
      const socket = new WebSocket(`${https.url.replace('https', 'wss')}${pods}/x/console?a=b`, {
        ca: https.admin.ca,
        headers: { authorization: 'Bearer alice' },
      });
      const [hello] = (await once(socket, 'message')) as [Buffer];
      expect(hello.toString()).to.equal(`hello alice at ${pods}/x/console?a=b`);
      socket.send('x');
      const [echo] = (await once(socket, 'message')) as [Buffer];
      expect(echo.toString()).to.equal('echo x');
      socket.close();
      await once(socket, 'close');
    });

    it('is unavailable again when it fails, and nobody believes another', async () => {
      foreign.healthy = false;
      await https.ask(`${apiServices}/${name}`, { method: 'DELETE' });
      expect((await https.ask(pods)).code).to.equal(404);
      const spec = {
        group,
        version: 'v1',
        groupPriorityMinimum: 100,
        versionPriority: 100,
        service: { name: 'metrics', namespace: 'default', port: foreign.port },
      };
      const insecure = { metadata: { name }, spec: { ...spec, insecureSkipTLSVerify: true } };
      await https.ask(apiServices, { method: 'POST', body: insecure });
      const failing = await until(name, 'FailedDiscoveryCheck');
      expect(failing.message).to.include('bad status from https://metrics.default.svc');
      expect(failing.message).to.include('500');
      foreign.healthy = true;
      await https.ask(`${apiServices}/${name}`, { method: 'DELETE' });
      await https.ask(apiServices, { method: 'POST', body: { metadata: { name }, spec } });
      const unbelieved = await until(name, 'FailedDiscoveryCheck');
      expect(unbelieved.message).to.include('x509: certificate signed by unknown authority');
    });
  });
});
