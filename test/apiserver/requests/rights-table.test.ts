/** Who may do what: every subject is asked for everything, and gets exactly what its roles say (API-18). */
import { expect } from 'chai';
import { setTimeout as pause } from 'node:timers/promises';
import type { HttpMethod, UserInfo } from 'gyre/api';
import { EmbeddedCluster } from 'gyre/cluster';

const rbac = 'rbac.authorization.k8s.io';
const user = (username: string, ...groups: string[]): UserInfo => ({ username, groups });

const subjects = {
  nobody: user('nobody'),
  viewer: user('viewer'),
  editor: user('editor'),
  administrator: user('administrator'),
  master: user('master', 'system:masters'),
  /** May read one secret by its name. */
  keeper: user('system:serviceaccount:here:keeper', 'system:serviceaccounts', 'system:serviceaccounts:here'),
  /** A member of a group that may list nodes. */
  operator: user('operator', 'node-readers'),
} as const;
type Subject = keyof typeof subjects;

const read = ['get', 'list', 'watch'] as const;
const write = ['create', 'update', 'patch', 'delete', 'deletecollection'] as const;
type Verb = (typeof read)[number] | (typeof write)[number];
const verbs: readonly Verb[] = [...read, ...write];

interface Resource {
  readonly path: string;
  /** Exactly these verbs; whoever is not named may do nothing. */
  readonly may: Partial<Record<Subject, readonly Verb[]>>;
}
const all = { master: verbs };
const inNamespace = (
  readers: readonly Verb[],
  writers: readonly Verb[],
  namespace = 'here',
): Resource['may'] =>
  namespace === 'here'
    ? { ...all, viewer: readers, editor: [...readers, ...writers], administrator: [...readers, ...writers] }
    : all;

const resources: readonly Resource[] = [
  { path: '/api/v1/namespaces/here/configmaps', may: inNamespace(read, write) },
  { path: '/api/v1/namespaces/there/configmaps', may: inNamespace(read, write, 'there') },
  { path: '/apis/apps/v1/namespaces/here/deployments', may: inNamespace(read, write) },
  { path: '/api/v1/namespaces/here/secrets', may: { ...all, editor: verbs, administrator: verbs } },
  { path: '/api/v1/namespaces/there/secrets', may: all },
  { path: `/apis/${rbac}/v1/namespaces/here/roles`, may: { ...all, administrator: verbs } },
  {
    path: '/api/v1/namespaces/here/limitranges',
    may: { ...all, viewer: read, editor: read, administrator: read },
  },
  { path: '/api/v1/nodes', may: { ...all, operator: ['list'] } },
  { path: `/apis/${rbac}/v1/clusterroles`, may: all },
  { path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', may: all },
];

const methods: Readonly<Record<Verb, HttpMethod>> = {
  get: 'GET',
  list: 'GET',
  watch: 'GET',
  create: 'POST',
  update: 'PUT',
  patch: 'PATCH',
  delete: 'DELETE',
  deletecollection: 'DELETE',
};

describe('rights', () => {
  let cluster: EmbeddedCluster;
  before(async () => {
    cluster = await EmbeddedCluster.start({ nodes: { simulated: 1 } });
    const admin = cluster.transport();
    const make = async (path: string, body: object): Promise<void> => {
      const { status } = await admin.request({ method: 'POST', path, body });
      expect(status, path).to.equal(201);
    };
    for (const name of ['here', 'there']) await make('/api/v1/namespaces', { metadata: { name } });
    const bind = (name: string, subject: object, kind: string, role: string) =>
      make(`/apis/${rbac}/v1/namespaces/here/rolebindings`, {
        metadata: { name },
        roleRef: { apiGroup: rbac, kind, name: role },
        subjects: [subject],
      });
    for (const [name, role] of [
      ['viewer', 'view'],
      ['editor', 'edit'],
      ['administrator', 'admin'],
    ] as const)
      await bind(name, { apiGroup: rbac, kind: 'User', name }, 'ClusterRole', role);
    await make(`/apis/${rbac}/v1/namespaces/here/roles`, {
      metadata: { name: 'one-secret' },
      rules: [{ apiGroups: [''], resources: ['secrets'], resourceNames: ['mine'], verbs: ['get'] }],
    });
    await bind('keeper', { kind: 'ServiceAccount', name: 'keeper', namespace: 'here' }, 'Role', 'one-secret');
    await make(`/apis/${rbac}/v1/clusterroles`, {
      metadata: { name: 'nodes' },
      rules: [{ apiGroups: [''], resources: ['nodes'], verbs: ['list'] }],
    });
    await make(`/apis/${rbac}/v1/clusterrolebindings`, {
      metadata: { name: 'nodes' },
      roleRef: { apiGroup: rbac, kind: 'ClusterRole', name: 'nodes' },
      subjects: [{ apiGroup: rbac, kind: 'Group', name: 'node-readers' }],
    });
    // Until the aggregated roles have their rules.
    for (let left = 100; left > 0; left--) {
      const { status } = await cluster
        .transport(subjects.administrator)
        .request({ method: 'GET', path: '/api/v1/namespaces/here/configmaps' });
      if (status === 200) return;
      await pause(20);
    }
    throw new Error('the role admin got no rules');
  });
  after(() => cluster.stop());

  /** Whether the request is let through to what it asks for; what becomes of it then is no matter of rights. */
  async function allowed(subject: Subject, verb: Verb, path: string, name = 'none'): Promise<boolean> {
    const transport = cluster.transport(subjects[subject]);
    const collection =
      verb === 'list' || verb === 'watch' || verb === 'create' || verb === 'deletecollection';
    const stop = new AbortController();
    if (verb === 'watch') {
      try {
        await transport.watch({ method: 'GET', path, query: { watch: 'true' }, signal: stop.signal });
        return true;
      } catch (error) {
        return (error as { reason?: string }).reason !== 'Forbidden';
      } finally {
        stop.abort();
      }
    }
    const { status, body } = await transport.request({
      method: methods[verb],
      path: collection ? path : `${path}/${name}`,
      // Nothing is to happen, and what is asked for is no right object: only whether one may ask is looked at.
      query: verb === 'get' || verb === 'list' ? {} : { dryRun: 'All' },
      ...(verb === 'patch' ? { headers: { 'content-type': 'application/merge-patch+json' } } : {}),
      ...(['create', 'update', 'patch'].includes(verb)
        ? { body: { metadata: { name, labels: { '!': '!' } } } }
        : {}),
    });
    const { message = '' } = body as { message?: string };
    return !(status === 403 && message.includes(`cannot ${verb} resource`));
  }

  for (const { path, may } of resources)
    for (const subject of Object.keys(subjects) as Subject[])
      it(`API-18 ${subject} on ${path}: ${may[subject]?.join(', ') ?? 'nothing'}`, async () => {
        const found: Verb[] = [];
        for (const verb of verbs) if (await allowed(subject, verb, path)) found.push(verb);
        expect(found).to.have.members([...(may[subject] ?? [])]);
      });

  it('API-18 a right to one name is a right to that name alone', async () => {
    const secrets = '/api/v1/namespaces/here/secrets';
    expect(await allowed('keeper', 'get', secrets, 'mine')).to.equal(true);
    expect(await allowed('keeper', 'get', secrets, 'other')).to.equal(false);
    expect(await allowed('keeper', 'list', secrets)).to.equal(false);
    expect(await allowed('keeper', 'get', '/api/v1/namespaces/there/secrets', 'mine')).to.equal(false);
  });

  it('API-18 nobody sees a secret in what he is refused with', async () => {
    await cluster.transport().request({
      method: 'POST',
      path: '/api/v1/namespaces/here/secrets',
      body: { metadata: { name: 'mine' }, stringData: { password: 'hunter2-and-more' } },
    });
    for (const [method, path, body] of [
      [
        'PUT',
        'mine',
        { metadata: { name: 'mine', resourceVersion: '1' }, data: { password: 'aHVudGVyMi1hbmQtbW9yZQ==' } },
      ],
      ['PUT', 'mine', { metadata: { name: 'other' }, data: { password: 'no base64: hunter2-and-more' } }],
      ['PATCH', 'mine', { data: { password: 7 } }],
    ] as const) {
      for (const subject of ['master', 'editor', 'viewer'] as const) {
        const answer = await cluster.transport(subjects[subject]).request({
          method,
          path: `/api/v1/namespaces/here/secrets/${path}`,
          ...(method === 'PATCH' ? { headers: { 'content-type': 'application/merge-patch+json' } } : {}),
          body,
        });
        expect(answer.status).to.be.greaterThan(399);
        expect(JSON.stringify(answer.body)).not.to.match(/hunter2|aHVudGVyMi/);
      }
    }
  });
});
