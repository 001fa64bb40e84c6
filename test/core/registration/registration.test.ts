import { expect } from 'chai';
import { IsString } from 'class-validator';
import {
  Controller,
  controllerFor,
  CustomResource,
  definitionOf,
  Finalizer,
  Index,
  Inject,
  isRegistrationError,
  Manager,
  Owns,
  RegistrationError,
  token,
  Watches,
} from 'gyre';
import { ConfigMap, Deployment, Secret } from 'gyre/kinds';
import { silentLogger } from '#src/telemetry/index.js';
import { dependenciesOf } from '#src/core/registration/container.js';
import * as metadata from '#src/core/registration/metadata.js';
import { Dns, Website, WebsiteController } from '../website.js';

const manager = () => Manager.create({ log: silentLogger });
const dns = { release: async () => true };

describe('definitionOf', () => {
  it('reads what the decorators of the sample say', async () => {
    const instance = new WebsiteController(dns);
    const definition = definitionOf<Website>(WebsiteController, instance);
    expect(definition.name).to.equal('website');
    expect(definition.kind).to.equal(Website);
    expect(definition.watches).to.deep.equal([{ kind: Deployment, relation: 'owns' }]);
    expect(definition.cleanups.map((c) => c.finalizer)).to.deep.equal(['apps.example.com/dns']);
  });

  it('calls reconcile and cleanups as methods of the instance', async () => {
    @Controller(Website)
    class Counting {
      calls: string[] = [];
      reconcile(site: Website): void {
        this.calls.push(`reconcile ${site.metadata.name}`);
      }
      @Finalizer('example.com/a')
      clean(site: Website): void {
        this.calls.push(`clean ${site.metadata.name}`);
      }
    }
    const instance = new Counting();
    const definition = definitionOf<Website>(Counting, instance);
    const site = { metadata: { name: 'blog' } } as Website;
    await definition.reconcile(site, {} as never);
    await definition.cleanups[0]?.cleanup(site, {} as never);
    expect(instance.calls).to.deep.equal(['reconcile blog', 'clean blog']);
  });

  it('does not depend on the order of decorators, and resolves functions that give a kind', () => {
    @Index(Secret, 'byType', (secret) => [secret.type ?? ''])
    @Watches(() => Secret, { map: () => ['default/blog'] })
    @Owns(() => Deployment)
    @Controller(() => Website, {
      name: 'web',
      maxConcurrent: 3,
      timeout: '10s',
      namespace: 'default',
      labelSelector: 'a=b',
    })
    @Index(Website, 'byImage', (site) => [site.spec.image])
    class Ordered {
      reconcile(_site: Website): void {}
    }
    const definition = definitionOf(Ordered, new Ordered());
    expect(definition).to.include({
      name: 'web',
      kind: Website,
      maxConcurrent: 3,
      timeout: '10s',
      namespace: 'default',
      labelSelector: 'a=b',
    });
    expect(
      definition.watches.map((w) => [w.relation, w.kind.kind, Object.keys(w.indexes ?? {})]),
    ).to.deep.equal([
      ['watches', 'Secret', ['byType']],
      ['owns', 'Deployment', []],
    ]);
    expect(Object.keys(definition.indexes ?? {})).to.deep.equal(['byImage']);
  });

  it('takes what a base class says', () => {
    @Owns(Deployment)
    abstract class Base {
      @Finalizer('example.com/base')
      clean(): void {}
    }
    @Controller(Website)
    class Derived extends Base {
      reconcile(_site: Website): void {}
    }
    const definition = definitionOf(Derived, new Derived());
    expect(definition.watches.map((w) => w.kind)).to.deep.equal([Deployment]);
    expect(definition.cleanups.map((c) => c.finalizer)).to.deep.equal(['example.com/base']);
  });
});

describe('registration refuses, naming class, place and remedy,', () => {
  const cases: readonly [string, () => unknown, string][] = [
    [
      'a class without @Controller',
      () => {
        class Plain {
          reconcile(): void {}
        }
        manager().register(Plain);
      },
      'Plain is not decorated with @Controller: write @Controller(Kind) above class Plain',
    ],
    [
      'a class without reconcile',
      () => {
        class Idle {}
        Controller(Website)(Idle as never);
        manager().register(Idle as never);
      },
      'Idle has no reconcile: add a method reconcile(object, ctx)',
    ],
    [
      'a finalizer that is not qualified',
      () => {
        class Loose {
          reconcile(_site: Website): void {}
          @Finalizer('dns')
          clean(): void {}
        }
        Controller(Website)(Loose);
        definitionOf(Loose, new Loose());
      },
      'Loose has @Finalizer("dns"), which is not qualified: put a domain you own before it, e.g. \'example.com/cleanup\'',
    ],
    [
      'one finalizer twice',
      () =>
        controllerFor(Website)
          .finalizer('example.com/a', () => {})
          .finalizer('example.com/a', () => {})
          .reconcile(() => {}),
      'controllerFor(Website) has @Finalizer("example.com/a") twice',
    ],
    [
      'a parameter nobody can know',
      () => {
        class Blind {
          constructor(readonly count: number) {}
          reconcile(_site: Website): void {}
        }
        Controller(Website)(Blind);
        manager().register(Blind);
      },
      'Blind has constructor parameter 0 whose type cannot be known: write @Inject(Token) before it',
    ],
    [
      'a token that does not exist yet',
      () => {
        class Early {}
        Inject(undefined as never)(Early, undefined, 1);
      },
      'Early has @Inject(undefined) on constructor parameter 1: two files import each other',
    ],
    [
      'two controllers of one name',
      () => manager().register(WebsiteController).register(WebsiteController),
      'controller "website" is registered twice',
    ],
    [
      'a name in capitals',
      () =>
        controllerFor(Website)
          .named('Web')
          .reconcile(() => {}),
      'controllerFor(Website) has the name "Web"',
    ],
    [
      'a timeout nobody can read',
      () =>
        controllerFor(Website)
          .with({ timeout: 'soon' })
          .reconcile(() => {}),
      'has a timeout that cannot be read: not a duration',
    ],
    [
      'a selector nobody can read',
      () =>
        controllerFor(Website)
          .with({ labelSelector: 'a in' })
          .reconcile(() => {}),
      'has a labelSelector that cannot be read',
    ],
    [
      'no concurrency',
      () =>
        controllerFor(Website)
          .with({ maxConcurrent: 0 })
          .reconcile(() => {}),
      'has maxConcurrent 0',
    ],
    [
      'an index of a kind that is not watched',
      () => controllerFor(Website).index(ConfigMap, 'x', () => []),
      'has an index "x" of ConfigMap, which it does not watch: add @Owns(ConfigMap)',
    ],
    [
      'what is not a kind',
      () => {
        class Odd {
          reconcile(): void {}
        }
        Controller(class NotAKind {} as never)(Odd as never);
        manager().register(Odd);
      },
      'Odd has @Controller of something that is not a kind',
    ],
    [
      '@Controller twice',
      () => {
        class Twice {
          reconcile(_site: Website): void {}
        }
        Controller(Website)(Twice);
        Controller(Website)(Twice);
      },
      'Twice has @Controller twice',
    ],
  ];
  for (const [what, attempt, message] of cases) {
    it(what, () => {
      try {
        attempt();
      } catch (error) {
        expect(isRegistrationError(error), String(error)).to.equal(true);
        expect((error as Error).message).to.contain(message);
        return;
      }
      expect.fail('was not refused');
    });
  }
});

describe('controllerFor', () => {
  it('builds the same definition as the decorators', () => {
    const reconcile = (): void => {};
    const cleanup = (): void => {};
    const map = (): string[] => [];
    const definition = controllerFor(Website)
      .named('web')
      .owns(Deployment)
      .watches(Secret, { map })
      .finalizer('example.com/dns', cleanup)
      .with({ maxConcurrent: 2 })
      .reconcile(reconcile);
    expect(definition).to.deep.equal({
      name: 'web',
      kind: Website,
      watches: [
        { kind: Deployment, relation: 'owns' },
        { kind: Secret, relation: 'watches', map },
      ],
      cleanups: [{ finalizer: 'example.com/dns', cleanup }],
      maxConcurrent: 2,
      reconcile,
    });
  });

  it('leaves the builder it started from as it was', () => {
    const base = controllerFor(Website);
    base.owns(Deployment);
    expect(base.reconcile(() => {}).watches).to.deep.equal([]);
  });
});

describe('dependencies', () => {
  const Limit = token<number>('limit');

  it('are known from @Inject alone, as under esbuild', () => {
    class Bare {}
    Object.defineProperty(Bare, 'length', { value: 2 });
    Inject(Dns)(Bare, undefined, 0);
    Inject(Limit)(Bare, undefined, 1);
    expect(dependenciesOf(Bare)).to.deep.equal({ parameters: [Dns, Limit], properties: [] });
  });

  it('are inherited with the constructor', () => {
    class Derived extends WebsiteController {}
    expect(dependenciesOf(Derived).parameters).to.deep.equal([Dns]);
  });

  it('may be read from emitted types where these say something', () => {
    class Zone {}
    class Emitted {
      constructor(readonly zone: Zone) {}
    }
    Reflect.defineMetadata('design:paramtypes', [Zone], Emitted);
    expect(dependenciesOf(Emitted).parameters).to.deep.equal([Zone]);
    Reflect.defineMetadata('design:paramtypes', [Object], Emitted);
    expect(() => dependenciesOf(Emitted)).to.throw(RegistrationError);
  });

  it('include properties', () => {
    class WithProperty {
      @Inject(Limit) limit!: number;
    }
    expect(dependenciesOf(WithProperty).properties).to.deep.equal([{ property: 'limit', token: Limit }]);
  });
});

describe('class facts', () => {
  it('are shared between copies of the package', async () => {
    const copy = (await import(
      `${import.meta.resolve('#src/core/registration/metadata.js')}?copy`
    )) as typeof metadata;
    expect(copy.factsOfField).to.not.equal(metadata.factsOfField);
    class Spec {
      @IsString() name!: string;
    }
    copy.factsOfField(Spec.prototype, 'name').default = { value: 'x' };
    const crd = await CustomResource({
      group: 'x.example.com',
      version: 'v1',
      kind: 'Thing',
      spec: Spec,
    }).crd();
    expect(
      crd.spec.versions[0]?.schema?.openAPIV3Schema?.properties?.spec?.properties?.name?.default,
    ).to.equal('x');
  });
});
