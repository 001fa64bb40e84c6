/** How the sizes of ReplicaSets follow from what is there: the pure parts of a Deployment. */
import { expect } from 'chai';
import fc from 'fast-check';
import { type Group, rollingUpdate } from 'gyre/controllers';
import type { Deployment, ReplicaSet } from 'gyre/kinds';
import { currentAnnotations } from '#src/builtin-controllers/deployment/annotations.js';
import { fencepostsOf } from '#src/builtin-controllers/deployment/fenceposts.js';
import { isScaling, scale } from '#src/builtin-controllers/deployment/scaling.js';
import { sameTemplate, templateHash } from '#src/builtin-controllers/deployment/template-hash.js';
import { template } from '../workloads/objects.js';

type Spec = Partial<Deployment['spec']>;
const deployment = (spec: Spec = {}, annotations: Readonly<Record<string, string>> = {}): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: {
    name: 'web',
    namespace: 'default',
    uid: 'd',
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: '2026-01-01T00:00:00Z',
    annotations,
  },
  spec: { selector: { matchLabels: { app: 'web' } }, template: template('nginx:1'), ...spec },
});
const set = (
  name: string,
  size: number,
  {
    available = size,
    desired,
    max,
    minute = 0,
    pods = size,
  }: { available?: number; desired?: number; max?: number; minute?: number; pods?: number } = {},
): ReplicaSet => ({
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: {
    name,
    namespace: 'default',
    uid: name,
    resourceVersion: '1',
    generation: 1,
    creationTimestamp: `2026-01-01T00:0${minute}:00Z`,
    annotations: {
      ...(desired === undefined ? {} : { 'deployment.kubernetes.io/desired-replicas': String(desired) }),
      ...(max === undefined ? {} : { 'deployment.kubernetes.io/max-replicas': String(max) }),
    },
  },
  spec: { replicas: size, selector: { matchLabels: { app: 'web' } }, template: template(name) },
  status: { replicas: pods, availableReplicas: available, observedGeneration: 1 },
});
const rolling = (maxSurge: number | string, maxUnavailable: number | string): Spec => ({
  strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
});

describe('D-5 fenceposts', () => {
  const rows: readonly (readonly [string, Spec, surge: number, unavailable: number])[] = [
    ['surge rounds up, unavailable down', { replicas: 10, ...rolling('25%', '25%') }, 3, 2],
    ['defaults are a quarter each', { replicas: 10 }, 3, 2],
    ['one replica: one more, none less', { replicas: 1, ...rolling('25%', '25%') }, 1, 0],
    ['numbers stand as they are', { replicas: 4, ...rolling(3, 2) }, 3, 2],
    ['both nothing: one may be unavailable', { replicas: 3, ...rolling('0%', '10%') }, 0, 1],
    ['never more than all unavailable', { replicas: 2, ...rolling(0, 5) }, 0, 2],
    ['no replicas', { replicas: 0, ...rolling('25%', '25%') }, 0, 0],
    ['percentages are exact', { replicas: 100, ...rolling('7%', '29%') }, 7, 29],
    ['Recreate has neither', { replicas: 4, strategy: { type: 'Recreate' } }, 0, 0],
  ];
  for (const [what, spec, maxSurge, maxUnavailable] of rows) {
    it(`D-5 ${what}`, () => {
      expect(fencepostsOf(deployment(spec))).to.deep.equal({ maxSurge, maxUnavailable });
    });
  }
});

describe('steps of a rolling update', () => {
  const group = (name: string, size: number, available = size, pods = size): Group => ({
    name,
    size,
    available,
    pods,
  });
  const step = (replicas: number, maxSurge: number, maxUnavailable: number, ...groups: Group[]) => {
    const [current = group('new', 0), ...old] = groups;
    return Object.fromEntries(rollingUpdate({ replicas, maxSurge, maxUnavailable, current, old }));
  };

  it('D-6 the new one grows by what the surge has room for', () => {
    expect(step(10, 3, 2, group('new', 0), group('old', 10))).to.deep.equal({ new: 3 });
  });
  it('D-6 the new one grows by what it lacks, if there is more room', () => {
    expect(step(10, 5, 0, group('new', 8), group('old', 2))).to.deep.equal({ new: 10 });
  });
  it('D-6 the new one shrinks to the wanted number', () => {
    expect(step(3, 1, 1, group('new', 5))).to.deep.equal({ new: 3 });
  });
  it('D-6 one action at a time: nothing shrinks while the new one grows', () => {
    expect(step(4, 1, 4, group('new', 0), group('old', 4))).to.deep.equal({ new: 1 });
  });
  it('D-6 pods that an old one still has take up room', () => {
    expect(step(4, 2, 0, group('new', 2), group('old', 2, 2, 4))).to.deep.equal({});
  });
  it('D-6 waits until all have acted on their present size', () => {
    expect(step(4, 2, 2, group('new', 2), { ...group('old', 2), pods: undefined })).to.deep.equal({});
  });
  it('D-7 old ones shrink by what may be missing', () => {
    expect(step(10, 3, 2, group('new', 3, 0), group('old', 10))).to.deep.equal({ old: 8 });
  });
  it('D-7 old ones shrink as new pods become available, the oldest first', () => {
    expect(step(10, 0, 2, group('new', 4, 4), group('a', 1), group('b', 5))).to.deep.equal({ a: 0, b: 4 });
  });
  it('D-7 what is not available goes first, from the oldest on', () => {
    expect(step(10, 3, 2, group('new', 3, 0), group('a', 5, 3), group('b', 5, 5))).to.deep.equal({ a: 3 });
  });
  it('D-7 no more goes than leaves the rest enough pods', () => {
    expect(step(4, 0, 1, group('new', 1, 0), group('old', 3))).to.deep.equal({});
  });
});

describe('D-9 scaling', () => {
  const scaled = (d: Deployment, current: ReplicaSet | undefined, ...old: ReplicaSet[]) =>
    Object.fromEntries(scale(d, { current, old }));

  it('D-9 is under way while an active one was sized for another number', () => {
    const d = deployment({ replicas: 5 });
    expect(isScaling(d, { current: set('new', 3, { desired: 3 }), old: [] })).to.equal(true);
    expect(
      isScaling(d, { current: set('new', 5, { desired: 5 }), old: [set('a', 0, { desired: 3 })] }),
    ).to.equal(false);
    expect(isScaling(d, { current: set('new', 5), old: [] })).to.equal(false);
  });
  it('D-9 the only active one gets the whole number', () => {
    expect(scaled(deployment({ replicas: 7 }), set('new', 0), set('a', 3))).to.deep.equal({ a: 7 });
    expect(scaled(deployment({ replicas: 7 }), set('new', 0), set('a', 0))).to.deep.equal({ new: 7 });
    expect(scaled(deployment({ replicas: 7 }), undefined, set('a', 0), set('b', 0))).to.deep.equal({ b: 7 });
  });
  it('D-9 beside a new one that is complete the old ones go', () => {
    const d = deployment({ replicas: 3 });
    expect(scaled(d, set('new', 3, { desired: 3 }), set('a', 2), set('b', 0))).to.deep.equal({ a: 0 });
  });
  it('D-9 growth is shared out in proportion, the rest goes to the largest', () => {
    const d = deployment({ replicas: 15, ...rolling(3, 2) });
    const sizes = scaled(d, set('new', 5, { max: 13 }), set('old', 8, { max: 13 }));
    expect(sizes).to.deep.equal({ old: 11, new: 7 });
    expect(
      scaled(
        deployment({ replicas: 10, ...rolling(0, 1) }),
        set('new', 1, { max: 3 }),
        set('old', 2, { max: 3 }),
      ),
    ).to.deep.equal({ old: 7, new: 3 });
  });
  it('D-9 shrinking is shared out in proportion', () => {
    const d = deployment({ replicas: 5, ...rolling(0, 1) });
    expect(scaled(d, set('new', 4, { max: 10 }), set('old', 6, { max: 10 }))).to.deep.equal({
      old: 3,
      new: 2,
    });
  });
  it('D-9 to nothing means nothing of any', () => {
    expect(
      scaled(deployment({ replicas: 0 }), set('new', 4, { max: 10 }), set('old', 6, { max: 10 })),
    ).to.deep.equal({ old: 0, new: 0 });
  });
  it('D-9 of equals the newer grows first, the older shrinks first', () => {
    const two = [set('new', 2, { max: 4, minute: 2 }), set('old', 2, { max: 4, minute: 1 })] as const;
    expect(scaled(deployment({ replicas: 5, ...rolling(0, 1) }), ...two)).to.deep.equal({ new: 3, old: 2 });
    expect(scaled(deployment({ replicas: 3, ...rolling(0, 1) }), ...two)).to.deep.equal({ new: 2, old: 1 });
  });
  it('D-9 waits with growth while one still has pods beyond its size', () => {
    const d = deployment({ replicas: 15, ...rolling(3, 2) });
    expect(scaled(d, set('new', 5, { max: 13 }), set('old', 8, { max: 13, pods: 9 }))).to.deep.equal({});
  });
  it('D-9 growth adds up to what is allowed, shrinking never goes below it (property)', () => {
    const sum = (sizes: readonly number[]) => sizes.reduce((a, b) => a + b, 0);
    const size = fc.integer({ min: 1, max: 20 });
    fc.assert(
      fc.property(
        fc.array(size, { minLength: 2, maxLength: 5 }),
        fc.integer({ min: 0, max: 30 }),
        fc.integer({ min: 0, max: 5 }),
        fc.integer({ min: 1, max: 40 }),
        (sizes, replicas, surge, max) => {
          const sets = sizes.map((n, i) => set(`s${i}`, n, { max, minute: i, available: 0 }));
          const next = Object.values(
            scaled(deployment({ replicas, ...rolling(surge, 1) }), sets[0], ...sets.slice(1)),
          );
          expect(Math.min(...next)).to.be.at.least(0);
          const [allowed, total, before] = [replicas === 0 ? 0 : replicas + surge, sum(next), sum(sizes)];
          // What rounding leaves over may be more than the largest has: the next steps take care of that.
          if (allowed >= before || allowed === 0) expect(total).to.equal(allowed);
          else expect(total).to.be.within(allowed, before);
        },
      ),
    );
  });
});

describe('D-4 annotations of the new ReplicaSet', () => {
  const revision = 'deployment.kubernetes.io/revision';
  const history = 'deployment.kubernetes.io/revision-history';
  const numbered = (n: number): ReplicaSet => ({
    ...set(`r${n}`, 0),
    metadata: { ...set(`r${n}`, 0).metadata, annotations: { [revision]: String(n) } },
  });

  it('D-4 the revision is one more than the highest of the old ones', () => {
    expect(currentAnnotations(deployment(), {}, [numbered(2), numbered(9), numbered(4)])).to.deep.equal({
      [revision]: '10',
    });
    expect(currentAnnotations(deployment(), {}, [])).to.deep.equal({ [revision]: '1' });
  });
  it('D-4 it is never lowered', () => {
    expect(currentAnnotations(deployment(), { [revision]: '7' }, [numbered(2)])).to.deep.equal({});
  });
  it('D-4 one that comes back remembers its former numbers', () => {
    const had = { [revision]: '3', [history]: '1' };
    expect(currentAnnotations(deployment(), had, [numbered(5)])).to.deep.equal({
      [revision]: '6',
      [history]: '1,3',
    });
  });
  it('D-4 the oldest numbers make room when the list grows beyond 2000 characters', () => {
    const long = Array.from({ length: 500 }, (_, i) => 100 + i).join();
    const next = currentAnnotations(deployment(), { [revision]: '800', [history]: long }, [numbered(900)]);
    expect(next[history]).to.match(/^101,.*,599,800$/);
    expect(next[history]?.length).to.be.at.most(2000);
  });
  it('D-4 annotations are copied but those that belong to kubectl and to the controller', () => {
    const given = {
      'kubernetes.io/change-cause': 'more speed',
      'kubectl.kubernetes.io/last-applied-configuration': '{}',
      [revision]: '44',
      [history]: '1',
      'deployment.kubernetes.io/desired-replicas': '9',
      'deployment.kubernetes.io/max-replicas': '9',
      'deprecated.deployment.rollback.to': '1',
    };
    expect(currentAnnotations(deployment({}, given), {}, [])).to.deep.equal({
      'kubernetes.io/change-cause': 'more speed',
      [revision]: '1',
    });
  });
});

describe('D-2 templates', () => {
  it('D-2 are the same whatever their hash label, their order and what is null', () => {
    const a = template('nginx:1', { app: 'web', 'pod-template-hash': 'x' });
    const b = { spec: a.spec, metadata: { creationTimestamp: null, labels: { app: 'web' } } };
    expect(sameTemplate(a, b)).to.equal(true);
    expect(sameTemplate(a, template('nginx:2'))).to.equal(false);
    expect(sameTemplate(a, template('nginx:1', { app: 'db' }))).to.equal(false);
    expect(templateHash(a, 0)).to.equal(templateHash(b, undefined));
  });
  it('D-2 have a hash in letters and digits that form no words, other after a collision', () => {
    const hashes = [0, 1, 2].map((count) => templateHash(template('nginx:1'), count));
    for (const hash of hashes) expect(hash).to.match(/^[bcdfghjklmnpqrstvwxz2456789]{7}$/);
    expect(new Set(hashes).size).to.equal(3);
    expect(templateHash(template('nginx:2'), 0)).to.not.equal(hashes[0]);
    // It names what is stored: it must not change with the program.
    expect(hashes[0]).to.equal(templateHash(structuredClone(template('nginx:1')), 0));
  });
});
