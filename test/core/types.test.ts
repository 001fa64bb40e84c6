/** Compile-time contracts: every line below a `@ts-expect-error` must not compile. */
import { expect } from 'chai';
import { IsInt, IsString } from 'class-validator';
import {
  type Client,
  type Context,
  Controller,
  controllerFor,
  CustomResource,
  Default,
  type Defaulted,
  type Draft,
  type Input,
  Items,
  keyOf,
  type KindOf,
  Nested,
  Owns,
  type Shared,
  Source,
  type SourceContext,
  Timer,
  Watches,
} from 'gyre';
import { Deployment, Namespace, Pod, Secret } from 'gyre/kinds';
import { type Observable, of } from 'rxjs';
import { deploymentFor, Website } from './website.js';

/** Checked by the compiler, never run. */
function compiles(_check: (client: Client) => unknown): void {}
const same = <A, B>(
  _equal: (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false,
): void => {};

class Limits {
  @IsInt() cpu!: number;
  @IsInt() @Default(128) memory!: Defaulted<number>;
}
class ShopSpec {
  @IsString() title!: string;
  @Items('string') @Default([]) tags!: Defaulted<string[]>;
  @Nested(() => Limits) @Default({ cpu: 1 }) limits!: Defaulted<Limits>;
  @Nested(() => Limits) hard!: Limits;
  @IsString() note?: string;
}
class Shop extends CustomResource({
  group: 'shop.example.com',
  version: 'v1',
  kind: 'Shop',
  scope: 'Cluster',
  spec: ShopSpec,
}) {}

describe('types of a custom kind', () => {
  it('infer the object from the class', () => {
    compiles(async (client) => {
      const site = await client.get(Website, 'default/blog');
      const replicas: number = site.spec.replicas;
      const ready: number | undefined = site.status?.readyReplicas;
      same<typeof site.kind, 'Website'>(true);
      same<typeof site.apiVersion, 'apps.example.com/v1'>(true);
      const also: Website = site;
      return [replicas, ready, also];
    });
  });

  it('refuse a key without a namespace, and one with a namespace for a cluster-scoped kind only by parts', () => {
    compiles((client) => [
      // @ts-expect-error a Website is namespaced
      client.get(Website, 'blog'),
      client.get(Shop, 'corner'),
      client.get(Website, { namespace: 'default', name: 'blog' }),
      // @ts-expect-error the namespace is missing
      client.get(Website, { name: 'blog' }),
      // @ts-expect-error a Namespace has none
      client.get(Namespace, { namespace: 'default', name: 'x' }),
      // @ts-expect-error a Website is namespaced
      Website.of('blog', { image: 'nginx' }),
      Shop.of('corner', { title: 'x', hard: { cpu: 1 } }),
    ]);
  });

  it('are readonly, all the way down', () => {
    compiles((client) => async (site: Website) => {
      // @ts-expect-error what reads give is shared
      site.spec.replicas = 3;
      // @ts-expect-error
      site.metadata.labels = {};
      // @ts-expect-error
      site.status?.conditions?.push();
      const shop = await client.get(Shop, 'corner');
      // @ts-expect-error
      shop.spec.tags.push('x');
      // @ts-expect-error
      shop.spec.limits.cpu = 2;
    });
  });

  it('keep optional fields optional', () => {
    same<
      Shared<{ a?: number; b: { c?: string[] } }>,
      { readonly a?: number; readonly b: { readonly c?: readonly string[] } }
    >(true);
    compiles(() => {
      const input: Input<Shop> = { metadata: { name: 'corner' }, spec: { title: 'x', hard: { cpu: 1 } } };
      // @ts-expect-error title is required
      const untitled: Input<Shop> = { metadata: { name: 'corner' }, spec: { hard: { cpu: 1 } } };
      // @ts-expect-error there is no such field
      const misspelt: Input<Shop> = { metadata: {}, spec: { title: 'x', hard: { cpu: 1 }, titel: 'x' } };
      return [input, untitled, misspelt];
    });
  });

  it('make what has a default optional in inputs and certain in reads', () => {
    compiles((client) => async (shop: Shop, site: Website) => {
      const sum: number = shop.spec.limits.memory + site.spec.replicas + shop.spec.tags.length;
      await client.create(Shop, {
        metadata: { name: 'a' },
        spec: { title: 'x', hard: { cpu: 1, memory: 2 }, tags: ['a'] },
      });
      await client.create(Website, Website.of('default/blog', { image: 'nginx' }));
      await client.create(Website, Website.of('default/blog', { image: 'nginx', replicas: 3 }));
      // @ts-expect-error image has no default
      await client.create(Website, Website.of('default/blog', { replicas: 3 }));
      // @ts-expect-error replicas is a number
      await client.create(Website, Website.of('default/blog', { image: 'nginx', replicas: '3' }));
      // @ts-expect-error a Shop is not a Website
      await client.create(Website, Shop.of('corner', { title: 'x', hard: { cpu: 1 } }));
      return sum;
    });
  });

  it('let what was read be written again', () => {
    compiles((client) => async (site: Website) => {
      await client.update(Website, site);
      await client.update(Website, { ...site, spec: { ...site.spec, replicas: 2 } });
      await client.patch(Website, site, (draft) => {
        draft.spec.replicas = 3;
        draft.status ??= {};
        draft.status.readyReplicas = 1;
        // @ts-expect-error misspelt
        draft.status.readyReplica = 1;
      });
    });
  });

  it('give a status draft that knows its fields', () => {
    compiles(() => (ctx: Context<Website>) => {
      ctx.status.readyReplicas = 1;
      ctx.status.conditions?.push({
        type: 'A',
        status: 'True',
        reason: 'B',
        message: '',
        lastTransitionTime: '',
      });
      // @ts-expect-error misspelt
      ctx.status.readyReplica = 1;
      const draft: Draft<Website['spec']> = { image: 'x', replicas: 1 };
      draft.image = 'y';
    });
  });

  it('check what is applied against the kind', () => {
    compiles(() => async (site: Website, ctx: Context<Website>) => {
      const web = await ctx.apply(Deployment, deploymentFor(site));
      const ready: number | undefined = web.status?.readyReplicas;
      // @ts-expect-error a Deployment needs a selector and a template
      await ctx.apply(Deployment, { metadata: { name: 'x' }, spec: { replicas: 1 } });
      // @ts-expect-error a Website's input is not a Deployment's
      await ctx.apply(Deployment, Website.of('default/blog', { image: 'x' }));
      return ready;
    });
  });

  it('are one Kind for whoever is generic', () => {
    const nameOf = <T>(kind: KindOf<T>): string => kind.kind;
    expect([nameOf(Website), nameOf(Deployment)]).to.deep.equal(['Website', 'Deployment']);
  });
});

describe('types of a controller', () => {
  it('tie reconcile to the kind', () => {
    class ForWebsites {
      reconcile(site: Website, ctx: Context<Website>): void {
        ctx.log.info(site.spec.image);
      }
    }
    class WithoutReconcile {}
    compiles(() => {
      Controller(Website)(ForWebsites);
      Controller(() => Website)(ForWebsites);
      // @ts-expect-error it reconciles Websites
      Controller(Deployment)(ForWebsites);
      // @ts-expect-error it reconciles Websites
      Controller(Shop)(ForWebsites);
      // @ts-expect-error it reconciles nothing
      Controller(Website)(WithoutReconcile);
      Controller(Website, { predicate: ({ object }) => object.spec.replicas > 0 })(ForWebsites);
      // @ts-expect-error a predicate sees Websites
      Controller(Website, { predicate: ({ object }) => object.spec.title !== '' })(ForWebsites);
    });
  });

  it('tie map functions and predicates to the watched kind', () => {
    compiles(() => {
      Watches(Secret, { map: (secret) => Object.keys(secret.data ?? {}) });
      // @ts-expect-error a Secret has no spec
      Watches(Secret, { map: (secret) => [secret.spec.x] });
      Owns(Pod, { predicate: ({ object }) => object.status?.phase === 'Running' });
      controllerFor(Website)
        .watches(Secret, { map: (secret) => [{ namespace: 'default', name: secret.metadata.name }] })
        .reconcile((site, ctx) => {
          ctx.status.readyReplicas = site.spec.replicas;
          // @ts-expect-error misspelt
          return ctx.status.redyReplicas;
        });
    });
  });

  it('tie sources and timers to what they may give', () => {
    class Methods {
      wholeKeys(): Observable<string> {
        return of('default/a');
      }
      numbers(): Observable<number> {
        return of(1);
      }
      sweep(context: SourceContext): readonly string[] {
        return context.cache.list(Website).map(keyOf);
      }
      async late(): Promise<void> {}
      wrong(): number {
        return 1;
      }
    }
    const { prototype } = Methods;
    const descriptor = <K extends keyof Methods>(name: K): TypedPropertyDescriptor<Methods[K]> =>
      Object.getOwnPropertyDescriptor(prototype, name) as TypedPropertyDescriptor<Methods[K]>;
    compiles(() => {
      Source()(prototype, 'wholeKeys', descriptor('wholeKeys'));
      // @ts-expect-error a number is no key
      Source()(prototype, 'numbers', descriptor('numbers'));
      Timer('5m')(prototype, 'sweep', descriptor('sweep'));
      Timer('5m')(prototype, 'late', descriptor('late'));
      // @ts-expect-error a number is no list of keys
      Timer('5m')(prototype, 'wrong', descriptor('wrong'));
      controllerFor(Website)
        .source('bus', () => of('default/a', { namespace: 'default', name: 'b' }))
        // @ts-expect-error a number is no key
        .source('numbers', () => of(1))
        .timer('sweep', '5m', () => ['default/a'])
        // @ts-expect-error not an interval
        .timer('never', { minutes: 5 }, () => {});
    });
  });

  it('know the settings of a run, and nothing else', () => {
    compiles(() => {
      const builder = controllerFor(Website);
      builder.with({
        every: '10m',
        debounce: '1s',
        fairness: 'namespace',
        pausedBy: false,
        ignoreOwnEchoes: true,
      });
      builder.with({ retries: { perSecond: 10, burst: 100 }, backoff: { first: '1s', max: '5m' } });
      // @ts-expect-error misspelt
      builder.with({ debouce: '1s' });
      // @ts-expect-error groups are by namespace or by a function
      builder.with({ fairness: 'name' });
      // @ts-expect-error both are needed
      builder.with({ retries: { perSecond: 10 } });
      builder.owns(Secret, { metadataOnly: true, labelSelector: 'app=web' });
      // @ts-expect-error what is owned is mapped by its owner
      builder.owns(Secret, { map: () => [] });
      // @ts-expect-error a rule names resources
      builder.rbac({ verbs: ['get'] });
    });
  });

  it('give waiting, kinds by name and subresources their types', () => {
    compiles((client) => async () => {
      const web = await client.waitFor(Deployment, 'default/web', { condition: 'Available' });
      const replicas: number | undefined = web.spec.replicas;
      await client.waitFor(Deployment, 'default/web', (object) => (object?.status?.readyReplicas ?? 0) > 0);
      // @ts-expect-error a Deployment has no such field
      await client.waitFor(Deployment, 'default/web', (object) => object?.spec.image !== '');
      // @ts-expect-error a namespaced key
      await client.waitFor(Deployment, 'web', 'deleted');
      const any = await client.kindFor('example.com/v1', 'Gadget');
      const gadgets = await client.listPage(any);
      const names: readonly string[] = gadgets.items.map(({ metadata }) => metadata.name);
      return [replicas, names];
    });
  });
});
