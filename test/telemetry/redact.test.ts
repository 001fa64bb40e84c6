import { expect } from 'chai';
import fc from 'fast-check';
import { redacted, redactSecrets, redactText } from '#src/telemetry/index.js';

const secret = () => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: {
    name: 'db',
    annotations: {
      'kubectl.kubernetes.io/last-applied-configuration': '{"data":{"user":"aHVudGVy"}}',
      team: 'a',
    },
  },
  type: 'Opaque',
  data: { user: 'aHVudGVy', 'tls.crt': 'aHVudGVy' },
  stringData: { note: 'hunter' },
});
const leaks = (value: unknown): boolean => /aHVudGVy|hunter/.test(JSON.stringify(value));

describe('redaction', () => {
  it('hides the values of a Secret and keeps its keys', () => {
    expect(redactSecrets(secret())).to.deep.equal({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: 'db',
        annotations: { 'kubectl.kubernetes.io/last-applied-configuration': redacted, team: 'a' },
      },
      type: 'Opaque',
      data: { user: redacted, 'tls.crt': redacted },
      stringData: { note: redacted },
    });
  });

  it('hides them wherever the Secret is: in a list that names no kinds, in an event, in an array', () => {
    const { apiVersion: _, kind: __, ...item } = secret();
    const holders = [
      { kind: 'SecretList', apiVersion: 'v1', items: [item] },
      { kind: 'List', items: [secret()] },
      { type: 'MODIFIED', object: secret() },
      [[secret()]],
      { now: { deep: { er: secret() } } },
    ];
    for (const holder of holders)
      expect(leaks(redactSecrets(holder)), JSON.stringify(holder)).to.equal(false);
  });

  it('leaves what somebody else calls a Secret to the rules for names', () => {
    const other = { apiVersion: 'example.com/v1', kind: 'Secret', data: { path: 'a/b' } };
    expect(redactSecrets(other)).to.equal(other);
  });

  it('hides text in fields named like secrets, and in environment variables so named', () => {
    const named = {
      password: 'hunter',
      dbPassword: 'hunter',
      API_KEY: 'hunter',
      'client-key-data': 'hunter',
      accessToken: 'hunter',
      authorization: 'hunter',
      env: [{ name: 'DB_PASSWORD', value: 'hunter' }],
      bytes: { token: new Uint8Array([1]) },
    };
    const safe = redactSecrets(named);
    expect(leaks(safe)).to.equal(false);
    expect(safe.bytes.token).to.equal(redacted);
  });

  it('leaves names and places of secrets alone, and returns the very same object then', () => {
    const pod = {
      kind: 'Pod',
      metadata: { name: 'tokens', labels: { password: '' } },
      spec: {
        automountServiceAccountToken: false,
        imagePullSecrets: [{ name: 'pull' }],
        volumes: [{ secret: { secretName: 'db', items: [{ key: 'a', path: 'b' }] } }],
        containers: [
          { env: [{ name: 'DB_PASSWORD', valueFrom: { secretKeyRef: { name: 'db', key: 'p' } } }] },
        ],
        tokenExpirationSeconds: 3600,
      },
    };
    expect(redactSecrets(pod)).to.equal(pod);
  });

  it('hides what shows by its form in any text', () => {
    const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJodW50ZXIifQ.c2lnbmF0dXJl';
    expect(redactText(`Authorization: Bearer ${jwt}`)).to.equal('Authorization: Bearer <redacted>');
    expect(redactText(`token ${jwt} is bad`)).to.equal('token <redacted> is bad');
    expect(redactText('postgres://me:hunter@db:5432/x')).to.equal('postgres://me:<redacted>@db:5432/x');
    expect(
      redactText('-----BEGIN RSA PRIVATE KEY-----\nhunter\n-----END RSA PRIVATE KEY----- after'),
    ).to.equal('<redacted> after');
    expect(redactText('the bearer of bad news')).to.equal('the bearer of bad news');
    expect(redactText('http://10.0.0.1:8080/a@b')).to.equal('http://10.0.0.1:8080/a@b');
  });

  it('changes nothing in place, cuts circles, and takes no key for a prototype', () => {
    const object: Record<string, unknown> = { kind: 'Secret', data: { a: 'hunter' } };
    object.self = object;
    const before = object.data;
    expect(redactSecrets(object)).to.deep.equal({
      kind: 'Secret',
      data: { a: redacted },
      self: '[Circular]',
    });
    expect(object.data).to.equal(before);
    const sly = JSON.parse(
      '{"kind":"Secret","data":{"__proto__":"hunter"},"__proto__":{"password":"hunter"}}',
    ) as object;
    const safe = redactSecrets(sly);
    expect(leaks(safe)).to.equal(false);
    expect(Object.getPrototypeOf(safe)).to.equal(Object.prototype);
    expect(Object.hasOwn(safe, '__proto__')).to.equal(true);
  });

  it('never shows a value of a Secret, however deep it sits (property)', () => {
    const tree = fc.letrec<{ node: unknown }>((tie) => ({
      node: fc.oneof(
        { maxDepth: 4 },
        fc.constant(null).map(secret),
        fc.dictionary(fc.constantFrom('a', 'b', 'items', 'object'), tie('node')),
        fc.array(tie('node'), { maxLength: 3 }),
        fc.integer(),
      ),
    })).node;
    fc.assert(fc.property(tree, (value) => !leaks(redactSecrets(value))));
  });
});
