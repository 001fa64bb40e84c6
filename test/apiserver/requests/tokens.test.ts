/** Tokens of all kinds, and where others learn to check them (API-18). */
import { createPublicKey, verify } from 'node:crypto';
import { expect } from 'chai';
import fc from 'fast-check';
import type { Transport } from 'gyre/api';
import { ApiServer, BadTokenFile, readTokenFile } from 'gyre/apiserver';
import { MemoryStore } from 'gyre/store';
import { seededRandom, VirtualClock } from 'gyre/testing';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('tokens', () => {
  let clock: VirtualClock;
  let server: ApiServer;
  let admin: Transport;
  beforeEach(async () => {
    clock = new VirtualClock();
    server = await ApiServer.start({
      store: new MemoryStore({ clock }),
      clock,
      random: seededRandom(),
      disableAdmissionPlugins: ['ServiceAccount'],
    });
    admin = server.transport({ username: 'root', groups: ['system:masters'] });
  });
  afterEach(() => server.stop());

  const whoIs = (bearerToken: string) => server.authenticator.authenticate({ bearerToken });

  describe('bootstrap tokens', () => {
    const id = 'abcdef';
    const secret = '0123456789abcdef';
    const token = `${id}.${secret}`;
    async function given(data: Readonly<Record<string, string>> = {}, more: object = {}): Promise<void> {
      const all = {
        'token-id': id,
        'token-secret': secret,
        'usage-bootstrap-authentication': 'true',
        ...data,
      };
      const { status, body } = await admin.request({
        method: 'POST',
        path: '/api/v1/namespaces/kube-system/secrets',
        body: {
          metadata: { name: `bootstrap-token-${id}` },
          type: 'bootstrap.kubernetes.io/token',
          data: Object.fromEntries(Object.entries(all).map(([key, value]) => [key, base64(value)])),
          ...more,
        },
      });
      expect(status, JSON.stringify(body)).to.equal(201);
    }

    it('API-18 the token of a Secret in kube-system is system:bootstrap:<id>, with its groups', async () => {
      await given({
        'auth-extra-groups': 'system:bootstrappers:worker,system:bootstrappers:kubeadm:default',
      });
      expect(whoIs(token)).to.deep.equal({
        username: 'system:bootstrap:abcdef',
        groups: [
          'system:bootstrappers',
          'system:bootstrappers:worker',
          'system:bootstrappers:kubeadm:default',
          'system:authenticated',
        ],
      });
    });

    it('API-18 holds until its time, and not from then on', async () => {
      await given({ expiration: new Date(clock.now() + 60_000).toISOString() });
      expect(whoIs(token)?.username).to.equal('system:bootstrap:abcdef');
      await clock.advance('59s');
      expect(whoIs(token)).not.to.equal(undefined);
      await clock.advance('1s');
      expect(whoIs(token)).to.equal(undefined);
    });

    it('API-18 dies with its Secret', async () => {
      await given();
      expect(whoIs(token)).not.to.equal(undefined);
      await admin.request({
        method: 'DELETE',
        path: `/api/v1/namespaces/kube-system/secrets/bootstrap-token-${id}`,
      });
      expect(whoIs(token)).to.equal(undefined);
    });

    const refused: readonly [string, Readonly<Record<string, string>>, object?][] = [
      ['another secret', { 'token-secret': '0123456789abcdeF' }],
      ['another id', { 'token-id': 'abcdeg' }],
      ['no use for authentication', { 'usage-bootstrap-authentication': 'false' }],
      ['a time that is none', { expiration: 'tomorrow' }],
      ['a group that such a token may not have', { 'auth-extra-groups': 'system:masters' }],
      ['another type of Secret', {}, { type: 'Opaque' }],
      ['a Secret that is being deleted', {}, undefined],
    ];
    for (const [what, data, more = {}] of refused)
      it(`API-18 is nobody with ${what}`, async () => {
        const deleting = what.includes('deleted');
        const name = `bootstrap-token-${id}`;
        await given(data, deleting ? { metadata: { name, finalizers: ['example.com/hold'] } } : more);
        if (deleting)
          await admin.request({ method: 'DELETE', path: `/api/v1/namespaces/kube-system/secrets/${name}` });
        expect(whoIs(token)).to.equal(undefined);
      });

    it('API-18 what only looks like one is nobody', () => {
      for (const text of ['', 'abcdef', 'abcdef.', `${token}x`, `ABCDEF.${secret}`, `../../x.${secret}`])
        expect(whoIs(text), text).to.equal(undefined);
    });
  });

  describe('a file of static tokens', () => {
    it('API-18 has a token, a name, a uid and groups a line', () => {
      const users = readTokenFile(
        't1,jane,7,"dev,ops"\n\n# nobody\nt2, bob ,,\n"t,3","x ""y""",9\n,none,1\n',
      );
      expect([...users]).to.deep.equal([
        ['t1', { username: 'jane', uid: '7', groups: ['dev', 'ops'] }],
        ['t2', { username: 'bob', groups: [] }],
        ['t,3', { username: 'x "y"', uid: '9', groups: [] }],
      ]);
    });

    it('API-18 a line that says too little is told by its number, not by what it says', () => {
      expect(() => readTokenFile('t1,jane,7\nsecret,bob\n')).to.throw(
        BadTokenFile,
        /^line 2 of the token file must have at least 3 columns \(token, user name, user uid\)$/,
      );
    });

    it('API-18 whatever is written is read back', () => {
      const text = fc.string({ minLength: 1 }).filter((s) => s.trim() === s && !/[\r\n]/.test(s));
      const quoted = (s: string): string => `"${s.replaceAll('"', '""')}"`;
      fc.assert(
        fc.property(text, text, text, (token, username, uid) => {
          const users = readTokenFile([token, username, uid].map(quoted).join(','));
          expect([...users]).to.deep.equal([[token, { username, uid, groups: [] }]]);
        }),
      );
    });
  });

  describe('the issuer of service-account tokens', () => {
    const read = (path: string, username = 'system:serviceaccount:default:x') =>
      server.transport({ username, groups: ['system:serviceaccounts'] }).request({ method: 'GET', path });

    it('API-18 tells who it is and where its keys are', async () => {
      await server.advertise({ address: '127.0.0.1', port: 6443 });
      const { status, headers, body } = await read('/.well-known/openid-configuration');
      expect(status).to.equal(200);
      expect(headers).to.include({
        'content-type': 'application/json',
        'cache-control': 'public, max-age=3600',
      });
      expect(body).to.deep.equal({
        issuer: 'https://kubernetes.default.svc.cluster.local',
        jwks_uri: 'https://127.0.0.1:6443/openid/v1/jwks',
        response_types_supported: ['id_token'],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['ES256'],
      });
    });

    it('API-18 its keys are those its tokens are signed with', async () => {
      const { headers, body } = await read('/openid/v1/jwks');
      expect(headers['content-type']).to.equal('application/jwk-set+json');
      const { keys } = JSON.parse(String(body)) as { keys: Readonly<Record<string, string>>[] };
      const [key = {}] = keys;
      expect(keys).to.have.length(1);
      expect(key).to.include({ use: 'sig', kty: 'EC', crv: 'P-256', alg: 'ES256' });
      expect(key).not.to.have.property('d');
      const { body: asked } = await admin.request({
        method: 'POST',
        path: '/api/v1/namespaces/default/serviceaccounts/default/token',
        body: { spec: {} },
      });
      const [head = '', claims = '', signature = ''] = (
        asked as { status: { token: string } }
      ).status.token.split('.');
      expect(JSON.parse(Buffer.from(head, 'base64url').toString())).to.deep.equal({
        alg: 'ES256',
        kid: key.kid,
      });
      const publicKey = createPublicKey({ key, format: 'jwk' });
      const signed = Buffer.from(`${head}.${claims}`);
      const with_ = { key: publicKey, dsaEncoding: 'ieee-p1363' as const };
      expect(verify('sha256', signed, with_, Buffer.from(signature, 'base64url'))).to.equal(true);
    });

    it('API-18 is told to service accounts, and to nobody else unasked', async () => {
      for (const path of ['/.well-known/openid-configuration', '/openid/v1/jwks']) {
        expect(
          (await server.transport({ username: 'jane' }).request({ method: 'GET', path })).status,
        ).to.equal(403);
        expect((await admin.request({ method: 'POST', path })).status).to.equal(405);
      }
    });
  });
});
