/** One Manager and several clusters: what is read, written and told of each, and what one of them cannot do to another. */
import { expect } from 'chai';
import {
  type Client,
  Controller,
  type Context,
  controllerFor,
  createLogger,
  declaredRules,
  done,
  isConflict,
  keyOf,
  Manager,
  preview,
  ReconcileEnded,
  RegistrationError,
  type Transport,
  TransportError,
  UnwatchedKind,
  Watches,
} from 'gyre';
import { ConfigMap, Event, Secret, Service } from 'gyre/kinds';
import { seededRandom, TestCluster } from 'gyre/testing';
import { silentLogger } from '#src/telemetry/index.js';

const settings = (name: string, data: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data,
});
const secret = (name: string, data: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'Secret',
  metadata: { name, namespace: 'default' },
  stringData: data,
});
const mine = (object: { readonly metadata: { readonly namespace?: string } }): boolean =>
  object.metadata.namespace === 'default';

/** Copies the secret of the same name in `east` into the local object. */
@Controller(ConfigMap, { name: 'copier' })
@Watches(Secret, { cluster: 'east', map: (found) => [keyOf(found)] })
class Copier {
  async reconcile(object: ConfigMap, ctx: Context<ConfigMap>) {
    if (!mine(object)) return done;
    const found = ctx.cluster('east').cache.get(Secret, `default/${object.metadata.name}`);
    const copied = found?.data?.token ?? 'none';
    if (object.data?.copied !== copied)
      await ctx.client.patch(ConfigMap, keyOf(object) as `${string}/${string}`, (draft) => {
        draft.data = { ...draft.data, copied };
      });
    return done;
  }
}

function thrown(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('several clusters in one Manager', () => {
  it('wakes for a change in another cluster, reads it there, and writes at home', async () => {
    await using t = await TestCluster.start({ builtin: false, clusters: ['east'], controllers: [Copier] });
    await t.apply(settings('web'));
    expect(t.get(ConfigMap, 'default/web').data).to.deep.equal({ copied: 'none' });
    await t.remote('east').apply(secret('web', { token: 'blue' }));
    expect(t.get(ConfigMap, 'default/web').data).to.deep.equal({ copied: btoa('blue') });
    expect(t.remote('east').find(ConfigMap, 'default/web')).to.equal(undefined);
    // The same kind at home is not what it watches.
    await t.apply(secret('web', { token: 'red' }));
    expect(t.get(ConfigMap, 'default/web').data).to.deep.equal({ copied: btoa('blue') });
    const why = t.explain('copier', 'default/web');
    expect(why).to.include('something it depends on changed: Secret default/web of east created');
    expect(why).to.include('read get Secret default/web from the cache of east');
  });

  it('reads its own writes in each cluster, and never those of one in another', async () => {
    const read: unknown[] = [];
    const controller = controllerFor(ConfigMap)
      .named('writer')
      .watches(Secret, { map: () => [] })
      .watches(Secret, { cluster: 'east', map: () => [] })
      .reconcile(async (object, ctx) => {
        if (object.metadata.name !== 'go') return done;
        const east = ctx.cluster('east');
        const there = () => [
          ctx.cache.list(Secret, { namespace: 'default' }).map(({ metadata }) => metadata.name),
          east.cache.list(Secret, { namespace: 'default' }).map(({ metadata }) => metadata.name),
        ];
        await east.client.create(Secret, { metadata: { name: 'far', namespace: 'default' } });
        read.push(there());
        await ctx
          .cluster('local')
          .client.create(Secret, { metadata: { name: 'near', namespace: 'default' } });
        read.push(there());
        await east.client.delete(Secret, 'default/far');
        read.push(there());
        return done;
      });
    await using t = await TestCluster.start({
      builtin: false,
      clusters: ['east'],
      controllers: [controller],
    });
    await t.apply(settings('go'));
    expect(read).to.deep.equal([
      [[], ['far']],
      [['near'], ['far']],
      [['near'], []],
    ]);
    const why = t.explain('writer', 'default/go');

    expect(why).to.include('sent create secrets default of east → 201');
    expect(why).to.match(/sent create secrets default → 201/);
  });

  it('puts a controller into another cluster: its objects, status, events and children are there', async () => {
    const controller = controllerFor(Service)
      .named('elsewhere')
      .with({ cluster: 'east' })
      .owns(ConfigMap)
      .watches(Secret, { cluster: 'local', map: () => ['default/web'] })
      .reconcile(async (object, ctx) => {
        if (!mine(object)) return done;
        const color = ctx.cluster('local').cache.get(Secret, 'default/color')?.data?.color ?? '';
        await ctx.apply(ConfigMap, { metadata: { name: object.metadata.name }, data: { color } });
        ctx.condition('Ready', true, 'Seen');
        ctx.event('Normal', 'Seen', 'it was seen');
        return done;
      });
    await using t = await TestCluster.start({
      builtin: false,
      clusters: ['east'],
      controllers: [controller],
    });
    const east = t.remote('east');
    const web = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'web', namespace: 'default' },
      spec: { ports: [{ port: 80 }] },
    };
    await east.apply(web);
    await t.apply({ ...web, metadata: { name: 'home', namespace: 'default' } });
    await t.apply(secret('color', { color: 'teal' }));
    const service = east.get(Service, 'default/web');
    expect(service.status?.conditions?.map(({ type }) => type)).to.deep.equal(['Ready']);
    const child = east.get(ConfigMap, 'default/web');
    expect(child.data).to.deep.equal({ color: btoa('teal') });
    expect(child.metadata.ownerReferences?.[0]?.uid).to.equal(service.metadata.uid);
    expect(t.get(Service, 'default/home').status?.conditions).to.equal(undefined);
    expect(t.find(ConfigMap, 'default/home')).to.equal(undefined);
    await t.advance('1m');
    const reasons: string[] = [];
    for await (const { reason = '' } of east.client.list(Event, { namespace: 'default' }))
      reasons.push(reason);
    expect(reasons).to.include('Seen');
  });

  it('is held up by a cluster that does not answer only where it is watched, says so, and goes on once it does', async () => {
    await using t = await TestCluster.start({ builtin: false, clusters: ['east'] });
    const east = t.remote('east');
    await east.apply(secret('web', { token: 'blue' }));
    let reachable = false;
    const cut = (inner: Transport): Transport => ({
      request: (request) =>
        reachable ? inner.request(request) : Promise.reject(new TransportError('connect ECONNREFUSED')),
      watch: (request) =>
        reachable ? inner.watch(request) : Promise.reject(new TransportError('connect ECONNREFUSED')),
      close: () => inner.close(),
    });
    const lines: string[] = [];
    const manager = Manager.create({
      cluster: t.target,
      clusters: { east: (identity) => cut(east.target(identity)) },
      leaderElection: { name: 'op', namespace: 'default' },
      clock: t.clock,
      random: seededRandom(1),
      log: createLogger(({ message, fields }) => lines.push(`${message} ${JSON.stringify(fields)}`)),
    });
    const ran: string[] = [];
    manager.register(Copier).register(
      controllerFor(ConfigMap)
        .named('free')
        .reconcile(({ metadata }) => {
          ran.push(metadata.name);
          return done;
        }),
    );
    let started = false;
    const starting = manager.start().then(() => {
      started = true;
    });
    await t.settle();
    expect(started).to.equal(true);
    await starting;
    await t.advance('1m');
    await t.apply(settings('web'));
    expect(ran).to.include('web');
    expect(t.get(ConfigMap, 'default/web').data).to.deep.equal(undefined);
    const told = lines.filter((line) => line.includes('controller held up'));
    expect(told).to.have.length(1);
    expect(told[0]).to.include('copier').and.include('Secret in cluster east: unreachable');
    reachable = true;
    await t.advance('2m');
    expect(t.get(ConfigMap, 'default/web').data).to.deep.equal({ copied: btoa('blue') });
    await manager.stop();
  });

  it('refuses writes to another cluster after the run', async () => {
    let kept: Client | undefined;
    const controller = controllerFor(ConfigMap)
      .named('keeper')
      .reconcile((object, ctx) => {
        if (object.metadata.name === 'go') kept = ctx.cluster('east').client;
        return done;
      });
    await using t = await TestCluster.start({
      builtin: false,
      clusters: ['east'],
      controllers: [controller],
    });
    await t.apply(settings('go'));
    const refusal = await kept
      ?.create(Secret, { metadata: { name: 'late', namespace: 'default' } })
      .catch((error: unknown) => error);
    expect(refusal).to.be.instanceOf(ReconcileEnded);
    expect(t.remote('east').find(Secret, 'default/late')).to.equal(undefined);
  });

  it('keeps optimistic locks apart: a version of one cluster is none of another', async () => {
    const outcomes: unknown[] = [];
    const controller = controllerFor(ConfigMap)
      .named('locker')
      .reconcile(async (object, ctx) => {
        if (object.metadata.name !== 'go') return done;
        const { client } = ctx.cluster('east');
        const there = await client.get(ConfigMap, 'default/go');
        await client.update(ConfigMap, { ...there, data: { x: '2' } });
        outcomes.push(
          await client
            .update(ConfigMap, { ...there, data: { x: '3' } })
            .catch((error: unknown) => isConflict(error)),
        );
        return done;
      });
    await using t = await TestCluster.start({
      builtin: false,
      clusters: ['east'],
      controllers: [controller],
    });
    await t.remote('east').apply(settings('go', { x: '1' }));
    await t.apply(settings('go'));
    expect(outcomes).to.deep.equal([true]);
    expect(t.remote('east').get(ConfigMap, 'default/go').data).to.deep.equal({ x: '2' });
  });

  it('refuses names it does not know, where they are written and where they are asked for', async () => {
    const at = Manager.create({ clusters: { east: 'auto' } });
    const watching = controllerFor(ConfigMap)
      .named('lost')
      .watches(Secret, { cluster: 'west', map: () => [] })
      .reconcile(() => done);
    const refusal = thrown(() => at.register(watching));
    expect(refusal).to.be.instanceOf(RegistrationError);
    expect(String(refusal)).to.include(
      'controller "lost", watching Secret, names the cluster "west", and the Manager knows "local", "east"',
    );
    expect(
      thrown(() =>
        at.register(
          controllerFor(ConfigMap)
            .with({ cluster: 'west' })
            .reconcile(() => done),
        ),
      ),
    ).to.be.instanceOf(RegistrationError);
    expect(thrown(() => Manager.create({ clusters: { local: 'auto' } }))).to.be.instanceOf(RegistrationError);
    expect(thrown(() => Manager.create({ clusters: { 'Not A Name': 'auto' } }))).to.be.instanceOf(
      RegistrationError,
    );
    const owned = thrown(() =>
      controllerFor(ConfigMap)
        .owns(Secret, { cluster: 'east' } as object)
        .reconcile(() => done),
    );
    expect(String(owned)).to.include('owner references end at a cluster');

    const errors: unknown[] = [];
    const asking = controllerFor(ConfigMap)
      .named('asking')
      .reconcile((object, ctx) => {
        if (object.metadata.name !== 'go') return done;
        errors.push(
          thrown(() => ctx.cluster('west')),
          thrown(() => ctx.cluster('east').cache.list(Secret)),
        );
        return done;
      });
    await using t = await TestCluster.start({ builtin: false, clusters: ['east'], controllers: [asking] });
    await t.apply(settings('go'));
    expect(errors[0]).to.be.instanceOf(RegistrationError);
    expect(errors[1]).to.be.instanceOf(UnwatchedKind);
    expect(String(errors[1])).to.include("@Watches(Secret, { cluster: 'east'");
  });

  it('declares and observes permissions cluster by cluster', async () => {
    await using t = await TestCluster.start({ builtin: false, clusters: ['east'], controllers: [Copier] });
    await t.apply(settings('web'));
    const resources = (cluster?: string): readonly string[] =>
      declaredRules(Copier, cluster).flatMap(({ resources: of }) => of);
    expect(resources()).to.deep.equal(['configmaps', 'configmaps/status', 'events']);
    expect(resources('east')).to.deep.equal(['secrets']);
    t.remote('east').permissions.assertWithin(declaredRules(Copier, 'east'));
    expect(t.permissions.permissions.some(({ resource }) => resource === 'secrets')).to.equal(false);
  });

  it('previews what a reconcile would change in another cluster, and changes nothing there', async () => {
    const controller = controllerFor(ConfigMap)
      .named('previewed')
      .reconcile(async (_, ctx) => {
        await ctx
          .cluster('east')
          .client.create(ConfigMap, { metadata: { name: 'made', namespace: 'default' } });
        return done;
      });
    await using t = await TestCluster.start({ builtin: false, clusters: ['east'] });
    await t.apply(settings('a'));
    const { outcome, changes, text } = await preview(controller, 'default/a', {
      transport: t.target('previewed'),
      clusters: { east: t.remote('east').target('previewed') },
      clock: t.clock,
      random: seededRandom(1),
      log: silentLogger,
    });
    expect(outcome.ok).to.equal(true);
    expect(changes.map(({ cluster, verb }) => [cluster, verb])).to.deep.equal([['east', 'create']]);
    expect(text).to.include('+ create configmaps default/made of east');
    expect(t.remote('east').find(ConfigMap, 'default/made')).to.equal(undefined);
  });
});
