import { expect } from 'chai';
import * as v from 'class-validator';
import * as fc from 'fast-check';
import {
  Conditions,
  CustomResource,
  Default,
  Description,
  IntOrString,
  Items,
  ListMap,
  ListSet,
  MapOf,
  Nested,
  Nullable,
  PreserveUnknown,
  RegistrationError,
  Schema,
  schemaOfClass,
} from 'gyre';
import { validateSchema } from '#src/api/index.js';

type FieldDecorator = (prototype: object, field: string) => void;

/**
 * A class as esbuild leaves it: decorators applied by hand, no emitted types. Every test here runs under
 * these conditions.
 */
function classWith(fields: Record<string, readonly FieldDecorator[]>, name = 'Spec') {
  const cls = { [name]: class {} }[name] as new () => object;
  for (const [field, decorators] of Object.entries(fields)) {
    for (const decorate of [...decorators].reverse()) decorate(cls.prototype, field);
  }
  return cls;
}

const field = async (...decorators: FieldDecorator[]) =>
  (await schemaOfClass(classWith({ field: decorators }))).properties?.field;

const refusal = async (...decorators: FieldDecorator[]): Promise<string> => {
  try {
    await field(...decorators);
  } catch (error) {
    expect(error).to.be.instanceOf(RegistrationError);
    return (error as Error).message;
  }
  throw new Error('was not refused');
};

enum Tier {
  Free = 'free',
  Paid = 'paid',
}
enum Level {
  Low = 1,
  High = 2,
}
const Port = classWith({ name: [v.IsString()], port: [v.IsInt(), v.Min(1)] }, 'Port');
const portSchema = {
  type: 'object',
  properties: { name: { type: 'string' }, port: { type: 'integer', minimum: 1 } },
  required: ['name', 'port'],
};
const each = { each: true };

const table: readonly [string, readonly FieldDecorator[], object][] = [
  ['IsString', [v.IsString()], { type: 'string' }],
  ['IsBoolean', [v.IsBoolean()], { type: 'boolean' }],
  ['IsInt', [v.IsInt()], { type: 'integer' }],
  ['IsNumber', [v.IsNumber()], { type: 'number' }],
  ['IsNumber and IsInt', [v.IsNumber(), v.IsInt()], { type: 'integer' }],
  ['Min alone is a number', [v.Min(0.5)], { type: 'number', minimum: 0.5 }],
  [
    'Min and Max of an integer',
    [v.IsInt(), v.Min(0), v.Max(50)],
    { type: 'integer', minimum: 0, maximum: 50 },
  ],
  ['IsPositive', [v.IsInt(), v.IsPositive()], { type: 'integer', minimum: 0, exclusiveMinimum: true }],
  ['IsNegative', [v.IsNegative()], { type: 'number', maximum: 0, exclusiveMaximum: true }],
  ['IsDivisibleBy', [v.IsInt(), v.IsDivisibleBy(5)], { type: 'integer', multipleOf: 5 }],
  [
    'MinLength and MaxLength',
    [v.MinLength(2), v.MaxLength(5)],
    { type: 'string', minLength: 2, maxLength: 5 },
  ],
  ['Length', [v.Length(2, 5)], { type: 'string', minLength: 2, maxLength: 5 }],
  ['Length without an upper bound', [v.Length(2)], { type: 'string', minLength: 2 }],
  [
    'the stricter of two bounds',
    [v.MinLength(2), v.Length(3, 9), v.MaxLength(5)],
    { type: 'string', minLength: 3, maxLength: 5 },
  ],
  ['Matches', [v.Matches(/^[a-z]+$/)], { type: 'string', pattern: '^[a-z]+$' }],
  [
    'two Matches',
    [v.Matches(/^a/), v.Matches(/z$/)],
    { type: 'string', pattern: 'z$', allOf: [{ pattern: '^a' }] },
  ],
  ['IsNotEmpty of a string', [v.IsString(), v.IsNotEmpty()], { type: 'string', minLength: 1 }],
  ['IsUrl', [v.IsUrl()], { type: 'string', format: 'uri' }],
  ['IsEmail', [v.IsEmail()], { type: 'string', format: 'email' }],
  ['IsFQDN', [v.IsFQDN()], { type: 'string', format: 'hostname' }],
  ['IsISO8601', [v.IsISO8601()], { type: 'string', format: 'date-time' }],
  ['IsDateString', [v.IsDateString()], { type: 'string', format: 'date-time' }],
  ['IsUUID', [v.IsUUID()], { type: 'string', format: 'uuid' }],
  ['IsUUID 4', [v.IsUUID('4')], { type: 'string', format: 'uuid4' }],
  ['IsIP', [v.IsIP()], { type: 'string', anyOf: [{ format: 'ipv4' }, { format: 'ipv6' }] }],
  ['IsIP 6', [v.IsIP(6)], { type: 'string', format: 'ipv6' }],
  ['IsBase64', [v.IsBase64()], { type: 'string', format: 'byte' }],
  ['IsIn of strings', [v.IsIn(['a', 'b'])], { type: 'string', enum: ['a', 'b'] }],
  ['IsIn of integers', [v.IsIn([1, 2])], { type: 'integer', enum: [1, 2] }],
  ['IsIn of numbers', [v.IsIn([1, 2.5])], { type: 'number', enum: [1, 2.5] }],
  ['IsEnum of strings', [v.IsEnum(Tier)], { type: 'string', enum: ['free', 'paid'] }],
  ['IsEnum of numbers', [v.IsEnum(Level)], { type: 'integer', enum: [1, 2] }],
  ['Equals', [v.Equals('x')], { type: 'string', enum: ['x'] }],
  ['IsString each', [v.IsString(each)], { type: 'array', items: { type: 'string' } }],
  [
    'IsArray, Length each',
    [v.IsArray(), v.Length(1, 3, each)],
    { type: 'array', items: { type: 'string', minLength: 1, maxLength: 3 } },
  ],
  [
    'ArrayMinSize and ArrayMaxSize',
    [v.ArrayMinSize(1), v.ArrayMaxSize(3), Items('string')],
    { type: 'array', minItems: 1, maxItems: 3, items: { type: 'string' } },
  ],
  [
    'ArrayNotEmpty',
    [v.ArrayNotEmpty(), Items('integer')],
    { type: 'array', minItems: 1, items: { type: 'integer' } },
  ],
  [
    'ArrayUnique',
    [v.ArrayUnique(), Items('string')],
    { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
  ],
  [
    'ListSet',
    [ListSet(), Items('string')],
    { type: 'array', 'x-kubernetes-list-type': 'set', items: { type: 'string' } },
  ],
  [
    'Items of a class, validated',
    [v.ValidateNested(each), Items(() => Port)],
    { type: 'array', items: portSchema },
  ],
  [
    'Items of a scalar, narrowed by each',
    [Items('number'), v.Max(3, each)],
    { type: 'array', items: { type: 'number', maximum: 3 } },
  ],
  [
    'ListMap',
    [Items(() => Port), ListMap('name')],
    {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: portSchema,
    },
  ],
  ['MapOf a scalar', [MapOf('string')], { type: 'object', additionalProperties: { type: 'string' } }],
  ['MapOf a class', [v.IsObject(), MapOf(() => Port)], { type: 'object', additionalProperties: portSchema }],
  ['Nested', [v.ValidateNested(), Nested(() => Port)], portSchema],
  ['IntOrString', [IntOrString()], { 'x-kubernetes-int-or-string': true }],
  ['PreserveUnknown', [PreserveUnknown()], { type: 'object', 'x-kubernetes-preserve-unknown-fields': true }],
  ['Nullable', [v.IsString(), Nullable()], { type: 'string', nullable: true }],
  ['Default', [v.IsInt(), Default(1)], { type: 'integer', default: 1 }],
  ['Description', [v.IsInt(), Description('how many')], { type: 'integer', description: 'how many' }],
  ['Schema', [v.IsInt(), Schema({ format: 'int32' })], { type: 'integer', format: 'int32' }],
  ['Schema alone', [Schema({ type: 'string', format: 'date' })], { type: 'string', format: 'date' }],
  [
    'Schema beside a validator that no schema expresses',
    [v.IsString(), v.IsLowercase(), Schema({ pattern: '^[^A-Z]*$' })],
    { type: 'string', pattern: '^[^A-Z]*$' },
  ],
];

describe('schema emitter', () => {
  for (const [what, decorators, expected] of table) {
    it(`knows ${what}`, async () => {
      expect(await field(...decorators)).to.deep.equal(expected);
    });
  }

  it('requires what has neither IsOptional nor Default, in alphabetical order', async () => {
    const schema = await schemaOfClass(
      classWith({
        zone: [v.IsString()],
        area: [v.IsString()],
        maybe: [v.IsString(), v.IsOptional()],
        filled: [v.IsInt(), Default(1)],
        conditions: [Conditions()],
      }),
    );
    expect(schema.required).to.deep.equal(['area', 'zone']);
    expect(Object.keys(schema.properties ?? {})).to.deep.equal([
      'area',
      'conditions',
      'filled',
      'maybe',
      'zone',
    ]);
  });

  it('omits required when nothing is', async () => {
    expect(await schemaOfClass(classWith({ a: [v.IsString(), v.IsOptional()] }))).to.not.have.property(
      'required',
    );
  });

  it('takes inherited fields, and what a derived class says of them', async () => {
    class Base {
      @v.IsString() @Description('base') name!: string;
      @v.IsInt() size!: number;
    }
    class Derived extends Base {
      @Description('derived') override name!: string;
      @v.IsBoolean() on!: boolean;
    }
    const schema = await schemaOfClass(Derived);
    expect(schema.properties).to.deep.equal({
      name: { type: 'string', description: 'derived' },
      on: { type: 'boolean' },
      size: { type: 'integer' },
    });
    expect((await schemaOfClass(Base)).properties?.name?.description).to.equal('base');
  });

  it('gives conditions the shape of metav1.Condition, merged by type', async () => {
    const schema = await field(Conditions());
    expect(schema?.['x-kubernetes-list-map-keys']).to.deep.equal(['type']);
    expect(schema?.items?.required).to.deep.equal([
      'lastTransitionTime',
      'message',
      'reason',
      'status',
      'type',
    ]);
  });

  describe('refuses with class, field and remedy', () => {
    const cases: readonly [string, readonly FieldDecorator[], string][] = [
      [
        'a field whose type nothing says',
        [v.IsOptional()],
        'Spec.field has no decorator that says its type: add @IsString(), @IsInt()',
      ],
      ['a default without a type', [Default(1)], 'Spec.field has no decorator that says its type'],
      [
        'a list of nobody knows what',
        [v.IsArray()],
        "Spec.field is a list, and what it holds is not known: add @Items('string')",
      ],
      [
        'nested items without a class',
        [v.IsArray(), v.ValidateNested(each)],
        'name the class of its items, e.g. @Items(() => Port)',
      ],
      [
        'an object of nobody knows what',
        [v.IsObject()],
        'Spec.field is an object whose fields are not known: add @Nested(() => …)',
      ],
      ['two types', [v.IsString(), v.IsInt()], 'Spec.field is both'],
      [
        'a validator no schema expresses',
        [v.IsString(), v.IsLowercase()],
        'Spec.field @IsLowercase has no counterpart in a schema',
      ],
      ['ValidateIf', [v.IsString(), v.ValidateIf(() => true)], 'Spec.field @ValidateIf has no counterpart'],
      ['a Date', [v.IsDate()], 'use a string with @IsISO8601()'],
      ['a pattern with look-ahead', [v.Matches(/^(?!x)/)], 'which RE2 cannot read'],
      ['a pattern with flags', [v.Matches(/^x/i)], "has a pattern with the flags 'i'"],
      ['decimal places', [v.IsNumber({ maxDecimalPlaces: 2 })], 'limits decimal places'],
      ['mixed values', [v.IsIn(['a', 1])], 'do not share one of the types'],
      ['a set of objects', [v.ArrayUnique(), Items(() => Port)], 'use @ListMap(key) instead'],
      ['a key that items lack', [Items(() => Port), ListMap('id')], 'has items without the field id'],
      ['ListMap on a scalar', [v.IsString(), ListMap('id')], 'Spec.field has @ListMap and is not a list'],
      [
        'a class that is not there yet',
        [Items(() => undefined as never)],
        'Spec.field names no class: give a function',
      ],
    ];
    for (const [what, decorators, message] of cases) {
      it(what, async () => {
        expect(await refusal(...decorators)).to.contain(message);
      });
    }

    it('a key of items that may be absent', async () => {
      const Loose = classWith({ name: [v.IsString(), v.IsOptional()] }, 'Loose');
      expect(
        await refusal(
          Items(() => Loose),
          ListMap('name'),
        ),
      ).to.contain('make name required, or give it a @Default');
    });

    it('two decorators that both say what a field holds', () => {
      expect(() => classWith({ field: [Items('string'), MapOf('string')] })).to.throw(
        RegistrationError,
        'Spec.field has both @MapOf and @Items',
      );
    });

    it('a class that contains itself', async () => {
      const Tree: new () => object = classWith({ children: [Items(() => Tree)] }, 'Tree');
      try {
        await schemaOfClass(Tree);
        expect.fail('was not refused');
      } catch (error) {
        expect((error as Error).message)
          .to.contain('Tree → Tree contains itself')
          .and.to.contain('@PreserveUnknown()');
      }
    });

    it('methods and accessors, nested ones included', async () => {
      class WithMethod {
        @v.IsString() a!: string;
        total(): number {
          return 1;
        }
      }
      class WithGetter {
        @v.IsString() a!: string;
        get b(): string {
          return this.a;
        }
      }
      expect(() =>
        CustomResource({ group: 'x.example.com', version: 'v1', kind: 'X', spec: WithMethod }),
      ).to.throw(RegistrationError, 'WithMethod.total is a method, and objects are plain JSON');
      expect(await refusal(Nested(() => WithGetter))).to.contain('WithGetter.b is an accessor');
    });
  });

  it('takes one class in two places', async () => {
    const schema = await schemaOfClass(classWith({ a: [Nested(() => Port)], b: [Nested(() => Port)] }));
    expect(schema.properties).to.deep.equal({ a: portSchema, b: portSchema });
  });

  describe('accepts exactly what class-validator accepts', () => {
    const near = fc.oneof(
      fc.integer({ min: -6, max: 12 }),
      fc.constantFrom(0.5, 2.5, -0.5),
      fc.stringMatching(/^[a-z0-9-]{0,7}$/),
      fc.constantFrom('', 'a', 'b', 'free', 'paid'),
      fc.boolean(),
    );
    const value = fc.oneof(
      near,
      fc.array(near, { maxLength: 4 }),
      fc.uniqueArray(fc.integer({ min: 0, max: 3 }), { maxLength: 3 }),
      fc.array(fc.stringMatching(/^[a-c]{0,3}$/), { maxLength: 4 }),
    );
    const alike: readonly (readonly FieldDecorator[])[] = [
      [v.IsInt(), v.Min(0), v.Max(5)],
      [v.IsNumber(), v.IsNegative()],
      [v.IsPositive()],
      [v.IsInt(), v.IsDivisibleBy(3)],
      [v.IsString(), v.Length(2, 4)],
      [v.IsString(), v.IsNotEmpty()],
      [v.Matches(/^[a-z]+(-[a-z]+)?$/), v.MaxLength(5)],
      [v.IsBoolean()],
      [v.IsIn(['a', 'b'])],
      [v.IsEnum(Level)],
      [v.IsEnum(Tier)],
      [v.IsArray(), v.ArrayMinSize(1), v.ArrayMaxSize(3), v.IsString(each), v.MaxLength(2, each)],
      [v.IsArray(), v.ArrayUnique(), v.IsInt(each)],
    ];
    for (const [i, decorators] of alike.entries()) {
      it(`rule set ${i + 1} of ${alike.length}`, async () => {
        const cls = classWith({ field: decorators });
        const schema = (await schemaOfClass(cls)).properties?.field ?? {};
        fc.assert(
          fc.property(value, (field) => {
            const byDecorators = v.validateSync(Object.assign(new cls(), { field })).length === 0;
            const bySchema = validateSchema(field, schema).length === 0;
            expect(bySchema, JSON.stringify(field)).to.equal(byDecorators);
          }),
          { numRuns: 300 },
        );
      });
    }
  });
});
