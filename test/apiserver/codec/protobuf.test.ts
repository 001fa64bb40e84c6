import { expect } from 'chai';
import fc from 'fast-check';
import { isApiError } from 'gyre/api';
import { decodeProtobuf, isProtobufBody } from '#src/apiserver/codec/protobuf.js';
import { body, bytes, double, group, int, msg, packed, str } from './wire-writer.js';

const decode = (base64: string) => decodeProtobuf(Buffer.from(base64, 'base64'));
const json = (field: number, value: unknown) => bytes(field, new TextEncoder().encode(JSON.stringify(value)));
const refusal = (input: Uint8Array) => {
  try {
    decodeProtobuf(input);
  } catch (error) {
    if (isApiError(error)) return error;
    throw error;
  }
  return undefined;
};

/** Bodies that kubectl 1.32.5 sent. */
const fromKubectl = {
  // create deployment web --image=nginx:1.27 --replicas=0 --port=80
  deployment:
    'azhzAAoVCgdhcHBzL3YxEgpEZXBsb3ltZW50Er0BCh8KA3dlYhIAGgAiACoAMgA4AEIAWgoKA2FwcBIDd2ViEosBCAASDAoKCgNhcHASA3dlYhpxChwKABIAGgAiACoAMgA4AEIAWgoKA2FwcBIDd2ViElESMwoFbmdpbngSCm5naW54OjEuMjcqADIKCgAQABhQIgAqAEIAagByAIABAIgBAJABAKIBABoAMgBCAEoAUgBYAGAAaACCAQCKAQCaAQDCAQAiAgoAKAA4ABoMCAAQABgAIAAoADgAGgAiAA==',
  // create configmap cm --from-literal=a=b --from-literal=__proto__=x
  configMap:
    'azhzAAoPCgJ2MRIJQ29uZmlnTWFwEiwKEgoCY20SABoAIgAqADIAOABCABIOCglfX3Byb3RvX18SAXgSBgoBYRIBYhoAIgA=',
  // create token robot --duration=1h --audience=a
  tokenRequest:
    'azhzAAooChhhdXRoZW50aWNhdGlvbi5rOHMuaW8vdjESDFRva2VuUmVxdWVzdBIgChAKABIAGgAiACoAMgA4AEIAEgYKAWEgkBwaBAoAEgAaACIA',
  // auth can-i get pods
  selfSubjectAccessReview:
    'azhzAAoyChdhdXRob3JpemF0aW9uLms4cy5pby92MRIXU2VsZlN1YmplY3RBY2Nlc3NSZXZpZXcSPAoQCgASABoAIgAqADIAOABCABIeChwKB2RlZmF1bHQSA2dldBoAIgAqBHBvZHMyADoAGggIABIAGgAgABoAIgA=',
  // create pdb p --min-available=50% --selector=a=b
  podDisruptionBudget:
    'azhzAAogCglwb2xpY3kvdjESE1BvZERpc3J1cHRpb25CdWRnZXQSNgoRCgFwEgAaACIAKgAyADgAQgASFQoJCAEQABoDNTAlEggKBgoBYRIBYhoKCAAYACAAKAAwABoAIgA=',
  // create ingress i --rule=foo.com/*=svc:80
  ingress:
    'azhzAAofChRuZXR3b3JraW5nLms4cy5pby92MRIHSW5ncmVzcxJEChEKAWkSABoAIgAqADIAOABCABIrGikKB2Zvby5jb20SHgocChoKAS8SDSILCgNzdmMSBAoAEFAaBlByZWZpeBoCCgAaACIA',
  // create service clusterip s --tcp=80:8080
  service:
    'azhzAAoNCgJ2MRIHU2VydmljZRJjChsKAXMSABoAIgAqADIAOABCAFoICgNhcHASAXMSQAobCgc4MC04MDgwEgNUQ1AYUCIHCAAQkD8aACgAEggKA2FwcBIBcxoAIglDbHVzdGVySVA6AEIAUgBaAGAAaAAaAgoAGgAiAA==',
};

describe('decodeProtobuf: what kubectl 1.32 sends', () => {
  it('decodes a Deployment, keeping replicas 0 and the structs Go always writes', () => {
    expect(decode(fromKubectl.deployment)).to.deep.equal({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      object: {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'web', creationTimestamp: null, labels: { app: 'web' } },
        spec: {
          replicas: 0,
          selector: { matchLabels: { app: 'web' } },
          template: {
            metadata: { creationTimestamp: null, labels: { app: 'web' } },
            spec: {
              containers: [
                { name: 'nginx', image: 'nginx:1.27', ports: [{ containerPort: 80 }], resources: {} },
              ],
            },
          },
          strategy: {},
        },
        status: {},
      },
    });
  });

  it('decodes a map with a hostile key into an own property', () => {
    const { data } = decode(fromKubectl.configMap).object as { data: Record<string, string> };
    expect(Object.entries(data)).to.deep.equal([
      ['__proto__', 'x'],
      ['a', 'b'],
    ]);
    expect(Object.getPrototypeOf(data)).to.equal(Object.prototype);
  });

  it('decodes a TokenRequest', () => {
    expect(decode(fromKubectl.tokenRequest).object).to.deep.include({
      apiVersion: 'authentication.k8s.io/v1',
      spec: { audiences: ['a'], expirationSeconds: 3600 },
      status: { token: '', expirationTimestamp: null },
    });
  });

  it('decodes a SelfSubjectAccessReview', () => {
    expect(decode(fromKubectl.selfSubjectAccessReview).object).to.deep.include({
      spec: { resourceAttributes: { namespace: 'default', verb: 'get', resource: 'pods' } },
      status: { allowed: false },
    });
  });

  it('decodes an int-or-string that is a string, and required zeros', () => {
    expect(decode(fromKubectl.podDisruptionBudget).object).to.deep.include({
      spec: { minAvailable: '50%', selector: { matchLabels: { a: 'b' } } },
      status: { disruptionsAllowed: 0, currentHealthy: 0, desiredHealthy: 0, expectedPods: 0 },
    });
  });

  it('flattens inline messages', () => {
    expect((decode(fromKubectl.ingress).object as { spec: unknown }).spec).to.deep.equal({
      rules: [
        {
          host: 'foo.com',
          http: {
            paths: [
              { path: '/', backend: { service: { name: 'svc', port: { number: 80 } } }, pathType: 'Prefix' },
            ],
          },
        },
      ],
    });
  });

  it('decodes an int-or-string that is a number', () => {
    expect((decode(fromKubectl.service).object as { spec: unknown }).spec).to.deep.equal({
      ports: [{ name: '80-8080', protocol: 'TCP', port: 80, targetPort: 8080 }],
      selector: { app: 's' },
      type: 'ClusterIP',
    });
  });
});

describe('decodeProtobuf: values', () => {
  const pod = (...spec: (readonly number[])[]) =>
    (decodeProtobuf(body('v1', 'Pod', msg(2, ...spec))).object as { spec: Record<string, unknown> }).spec;

  it('keeps an explicit zero only where zero differs from absent', () => {
    const spec = pod(int(4, 0), int(21, 0), int(25, 0), str(29, ''), int(11, 0), str(10, ''), str(3, ''));
    expect(spec).to.deep.equal({
      terminationGracePeriodSeconds: 0,
      automountServiceAccountToken: false,
      priority: 0,
      runtimeClassName: '',
    });
  });

  it('keeps storageClassName "" of a claim: it asks for no class', () => {
    const claim = decodeProtobuf(body('v1', 'PersistentVolumeClaim', msg(2, str(5, ''), str(3, '')))).object;
    expect(claim['spec']).to.deep.equal({ storageClassName: '' });
  });

  it('reads volumes and probes through their inline messages', () => {
    const spec = pod(
      msg(1, str(1, 'cfg'), msg(2, msg(19, msg(1, str(1, 'cm')), int(3, 420)))),
      msg(2, str(1, 'c'), msg(10, msg(1, msg(2, str(1, '/'), msg(2, int(1, 1), str(3, 'http')))), int(2, 5))),
    );
    expect(spec).to.deep.equal({
      volumes: [{ name: 'cfg', configMap: { name: 'cm', defaultMode: 420 } }],
      containers: [
        {
          name: 'c',
          livenessProbe: { httpGet: { path: '/', port: 'http' }, initialDelaySeconds: 5 },
        },
      ],
    });
  });

  it('reads quantities, and of an empty one in a map its zero', () => {
    const limits = msg(1, str(1, 'cpu'), msg(2, str(1, '500m')));
    const empty = msg(1, str(1, 'memory'));
    expect(pod(msg(2, str(1, 'c'), msg(8, limits, empty)))).to.deep.equal({
      containers: [{ name: 'c', resources: { limits: { cpu: '500m', memory: '0' } } }],
    });
  });

  it('reads times to the second and micro times to the microsecond; an empty one is null', () => {
    const lease = decodeProtobuf(
      body(
        'coordination.k8s.io/v1',
        'Lease',
        msg(1, str(1, 'l'), msg(8, int(1, 1_767_323_045), int(2, 999_000_000))),
        msg(2, str(1, ''), int(2, 15), msg(3, int(1, -1n), int(2, 123_456_789)), msg(4)),
      ),
    ).object;
    expect(lease).to.deep.include({
      metadata: { name: 'l', creationTimestamp: '2026-01-02T03:04:05Z' },
      spec: {
        holderIdentity: '',
        leaseDurationSeconds: 15,
        acquireTime: '1969-12-31T23:59:59.123456Z',
        renewTime: null,
      },
    });
  });

  it('refuses a time no RFC 3339 text can hold', () => {
    expect(refusal(body('v1', 'Pod', msg(1, msg(8, int(1, 253_402_300_800)))))?.code).to.equal(400);
    expect(refusal(body('v1', 'Pod', msg(1, msg(8, int(1, 0), int(2, -1)))))?.code).to.equal(400);
  });

  it('reads bytes as base64 and negative and large integers', () => {
    const secret = decodeProtobuf(
      body('v1', 'Secret', msg(2, str(1, 'k'), bytes(2, [0, 255, 254])), msg(2, str(1, 'e'))),
    ).object;
    expect(secret['data']).to.deep.equal({ k: 'AP/+', e: '' });
    expect(pod(int(4, -1n), int(5, 2n ** 40n), int(25, -5n))).to.deep.equal({
      terminationGracePeriodSeconds: -1,
      activeDeadlineSeconds: 2 ** 40,
      priority: -5,
    });
  });

  it('reads repeated numbers, packed or not', () => {
    const groups = [1000, 70_000];
    expect(pod(msg(14, packed(4, groups)))).to.deep.equal({
      securityContext: { supplementalGroups: groups },
    });
    expect(pod(msg(14, int(4, 1000), int(4, 70_000)))).to.deep.equal({
      securityContext: { supplementalGroups: groups },
    });
  });

  it('reads lists wrapped in messages: the extra of a user', () => {
    const review = decodeProtobuf(
      body(
        'authorization.k8s.io/v1',
        'SubjectAccessReview',
        msg(
          2,
          str(3, 'jane'),
          msg(5, str(1, 'scopes'), msg(2, str(1, 'a'), str(1, 'b'))),
          msg(5, str(1, 'none')),
        ),
      ),
    ).object;
    expect(review['spec']).to.deep.equal({ user: 'jane', extra: { scopes: ['a', 'b'], none: [] } });
  });

  it('reads raw JSON: managed fields, revision data', () => {
    const revision = decodeProtobuf(
      body(
        'apps/v1',
        'ControllerRevision',
        msg(1, msg(17, str(1, 'm'), msg(7, json(1, { 'f:spec': {} })))),
        msg(2, json(1, { spec: { x: [1] } })),
        int(3, 7),
      ),
    ).object;
    expect(revision).to.deep.include({
      metadata: { managedFields: [{ manager: 'm', fieldsV1: { 'f:spec': {} } }] },
      data: { spec: { x: [1] } },
      revision: 7,
    });
    expect(refusal(body('apps/v1', 'ControllerRevision', msg(2, str(1, '{'))))?.code).to.equal(400);
  });

  it('reads the schema of a CustomResourceDefinition', () => {
    const props = msg(
      4,
      msg(
        1,
        str(5, 'object'),
        msg(
          29,
          str(1, 'size'),
          msg(2, str(5, 'integer'), msg(8, json(1, 0)), double(11, 0), double(9, 1.5), int(10, 0)),
        ),
        msg(
          29,
          str(1, 'tags'),
          msg(2, str(5, 'array'), msg(24, msg(1, str(5, 'string'))), msg(20, json(1, null))),
        ),
        msg(29, str(1, 'tuple'), msg(2, msg(24, msg(2, str(5, 'string')), msg(2, str(5, 'integer'))))),
        msg(29, str(1, 'open'), msg(2, msg(30, int(1, 1)))),
        msg(29, str(1, 'shut'), msg(2, msg(30, int(1, 0)))),
        msg(29, str(1, 'map'), msg(2, msg(30, int(1, 0), msg(2, str(5, 'string'))))),
        msg(32, str(1, 'dep'), msg(2, str(2, 'a'))),
        int(38, 0),
        str(41, 'k'),
      ),
    );
    const crd = decodeProtobuf(
      body(
        'apiextensions.k8s.io/v1',
        'CustomResourceDefinition',
        msg(2, str(1, 'example.com'), msg(7, str(1, 'v1'), int(2, 1), int(3, 0), props)),
      ),
    ).object as { spec: unknown };
    expect(crd.spec).to.deep.equal({
      group: 'example.com',
      versions: [
        {
          name: 'v1',
          served: true,
          storage: false,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                size: { type: 'integer', default: 0, minimum: 0, maximum: 1.5 },
                tags: { type: 'array', items: { type: 'string' }, enum: [null] },
                tuple: { items: [{ type: 'string' }, { type: 'integer' }] },
                open: { additionalProperties: true },
                shut: { additionalProperties: false },
                map: { additionalProperties: { type: 'string' } },
              },
              dependencies: { dep: ['a'] },
              'x-kubernetes-preserve-unknown-fields': false,
              'x-kubernetes-list-map-keys': ['k'],
            },
          },
        },
      ],
    });
  });

  it('decodes DeleteOptions in any group, and Eviction', () => {
    const options = [int(1, 0), msg(2, str(1, 'u')), str(4, 'Background')];
    const expected = { gracePeriodSeconds: 0, preconditions: { uid: 'u' }, propagationPolicy: 'Background' };
    expect(decodeProtobuf(body('v1', 'DeleteOptions', ...options)).object).to.deep.include(expected);
    expect(decodeProtobuf(body('apps/v1', 'DeleteOptions', ...options)).object).to.deep.include(expected);
    expect(
      decodeProtobuf(body('policy/v1', 'Eviction', msg(1, str(1, 'p')), msg(2, ...options))).object,
    ).to.deep.include({ metadata: { name: 'p' }, deleteOptions: expected });
  });

  it('passes over fields it does not know', () => {
    expect(pod(str(999, 'new'), int(998, 1), double(997, 1), str(10, 'n1'))).to.deep.equal({
      nodeName: 'n1',
    });
  });
});

describe('decodeProtobuf: envelopes', () => {
  it('takes JSON inside the envelope', () => {
    const inner = { apiVersion: 'v1', kind: 'ConfigMap', data: { a: 'b' } };
    const input = Uint8Array.from([0x6b, 0x38, 0x73, 0, ...json(2, inner), ...str(4, 'application/json')]);
    expect(decodeProtobuf(input)).to.deep.equal({ apiVersion: 'v1', kind: 'ConfigMap', object: inner });
  });

  it('takes an object without a message', () => {
    const input = Uint8Array.from([0x6b, 0x38, 0x73, 0, ...msg(1, str(1, 'v1'), str(2, 'ConfigMap'))]);
    expect(decodeProtobuf(input).object).to.deep.equal({ apiVersion: 'v1', kind: 'ConfigMap' });
  });

  it('tells by the first bytes whether a body is one', () => {
    expect(isProtobufBody(Buffer.from(fromKubectl.service, 'base64'))).to.equal(true);
    expect(isProtobufBody(new TextEncoder().encode('{}'))).to.equal(false);
    expect(isProtobufBody(new Uint8Array(0))).to.equal(false);
  });

  const refused: [what: string, input: Uint8Array, message: RegExp][] = [
    ['nothing', new Uint8Array(0), /empty data/],
    ['JSON', new TextEncoder().encode('{"kind":"Pod"}'), /expected prefix \[107 56 115 0\]/],
    ['an unknown kind', body('v1', 'Nonsense'), /no kind "Nonsense" is registered for version "v1"/],
    ['a custom kind', body('example.com/v1', 'Website'), /no kind "Website" is registered/],
    ['no kind', body('v1', ''), /"Kind" is missing/],
    [
      'a compressed message',
      Uint8Array.from([0x6b, 0x38, 0x73, 0, ...str(3, 'gzip')]),
      /content encoding gzip/,
    ],
    ['a field cut short', body('v1', 'Pod', [0x0a, 0x05, 0x01]), /unexpected EOF/],
    [
      'a length beyond any body',
      body('v1', 'Pod', [0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
      /unexpected EOF/,
    ],
    [
      'a varint that never ends',
      body(
        'v1',
        'Pod',
        Array.from({ length: 20 }, () => 0x80),
      ),
      /overflow|EOF/,
    ],
    ['a group', body('v1', 'Pod', group(999)), /illegal wire type 3/],
    ['field number 0', body('v1', 'Pod', [0x00, 0x00]), /illegal tag/],
    ['a number where a message belongs', body('v1', 'Pod', int(2, 1)), /wrong wire type 0 for field spec/],
    [
      'a maximum that is not a number',
      body(
        'apiextensions.k8s.io/v1',
        'CustomResourceDefinition',
        msg(2, msg(7, msg(4, msg(1, double(9, Number.NaN))))),
      ),
      /JSON has no NaN/,
    ],
  ];
  for (const [what, input, message] of refused) {
    it(`refuses ${what} with 400`, () => {
      const error = refusal(input);
      expect(error?.code).to.equal(400);
      expect(error?.reason).to.equal('BadRequest');
      expect(error?.message).to.match(message);
    });
  }

  it('refuses nesting without end', () => {
    let schema = msg(28);
    for (let i = 0; i < 400; i++) schema = msg(28, schema);
    const input = body(
      'apiextensions.k8s.io/v1',
      'CustomResourceDefinition',
      msg(2, msg(7, msg(4, msg(1, schema)))),
    );
    expect(refusal(input)?.message).to.match(/nesting deeper than 200/);
  });

  it('refuses envelopes within envelopes without end', () => {
    let inner = body('apps/v1', 'ControllerRevision');
    for (let i = 0; i < 300; i++) inner = body('apps/v1', 'ControllerRevision', msg(2, bytes(1, inner)));
    expect(refusal(inner)?.message).to.match(/nesting deeper than 200/);
  });

  it('answers any bytes with an object or a 400', () => {
    const kinds = [fromKubectl.deployment, fromKubectl.configMap, fromKubectl.podDisruptionBudget];
    fc.assert(
      fc.property(
        fc.constantFrom(...kinds),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }),
        fc.nat(),
        (base64, edits, cut) => {
          const input = Uint8Array.from(Buffer.from(base64, 'base64'));
          for (const [at, value] of edits) input[4 + (at % (input.length - 4))] = value;
          const error = refusal(input.subarray(0, input.length - (cut % 3 === 0 ? cut % input.length : 0)));
          if (error) expect(error.code).to.equal(400);
        },
      ),
      { numRuns: 500 },
    );
  });
});
