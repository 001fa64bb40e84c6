import { expect } from 'chai';
import fc from 'fast-check';
import {
  applyDefaults,
  decodeErrors,
  deepFreeze,
  prune,
  type Schema,
  unknownFields,
} from '#src/api/index.js';
import type { JsonValue } from '#src/api/objects.js';

const text: Schema = { type: 'string' };
const site: Schema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        image: text,
        replicas: { type: 'integer', default: 1 },
        nick: { type: 'string', nullable: true, default: 'x' },
        labels: { type: 'object', additionalProperties: text },
        tls: { type: 'object', default: {}, properties: { mode: { type: 'string', default: 'strict' } } },
        ports: {
          type: 'array',
          items: {
            type: 'object',
            properties: { port: { type: 'integer' }, protocol: { type: 'string', default: 'TCP' } },
          },
        },
        free: {
          type: 'object',
          'x-kubernetes-preserve-unknown-fields': true,
          properties: { known: { type: 'object', properties: { a: text } } },
        },
        template: {
          type: 'object',
          'x-kubernetes-embedded-resource': true,
          properties: { spec: { type: 'object' } },
        },
        port: { 'x-kubernetes-int-or-string': true },
        modes: { type: 'array', items: { type: 'string', default: 'a' } },
        sizes: { type: 'object', additionalProperties: { type: 'integer', default: 7 } },
      },
    },
  },
};
const value = fc.oneof(fc.integer(), fc.string(), fc.constant(null));
const anything: fc.Arbitrary<JsonValue> = fc.letrec<{ tree: JsonValue }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small' },
    value,
    fc.array(tie('tree'), { maxLength: 3 }),
    fc.dictionary(
      fc.constantFrom(
        'spec',
        'image',
        'labels',
        'ports',
        'port',
        'free',
        'known',
        'tls',
        '__proto__',
        'extra',
      ),
      tie('tree'),
    ),
  ) as fc.Arbitrary<JsonValue>,
})).tree;

describe('prune', () => {
  it('drops what nothing declares and says which fields those are', () => {
    const given: JsonValue = {
      extra: 1,
      spec: {
        imagee: 'x',
        labels: { any: 'thing' },
        ports: [{ port: 1 }, { port: 2, name: 'x' }],
        free: { whatever: { deep: 1 }, known: { a: '1', b: '2' } },
        template: { apiVersion: 'v1', kind: 'Pod', metadata: { x: 1 }, spec: { gone: 1 }, status: {} },
      },
    };
    expect(prune(deepFreeze(given), site)).to.deep.equal({
      spec: {
        labels: { any: 'thing' },
        ports: [{ port: 1 }, { port: 2 }],
        free: { whatever: { deep: 1 }, known: { a: '1' } },
        template: { apiVersion: 'v1', kind: 'Pod', metadata: { x: 1 }, spec: {} },
      },
    });
    expect(unknownFields(given, site)).to.have.members([
      'extra',
      'spec.imagee',
      'spec.ports[1].name',
      'spec.free.known.b',
      'spec.template.spec.gone',
      'spec.template.status',
    ]);
  });

  it('gives the very same value when there is nothing to drop', () => {
    const given: JsonValue = { spec: { image: 'x', ports: [{ port: 1 }] } };
    expect(prune(given, site)).to.equal(given);
  });

  it('is done after one time, and then nothing is unknown (property)', () => {
    fc.assert(
      fc.property(anything, (given) => {
        const once = prune(given, site);
        expect(prune(once, site)).to.equal(once);
        expect(unknownFields(once, site)).to.deep.equal([]);
      }),
    );
  });

  it('does not take inherited names for declared ones', () => {
    const given = JSON.parse('{"spec":{"__proto__":{"a":1},"constructor":1,"toString":1}}') as JsonValue;
    expect(prune(given, site)).to.deep.equal({ spec: {} });
  });
});

describe('applyDefaults (API-15)', () => {
  const table: [string, JsonValue, JsonValue][] = [
    [
      'fills in what is absent, inside defaults too',
      { spec: {} },
      { spec: { replicas: 1, nick: 'x', tls: { mode: 'strict' } } },
    ],
    [
      'fills in items of lists',
      { spec: { replicas: 2, nick: null, tls: { mode: 'a' }, ports: [{ port: 1 }] } },
      { spec: { replicas: 2, nick: null, tls: { mode: 'a' }, ports: [{ port: 1, protocol: 'TCP' }] } },
    ],
    [
      'a null that is not allowed counts as absent',
      { spec: { replicas: null, image: null, nick: null, tls: {} } },
      { spec: { replicas: 1, nick: null, tls: { mode: 'strict' } } },
    ],
    [
      'nulls of items and entries get their default',
      { spec: { replicas: 1, nick: 'n', tls: { mode: 'a' }, modes: [null, 'b'], sizes: { s: null } } },
      { spec: { replicas: 1, nick: 'n', tls: { mode: 'a' }, modes: ['a', 'b'], sizes: { s: 7 } } },
    ],
    ['does not make up a parent', {}, {}],
  ];
  for (const [what, given, wanted] of table) {
    it(what, () => expect(applyDefaults(deepFreeze(given), site)).to.deep.equal(wanted));
  }

  it('is done after one time (property)', () => {
    fc.assert(
      fc.property(anything, (given) => {
        const once = applyDefaults(given, site);
        expect(applyDefaults(once, site)).to.equal(once);
      }),
    );
  });

  it('gives every object its own copy of a default', () => {
    const [one, two] = [applyDefaults({ spec: {} }, site), applyDefaults({ spec: {} }, site)] as {
      spec: { tls: object };
    }[];
    expect(one?.spec.tls).not.to.equal(two?.spec.tls);
  });
});

describe('decodeErrors', () => {
  const deployment: Schema = {
    type: 'object',
    typeName: 'io.k8s.api.apps.v1.Deployment',
    properties: {
      spec: {
        type: 'object',
        typeName: 'io.k8s.api.apps.v1.DeploymentSpec',
        properties: {
          replicas: { type: 'integer', format: 'int32' },
          paused: { type: 'boolean' },
          names: { type: 'array', items: text },
          labels: { type: 'object', additionalProperties: text },
          memory: { type: 'string', typeName: 'io.k8s.apimachinery.pkg.api.resource.Quantity' },
          surge: { 'x-kubernetes-int-or-string': true },
          at: { type: 'string', format: 'date-time' },
        },
      },
    },
  };
  const table: [JsonValue, string | undefined][] = [
    [
      { spec: { replicas: 'x' } },
      'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      { spec: { replicas: 1.5 } },
      'json: cannot unmarshal number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      { spec: { replicas: 2 ** 31 } },
      'json: cannot unmarshal number 2147483648 into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      { spec: { paused: 'yes' } },
      'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.paused of type bool',
    ],
    [
      { spec: { names: [1] } },
      'json: cannot unmarshal number into Go struct field DeploymentSpec.spec.names of type string',
    ],
    [
      { spec: { names: {} } },
      'json: cannot unmarshal object into Go struct field DeploymentSpec.spec.names of type []string',
    ],
    [
      { spec: { memory: '64Q' } },
      "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    ],
    [
      { spec: { memory: 1, surge: '25%', replicas: null, labels: { a: 'b' }, at: '2026-01-01T00:00:00Z' } },
      undefined,
    ],
    [{ spec: { memory: '64Mi', surge: 1 } }, undefined],
  ];
  for (const [given, wanted] of table) {
    it(`${JSON.stringify(given)}: ${wanted ?? 'decodes'}`, () => {
      expect(decodeErrors(given, deployment)).to.equal(wanted);
    });
  }
});
