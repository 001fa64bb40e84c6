/** CEL rules of custom kinds (API-16): what they refuse, in which words, and which rules are refused themselves. */
import { expect } from 'chai';
import { VirtualServer } from '../requests/virtual-server.js';

const crds = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
const widgets = '/apis/example.com/v1/namespaces/default/widgets';

const definition = (spec: object, version: object = {}, root: object = {}) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'widgets.example.com' },
  spec: {
    group: 'example.com',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', properties: { spec }, ...root } },
        ...version,
      },
    ],
  },
});
const rules = (...all: (string | object)[]) => ({
  'x-kubernetes-validations': all.map((each) => (typeof each === 'string' ? { rule: each } : each)),
});
const object = (properties: object, ...all: (string | object)[]) => ({
  type: 'object',
  properties,
  ...rules(...all),
});
const int = { type: 'integer' };
const text = { type: 'string', maxLength: 20 };
const widget = (spec: object, name = 'a') => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { name },
  spec,
});

describe('validation rules of custom kinds', () => {
  let server: VirtualServer;
  beforeEach(async () => {
    server = await VirtualServer.start();
  });
  afterEach(() => server[Symbol.asyncDispose]());

  const serve = async (spec: object, version: object = {}, root: object = {}): Promise<void> => {
    await server.post(crds, definition(spec, version, root));
    await server.settle();
  };
  const refusedMessage = async (spec: object): Promise<string> => {
    const { message = '' } = await server.refused(422, 'POST', widgets, widget(spec));
    return message.replace(/^Widget.example.com "a" is invalid: /, '');
  };

  const refusals: readonly (readonly [string, object, object, string])[] = [
    [
      'a rule without a message is named itself',
      object({ n: int }, 'self.n > 1'),
      { n: 1 },
      'spec: Invalid value: "object": failed rule: self.n > 1',
    ],
    [
      'a message is said in its place',
      object({ n: int }, { rule: 'self.n > 1', message: 'more' }),
      { n: 1 },
      'spec: Invalid value: "object": more',
    ],
    [
      'a messageExpression goes before a message',
      object(
        { n: int },
        { rule: 'self.n > 1', message: 'more', messageExpression: '"not " + string(self.n)' },
      ),
      { n: 1 },
      'spec: Invalid value: "object": not 1',
    ],
    [
      'a messageExpression that fails leaves the message',
      object(
        { n: int, o: int },
        { rule: 'self.n > 1', message: 'more', messageExpression: 'string(self.o)' },
      ),
      { n: 1 },
      'spec: Invalid value: "object": more',
    ],
    [
      'reason and fieldPath say what and where',
      object(
        { n: int },
        { rule: 'self.n > 1', message: 'no', reason: 'FieldValueForbidden', fieldPath: '.n' },
      ),
      { n: 1 },
      'spec.n: Forbidden: no',
    ],
    [
      'a field that is not there is an error of the rule',
      object({ n: int }, 'self.n > 1'),
      {},
      'spec: Invalid value: "object": no such key: n evaluating rule: self.n > 1',
    ],
    [
      'elements of lists are named by their index',
      object({ l: { type: 'array', maxItems: 3, items: { ...int, ...rules('self > 0') } } }),
      { l: [1, 0] },
      'spec.l[1]: Invalid value: "integer": failed rule: self > 0',
    ],
    [
      'members of maps are named by their key',
      object({
        m: { type: 'object', maxProperties: 3, additionalProperties: { ...int, ...rules('self > 0') } },
      }),
      { m: { x: 0 } },
      'spec.m[x]: Invalid value: "integer": failed rule: self > 0',
    ],
    [
      'property names that are no identifiers are escaped',
      object(
        { 'a-b': int, 'c.d': int, namespace: int },
        'self.a__dash__b == self.c__dot__d && self.__namespace__ > 5',
      ),
      { 'a-b': 1, 'c.d': 1, namespace: 1 },
      'spec: Invalid value: "object": failed rule: self.a__dash__b == self.c__dot__d && self.__namespace__ > 5',
    ],
    [
      'numbers are doubles, integers are not',
      object(
        { d: { type: 'number' }, i: int },
        'type(self.d) == double && type(self.i) == int && self.i > 1',
      ),
      { d: 1, i: 1 },
      'spec: Invalid value: "object": failed rule: type(self.d) == double && type(self.i) == int && self.i > 1',
    ],
    [
      'rules do not look at an object its schema refuses',
      object({ n: int, s: text }, 'self.n > 1'),
      { n: 'x' },
      '[spec.n: Invalid value: "string": spec.n in body must be of type integer: "string", <nil>: Invalid value: "null": some validation rules were not checked because the object was invalid; correct the existing errors to complete validation]',
    ],
  ];
  for (const [what, schema, spec, message] of refusals) {
    it(`API-16 ${what}`, async () => {
      await serve(schema);
      expect(await refusedMessage(spec)).to.equal(message);
    });
  }

  it('API-16 the root knows the name of its object', async () => {
    await serve({ type: 'object' }, {}, rules("self.metadata.name.startsWith('w-')"));
    await server.refused(422, 'POST', widgets, widget({}, 'a'));
    await server.post(widgets, widget({}, 'w-a'));
  });

  it('API-16 transition rules run on updates only', async () => {
    await serve(object({ n: int }, { rule: 'self.n >= oldSelf.n', message: 'only up' }));
    await server.post(widgets, widget({ n: 2 }));
    const { message } = await server.refused(
      422,
      'PATCH',
      `${widgets}/a`,
      { spec: { n: 1 } },
      {
        'content-type': 'application/merge-patch+json',
      },
    );
    expect(message).to.contain('spec: Invalid value: "object": only up');
    await server.patch(`${widgets}/a`, { spec: { n: 3 } });
  });

  it('API-16 with optionalOldSelf they run on creates too', async () => {
    await serve(object({ n: int }, { rule: 'oldSelf.hasValue() || self.n == 0', optionalOldSelf: true }));
    await server.refused(422, 'POST', widgets, widget({ n: 1 }));
    await server.post(widgets, widget({ n: 0 }));
    await server.patch(`${widgets}/a`, { spec: { n: 5 } });
  });

  it('API-16 elements of keyed lists are compared with those of the same key', async () => {
    const item = {
      ...object({ k: text, v: int }, { rule: 'self.v == oldSelf.v', message: 'fixed' }),
      required: ['k'],
    };
    const list = {
      type: 'array',
      maxItems: 5,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['k'],
      items: item,
    };
    await serve(object({ l: list }));
    await server.post(
      widgets,
      widget({
        l: [
          { k: 'a', v: 1 },
          { k: 'b', v: 2 },
        ],
      }),
    );
    await server.patch(`${widgets}/a`, {
      spec: {
        l: [
          { k: 'b', v: 2 },
          { k: 'a', v: 1 },
          { k: 'c', v: 3 },
        ],
      },
    });
    const { message } = await server.refused(
      422,
      'PATCH',
      `${widgets}/a`,
      { spec: { l: [{ k: 'b', v: 9 }] } },
      { 'content-type': 'application/merge-patch+json' },
    );
    expect(message).to.contain('spec.l[0]: Invalid value: "object": fixed');
  });

  it('API-16 what has not changed is not held to later rules', async () => {
    await serve(object({ n: int, s: text }));
    await server.post(widgets, widget({ n: 1, s: 'x'.repeat(10) }));
    const url = `${crds}/widgets.example.com`;
    const current = await server.get(url);
    await server.put(url, {
      ...current,
      spec: definition(object({ n: { ...int, ...rules('self > 1') }, s: { type: 'string', maxLength: 5 } }))
        .spec,
    });
    await server.settle();
    await server.patch(`${widgets}/a`, { metadata: { labels: { a: 'b' } } });
    const { message } = await server.refused(
      422,
      'PATCH',
      `${widgets}/a`,
      { spec: { n: 0 } },
      {
        'content-type': 'application/merge-patch+json',
      },
    );
    expect(message).to.equal(
      'Widget.example.com "a" is invalid: spec.n: Invalid value: "integer": failed rule: self > 1',
    );
    await server.patch(`${widgets}/a`, { spec: { n: 2 } });
  });

  it('API-16 all rules of an object share one budget', async () => {
    // Each of them stays below what one may cost.
    const dear =
      '[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, [1,2,3,4,5,6,7,8,9,10].all(c, [1,2,3,4,5,6,7,8,9,10].all(d, [1,2,3,4,5,6,7,8,9,10].all(e, true)))))';
    await serve(object({ n: int }, ...Array.from({ length: 30 }, (_, i) => `${dear} && self.n > ${-i}`)));
    const message = await refusedMessage({ n: 1 });
    expect(message).to.contain(
      'spec: Invalid value: "object": validation failed due to running out of cost budget, no further validation rules will be run',
    );
  });

  const at = 'spec.versions[0].schema.openAPIV3Schema.properties[spec].x-kubernetes-validations[0]';
  const badRules: readonly (readonly [string, object, string])[] = [
    [
      'a field that does not exist',
      object({ n: int }, 'self.m > 1'),
      `${at}.rule: Invalid value: apiextensions.ValidationRule{Rule:"self.m > 1", Message:"", MessageExpression:"", Reason:(*apiextensions.FieldValueErrorReason)(nil), FieldPath:"", OptionalOldSelf:(*bool)(nil)}: compilation failed: ERROR: <input>:1:5: undefined field 'm'\n | self.m > 1\n | ....^`,
    ],
    [
      'types that do not fit',
      object({ n: int }, 'self.n == "x"'),
      "found no matching overload for '_==_' applied to '(int, string)'",
    ],
    [
      'what is no rule',
      object({ n: int }, 'self.n +'),
      'compilation failed: ERROR: <input>:1:9: Syntax error:',
    ],
    ['a value that is no truth', object({ n: int }, 'self.n'), 'cel expression must evaluate to a bool'],
    ['no rule at all', object({ n: int }, ' '), `${at}.rule: Required value: rule is not specified`],
    [
      'a message that is no text',
      object({ n: int }, { rule: 'self.n > 1', messageExpression: 'self.n' }),
      'messageExpression must evaluate to a string',
    ],
    [
      'an unknown reason',
      object({ n: int }, { rule: 'self.n > 1', reason: 'Because' }),
      `${at}.reason: Unsupported value: "Because"`,
    ],
    [
      'what may cost too much',
      object(
        { l: { type: 'array', items: { type: 'string' } } },
        'self.l.all(x, self.l.all(y, x == y || x.contains(y)))',
      ),
      `${at}.rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)`,
    ],
    [
      'transitions where elements cannot be told apart',
      object({ l: { type: 'array', maxItems: 2, items: { ...int, ...rules('self >= oldSelf') } } }),
      'oldSelf cannot be used on the uncorrelatable portion of the schema within spec.versions[0].schema.openAPIV3Schema.properties[spec].properties[l].items',
    ],
  ];
  for (const [what, schema, message] of badRules) {
    it(`API-16 a definition is refused for ${what}`, async () => {
      const status = await server.refused(422, 'POST', crds, definition(schema));
      expect(status.message).to.contain(message);
    });
  }

  it('API-16 bounds make a rule affordable', async () => {
    await serve(
      object(
        { l: { type: 'array', maxItems: 20, items: { type: 'string', maxLength: 20 } } },
        'self.l.all(x, self.l.exists_one(y, x == y))',
      ),
    );
    await server.post(widgets, widget({ l: ['a', 'b'] }));
    expect(await server.refused(422, 'POST', widgets, widget({ l: ['a', 'a'] }, 'b'))).to.have.property(
      'code',
      422,
    );
  });

  it('API-13 objects are selected by the fields their definition names', async () => {
    await serve(object({ color: text, n: int }), {
      selectableFields: [{ jsonPath: '.spec.color' }, { jsonPath: '.spec.n' }],
    });
    await server.post(widgets, widget({ color: 'red', n: 1 }, 'a'));
    await server.post(widgets, widget({ color: 'blue', n: 2 }, 'b'));
    await server.post(widgets, widget({ n: 1 }, 'c'));
    const names = async (selector: string) =>
      (await server.get(`${widgets}?fieldSelector=${encodeURIComponent(selector)}`)).items.map(
        (w) => w.metadata.name,
      );
    expect(await names('spec.color=red')).to.deep.equal(['a']);
    expect(await names('spec.color!=red')).to.deep.equal(['b', 'c']);
    expect(await names('spec.n=1,spec.color=')).to.deep.equal(['c']);
    const { message } = await server.refused(400, 'GET', `${widgets}?fieldSelector=spec.other%3Dx`);
    expect(message).to.equal('field label not supported: spec.other');
  });

  it('API-13 selectable fields have to be there, and to be plain', async () => {
    const fields = ['.spec.other', '.spec.l', '.metadata.name', '.spec.color', '.spec.color', 'spec'];
    const schema = object({ color: text, l: { type: 'array', items: text } });
    const status = await server.refused(
      422,
      'POST',
      crds,
      definition(schema, { selectableFields: fields.map((jsonPath) => ({ jsonPath })) }),
    );
    expect(status.details?.causes?.map((c) => `${c.field} ${c.message}`)).to.deep.equal([
      'spec.versions[0].selectableFields[0].jsonPath Invalid value: ".spec.other": is an invalid path: does not refer to a valid field',
      'spec.versions[0].selectableFields[1].jsonPath Invalid value: ".spec.l": must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.',
      'spec.versions[0].selectableFields[2].jsonPath Invalid value: ".metadata.name": must not point to fields in metadata',
      'spec.versions[0].selectableFields[4].jsonPath Duplicate value: ".spec.color"',
      'spec.versions[0].selectableFields[5].jsonPath Invalid value: "spec": is an invalid path: expected [ or . but got: spec',
    ]);
  });
});
