/** Controllers in a whole cluster under virtual time, judged by the state of the world. */
import { expect } from 'chai';
import {
  type Context,
  type Client,
  controllerFor,
  createClient,
  done,
  keyOf,
  Manager,
  type Outcome,
  ReconcileEnded,
  requeueAfter,
  TerminalError,
  UnwatchedKind,
} from 'gyre';
import type { ApiRequest, Transport } from 'gyre/api';
import { EmbeddedCluster } from 'gyre/cluster';
import { ConfigMap, Deployment, Event, Secret } from 'gyre/kinds';
import { seededRandom, TestCluster, VirtualClock } from 'gyre/testing';
import { ControllerRunner } from '#src/core/controller/controller-runner.js';
import { InformerSet } from '#src/informers/index.js';
import { silentLogger } from '#src/telemetry/index.js';

const settings = (name: string, data: Record<string, string> = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data,
});
const deployment = (name: string, replicas = 1) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: 'default' },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: 'c', image: 'i' }] } },
  },
});

describe('a controller', () => {
  it('reconciles what is there, what comes, and what changes, once each', async () => {
    const seen: string[] = [];
    const controller = controllerFor(ConfigMap)
      .named('watcher')
      .reconcile((object) => {
        if (object.metadata.namespace === 'default') seen.push(`${object.metadata.name}=${object.data?.x}`);
        return done;
      });
    await using t = await TestCluster.start({ builtin: false, controllers: [controller] });
    await t.apply(settings('a', { x: '1' }));
    await t.apply(settings('a', { x: '2' }));
    await t.apply(settings('a', { x: '2' }));
    await t.advance('1h');
    expect(seen).to.deep.equal(['a=1', 'a=2']);
  });

  it('retries an error with growing back-off, and starts anew after a success', async () => {
    const at: number[] = [];
    let failing = true;
    let clock: VirtualClock | undefined;
    const controller = controllerFor(ConfigMap)
      .named('failing')
      .reconcile((object) => {
        if (object.metadata.name !== 'a') return done;
        at.push(clock?.monotonic() ?? 0);
        if (failing) throw new Error('not yet');
        return done;
      });
    await using t = await TestCluster.start({ builtin: false, controllers: [controller] });
    clock = t.clock;
    const start = t.clock.monotonic();
    await t.apply(settings('a'));
    await t.advance(100);
    expect(at.map((time) => time - start)).to.deep.equal([0, 5, 15, 35, 75]);
    failing = false;
    await t.advance('1h');
    const after = at.length;
    failing = true;
    await t.apply(settings('a', { x: '1' }));
    await t.advance(6);
    expect(at.length - after).to.equal(2);
  });

  it('does not retry a TerminalError until the object changes', async () => {
    let runs = 0;
    const controller = controllerFor(ConfigMap)
      .named('terminal')
      .reconcile((object) => {
        if (object.metadata.name !== 'a') return done;
        runs++;
        throw new TerminalError('hopeless');
      });
    await using t = await TestCluster.start({ builtin: false, controllers: [controller] });
    await t.apply(settings('a'));
    await t.advance('1h');
    expect(runs).to.equal(1);
    await t.apply(settings('a', { x: '1' }));
    expect(runs).to.equal(2);
  });

  it('finds through its caches whom a change concerns', async () => {
    const seen: string[] = [];
    const controller = controllerFor(ConfigMap)
      .named('waiting')
      .index(ConfigMap, 'waitsFor', (object) => (object.data?.secret ? [object.data.secret] : []))
      .watches(Secret, {
        map: ({ metadata }, cache) => cache.by(ConfigMap, 'waitsFor', metadata.name).map(keyOf),
      })
      .reconcile((object) => void seen.push(object.metadata.name));
    await using t = await TestCluster.start({ builtin: false, controllers: [controller] });
    await t.apply(settings('a', { secret: 's' }));
    await t.apply(settings('b', { secret: 'other' }));
    seen.length = 0;
    await t.apply({ apiVersion: 'v1', kind: 'Secret', metadata: { name: 's', namespace: 'default' } });
    expect(seen).to.deep.equal(['a']);
  });

  it('reports events under another name where it is asked to', async () => {
    const controller = controllerFor(ConfigMap)
      .named('one-half')
      .with({ eventSource: 'whole' })
      .reconcile((_, ctx) => ctx.event('Normal', 'Seen', 'seen'));
    await using t = await TestCluster.start({ builtin: false, controllers: [controller] });
    await t.apply(settings('a'));
    const { items } = await t.client.listPage(Event);
    expect(items.map((e) => e.source?.component))
      .to.include('whole')
      .and.not.include('one-half');
  });

  it('comes back after requeueAfter', async () => {
    let runs = 0;
    const controller = controllerFor(ConfigMap)
      .named('ticking')
      .reconcile((object) => {
        if (object.metadata.name !== 'a') return done;
        runs++;
        return requeueAfter('30s');
      });
    await using t = await TestCluster.start({ builtin: false, controllers: [controller] });
    await t.apply(settings('a'));
    await t.advance('5m');
    expect(runs).to.equal(11);
  });

  it('names what is no result, no Error, and goes on', async () => {
    const outcomes: Outcome[] = [];
    const results: Record<string, () => unknown> = {
      garbage: () => 42,
      text: () => {
        throw 'just text';
      },
      sync: () => {
        throw new RangeError('at once');
      },
    };
    const { clock, cluster, client, informers } = await bare();
    const runner = new ControllerRunner({
      definition: {
        name: 'odd',
        kind: ConfigMap,
        cleanups: [],
        watches: [],
        namespace: 'default',
        reconcile: (object) => results[object.metadata.name]?.() as never,
      },
      client,
      informers,
      clock,
      random: seededRandom(1),
      log: silentLogger,
    });
    runner.outcomes$.subscribe((outcome) => outcomes.push(outcome));
    for (const name of Object.keys(results)) await client.create(ConfigMap, settings(name));
    void runner.start();
    await clock.settle();
    const errors = Object.fromEntries(outcomes.map((o) => [o.key, o.ok ? 'ok' : o.error.message]));
    expect(errors['default/garbage']).to.match(
      /a reconcile returns done, requeueAfter\(…\) or nothing, not 42/,
    );
    expect(errors['default/text']).to.match(/threw something that is no Error: just text/);
    expect(errors['default/sync']).to.equal('at once');
    await runner.stop();
    await cluster.stop();
    expect(clock.pending, 'nothing left alive').to.equal(0);
  });

  it('never runs two reconciles for one key, and keeps the key of one that outlives its timeout', async () => {
    const running = new Map<string, number>();
    let most = 0;
    const never: (() => void)[] = [];
    const { clock, cluster, client, informers } = await bare();
    const runner = new ControllerRunner({
      definition: {
        name: 'slow',
        kind: ConfigMap,
        cleanups: [],
        watches: [],
        namespace: 'default',
        maxConcurrent: 4,
        timeout: '10s',
        reconcile: async (object) => {
          const { name } = object.metadata;
          running.set(name, (running.get(name) ?? 0) + 1);
          most = Math.max(most, running.get(name) ?? 0);
          await new Promise<void>((resolve) => never.push(resolve));
          running.set(name, (running.get(name) ?? 0) - 1);
        },
      },
      client,
      informers,
      clock,
      random: seededRandom(1),
      log: silentLogger,
    });
    await client.create(ConfigMap, settings('a'));
    void runner.start();
    await clock.settle();
    await client.patch(ConfigMap, 'default/a', (draft) => void (draft.data = { x: '1' }));
    await clock.advance('1m');
    expect(never).to.have.length(1);
    expect(runner.stuck).to.equal(1);
    never[0]?.();
    await clock.advance('1s');
    expect(never.length).to.be.greaterThan(1);
    expect(most).to.equal(1);
    for (const finish of never) finish();
    const stopped = runner.stop();
    await clock.advance('2m');
    await stopped;
    await cluster.stop();
  });

  it('refuses writes through a context whose run is over', async () => {
    let kept: Context<ConfigMap> | undefined;
    const controller = controllerFor(ConfigMap)
      .named('leaky')
      .reconcile((object, ctx) => {
        if (object.metadata.name === 'a') kept = ctx;
        return done;
      });
    await using t = await TestCluster.start({ builtin: false, controllers: [controller] });
    await t.apply(settings('a'));
    const late = kept?.client.create(Secret, { metadata: { name: 's', namespace: 'default' } });
    const error = await late?.then(
      () => undefined,
      (e: unknown) => e,
    );
    expect(error).to.be.instanceOf(ReconcileEnded);
    expect(t.find(Secret, 'default/s')).to.equal(undefined);
  });

  it('reads only what it watches from the cache', async () => {
    let thrown: unknown;
    const controller = controllerFor(ConfigMap)
      .named('nosy')
      .reconcile((object, ctx) => {
        try {
          ctx.cache.list(Secret);
        } catch (error) {
          thrown = error;
        }
        expect(ctx.cache.get(ConfigMap, `${object.metadata.namespace}/${object.metadata.name}`)).to.equal(
          object,
        );
      });
    await using t = await TestCluster.start({ builtin: false, controllers: [controller] });
    await t.apply(settings('a'));
    expect(thrown).to.be.instanceOf(UnwatchedKind);
    expect((thrown as Error).message).to.match(/@Owns\(Secret\) or @Watches\(Secret, …\)/);
  });

  it('waits for a kind that is not served yet, and starts when it comes', async () => {
    const seen: string[] = [];
    const { kind } = await import('gyre');
    interface Gadget {
      readonly apiVersion: string;
      readonly kind: string;
      readonly metadata: {
        name: string;
        namespace?: string;
        uid: string;
        resourceVersion: string;
        creationTimestamp: string;
      };
    }
    const Gadget = kind<Gadget, 'Namespaced'>({
      group: 'example.com',
      version: 'v1',
      kind: 'Gadget',
      plural: 'gadgets',
      scope: 'Namespaced',
    });
    const { clock, cluster, client, informers } = await bare();
    const runner = new ControllerRunner({
      definition: {
        name: 'early',
        kind: Gadget,
        cleanups: [],
        watches: [],
        reconcile: (g) => void seen.push(g.metadata.name),
      },
      client,
      informers,
      clock,
      random: seededRandom(1),
      log: silentLogger,
    });
    const started = runner.start();
    await clock.advance('1m');
    const { CustomResourceDefinition } = await import('gyre/kinds/apiextensions/v1');
    await client.create(CustomResourceDefinition, {
      metadata: { name: 'gadgets.example.com' },
      spec: {
        group: 'example.com',
        scope: 'Namespaced',
        names: { plural: 'gadgets', kind: 'Gadget' },
        versions: [
          { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } },
        ],
      },
    });
    await clock.settle();
    await client.create(Gadget, { metadata: { name: 'g', namespace: 'default' } });
    await clock.advance('1m');
    await started;
    expect(seen).to.deep.equal(['g']);
    await runner.stop();
    await cluster.stop();
    expect(clock.pending).to.equal(0);
  });
});

describe("a controller's status", () => {
  const reporter = (
    report: (ctx: Context<Deployment>, object: Deployment) => void,
    runs: { count: number },
  ) =>
    controllerFor(Deployment)
      .named('reporter')
      .reconcile((object, ctx) => {
        runs.count++;
        report(ctx, object);
        return done;
      });

  it('is written once, also when reconcile throws, and does not wake the controller again', async () => {
    const runs = { count: 0 };
    await using t = await TestCluster.start({
      builtin: false,
      controllers: [
        reporter((ctx) => {
          ctx.status.readyReplicas = 1;
          ctx.status.replicas = 1;
          if (runs.count === 1) throw new Error('after all');
        }, runs),
      ],
    });
    await t.apply(deployment('web'));
    await t.advance('1h');
    expect(t.get(Deployment, 'default/web').status).to.include({ readyReplicas: 1, replicas: 1 });
    expect(runs.count).to.equal(2);
  });

  it('keeps what others wrote meanwhile, conditions by type', async () => {
    const runs = { count: 0 };
    let interfere: (() => Promise<unknown>) | undefined;
    const controller = controllerFor(Deployment)
      .named('reporter')
      .reconcile(async (_object, ctx) => {
        runs.count++;
        ctx.condition('Mine', true, 'Because');
        ctx.status.readyReplicas = 1;
        await interfere?.();
        return done;
      });
    await using t = await TestCluster.start({ builtin: false, controllers: [controller] });
    interfere = async () => {
      interfere = undefined;
      const foreign = {
        type: 'Theirs',
        status: 'True',
        reason: 'R',
        message: '',
        lastTransitionTime: '2026-01-01T00:00:00Z',
      };
      await t.client.patchRaw(
        Deployment,
        'default/web',
        { type: 'merge', patch: { status: { updatedReplicas: 7, conditions: [foreign] } } },
        { subresource: 'status' },
      );
    };
    await t.apply(deployment('web'));
    await t.advance('1m');
    const { status } = t.get(Deployment, 'default/web');
    expect(status).to.include({ readyReplicas: 1, updatedReplicas: 7 });
    expect(status?.conditions?.map((c) => c.type)).to.have.members(['Mine', 'Theirs']);
  });

  it('sends nothing when nothing differs, and moves a transition time only with the status', async () => {
    const runs = { count: 0 };
    await using t = await TestCluster.start({
      builtin: false,
      controllers: [
        reporter((ctx, object) => ctx.condition('Ready', (object.spec.replicas ?? 0) > 1, 'Replicas'), runs),
      ],
    });
    await t.apply(deployment('web', 1));
    const first = t.get(Deployment, 'default/web');
    await t.advance('1m');
    await t.client.patch(
      Deployment,
      'default/web',
      (draft) => void (draft.metadata.labels = { touched: 'yes' }),
    );
    await t.settle();
    const second = t.get(Deployment, 'default/web');
    expect(runs.count).to.equal(2);
    expect(second.status?.conditions).to.deep.equal(first.status?.conditions);
    await t.apply(deployment('web', 2));
    const third = t.get(Deployment, 'default/web').status?.conditions?.[0];
    expect(third?.status).to.equal('True');
    expect(third?.lastTransitionTime).to.not.equal(first.status?.conditions?.[0]?.lastTransitionTime);
  });
});

describe("a controller's children", () => {
  it('are owned, and applied again only when something differs', async () => {
    let requests = 0;
    const { clock, cluster } = await bare();
    const counting = (transport: Transport): Transport => ({
      request: (request: ApiRequest) => {
        if (request.method === 'PATCH' && request.path.endsWith('/configmaps/child')) requests++;
        return transport.request(request);
      },
      watch: (request) => transport.watch(request),
      close: () => transport.close(),
    });
    const controller = controllerFor(Secret)
      .named('parent')
      .owns(ConfigMap)
      .reconcile(async (secret, ctx) => {
        await ctx.apply(ConfigMap, { metadata: { name: 'child' }, data: { of: secret.metadata.name } });
        return done;
      });
    const manager = Manager.create({
      cluster: counting(cluster.transport()),
      clock,
      random: seededRandom(1),
      log: silentLogger,
    }).register(controller);
    await Manager.preload();
    void manager.start();
    await clock.settle();
    const client = cluster.client();
    await client.create(Secret, { metadata: { name: 's', namespace: 'default' } });
    await clock.settle();
    const child = await client.get(ConfigMap, 'default/child');
    expect(child.metadata.ownerReferences).to.have.length(1);
    expect(child.metadata.ownerReferences?.[0]).to.include({
      kind: 'Secret',
      name: 's',
      controller: true,
      blockOwnerDeletion: true,
    });
    expect(child.metadata.managedFields?.[0]).to.include({ manager: 'parent', operation: 'Apply' });
    expect(requests).to.equal(1);

    await client.patch(Secret, 'default/s', (draft) => void (draft.metadata.labels = { a: 'b' }));
    await clock.settle();
    expect(requests, 'nothing differs').to.equal(1);

    await client.patch(ConfigMap, 'default/child', (draft) => void (draft.data = { of: 'somebody else' }));
    await clock.settle();
    expect((await client.get(ConfigMap, 'default/child')).data).to.deep.equal({ of: 's' });
    expect(requests, 'drift is put right').to.equal(2);

    await client.delete(ConfigMap, 'default/child');
    await clock.settle();
    expect((await client.get(ConfigMap, 'default/child')).data).to.deep.equal({ of: 's' });
    const stopped = manager.stop();
    await clock.advance('1m');
    await stopped;
    await cluster.stop();
    expect(clock.pending).to.equal(0);
  });

  it('are not applied again because the server writes them in another form: quantities, defaults, nothing for empty', async () => {
    let requests = 0;
    const canonical = <V>(value: V): V => JSON.parse(JSON.stringify(value).replaceAll('"1000m"', '"1"')) as V;
    const { clock, cluster } = await bare();
    // As servers do that know quantities by their value.
    const rewriting = (inner: Transport): Transport => ({
      request: async (request: ApiRequest) => {
        if (request.method === 'PATCH' && request.path.endsWith('/deployments/web')) requests++;
        return canonical(await inner.request({ ...request }));
      },
      watch: async (request) => {
        const { headers, events } = await inner.watch(request);
        const rewritten = async function* () {
          for await (const batch of events) yield canonical(batch);
        };
        return { headers, events: rewritten() } as never;
      },
      close: () => inner.close(),
    });
    const controller = controllerFor(Secret)
      .named('parent')
      .owns(Deployment)
      .reconcile(async (_, ctx) => {
        const labels = { app: 'web' };
        await ctx.apply(Deployment, {
          metadata: { name: 'web', annotations: {} },
          spec: {
            selector: { matchLabels: labels },
            template: {
              metadata: { labels },
              spec: {
                containers: [
                  {
                    name: 'c',
                    image: 'i',
                    env: [],
                    resources: { requests: { cpu: '1000m' } },
                    ports: [{ containerPort: 80 }],
                  },
                ],
              },
            },
          },
        });
        return done;
      });
    const manager = Manager.create({
      cluster: rewriting(cluster.transport()),
      clock,
      random: seededRandom(1),
      log: silentLogger,
    }).register(controller);
    await Manager.preload();
    void manager.start();
    await clock.settle();
    const client = cluster.client();
    await client.create(Secret, { metadata: { name: 's', namespace: 'default' } });
    await clock.settle();
    expect(requests).to.equal(1);
    for (let i = 0; i < 3; i++) {
      await client.patch(Secret, 'default/s', (draft) => void (draft.metadata.labels = { i: String(i) }));
      await clock.settle();
    }
    expect(requests).to.equal(1);
    await client.patch(Deployment, 'default/web', (draft) => {
      const [container] = draft.spec.template.spec?.containers ?? [];
      if (container) container.resources = { requests: { cpu: '2' } };
    });
    await clock.settle();
    expect(requests, 'drift is put right').to.equal(2);
    const stopped = manager.stop();
    await clock.advance('1m');
    await stopped;
    await cluster.stop();
  });

  it('are refused where owner references do not reach, naming the remedy', async () => {
    let message = '';
    const controller = controllerFor(Secret)
      .named('parent')
      .reconcile(async (_secret, ctx) => {
        try {
          await ctx.apply(ConfigMap, { metadata: { name: 'child', namespace: 'kube-system' } });
        } catch (error) {
          message = (error as Error).message;
        }
        return done;
      });
    await using t = await TestCluster.start({ builtin: false, controllers: [controller] });
    await t.client.create(Secret, { metadata: { name: 's', namespace: 'default' } });
    await t.settle();
    expect(message).to.match(
      /owner references do not cross namespaces; create it in default, or use a finalizer/,
    );
  });
});

describe("a controller's finalizers", () => {
  it('are stored before the first reconcile, and removed only after the cleanup succeeded', async () => {
    const log: string[] = [];
    let ready = false;
    let fail = true;
    const controller = controllerFor(ConfigMap)
      .named('tidy')
      .finalizer('example.com/first', (object) => {
        log.push(`first ${object.metadata.name}`);
        if (fail) throw new Error('not now');
        return ready ? done : requeueAfter('10s');
      })
      .finalizer('example.com/second', (object) => {
        log.push(`second ${object.metadata.name}`);
        return done;
      })
      .reconcile((object) => {
        if (object.metadata.namespace !== 'default') return done;
        log.push(`reconcile ${(object.metadata.finalizers ?? []).join()}`);
        return done;
      });
    await using t = await TestCluster.start({ builtin: false, controllers: [controller] });
    await t.apply(settings('a'));
    // Storing the finalizers wakes it again; no run ever saw the object without them.
    expect(new Set(log)).to.deep.equal(new Set(['reconcile example.com/first,example.com/second']));
    await t.client.patch(
      ConfigMap,
      'default/a',
      (draft) => void draft.metadata.finalizers?.push('example.com/foreign'),
    );
    await t.settle();
    log.length = 0;

    await t.client.delete(ConfigMap, 'default/a');
    await t.advance('1s');
    expect(new Set(log)).to.deep.equal(new Set(['first a']));
    expect(t.get(ConfigMap, 'default/a').metadata.finalizers).to.include('example.com/first');
    fail = false;
    await t.advance('10m');
    expect(t.get(ConfigMap, 'default/a').metadata.finalizers).to.include('example.com/first');
    ready = true;
    await t.advance('1m');
    expect(t.get(ConfigMap, 'default/a').metadata.finalizers).to.deep.equal(['example.com/foreign']);
    expect(log.filter((line) => line === 'second a')).to.have.length(1);
    await t.client.patch(ConfigMap, 'default/a', (draft) => void (draft.metadata.finalizers = []));
    await t.settle();
    expect(t.find(ConfigMap, 'default/a')).to.equal(undefined);
    expect(log.some((line) => line.startsWith('reconcile'))).to.equal(false);
  });
});

describe("a controller's events", () => {
  const events = async (client: Client) => {
    const found: Event[] = [];
    for await (const event of client.list(Event, { namespace: 'default' })) found.push(event);
    return found;
  };

  it('count the same thing happening again, and combine many alike (OC-18)', async () => {
    const controller = controllerFor(ConfigMap)
      .named('chatty')
      .reconcile((object, ctx) => {
        if (object.metadata.name !== 'a') return done;
        ctx.event('Normal', 'Same', 'again and again');
        ctx.event('Warning', 'Similar', `try ${object.data?.x}`);
        return done;
      });
    await using t = await TestCluster.start({ builtin: false, controllers: [controller] });
    for (let i = 1; i <= 12; i++) await t.apply(settings('a', { x: String(i) }));
    const all = await events(t.client);
    const same = all.filter((e) => e.reason === 'Same');
    expect(same).to.have.length(1);
    expect(same[0]).to.include({ type: 'Normal', message: 'again and again', count: 12 });
    expect(same[0]?.involvedObject).to.include({ kind: 'ConfigMap', name: 'a', namespace: 'default' });
    expect(same[0]?.source).to.deep.equal({ component: 'chatty' });
    const similar = all.filter((e) => e.reason === 'Similar');
    expect(similar.length).to.be.lessThan(12);
    expect(similar.some((e) => e.message?.startsWith('(combined from similar events): '))).to.equal(true);
    await t.advance('2h');
    expect(await events(t.client)).to.deep.equal([]);
  });
});

/** A cluster, a client and informers without a Manager. */
async function bare() {
  const clock = new VirtualClock();
  const random = seededRandom(1);
  const cluster = await EmbeddedCluster.start({ controllers: false, clock, random, freeze: true });
  const client = createClient(cluster.transport());
  const informers = new InformerSet(client, { clock, random });
  return { clock, cluster, client, informers };
}
