/** The scheduler while pods and nodes come and go and bindings fail: nothing is overdrawn, nothing is stuck. */
import { expect } from 'chai';
import fc from 'fast-check';
import { OutcomeUnknown, type Transport } from 'gyre/api';
import { Node, Pod } from 'gyre/kinds';
import { pod, World } from './world.js';

type Step =
  | { readonly do: 'pod'; readonly cpu: number; readonly priority: number }
  | { readonly do: 'delete'; readonly nth: number }
  | { readonly do: 'end'; readonly nth: number }
  | { readonly do: 'node' | 'nodeGone'; readonly nth: number }
  | { readonly do: 'wait'; readonly seconds: number };

const nth = fc.nat(3);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('pod' as const),
      cpu: fc.constantFrom(0, 300, 700, 1000),
      priority: fc.constantFrom(0, 0, 5),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('delete' as const, 'end' as const), nth: fc.nat(20) }),
  },
  fc.record({ do: fc.constant('node' as const), nth }),
  fc.record({ do: fc.constant('nodeGone' as const), nth }),
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), seconds: fc.nat(3) }) },
);

/** What becomes of each binding in turn: it works, is refused, or its answer is lost before or after. */
type Luck = 'ok' | 'refused' | 'lostBefore' | 'lostAfter';
const luck = fc.array(fc.constantFrom<Luck>('ok', 'ok', 'refused', 'lostBefore', 'lostAfter'), {
  maxLength: 30,
});

const allocatable = { cpu: '1', pods: '3' };

function unlucky(fates: Luck[]): (transport: Transport) => Transport {
  return (transport) => ({
    watch: (request) => transport.watch(request),
    close: () => transport.close(),
    async request(request) {
      if (!request.path.endsWith('/binding')) return transport.request(request);
      const fate = fates.shift() ?? 'ok';
      if (fate === 'refused') {
        const body = { kind: 'Status', status: 'Failure', reason: 'Forbidden', code: 403, message: 'no' };
        return { status: 403, headers: {}, body };
      }
      if (fate === 'lostBefore') throw new OutcomeUnknown('lost');
      const answer = await transport.request(request);
      if (fate === 'lostAfter') throw new OutcomeUnknown('lost');
      return answer;
    },
  });
}

async function pods(world: World): Promise<Pod[]> {
  const found: Pod[] = [];
  for await (const each of world.client.list(Pod)) found.push(each);
  return found;
}

const living = ({ status }: Pod): boolean => status?.phase !== 'Succeeded';
const milli = ({ spec }: Pod): number =>
  Number.parseInt(String(spec.containers[0]?.resources?.requests?.cpu ?? '0'), 10);

async function checkRoom(world: World): Promise<void> {
  const byNode = new Map<string, Pod[]>();
  for (const it of (await pods(world)).filter(living)) {
    const { nodeName } = it.spec;
    if (nodeName) byNode.set(nodeName, [...(byNode.get(nodeName) ?? []), it]);
  }
  for (const [name, on] of byNode) {
    expect(on.length, `pods on ${name}`).to.be.at.most(3);
    expect(
      on.reduce((sum, it) => sum + milli(it), 0),
      `cpu on ${name}`,
    ).to.be.at.most(1000);
  }
}

describe('Scheduler, whatever happens', () => {
  it('overdraws no node, moves no pod, and leaves no pod waiting that fits (property)', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), luck, async (steps, given) => {
        const fates = [...given];
        const world = await World.start({ wrap: unlucky(fates) });
        try {
          const bound = new Map<string, string>();
          let made = 0;
          for (const it of steps) {
            const now = await pods(world);
            const chosen = 'nth' in it && now.length > 0 ? now[it.nth % now.length] : undefined;
            const key = `default/${chosen?.metadata.name}` as const;
            if (it.do === 'pod') {
              const { cpu, priority } = it;
              const name = `p${made++}`;
              await world.create(pod(name, { ...(cpu ? { cpu: `${cpu}m` } : {}), spec: { priority } }));
            } else if (it.do === 'delete' && chosen) {
              await world.client.delete(Pod, key, { gracePeriodSeconds: 0 });
            } else if (it.do === 'end' && chosen?.spec.nodeName) {
              const patch = { status: { phase: 'Succeeded' } };
              await world.client.patchRaw(Pod, key, { type: 'merge', patch }, { subresource: 'status' });
            } else if (it.do === 'node') {
              if (!(await world.client.find(Node, `n${it.nth}`)))
                await world.addNode(`n${it.nth}`, { allocatable });
            } else if (it.do === 'nodeGone') {
              if (await world.client.find(Node, `n${it.nth}`)) await world.client.delete(Node, `n${it.nth}`);
            } else if (it.do === 'wait') await world.clock.advance(`${it.seconds}s`);
            await world.clock.settle();
            await checkRoom(world);
            for (const { metadata, spec } of await pods(world)) {
              const before = bound.get(metadata.uid);
              if (before) expect(spec.nodeName).to.equal(before);
              else if (spec.nodeName) bound.set(metadata.uid, spec.nodeName);
            }
          }
          // Victims that never end would keep their room for ever: there is no kubelet here to end them.
          await world.clock.advance('1m');
          for (const { metadata } of (await pods(world)).filter(({ metadata: m }) => m.deletionTimestamp)) {
            await world.client.delete(Pod, `default/${metadata.name}`, { gracePeriodSeconds: 0 });
          }
          await world.clock.advance('6m');
          // From here on all goes well: then nothing may wait longer than its back-off.
          fates.length = 0;
          const waiting = (await pods(world)).filter(({ spec }) => !spec.nodeName);
          await world.addNode('rescue', { allocatable: { cpu: '64', pods: '110' } });
          await world.clock.advance('15s');
          for (const { metadata } of waiting) expect(await world.nodeOf(metadata.name)).to.be.a('string');
        } finally {
          await world.stop();
        }
      }),
      { numRuns: 25 },
    );
  });
});
