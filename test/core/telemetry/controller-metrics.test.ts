/** What is counted about controllers, requests and informers, on a cluster under virtual time. */
import { expect } from 'chai';
import { controllerFor, done, type ManagerOptions, Registry, requeueAfter, TerminalError } from 'gyre';
import { ConfigMap, Secret } from 'gyre/kinds';
import { TestCluster } from 'gyre/testing';
import { formatMetrics } from '#src/telemetry/index.js';

const never = new Promise<void>(() => {});

function setUp(manager: ManagerOptions = {}) {
  const registry = new Registry();
  const fails: { by?: () => unknown } = {};
  const controller = controllerFor(ConfigMap)
    .named('teller')
    .owns(Secret)
    .with({ maxConcurrent: 3, timeout: '10s' })
    .reconcile(async ({ data }, ctx) => {
      switch (data?.do) {
        case 'later':
          return requeueAfter('1h');
        case 'fail':
          throw new Error('no');
        case 'give-up':
          throw new TerminalError('never');
        case 'mistake':
          return (undefined as unknown as { name: string }).name as never;
        case 'hang':
          await never;
          return done;
        case 'make':
          await ctx.client.create(Secret, { metadata: { name: 'made', namespace: 'default' } });
          return done;
        default:
          return done;
      }
    });
  const start = () =>
    TestCluster.start({
      builtin: false,
      controllers: [controller],
      manager: { metrics: { registry }, ...manager },
    });
  return { registry, start, fails };
}
const settings = (name: string, what: string) => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name, namespace: 'default' },
  data: { do: what },
});

/** The value of one line of the exposition; undefined when it is not there. */
function value(registry: Registry, series: string): number | undefined {
  const line = formatMetrics(registry.collect())
    .split('\n')
    .find((text) => text.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length + 1));
}
const of = (name: string, labels = ''): string => `controller_runtime_${name}{controller="teller"${labels}}`;
const queue = (name: string, labels = ''): string =>
  `workqueue_${name}{name="teller",controller="teller"${labels}}`;

describe('metrics of controllers', () => {
  it('are all there at zero before anything happened', async () => {
    const { registry, start } = setUp();
    await using _ = await start();
    const zero = [
      ...['success', 'error', 'requeue', 'requeue_after'].map((r) => of('reconcile_total', `,result="${r}"`)),
      of('reconcile_errors_total'),
      of('terminal_reconcile_errors_total'),
      of('reconcile_panics_total'),
      of('reconcile_timeouts_total'),
      of('reconcile_time_seconds_count'),
      of('active_workers'),
      queue('depth', ',priority="0"'),
      queue('adds_total'),
      queue('retries_total'),
      queue('queue_duration_seconds_count'),
      queue('work_duration_seconds_count'),
      queue('unfinished_work_seconds'),
      queue('longest_running_processor_seconds'),
      'gyre_stuck_reconciles{controller="teller"}',
      'gyre_controller_held_up{controller="teller"}',
    ];
    // The cluster is not empty: a namespace may have brought a ConfigMap, so nothing is said about those.
    const counted = new Set([0, undefined]);
    for (const series of zero) expect(value(registry, series), series).to.not.equal(undefined);
    for (const series of zero.slice(1, 8))
      expect(counted.has(value(registry, series)), series).to.equal(true);
    expect(value(registry, of('max_concurrent_reconciles'))).to.equal(3);
  });

  it('have the buckets of controller-runtime and client-go', async () => {
    const { registry, start } = setUp();
    await using _ = await start();
    const text = formatMetrics(registry.collect());
    const bounds = (name: string): string =>
      [...text.matchAll(new RegExp(`^${name}_bucket\\{[^}]*le="([^"]+)"\\}`, 'gm'))]
        .map(([, le]) => le)
        .slice(0, 45)
        .join(' ');
    expect(bounds('controller_runtime_reconcile_time_seconds')).to.equal(
      '0.005 0.01 0.025 0.05 0.1 0.15 0.2 0.25 0.3 0.35 0.4 0.45 0.5 0.6 0.7 0.8 0.9 1 1.25 1.5 1.75 2 2.5 3 3.5 4 ' +
        '4.5 5 6 7 8 9 10 15 20 25 30 40 50 60 +Inf',
    );
    const queueBounds =
      '1e-08 1e-07 1e-06 9.999999999999999e-06 9.999999999999999e-05 0.001 0.01 0.1 1 10 100 1000 +Inf';
    expect(bounds('workqueue_queue_duration_seconds')).to.equal(queueBounds);
    expect(bounds('workqueue_work_duration_seconds')).to.equal(queueBounds);
  });

  it('count reconciles by result, and errors by what they are', async () => {
    const { registry, start } = setUp();
    await using t = await start();
    const before = value(registry, of('reconcile_total', ',result="success"')) ?? 0;
    await t.apply(settings('a', 'nothing'));
    await t.apply(settings('b', 'later'));
    await t.apply(settings('c', 'give-up'));
    await t.apply(settings('d', 'mistake'));
    expect(value(registry, of('reconcile_total', ',result="success"'))).to.equal(before + 1);
    expect(value(registry, of('reconcile_total', ',result="requeue_after"'))).to.equal(1);
    expect(value(registry, of('terminal_reconcile_errors_total'))).to.equal(1);
    const errors = value(registry, of('reconcile_errors_total')) ?? 0;
    const panics = value(registry, of('reconcile_panics_total')) ?? 0;
    expect(panics).to.be.greaterThan(0);
    expect(errors).to.equal(panics + 1);
    expect(value(registry, of('reconcile_total', ',result="error"'))).to.equal(errors);
    expect(value(registry, queue('retries_total'))).to.equal(panics);
  });

  it('time what was queued and worked on, and show what still runs, and what is stuck', async () => {
    const { registry, start } = setUp();
    await using t = await start();
    await t.apply(settings('a', 'hang'));
    await t.advance('4s');
    expect(value(registry, of('active_workers'))).to.equal(1);
    expect(value(registry, queue('unfinished_work_seconds'))).to.be.closeTo(4, 0.5);
    await t.apply(settings('b', 'hang'));
    await t.advance('4s');
    expect(value(registry, queue('unfinished_work_seconds'))).to.be.closeTo(12, 1);
    expect(value(registry, queue('longest_running_processor_seconds'))).to.be.closeTo(8, 0.5);
    expect(value(registry, 'gyre_stuck_reconciles{controller="teller"}')).to.equal(0);
    await t.advance('10s');
    expect(value(registry, 'gyre_stuck_reconciles{controller="teller"}')).to.equal(2);
  });

  it('show how many keys wait', async () => {
    const { registry, start } = setUp();
    await using t = await start();
    for (const name of ['a', 'b', 'c', 'd', 'e']) await t.apply(settings(name, 'hang'));
    expect(value(registry, of('active_workers'))).to.equal(3);
    expect(value(registry, queue('depth', ',priority="0"'))).to.equal(2);
    expect(value(registry, queue('adds_total'))).to.be.at.least(5);
  });

  it('count requests to the API server by code and method, and time all but watches', async () => {
    const { registry, start } = setUp();
    await using t = await start();
    await t.apply(settings('a', 'make'));
    const host = 'host="in-process"';
    expect(value(registry, `rest_client_requests_total{code="201",method="POST",${host}}`)).to.be.at.least(1);
    expect(value(registry, `rest_client_requests_total{code="200",method="GET",${host}}`)).to.be.at.least(1);
    const gets = value(registry, `rest_client_request_duration_seconds_count{verb="GET",${host}}`);
    expect(gets).to.be.lessThan(
      value(registry, `rest_client_requests_total{code="200",method="GET",${host}}`) ?? 0,
    );
    expect(value(registry, `rest_client_request_duration_seconds_count{verb="POST",${host}}`)).to.be.at.least(
      1,
    );
  });

  it('show what informers hold and how they are, and forget it when they stop', async () => {
    const { registry, start } = setUp();
    const at = 'cluster="local",group="",resource="configmaps",namespace="",selector=""';
    await using t = await start();
    const before = value(registry, `gyre_informer_objects{${at}}`) ?? 0;
    const events = value(registry, `gyre_informer_events_total{${at}}`) ?? 0;
    await t.apply(settings('a', 'nothing'));
    await t.apply(settings('b', 'nothing'));
    expect(value(registry, `gyre_informer_objects{${at}}`)).to.equal(before + 2);
    expect(value(registry, `gyre_informer_events_total{${at}}`)).to.equal(events + 2);
    expect(value(registry, `gyre_informer_state{${at},state="connected"}`)).to.equal(1);
    expect(value(registry, `gyre_informer_state{${at},state="stale"}`)).to.equal(0);
    expect(value(registry, `gyre_informer_reconnects_total{${at},reason="stale"}`)).to.equal(0);
    await t[Symbol.asyncDispose]();
    expect(value(registry, `gyre_informer_objects{${at}}`)).to.equal(undefined);
    expect(value(registry, `gyre_informer_state{${at},state="connected"}`)).to.equal(undefined);
    expect(value(registry, `gyre_informer_events_total{${at}}`)).to.equal(events + 2);
  });
});
