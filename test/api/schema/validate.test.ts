import { expect } from 'chai';
import { FieldPath, type Schema, structuralErrors, validateSchema } from '#src/api/index.js';
import type { JsonValue } from '#src/api/objects.js';

const shown = (causes: readonly { reason?: string; field?: string; message?: string }[]): string[] =>
  causes.map(({ reason, field, message }) => `${reason} ${field}: ${message}`);

describe('validateSchema', () => {
  const field = (schema: Schema): Schema => ({
    type: 'object',
    properties: { spec: { type: 'object', properties: { x: schema } } },
  });
  const table: [string, Schema, JsonValue, string[]][] = [
    [
      'type',
      { type: 'integer' },
      'a',
      [
        'FieldValueTypeInvalid spec.x: Invalid value: "string": spec.x in body must be of type integer: "string"',
      ],
    ],
    [
      'integers that are not',
      { type: 'integer' },
      1.5,
      [
        'FieldValueTypeInvalid spec.x: Invalid value: "number": spec.x in body must be of type integer: "number"',
      ],
    ],
    [
      'null',
      { type: 'string' },
      null,
      ['FieldValueTypeInvalid spec.x: Invalid value: "null": spec.x in body must be of type string: "null"'],
    ],
    ['null where allowed', { type: 'string', nullable: true }, null, []],
    ['integers as numbers', { type: 'number' }, 1, []],
    ['int-or-string', { 'x-kubernetes-int-or-string': true }, '80%', []],
    [
      'int-or-string of another type',
      { 'x-kubernetes-int-or-string': true },
      true,
      [
        'FieldValueTypeInvalid spec.x: Invalid value: "boolean": spec.x in body must be of type integer,string: "boolean"',
      ],
    ],
    [
      'enum',
      { type: 'string', enum: ['a', 'b'] },
      'x',
      ['FieldValueNotSupported spec.x: Unsupported value: "x": supported values: "a", "b"'],
    ],
    [
      'maximum',
      { type: 'integer', maximum: 50 },
      51,
      ['FieldValueInvalid spec.x: Invalid value: 51: spec.x in body should be less than or equal to 50'],
    ],
    [
      'exclusive maximum',
      { type: 'integer', maximum: 50, exclusiveMaximum: true },
      50,
      ['FieldValueInvalid spec.x: Invalid value: 50: spec.x in body should be less than 50'],
    ],
    [
      'minimum',
      { type: 'integer', minimum: 0 },
      -1,
      ['FieldValueInvalid spec.x: Invalid value: -1: spec.x in body should be greater than or equal to 0'],
    ],
    [
      'multipleOf',
      { type: 'number', multipleOf: 0.1 },
      0.35,
      ['FieldValueInvalid spec.x: Invalid value: 0.35: spec.x in body should be a multiple of 0.1'],
    ],
    ['multiples of fractions', { type: 'number', multipleOf: 0.1 }, 0.3, []],
    [
      'pattern',
      { type: 'string', pattern: '^[a-z]+$' },
      'A',
      ['FieldValueInvalid spec.x: Invalid value: "A": spec.x in body should match \'^[a-z]+$\''],
    ],
    ['Go patterns', { type: 'string', pattern: '(?i)\\A[[:alpha:]_]+\\z' }, 'aB_', []],
    [
      'Go patterns refusing',
      { type: 'string', pattern: '(?i)\\A[[:alpha:]_]+\\z' },
      'a1',
      [
        'FieldValueInvalid spec.x: Invalid value: "a1": spec.x in body should match \'(?i)\\A[[:alpha:]_]+\\z\'',
      ],
    ],
    [
      'minLength',
      { type: 'string', minLength: 2 },
      'a',
      ['FieldValueInvalid spec.x: Invalid value: "a": spec.x in body should be at least 2 chars long'],
    ],
    ['maxLength counts code points', { type: 'string', maxLength: 1 }, '😀', []],
    [
      'maxLength',
      { type: 'string', maxLength: 1 },
      'ab',
      ['FieldValueTooLong spec.x: Too long: may not be more than 1 bytes'],
    ],
    [
      'format',
      { type: 'string', format: 'date-time' },
      'today',
      [
        'FieldValueTypeInvalid spec.x: Invalid value: "today": spec.x in body must be of type date-time: "today"',
      ],
    ],
    ['an unknown format', { type: 'string', format: 'colour' }, 'red', []],
    [
      'minItems',
      { type: 'array', items: { type: 'integer' }, minItems: 1 },
      [],
      ['FieldValueInvalid spec.x: Invalid value: 0: spec.x in body should have at least 1 items'],
    ],
    [
      'maxItems',
      { type: 'array', items: { type: 'integer' }, maxItems: 1 },
      [1, 2],
      ['FieldValueTooMany spec.x: Too many: 2: must have at most 1 items'],
    ],
    [
      'items',
      { type: 'array', items: { type: 'integer' } },
      [1, 'a'],
      [
        'FieldValueTypeInvalid spec.x[1]: Invalid value: "string": spec.x[1] in body must be of type integer: "string"',
      ],
    ],
    [
      'entries of a map',
      { type: 'object', additionalProperties: { type: 'integer' } },
      { a: 'b' },
      [
        'FieldValueTypeInvalid spec.x.a: Invalid value: "string": spec.x.a in body must be of type integer: "string"',
      ],
    ],
    ['required', { type: 'object', required: ['y'] }, {}, ['FieldValueRequired spec.x.y: Required value']],
    [
      'required, not inherited',
      { type: 'object', required: ['toString'] },
      {},
      ['FieldValueRequired spec.x.toString: Required value'],
    ],
    [
      'minProperties',
      { type: 'object', minProperties: 1 },
      {},
      ['FieldValueInvalid spec.x: Invalid value: 0: spec.x in body should have at least 1 properties'],
    ],
    [
      'sets',
      { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
      ['a', 'b', 'a'],
      ['FieldValueDuplicate spec.x[2]: Duplicate value: "a"'],
    ],
    [
      'sets of objects, whatever the order of members',
      { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'object' } },
      [
        { a: 1, b: 2 },
        { b: 2, a: 1 },
      ],
      ['FieldValueDuplicate spec.x[1]: Duplicate value: map[string]interface {}{"a":1, "b":2}'],
    ],
    [
      'keyed lists, with defaults of keys',
      {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['port', 'protocol'],
        items: {
          type: 'object',
          properties: { port: { type: 'integer' }, protocol: { type: 'string', default: 'TCP' } },
        },
      },
      [{ port: 80 }, { port: 80, protocol: 'UDP' }, { port: 80, protocol: 'TCP' }],
      [
        'FieldValueDuplicate spec.x[2]: Duplicate value: map[string]interface {}{"port":80, "protocol":"TCP"}',
      ],
    ],
    [
      'anyOf',
      { type: 'integer', anyOf: [{ minimum: 5 }, { maximum: 1 }] },
      3,
      [
        'FieldValueInvalid <nil>: Invalid value: "": "spec.x" must validate at least one schema (anyOf)',
        'FieldValueInvalid spec.x: Invalid value: 3: spec.x in body should be greater than or equal to 5',
      ],
    ],
    [
      'oneOf of several',
      { type: 'integer', oneOf: [{ minimum: 1 }, { maximum: 5 }] },
      3,
      [
        'FieldValueInvalid <nil>: Invalid value: "": "spec.x" must validate one and only one schema (oneOf). Found 2 valid alternatives',
      ],
    ],
    [
      'allOf',
      { type: 'integer', allOf: [{ minimum: 5 }, { maximum: 9 }] },
      3,
      [
        'FieldValueInvalid spec.x: Invalid value: 3: spec.x in body should be greater than or equal to 5',
        'FieldValueInvalid <nil>: Invalid value: "": "spec.x" must validate all the schemas (allOf)',
      ],
    ],
    [
      'not',
      { type: 'integer', not: { minimum: 5 } },
      6,
      ['FieldValueInvalid <nil>: Invalid value: "": "spec.x" must not validate the schema (not)'],
    ],
  ];
  for (const [what, schema, value, wanted] of table) {
    it(`${what}: ${wanted.length === 0 ? 'accepted' : wanted.length > 1 ? 'all that is wrong' : wanted[0]}`, () => {
      expect(shown(validateSchema({ spec: { x: value } }, field(schema)))).to.deep.equal(wanted);
    });
  }

  it('stops collecting after a hundred', () => {
    const schema = field({ type: 'array', items: { type: 'integer' } });
    const value = { spec: { x: Array.from({ length: 1000 }, () => 'a') } };
    expect(validateSchema(value, schema)).to.have.length(100);
  });
});

describe('structuralErrors (API-15)', () => {
  const errorsOf = (schema: Schema): string[] =>
    structuralErrors({ type: 'object', properties: { spec: schema } }, FieldPath.of('schema')).map(
      ({ field, message }) => `${field}: ${message}`,
    );
  const at = 'schema.properties[spec]';

  const fine: [string, Schema][] = [
    [
      'plain types',
      {
        type: 'object',
        properties: { a: { type: 'string' }, b: { type: 'array', items: { type: 'integer' } } },
      },
    ],
    [
      'int-or-string',
      { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
    ],
    [
      'int-or-string in the first allOf',
      {
        'x-kubernetes-int-or-string': true,
        allOf: [{ anyOf: [{ type: 'integer' }, { type: 'string' }] }, { pattern: '^a' }],
      },
    ],
    ['anything', { 'x-kubernetes-preserve-unknown-fields': true }],
    [
      'an embedded resource',
      {
        type: 'object',
        'x-kubernetes-embedded-resource': true,
        'x-kubernetes-preserve-unknown-fields': true,
      },
    ],
    [
      'a keyed list with a required key',
      {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['k'],
        items: { type: 'object', required: ['k'], properties: { k: { type: 'string' } } },
      },
    ],
    [
      'a narrowing branch',
      {
        type: 'object',
        properties: { a: { type: 'integer' } },
        allOf: [{ properties: { a: { maximum: 5 } } }],
      },
    ],
    ['a Go pattern', { type: 'string', pattern: '(?i)^(?P<word>[[:alpha:]]+)$' }],
  ];
  for (const [what, schema] of fine) it(`accepts ${what}`, () => expect(errorsOf(schema)).to.deep.equal([]));

  const wrong: [string, Schema, string][] = [
    ['no type of a field', {}, `${at}.type: Required value: must not be empty for specified object fields`],
    [
      'no type of items',
      { type: 'array', items: {} },
      `${at}.items.type: Required value: must not be empty for specified array items`,
    ],
    [
      'an unknown type',
      { type: 'colour' } as unknown as Schema,
      `${at}.type: Unsupported value: "colour": supported values: "object", "array", "string", "integer", "number", "boolean"`,
    ],
    ['a list without items', { type: 'array' }, `${at}.items: Required value: must be specified`],
    [
      '$ref',
      { type: 'object', $ref: '#' } as unknown as Schema,
      `${at}.$ref: Forbidden: $ref is not supported`,
    ],
    [
      'uniqueItems',
      { type: 'array', items: { type: 'string' }, uniqueItems: true },
      `${at}.uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic`,
    ],
    [
      'properties beside additionalProperties',
      { type: 'object', properties: {}, additionalProperties: { type: 'string' } },
      `${at}.additionalProperties: Forbidden: must not be used with properties`,
    ],
    [
      'a type in a branch',
      { type: 'integer', anyOf: [{ type: 'integer' }] },
      `${at}.anyOf[0].type: Forbidden: must be empty to be structural`,
    ],
    [
      'a default in a branch',
      { type: 'integer', not: { default: 1 } },
      `${at}.not.default: Forbidden: must be undefined to be structural`,
    ],
    [
      'int-or-string in a branch',
      { type: 'integer', oneOf: [{ 'x-kubernetes-int-or-string': true }] },
      `${at}.oneOf[0].x-kubernetes-int-or-string: Forbidden: must be false to be structural`,
    ],
    [
      'metadata in a branch',
      { type: 'object', allOf: [{ properties: { metadata: {} } }] },
      `${at}.allOf[0].properties[metadata]: Forbidden: must not be specified in a nested context`,
    ],
    [
      'a bad pattern',
      { type: 'string', pattern: '(' },
      `${at}.pattern: Invalid value: "(": must be a valid regular expression, but isn't`,
    ],
    [
      'a default of the wrong type',
      { type: 'integer', default: 'a' },
      `${at}.default: Invalid value: "string": ${at}.default in body must be of type integer: "string"`,
    ],
    [
      'a default with unknown fields',
      { type: 'object', properties: {}, default: { a: 1 } },
      `${at}.default: Invalid value: {"a":1}: must not have unknown fields`,
    ],
    [
      'a keyed list without keys',
      { type: 'array', 'x-kubernetes-list-type': 'map', items: { type: 'object' } },
      `${at}.x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map`,
    ],
    [
      'a key that items do not have',
      {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['toString'],
        items: { type: 'object', properties: {} },
      },
      `${at}.x-kubernetes-list-map-keys[0]: Invalid value: "toString": entries must all be names of item properties`,
    ],
    [
      'an optional key without a default',
      {
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['k'],
        items: { type: 'object', properties: { k: { type: 'string' } } },
      },
      `${at}.items.properties[k].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property`,
    ],
    [
      'an embedded resource of any type',
      { 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
      `${at}.type: Required value: must be object if x-kubernetes-embedded-resource is true`,
    ],
    [
      'an embedded resource that prunes everything',
      { type: 'object', 'x-kubernetes-embedded-resource': true },
      `${at}.properties: Required value: must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields`,
    ],
  ];
  for (const [what, schema, message] of wrong) {
    it(`refuses ${what}`, () => expect(errorsOf(schema)).to.deep.equal([message]));
  }

  it('refuses a root that is no object, restricts metadata, or takes any member', () => {
    const of = (schema: Schema): string[] =>
      structuralErrors(schema, FieldPath.of('s')).map(({ field, message }) => `${field}: ${message}`);
    expect(of({})).to.deep.equal(['s.type: Required value: must not be empty at the root']);
    expect(of({ type: 'string' })).to.deep.equal([
      's.type: Invalid value: "string": must be object at the root',
    ]);
    expect(of({ type: 'object', additionalProperties: { type: 'string' } })).to.deep.equal([
      's.additionalProperties: Forbidden: must not be used at the root',
    ]);
    expect(
      of({
        type: 'object',
        properties: { metadata: { type: 'object', properties: { labels: { type: 'object' } } } },
      }),
    ).to.deep.equal([
      's.properties[metadata]: Forbidden: must not specify anything other than name and generateName, but metadata is implicitly specified',
    ]);
    expect(
      of({
        type: 'object',
        properties: { metadata: { type: 'object', properties: { name: { type: 'string', maxLength: 9 } } } },
      }),
    ).to.deep.equal([]);
  });
});
