/** What Gyre tells about its controllers: why they ran, what loops, what they would do, what they may do. */
import { expect } from 'chai';
import {
  controllerFor,
  createLogger,
  declaredRules,
  done,
  type HotLoop,
  HotLoops,
  Journal,
  preview,
  requeueAfter,
  silentLogger,
} from 'gyre';
import { ConfigMap, Deployment, Secret } from 'gyre/kinds';
import { seededRandom, TestCluster } from 'gyre/testing';
import { changedFields } from '#src/core/observe/changed-fields.js';
import { permissionOf } from '#src/core/observe/permissions.js';

const settings = (name: string, data: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data,
});
const mine = (object: ConfigMap): boolean => object.data?.mine === 'yes';

describe('changedFields', () => {
  it('names what differs, and not what every write changes', () => {
    const before = {
      metadata: { resourceVersion: '1', generation: 1, labels: { 'a.b/c': 'x' } },
      spec: { containers: [{ image: 'a' }, { image: 'b' }], list: [1], gone: 1 },
    };
    const now = {
      metadata: { resourceVersion: '2', generation: 2, labels: { 'a.b/c': 'y' } },
      spec: { containers: [{ image: 'a' }, { image: 'c' }], list: [1, 2], come: { x: 1 } },
    };
    expect(changedFields(before, now).map(({ path }) => path)).to.deep.equal([
      'metadata.labels["a.b/c"]',
      'spec.containers[1].image',
      'spec.list',
      'spec.come',
      'spec.gone',
    ]);
    expect(changedFields(before, before)).to.deep.equal([]);
    expect(changedFields(before, now, 2)).to.have.length(2);
    expect(changedFields({ ['__proto__']: 1 }, JSON.parse('{"__proto__":2}'))).to.have.length(1);
  });
});

describe('explain', () => {
  it('says why a reconcile ran, what it read and sent, and how it ended', async () => {
    let failing = true;
    const controller = controllerFor(ConfigMap)
      .named('teller')
      .owns(Secret)
      .reconcile(async (object, ctx) => {
        if (!mine(object)) return done;
        ctx.cache.get(ConfigMap, 'default/other');
        ctx.cache.get(ConfigMap, 'default/other');
        await ctx.apply(Secret, { metadata: { name: 'child' }, stringData: { password: 'hunter2' } });
        if (failing) throw new Error('not today');
        return requeueAfter('1h');
      });
    await using t = await TestCluster.start({ builtin: false, controllers: [controller] });
    await t.apply(settings('a', { mine: 'yes' }));
    failing = false;
    await t.advance('1s');
    await t.apply(settings('a', { mine: 'yes', color: 'red' }));
    const text = t.explain('teller', 'default/a');
    expect(text).to.include('because it changed: ConfigMap default/a created');
    expect(text).to.include('because something it owns changed: Secret default/child created');
    expect(text).to.include('because it changed: ConfigMap default/a updated (data.color)');
    expect(text).to.include('because the run before had failed');
    expect(text).to.include('read get ConfigMap default/other from the cache, 2 times');
    expect(text).to.match(/sent patch secrets default\/child → 20[01]/);
    expect(text).to.match(/failed after \d+ ms: not today/);
    expect(text).to.match(/done after \d+ ms, to run again in 3600000 ms/);
    expect(text).to.not.include('hunter2');
    expect(t.explain('teller', 'default/nobody')).to.include('has not run');
  });

  it('remembers the last runs of the last keys, and no more', () => {
    const clock = { now: () => 0, monotonic: () => 0, setTimer: () => () => {} };
    const journal = new Journal({ clock, keys: 2, runs: 3 });
    const run = (key: string, reconcileID: string) =>
      journal.onRun({
        controller: 'c',
        kind: ConfigMap,
        key,
        reconcileID,
        triggers: [],
        queuedMs: 0,
        failures: 0,
        object: {},
      });
    for (const id of ['1', '2', '3', '4']) run('a', id);
    expect(journal.runsOf('c', 'a').map(({ reconcileID }) => reconcileID)).to.deep.equal(['2', '3', '4']);
    run('b', '5');
    run('c', '6');
    expect(journal.runsOf('c', 'a')).to.deep.equal([]);
    expect(journal.runsOf('c', 'b')).to.have.length(1);
  });
});

describe('hot loops', () => {
  async function loopsOf(
    reconcile: Parameters<ReturnType<typeof controllerFor<ConfigMap>>['reconcile']>[0],
    also?: (t: TestCluster) => Promise<void>,
  ): Promise<{ loops: HotLoop[]; lines: string[] }> {
    const loops: HotLoop[] = [];
    const lines: string[] = [];
    const controller = controllerFor(ConfigMap)
      .named('busy')
      .with({ predicate: () => true })
      .reconcile(reconcile);
    await using t = await TestCluster.start({
      builtin: false,
      controllers: [controller],
      log: createLogger(({ message, fields }) => lines.push(`${message} ${JSON.stringify(fields)}`), 'warn'),
      manager: { hotLoops: { onHotLoop: (loop) => loops.push(loop) } },
    });
    await t.apply(settings('a', { mine: 'yes' }));
    await also?.(t);
    await t.advance('2m');
    return { loops, lines: lines.filter((line) => line.startsWith('hot loop')) };
  }

  it('names the field that a controller changes with every write of its own', async () => {
    let writes = 0;
    const { loops, lines } = await loopsOf(async (object, ctx) => {
      if (!mine(object) || writes >= 100) return done;
      writes++;
      await new Promise<void>((resolve) => ctx.clock.setTimer(100, resolve));
      await ctx.client.patch(ConfigMap, object, (draft) => {
        draft.metadata.annotations = { ...draft.metadata.annotations, 'example.com/at': String(writes) };
      });
      return done;
    });
    expect(loops).to.have.length(1);
    expect(loops[0]).to.deep.include({ controller: 'busy', key: 'default/a', by: 'itself' });
    expect(loops[0]?.fields).to.deep.equal([
      { object: 'ConfigMap default/a', path: 'metadata.annotations["example.com/at"]', flips: false },
    ]);
    expect(lines).to.have.length(1);
    expect(lines[0]).to.include('keeps changing');
  });

  it('tells of two who overwrite each other, and which field flips', async () => {
    let left = 100;
    const { loops } = await loopsOf(
      async (object, ctx) => {
        if (!mine(object) || object.data?.color === 'red' || left-- <= 0) return done;
        await ctx.client.patch(ConfigMap, object, (draft) => {
          draft.data = { ...draft.data, color: 'red' };
        });
        return done;
      },
      async (t) => {
        for (let i = 0; i < 40; i++) {
          await t.client.patch(ConfigMap, 'default/a', (draft) => {
            draft.data = { ...draft.data, color: 'blue' };
          });
          await t.advance('500ms');
        }
      },
    );
    expect(loops).to.have.length(1);
    expect(loops[0]?.fields).to.deep.equal([
      { object: 'ConfigMap default/a', path: 'data.color', flips: true },
    ]);
    expect(loops[0]?.by).to.equal('others');
  });

  it('tells of one who asks to run again at once, and leaves steady work alone', async () => {
    const hasty = await loopsOf((object) => (mine(object) ? requeueAfter('100ms') : done));
    expect(hasty.loops.map(({ by }) => by)).to.deep.equal(['requeue']);
    const steady = await loopsOf((object) => (mine(object) ? requeueAfter('10s') : done));
    expect(steady.loops).to.deep.equal([]);
    const different = await loopsOf(
      () => done,
      async (t) => {
        for (let i = 0; i < 40; i++) await t.apply(settings('a', { mine: 'yes', [`k${i}`]: 'v' }));
      },
    );
    expect(different.loops).to.deep.equal([]);
  });

  it('forgets a window that has passed', () => {
    let now = 0;
    const told: HotLoop[] = [];
    const clock = { now: () => now, monotonic: () => now, setTimer: () => () => {} };
    const loops = new HotLoops({ clock, log: silentLogger, runs: 4, onHotLoop: (loop) => told.push(loop) });
    const run = (): void => {
      loops.onRun({
        controller: 'c',
        kind: ConfigMap,
        key: 'a',
        reconcileID: '',
        triggers: [{ reason: 'requeue' }],
        queuedMs: 0,
        failures: 0,
        object: {},
      });
    };
    for (let i = 0; i < 10; i++) {
      run();
      now += 30_000;
    }
    expect(told).to.deep.equal([]);
    for (let i = 0; i < 4; i++) run();
    expect(told).to.have.length(1);
  });
});

describe('preview', () => {
  const controller = controllerFor(ConfigMap)
    .named('previewed')
    .owns(Deployment)
    .owns(Secret)
    .reconcile(async (object, ctx) => {
      if (!mine(object)) return done;
      await ctx.apply(Secret, { metadata: { name: 'made' }, stringData: { password: 'hunter2' } });
      await ctx.client.patch(ConfigMap, 'default/there', (draft) => {
        draft.data = { ...draft.data, color: 'red' };
      });
      await ctx.client.delete(ConfigMap, 'default/unwanted');
      ctx.event('Normal', 'Made', 'nothing of this may be written');
      return done;
    });

  it('shows what a reconcile would create, change and delete, and does none of it', async () => {
    await using t = await TestCluster.start({ builtin: false });
    await t.apply(settings('a', { mine: 'yes' }));
    await t.apply(settings('there', { color: 'blue' }));
    await t.apply(settings('unwanted'));
    const before = t.get(ConfigMap, 'default/there');
    const { outcome, changes, text } = await preview(controller, 'default/a', {
      transport: t.cluster.target('previewed'),
      clock: t.clock,
      random: seededRandom(1),
      log: silentLogger,
    });
    expect(outcome.ok).to.equal(true);
    expect(changes.map(({ verb, target }) => `${verb} ${target}`)).to.deep.equal([
      'patch secrets default/made',
      'patch configmaps default/there',
      'delete configmaps default/unwanted',
    ]);
    expect(text).to.include('+ patch secrets default/made');
    expect(text).to.include('~ patch configmaps default/there\n    data.color: "blue" → "red"');
    expect(text).to.include('- delete configmaps default/unwanted');
    expect(text).to.not.include('hunter2').and.not.include(Buffer.from('hunter2').toString('base64'));
    expect(t.find(Secret, 'default/made')).to.equal(undefined);
    expect(t.get(ConfigMap, 'default/there')).to.equal(before);
    expect(t.find(ConfigMap, 'default/unwanted')).to.not.equal(undefined);
  });

  it('shows what the server would refuse, and refuses what cannot be previewed', async () => {
    await using t = await TestCluster.start({ builtin: false });
    await t.apply(settings('a', { mine: 'yes' }));
    const options = {
      transport: t.cluster.target('previewed'),
      clock: t.clock,
      random: seededRandom(1),
      log: silentLogger,
    };
    const wrong = controllerFor(ConfigMap)
      .named('wrong')
      .reconcile(async (_, ctx) => {
        await ctx.client.create(ConfigMap, { metadata: { name: 'Not A Name', namespace: 'default' } });
        return done;
      });
    const { outcome, text } = await preview(wrong, 'default/a', options);
    expect(outcome.ok).to.equal(false);
    expect(text).to.include('! create configmaps default').and.to.include('refused:');
    let refusal: unknown;
    await preview(controller, 'default/nobody', options).catch((error: unknown) => {
      refusal = error;
    });
    expect(String(refusal)).to.include('there is no ConfigMap default/nobody');
  });
});

describe('permissions from observation', () => {
  const controller = controllerFor(ConfigMap)
    .named('observed')
    .owns(Secret)
    .finalizer('example.com/x', () => done)
    .reconcile(async (object, ctx) => {
      if (!mine(object)) return done;
      await ctx.apply(Secret, { metadata: { name: 'child' } });
      if (object.data?.more) await ctx.client.find(Deployment, 'default/web');
      return done;
    });

  it('make the least role that allows what was done', async () => {
    await using t = await TestCluster.start({ builtin: false, controllers: [controller] });
    await t.apply(settings('a', { mine: 'yes' }));
    await t.advance('1s');
    const { rules } = t.permissions.clusterRole('observed');
    expect(rules).to.deep.equal([
      { apiGroups: [''], resources: ['configmaps', 'secrets'], verbs: ['patch', 'watch'] },
    ]);
    t.permissions.assertWithin(declaredRules(controller));
    await t.apply(settings('a', { mine: 'yes', more: 'yes' }));
    expect(() => t.permissions.assertWithin(declaredRules(controller))).to.throw(
      /@Rbac\({"apiGroups":\["apps"\],"resources":\["deployments"\],"verbs":\["get"\]}\)/,
    );
    const declared = controllerFor(ConfigMap)
      .rbac({ apiGroups: ['apps'], resources: ['deployments'], verbs: ['get'] })
      .reconcile(() => done);
    t.permissions.assertWithin([...declaredRules(controller), ...declaredRules(declared)]);
  });

  it('are read from any path of the API', () => {
    const at = (method: 'GET' | 'POST' | 'DELETE', path: string, query = {}) => {
      const found = permissionOf({ method, path, query });
      return (
        found && [found.verb, found.group, found.resource, found.subresource, found.namespace, found.name]
      );
    };
    const none = undefined;
    expect(at('GET', '/api/v1/pods')).to.deep.equal(['list', '', 'pods', none, none, none]);
    expect(at('GET', '/api/v1/pods', { watch: 'true' })).to.deep.equal([
      'watch',
      '',
      'pods',
      none,
      none,
      none,
    ]);
    expect(at('GET', '/api/v1/namespaces/x/pods/p/log')).to.deep.equal(['get', '', 'pods', 'log', 'x', 'p']);
    expect(at('DELETE', '/apis/apps/v1/namespaces/x/deployments')).to.deep.equal([
      'deletecollection',
      'apps',
      'deployments',
      none,
      'x',
      none,
    ]);
    expect(at('GET', '/api/v1/namespaces/x')).to.deep.equal(['get', '', 'namespaces', none, none, 'x']);
    expect(at('GET', '/api/v1/namespaces')).to.deep.equal(['list', '', 'namespaces', none, none, none]);
    for (const path of ['/api', '/apis', '/api/v1', '/apis/apps/v1', '/version', '/openapi/v3'])
      expect(at('GET', path), path).to.equal(undefined);
  });
});
