/** What the scheduler believes of the nodes, whatever happens and in whatever order. */
import { expect } from 'chai';
import fc from 'fast-check';
import { hostPortsOf } from '#src/builtin-controllers/scheduler/host-ports.js';
import type { NodeInfo } from '#src/builtin-controllers/scheduler/node-info.js';
import { PodInfo } from '#src/builtin-controllers/scheduler/pod-info.js';
import { node, pod, Stage } from './world.js';

const nodeNames = ['a', 'b', 'c'];
const podIds = [0, 1, 2, 3, 4, 5, 6, 7];

type Step =
  | {
      readonly do: 'arrive';
      readonly id: number;
      readonly cpu: number;
      readonly port: boolean;
      readonly far: boolean;
      readonly owner: boolean;
    }
  | { readonly do: 'confirm' | 'fail' | 'delete' | 'elsewhere'; readonly id: number }
  | { readonly do: 'node'; readonly name: string; readonly cpu: number }
  | { readonly do: 'nodeGone'; readonly name: string };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('arrive' as const),
      id: fc.constantFrom(...podIds),
      cpu: fc.integer({ min: 0, max: 1500 }),
      port: fc.boolean(),
      far: fc.boolean(),
      owner: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('confirm' as const, 'fail' as const, 'delete' as const, 'elsewhere' as const),
      id: fc.constantFrom(...podIds),
    }),
  },
  fc.record({
    do: fc.constant('node' as const),
    name: fc.constantFrom(...nodeNames),
    cpu: fc.integer({ min: 500, max: 3000 }),
  }),
  fc.record({ do: fc.constant('nodeGone' as const), name: fc.constantFrom(...nodeNames) }),
);

function sums(info: NodeInfo): object {
  return {
    cpu: info.requested.milliCpu,
    memory: info.requested.memory,
    others: [...(info.requested.others ?? [])],
    scoring: info.scoringRequested.milliCpu,
    ports: info.ports.size,
    affinity: info.withAffinity.size,
    antiAffinity: info.withAntiAffinity.size,
    owners: [...info.owners].sort(),
  };
}

function recomputed(pods: readonly PodInfo[]): object {
  const owners = new Map<string, number>();
  for (const { owner } of pods) if (owner) owners.set(owner, (owners.get(owner) ?? 0) + 1);
  return {
    cpu: pods.reduce((sum, { requests }) => sum + requests.milliCpu, 0),
    memory: 0,
    others: [],
    scoring: pods.reduce((sum, { scoringRequests }) => sum + scoringRequests.milliCpu, 0),
    ports: new Set(pods.flatMap(({ pod: { spec } }) => hostPortsOf(spec).map(({ port }) => port))).size,
    affinity: pods.filter(({ affinity }) => affinity).length,
    antiAffinity: pods.filter(({ affinity }) => (affinity?.antiAffinity.length ?? 0) > 0).length,
    owners: [...owners].sort(),
  };
}

describe('SchedulerCache', () => {
  it('sums up exactly what is there, and nothing it decided overdraws a node (property)', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const stage = new Stage([]);
        /** Where each pod is, by the model. */
        const where = new Map<string, { info: PodInfo; node: string; assumed: boolean }>();
        let arrivals = 0;
        const current = new Map<number, string>();
        for (const it of steps) {
          if (it.do === 'node') {
            stage.cache.setNode(node(it.name, { allocatable: { cpu: `${it.cpu}m`, pods: '3' } }));
          } else if (it.do === 'nodeGone') stage.cache.removeNode(it.name);
          else if (it.do === 'arrive') {
            if (current.has(it.id) && where.has(current.get(it.id) as string)) continue;
            const name = `p${it.id}-${arrivals++}`;
            const anti = [
              { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: { far: 'y' } } },
            ];
            const arriving = pod(name, {
              cpu: `${it.cpu}m`,
              ...(it.port ? { hostPort: 80 } : {}),
              ...(it.owner ? { owner: 'rs' } : {}),
              ...(it.far
                ? {
                    labels: { far: 'y' },
                    spec: {
                      affinity: { podAntiAffinity: { requiredDuringSchedulingIgnoredDuringExecution: anti } },
                    },
                  }
                : {}),
            });
            const decision = stage.decide(arriving);
            if (!('node' in decision)) continue;
            const info = new PodInfo(arriving);
            const { allocatable, requested } = decision.node;
            if (it.cpu > 0) expect(requested.milliCpu + it.cpu).to.be.at.most(allocatable.milliCpu);
            expect(decision.node.pods.size).to.be.below(3);
            if (it.port) expect(decision.node.ports.size).to.equal(0);
            if (it.far) expect(decision.node.withAntiAffinity.size).to.equal(0);
            stage.cache.assume(info, decision.node.name);
            current.set(it.id, info.uid);
            where.set(info.uid, { info, node: decision.node.name, assumed: true });
          } else {
            const uid = current.get(it.id);
            const at = uid === undefined ? undefined : where.get(uid);
            if (uid === undefined || !at) continue;
            if (it.do === 'confirm') {
              stage.run(at.info.pod, at.node);
              at.assumed = false;
            } else if (it.do === 'elsewhere') {
              // Somebody else was faster.
              if (!at.assumed) continue;
              stage.run(at.info.pod, 'elsewhere');
              where.set(uid, { ...at, node: 'elsewhere', assumed: false });
            } else if (it.do === 'fail') {
              stage.cache.forget(uid);
              if (at.assumed) where.delete(uid);
            } else {
              stage.cache.removePod(uid);
              where.delete(uid);
            }
          }
          for (const name of [...nodeNames, 'elsewhere']) {
            const info = stage.cache.node(name);
            const there = [...where.values()].filter((at) => at.node === name).map(({ info: of }) => of);
            if (info) expect(sums(info)).to.deep.equal(recomputed(there));
            else expect(there).to.have.length(0);
          }
          expect(stage.cache.assumed).to.equal([...where.values()].filter(({ assumed }) => assumed).length);
          const listed = stage.nodes.map(({ name }) => name);
          expect(new Set(listed).size).to.equal(listed.length);
          for (const info of stage.nodes) expect(info.node).to.not.equal(undefined);
          expect([...stage.nodesWithAntiAffinity].every((info) => info.withAntiAffinity.size > 0)).to.equal(
            true,
          );
        }
      }),
      { numRuns: 200 },
    );
  });

  it('takes no notice of heartbeats', () => {
    const stage = new Stage([node('a')]);
    const beat = { ...node('a'), metadata: { ...node('a').metadata, resourceVersion: '2' } };
    expect(stage.cache.setNode(beat)).to.equal(undefined);
    expect(stage.cache.setNode(node('a', { unschedulable: true }))).to.include({ added: false });
  });

  it('keeps what runs on a node that is deleted and comes back', () => {
    const stage = new Stage([node('a', { allocatable: { cpu: '1' } })]);
    const info = stage.run(pod('p', { cpu: '1' }), 'a');
    stage.cache.removeNode('a');
    expect(stage.answer(pod('q'))).to.equal('no nodes available to schedule pods');
    stage.cache.setNode(node('a', { allocatable: { cpu: '1' } }));
    expect(stage.answer(pod('q', { cpu: '1' }))).to.match(/Insufficient cpu/);
    stage.cache.removePod(info.uid);
    expect(stage.answer(pod('q', { cpu: '1' }))).to.equal('a');
  });
});
