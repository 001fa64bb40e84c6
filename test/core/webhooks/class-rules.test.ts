/** class-validator's decorators, checked by a webhook where a schema cannot say them. */
import {
  IsIn,
  IsInt,
  IsString,
  registerDecorator,
  ValidateIf,
  ValidateNested,
  type ValidationArguments,
} from 'class-validator';
import { expect } from 'chai';
import {
  classRules,
  controllerFor,
  CustomResource,
  done,
  Items,
  MapOf,
  Nested,
  Schema,
  webhookFor,
} from 'gyre';
import { TestCluster } from 'gyre/testing';

/** Of two fields: no schema without CEL can say it. */
function AtLeast(other: string) {
  return (prototype: object, propertyName: string): void =>
    registerDecorator({
      name: 'atLeast',
      target: prototype.constructor,
      propertyName,
      constraints: [other],
      validator: {
        validate: (value: unknown, { object }: ValidationArguments) =>
          Number(value) >= Number((object as Record<string, unknown>)[other] ?? 0),
        defaultMessage: () => `${propertyName} must be at least ${other}`,
      },
    });
}

class Port {
  @IsInt() from!: number;
  @IsInt() @AtLeast('from') @Schema({ type: 'integer' }) to!: number;
}
class Quota {
  constructor(readonly made: never) {
    throw new Error(`never made: ${String(made)}`);
  }
  @IsInt() low!: number;
  @AtLeast('low') @Schema({ type: 'integer' }) high!: number;
}
class FarmSpec {
  @IsIn(['plain', 'secret']) kind!: string;
  @ValidateIf((spec: FarmSpec) => spec.kind === 'secret')
  @IsString()
  @Schema({ type: 'string', nullable: true })
  token!: string;
  @Items(() => Port) @ValidateNested({ each: true }) ports!: Port[];
  @MapOf(() => Quota as never) quotas!: Record<string, Quota>;
  @Nested(() => Port) range!: Port;
}
class Farm extends CustomResource({
  group: 'apps.example.com',
  version: 'v1',
  kind: 'Farm',
  spec: FarmSpec,
}) {}

const good = {
  kind: 'secret',
  token: 't',
  ports: [{ from: 1, to: 2 }],
  quotas: { a: { low: 1, high: 1 } },
  range: { from: 3, to: 3 },
} as never;

describe('class-validator rules in a webhook', () => {
  it('refuse what a schema lets pass, each problem at its own path and once', async () => {
    await using t = await TestCluster.start({
      builtin: false,
      controllers: [controllerFor(Farm).reconcile(() => done)],
      webhooks: [webhookFor(Farm).validates(classRules(Farm))],
    });
    await t.apply(Farm.of('default/good', good));
    const bad = {
      ...(good as object),
      token: null,
      ports: [
        { from: 1, to: 2 },
        { from: 5, to: 2 },
      ],
      quotas: { a: { low: 2, high: 1 } },
      range: { from: 3, to: 1 },
    } as never;
    const refused = await t.client.create(Farm, Farm.of('default/bad', bad)).catch((error: unknown) => error);
    const { details, code } = (
      refused as { status: { code: number; details: { causes: { field: string; message: string }[] } } }
    ).status;
    expect(code).to.equal(422);
    expect(details.causes.map(({ field, message }) => `${field}: ${message}`)).to.have.members([
      'spec.token: token must be a string',
      'spec.ports[1].to: to must be at least from',
      'spec.quotas[a].high: high must be at least low',
      'spec.range.to: to must be at least from',
    ]);
  });

  it('let a delete through, and what is no object at all to the schema', async () => {
    const rules = classRules(Farm);
    const request = { oldObject: undefined, user: { username: 'u' }, dryRun: false, subresource: undefined };
    const ask = (object: unknown, operation: 'CREATE' | 'DELETE') =>
      rules(object, { ...request, operation, warn: () => {} });
    expect(await ask({ spec: { kind: 'odd' } }, 'DELETE')).to.deep.equal([]);
    expect(await ask({ spec: 7 }, 'CREATE')).to.deep.equal([]);
    expect(await ask({}, 'CREATE')).to.deep.equal([]);
    const hostile = JSON.parse('{"spec":{"__proto__":{"kind":"plain"},"kind":"odd"}}') as object;
    const problems = (await ask(hostile, 'CREATE')) ?? [];
    expect(problems.map(({ field }) => field)).to.include('spec.kind');
  });
});
