/** Probes and scrapes over real sockets, and what they say at each point of a Manager's life. */
import { expect } from 'chai';
import {
  controllerFor,
  createLogger,
  Manager,
  type ManagerOptions,
  type MetricsOptions,
  type Runnable,
  silentLogger,
  type Transport,
} from 'gyre';
import type { ApiRequest } from 'gyre/api';
import { EmbeddedCluster } from 'gyre/cluster';
import { ConfigMap } from 'gyre/kinds';
import { VirtualClock } from 'gyre/testing';
import { HealthChecks, type LogRecord, reportText } from '#src/telemetry/index.js';

const never = new Promise<void>(() => {});
const local = { port: 0, host: '127.0.0.1' };

async function ask(port: number | undefined, path: string, init: RequestInit = {}) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    ...init,
    headers: { connection: 'close', ...init.headers },
  });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

/** Asks again until the answer is as hoped for; mocha's own time limit ends what never is. */
async function until(
  port: () => number | undefined,
  path: string,
  hoped: (status: number, text: string) => boolean,
) {
  for (;;) {
    const { status, text } = await ask(port(), path).catch(() => ({ status: 0, text: '' }));
    if (hoped(status, text)) return text;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const idle = controllerFor(ConfigMap)
  .named('idle')
  .reconcile(() => {});

describe('health checks', () => {
  const setUp = () => {
    const clock = new VirtualClock();
    const records: LogRecord[] = [];
    const checks = new HealthChecks('readyz', { clock, log: createLogger((record) => records.push(record)) });
    return { clock, records, checks };
  };

  it('fail when they throw, reject, say false, or do not settle in time', async () => {
    const { clock, checks } = setUp();
    checks.add('throws', () => {
      throw new Error('secret');
    });
    checks.add('rejects', () => Promise.reject(new Error('no')));
    checks.add('says-no', () => false);
    checks.add('hangs', () => never);
    checks.add('fine', () => true);
    const report = checks.run();
    await clock.advance('6s');
    const text = reportText('readyz', await report, false);
    expect(text).to.equal(
      '[+]ping ok\n[-]throws failed: reason withheld\n[-]rejects failed: reason withheld\n' +
        '[-]says-no failed: reason withheld\n[-]hangs failed: reason withheld\n[+]fine ok\nreadyz check failed\n',
    );
  });

  it('log why they fail once, and that they pass again', async () => {
    const { records, checks } = setUp();
    let failing = true;
    checks.add('db', () => {
      if (failing) throw new Error('no route');
    });
    await checks.run();
    await checks.run();
    failing = false;
    await checks.run();
    expect(records.map(({ level, message, fields }) => [level, message, fields.error])).to.deep.equal([
      ['warn', 'check failed', 'no route'],
      ['info', 'check passes again', undefined],
    ]);
  });

  it('refuse a name that is taken or does not fit into a line', () => {
    const { checks } = setUp();
    expect(() => checks.add('ping', () => {})).to.throw(TypeError);
    expect(() => checks.add('a b', () => {})).to.throw(TypeError);
  });
});

describe('Manager: health and metrics', () => {
  const start = async (cluster: EmbeddedCluster, options: ManagerOptions = {}) => {
    const manager = Manager.create({
      cluster: cluster.transport(),
      log: silentLogger,
      health: local,
      metrics: local,
      ...options,
    });
    await manager.register(idle).start();
    return manager;
  };

  it('answers as components of Kubernetes do', async () => {
    await using cluster = await EmbeddedCluster.start({ controllers: false });
    await using manager = await start(cluster);
    manager.addReadyCheck('db', () => {}).addHealthCheck('own', () => {});
    const port = manager.healthPort;
    expect(await ask(port, '/healthz')).to.include({ status: 200, text: 'ok' });
    expect(await ask(port, '/livez')).to.include({ status: 200, text: 'ok' });
    expect((await ask(port, '/healthz?verbose')).text).to.equal(
      '[+]ping ok\n[+]event-loop ok\n[+]controllers ok\n[+]own ok\nhealthz check passed\n',
    );
    expect((await ask(port, '/readyz?verbose')).text).to.equal(
      '[+]ping ok\n[+]started ok\n[+]informers ok\n[+]db ok\nreadyz check passed\n',
    );
    expect((await ask(port, '/readyz?verbose&exclude=db&exclude=started')).text).to.equal(
      '[+]ping ok\n[+]informers ok\nreadyz check passed\n',
    );
    expect((await ask(port, '/readyz/db?verbose')).text).to.equal('[+]db ok\nreadyz check passed\n');
    expect((await ask(port, '/readyz/nothing')).status).to.equal(404);
    expect((await ask(port, '/metrics')).status).to.equal(404);
    expect(await ask(port, '/healthz', { method: 'POST' })).to.include({ status: 405 });
    expect(await ask(port, '/healthz', { method: 'HEAD' })).to.include({ status: 200, text: '' });
  });

  it('withholds from those who ask why a check failed', async () => {
    await using cluster = await EmbeddedCluster.start({ controllers: false });
    await using manager = await start(cluster);
    manager.addReadyCheck('db', () => Promise.reject(new Error('password hunter2')));
    expect(await ask(manager.healthPort, '/readyz')).to.include({
      status: 500,
      text: '[+]ping ok\n[+]started ok\n[+]informers ok\n[-]db failed: reason withheld\nreadyz check failed\n',
    });
    expect((await ask(manager.healthPort, '/healthz')).status).to.equal(200);
  });

  it('answers before anything else starts and until all else has stopped; ready only in between', async () => {
    await using cluster = await EmbeddedCluster.start({ controllers: false });
    const seen: string[] = [];
    const look = async (when: string): Promise<void> => {
      const [live, ready] = await Promise.all(
        ['/healthz', '/readyz'].map((path) => ask(manager.healthPort, path)),
      );
      seen.push(`${when}: ${live?.status} ${ready?.status}`);
    };
    const runnable: Runnable = {
      name: 'watcher',
      start: () => look('first to start'),
      stop: () => look('last to stop'),
    };
    const manager = Manager.create({ cluster: cluster.transport(), log: silentLogger, health: local });
    await manager.add(runnable).register(idle).start();
    await look('running');
    const port = manager.healthPort;
    await manager.stop();
    expect(seen).to.deep.equal(['first to start: 200 500', 'running: 200 200', 'last to stop: 200 200']);
    expect(manager.healthPort).to.equal(undefined);
    const gone = await ask(port, '/healthz').catch(() => 'gone');
    expect(gone).to.equal('gone');
  });

  it('is ready although a controller is held up, and not while caches are read', async () => {
    await using cluster = await EmbeddedCluster.start({ controllers: false });
    const transport = cluster.transport();
    let refuse = true;
    const refusing: Transport = {
      request: (request) => transport.request(request),
      watch: (request) => (refuse ? (never as never) : transport.watch(request)),
      close: () => {},
    };
    await using manager = Manager.create({ cluster: refusing, log: silentLogger, health: local });
    const slow = controllerFor(ConfigMap)
      .named('slow')
      .with({ cacheSyncTimeout: '300ms' })
      .reconcile(() => {});
    const started = manager.register(slow).start();
    await until(
      () => manager.healthPort,
      '/readyz',
      (status, text) => status === 500 && text.includes('[-]informers'),
    );
    await started;
    expect((await ask(manager.healthPort, '/readyz')).status).to.equal(200);
    refuse = false;
  });

  it('is not live when every worker of a controller is stuck', async () => {
    await using cluster = await EmbeddedCluster.start({ controllers: false });
    let release = (): void => {};
    const hanging = controllerFor(ConfigMap)
      .named('hanging')
      .with({ timeout: '50ms' })
      .reconcile(({ metadata }) =>
        metadata.name === 'a' ? new Promise<void>((resolve) => (release = resolve)) : undefined,
      );
    await using manager = Manager.create({ cluster: cluster.transport(), log: silentLogger, health: local });
    await manager.register(hanging).start();
    await cluster.client().create(ConfigMap, { metadata: { name: 'a', namespace: 'default' } });
    const port = () => manager.healthPort;
    const text = await until(port, '/healthz', (status) => status === 500);
    expect(text).to.contain('[-]controllers failed');
    release();
    await until(port, '/healthz', (status) => status === 200);
  });

  it('serves metrics as text, or as OpenMetrics to those who ask', async () => {
    await using cluster = await EmbeddedCluster.start({ controllers: false });
    await using manager = await start(cluster);
    manager.metrics.counter({ name: 'my_total', help: 'Mine.' }).of().inc();
    const plain = await ask(manager.metricsPort, '/metrics');
    expect(plain.headers.get('content-type')).to.equal('text/plain; version=0.0.4; charset=utf-8');
    expect(plain.text).to.contain('controller_runtime_max_concurrent_reconciles{controller="idle"} 1\n');
    expect(plain.text).to.contain('\nmy_total 1\n');
    expect(plain.text).to.contain('gyre_event_loop_lag_seconds_count');
    const open = await ask(manager.metricsPort, '/metrics', {
      headers: { accept: 'application/openmetrics-text;version=1.0.0' },
    });
    expect(open.headers.get('content-type')).to.contain('application/openmetrics-text; version=1.0.0');
    expect(open.text.endsWith('# EOF\n')).to.equal(true);
    expect((await ask(manager.metricsPort, '/healthz')).status).to.equal(404);
  });

  it('fails its start, naming the port, when that cannot be had', async () => {
    await using cluster = await EmbeddedCluster.start({ controllers: false });
    await using first = await start(cluster);
    const second = Manager.create({
      cluster: cluster.transport(),
      log: silentLogger,
      health: { ...local, port: first.healthPort as number },
      metrics: local,
    });
    const error = await second.start().catch((thrown: unknown) => thrown);
    expect(String(error)).to.contain(`health cannot listen on 127.0.0.1:${first.healthPort}`);
    expect(second.metricsPort).to.equal(undefined);
  });
});

describe('Manager: who may read metrics', () => {
  /** A cluster that answers reviews, and refuses everything else. */
  const reviewing = (asked: ApiRequest[], broken = false): Transport => ({
    request: async (request) => {
      asked.push(request);
      if (broken) return { status: 503, headers: {}, body: 'down' };
      const body = request.body as { kind: string; spec: Record<string, unknown> };
      const status =
        body.kind === 'TokenReview'
          ? {
              authenticated: body.spec.token !== 'stranger',
              user: { username: body.spec.token, groups: ['g'] },
            }
          : { allowed: body.spec.user === 'prometheus' };
      return { status: 201, headers: {}, body: { ...body, status } };
    },
    watch: () => Promise.reject(new Error('not asked')),
    close: () => {},
  });
  const setUp = async (transport: Transport, metrics: MetricsOptions = {}) => {
    const manager = Manager.create({
      cluster: transport,
      log: silentLogger,
      metrics: { ...local, auth: 'delegated', ...metrics },
    });
    await manager.start();
    const scrape = (token?: string) =>
      ask(manager.metricsPort, '/metrics', token ? { headers: { authorization: `Bearer ${token}` } } : {});
    return { manager, scrape };
  };

  it('lets the cluster say who asks and whether they may, and remembers both for a while', async () => {
    const asked: ApiRequest[] = [];
    const { manager, scrape } = await setUp(reviewing(asked));
    await using _ = manager;
    expect((await scrape()).status).to.equal(401);
    expect(asked).to.have.length(0);
    expect((await scrape('stranger')).status).to.equal(401);
    expect(await scrape('visitor')).to.include({
      status: 403,
      text: 'Authorization denied for user visitor\n',
    });
    asked.length = 0;
    expect((await scrape('prometheus')).status).to.equal(200);
    expect((await scrape('prometheus')).status).to.equal(200);
    expect(asked.map(({ path }) => path)).to.deep.equal([
      '/apis/authentication.k8s.io/v1/tokenreviews',
      '/apis/authorization.k8s.io/v1/subjectaccessreviews',
    ]);
    expect((asked[1] as ApiRequest & { body: { spec: unknown } }).body.spec).to.deep.equal({
      user: 'prometheus',
      groups: ['g'],
      nonResourceAttributes: { verb: 'get', path: '/metrics' },
    });
  });

  it('lets nobody in when the cluster does not answer', async () => {
    const { manager, scrape } = await setUp(reviewing([], true));
    await using _ = manager;
    const { status, text } = await scrape('prometheus');
    expect(status).to.equal(500);
    expect(text).not.to.contain('controller_runtime');
  });

  it('takes a function of the author instead', async () => {
    const { manager, scrape } = await setUp(reviewing([]), {
      auth: async ({ headers }) =>
        headers.authorization === 'Bearer mine' ? undefined : { status: 401, body: 'no\n' },
    });
    await using _ = manager;
    expect((await scrape('other')).status).to.equal(401);
    expect((await scrape('mine')).status).to.equal(200);
  });
});
