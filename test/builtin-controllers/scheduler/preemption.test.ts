/** Who would have to go (SC-9): the pure decision. */
import { expect } from 'chai';
import { seededRandom } from 'gyre/testing';
import { preempt } from '#src/builtin-controllers/scheduler/preemption.js';
import { node, pod, Stage } from './world.js';

const small = (name: string) => node(name, { allocatable: { cpu: '2' } });
const of = (name: string, cpu: string, priority: number, startTime?: string) => ({
  ...pod(name, { cpu, spec: { priority } }),
  ...(startTime ? { status: { startTime } } : {}),
});

/** `node: victims`, or the message. */
function outcome(stage: Stage, it: ReturnType<typeof pod>): string {
  const decision = stage.decide(it);
  if ('node' in decision) return `fits ${decision.node.name}`;
  const before = stage.nodes.map(({ requested, pods }) => [requested.milliCpu, [...pods.keys()].sort()]);
  const found = preempt(decision.cycle, decision.failure, seededRandom(1));
  const after = stage.nodes.map(({ requested, pods }) => [requested.milliCpu, [...pods.keys()].sort()]);
  expect(after, 'what was tried is undone').to.deep.equal(before);
  if ('message' in found) return found.message;
  return `${found.node.name}: ${found.victims.map((victim) => victim.pod.metadata.name).join(' ')}`;
}

describe('SC-9 preemption', () => {
  it('ends the least important, and no more than it must', () => {
    const stage = new Stage([small('a')]);
    stage.run(of('x', '500m', 1), 'a');
    stage.run(of('y', '500m', 2), 'a');
    stage.run(of('z', '1', 3), 'a');
    expect(outcome(stage, of('p', '1', 10))).to.equal('a: y x');
    expect(outcome(stage, of('p', '500m', 10))).to.equal('a: x');
    expect(outcome(stage, of('p', '2', 10))).to.equal('a: z y x');
  });

  it('ends nobody as important', () => {
    const stage = new Stage([small('a')]);
    stage.run(of('x', '2', 10), 'a');
    expect(outcome(stage, of('p', '1', 10))).to.equal(
      'preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod.',
    );
  });

  it('does not help where fewer pods would not', () => {
    const stage = new Stage([node('a', { unschedulable: true }), small('b')]);
    stage.run(of('x', '1', 1), 'a');
    stage.run(of('y', '1', 1), 'b');
    expect(outcome(stage, of('p', '4', 10))).to.equal(
      'preemption: 0/2 nodes are available: 1 Insufficient cpu, 1 Preemption is not helpful for scheduling.',
    );
  });

  for (const [what, a, b, expected] of [
    ['the lower of the highest victims', [['x', 5]], [['y', 4]], 'b: y'],
    [
      'the smaller sum',
      [
        ['x', 5],
        ['y', 5],
      ],
      [
        ['z', 5],
        ['w', 1],
      ],
      'b: z w',
    ],
    [
      'the victims that began last',
      [['x', 5, '2026-01-01T00:00:00Z']],
      [['y', 5, '2026-01-02T00:00:00Z']],
      'b: y',
    ],
  ] as const) {
    it(`prefers ${what}`, () => {
      const stage = new Stage([small('a'), small('b')]);
      for (const [on, pods] of [
        ['a', a],
        ['b', b],
      ] as const) {
        for (const [name, priority, start] of pods as readonly (readonly [string, number, string?])[]) {
          stage.run(of(name, `${2000 / pods.length}m`, priority, start), on);
        }
      }
      expect(outcome(stage, of('p', '2', 10))).to.equal(expected);
    });
  }

  it('sees that ending a pod ends its anti-affinity', () => {
    const term = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'p' } } };
    const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
    const stage = new Stage([small('a')]);
    stage.run(pod('hermit', { spec: { priority: 1, affinity } }), 'a');
    stage.run(of('quiet', '100m', 1), 'a');
    const p = pod('p', { labels: { app: 'p' }, cpu: '1', spec: { priority: 10 } });
    expect(outcome(stage, p)).to.equal('a: hermit');
  });

  it('sees that ending a pod makes room for one that keeps away from it', () => {
    const term = { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { app: 'noisy' } } };
    const affinity = { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: [term] } };
    const stage = new Stage([small('a')]);
    stage.run(pod('noisy', { labels: { app: 'noisy' }, spec: { priority: 1 } }), 'a');
    stage.run(of('quiet', '100m', 1), 'a');
    expect(outcome(stage, pod('p', { cpu: '1', spec: { priority: 10, affinity } }))).to.equal('a: noisy');
  });

  it('sees that ending a pod evens out a skew', () => {
    const constraint = {
      maxSkew: 1,
      topologyKey: 'kubernetes.io/hostname',
      whenUnsatisfiable: 'DoNotSchedule' as const,
      labelSelector: { matchLabels: { app: 'p' } },
    };
    const stage = new Stage([small('a'), node('b', { unschedulable: true })]);
    stage.run(pod('same', { labels: { app: 'p' }, spec: { priority: 1 } }), 'a');
    stage.run(of('other', '100m', 1), 'a');
    const p = pod('p', {
      labels: { app: 'p' },
      spec: { priority: 10, topologySpreadConstraints: [constraint] },
    });
    expect(outcome(stage, p)).to.equal('a: same');
  });

  it('waits while victims are on their way out where room was promised', () => {
    const stage = new Stage([small('a')]);
    const leaving = of('x', '2', 1);
    stage.run(
      { ...leaving, metadata: { ...leaving.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } },
      'a',
    );
    const p = of('p', '1', 10);
    const decision = stage.decide(p);
    if ('node' in decision) throw new Error('it does not fit yet');
    stage.promised.set(decision.cycle.pod, 'a');
    expect(outcome(stage, p)).to.equal(
      'preemption: not eligible due to a terminating pod on the nominated node.',
    );
  });
});
