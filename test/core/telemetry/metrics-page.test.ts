/** docs/metrics.md says what there is, and nothing else. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import {
  ControllerMetrics,
  InformerMetrics,
  leaderMetrics,
  Registry,
  requestMetrics,
  webhookMetrics,
} from 'gyre';
import { VirtualClock } from 'gyre/testing';
import { eventLoopLag } from '#src/core/telemetry/event-loop-metrics.js';

function documented(): string[] {
  const page = readFileSync(new URL('../../../../docs/metrics.md', import.meta.url), 'utf8');
  return [...page.matchAll(/^\| `([a-z_]+)` \| (\w+) \|([^|]*)\|([^|]*)\|$/gm)].map(
    ([, name, type, labels, meaning]) => {
      expect(meaning?.trim(), name).to.not.equal('');
      return `${name} ${type} ${[...(labels ?? '').matchAll(/`(\w+)`/g)].map(([, label]) => label).join()}`;
    },
  );
}

function everything(): Registry {
  const registry = new Registry();
  const clock = new VirtualClock();
  new ControllerMetrics({ registry, clock });
  new InformerMetrics(registry);
  requestMetrics({ registry, clock, host: 'localhost' });
  leaderMetrics(registry, 'lease');
  webhookMetrics(registry);
  eventLoopLag(registry);
  return registry;
}

describe('docs/metrics.md', () => {
  it('lists every metric with its type and labels, and no other', () => {
    const registered = everything()
      .collect()
      .map(({ name, type, labels }) => `${name} ${type} ${labels.join()}`);
    expect(registered).to.have.length.greaterThan(20);
    expect(documented().sort()).to.deep.equal([...registered].sort());
  });
});

describe('metrics of webhooks and leader election', () => {
  const values = (registry: Registry, name: string): unknown[] =>
    registry
      .collect()
      .filter((family) => family.name === name)
      .flatMap(({ series }) =>
        series.map(({ labels, sample }) => [
          ...labels.map(([, value]) => value),
          'value' in sample ? sample.value : sample.count,
        ]),
      );

  it('are at zero when a webhook is added, and follow its requests', () => {
    const registry = new Registry();
    const webhooks = webhookMetrics(registry);
    webhooks.add('/validate');
    const total = 'controller_runtime_webhook_requests_total';
    expect(values(registry, total)).to.deep.equal([
      ['/validate', '200', 0],
      ['/validate', '500', 0],
    ]);
    const end = webhooks.begin('/validate');
    expect(values(registry, 'controller_runtime_webhook_requests_in_flight')).to.deep.equal([
      ['/validate', 1],
    ]);
    end(200, 0.02);
    webhooks.panicked();
    expect(values(registry, 'controller_runtime_webhook_requests_in_flight')).to.deep.equal([
      ['/validate', 0],
    ]);
    expect(values(registry, total)[0]).to.deep.equal(['/validate', '200', 1]);
    expect(values(registry, 'controller_runtime_webhook_latency_seconds')).to.deep.equal([['/validate', 1]]);
    expect(values(registry, 'controller_runtime_webhook_panics_total')).to.deep.equal([[1]]);
    expect(values(registry, 'controller_runtime_conversion_webhook_panics_total')).to.deep.equal([[0]]);
  });

  it('say who leads', () => {
    const registry = new Registry();
    const lease = leaderMetrics(registry, 'my-operator');
    expect(values(registry, 'leader_election_master_status')).to.deep.equal([['my-operator', 0]]);
    lease.leading(true);
    lease.slowpath();
    expect(values(registry, 'leader_election_master_status')).to.deep.equal([['my-operator', 1]]);
    lease.leading(false);
    expect(values(registry, 'leader_election_master_status')).to.deep.equal([['my-operator', 0]]);
    expect(values(registry, 'leader_election_slowpath_total')).to.deep.equal([['my-operator', 1]]);
  });
});
