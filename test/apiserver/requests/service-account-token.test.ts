import { expect } from 'chai';
import type { Status } from 'gyre/api';
import { Pod, ServiceAccount } from 'gyre/kinds';
import { TestCluster } from 'gyre/testing';
import { TokenSigner, createServiceAccountKey } from '#src/pki/index.js';

interface TokenAnswer {
  readonly status?: { readonly token: string; readonly expirationTimestamp: string };
}
interface ReviewAnswer {
  readonly status: {
    readonly authenticated?: boolean;
    readonly user?: {
      readonly username?: string;
      readonly groups?: readonly string[];
      readonly extra?: object;
    };
  };
}

const issuer = 'https://kubernetes.default.svc.cluster.local';
const claimsOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8')) as Record<string, unknown>;

describe('tokens of service accounts', () => {
  let t: TestCluster;
  beforeEach(async () => {
    t = await TestCluster.start({ builtin: false });
    await t.client.create(ServiceAccount, { metadata: { namespace: 'default', name: 'robot' } });
    await t.client.create(Pod, {
      metadata: { namespace: 'default', name: 'p' },
      spec: { serviceAccountName: 'robot', nodeName: 'n', containers: [{ name: 'c', image: 'i' }] },
    });
  });
  afterEach(() => t.stop());

  const request = (path: string, body: object) =>
    t.cluster.transport().request({ method: 'POST', path, body });
  const ask = (spec: object = {}, account = 'robot') =>
    request(`/api/v1/namespaces/default/serviceaccounts/${account}/token`, {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec,
    });
  async function token(spec?: object): Promise<string> {
    const { body } = await ask(spec);
    return (body as TokenAnswer).status?.token ?? '';
  }
  async function review(text: string): Promise<ReviewAnswer['status']> {
    const { body } = await request('/apis/authentication.k8s.io/v1/tokenreviews', {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenReview',
      spec: { token: text },
    });
    return (body as ReviewAnswer).status;
  }

  it('API-18 carries who it is from, for and about, and for how long', async () => {
    const { status, body } = await ask();
    expect(status).to.equal(201);
    const answer = (body as TokenAnswer).status;
    const claims = claimsOf(answer?.token ?? '');
    const { uid } = t.get(ServiceAccount, 'default/robot').metadata;
    expect(claims).to.deep.include({
      iss: issuer,
      aud: [issuer],
      sub: 'system:serviceaccount:default:robot',
    });
    expect(claims['kubernetes.io']).to.deep.equal({
      namespace: 'default',
      serviceaccount: { name: 'robot', uid },
    });
    expect(Number(claims.exp) - Number(claims.iat)).to.equal(3600);
    expect(answer?.expirationTimestamp).to.equal('2026-01-01T01:00:00Z');
  });

  it('API-18 is believed, as its account and groups', async () => {
    const { authenticated, user } = await review(await token());
    expect(authenticated).to.equal(true);
    expect(user?.username).to.equal('system:serviceaccount:default:robot');
    expect(user?.groups).to.include.members([
      'system:serviceaccounts',
      'system:serviceaccounts:default',
      'system:authenticated',
    ]);
  });

  it('API-18 ends when its time is up', async () => {
    const text = await token({ expirationSeconds: 600 });
    await t.advance('9m59s');
    expect((await review(text)).authenticated).to.equal(true);
    await t.advance('1s');
    expect((await review(text)).authenticated).to.equal(undefined);
  });

  it('API-18 dies with its account, also when one of the same name comes after it', async () => {
    const text = await token();
    await t.client.delete(ServiceAccount, 'default/robot');
    expect((await review(text)).authenticated).to.equal(undefined);
    await t.client.create(ServiceAccount, { metadata: { namespace: 'default', name: 'robot' } });
    expect((await review(text)).authenticated).to.equal(undefined);
  });

  it('API-18 bound to a pod names it, and dies with it', async () => {
    const { uid } = t.get(Pod, 'default/p').metadata;
    const text = await token({ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'p', uid } });
    const { user } = await review(text);
    expect(user?.extra).to.deep.include({
      'authentication.kubernetes.io/pod-name': ['p'],
      'authentication.kubernetes.io/node-name': ['n'],
    });
    await t.client.delete(Pod, 'default/p', { gracePeriodSeconds: 0 });
    expect((await review(text)).authenticated).to.equal(undefined);
  });

  it('API-18 bound to a secret dies with it, and with a node, of which it says name and uid', async () => {
    const bodies = {
      Secret: ['/api/v1/namespaces/default/secrets', 'default'],
      Node: ['/api/v1/nodes', ''],
    } as const;
    for (const [kind, [path]] of Object.entries(bodies)) {
      const { body } = await request(path, { metadata: { name: 'b' } });
      const { uid } = (body as { metadata: { uid: string } }).metadata;
      const text = await token({ boundObjectRef: { kind, apiVersion: 'v1', name: 'b' } });
      expect(claimsOf(text)['kubernetes.io']).to.deep.include({ [kind.toLowerCase()]: { name: 'b', uid } });
      const { authenticated, user } = await review(text);
      expect(authenticated, kind).to.equal(true);
      if (kind === 'Node')
        expect(user?.extra).to.deep.include({
          'authentication.kubernetes.io/node-name': ['b'],
          'authentication.kubernetes.io/node-uid': [uid],
        });
      await t.cluster.transport().request({ method: 'DELETE', path: `${path}/b` });
      expect((await review(text)).authenticated, kind).to.equal(undefined);
      await request(path, { metadata: { name: 'b' } });
      expect((await review(text)).authenticated, `another ${kind}`).to.equal(undefined);
    }
  });

  it('API-18 a token whose pod is on its way out is believed for a minute more', async () => {
    await t.client.patch(Pod, 'default/p', (draft) => {
      draft.metadata.finalizers = ['example.com/hold'];
    });
    const text = await token({ boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'p' } });
    await t.client.delete(Pod, 'default/p', { gracePeriodSeconds: 10 });
    await t.advance('69s');
    expect((await review(text)).authenticated).to.equal(true);
    await t.advance('1s');
    expect((await review(text)).authenticated).to.equal(undefined);
  });

  it('API-18 for somebody else is not believed here', async () => {
    expect((await review(await token({ audiences: ['vault'] }))).authenticated).to.equal(undefined);
  });

  it('API-18 a review on behalf of others says for whom of them the token is meant', async () => {
    const about = async (text: string, audiences?: readonly string[]) => {
      const { body } = await request('/apis/authentication.k8s.io/v1/tokenreviews', {
        spec: { token: text, ...(audiences ? { audiences } : {}) },
      });
      return (body as { status: { audiences?: readonly string[]; authenticated?: boolean; error?: string } })
        .status;
    };
    const vault = await token({ audiences: ['vault', 'safe'] });
    expect((await about(vault, ['safe', 'other'])).audiences).to.deep.equal(['safe']);
    expect(await about(vault, ['other'])).to.deep.equal({ error: 'invalid bearer token', user: {} });
    expect((await about(await token())).audiences).to.deep.equal([issuer]);
    const { status, body } = await request('/apis/authentication.k8s.io/v1/tokenreviews', { spec: {} });
    expect(status).to.equal(400);
    expect((body as Status).message).to.equal('token is required for TokenReview in authentication');
  });

  it('API-18 forged, cut, unsigned or signed by another is not believed', async () => {
    const good = await token();
    const [head = '', body = '', signature = ''] = good.split('.');
    const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const other = new TokenSigner(createServiceAccountKey());
    const forged = [
      `${encode({ alg: 'none' })}.${body}.`,
      `${encode({ alg: 'none' })}.${body}.${signature}`,
      `${head}.${encode({ ...claimsOf(good), sub: 'system:serviceaccount:kube-system:default' })}.${signature}`,
      `${head}.${body}`,
      `${head}.${body}.${signature}.x`,
      `${head}.${body}.${'A'.repeat(86)}`,
      other.sign(claimsOf(good)),
      'x',
    ];
    for (const text of forged) expect((await review(text)).authenticated, text).to.equal(undefined);
  });

  it('API-14 takes null for what a client has not set', async () => {
    const nothing = { audiences: null, expirationSeconds: null, boundObjectRef: null };
    const { status, body } = await ask(nothing);
    expect(status).to.equal(201);
    expect((body as { readonly spec: object }).spec).to.deep.equal({
      audiences: [issuer],
      expirationSeconds: 3600,
    });
    expect(claimsOf((body as TokenAnswer).status?.token ?? '').sub).to.equal(
      'system:serviceaccount:default:robot',
    );
  });

  it('API-14 refuses what cannot be', async () => {
    const refusal = async (spec: object, account?: string) => (await ask(spec, account)).body as Status;
    expect(await refusal({ expirationSeconds: 60 })).to.include({ reason: 'Invalid', code: 422 });
    expect((await refusal({ expirationSeconds: 60 })).message).to.equal(
      'TokenRequest.authentication.k8s.io "" is invalid: spec.expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes',
    );
    expect(await refusal({}, 'nobody')).to.include({ reason: 'NotFound', code: 404 });
    const pod = { kind: 'Pod', apiVersion: 'v1', name: 'p' };
    expect(await refusal({ boundObjectRef: { ...pod, name: 'q' } })).to.include({ reason: 'NotFound' });
    expect(await refusal({ boundObjectRef: { ...pod, uid: 'other' } })).to.include({ reason: 'Conflict' });
    expect(await refusal({ boundObjectRef: pod }, 'default')).to.include({ reason: 'BadRequest' });
    expect(await refusal({ boundObjectRef: { ...pod, kind: 'ConfigMap' } })).to.include({
      reason: 'BadRequest',
      message: 'cannot bind token for object of type /v1, Kind=ConfigMap',
    });
    expect(await refusal({ boundObjectRef: { ...pod, kind: 'Node', name: 'none' } })).to.include({
      reason: 'NotFound',
    });
  });
});
