/** What wakes a controller besides its watches, and what keeps it quiet: judged by when reconcile ran. */
import { expect } from 'chai';
import {
  type Context,
  Controller,
  controllerFor,
  done,
  keyOf,
  RegistrationError,
  type RequestKey,
  Source,
  type SourceContext,
  Timer,
} from 'gyre';
import { ConfigMap } from 'gyre/kinds';
import { TestCluster } from 'gyre/testing';
import { Observable, Subject } from 'rxjs';

const settings = (name: string, data: Record<string, string> = {}, metadata = {}) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default', ...metadata },
  data,
});

/** A controller of ConfigMaps that writes down which of the default namespace it was called for. */
function recorder(t: { cluster?: TestCluster }) {
  const runs: string[] = [];
  const at: number[] = [];
  const reconcile = (object: ConfigMap): typeof done => {
    if (object.metadata.namespace === 'default' && object.metadata.name !== 'kube-root-ca.crt') {
      runs.push(object.metadata.name);
      at.push(t.cluster?.clock.monotonic() ?? 0);
    }
    return done;
  };
  return { runs, at, reconcile };
}

describe('sources', () => {
  it('wake the keys they give, by name or as text', async () => {
    const { runs, reconcile } = recorder({});
    const bus = new Subject<RequestKey | { namespace: string; name: string }>();
    const controller = controllerFor(ConfigMap)
      .named('bus')
      .source('bus', () => bus)
      .reconcile(reconcile);
    await using t = await TestCluster.start({ builtin: false, controllers: [controller] });
    await t.apply(settings('a'));
    runs.length = 0;
    bus.next('default/a');
    await t.settle();
    bus.next({ namespace: 'default', name: 'a' });
    await t.settle();
    bus.next('default/nobody');
    await t.settle();
    expect(runs).to.deep.equal(['a', 'a']);
  });

  it('are methods of a class too, and are left when the controller stops', async () => {
    const { runs, reconcile } = recorder({});
    let subscribers = 0;
    @Controller(ConfigMap)
    class BusController {
      reconcile(object: ConfigMap, _: Context<ConfigMap>) {
        return reconcile(object);
      }
      @Source() bus(context: SourceContext): Observable<string> {
        // Caches are complete when a source starts.
        expect(context.cache.resourceVersion(ConfigMap)).to.not.equal('');
        return new Observable((subscriber) => {
          subscribers++;
          const cancel = context.clock.setTimer(60_000, () => subscriber.next('default/a'));
          return () => {
            subscribers--;
            cancel();
          };
        });
      }
    }
    const t = await TestCluster.start({ controllers: [BusController] });
    await t.apply(settings('a'));
    expect([subscribers, runs]).to.deep.equal([1, ['a']]);
    await t.advance('2m');
    expect(runs).to.deep.equal(['a', 'a']);
    await t.stop();
    expect(subscribers).to.equal(0);
  });

  it('are subscribed to again after an error, with growing back-off, and a bad key harms nobody', async () => {
    const { reconcile } = recorder({});
    const at: number[] = [];
    let cluster: TestCluster | undefined;
    const controller = controllerFor(ConfigMap)
      .named('failing')
      .source('broken', ({ clock }) => {
        at.push(clock.monotonic());
        if (at.length % 2 === 0) throw new Error('cannot even begin');
        return new Observable((subscriber) => {
          subscriber.next(undefined as never);
          subscriber.error(new Error('the bus is gone'));
        });
      })
      .reconcile(reconcile);
    cluster = await TestCluster.start({ builtin: false, controllers: [controller] });
    await cluster.advance('5m');
    const gaps = at.slice(1).map((time, i) => time - (at[i] as number));
    expect(gaps.length).to.be.within(5, 20);
    for (const gap of gaps) expect(gap).to.be.within(500, 60_000);
    await cluster.stop();
    const before = at.length;
    await cluster.clock.advance('5m');
    expect(at.length).to.equal(before);
  });
});

describe('timers', () => {
  it('run now and then, one call at a time, and wake the keys they give', async () => {
    const { runs, reconcile } = recorder({});
    let calls = 0;
    const controller = controllerFor(ConfigMap)
      .named('timed')
      .timer('sweep', '1m', async ({ cache, clock, signal }) => {
        calls++;
        if (calls === 2) throw new Error('once');
        await new Promise<void>((resolve) => clock.setTimer(30_000, resolve));
        if (signal.aborted) return [];
        return cache.list(ConfigMap, { namespace: 'default' }).map(keyOf);
      })
      .reconcile(reconcile);
    await using t = await TestCluster.start({ builtin: false, controllers: [controller] });
    await t.apply(settings('a'));
    runs.length = 0;
    await t.advance('89s');
    expect([calls, runs]).to.deep.equal([1, []]);
    await t.advance('1s');
    expect(runs).to.deep.equal(['a']);
    await t.advance('10m');
    // A minute and a half each, one that failed at once: 60 s, then every 90 s.
    expect(calls).to.be.within(7, 8);
    expect(runs).to.have.length(calls - 1);
  });

  it('must come at an interval', () => {
    expect(() =>
      controllerFor(ConfigMap)
        .timer('tick', '0s', () => {})
        .reconcile(() => done),
    ).to.throw(RegistrationError, /@Timer of tick/);
  });

  it('are methods of a class too', async () => {
    const { runs, reconcile } = recorder({});
    @Controller(ConfigMap)
    class Sweeper {
      reconcile(object: ConfigMap, _: Context<ConfigMap>) {
        return reconcile(object);
      }
      @Timer('1m') sweep() {
        return ['default/a'];
      }
    }
    await using t = await TestCluster.start({ builtin: false, controllers: [Sweeper] });
    await t.apply(settings('a'));
    await t.advance('61s');
    expect(runs).to.deep.equal(['a', 'a']);
  });
});

describe('every', () => {
  it('brings each object back a while after its last success, changed or not', async () => {
    const holder: { cluster?: TestCluster } = {};
    const { runs, at, reconcile } = recorder(holder);
    const controller = controllerFor(ConfigMap).named('often').with({ every: '10m' }).reconcile(reconcile);
    await using t = await TestCluster.start({ builtin: false, controllers: [controller] });
    holder.cluster = t;
    await t.apply(settings('a'));
    await t.advance('1h');
    expect(runs.length).to.be.within(5, 7);
    for (const [i, time] of at.slice(1).entries())
      expect(time - (at[i] as number)).to.be.within(9 * 60_000, 11 * 60_000);
    await t.client.delete(ConfigMap, 'default/a');
    await t.settle();
    const before = runs.length;
    await t.advance('1h');
    expect(runs.length).to.equal(before);
  });
});

describe('debounce', () => {
  it('waits for quiet, and not for ever', async () => {
    const { runs, reconcile } = recorder({});
    const controller = controllerFor(ConfigMap)
      .named('calm')
      .with({ debounce: '10s', predicate: () => true })
      .reconcile(reconcile);
    await using t = await TestCluster.start({ builtin: false, controllers: [controller] });
    await t.advance('1m');
    for (let i = 0; i < 5; i++) {
      await t.apply(settings('a', { i: String(i) }));
      await t.advance('5s');
    }
    expect(runs).to.deep.equal([]);
    await t.advance('5s');
    expect(runs).to.deep.equal(['a']);
    for (let i = 0; i < 60; i++) {
      await t.apply(settings('a', { again: String(i) }));
      await t.advance('5s');
    }
    // Noise of five minutes: at the latest after a hundred seconds each.
    expect(runs.length).to.be.within(3, 4);
  });
});

describe('fairness', () => {
  it('gives a quiet namespace its turn while another one has a thousand objects waiting', async () => {
    const order: string[] = [];
    const controller = controllerFor(ConfigMap)
      .named('fair')
      .with({ fairness: 'namespace' })
      .reconcile(async (object, ctx) => {
        // Each takes a moment, so that a line forms.
        await new Promise<void>((resolve) => ctx.clock.setTimer(10, resolve));
        order.push(object.metadata.namespace ?? '');
        return done;
      });
    await using t = await TestCluster.start({ builtin: false, controllers: [controller] });
    for (const name of ['noisy', 'quiet'])
      await t.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } } as never);
    await t.advance('1m');
    order.length = 0;
    for (let i = 0; i < 1000; i++)
      await t.client.create(ConfigMap, { metadata: { name: `n-${i}`, namespace: 'noisy' } });
    await t.client.create(ConfigMap, { metadata: { name: 'q', namespace: 'quiet' } });
    await t.advance('1s');
    const turn = order.indexOf('quiet');
    expect(turn, 'the turn of the quiet one').to.be.within(0, 5);
  });
});

describe('the pause annotation', () => {
  const paused = { annotations: { 'gyre.dev/paused': 'true' } };

  it('leaves the object alone until it goes, whatever the predicate says', async () => {
    const { runs, reconcile } = recorder({});
    const controller = controllerFor(ConfigMap)
      .named('pausable')
      .with({ predicate: ({ object, previous }) => object.data?.x !== previous?.data?.x })
      .finalizer('example.com/x', () => done)
      .reconcile(reconcile);
    await using t = await TestCluster.start({ builtin: false, controllers: [controller] });
    await t.apply(settings('a', { x: '1' }, paused));
    await t.apply(settings('a', { x: '2' }, paused));
    await t.advance('1h');
    expect(runs).to.deep.equal([]);
    expect(t.get(ConfigMap, 'default/a').metadata.finalizers, 'nothing is written').to.equal(undefined);
    await t.apply(settings('a', { x: '2' }));
    expect(runs).to.deep.equal(['a']);
    expect(t.get(ConfigMap, 'default/a').metadata.finalizers).to.deep.equal(['example.com/x']);
    // Deleting a paused object waits too.
    await t.apply(settings('a', { x: '2' }, paused));
    await t.client.delete(ConfigMap, 'default/a');
    await t.advance('1h');
    expect(t.get(ConfigMap, 'default/a').metadata.deletionTimestamp).to.be.a('string');
    await t.apply(settings('a', { x: '2' }, { annotations: { 'gyre.dev/paused': 'false' } }));
    await t.advance('1s');
    expect(t.find(ConfigMap, 'default/a')).to.equal(undefined);
  });

  it('may have another name, or none', async () => {
    const other = recorder({});
    const never = recorder({});
    await using t = await TestCluster.start({
      builtin: false,
      controllers: [
        controllerFor(ConfigMap)
          .named('other')
          .with({ pausedBy: 'example.com/hold' })
          .reconcile(other.reconcile),
        controllerFor(ConfigMap).named('never').with({ pausedBy: false }).reconcile(never.reconcile),
      ],
    });
    await t.apply(
      settings('a', {}, { annotations: { 'gyre.dev/paused': 'true', 'example.com/hold': 'true' } }),
    );
    expect([other.runs, never.runs]).to.deep.equal([[], ['a']]);
  });
});

describe('own echoes', () => {
  it('wake nothing where that is asked for; what others write always does', async () => {
    const runs: string[] = [];
    const controller = (name: string, ignoreOwnEchoes: boolean) =>
      controllerFor(ConfigMap)
        .named(name)
        .with({ ignoreOwnEchoes, predicate: () => true, labelSelector: `for=${name}` })
        .reconcile(async (object, ctx) => {
          runs.push(`${name} ${object.data?.x}`);
          if (object.data?.seen === object.data?.x) return done;
          await ctx.client.patch(ConfigMap, object, (draft) => {
            draft.data = { ...draft.data, seen: object.data?.x ?? '' };
          });
          return done;
        });
    await using t = await TestCluster.start({
      builtin: false,
      controllers: [controller('deaf', true), controller('hears', false)],
    });
    for (const name of ['deaf', 'hears'])
      await t.apply(settings(name, { x: '1' }, { labels: { for: name } }));
    expect(runs).to.have.members(['deaf 1', 'hears 1', 'hears 1']);
    runs.length = 0;
    for (const name of ['deaf', 'hears'])
      await t.apply(settings(name, { x: '2' }, { labels: { for: name } }));
    expect(runs).to.have.members(['deaf 2', 'hears 2', 'hears 2']);
  });
});
