/**
 * The promise of a rolling update, at every revision of the store: never more pods than the surge allows,
 * never fewer available ones than may be missing.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import {
  DeploymentController,
  deploymentController,
  ReplicaSetController,
  type RollingUpdate,
} from 'gyre/controllers';
import { Deployment } from 'gyre/kinds';
import { seededRandom, TestCluster } from 'gyre/testing';
import { fencepostsOf } from '#src/builtin-controllers/deployment/fenceposts.js';
import { lateNews, startManager, stopManager } from '../workloads/managers.js';
import { activePods, deployment, template } from '../workloads/objects.js';
import { RolloutObserver } from '../workloads/rollout-observer.js';
import { standInKubelet } from '../workloads/stand-in-kubelet.js';

type Amount = number | string;
type Turn = { readonly at: number } & ({ readonly image: string } | { readonly replicas: number });
interface Run {
  readonly seed: number;
  readonly replicas: number;
  readonly maxSurge: Amount;
  readonly maxUnavailable: Amount;
  /** What happens after the first template change, milliseconds after it. */
  readonly turns: readonly Turn[];
}

const percent = fc.integer({ min: 0, max: 100 }).map((n) => `${n}%`);
const amount = fc.oneof(fc.integer({ min: 0, max: 10 }), percent);
const base = {
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  replicas: fc.integer({ min: 1, max: 10 }),
  maxSurge: amount,
  maxUnavailable: amount,
};
/** The server refuses two zeros. */
const possible = ({ maxSurge, maxUnavailable }: Run): boolean =>
  Number.parseInt(String(maxSurge), 10) + Number.parseInt(String(maxUnavailable), 10) > 0;
const at = fc.integer({ min: 0, max: 30_000 });
const newTemplate = fc.record({ at, image: fc.constantFrom('nginx:1', 'nginx:3', 'nginx:4') });
const newSize = fc.record({ at, replicas: fc.integer({ min: 0, max: 10 }) });
const withTurns = (turn: fc.Arbitrary<Turn>, minLength: number, maxLength: number) =>
  fc
    .record({ ...base, turns: fc.array(turn, { minLength, maxLength }) })
    .map((run) => ({ ...run, turns: [...run.turns].sort((a, b) => a.at - b.at) }))
    .filter(possible);

interface Seen {
  readonly violations: readonly string[];
  readonly states: readonly string[];
  readonly revisions: number;
}

/** A rollout from `nginx:1` to `nginx:2` and what else the run says, looked at from its first pod on. */
async function rollout(run: Run, controller: typeof DeploymentController, lateMs = 0): Promise<Seen> {
  const { replicas, maxSurge, maxUnavailable, seed, turns } = run;
  const controllers = [controller, ReplicaSetController];
  await using t = await TestCluster.start({
    builtin: false,
    seed,
    controllers: [...(lateMs === 0 ? controllers : []), standInKubelet()],
  });
  // Each with caches of its own, as in processes of their own.
  const managers = [];
  for (const [i, each] of (lateMs === 0 ? [] : controllers).entries()) {
    const random = seededRandom(seed + i);
    managers.push(
      await startManager(t, [each], (id) => lateNews(t.cluster.target(id), t.clock, random, lateMs)),
    );
  }
  const spec = { replicas, strategy: { rollingUpdate: { maxSurge, maxUnavailable } } };
  const observer = new RolloutObserver(boundsOf(run));
  await observer.start(t.client);
  await t.apply(deployment('nginx:1', spec));
  await t.advance('2m');
  expect(t.get(Deployment, 'default/web').status?.availableReplicas).to.equal(replicas);

  let [image, size] = ['nginx:2', replicas];
  await t.apply(deployment(image, spec));
  let now = 0;
  for (const turn of turns) {
    await t.advance(turn.at - now);
    now = turn.at;
    if ('image' in turn) image = turn.image;
    else size = turn.replicas;
    await t.apply(deployment(image, { ...spec, replicas: size, template: template(image) }));
  }
  await t.advance('10m');
  observer.stop();
  for (const manager of managers) await stopManager(t, manager);

  const pods = await activePods(t);
  expect(pods.map((pod) => pod.spec?.containers[0]?.image)).to.deep.equal(Array(size).fill(image));
  const { status } = t.get(Deployment, 'default/web');
  expect([status?.updatedReplicas ?? 0, status?.availableReplicas ?? 0]).to.deep.equal([size, size]);
  return observer;
}

/** For one size, what the Deployment promises; for several, what holds for any of them. */
function boundsOf({ replicas, maxSurge, maxUnavailable, turns }: Run) {
  const sizes = [replicas, ...turns.flatMap((turn) => ('replicas' in turn ? [turn.replicas] : []))];
  const posts = sizes.map((size) => {
    const spec = { replicas: size, strategy: { rollingUpdate: { maxSurge, maxUnavailable } } };
    return { size, ...fencepostsOf({ spec } as never) };
  });
  return {
    replicas,
    most: Math.max(...posts.map((p) => p.size + p.maxSurge)),
    least: Math.min(...posts.map((p) => p.size - p.maxUnavailable)),
  };
}

const check = (
  arbitrary: fc.Arbitrary<Run>,
  numRuns: number,
  look: (seen: Seen, run: Run) => void,
  lateMs = 0,
) =>
  fc.assert(
    fc.asyncProperty(arbitrary, async (run) => {
      const seen = await rollout(run, DeploymentController, lateMs);
      expect(seen.violations).to.deep.equal([]);
      look(seen, run);
    }),
    { numRuns, seed: 20260101 },
  );

describe('rolling updates, at every revision', function () {
  this.timeout(120_000);

  it('D-6 D-7 keep within maxSurge and maxUnavailable, in small steps', async () => {
    await check(withTurns(newTemplate, 0, 0), 60, ({ states, revisions }, { replicas }) => {
      const first = states.findIndex(
        (state) => state.includes('nginx:2') || !state.startsWith(`${replicas} `),
      );
      expect(first).to.be.greaterThan(-1);
      // The first and the last picture of a rollout are not between them.
      expect(states.length - first - 1).to.be.at.least(3);
      expect(revisions).to.be.at.least(4 * replicas);
    });
  });

  it('D-2 D-7 keep within them when the template changes again on the way', async () => {
    await check(withTurns(newTemplate, 1, 3), 40, () => {});
  });

  it('D-9 stay within the bounds of all sizes when scaled on the way', async () => {
    await check(withTurns(newSize, 1, 3), 40, () => {});
  });

  it('D-2 D-9 stay within the bounds of all sizes when both happen', async () => {
    await check(withTurns(fc.oneof(newTemplate, newSize), 2, 5), 30, () => {});
  });

  it('D-6 D-7 keep within maxSurge and maxUnavailable when all news come late', async () => {
    await check(withTurns(newTemplate, 0, 2), 30, () => {}, 3000);
  });

  it('D-9 stay within the bounds of all sizes when all news come late', async () => {
    await check(withTurns(fc.oneof(newTemplate, newSize), 1, 4), 30, () => {}, 3000);
  });

  const run: Run = { seed: 7, replicas: 6, maxSurge: 2, maxUnavailable: 1, turns: [] };
  const broken: Readonly<Record<string, RollingUpdate>> = {
    'forgets the surge': ({ replicas, current, old }) =>
      new Map([
        [current.name, replicas],
        ...(current.available < replicas ? [] : old.map(({ name }) => [name, 0] as const)),
      ]),
    'ends the old ones at once': ({ replicas, maxSurge, current, old }) => {
      const size = Math.min(replicas, replicas + maxSurge - old.reduce((total, set) => total + set.size, 0));
      return new Map([
        [current.name, Math.max(size, current.size)],
        ...old.map(({ name }) => [name, 0] as const),
      ]);
    },
    'counts pods that are not ready': ({ replicas, maxSurge, maxUnavailable, current, old }) => {
      const others = old.reduce((total, { size, pods }) => total + Math.max(size, pods ?? size), 0);
      const size = Math.min(replicas, Math.max(current.size, replicas + maxSurge - others));
      if (size !== current.size) return new Map([[current.name, size]]);
      const keep = Math.max(0, replicas - maxUnavailable - current.size);
      return new Map(old.map(({ name, size }) => [name, Math.min(size, keep)]));
    },
  };
  for (const [what, step] of Object.entries(broken)) {
    it(`notices a step that ${what}`, async () => {
      expect((await rollout(run, DeploymentController)).violations).to.deep.equal([]);
      expect(
        (await rollout(run, deploymentController({ rollingUpdate: step }))).violations,
      ).to.not.deep.equal([]);
    });
  }
});
