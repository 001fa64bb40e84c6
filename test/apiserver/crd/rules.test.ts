/** x-kubernetes-validations: when they are written, and when objects are (API-16). */
import { expect } from 'chai';
import { mergePatch, VirtualServer } from '../requests/virtual-server.js';

const definitions = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const gadgets = '/apis/example.com/v1/namespaces/default/gadgets';

const crd = (specSchema: object, more: object = {}) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'gadgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'gadgets', kind: 'Gadget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', properties: { spec: specSchema }, ...more } },
      },
    ],
  },
});
const gadget = (spec: object, name = 'a') => ({
  apiVersion: 'example.com/v1',
  kind: 'Gadget',
  metadata: { name },
  spec,
});
const integers = { min: { type: 'integer' }, max: { type: 'integer' } };
const at = 'spec.versions[0].schema.openAPIV3Schema.properties[spec]';

describe('rules of custom resources', () => {
  let server: VirtualServer;
  beforeEach(async () => {
    server = await VirtualServer.start();
  });
  afterEach(() => server[Symbol.asyncDispose]());

  const define = async (schema: object, more?: object): Promise<void> => {
    await server.post(definitions, crd(schema, more));
    await server.settle();
  };
  /** `field: message` of every cause. */
  const causes = async (...request: Parameters<VirtualServer['refused']>): Promise<string[]> =>
    ((await server.refused(...request)).details?.causes ?? []).map(
      ({ field, message }) => `${field}: ${message}`,
    );

  it('API-16 refuse an object, at their place and in their words', async () => {
    await define({
      type: 'object',
      'x-kubernetes-validations': [
        { rule: 'self.min <= self.max', message: 'min must not be above max' },
        {
          rule: 'self.max < 100',
          messageExpression: "'max is ' + string(self.max)",
          reason: 'FieldValueForbidden',
          fieldPath: '.max',
        },
        { rule: 'self.min >= 0' },
      ],
      properties: integers,
    });
    await server.post(gadgets, gadget({ min: 1, max: 2 }));
    expect(await causes(422, 'POST', gadgets, gadget({ min: 300, max: 200 }, 'b'))).to.deep.equal([
      'spec: Invalid value: "object": min must not be above max',
      'spec.max: Forbidden: max is 200',
    ]);
    expect(await causes(422, 'POST', gadgets, gadget({ min: -1, max: 2 }, 'b'))).to.deep.equal([
      'spec: Invalid value: "object": failed rule: self.min >= 0',
    ]);
    expect(await causes(422, 'POST', gadgets, gadget({ max: 2 }, 'b'))).to.include(
      'spec: Invalid value: "object": no such key: min evaluating rule: min must not be above max',
    );
  });

  it('API-16 compare with what was, on updates alone and only where a value has a past', async () => {
    await define({
      type: 'object',
      properties: {
        size: {
          type: 'integer',
          'x-kubernetes-validations': [{ rule: 'self >= oldSelf', message: 'must not shrink' }],
        },
        ports: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: {
            type: 'object',
            required: ['name'],
            properties: { name: { type: 'string' }, port: { type: 'integer' } },
            'x-kubernetes-validations': [{ rule: 'self.port == oldSelf.port', message: 'port is immutable' }],
          },
        },
        once: {
          type: 'string',
          'x-kubernetes-validations': [
            {
              rule: 'oldSelf.hasValue() || self == "first"',
              optionalOldSelf: true,
              message: 'begins as first',
            },
          ],
        },
      },
    });
    expect(await causes(422, 'POST', gadgets, gadget({ once: 'other' }))).to.deep.equal([
      'spec.once: Invalid value: "string": begins as first',
    ]);
    await server.post(
      gadgets,
      gadget({
        size: 3,
        once: 'first',
        ports: [
          { name: 'a', port: 1 },
          { name: 'b', port: 2 },
        ],
      }),
    );
    expect(
      await causes(
        422,
        'PATCH',
        `${gadgets}/a`,
        {
          spec: {
            size: 2,
            ports: [
              { name: 'b', port: 3 },
              { name: 'c', port: 9 },
            ],
          },
        },
        mergePatch,
      ),
    ).to.deep.equal([
      'spec.size: Invalid value: "integer": must not shrink',
      'spec.ports[0]: Invalid value: "object": port is immutable',
    ]);
    await server.patch(`${gadgets}/a`, {
      spec: { size: 4, once: 'second', ports: [{ name: 'c', port: 9 }] },
    });
  });

  it('API-16 that came later do not hold against what has not changed', async () => {
    await define({ type: 'object', properties: { name: { type: 'string' }, other: { type: 'string' } } });
    await server.post(gadgets, gadget({ name: 'bad', other: 'x' }));
    const stricter = {
      type: 'string',
      maxLength: 2,
      'x-kubernetes-validations': [{ rule: "self != 'bad'", message: 'is bad' }],
    };
    await server.patch(
      `${definitions}/gadgets.example.com`,
      [
        {
          op: 'replace',
          path: '/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/name',
          value: stricter,
        },
      ],
      { 'content-type': 'application/json-patch+json' },
    );
    await server.settle();
    await server.patch(`${gadgets}/a`, { spec: { other: 'y' } });
    expect(
      await causes(422, 'PATCH', `${gadgets}/a`, { spec: { name: 'worse' } }, mergePatch),
    ).to.have.length(2);
    expect(await causes(422, 'POST', gadgets, gadget({ name: 'bad' }, 'b'))).to.have.length(2);
  });

  it('API-16 know numbers, times, durations and names that need escaping by their schema', async () => {
    await define({
      type: 'object',
      properties: {
        'max-size': { type: 'integer' },
        ratio: { type: 'number' },
        from: { type: 'string', format: 'date-time' },
        to: { type: 'string', format: 'date-time' },
        every: { type: 'string', format: 'duration' },
        port: { 'x-kubernetes-int-or-string': true },
      },
      'x-kubernetes-validations': [
        { rule: 'self.max__dash__size > 1' },
        { rule: 'self.ratio * 2.0 == 3.0' },
        { rule: 'self.from < self.to' },
        { rule: "self.every >= duration('1m')" },
        { rule: 'type(self.port) == int ? self.port > 0 : self.port.endsWith("%")' },
      ],
    });
    const good = {
      'max-size': 2,
      ratio: 1.5,
      from: '2026-01-01T00:00:00Z',
      to: '2026-01-02T00:00:00Z',
      every: '90s',
      port: '10%',
    };
    await server.post(gadgets, gadget(good));
    await server.post(gadgets, gadget({ ...good, port: 7 }, 'b'));
    expect(
      await causes(
        422,
        'POST',
        gadgets,
        gadget({ ...good, 'max-size': 1, to: good.from, every: '1s', port: 'x' }, 'c'),
      ),
    ).to.have.length(4);
  });

  const wrong: readonly (readonly [string, object, string])[] = [
    [
      'do not compile',
      { rule: 'self.min <' },
      `${at}.x-kubernetes-validations[0].rule: Invalid value: apiextensions.ValidationRule{Rule:"self.min <", Message:"", MessageExpression:"", Reason:(*apiextensions.FieldValueErrorReason)(nil), FieldPath:"", OptionalOldSelf:(*bool)(nil)}: compilation failed: ERROR: <input>:1:11: Syntax error`,
    ],
    [
      'name a field there is not',
      { rule: 'self.mini > 1' },
      "compilation failed: ERROR: <input>:1:5: undefined field 'mini'",
    ],
    ['give no bool', { rule: "'a' + 'b'" }, 'cel expression must evaluate to a bool'],
    [
      'are empty',
      { rule: ' ' },
      `${at}.x-kubernetes-validations[0].rule: Required value: rule is not specified`,
    ],
    [
      'have a reason of their own making',
      { rule: 'true', reason: 'Because' },
      'Unsupported value: "Because"',
    ],
    [
      'point to a field there is not',
      { rule: 'true', fieldPath: '.nowhere' },
      'fieldPath must be a valid path',
    ],
    ['have a message in lines', { rule: 'true', message: 'a\nb' }, 'message must not contain line breaks'],
  ];
  for (const [what, rule, message] of wrong)
    it(`API-16 that ${what} are refused with the definition`, async () => {
      const schema = { type: 'object', properties: integers, 'x-kubernetes-validations': [rule] };
      expect((await causes(422, 'POST', definitions, crd(schema))).join('\n')).to.include(message);
    });

  it('API-16 may not look at the past of items that have none', async () => {
    const items = { type: 'string', 'x-kubernetes-validations': [{ rule: 'self == oldSelf' }] };
    const found = await causes(
      422,
      'POST',
      definitions,
      crd({ type: 'object', properties: { l: { type: 'array', items } } }),
    );
    expect(found.join('\n')).to.include('oldSelf cannot be used on the uncorrelatable portion of the schema');
  });

  it('API-16 are not run on what the schema refuses, and that is said', async () => {
    await define({
      type: 'object',
      properties: integers,
      'x-kubernetes-validations': [{ rule: 'self.min > 0' }],
    });
    const found = await causes(422, 'POST', gadgets, gadget({ min: 'x' }));
    expect(found).to.have.length(2);
    expect(found[1]).to.include('some validation rules were not checked because the object was invalid');
  });
});
