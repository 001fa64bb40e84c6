/** Who may do what (API-18): the same answers in process and over HTTPS. */
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Status, Transport, UserInfo } from 'gyre/api';
import { createClient, createHttpTransport } from 'gyre/client';
import { EmbeddedCluster } from 'gyre/cluster';
import { ConfigMap, Role, RoleBinding } from 'gyre/kinds';
import { ApiServer } from 'gyre/apiserver';
import { MemoryStore } from 'gyre/store';
import { seededRandom, VirtualClock } from 'gyre/testing';
import { temporaryFolder } from '../../support/processes.js';

const jane: UserInfo = { username: 'jane', groups: ['dev'] };
const token = 'jane-token';
const configMaps = '/api/v1/namespaces/default/configmaps';

/** An API server that knows no anonymous requests, asked without credentials. */
class StrictServer implements AsyncDisposable {
  private constructor(private readonly server: ApiServer) {}

  static async start(): Promise<StrictServer> {
    const clock = new VirtualClock();
    const server = await ApiServer.start({
      store: new MemoryStore({ clock }),
      clock,
      random: seededRandom(),
      anonymousAuth: false,
    });
    return new StrictServer(server);
  }

  async get(path: string): Promise<{ code: number; body: unknown }> {
    const user = this.server.authenticator.authenticate({});
    const answer = await this.server.handle({
      method: 'GET',
      path,
      query: new URLSearchParams(),
      headers: {},
      ...(user ? { user } : {}),
    });
    return { code: answer.code, body: 'body' in answer ? answer.body : undefined };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.server.stop();
  }
}

describe('identity', () => {
  const folder = temporaryFolder();
  let cluster: EmbeddedCluster;
  let ca: string;
  const asJane = new Map<string, Transport>();

  before(async () => {
    cluster = await EmbeddedCluster.start({
      controllers: false,
      dataDir: folder.path,
      https: {},
      tokens: new Map([[token, jane]]),
    });
    ca = readFileSync(join(folder.path, 'pki/ca.crt'), 'utf8');
    const admin = cluster.client();
    await admin.create(ConfigMap, { metadata: { name: 'mine', namespace: 'default' } });
    await admin.create(ConfigMap, { metadata: { name: 'other', namespace: 'default' } });
    await admin.create(Role, {
      metadata: { name: 'reader', namespace: 'default' },
      rules: [{ apiGroups: [''], resources: ['configmaps'], resourceNames: ['mine'], verbs: ['get'] }],
    });
    await admin.create(RoleBinding, {
      metadata: { name: 'reader', namespace: 'default' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'dev' }],
    });
    asJane.set('in process', cluster.transport(jane));
    asJane.set('over HTTPS', createHttpTransport({ server: cluster.url as string, ca, token }));
  });
  after(async () => {
    asJane.get('over HTTPS')?.close();
    await cluster.stop();
    folder[Symbol.dispose]();
  });

  /** A request without a client certificate. */
  function anonymous(
    path: string,
    headers: Record<string, string> = {},
  ): Promise<{ code: number; body: string }> {
    return new Promise((resolve, reject) => {
      const outgoing = request(`${cluster.url}${path}`, { ca, headers, agent: false }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => {
          body += text;
        });
        response.once('end', () => resolve({ code: response.statusCode ?? 0, body }));
      });
      outgoing.once('error', reject);
      outgoing.end();
    });
  }

  it('API-18 without credentials one is system:anonymous, who may see health and version alone', async () => {
    for (const path of ['/api', '/apis', '/openapi/v3', '/metrics', '/']) {
      const { code, body } = await anonymous(path);
      expect(code, path).to.equal(403);
      expect(JSON.parse(body)).to.deep.equal({
        kind: 'Status',
        apiVersion: 'v1',
        metadata: {},
        status: 'Failure',
        message: `forbidden: User "system:anonymous" cannot get path "${path}"`,
        reason: 'Forbidden',
        details: {},
        code: 403,
      });
    }
    const { code, body } = await anonymous(configMaps);
    expect(code).to.equal(403);
    expect(JSON.parse(body)).to.include({
      message:
        'configmaps is forbidden: User "system:anonymous" cannot list resource "configmaps" in API group "" in the namespace "default"',
    });
    for (const path of ['/healthz', '/livez', '/readyz', '/version'])
      expect((await anonymous(path)).code, path).to.equal(200);
  });

  it('API-18 what is granted to system:unauthenticated is granted to everybody', async () => {
    const admin = cluster.client();
    await admin.create(RoleBinding, {
      metadata: { name: 'open', namespace: 'default' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'system:unauthenticated' }],
    });
    expect((await anonymous(`${configMaps}/mine`)).code).to.equal(200);
    expect((await anonymous(`${configMaps}/other`)).code).to.equal(403);
    await admin.delete(RoleBinding, 'default/open');
    expect((await anonymous(`${configMaps}/mine`)).code).to.equal(403);
  });

  it('API-18 without anonymous requests, who shows no credentials is 401 everywhere', async () => {
    await using strict = await StrictServer.start();
    for (const path of ['/healthz', '/version', '/api', configMaps]) {
      const { code, body } = await strict.get(path);
      expect(code, path).to.equal(401);
      expect(body).to.include({ reason: 'Unauthorized', message: 'Unauthorized', code: 401 });
    }
  });

  it('API-18 who acts as a service account needs a right to that one, and has its groups', async () => {
    const whoami = async (user: UserInfo, as: string) => {
      const { status, body } = await cluster.transport(user).request({
        method: 'POST',
        path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
        headers: { 'impersonate-user': as },
        body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
      });
      return { status, body: body as { message?: string; status?: { userInfo: UserInfo } } };
    };
    const as = 'system:serviceaccount:default:default';
    const root = { username: 'root', groups: ['system:masters'] };
    expect((await whoami(root, as)).body.status?.userInfo.groups).to.deep.equal([
      'system:serviceaccounts',
      'system:serviceaccounts:default',
      'system:authenticated',
    ]);
    expect((await whoami(jane, as)).body.message).to.equal(
      'serviceaccounts "default" is forbidden: User "jane" cannot impersonate resource "serviceaccounts" in API group "" in the namespace "default"',
    );
    expect((await whoami(root, 'system:anonymous')).body.message).to.include(
      'User "system:anonymous" cannot create resource "selfsubjectreviews"',
    );
  });

  it('a token that nobody has is 401, also where anonymous may look', async () => {
    expect((await anonymous(configMaps, { authorization: 'Bearer wrong' })).code).to.equal(401);
  });

  it('a certificate of another authority is 401', async () => {
    const { createAuthority, issueCertificate } = await import('#src/pki/index.js');
    const { systemClock: clock } = await import('#src/system/index.js');
    const other = await createAuthority('other', { clock });
    const pair = await issueCertificate(
      other,
      { commonName: 'admin', organizations: ['system:masters'], usage: 'client' },
      { clock },
    );
    const transport = createHttpTransport({ server: cluster.url as string, ca, ...pair });
    const response = await transport.request({ method: 'GET', path: configMaps });
    expect(response.status).to.equal(401);
    transport.close();
  });

  for (const way of ['in process', 'over HTTPS']) {
    it(`${way}: what no rule allows is 403 with Kubernetes' text`, async () => {
      const transport = asJane.get(way) as Transport;
      const cases: [Parameters<Transport['request']>[0], string][] = [
        [
          { method: 'GET', path: configMaps },
          'configmaps is forbidden: User "jane" cannot list resource "configmaps" in API group "" in the namespace "default"',
        ],
        [
          { method: 'GET', path: `${configMaps}/other` },
          'configmaps "other" is forbidden: User "jane" cannot get resource "configmaps" in API group "" in the namespace "default"',
        ],
        [
          { method: 'DELETE', path: `${configMaps}/mine` },
          'configmaps "mine" is forbidden: User "jane" cannot delete resource "configmaps" in API group "" in the namespace "default"',
        ],
        [
          { method: 'GET', path: '/api/v1/nodes' },
          'nodes is forbidden: User "jane" cannot list resource "nodes" in API group "" at the cluster scope',
        ],
        [
          { method: 'GET', path: '/apis/apps/v1/namespaces/default/deployments/x/scale' },
          'deployments.apps "x" is forbidden: User "jane" cannot get resource "deployments/scale" in API group "apps" in the namespace "default"',
        ],
        [{ method: 'GET', path: '/metrics' }, 'forbidden: User "jane" cannot get path "/metrics"'],
      ];
      for (const [asked, message] of cases) {
        const { status, body } = await transport.request(asked);
        expect(status, message).to.equal(403);
        expect(body as Status).to.include({ reason: 'Forbidden', message });
      }
    });

    it(`${way}: a rule allows exactly what it says`, async () => {
      const client = createClient(asJane.get(way) as Transport);
      expect((await client.get(ConfigMap, 'default/mine')).metadata.name).to.equal('mine');
      const discovery = await client.transport.request({ method: 'GET', path: '/apis' });
      expect(discovery.status).to.equal(200);
    });

    it(`${way}: the review of one's own access agrees with the decision`, async () => {
      const transport = asJane.get(way) as Transport;
      const ask = async (verb: string, name: string): Promise<boolean> => {
        const { body } = await transport.request({
          method: 'POST',
          path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
          body: {
            apiVersion: 'authorization.k8s.io/v1',
            kind: 'SelfSubjectAccessReview',
            spec: { resourceAttributes: { namespace: 'default', verb, resource: 'configmaps', name } },
          },
        });
        return (body as { status: { allowed: boolean } }).status.allowed;
      };
      expect(await ask('get', 'mine')).to.equal(true);
      expect(await ask('get', 'other')).to.equal(false);
      expect(await ask('delete', 'mine')).to.equal(false);
    });
  }

  it('API-18 a review says which binding allows it, and a refusal which roles are missing', async () => {
    const admin = cluster.transport();
    const review = async (spec: object) => {
      const { body } = await admin.request({
        method: 'POST',
        path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
        body: { spec },
      });
      return (body as { status: { allowed: boolean; reason?: string } }).status;
    };
    const get = { namespace: 'default', verb: 'get', resource: 'configmaps', name: 'mine' };
    expect(await review({ user: 'x', groups: ['dev'], resourceAttributes: get })).to.deep.equal({
      allowed: true,
      reason: 'RBAC: allowed by RoleBinding "reader/default" of Role "reader" to Group "dev"',
    });
    const version = { path: '/version', verb: 'get' };
    expect(
      await review({ user: 'x', groups: ['system:authenticated'], nonResourceAttributes: version }),
    ).to.deep.equal({
      allowed: true,
      reason:
        'RBAC: allowed by ClusterRoleBinding "system:discovery" of ClusterRole "system:discovery" to Group "system:authenticated"',
    });
    await cluster.client().create(RoleBinding, {
      metadata: { name: 'dangling', namespace: 'default' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'nowhere' },
      subjects: [{ kind: 'ServiceAccount', name: 'robot', namespace: 'default' }],
    });
    const robot = cluster.transport({ username: 'system:serviceaccount:default:robot' });
    const { body } = await robot.request({ method: 'GET', path: configMaps });
    expect((body as Status).message).to.equal(
      'configmaps is forbidden: User "system:serviceaccount:default:robot" cannot list resource "configmaps" in API group "" in the namespace "default": RBAC: clusterrole.rbac.authorization.k8s.io "nowhere" not found',
    );
    await cluster.client().delete(RoleBinding, 'default/dangling');
    const after = await robot.request({ method: 'GET', path: configMaps });
    expect((after.body as Status).message).to.match(/in the namespace "default"$/);
  });

  it('API-18 a binding counts from when it is made, while it is as it is', async () => {
    const client = cluster.client();
    const may = async (user: UserInfo): Promise<boolean> =>
      (await cluster.transport(user).request({ method: 'GET', path: `${configMaps}/mine` })).status === 200;
    const [kim, lee]: UserInfo[] = [{ username: 'kim' }, { username: 'lee' }];
    const both = [kim as UserInfo, lee as UserInfo];
    const seen = async (): Promise<boolean[]> => [
      await may(both[0] as UserInfo),
      await may(both[1] as UserInfo),
    ];
    const subject = (name: string) => ({ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name });
    expect(await seen()).to.deep.equal([false, false]);
    await client.create(RoleBinding, {
      metadata: { name: 'one', namespace: 'default' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'reader' },
      subjects: [subject('kim'), subject('kim')],
    });
    expect(await seen()).to.deep.equal([true, false]);
    await client.patch(RoleBinding, 'default/one', (draft) => {
      draft.subjects = [subject('lee')];
    });
    expect(await seen()).to.deep.equal([false, true]);
    await client.delete(RoleBinding, 'default/one');
    expect(await seen()).to.deep.equal([false, false]);
  });

  it('a watch that is forbidden is refused before it opens', async () => {
    for (const transport of asJane.values()) {
      const outcome = await transport
        .watch({ method: 'GET', path: configMaps, query: { watch: 'true' } })
        .then(
          () => 'opened',
          (error: { reason?: string }) => error.reason,
        );
      expect(outcome).to.equal('Forbidden');
    }
  });
});
