import { expect } from 'chai';
import { mergePatch } from '../support/api-calls.js';
import { signingRequest } from '../support/signing-request.js';
import { conformance } from './conformance.js';

const strategicPatch = { 'content-type': 'application/strategic-merge-patch+json' };

conformance('[sig-auth]', (restate) => {
  restate('Certificates API [Privileged:ClusterAdmin] should support CSR API operations', async (k) => {
    const csrs = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
    const groups = (await k.get('/apis')) as unknown as { groups: { name: string }[] };
    expect(groups.groups.map((g) => g.name)).to.include('certificates.k8s.io');
    const request = await signingRequest({ commonName: `e2e-user-${k.namespace}`, organizations: ['e2e'] });
    const spec = {
      request,
      signerName: 'example.com/e2e-signer',
      expirationSeconds: 3600,
      usages: ['digital signature', 'key encipherment', 'server auth'],
    };
    const label = `labelSelector=e2e-case%3D${k.namespace}`;
    const seen = await k.watch(`${csrs}?${label}`);
    const made = await k.post(csrs, {
      metadata: { generateName: 'e2e-example-csr-', labels: { 'e2e-case': k.namespace } },
      spec,
    });
    // Who asks is what the server knows, not what is said.
    expect(made.spec.username).to.be.a('string').and.not.equal('');
    expect(made.spec.groups).to.include('system:authenticated');
    await seen.until('ADDED');
    const at = `${csrs}/${made.metadata.name}`;
    await k.patch(at, { metadata: { annotations: { patched: 'true' } } }, mergePatch);
    const newest = await k.get(at);
    await k.put(at, {
      ...newest,
      metadata: { ...newest.metadata, annotations: { ...newest.metadata.annotations, updated: 'true' } },
    });
    await seen.until('MODIFIED', (o) => o.metadata.annotations?.updated === 'true');

    const approving = await k.get(`${at}/approval`);
    const approved = await k.put(`${at}/approval`, {
      ...approving,
      metadata: {
        ...approving.metadata,
        annotations: { ...approving.metadata.annotations, approved: 'true' },
      },
      status: {
        conditions: [{ type: 'Approved', status: 'True', reason: 'E2E', message: 'Set from an e2e test' }],
      },
    });
    expect(approved.status.conditions[0]).to.include({ type: 'Approved', reason: 'E2E' });
    const signing = await k.get(`${at}/status`);
    const refused = await k.ask('PUT', `${at}/status`, {
      ...signing,
      status: { ...signing.status, certificate: Buffer.from('no pem').toString('base64') },
    });
    expect(refused.status, 'a certificate that is none').to.equal(422);
    const failed = await k.put(`${at}/status`, {
      ...signing,
      status: {
        ...signing.status,
        conditions: [...signing.status.conditions, { type: 'Failed', status: 'True', reason: 'E2E' }],
      },
    });
    expect(failed.status.conditions.map((c: { type: string }) => c.type)).to.deep.equal([
      'Approved',
      'Failed',
    ]);
    await k.delete(at);
    await seen.until('DELETED');
    await k.post(csrs, { metadata: { generateName: 'e2e-', labels: { 'e2e-case': k.namespace } }, spec });
    await k.delete(`${csrs}?${label}`);
    expect((await k.get(`${csrs}?${label}`)).items).to.deep.equal([]);
  });

  restate('ServiceAccounts should allow opting out of API token automount', async (k) => {
    await k.post(k.at('v1', 'serviceaccounts'), { metadata: { name: 'mount' } });
    await k.post(k.at('v1', 'serviceaccounts'), {
      metadata: { name: 'nomount' },
      automountServiceAccountToken: false,
    });
    let n = 0;
    for (const [serviceAccountName, automountServiceAccountToken, mounts] of [
      ['mount', undefined, true],
      ['mount', true, true],
      ['mount', false, false],
      ['nomount', undefined, false],
      ['nomount', true, true],
      ['nomount', false, false],
    ] as const) {
      const made = await k.post(k.at('v1', 'pods'), {
        metadata: { name: `pod-${n++}` },
        spec: {
          serviceAccountName,
          ...(automountServiceAccountToken === undefined ? {} : { automountServiceAccountToken }),
          nodeSelector: { no: 'node' },
          containers: [{ name: 'c', image: 'pause' }],
        },
      });
      const found = (made.spec.containers[0].volumeMounts ?? []).some(
        (m: { mountPath: string }) => m.mountPath === '/var/run/secrets/kubernetes.io/serviceaccount',
      );
      expect(found, `${serviceAccountName}, pod says ${automountServiceAccountToken}`).to.equal(mounts);
    }
  });

  restate('ServiceAccounts should run through the lifecycle of a ServiceAccount', async (k) => {
    const accounts = k.at('v1', 'serviceaccounts');
    const seen = await k.watch(`${accounts}?labelSelector=test-serviceaccount-static%3Dtrue`);
    await k.post(accounts, {
      metadata: { name: 'testserviceaccount', labels: { 'test-serviceaccount-static': 'true' } },
    });
    await seen.until('ADDED');
    await k.patch(`${accounts}/testserviceaccount`, { automountServiceAccountToken: false }, strategicPatch);
    await seen.until('MODIFIED', (o) => o.automountServiceAccountToken === false);
    expect(
      (await k.get('/api/v1/serviceaccounts?labelSelector=test-serviceaccount-static%3Dtrue')).items,
    ).to.have.length(1);
    await k.delete(`${accounts}?labelSelector=test-serviceaccount-static%3Dtrue`);
    await seen.until('DELETED');
  });

  restate('ServiceAccounts should update a ServiceAccount', async (k) => {
    const made = await k.post(k.at('v1', 'serviceaccounts'), { metadata: { name: 'e2e-sa' } });
    const updated = await k.put(k.at('v1', 'serviceaccounts', 'e2e-sa'), {
      ...made,
      automountServiceAccountToken: false,
    });
    expect(updated.automountServiceAccountToken).to.equal(false);
  });

  restate('ServiceAccounts should guarantee kube-root-ca.crt exist in any namespace', async (k) => {
    const at = k.at('v1', 'configmaps', 'kube-root-ca.crt');
    const published = await k.eventually(() => k.get(at));
    expect(published.data['ca.crt']).to.include('BEGIN CERTIFICATE');
    await k.delete(at);
    await k.eventually(async () => expect((await k.get(at)).data).to.deep.equal(published.data));
    const again = await k.get(at);
    await k.put(at, { ...again, data: { 'ca.crt': '' } });
    await k.eventually(async () => expect((await k.get(at)).data).to.deep.equal(published.data));
  });

  restate('SubjectReview should support SubjectReview API operations', async (k) => {
    const account = `system:serviceaccount:${k.namespace}:e2e`;
    await k.post(k.at('v1', 'serviceaccounts'), { metadata: { name: 'e2e' } });
    const spec = {
      user: account,
      resourceAttributes: { namespace: k.namespace, verb: 'list', resource: 'configmaps', version: 'v1' },
    };
    const allowed = async (collection: string, given: object): Promise<boolean> =>
      (await k.post(collection, { spec: given })).status.allowed;
    const subject = '/apis/authorization.k8s.io/v1/subjectaccessreviews';
    const local = k.at('authorization.k8s.io/v1', 'localsubjectaccessreviews');
    expect(await allowed(subject, spec)).to.equal(false);
    expect(await allowed(local, spec)).to.equal(false);
    await k.post(k.at('rbac.authorization.k8s.io/v1', 'rolebindings'), {
      metadata: { name: 'e2e-view' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'view' },
      subjects: [{ kind: 'ServiceAccount', name: 'e2e', namespace: k.namespace }],
    });
    expect(await allowed(subject, spec), 'once bound').to.equal(true);
    expect(await allowed(local, spec), 'once bound').to.equal(true);
    const secrets = { ...spec, resourceAttributes: { ...spec.resourceAttributes, resource: 'secrets' } };
    expect(await allowed(subject, secrets), 'secrets').to.equal(false);
    await k.refused(400, 'POST', local, {
      spec: { ...spec, resourceAttributes: { ...spec.resourceAttributes, namespace: 'other' } },
    });
    const self = await k.post('/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', {
      spec: { resourceAttributes: spec.resourceAttributes },
    });
    expect(self.status.allowed).to.equal(true);
  });
});
