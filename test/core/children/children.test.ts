/** Children as a whole: applied, pruned, in the order of their needs. Judged by what is in the cluster. */
import { expect } from 'chai';
import { IsBoolean, IsOptional, IsString } from 'class-validator';
import {
  applyAll,
  type Child,
  child,
  controllerFor,
  CustomResource,
  deleteAll,
  dependents,
  type DependentsResult,
  done,
  Inventory,
  type InventoryEntry,
  Items,
  requeueAfter,
} from 'gyre';
import { ClusterRole, ConfigMap, Deployment, Namespace, Secret } from 'gyre/kinds';
import { TestCluster } from 'gyre/testing';
import { failWrites } from '../../builtin-controllers/faults.js';

class BundleSpec {
  @Items('string') @IsOptional() configs?: string[];
  @Items('string') @IsOptional() secrets?: string[];
  @IsString() @IsOptional() role?: string;
  @IsString() @IsOptional() elsewhere?: string;
  @IsBoolean() @IsOptional() cached?: boolean;
}
class BundleStatus {
  @Inventory() @IsOptional() inventory?: InventoryEntry[];
}
class Bundle extends CustomResource({
  group: 'apps.example.com',
  version: 'v1',
  kind: 'Bundle',
  spec: BundleSpec,
  status: BundleStatus,
}) {}

function childrenOf({ spec }: Bundle): Child[] {
  return [
    ...(spec.configs ?? []).map((name) => child(ConfigMap, { metadata: { name }, data: { from: 'bundle' } })),
    ...(spec.secrets ?? []).map((name) => child(Secret, { metadata: { name } })),
    ...(spec.role ? [child(ClusterRole, { metadata: { name: spec.role } })] : []),
    ...(spec.elsewhere ? [child(ConfigMap, { metadata: { name: 'far', namespace: spec.elsewhere } })] : []),
  ];
}

const bundles = controllerFor(Bundle)
  .named('bundles')
  .owns(ConfigMap)
  .finalizer('apps.example.com/children', (bundle, ctx) => deleteAll(bundle, ctx))
  .reconcile(async (bundle, ctx) => {
    const { waiting } = await applyAll(bundle, ctx, childrenOf(bundle));
    return waiting.length > 0 ? requeueAfter('1s') : done;
  });

const start = () => TestCluster.start({ controllers: [bundles] });

async function names(t: TestCluster): Promise<string[]> {
  const found: string[] = [];
  for await (const { metadata } of t.client.list(ConfigMap, { namespace: 'default' }))
    if (metadata.name !== 'kube-root-ca.crt') found.push(`ConfigMap ${metadata.name}`);
  for await (const { metadata } of t.client.list(Secret, { namespace: 'default' }))
    found.push(`Secret ${metadata.name}`);
  for await (const { metadata } of t.client.list(ClusterRole))
    if (metadata.labels?.['gyre.dev/owner-uid']) found.push(`ClusterRole ${metadata.name}`);
  return found.sort();
}

describe('applyAll', () => {
  it('makes what is wanted and deletes what is not any more, also of a kind that nobody asks for now', async () => {
    await using t = await start();
    await t.apply(Bundle.of('default/b', { configs: ['a', 'b'], secrets: ['s'], role: 'bundle-role' }));
    expect(await names(t)).to.deep.equal([
      'ClusterRole bundle-role',
      'ConfigMap a',
      'ConfigMap b',
      'Secret s',
    ]);
    await t.apply(Bundle.of('default/b', { configs: ['b', 'c'] }));
    await t.advance('5s');
    expect(await names(t)).to.deep.equal(['ConfigMap b', 'ConfigMap c']);
    const inventory = t.get(Bundle, 'default/b').status?.inventory ?? [];
    expect(inventory.map(({ name }) => name)).to.deep.equal(['b', 'c']);
  });

  it('owns what it can own, and labels what it cannot: that goes with the finalizer', async () => {
    await using t = await start();
    await t.client.create(Namespace, { metadata: { name: 'far' } });
    await t.apply(Bundle.of('default/b', { configs: ['a'], role: 'bundle-role', elsewhere: 'far' }));
    const { uid } = t.get(Bundle, 'default/b').metadata;
    expect(t.get(ConfigMap, 'default/a').metadata.ownerReferences?.[0]?.uid).to.equal(uid);
    for (const { metadata } of [t.get(ClusterRole, 'bundle-role'), t.get(ConfigMap, 'far/far')]) {
      expect(metadata.ownerReferences).to.equal(undefined);
      expect(metadata.labels).to.deep.include({ 'gyre.dev/owner-uid': uid });
    }
    await t.client.delete(Bundle, 'default/b');
    await t.advance('1m');
    expect(t.find(Bundle, 'default/b')).to.equal(undefined);
    expect(await names(t)).to.deep.equal([]);
    expect(t.find(ConfigMap, 'far/far')).to.equal(undefined);
  });

  it('deletes nothing when an apply fails', async () => {
    await using t = await start();
    await t.apply(Bundle.of('default/b', { configs: ['a'] }));
    // No such namespace: its child is refused.
    await t.apply(Bundle.of('default/b', { configs: ['b'], elsewhere: 'nowhere' }));
    await t.advance('1m');
    expect(await names(t)).to.deep.equal(['ConfigMap a', 'ConfigMap b']);
    await t.client.create(Namespace, { metadata: { name: 'nowhere' } });
    await t.advance('20m');
    expect(await names(t)).to.deep.equal(['ConfigMap b']);
  });

  it('never deletes what belongs to somebody else, not under the name of a former child either', async () => {
    await using t = await start();
    await t.apply(Bundle.of('default/b', { configs: ['a'], role: 'bundle-role' }));
    await t.client.patch(ClusterRole, 'bundle-role', (draft) => {
      draft.metadata.labels = { 'gyre.dev/owner-uid': 'somebody-else' };
    });
    await t.apply(Bundle.of('default/b', {}));
    await t.advance('5s');
    expect(t.find(ConfigMap, 'default/a')).to.equal(undefined);
    expect(t.find(ClusterRole, 'bundle-role')).to.not.equal(undefined);
    expect(t.get(Bundle, 'default/b').status?.inventory).to.deep.equal([]);
  });

  it('remembers what is on its way out until it is gone', async () => {
    await using t = await start();
    await t.apply(Bundle.of('default/b', { configs: ['a'] }));
    await t.client.patch(ConfigMap, 'default/a', (draft) => {
      draft.metadata.finalizers = ['example.com/held'];
    });
    await t.apply(Bundle.of('default/b', {}));
    await t.advance('5s');
    expect(t.get(Bundle, 'default/b').status?.inventory).to.have.length(1);
    await t.client.patch(ConfigMap, 'default/a', (draft) => {
      draft.metadata.finalizers = [];
    });
    await t.advance('5s');
    expect(t.get(Bundle, 'default/b').status?.inventory).to.deep.equal([]);
  });

  for (const when of ['before', 'after'] as const) {
    for (let write = 0; write < 6; write++) {
      it(`loses nothing when write ${write} fails ${when} it is done`, async () => {
        await using t = await start();
        let failed = false;
        const end = failWrites(t, 'bundles', (count) => {
          if (failed || count !== write) return undefined;
          failed = true;
          return when;
        });
        await t.apply(Bundle.of('default/b', { configs: ['a'], secrets: ['s'] }));
        await t.apply(Bundle.of('default/b', { configs: ['b'] }));
        await t.advance('1h');
        end();
        expect(await names(t)).to.deep.equal(['ConfigMap b']);
      });
    }
  }

  it('refuses a status that would forget, and children that cannot be found again', async () => {
    class Note {
      @IsString() @IsOptional() note?: string;
    }
    class Forgetful extends CustomResource({
      group: 'apps.example.com',
      version: 'v1',
      kind: 'Forgetful',
      spec: BundleSpec,
      status: Note,
    }) {}
    const errors: string[] = [];
    const forgetful = controllerFor(Forgetful)
      .named('forgetful')
      .reconcile(async (object, ctx) => {
        await applyAll(object, ctx, []).catch((error: Error) => errors.push(error.message));
        return done;
      });
    const nameless = controllerFor(Bundle)
      .named('nameless')
      .reconcile(async (object, ctx) => {
        const children = [child(ConfigMap, { metadata: { generateName: 'x-' } })];
        await applyAll(object, ctx, children).catch((error: Error) => errors.push(error.message));
        const twice = child(ConfigMap, { metadata: { name: 'x' } });
        await applyAll(object, ctx, [twice, twice]).catch((error: Error) => errors.push(error.message));
        return done;
      });
    await using t = await TestCluster.start({ builtin: false, controllers: [forgetful, nameless] });
    await t.apply(Forgetful.of('default/f', {}));
    await t.apply(Bundle.of('default/b', {}));
    expect(errors).to.have.length(3);
    expect(errors[0]).to.include('add @Inventory()');
    expect(errors[1]).to.include('has no name');
    expect(errors[2]).to.include('two children');
  });
});

describe('dependents', () => {
  const deployment = (name: string) =>
    child(Deployment, {
      metadata: { name },
      spec: {
        selector: { matchLabels: { app: name } },
        template: {
          metadata: { labels: { app: name } },
          spec: { containers: [{ name: 'c', image: 'nginx' }] },
        },
      },
    });
  let last: DependentsResult | undefined;
  const stack = controllerFor(Bundle)
    .named('stack')
    .owns(Deployment)
    .owns(ConfigMap)
    .finalizer('apps.example.com/children', (bundle, ctx) => deleteAll(bundle, ctx))
    .reconcile(async (bundle, ctx) => {
      last = await dependents(bundle, ctx, {
        web: { child: deployment('web'), dependsOn: ['schema'] },
        schema: {
          child: child(ConfigMap, { metadata: { name: 'schema' } }),
          dependsOn: ['db'],
          readyWhen: (object: ConfigMap) => object.data?.migrated === 'yes',
        },
        db: {
          child: child(ConfigMap, { metadata: { name: 'db' } }),
          readyWhen: (object: ConfigMap) => object.data?.up === 'yes',
        },
        cache: { child: deployment('cache'), when: bundle.spec.cached === true },
        warmer: { child: child(ConfigMap, { metadata: { name: 'warmer' } }), dependsOn: ['cache'] },
      });
      return last.waiting.length > 0 ? requeueAfter('1s') : done;
    });

  const isThere = (t: TestCluster, name: string): boolean =>
    Boolean(t.find(ConfigMap, `default/${name}`) ?? t.find(Deployment, `default/${name}`));

  it('are made in the order of their needs, each when those are ready, and deleted in reverse', async () => {
    await using t = await TestCluster.start({ controllers: [stack] });
    await t.apply(Bundle.of('default/b', {}));
    expect(isThere(t, 'db')).to.equal(true);
    expect(t.find(ConfigMap, 'default/schema'), 'before its database is ready').to.equal(undefined);
    expect(last?.describe()).to.equal('db is not ready; schema waits for db; web waits for schema');
    await t.client.patch(ConfigMap, 'default/db', (draft) => {
      draft.data = { up: 'yes' };
    });
    await t.advance('1m');
    expect(t.find(ConfigMap, 'default/schema')).to.not.equal(undefined);
    expect(t.find(Deployment, 'default/web')).to.equal(undefined);
    expect(last?.states).to.deep.equal({
      db: 'ready',
      schema: 'progressing',
      web: 'blocked',
      cache: 'absent',
      warmer: 'absent',
    });
    await t.client.patch(ConfigMap, 'default/schema', (draft) => {
      draft.data = { migrated: 'yes' };
    });
    await t.advance('1m');
    expect(last?.ready).to.equal(true);
    expect(last?.describe()).to.equal('');

    const gone: string[] = [];
    const order = ['web', 'schema', 'db'];
    await t.client.delete(Bundle, 'default/b');
    for (let i = 0; i < 60 && t.find(Bundle, 'default/b'); i++) {
      await t.advance('1s');
      for (const name of order) if (!gone.includes(name) && !isThere(t, name)) gone.push(name);
    }
    expect(gone).to.deep.equal(order);
    expect(t.find(Bundle, 'default/b')).to.equal(undefined);
  });

  it('that are not wanted go, with what needs them, and come again', async () => {
    await using t = await TestCluster.start({ controllers: [stack] });
    await t.apply(Bundle.of('default/b', { cached: true }));
    await t.advance('1m');
    expect(t.find(Deployment, 'default/cache')).to.not.equal(undefined);
    expect(t.find(ConfigMap, 'default/warmer')).to.not.equal(undefined);
    await t.apply(Bundle.of('default/b', { cached: false }));
    await t.advance('1m');
    expect(t.find(Deployment, 'default/cache')).to.equal(undefined);
    expect(t.find(ConfigMap, 'default/warmer')).to.equal(undefined);
    expect(isThere(t, 'db')).to.equal(true);
  });

  it('in a circle, or on something that is not there, are refused by name', async () => {
    const errors: string[] = [];
    const circle = controllerFor(Bundle)
      .named('circle')
      .reconcile(async (bundle, ctx) => {
        const one = (name: string) => child(ConfigMap, { metadata: { name } });
        const tell = (error: Error): void => void errors.push(error.message);
        await dependents(bundle, ctx, {
          a: { child: one('a'), dependsOn: ['b'] },
          b: { child: one('b'), dependsOn: ['a'] },
        }).catch(tell);
        await dependents(bundle, ctx, { a: { child: one('a'), dependsOn: ['z' as 'a'] } }).catch(tell);
        return done;
      });
    await using t = await TestCluster.start({ builtin: false, controllers: [circle] });
    await t.apply(Bundle.of('default/b', {}));
    expect(errors).to.deep.equal([
      'dependents need each other in a circle: a → b → a',
      'a depends on z, which is not there',
    ]);
  });
});
