/** Nobody gives what he does not have (API-18). */
import { expect } from 'chai';
import type { UserInfo } from 'gyre/api';
import { VirtualServer } from '../requests/virtual-server.js';
import { signingRequest } from '../../support/signing-request.js';

const rbac = '/apis/rbac.authorization.k8s.io/v1';
const roles = `${rbac}/namespaces/default/roles`;
const bindings = `${rbac}/namespaces/default/rolebindings`;
const jane: UserInfo = { username: 'jane', groups: ['devs'] };
const get = (...resources: string[]) => ({ apiGroups: [''], resources, verbs: ['get'] });

describe('rights that are given', () => {
  let server: VirtualServer;
  beforeEach(async () => {
    server = await VirtualServer.start();
  });
  afterEach(() => server[Symbol.asyncDispose]());

  /** Gives jane these rights in the cluster. */
  const grant = async (...rules: object[]): Promise<void> => {
    await server.post(`${rbac}/clusterroles`, { metadata: { name: 'janes' }, rules });
    await server.post(`${rbac}/clusterrolebindings`, {
      metadata: { name: 'janes' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'janes' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'jane' }],
    });
  };
  const writesRbac = {
    apiGroups: ['rbac.authorization.k8s.io'],
    resources: ['roles', 'rolebindings'],
    verbs: ['create', 'update', 'patch', 'get'],
  };
  const asJane = async (
    method: 'POST' | 'PUT' | 'PATCH',
    url: string,
    body: unknown,
    headers?: Record<string, string>,
  ) => {
    const { status, body: answer } = await server.ask(method, url, body, headers, jane);
    return { status, message: (answer as { message?: string }).message ?? '' };
  };
  const role = (name: string, ...rules: object[]) => ({ metadata: { name }, rules });
  const binding = (name: string, kind: string, of: string) => ({
    metadata: { name },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name: of },
    subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'User', name: 'jane' }],
  });

  it('API-18 a role holds no rule that its writer does not, in Kubernetes’ words', async () => {
    await grant(writesRbac, get('pods', 'services'));
    expect((await asJane('POST', roles, role('fine', get('pods')))).status).to.equal(201);
    const refused = await asJane('POST', roles, role('more', get('pods'), get('secrets')));
    expect(refused.status).to.equal(403);
    expect(refused.message).to.equal(
      'roles.rbac.authorization.k8s.io "more" is forbidden: user "jane" (groups=["devs" "system:authenticated"]) is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}',
    );
    expect(
      (await asJane('POST', roles, role('wild', { apiGroups: ['*'], resources: ['*'], verbs: ['*'] })))
        .status,
    ).to.equal(403);
    const named = { ...get('pods'), resourceNames: ['one'] };
    expect((await asJane('POST', roles, role('named', named))).status, 'less than what is held').to.equal(
      201,
    );
  });

  it('API-18 of a role that stays as it is anything else may be changed', async () => {
    await server.post(roles, role('strong', get('secrets')));
    await grant(writesRbac);
    const merge = { 'content-type': 'application/merge-patch+json' };
    expect(
      (await asJane('PATCH', `${roles}/strong`, { metadata: { labels: { a: 'b' } } }, merge)).status,
    ).to.equal(200);
    expect((await asJane('PATCH', `${roles}/strong`, { rules: [get('configmaps')] }, merge)).status).to.equal(
      403,
    );
  });

  it('API-18 whose policy reads parameters may read them himself', async () => {
    const ar = '/apis/admissionregistration.k8s.io/v1';
    await grant(
      { apiGroups: ['admissionregistration.k8s.io'], resources: ['*'], verbs: ['create', 'get', 'patch'] },
      get('configmaps'),
      { ...get('secrets'), resourceNames: ['one'] },
    );
    const policy = (name: string, kind: string) => ({
      metadata: { name },
      spec: {
        paramKind: { apiVersion: 'v1', kind },
        matchConstraints: {
          resourceRules: [
            { apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] },
          ],
        },
        validations: [{ expression: 'true' }],
      },
    });
    const policies = `${ar}/validatingadmissionpolicies`;
    expect((await asJane('POST', policies, policy('fine', 'ConfigMap'))).status).to.equal(201);
    const refused = await asJane('POST', policies, policy('more', 'Secret'));
    expect(refused.status).to.equal(422);
    expect(refused.message).to.equal(
      'ValidatingAdmissionPolicy.admissionregistration.k8s.io "more" is invalid: spec.paramKind: Forbidden: user jane must have "get" permission on all objects of the referenced paramKind (kind=Secret, apiVersion=v1)',
    );
    const merge = { 'content-type': 'application/merge-patch+json' };
    const toSecrets = { spec: { paramKind: { kind: 'Secret' } } };
    expect((await asJane('PATCH', `${policies}/fine`, toSecrets, merge)).status).to.equal(422);
    // An admin may, and what stays as it is may stay.
    await server.post(policies, policy('strong', 'Secret'));
    const label = { metadata: { labels: { a: 'b' } } };
    expect((await asJane('PATCH', `${policies}/strong`, label, merge)).status).to.equal(200);

    const binding = (name: string, policyName: string, paramRef: object) => ({
      metadata: { name },
      spec: {
        policyName,
        validationActions: ['Deny'],
        paramRef: { parameterNotFoundAction: 'Allow', ...paramRef },
      },
    });
    const bind = async (...of: Parameters<typeof binding>) =>
      asJane('POST', `${ar}/validatingadmissionpolicybindings`, binding(...of));
    expect((await bind('a', 'strong', { name: 'one', namespace: 'default' })).status).to.equal(201);
    expect((await bind('b', 'fine', { selector: {} })).status).to.equal(201);
    for (const [name, of, ref] of [
      ['c', 'strong', { name: 'two', namespace: 'default' }],
      ['d', 'strong', { selector: {} }],
      ['e', 'later', { name: 'one' }],
    ] as const) {
      const { status, message } = await bind(name, of, ref);
      expect([name, status]).to.deep.equal([name, 422]);
      expect(message).to.include(
        'spec.paramRef: Forbidden: user jane does not have "get" permission on the object referenced by paramRef',
      );
    }
  });

  it('API-18 escalate and bind are rights of their own', async () => {
    await grant(
      writesRbac,
      { apiGroups: ['rbac.authorization.k8s.io'], resources: ['roles'], verbs: ['escalate'] },
      {
        apiGroups: ['rbac.authorization.k8s.io'],
        resources: ['clusterroles'],
        verbs: ['bind'],
        resourceNames: ['view'],
      },
    );
    expect((await asJane('POST', roles, role('strong', get('secrets')))).status).to.equal(201);
    expect((await asJane('POST', bindings, binding('a', 'ClusterRole', 'view'))).status).to.equal(201);
    expect((await asJane('POST', bindings, binding('b', 'ClusterRole', 'cluster-admin'))).status).to.equal(
      403,
    );
    expect((await asJane('POST', bindings, binding('c', 'Role', 'nobody'))).status).to.equal(403);
  });

  it('API-18 who has all rules of a role may bind it', async () => {
    await server.post(roles, role('reader', get('pods')));
    await grant(writesRbac, get('pods'));
    expect((await asJane('POST', bindings, binding('a', 'Role', 'reader'))).status).to.equal(201);
  });

  it('API-18 a signing request is approved by who may approve for its signer', async () => {
    const csrs = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
    const spec = {
      request: await signingRequest({ commonName: 'x' }),
      signerName: 'example.com/one',
      usages: ['client auth'],
    };
    const made = await server.post(csrs, { metadata: { name: 'c' }, spec });
    const approval = { ...made, status: { conditions: [{ type: 'Approved', status: 'True', reason: 'R' }] } };
    const writes = {
      apiGroups: ['certificates.k8s.io'],
      resources: ['certificatesigningrequests/approval'],
      verbs: ['update'],
    };
    await grant(writes);
    const refused = await asJane('PUT', `${csrs}/c/approval`, approval);
    expect([refused.status, refused.message]).to.deep.equal([
      403,
      'certificatesigningrequests.certificates.k8s.io "c" is forbidden: user not permitted to approve requests with signerName "example.com/one"',
    ]);
    await server.patch(`${rbac}/clusterroles/janes`, {
      rules: [
        writes,
        {
          apiGroups: ['certificates.k8s.io'],
          resources: ['signers'],
          verbs: ['approve'],
          resourceNames: ['example.com/*'],
        },
      ],
    });
    expect((await asJane('PUT', `${csrs}/c/approval`, approval)).status).to.equal(200);
    const both = {
      ...approval,
      metadata: { name: 'c' },
      status: {
        conditions: [
          { type: 'Approved', status: 'True' },
          { type: 'Denied', status: 'True' },
        ],
      },
    };
    const { status } = await server.ask('PUT', `${csrs}/c/approval`, both);
    expect(status, 'both').to.equal(422);
  });
});
